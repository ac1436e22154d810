"""Policy versions: approved for an instant, withdrawn before it, in force from it on; and who may say so (D5, T-32)."""

import json
from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from processors.partition import HERE, PARTITION
from processors.programme import PROGRAMMES, Programme, activation_id
from processors.step import Effect, Send
from schemas.decisions import ContactRouted, Quarantined
from schemas.events import PolicyActivated
from schemas.partitions import EVERYWHERE
from tests.processors.story import Document, Story, none_of, only, policy_with

NOON = "2024-01-01 12:00"


def version(name: str, **changes: object) -> Document:
    return policy_with({"version": name, **changes})


def started(date: str = NOON) -> Story:
    """The shipped policy is in force, and the clock says noon."""
    story = Story()
    story.tick(date)
    return story


def versions(story: Story) -> list[str]:
    """The versions that were put in force, in order."""
    found = story.rows.get(PARTITION, HERE)
    assert found is not None
    return [each.version for each in found.versions]


def programme(story: Story) -> Programme:
    return story.rows.get(PROGRAMMES, "programme") or Programme()


def refusal(effects: Sequence[Effect]) -> tuple[str, str]:
    found = only(effects, Quarantined)
    assert none_of(effects, PolicyActivated)
    return found.reason, found.detail


# From a file to everywhere


def test_a_version_is_in_force_from_the_first_tick_at_its_instant_and_not_before_d5() -> None:
    story = started()
    assert story.publish(version("v2"), "2024-02-01", event="p1") == []
    assert story.tick("2024-01-31 23:59") == []
    assert versions(story) == ["default-1"]
    told = only(story.tick("2024-02-01 00:00"), Send)
    assert told.subject == EVERYWHERE
    assert told.event == PolicyActivated(
        activation_id("operations/p1"), "v2", story.at("2024-02-01"), json.dumps(version("v2"))
    )
    assert versions(story) == ["default-1", "v2"]
    assert only(story.contact("2024-02-01 01:00"), ContactRouted).policy_version == "v2"


def test_at_once_is_the_log_s_time() -> None:
    story = started()
    activated = only(story.publish(version("v2")), Send).event
    assert isinstance(activated, PolicyActivated)
    assert activated.effective_from == story.at(NOON)
    assert versions(story) == ["default-1", "v2"]


def test_at_once_by_a_clock_that_is_ahead_waits_for_the_log_s() -> None:
    story = started()
    story.keeps_time = False
    assert none_of(story.publish(version("v2"), date="2024-01-01 12:30"), Send)
    assert none_of(story.tick("2024-01-01 12:29"), Send)
    activated = only(story.tick("2024-01-01 12:31"), Send).event
    assert isinstance(activated, PolicyActivated)
    assert activated.effective_from == story.at("2024-01-01 12:30")


def test_who_says_at_once_later_is_in_force_later() -> None:
    story = started()
    story.publish(version("v2"))
    assert none_of(story.publish(version("v3")), Quarantined)
    story.tick("2024-01-01 12:01")
    assert versions(story) == ["default-1", "v2", "v3"]


def test_all_partitions_are_told_the_same_in_one_step() -> None:
    """One effect: the engine writes it to every partition, and how many there are is not for the rules to know."""
    story = started()
    story.answers_itself = False
    story.publish(version("v2"), "2024-02-01")
    (told,) = story.tick("2024-02-01")
    assert isinstance(told, Send)
    assert told.subject == EVERYWHERE
    assert versions(story) == ["default-1"], "this one, too, is under it from its own record on"
    story.answer(told)
    assert versions(story) == ["default-1", "v2"]
    before = story.stored()
    assert story.answer(told) == [], "a message that comes twice is one"
    assert story.stored() == before


def test_two_instants_that_one_tick_passes_come_in_their_order() -> None:
    story = started()
    story.publish(version("later"), "2024-03-01")
    story.publish(version("sooner"), "2024-02-01")
    story.tick("2024-06-01")
    assert versions(story) == ["default-1", "sooner", "later"]


def test_a_version_waits_while_sources_are_behind_for_its_withdrawal_may_be_among_what_waits_t_32() -> None:
    story = started()
    story.publish(version("v2"), "2024-02-01")
    assert story.tick("2024-02-01 00:05", behind_s=3600) == []
    story.withdraw("v2", date="2024-01-31")
    story.tick("2024-02-02")
    assert versions(story) == ["default-1"]


def test_a_season_between_two_times_of_the_same_version() -> None:
    story = started()
    story.publish(version("xmas"), "2024-12-01")
    story.publish(story.document, "2024-12-27")
    story.tick("2024-12-24")
    assert versions(story) == ["default-1", "xmas"]
    story.tick("2024-12-27")
    assert versions(story) == ["default-1", "xmas", "default-1"]


# Withdrawn


def test_a_version_withdrawn_before_its_date_never_takes_effect_t_32() -> None:
    story = started()
    story.publish(version("v2"), "2024-02-01")
    assert story.withdraw("v2", date="2024-01-31 23:59") == []
    assert story.tick("2024-02-01") == []
    story.tick("2025-01-01")
    assert versions(story) == ["default-1"]


def test_one_that_is_withdrawn_takes_nothing_from_the_others() -> None:
    story = started()
    for name, date in (("v2", "2024-02-01"), ("v3", "2024-03-01"), ("v4", "2024-04-01")):
        story.publish(version(name), date)
    story.withdraw("v3")
    story.tick("2024-05-01")
    assert versions(story) == ["default-1", "v2", "v4"]


def test_its_instant_is_free_again_and_so_is_its_name() -> None:
    story = started()
    story.publish(version("v2"), "2024-02-01")
    story.withdraw("v2")
    assert story.publish(version("v3"), "2024-02-01") == []
    assert story.publish(version("v2"), "2024-03-01") == []
    story.tick("2024-04-01")
    assert versions(story) == ["default-1", "v3", "v2"]


@pytest.mark.parametrize(
    ("name", "reason", "words"),
    [
        ("v2", "already_in_force", "publish the version that follows it"),
        ("default-1", "nothing_to_withdraw", "was in force"),
        ("taken-back", "nothing_to_withdraw", "is withdrawn already"),
        ("nobody", "unknown_version", "no such version was ever approved"),
    ],
)
def test_what_is_not_to_come_is_not_withdrawn_and_that_is_said(name: str, reason: str, words: str) -> None:
    story = started()
    story.publish(version("v2"))
    story.publish(version("taken-back"), "2024-02-01")
    story.withdraw("taken-back")
    before = versions(story)
    found = refusal(story.withdraw(name))
    assert found[0] == reason
    assert words in found[1]
    story.tick("2024-03-01")
    assert versions(story) == before


# Refused


def test_two_versions_for_one_instant_are_one_too_many() -> None:
    story = started()
    story.publish(version("v2"), "2024-02-01")
    assert refusal(story.publish(version("v3"), "2024-02-01")) == (
        "instant_taken",
        "found effective_at 2024-02-01 00:00:00 UTC, for which v2 is approved",
    )
    assert none_of(story.publish(version("v3"), "2024-02-01 00:01"), Quarantined)


def test_a_name_never_changes_its_document() -> None:
    story = started()
    story.publish(version("v2"), "2024-02-01")
    story.withdraw("v2")
    for name in ("v2", "default-1"):
        reason, detail = refusal(story.publish(version(name, grace_days=9), "2024-03-01"))
        assert reason == "invalid_policy"
        assert detail == f"$: found another document; allowed is the one that {name} named before"


@pytest.mark.parametrize("effective", [NOON, "2024-01-01 11:59", "2023-01-01"])
def test_nobody_is_judged_by_what_was_not_yet_published(effective: str) -> None:
    reason, detail = refusal(started().publish(version("v2"), effective))
    assert reason == "instant_passed"
    assert detail.endswith("the log is at 2024-01-01 12:00:00 UTC, and only later is allowed")


def test_the_next_moment_is_late_enough() -> None:
    story = started()
    assert story.publish(version("v2"), "2024-01-01 12:01") == []


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (version("v2", currency="EUR"), "$.currency: found EUR; allowed is USD"),
        (version("v2", grace_days=-1), "$.grace_days: found -1"),
        (version("v2", tiers=[]), "$.tiers"),
    ],
)
def test_what_is_no_policy_of_this_programme_is_refused(document: Document, words: str) -> None:
    reason, detail = refusal(started().publish(document))
    assert reason == "invalid_policy"
    assert words in detail


def test_a_version_that_is_in_force_anyway_is_a_mistake() -> None:
    story = started()
    assert refusal(story.publish(story.document))[0] == "nothing_changes"
    story.publish(version("v2"), "2024-02-01")
    assert refusal(story.publish(version("v2"), "2024-03-01"))[0] == "nothing_changes"
    assert none_of(story.publish(story.document, "2024-03-01"), Quarantined)


BOLDER: Document = {"automatic": {"approval": "first_grant"}}
OPEN_TO_MANAGERS: Document = {"roles": {"manager": ["configure_tiers"]}}


@pytest.mark.parametrize("changed", [BOLDER, OPEN_TO_MANAGERS])
def test_automatic_rules_and_roles_are_the_platform_s_alone_r_man_07_c_05(changed: Document) -> None:
    """Else whoever may configure tiers could allow themselves everything."""
    story = started()
    reason, detail = refusal(story.publish(version("v2", **changed)))
    assert (reason, detail) == ("not_permitted", "found the role administrator; platform_admin may do this")
    assert none_of(story.publish(version("v2", **changed), role="platform_admin"), Quarantined)


def test_administrators_configure_tiers_r_man_06() -> None:
    story = started()
    assert none_of(story.publish(version("v2", grace_days=3)), Quarantined)
    assert none_of(story.publish(version("v3", grace_days=4), "2024-02-01"), Quarantined)
    assert none_of(story.withdraw("v3"), Quarantined)


LAUNCH: Document = {"launches": {"spring-box": {"released": "2024-04-04T10:00:00"}}}
LONGER: Document = {"returns": {"rights": {"base": {"window_days": 31}}}}


@pytest.mark.parametrize(
    ("role", "changed", "may"),
    [
        ("marketing", LAUNCH, True),
        ("marketing", LONGER, False),
        ("marketing", LAUNCH | LONGER, False),
        ("marketing", LAUNCH | {"grace_days": 3}, False),
        ("marketing", LAUNCH | OPEN_TO_MANAGERS, False),
        ("operations_manager", LONGER, True),
        ("operations_manager", LAUNCH, False),
        ("administrator", LAUNCH | LONGER, True),
    ],
)
def test_a_part_of_the_policy_may_be_left_to_others_r_man_09(role: str, changed: Document, may: bool) -> None:
    story = started()
    told = story.publish(version("v2", **changed), "2024-02-01", role=role)
    assert none_of(told, Quarantined) == may
    if not may:
        assert "administrator" in refusal(told)[1] or "platform_admin" in refusal(told)[1]
        assert none_of(story.publish(version("v2", **changed), "2024-02-01", role="platform_admin"), Quarantined)
    assert none_of(story.withdraw("v2", role=role), Quarantined) == may


def test_a_part_is_compared_with_what_it_takes_the_place_of_also_at_one_instant_r_man_09() -> None:
    story = started()
    for number, changed in enumerate([LONGER, LONGER | {"at_risk": {"silent_days": 33}}]):
        assert none_of(story.publish(version(f"v{number}", **changed)), Quarantined)
    shorter = {"returns": {"rights": {"base": {"window_days": 29}}}}
    assert refusal(story.publish(version("v2", **shorter), role="operations_manager"))[0] == "not_permitted"


@pytest.mark.parametrize("effective", [None, "2024-02-01"])
def test_a_command_of_a_part_that_comes_twice_says_nothing_new_t_15(effective: str | None) -> None:
    story = started()
    for _ in range(2):
        assert none_of(
            story.publish(version("v2", **LONGER), effective, role="operations_manager", event="p"), Quarantined
        )
    if effective:
        for _ in range(2):
            assert none_of(story.withdraw("v2", role="operations_manager", event="w"), Quarantined)


def test_who_may_withdraw_a_version_depends_on_that_version_alone_r_man_07() -> None:
    """Another one that is approved may be the platform's."""
    story = started()
    story.publish(version("v2", **BOLDER), "2024-02-01", role="platform_admin")
    story.publish(version("v3", grace_days=3), "2024-01-20")
    assert none_of(story.withdraw("v3"), Quarantined)


def test_a_version_is_compared_with_the_one_that_it_takes_the_place_of_r_man_07() -> None:
    """What the platform approved for February is neither taken back in March nor withdrawn by an administrator."""
    story = started()
    story.publish(version("v2", **BOLDER), "2024-02-01", role="platform_admin")
    assert refusal(story.publish(version("v3", grace_days=3), "2024-03-01"))[0] == "not_permitted"
    assert none_of(story.publish(version("v4", grace_days=3, **BOLDER), "2024-03-01"), Quarantined)
    assert none_of(story.publish(version("v5", grace_days=3), "2024-01-20"), Quarantined)
    assert refusal(story.withdraw("v2"))[0] == "not_permitted"
    assert none_of(story.withdraw("v2", role="platform_admin"), Quarantined)


def test_the_matrix_in_force_when_a_command_was_given_counts_t_43() -> None:
    """A manager who may since February did not before; an administrator who may no more did."""
    story = started()
    roles = {"manager": ["configure_tiers"], "administrator": [], "platform_admin": ["configure_tiers"]}
    changed = version("v2", roles=roles)
    changed["roles"] = roles
    story.publish(changed, "2024-02-01", role="platform_admin")
    story.tick("2024-02-02")
    later = version("v3", grace_days=3)
    later["roles"] = roles
    assert refusal(story.publish(later, "2024-03-01", date="2024-01-31", role="manager"))[0] == "not_permitted"
    assert none_of(story.publish(later, "2024-03-01", date="2024-02-02", role="manager"), Quarantined)
    assert refusal(story.publish(later, "2024-04-01", date="2024-02-02"))[0] == "not_permitted"
    assert none_of(story.publish(changed, "2024-04-01", date="2024-01-31"), Quarantined)


@pytest.mark.parametrize("role", ["manager", "agent", "Administrator", "admin"])
def test_only_administrators_and_above_decide_for_everybody_c_05_t_43(role: str) -> None:
    story = started()
    assert refusal(story.publish(version("v2"), role=role))[0] == "not_permitted"
    story.publish(version("v3"), "2024-02-01", role="platform_admin")
    assert refusal(story.withdraw("v3", role=role))[0] == "not_permitted"
    story.tick("2024-02-01")
    assert versions(story) == ["default-1", "v3"]


# Twice


def test_a_command_that_comes_twice_counts_once_t_15() -> None:
    story = started()
    for _ in range(2):
        assert story.publish(version("v2"), "2024-02-01", event="p") == []
    for _ in range(2):
        assert story.withdraw("v2", event="w") == []
    before = story.stored()
    assert story.publish(version("v2"), "2024-02-01", event="p") == []
    assert story.stored() == before


def test_one_that_was_refused_does_not_become_good_by_coming_again_t_15() -> None:
    story = started()
    story.publish(version("v2"), "2024-02-01")
    refusal(story.publish(version("v3"), "2024-02-01", event="late"))
    story.withdraw("v2")
    before = story.stored()
    assert story.publish(version("v3"), "2024-02-01", event="late") == []
    assert story.stored() == before


def test_a_customer_of_the_programme_s_name_is_a_customer() -> None:
    story = started()
    story.order("2024-01-02", "2000.00", customer="programme")
    story.publish(version("v2"), "2024-02-01")
    story.tick("2024-02-01")
    assert story.row("programme").value_minor == 200_000
    assert versions(story) == ["default-1", "v2"]


# Any order


class Command(NamedTuple):
    """At `minute`, a version is published for `effective` (None: at once), or withdrawn."""

    minute: int
    name: str
    publishes: bool
    effective: int | None = None


NAMES = st.sampled_from(["a", "b", "c"])
MINUTES = st.integers(1, 90)
COMMANDS = st.lists(
    st.one_of(
        st.builds(Command, MINUTES, NAMES, st.just(value=True), MINUTES | st.none()),
        st.builds(Command, MINUTES, NAMES, st.just(value=False)),
    ),
    max_size=14,
    unique_by=lambda it: it.minute,
).map(sorted)


def clock(minute: int) -> str:
    return f"2024-01-01 {12 + minute // 60:02d}:{minute % 60:02d}"


def calendar_of(commands: Sequence[Command]) -> list[tuple[int, str]]:
    """From which millisecond on each version is in force: people write into a calendar, and cross out what is not over.

    Who says "at once" at the instant of another version comes right after it.
    """
    calendar: dict[int, str] = {}

    def before(instant: int) -> str:
        return calendar[max(past)] if (past := [each for each in calendar if each < instant]) else "default-1"

    for it in commands:
        now = at = it.minute * 60_000
        if it.effective is not None:
            at = it.effective * 60_000
        while it.effective is None and at in calendar:
            at += 1
        late = it.effective is not None and at <= now
        if not it.publishes:
            calendar = {at: name for at, name in calendar.items() if at <= now or name != it.name}
        elif not late and at not in calendar and before(at) != it.name:
            calendar[at] = it.name
    return sorted(calendar.items())


@given(COMMANDS, st.sets(MINUTES))
@example([Command(2, "a", True, 3), Command(3, "b", True)], set())
def test_at_each_instant_the_version_is_in_force_that_the_calendar_says_t_32(
    commands: list[Command], more: set[int]
) -> None:
    """However people publish and withdraw; the log's time moves with their commands, and besides as it pleases."""
    story = started()
    told = {it.minute: it for it in commands}
    for minute in sorted(told.keys() | more):
        story.tick(clock(minute))
        if (it := told.get(minute)) and it.publishes:
            story.publish(version(it.name), None if it.effective is None else clock(it.effective))
        elif it:
            story.withdraw(it.name)
    story.tick(clock(95))
    found = story.rows.get(PARTITION, HERE)
    assert found is not None
    in_force = [(each.effective_from, each.version) for each in found.versions[1:]]
    assert in_force == [(story.at(clock(0)) + after, name) for after, name in calendar_of(commands)]
