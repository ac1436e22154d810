"""Parts: the facts of each id of a customer who has several, and what they come to together (R-CUST-11, T-24).

A part is what its own id's events say, whatever it is linked with: so a link can be undone, and it does not matter whether
events come before or after it (T-16). Its standing is the one that the id had when it was linked.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import reduce

from msgspec.structs import replace

from processors import consents, span, subscriptions
from processors.activity import Activity
from processors.customer import CUSTOMERS, Customer, earned
from processors.designation import counts
from processors.episodes import Alert, Consent, Opened, open_alert
from processors.overlaps import Overlap
from processors.people import merged
from processors.policy import Policy, rank
from processors.recent import latest
from processors.returns import BUCKETS
from processors.rows import Rows, Table
from processors.subscriptions import SUBSCRIPTIONS, Subscriptions

PARTS = Table(
    "parts",
    b"e",
    Customer,
    "facts of each id that is linked, and how it stood before, by customer",
    CUSTOMERS.version,
    CUSTOMERS.upgrades,
)
NOTED = {"since": "since", "value_minor": "value", "last_order_at": "last_order", "returned": "returned"}
"""Facts that rules note themselves when they move, by the field of `Moved` that says by what."""


def load(rows: Rows, ids: Iterable[str]) -> dict[str, Customer]:
    """The parts of a family."""
    return {each: rows.get(PARTS, each) or Customer() for each in ids}


def part_of(customer: Customer) -> Customer:
    """A customer's row as the part of its id: what is armed stays where it is."""
    return replace(customer, timers=(), fired=(), host=None, family=())


def _returned(parts: Iterable[Customer]) -> tuple[tuple[int, int], ...]:
    months = sum((Counter(dict(part.returned)) for part in parts), Counter[int]())
    return tuple(sorted(months.items())[-BUCKETS:])


def _consents(parts: Iterable[Customer]) -> tuple[Consent, ...]:
    return reduce(consents.hear, (each for part in parts for each in part.consents), ())


def _activity(standing: Activity, parts: Sequence[Customer], overlap: Overlap) -> Activity:
    """What they did. How far windows and stages are is looked at with the tier."""
    activities = [part.activity for part in parts]
    return replace(
        standing,
        months=reduce(span.joined, (each.months for each in activities)),
        days=reduce(span.joined, (each.days for each in activities)),
        referrals=sum(each.referrals for each in activities) + overlap.referrals,
        complaints=sum(each.complaints for each in activities) + overlap.complaints,
        answers=sum(each.answers for each in activities) + overlap.answers,
        awaited=sum(each.awaited for each in activities) + overlap.awaited,
    )


def together(customer: Customer, parts: Mapping[str, Customer], overlap: Overlap) -> Customer:
    """The customer with the facts of all parts; subscriptions aside, which are looked at where they change."""
    each = list(parts.values())
    births = [part.birth for part in each if part.birth]
    return replace(
        customer,
        since=min((part.since for part in each if part.since is not None), default=None),
        value_minor=sum(part.value_minor for part in each) + overlap.value_minor,
        orders=sum(part.orders for part in each) + overlap.orders,
        first_order_at=min((part.first_order_at for part in each if part.first_order_at is not None), default=None),
        last_order_at=max((part.last_order_at for part in each if part.last_order_at is not None), default=None),
        returned=_returned(each),
        consents=_consents(each),
        birth=max(births, key=lambda birth: (birth.told_at, -birth.month), default=None),
        activity=_activity(customer.activity, each, overlap),
        recent=latest(happened for part in each for happened in part.recent),
    )


def subscribed(rows: Rows, customer: Customer, ids: Iterable[str]) -> Customer:
    """The customer with the membership that follows from the subscriptions of all ids."""
    known = subscriptions.joined(rows.get(SUBSCRIPTIONS, each) or Subscriptions() for each in ids)
    return replace(customer, membership=subscriptions.membership(known))


def noted(before: Customer, after: Customer, cause: str) -> Customer:
    """The customer with what moved those facts that rules note themselves where an id stands alone (T-48)."""
    names = [name for field, name in NOTED.items() if getattr(before, field) != getattr(after, field)]
    return replace(after, moved=replace(after.moved, **dict.fromkeys(names, cause))) if names else after


def _episode(one: Alert | None, other: Alert | None) -> Alert | None:
    """Of two silences the one that has not ended, else the later one."""
    known = [each for each in (one, other) if each]
    return max(known, key=lambda each: (open_alert(each) is not None, each.at, each.decision_id), default=None)


def _opened(*both: Customer) -> tuple[Opened, ...]:
    """Of a launch that both were told of, what was told last, and best."""
    told = sorted(
        (each for customer in both for each in customer.opened),
        key=lambda each: (each.released_at, each.discount_percent),
    )
    found = {each.launch_id: each for each in told}
    return tuple(found[each] for each in sorted(found))


def standing(one: Customer, other: Customer, policy: Policy) -> Customer:
    """`one`, standing as high as whoever of the two stands higher: nobody loses by a link what they had.

    Of days of grace the longer ones hold, of designations the one that `designation.merge` names (T-25).
    """
    by_rules = max(earned(one), earned(other), key=lambda tier: rank(policy, tier))
    graces = [each.falls_at for each in (one, other) if earned(each) == by_rules]
    people, tier = merged(one.people, other.people, policy), by_rules
    if designation := people.designation:
        people = replace(people, designation=replace(designation, earned=by_rules))
        if counts(designation) and rank(policy, designation.tier) > max(rank(policy, by_rules), 1):
            tier = designation.tier
    began = [each.vip_since for each in (one, other) if each.tier and each.vip_since is not None]
    return replace(
        one,
        tier=tier,
        vip_since=min(began, default=None) if tier else None,
        falls_at=None if None in graces else max(each for each in graces if each is not None),
        people=people,
        alert=_episode(one.alert, other.alert),
        win_back=one.win_back or other.win_back,
        celebrated=max(
            one.celebrated, other.celebrated, key=lambda each: (each.since is not None, each.years, each.birthday)
        ),
        opened=_opened(one, other),
    )


def stood(customer: Customer, parts: Iterable[Customer], policy: Policy) -> Customer:
    """The customer, standing as those ids did when they were linked: the others are separated again."""
    base = reduce(lambda one, other: standing(one, other, policy), parts)
    return replace(customer, tier=base.tier, vip_since=base.vip_since, falls_at=base.falls_at, people=base.people)


def apart(customer: Customer, part: Customer) -> tuple[Customer, Customer]:
    """A customer and a part that leaves: an episode goes with the id that it began under."""
    ours, theirs = customer.alert, part.alert
    if ours and theirs and ours.decision_id == theirs.decision_id:
        customer, part = replace(customer, alert=None), replace(part, alert=ours)
    left, leaves = customer.win_back, part.win_back
    if left and leaves and left.decision_id == leaves.decision_id:
        customer, part = replace(customer, win_back=None), replace(part, win_back=left)
    return customer, part
