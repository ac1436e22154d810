"""Return rights: which policy and whose tier govern a return, and until when each line may come back (R-RET-02, R-RET-08)."""

from typing import NamedTuple

from processors.customer import Customer
from processors.entitlements import entitlement
from processors.local_time import end_of
from processors.order import Order
from processors.policy import Policy, ReturnRight
from schemas.decided import Condition


class Rights(NamedTuple):
    """What governs a return: a policy, a tier under it, and the condition that chose the right."""

    policy: Policy
    tier: str | None
    right: ReturnRight
    entitled: Condition

    @property
    def window_days(self) -> int:
        """Local days after delivery; the law's floor is everybody's (T-30)."""
        return max(self.right.window_days, self.policy.returns.statutory_days)


def _under(order: Order, customer: Customer, policy: Policy) -> Rights:
    at_order = policy.returns.tier_at == "order" and order.placed_at is not None
    tier, moved_by = (order.tier, order.placed_by) if at_order else (customer.tier, customer.moved.tier)
    name = "tier_at_order" if at_order else "tier_at_request"
    right, entitled = entitlement(policy.returns.rights, tier, "return", name, moved_by)
    return Rights(policy, tier, right, entitled)


def rights(order: Order, customer: Customer, at_order: Policy, now: Policy) -> Rights:
    """Those of the policy of the order's date, or of the one in force where that is kinder and says that it counts (T-30)."""
    then = _under(order, customer, at_order)
    if order.placed_at is None or now.returns.later_policy == "ignored":
        return then
    today = _under(order, customer, now)
    return today if ends_at(order, None, today) > ends_at(order, None, then) else then


def ends_at(order: Order, line_id: str | None, of: Rights) -> int:
    """The first instant after a line's window, or with None the order's: local days, to the end of the last one (T-29).

    What was never reported as delivered counts as delivered some days after the order: its window is not endless (T-28).
    A person may have extended it (R-RET-07). Raises `ValueError` for an order that is not known.
    """
    if order.placed_at is None:
        raise ValueError("an order that is not known has no window")
    zone, delivered_at = of.policy.time_zone, _delivered_at(order, line_id, of.policy)
    if delivered_at is not None:
        end = end_of(delivered_at, of.window_days, zone)
    else:
        end = end_of(order.placed_at, of.policy.returns.assumed_delivery_days + of.window_days, zone)
    return max(end, order.extended_until or end)


def _delivered_at(order: Order, line_id: str | None, policy: Policy) -> int | None:
    """When a line arrived, with the last of its shipments; None while one of them is on its way."""
    own = [each.delivered_at for each in order.shipments if line_id in each.lines]
    if policy.returns.window_from == "order" or line_id is None or not own or order.whole_at is not None:
        return order.delivered_at
    arrived = [each for each in own if each is not None]
    return max(arrived) if len(arrived) == len(own) else None
