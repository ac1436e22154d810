"""Which benefits a customer has, and what their labels show (R-TIER-04..06, R-MAN-02, R-MAN-13, R-FUL-05)."""

from processors.customer import Customer
from processors.designation import counts
from processors.discretion import Label
from processors.policy import Policy

NOTHING = Label()


def in_force(customer: Customer, policy: Policy) -> tuple[str, ...]:
    """The benefits of the tier, with the single ones that a person gave, and without those that a person left out."""
    people = customer.people
    own = policy.benefits.tiers.get(customer.tier or "", ())
    more = people.kept.benefits if people.kept else ()
    less: tuple[str, ...] = ()
    if people.designation and counts(people.designation):
        more, less = people.designation.benefits, people.designation.without
    return tuple(name for name in dict.fromkeys((*own, *more)) if name not in less)


def label(customer: Customer, policy: Policy) -> Label:
    """What a shipping label shows: the tier's icon unless somebody switched it off for this customer, and the note."""
    shown = policy.labels.get(customer.tier or "", NOTHING)
    icon = customer.people.icon
    return shown if icon is None or icon.printed else Label(None, shown.handling_note)
