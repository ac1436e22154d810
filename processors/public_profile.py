"""The public profile: each customer as other systems need to know them (R-CUST-06, R-CUST-10, R-TIER-20)."""

from processors.customer import Customer
from processors.frequency import orders_per_year_milli
from processors.local_time import start_of
from processors.membership import never_cancelled
from processors.policy import Policy, Tier, rank
from processors.qualification import missing, tenure_suffices_on
from schemas.decisions import CustomerProfile


def next_tier(customer: Customer, policy: Policy) -> Tier | None:
    """The tier right above; None at the top."""
    above = max(rank(policy, customer.tier) - 1, 0)
    return policy.tiers[above] if above < len(policy.tiers) else None


def public_profile(customer_id: str, customer: Customer, policy: Policy, as_of: int) -> CustomerProfile:
    """What `customer-profiles` says of a customer. Nothing but `as_of` changes with time alone."""
    ahead = next_tier(customer, policy)
    day = tenure_suffices_on(customer, policy, ahead) if ahead else None
    floor = ahead.lifetime_value_minor if ahead else None
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
        at_risk=customer.alert is not None,
        next_tier=ahead.name if ahead else None,
        missing_value_minor=None if floor is None else max(floor - customer.value_minor, 0),
        tenure_suffices_at=start_of(day, policy.time_zone) if day else None,
        policy_version=policy.version,
        status=customer.membership.status,
        status_since=customer.membership.since,
        monthly_subscription_minor=customer.membership.monthly_minor,
        stage=activity.stage,
        never_cancelled=never_cancelled(customer.membership),
        referrals=activity.referrals,
        complaints=activity.complaints,
        answers=activity.answers,
        order_months=activity.order_months,
        interaction_days=activity.interaction_days,
        orders_awaited=activity.awaited,
        next_tier_require=ahead.require if ahead else None,
        missing=missing(customer, policy, ahead, as_of) if ahead else (),
    )


def public_facts(customer: Customer) -> tuple[object, ...]:
    """All that a profile under one policy depends on, but cheaper: equal facts are equal profiles and the reverse."""
    activity = customer.activity
    return (
        customer.sequence,
        customer.tier,
        customer.vip_since,
        customer.value_minor,
        customer.orders,
        orders_per_year_milli(customer),
        customer.since,
        customer.last_order_at,
        customer.alert is None,
        customer.policy_version,
        customer.membership,
        activity.stage,
        activity.referrals,
        activity.complaints,
        activity.answers,
        activity.order_months,
        activity.interaction_days,
        activity.awaited,
    )
