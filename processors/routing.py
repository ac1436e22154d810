"""Support contacts: queue, place in it, targets, escalation and what the agent sees (R-RTE-01..05, R-RTE-09..14, T-44)."""

from typing import NamedTuple

from msgspec.structs import replace

from processors import head_start
from processors.business_hours import after, minutes_between
from processors.cases import Case, escalated, pauses, reopened, resolved_at, stands_still
from processors.customer import Customer
from processors.doubts import Doubts, explained
from processors.entitlements import entitlement
from processors.episodes import open_alert
from processors.explanation import Because, compare, head
from processors.head_start import Clock, rank_of, waits_until
from processors.policy import Policy, Route
from processors.recent import Happened
from schemas.decisions import ContactClosed, ContactRouted, EscalationDue, Happening
from schemas.events import ContactOpened


def clock(policy: Policy, route: Route) -> Clock:
    """The clock of a route."""
    return head_start.clock(policy, route.calendar)


def route_of(policy: Policy, tier: str | None) -> Route:
    """Where contacts of a tier go."""
    return policy.routing.tiers.get(tier or "", policy.routing.base)


def opened(case: Case, contact: ContactOpened, customer: Customer, policy: Policy, now: int) -> Case:
    """The case with its place and its targets, which count from `now`: a contact that comes late is answered no later for it."""
    route = route_of(policy, customer.tier)
    ticking = clock(policy, route)
    return retimed(
        replace(
            case,
            opened_at=contact.occurred_at,
            queue=route.queue,
            respond_by=after(ticking.calendar, now, route.response_minutes, ticking.zone),
            rank_at=rank_of(contact.occurred_at, route.priority),
            tier=customer.tier,
            policy_version=policy.version,
        ),
        policy,
    )


def retimed(case: Case, policy: Policy) -> Case:
    """The case with the instant by which it should be settled, pauses left out."""
    route = route_of(policy, case.tier)
    if case.opened_at is None or route.resolution_minutes is None:
        return case
    return replace(case, resolve_by=_after(case, case.opened_at, route.resolution_minutes, clock(policy, route)))


def _after(case: Case, opened_at: int, minutes: int, ticking: Clock) -> int:
    """The instant so many minutes after a case was opened, pauses left out."""
    last = case.marks[-1].at if case.marks else opened_at
    return after(ticking.calendar, opened_at, minutes, ticking.zone, pauses(case, last))


class Beside(NamedTuple):
    """What is known beside a case: what else is not settled, what happened lately, what may still be given, and doubts."""

    issues: tuple[Happened, ...]
    recent: tuple[Happened, ...]
    goodwill_left_minor: int
    gestures: tuple[str, ...]
    doubt: Doubts


def routed(
    case: Case, case_id: str, customer: Customer, policy: Policy, because: Because, beside: Beside
) -> tuple[Case, ContactRouted]:
    """The decision on where the case goes, and again whenever that or its targets changed."""
    route, entitled = entitlement(policy.routing, case.tier, "routing", "tier", customer.moved.tier)
    ticking, opened_at = clock(policy, route), case.opened_at or 0
    decision = ContactRouted(
        **head(because, customer.sequence + 1, ContactRouted, case_id, (entitled, *explained(beside.doubt, customer))),
        case_id=case_id,
        queue=case.queue,
        priority=route.priority,
        respond_by=case.respond_by,
        tier=case.tier,
        rank_at=case.rank_at,
        wait_until=waits_until(opened_at, policy.service.longest_wait_minutes, ticking),
        resolve_by=case.resolve_by,
        skills=route.skills,
        authority_minor=route.authority_minor,
        status=customer.membership.status,
        vip_since=customer.vip_since,
        lifetime_value_minor=customer.value_minor,
        at_risk=open_alert(customer.alert) is not None,
        open_cases=sum(each.thing[0] == "contact" for each in beside.issues),
        goodwill_left_minor=beside.goodwill_left_minor,
        supersedes=case.routed_id,
        in_doubt=beside.doubt.names,
        recent=_shown(beside.recent),
        issues=_shown(beside.issues),
        gestures=beside.gestures,
        points_balance=customer.points.available,
        accountable=policy.service.accountable.contact,
    )
    return replace(case, routed_id=decision.decision_id), decision


def _shown(happened: tuple[Happened, ...]) -> tuple[Happening, ...]:
    return tuple(Happening(each.what, each.about, each.at) for each in happened)


def next_step_at(case: Case, policy: Policy) -> int | None:
    """When the next escalation of a case is due; None for one that is settled, stands still, or has no more steps."""
    route = route_of(policy, case.tier)
    if case.opened_at is None or case.steps >= len(route.escalation) or resolved_at(case) or stands_still(case):
        return None
    return _after(case, case.opened_at, route.escalation[case.steps].after_minutes, clock(policy, route))


def escalate(
    case: Case, case_id: str, customer: Customer, policy: Policy, now: int, because: Because
) -> tuple[Case, EscalationDue]:
    """The step that is due. Raises `IndexError` where none is left."""
    route = route_of(policy, case.tier)
    ticking, step = clock(policy, route), route.escalation[case.steps]
    waited = minutes_between(ticking.calendar, case.opened_at or 0, now, ticking.zone, pauses(case, now))
    condition = compare("routing", "minutes_open", waited, ">=", step.after_minutes, because.cause)
    decision = EscalationDue(
        **head(because, customer.sequence + 1, EscalationDue, f"{case_id}/{case.steps}", (condition,)),
        case_id=case_id,
        queue=case.queue,
        to=step.to,
        step=case.steps + 1,
        tier=case.tier,
        minutes_open=waited,
    )
    return replace(case, steps=case.steps + 1), decision


class Result(NamedTuple):
    """How a case went, in the calendar's minutes; `ended_at` is when it was settled."""

    ended_at: int
    answered_at: int
    answer_minutes: int
    resolution_minutes: int
    reopened: int
    escalated: bool


def result(case: Case, policy: Policy) -> Result | None:
    """How the case went, as far as is known; None while it is not settled."""
    end = resolved_at(case)
    if end is None or case.opened_at is None:
        return None
    ticking = clock(policy, route_of(policy, case.tier))
    answered = case.answered_at or end
    took = minutes_between(ticking.calendar, case.opened_at, end, ticking.zone, pauses(case, end))
    answer = minutes_between(ticking.calendar, case.opened_at, answered, ticking.zone)
    return Result(end, answered, answer, took, reopened(case), escalated(case))


def closed(case: Case, case_id: str, customer: Customer, of: Result, because: Because) -> tuple[Case, ContactClosed]:
    """The decision on how a case went (R-RTE-05, R-RTE-10).

    It was settled at first contact where its customer never came back with it and nobody passed it on.
    """
    conditions = (
        compare("routing", "answered_at", of.answered_at, "<=", case.respond_by, because.cause),
        compare("routing", "resolved_at", of.ended_at, "<=", case.resolve_by, because.cause),
        compare("routing", "reopened", of.reopened, "=", 0, because.cause),
        compare("routing", "escalated", "yes" if of.escalated else "no", "=", "no", because.cause),
    )
    in_time, settled_in_time, never_again, not_passed_on = (each.holds for each in conditions)
    decision = ContactClosed(
        **head(because, customer.sequence + 1, ContactClosed, case_id, conditions),
        case_id=case_id,
        tier=case.tier,
        queue=case.queue,
        answer_minutes=of.answer_minutes,
        resolution_minutes=of.resolution_minutes,
        answered_in_time=in_time,
        resolved_in_time=settled_in_time or case.resolve_by is None,
        first_contact=never_again and not_passed_on,
        supersedes=case.closed_id,
    )
    return replace(case, closed_id=decision.decision_id), decision
