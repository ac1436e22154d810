"""The public profile: each customer as other systems need to know them (R-CUST-06, R-CUST-10, R-TIER-20)."""

from typing import TypedDict

from msgspec.structs import replace

from processors.benefits import in_force, label
from processors.consents import purposes
from processors.customer import Customer
from processors.designation import Designation, until
from processors.episodes import follow_up_by, open_alert, outcome_by
from processors.frequency import orders_per_year_milli
from processors.local_time import start_of
from processors.membership import lapses_at, never_cancelled
from processors.people import People
from processors.policy import Policy, Tier, rank
from processors.qualification import missing, tenure_suffices_on
from schemas.profiles import BenefitDelivery, CustomerProfile

NOBODY = People()


def next_tier(customer: Customer, policy: Policy) -> Tier | None:
    """The tier right above; None at the top."""
    above = max(rank(policy, customer.tier) - 1, 0)
    return policy.tiers[above] if above < len(policy.tiers) else None


def public_profile(customer_id: str, customer: Customer, policy: Policy, as_of: int) -> CustomerProfile:
    """What `customer-profiles` says of a customer. Nothing but `as_of` changes with time alone."""
    ahead, people, shown = next_tier(customer, policy), customer.people, label(customer, policy)
    day = tenure_suffices_on(customer, policy, ahead) if ahead else None
    floor = ahead.lifetime_value_minor if ahead else None
    start = policy.early_access.get(customer.tier or "")
    activity = customer.activity
    return CustomerProfile(
        customer_id=customer_id,
        as_of=as_of,
        sequence=customer.sequence,
        tier=customer.tier,
        vip_since=customer.vip_since,
        lifetime_value_minor=customer.value_minor,
        currency=policy.currency,
        orders=customer.orders,
        orders_per_year_milli=orders_per_year_milli(customer),
        customer_since=customer.since,
        last_order_at=customer.last_order_at,
        at_risk=open_alert(customer.alert) is not None,
        next_tier=ahead.name if ahead else None,
        missing_value_minor=None if floor is None else max(floor - customer.value_minor, 0),
        tenure_suffices_at=start_of(day, policy.time_zone) if day else None,
        policy_version=policy.version,
        status=customer.membership.status,
        status_since=customer.membership.since,
        monthly_subscription_minor=customer.membership.monthly_minor,
        contact_purposes=purposes(customer, policy),
        early_access_days=start.days if start else 0,
        early_access_discount_percent=start.discount_percent if start else 0,
        birth_month=customer.birth.month if customer.birth else None,
        designation_id=people.designation.designation_id if people.designation else None,
        designation_version=people.designation.version if people.designation else None,
        designation_tier=people.designation.tier if people.designation else None,
        designation_state=_state(people.designation) if people.designation else None,
        designation_ends_at=until(people.designation, policy) if people.designation else None,
        benefits=in_force(customer, policy),
        benefits_kept_until=people.kept.until if people.kept else None,
        deliveries=tuple(BenefitDelivery(each.benefit, each.times, each.last_at) for each in people.deliveries),
        label_icon=shown.icon,
        handling_note=shown.handling_note,
        tags=tuple(tag.name for tag in people.tags if tag.there),
        notes=people.notes,
        proposed_tier=_awaited(customer),
        automatic_blocked=people.removal is not None,
        automatic_again_at=people.removal.until if people.removal else None,
        journey_stage=activity.stage,
        never_cancelled=never_cancelled(customer.membership),
        referrals=activity.referrals,
        complaints=activity.complaints,
        answers=activity.answers,
        order_months=activity.order_months,
        interaction_days=activity.interaction_days,
        orders_awaited=activity.awaited,
        next_tier_require=ahead.require if ahead else None,
        missing=missing(customer, policy, ahead, as_of) if ahead else (),
        in_doubt=tuple(held.system for held in customer.synchrony.systems if held.found_id),
        points_balance=customer.points.available,
        points_pending=customer.points.pending,
        points_reserved=customer.points.reserved,
        points_deficit=customer.points.deficit,
        points_expire_at=customer.points.expires_at,
        linked_to=customer.host,
        **_at_risk(customer, policy),
        **_win_back(customer, policy),
    )


def _state(designation: Designation) -> str:
    """Active ones do not stand while the customer is gone."""
    return designation.state if designation.stands else "suspended"


def _awaited(customer: Customer) -> str | None:
    proposal = customer.people.proposal
    return proposal.tier if proposal and proposal.verdict == "awaited" else None


def _of_people(customer: Customer) -> tuple[object, ...]:
    """What people decided, as far as a profile shows it and no number of a decision tells that it changed."""
    people = customer.people
    if people == NOBODY:
        return ()
    return (
        people.designation and _state(people.designation),
        people.removal and people.removal.until,
        people.removal is None,
        people.kept and people.kept.until,
        _awaited(customer),
    )


def is_told(before: Customer, customer: Customer, policy_before: Policy, policy: Policy) -> bool:
    """Whether a profile would say something new: another version that changes nothing about a customer is no news."""
    if before.policy_version == customer.policy_version:
        return before.sequence != customer.sequence or _facts(before) != _facts(customer)
    earlier, now = public_profile("", before, policy_before, 0), public_profile("", customer, policy, 0)
    return replace(earlier, policy_version=now.policy_version) != now


class _AtRisk(TypedDict):
    """Fields of a profile."""

    at_risk_since: int | None
    follow_up_by: int | None
    outcome_by: int | None
    outreach: str | None
    escalated: bool


def _at_risk(customer: Customer, policy: Policy) -> _AtRisk:
    episode = open_alert(customer.alert)
    return {
        "at_risk_since": episode.at if episode else None,
        "follow_up_by": follow_up_by(episode, policy) if episode else None,
        "outcome_by": outcome_by(episode, customer.membership, policy) if episode else None,
        "outreach": episode.outreach.outcome if episode and episode.outreach else None,
        "escalated": episode is not None and episode.escalated,
    }


class _WinBack(TypedDict):
    """Fields of a profile."""

    win_back_since: int | None
    kept_until: int | None


def _win_back(customer: Customer, policy: Policy) -> _WinBack:
    member, leaving = customer.membership, customer.win_back is not None
    return {
        "win_back_since": member.since if leaving else None,
        "kept_until": lapses_at(member, policy) if leaving else None,
    }


def _facts(customer: Customer) -> tuple[object, ...]:
    """All that a profile under one policy depends on but the sequence, and cheaper: equal facts are equal profiles and the reverse.

    But for `moved_by` of what is missing: an event that leaves a number as it was is no news.
    """
    activity = customer.activity
    return (
        customer.tier,
        customer.vip_since,
        customer.value_minor,
        customer.orders,
        orders_per_year_milli(customer),
        customer.since,
        customer.last_order_at,
        open_alert(customer.alert),
        customer.membership.status,
        customer.membership.since,
        customer.membership.monthly_minor,
        customer.win_back is None,
        customer.win_back is not None and customer.membership.for_good,
        customer.consents,
        customer.birth and customer.birth.month,
        _of_people(customer),
        activity.stage,
        activity.referrals,
        activity.complaints,
        activity.answers,
        activity.order_months,
        activity.interaction_days,
        activity.awaited,
        customer.membership.cancelled,
        customer.host,
    )
