"""Goodwill that people grant: within their authority, the customer's cap, and what they give over all customers (R-REC-02, T-45).

What is beyond goes up the chain: whoever has the authority approves or refuses it (R-REC-03). The amount is reserved in the
customer's window before the agent is asked, so that two grants at once never exceed it; it is taken back on a no.
"""

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from processors import agents, recovery
from processors.answering import Asked, answer, answered, permitted
from processors.customer import Customer
from processors.effects import Send
from processors.explanation import compare, head
from processors.partition import in_force_at
from processors.recovery_policy import Authority
from processors.rows import Table
from processors.unit import Unit
from schemas.commands import CompensationGranted, CompensationReviewed
from schemas.decided import Condition
from schemas.decisions import CommandAnswered, CompensationDecided
from schemas.messages import GoodwillAnswered, GoodwillAsked

Outcome = tuple[Customer, Sequence[CompensationDecided | CommandAnswered | Send]]


class Compensation(Struct, frozen=True, array_like=True):
    """A compensation of the id that it came under. `state` is asked while its agent has not answered, then the last verdict.

    `asked` is the command that waits for the answer, with what was found until then; `by` is who answers for it.
    """

    customer_id: str
    kind: str
    amount_minor: int
    author_id: str
    order_id: str | None
    case_id: str | None
    state: str
    by: str
    asked: Asked
    conditions: tuple[Condition, ...] = ()
    beyond_cap: bool = False


COMPENSATIONS = Table("compensations", b"x", Compensation, "each compensation by people, by customer and its id")


def grant(unit: Unit, customer: Customer, command: CompensationGranted) -> Outcome:
    """A person wants to grant something. What can never be is refused; what is beyond them goes up the chain."""
    before = unit.rows.get(COMPENSATIONS, unit.subject, command.compensation_id)
    asked = Asked.of(command)
    if answered(unit.rows, unit.subject, command) or (before and before.asked == asked):
        return customer, ()
    cause, policy = unit.because.cause, unit.policy
    may, authority = _authority(unit, command.role, command.occurred_at)
    must = [
        may,
        compare("compensation", "kind", command.kind, "in", ", ".join(policy.recovery.kinds), cause),
        compare("compensation", "currency", command.currency, "=", policy.currency, cause),
        compare("compensation", "state", before.state if before else "new", "=", "new", cause),
    ]
    if authority is None or not all(each.holds for each in must):
        customer, said = answer(unit.rows, unit.now, unit.because, customer, asked, must)
        return customer, (said,)
    mine = compare("permission", "amount_minor", command.amount_minor, "<=", authority.each_minor, cause)
    fits = _cap(unit, customer, command.amount_minor)
    made = Compensation(
        command.customer_id,
        command.kind,
        command.amount_minor,
        command.author_id,
        command.order_id,
        command.case_id,
        "asked",
        command.author_id,
        asked,
        (*must, mine, fits),
        beyond_cap=not fits.holds,
    )
    if not (mine.holds and fits.holds):
        return _pass_on(unit, customer, command.compensation_id, made)
    return _ask(unit, customer, command.compensation_id, made, authority)


def review(unit: Unit, customer: Customer, command: CompensationReviewed) -> Outcome:
    """Somebody with more authority decides; never about what they asked for themselves (R-REC-03)."""
    asked, row = Asked.of(command), unit.rows.get(COMPENSATIONS, unit.subject, command.compensation_id)
    if answered(unit.rows, unit.subject, command) or (row and row.asked == asked):
        return customer, ()
    cause = unit.because.cause
    may, authority = _authority(unit, command.role, command.occurred_at)
    waits = compare("compensation", "state", row.state if row else "unknown", "=", "approval_needed", cause)
    own = "yes" if row and row.author_id == command.author_id else "no"
    conditions = [may, waits, compare("permission", "own_compensation", own, "=", "no", cause)]
    if row and authority:
        most, beyond = authority.each_minor, "yes" if authority.beyond_cap else "no"
        conditions.append(compare("permission", "amount_minor", row.amount_minor, "<=", most, cause))
        if not _cap(unit, customer, row.amount_minor).holds:
            conditions.append(compare("permission", "beyond_cap", beyond, "=", "yes", cause))
    if row is None or authority is None or not all(each.holds for each in conditions):
        customer, said = answer(unit.rows, unit.now, unit.because, customer, asked, conditions)
        return customer, (said,)
    row = replace(row, by=command.author_id, asked=asked, conditions=tuple(conditions))
    if command.verdict == "approved":
        return _ask(unit, customer, command.compensation_id, row, authority)
    return _conclude(unit, customer, command.compensation_id, row, "refused")


def hear(unit: Unit, customer: Customer, told: GoodwillAnswered) -> Outcome:
    """The agent who answers for it told how much they have given: it is granted, or goes up the chain."""
    row = unit.rows.get(COMPENSATIONS, unit.subject, told.compensation_id)
    if row is None or row.state != "asked" or row.by != told.agent_id:
        return customer, ()
    most = compare("agent", "given_by_agent_minor", told.given_minor, "<=", told.most_minor, unit.because.cause)
    row = replace(row, conditions=(*row.conditions, most))
    if most.holds:
        return _conclude(unit, customer, told.compensation_id, row, "granted")
    recovery.spend(unit, -row.amount_minor)
    return _pass_on(unit, customer, told.compensation_id, row)


def _authority(unit: Unit, role: str, given_at: int) -> tuple[Condition, Authority | None]:
    """What the role may grant, by the policy in force when the command was given (T-43)."""
    known = in_force_at(unit.rows, unit.partition, given_at).recovery.authority
    return permitted(role, sorted(known), unit.because.cause), known.get(role)


def _cap(unit: Unit, customer: Customer, amount_minor: int) -> Condition:
    """Whether the customer would stay within the cap of their tier."""
    with_it = recovery.spent(unit, recovery.given_to(unit)) + amount_minor
    most = recovery.cap_of(unit, customer.tier).most_minor
    return compare(customer.tier or "goodwill", "goodwill_minor", with_it, "<=", most, unit.because.cause)


def _ask(unit: Unit, customer: Customer, compensation_id: str, row: Compensation, authority: Authority) -> Outcome:
    """Reserve the amount, and ask whoever answers for it whether they may still give it."""
    recovery.spend(unit, row.amount_minor)
    unit.rows.put(COMPENSATIONS, replace(row, state="asked"), unit.subject, compensation_id)
    asked = GoodwillAsked(
        **unit.message(GoodwillAsked, compensation_id),
        agent_id=row.by,
        customer_id=row.customer_id,
        compensation_id=compensation_id,
        amount_minor=row.amount_minor,
        most_minor=authority.window_minor,
        window_days=unit.policy.recovery.agent_window_days,
    )
    return customer, (Send(agents.subject_of(row.by), asked, new=True),)


def _pass_on(unit: Unit, customer: Customer, compensation_id: str, row: Compensation) -> Outcome:
    return _conclude(unit, customer, compensation_id, row, "approval_needed")


def _conclude(unit: Unit, customer: Customer, compensation_id: str, row: Compensation, verdict: str) -> Outcome:
    """Answer the command, and say what became of the compensation."""
    customer, said = answer(unit.rows, unit.now, unit.because, customer, row.asked, row.conditions)
    unit.rows.put(COMPENSATIONS, replace(row, state=verdict), unit.subject, compensation_id)
    decision = CompensationDecided(
        **head(
            unit.because,
            customer.sequence + 1,
            CompensationDecided,
            f"{compensation_id}/{verdict}",
            row.conditions,
        ),
        compensation_id=compensation_id,
        kind=row.kind,
        verdict=verdict,
        amount_minor=row.amount_minor,
        order_id=row.order_id,
        case_id=row.case_id,
        author_id=row.author_id,
        decided_by=None if verdict == "approval_needed" else row.by,
        approvers=recovery.approvers(unit, row.amount_minor, beyond_cap=row.beyond_cap)
        if verdict == "approval_needed"
        else "",
        goodwill_left_minor=recovery.left(unit, customer.tier, recovery.given_to(unit)),
    )
    return replace(customer, sequence=decision.sequence), (said, decision)
