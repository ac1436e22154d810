"""What a policy says of picking and packing (R-FUL-01..06, R-FUL-11)."""

from msgspec import Struct

from processors.policy_fields import Days, Minutes, Name, PerTier


class Handling(Struct, frozen=True, forbid_unknown_fields=True):
    """How a tier's orders are handled: a head start in picking, in minutes, and what packers do and put in (R-FUL-02, R-FUL-04)."""

    priority: Minutes = 0
    packing: tuple[Name, ...] = ()
    inserts: tuple[Name, ...] = ()


class Fulfilment(Struct, frozen=True, forbid_unknown_fields=True):
    """How orders are flagged. Every order is picked within `longest_wait_minutes` of the calendar, VIPs or not (R-FUL-01).

    Of the single benefits that people give, `benefits_in_parcel` are put in. Orders of nothing but rewards have a lane of
    their own (R-FUL-11). What was never reported as dispatched counts as dispatched some local days after the order.
    """

    handling: PerTier[Handling]
    longest_wait_minutes: Minutes
    calendar: Name = "always"
    benefits_in_parcel: tuple[Name, ...] = ()
    lane: Name = "standard"
    reward_lane: Name = "rewards"
    assumed_dispatch_days: Days = 14
