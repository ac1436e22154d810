"""Laws of what people decide, on histories of commands, orders and departures that nobody would think of."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from processors import step as module
from processors.customer import Customer, earned
from processors.designation import ENDED, Designation, Removal, counts, merge, merge_removals, until
from processors.markings import Delivered, Icon, Tag
from processors.people import Kept, People, Proposal, merged
from processors.policy import Policy, rank
from processors.public_profile import public_profile
from processors.step import Effect
from processors.timers import HELD, PLAIN
from processors.wording import Audience, explain
from schemas.commands import TagsChanged
from schemas.decided import Decided
from schemas.decisions import CommandAnswered, DesignationReached, QualificationProposed, TierChanged
from schemas.profiles import CustomerProfile
from schemas.source import SourceEvent
from tests.processors.story import Story, parsed_with

START = datetime(2024, 1, 30, 22, 0)  # noqa: DTZ001 - local time of the programme
MINUTES = 60 * 24 * 120
TIERS = ("gold", "platinum", "diamond")
ROLES = ("manager", "manager", "manager", "administrator", "agent")
POLICY: dict[str, Any] = {
    "time_zone": "America/New_York",
    "grace_days": 5,
    "cancellation": {"kept_days": 10},
    "designations": {"review_days": 20, "unreviewed_days": 5, "automatic_again_days": 15},
    "tiers": [
        {"name": name, "label": name.title(), "lifetime_value_minor": 10_000 * n, "tenure_months": 0}
        for n, name in enumerate(TIERS, start=1)
    ],
}
APPROVALS = st.sampled_from(["none", "first_grant", "every_rise"])


class Happening(NamedTuple):
    """Something that happens `minute` minutes after the start; `number` and `other` choose its details."""

    minute: int
    kind: str
    number: int = 0
    other: int = 0

    def when(self, later_days: int = 0) -> str:
        return (START + timedelta(minutes=self.minute, days=later_days)).strftime("%Y-%m-%d %H:%M")


COMMANDS = ("add", "change", "remove", "take", "review", "tag")
HAPPENING = st.builds(
    Happening,
    st.integers(0, MINUTES),
    st.sampled_from(
        ["add", "add", "change", "change", "remove", "take", "review", "order", "refund", "leave", "resume", "tag"]
    ),
    st.integers(0, 11),
    st.integers(0, 11),
)
HISTORY = st.lists(HAPPENING, max_size=20, unique_by=lambda it: it.minute).map(sorted)


def tell(story: Story, it: Happening) -> list[Effect]:
    """Most commands are sensible: they name the designation that there is and the version that it has."""
    known = story.row().people.designation
    about = known.designation_id if known and it.other != 0 else f"d{it.number % 3}"
    seen = known.version if known and it.other != 1 else 1 + it.number % 3
    tier, role = TIERS[it.number % 3], ROLES[it.other % 5]
    ends = (None, None, it.when(), it.when(7), it.when(30))[it.other % 5]
    review = (None, it.when(3), None)[it.number % 3]
    when, event = it.when(), f"{it.kind}-{it.minute}"
    benefits = ("birthday_card",) if it.number % 4 == 0 else ()
    wish = {"tier": tier, "ends_at": ends, "review_at": review, "benefits": benefits, "role": role, "event": event}
    back, goods = f"{(it.other + 1) * 30}.00", f"{(it.number + 1) * 40}.00"
    tags = {"added": (f"t{it.number}",), "removed": (f"t{it.other}",)}
    verdict = ("approved", "refused")[it.other % 2]
    begins, ended = it.when(it.other % 4), it.number % 2 == 0
    tellers: dict[str, Callable[[], list[Effect]]] = {
        "add": lambda: story.designate(when, designation=f"d{it.minute}", starts_at=begins, **wish),
        "change": lambda: story.redesignate(when, seen, designation=about, **wish),
        "remove": lambda: story.undesignate(when, seen, about, role=role, event=event, benefits_end=ended),
        "take": lambda: story.undesignate(when, None, None, role=role, event=event),
        "review": lambda: story.review(when, tier, verdict, role=role, event=event),
        "tag": lambda: story.command(when, TagsChanged, event=event, **tags),
        "order": lambda: story.order(when, goods, f"o{it.number}", event=event),
        "refund": lambda: story.refund(when, back, f"o{it.number}", f"f{it.minute}", event=event),
        "leave": lambda: story.leave(when, event=event, for_good=it.number == 0),
        "resume": lambda: story.resume(when, event=event),
    }
    return tellers[it.kind]()


def told(story: Story, it: Happening) -> SourceEvent:
    """The event that it was, to be told elsewhere: what a person wants depends on what they see."""
    tell(story, it)
    assert story.last is not None
    return story.last


def story_of(approval: str) -> Story:
    story = Story(POLICY | {"automatic": {"approval": approval}})
    story.register("2024-01-01")
    return story


def policy_of(approval: str) -> Policy:
    return parsed_with(POLICY | {"automatic": {"approval": approval}})


def end(story: Story, days: int = 200) -> None:
    story.tick(Happening(MINUTES, "").when(days))


def in_force(row: Customer, policy: Policy) -> str | None:
    """The higher one of what rules give and of what a person gave."""
    given = row.people.designation
    both = [earned(row), given.tier if given and counts(given) else None]
    return max(both, key=lambda tier: rank(policy, tier))


def by_hand(people: People) -> tuple[object, ...]:
    """What only people change, or a date that they named."""
    given = people.designation and replace(people.designation, earned=None, stands=True, state="active")
    return (given, people.tags, people.notes, people.icon, people.deliveries)


@settings(max_examples=200)
@given(HISTORY, APPROVALS)
def test_there_is_one_designation_and_the_tier_is_the_higher_of_it_and_the_rules_t_42(
    history: list[Happening], approval: str
) -> None:
    story, policy = story_of(approval), policy_of(approval)
    for it in history:
        tell(story, it)
        row = story.row()
        assert row.tier == in_force(row, policy)
        assert (row.vip_since is None) == (row.tier is None)
        over = {ended.designation.designation_id: ended for _, ended in story.rows.first(ENDED, 100, "\x7f")}
        assert all(each.designation.state in ("expired", "ended", "removed") for each in over.values())
        if row.people.designation:
            assert row.people.designation.designation_id not in over
            assert row.people.designation.state in ("scheduled", "active", "review_due")
            assert until(row.people.designation, policy) > story.clock


@given(HISTORY, APPROVALS)
def test_nothing_that_a_person_gave_is_for_ever_t_42(history: list[Happening], approval: str) -> None:
    story = story_of(approval)
    for it in history:
        tell(story, it)
    end(story)
    row = story.row()
    assert row.people.designation is None
    assert row.people.removal is None
    assert row.people.kept is None
    assert row.tier == earned(row)


@given(HISTORY, APPROVALS)
def test_a_command_is_answered_once_and_does_all_or_nothing_t_15(history: list[Happening], approval: str) -> None:
    story = story_of(approval)
    for it in history:
        story.tick(it.when())
        before = story.row().people
        told = [each for each in tell(story, it) if isinstance(each, CommandAnswered)]
        assert len(told) == (it.kind in COMMANDS)
        for each in told:
            assert (each.verdict == "accepted") == all(condition.holds for condition in each.conditions)
            after = story.row().people
            if each.verdict == "refused":
                assert by_hand(after) == by_hand(before)
                assert after.removal == before.removal
            elif it.kind == "change" and after.designation and before.designation:
                assert after.designation.version == before.designation.version + 1
            given = after.designation
            assert (each.designation_id, each.designation_version) == (
                (given.designation_id, given.version) if given else (None, None)
            )
    answered = [each.event_id for each in story.decided(CommandAnswered)]
    assert len(answered) == len(set(answered))


@given(HISTORY, APPROVALS)
def test_what_is_published_twice_changes_nothing_t_15(history: list[Happening], approval: str) -> None:
    once, twice = story_of(approval), story_of(approval)
    for it in history:
        tell(once, it)
        tell(twice, it)
        if it.kind in COMMANDS:
            assert twice.last is not None
            assert twice.tell("ada", twice.last) == []
    assert twice.rows_of(b"g", b"n", b"c") == once.rows_of(b"g", b"n", b"c")


@given(HISTORY, APPROVALS)
def test_decisions_are_numbered_without_gaps_i_4(history: list[Happening], approval: str) -> None:
    story = story_of(approval)
    for it in history:
        tell(story, it)
    end(story)
    assert [each.sequence for each in story.decided()] == list(range(1, story.row().sequence + 1))


@given(HISTORY, APPROVALS)
def test_a_removal_is_not_undone_by_rules_t_42(history: list[Happening], approval: str) -> None:
    story = story_of(approval)
    for it in history:
        tell(story, it)
    end(story)
    blocked = False
    days = 16 * 86_400_000
    since = 0
    for each in story.decided():
        if isinstance(each, CommandAnswered) and each.verdict == "accepted":
            if each.command == "DesignationRemoved":
                blocked, since = True, each.decided_at
            elif each.command in {"DesignationAdded", "QualificationReviewed"}:
                blocked = False
        if blocked and each.decided_at - since < days - 86_400_000:
            assert not isinstance(each, QualificationProposed)
            assert not (isinstance(each, TierChanged) and each.to_tier is not None)


@given(HISTORY, APPROVALS)
def test_a_tier_is_what_its_conditions_say_t_48(history: list[Happening], approval: str) -> None:
    story, policy = story_of(approval), policy_of(approval)
    for it in history:
        tell(story, it)
    end(story)
    for changed in story.decided(TierChanged):
        failed = {each.of for each in changed.conditions if not each.holds}
        by_rules = next((name for name in reversed(TIERS) if name not in failed), None)
        given = [each for each in changed.conditions if each.name == "tier_designated"]
        by_person = str(given[0].value) if given and "designation" not in failed else None
        if rank(policy, changed.to_tier) > rank(policy, changed.from_tier):
            assert changed.to_tier == max((by_rules, by_person), key=lambda tier: rank(policy, tier))
        else:
            # Rules may hold on to a tier while their grace runs, below what a person had given.
            assert rank(policy, changed.to_tier) >= rank(policy, by_rules)


@given(HISTORY, APPROVALS)
def test_every_decision_is_said_in_words_to_everybody(history: list[Happening], approval: str) -> None:
    story, policy = story_of(approval), policy_of(approval)
    for it in history:
        tell(story, it)
    end(story)
    for decision in story.decided():
        for audience in get_args(Audience):
            lines = explain(decision, policy, audience)
            assert all(line and "{" not in line and "None" not in line.partition(" [")[0] for line in lines), lines


@given(HISTORY, st.lists(st.integers(0, MINUTES), max_size=8), st.sampled_from([1, 2, 100]), APPROVALS)
def test_neither_ticks_nor_pieces_show_in_state_or_decisions_d8_t_21(
    history: list[Happening], ticks: list[int], units: int, approval: str
) -> None:
    plain, cut = story_of(approval), story_of(approval)
    events = {it.minute: told(plain, it) for it in history}
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(module, "UNITS_PER_RECORD", units)
        for it in sorted([*history, *(Happening(minute, "tick") for minute in ticks if minute not in events)]):
            if it.kind == "tick":
                cut.tick(it.when())
            else:
                cut.happen(events[it.minute])
    end(plain)
    end(cut)
    kept = b"c", b"o", b"g", b"t", b"h"
    assert cut.rows_of(*kept) == plain.rows_of(*kept)
    assert said(cut.effects) == said(plain.effects)


def said(effects: Iterable[Effect]) -> list[tuple[object, ...]]:
    found = [(each.decision_id, each.sequence, each.conditions) for each in effects if isinstance(each, Decided)]
    assert len({decision for decision, *_ in found}) == len(found), "two decisions have one id (D7)"
    return found


@given(HISTORY, APPROVALS)
def test_the_last_published_profile_is_the_customer_and_each_differs_from_the_one_before(
    history: list[Happening], approval: str
) -> None:
    story, policy = story_of(approval), policy_of(approval)
    last: CustomerProfile | None = None
    for it in history:
        before = len(story.effects)
        tell(story, it)
        for each in story.effects[before:]:
            if isinstance(each, CustomerProfile):
                assert last is None or replace(last, as_of=0) != replace(each, as_of=0)
                last = each
        if last:
            assert public_profile("ada", story.row(), policy, last.as_of) == last


@given(HISTORY, APPROVALS)
def test_the_index_of_timers_is_what_the_customer_waits_for(history: list[Happening], approval: str) -> None:
    story = story_of(approval)
    for it in history:
        tell(story, it)
        found = [
            (timer.kind, timer.due) for table in (PLAIN, HELD) for _, timer in story.rows.first(table, 100, "\x7f")
        ]
        assert tuple(sorted(found)) == story.row().timers


@given(HISTORY)
def test_each_stage_is_told_once(history: list[Happening]) -> None:
    story = story_of("none")
    for it in history:
        tell(story, it)
    end(story)
    stages = [(each.designation_id, each.designation_version, each.stage) for each in story.decided(DesignationReached)]
    assert len(stages) == len(set(stages))


# Merging what two customers have who turn out to be one (T-25)


@st.composite
def designations(draw: st.DrawFn) -> Designation | None:
    """An id has one content."""
    name = draw(st.sampled_from([None, "d1", "d2", "d3", "d4", "d5"]))
    if name is None:
        return None
    seed = draw(st.shared(st.lists(st.integers(0, 3), min_size=12, max_size=12), key="contents"))
    n = int(name[1]) - 1
    tier = (*TIERS, "gone")[seed[2 * n]]
    ends_at = (None, 1_700_000_000_000, 1_800_000_000_000, 1_900_000_000_000)[seed[2 * n + 1]]
    review_at = 1_750_000_000_000 if ends_at is None or n % 2 else None
    return Designation(
        name, 1, tier, 1_600_000_000_000 + seed[n], ends_at, review_at, (), (), "mia", "manager", "r", "c"
    )


@given(designations(), designations(), designations())
def test_which_designation_stands_depends_on_no_order_of_linking_t_25(
    one: Designation | None, two: Designation | None, three: Designation | None
) -> None:
    policy = policy_of("none")
    assert merge(one, two, policy) == merge(two, one, policy)
    assert merge(merge(one, two, policy), three, policy) == merge(one, merge(two, three, policy), policy)
    assert merge(one, one, policy) == one
    both = merge(one, two, policy)
    assert both in (one, two)
    for each in (one, two):
        if each is not None:
            assert both is not None
            assert rank(policy, both.tier) >= rank(policy, each.tier)


def designation(**given: Any) -> Designation:
    fields: dict[str, Any] = {
        "designation_id": "d5", "version": 1, "tier": "gold", "starts_at": 5, "ends_at": 100, "review_at": None,
        "benefits": (), "without": (), "author_id": "mia", "role": "manager", "reason": "r", "cause": "c",
    }  # fmt: skip
    return Designation(**(fields | given))


@pytest.mark.parametrize(
    "stands",
    [
        {"tier": "platinum", "ends_at": 50, "designation_id": "d9"},
        {"ends_at": 101, "designation_id": "d9"},
        {"starts_at": 4, "designation_id": "d9"},
        {"designation_id": "d4"},
    ],
)
def test_the_higher_tier_stands_then_the_longer_then_the_earlier_then_the_smaller_id_t_25(
    stands: dict[str, Any],
) -> None:
    one, other = designation(), designation(**stands)
    assert merge(one, other, policy_of("none")) == merge(other, one, policy_of("none")) == other


def test_a_link_does_not_undo_a_removal_t_25() -> None:
    short, longer, always = Removal(1, 10, "a"), Removal(0, 20, "b"), Removal(0, None, "c")
    assert merge_removals(short, longer) == merge_removals(longer, short) == longer
    assert merge_removals(longer, always) == merge_removals(always, longer) == always
    assert merge_removals(None, short) == merge_removals(short, None) == short


def test_what_two_customers_have_together_t_24_t_25() -> None:
    one = People(
        designation=designation(),
        kept=Kept(("birthday_card",), 7),
        icon=Icon(1, printed=False),
        tags=(Tag("press", 1, there=True), Tag("vegan", 1, there=True)),
        notes=2,
        deliveries=(Delivered("bonus_item", 2, 5),),
    )
    other = People(
        removal=Removal(1, 10, "a"),
        proposal=Proposal("platinum", "refused", "b"),
        kept=Kept(("bonus_item",), 9),
        icon=Icon(2, printed=True),
        tags=(Tag("vegan", 2, there=False),),
        notes=3,
        deliveries=(Delivered("bonus_item", 1, 9), Delivered("check_in_call", 1, 1)),
    )
    both = merged(one, other, policy_of("none"))
    assert both == merged(other, one, policy_of("none"))
    assert both == People(
        designation=designation(),
        removal=Removal(1, 10, "a"),
        proposal=Proposal("platinum", "refused", "b"),
        kept=Kept(("birthday_card", "bonus_item"), 9),
        icon=Icon(2, printed=True),
        tags=(Tag("press", 1, there=True), Tag("vegan", 2, there=False)),
        notes=5,
        deliveries=(Delivered("bonus_item", 3, 9), Delivered("check_in_call", 1, 1)),
    )
