"""What a tier asks for, in words: "1,000.00 USD, 12 months" (R-TIER-07, R-TIER-09)."""

from collections.abc import Mapping

from processors.amounts import money
from processors.policy import Policy, Tier, asked

ASKED: Mapping[str, str] = {
    "lifetime_value_minor": "{amount}",
    "tenure_months": "{asked} months",
    "orders": "{asked} orders",
    "orders_per_year_milli": "{thousandths} orders a year",
    "order_months": "orders in {asked} of {months} months",
    "referrals": "{asked} referrals",
    "most_cancellations": "at most {asked} cancellations",
    "most_complaints": "at most {asked} complaints",
    "answers": "{asked} answers to surveys",
    "interaction_days": "contact on {asked} of {days} days",
    "monthly_subscription_minor": "{amount} a month",
}
"""What a tier may ask for, by the field of the policy."""


def asks(tier: Tier, policy: Policy) -> str:
    """What a tier asks for: "1,000.00 USD, 12 months"."""
    windows = policy.windows
    parts = []
    for name in asked(tier):
        least = getattr(tier, name)
        words = ASKED[name].format(
            asked=least,
            thousandths=f"{least / 1000:g}",
            amount=money(least, policy.currency),
            months=windows.months,
            days=windows.days,
        )
        parts.append(words)
    return (" or " if tier.require == "any" else ", ").join(parts)
