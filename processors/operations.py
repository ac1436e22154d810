"""Commands of people: each is judged, done or refused, and answered once (R-MAN-05..08, C-05, T-43).

A command is judged by the role that it was given in, under the matrix in force when it was given; everything else under the
policy of now, since it takes effect now.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from msgspec.structs import replace

from processors import tiers
from processors.answering import Asked, answer, answered, permitted
from processors.customer import Customer
from processors.designating import Hearing, Judged, add, among, change, remove
from processors.designation import ENDED
from processors.discretion import Action, known_benefits, who_may
from processors.explanation import compare
from processors.markings import MOST_TAGS, Delivered, Icon, Tag, delivered, last_icon, tagged
from processors.people import Proposal
from processors.policy import Policy
from schemas.commands import (
    BenefitDelivered,
    Command,
    DesignationAdded,
    DesignationChanged,
    DesignationRemoved,
    LabelIconChanged,
    NoteAdded,
    QualificationReviewed,
    TagsChanged,
)
from schemas.decisions import CommandAnswered


def _review(customer: Customer, command: QualificationReviewed, hearing: Hearing) -> Judged:
    """Approve or refuse what the facts lead to, and nothing else; an approval lifts a removal too (R-TIER-10)."""
    cause = hearing.because.cause
    wanted = tiers.reviewable(customer, hearing.policy, hearing.now)
    condition = compare("qualification", "tier_to_review", wanted, "=", command.tier, customer.moved.value)
    people = replace(customer.people, proposal=Proposal(command.tier, command.verdict, cause))
    if command.verdict == "approved":
        people = replace(people, removal=None)
    return Judged((condition,), replace(customer, people=people))


def _note(customer: Customer, _command: NoteAdded, _hearing: Hearing) -> Judged:
    """That there is a note, not what it says: the text is sealed (D11, R-CUST-16)."""
    return Judged((), replace(customer, people=replace(customer.people, notes=customer.people.notes + 1)))


def _tag(customer: Customer, command: TagsChanged, hearing: Hearing) -> Judged:
    at, known = command.occurred_at, customer.people.tags
    there = {tag.name for tag in known if tag.there}.difference(command.removed).union(command.added)
    room = compare("tags", "tags", len(there), "<=", MOST_TAGS, hearing.because.cause)
    said = dict.fromkeys(command.removed, False) | dict.fromkeys(command.added, True)
    tags = tagged(known, (Tag(name, at, there) for name, there in said.items()))
    return Judged((room,), replace(customer, people=replace(customer.people, tags=tags)))


def _icon(customer: Customer, command: LabelIconChanged, hearing: Hearing) -> Judged:
    icon = last_icon(customer.people.icon, Icon(command.occurred_at, command.printed, hearing.because.cause))
    return Judged((), replace(customer, people=replace(customer.people, icon=icon)))


def _deliver(customer: Customer, command: BenefitDelivered, hearing: Hearing) -> Judged:
    """A benefit that somebody gave, entitled or as a surprise (R-TIER-25)."""
    known = known_benefits(hearing.policy.benefits)
    conditions = tuple(among("benefit", "benefit", command.benefit, known, hearing.because.cause))
    given = Delivered(command.benefit, 1, command.occurred_at)
    deliveries = delivered(customer.people.deliveries, given)
    return Judged(conditions, replace(customer, people=replace(customer.people, deliveries=deliveries)))


class Rule(NamedTuple):
    """What a role needs to be allowed, and how the command is judged."""

    action: Action
    judge: Callable[[Customer, Any, Hearing], Judged]


RULES: Mapping[type[Command], Rule] = {
    DesignationAdded: Rule("add_designation", add),
    DesignationChanged: Rule("change_designation", change),
    DesignationRemoved: Rule("remove_designation", remove),
    QualificationReviewed: Rule("review_qualification", _review),
    NoteAdded: Rule("add_note", _note),
    TagsChanged: Rule("change_tags", _tag),
    LabelIconChanged: Rule("change_label_icon", _icon),
    BenefitDelivered: Rule("record_benefit", _deliver),
}


def obey(
    customer: Customer, command: Command, given: Policy, hearing: Hearing
) -> tuple[Customer, tuple[CommandAnswered, ...]]:
    """Do the command if all that must hold does; the tier is compared afterwards. A repeated one is not answered again."""
    because = hearing.because
    if answered(hearing.rows, because.customer_id, command):
        return customer, ()
    rule = RULES[type(command)]
    judged = rule.judge(customer, command, hearing)
    conditions = (permitted(command.role, who_may(given.roles, (rule.action,)), because.cause), *judged.conditions)
    ended = None
    if all(condition.holds for condition in conditions):
        customer, ended = judged.after, judged.ended
    if ended:
        hearing.rows.put(ENDED, ended, because.customer_id, ended.designation.designation_id)
    stands = None if ended else customer.people.designation
    customer, decision = answer(hearing.rows, hearing.now, because, customer, Asked.of(command), conditions, stands)
    return customer, (decision,)
