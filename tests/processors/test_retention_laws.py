"""Laws of episodes and requests to notify, on histories that nobody would think of (T-15, T-20, T-39, T-40)."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from processors.episodes import open_alert
from processors.figures import FIGURES, Kept
from processors.partition import HERE
from processors.step import Effect
from schemas.decided import Decided
from schemas.decisions import (
    AtRiskClosed,
    AtRiskEscalated,
    AtRiskRaised,
    AtRiskRetracted,
    NotificationRequested,
    WinBackClosed,
    WinBackStarted,
)
from tests.processors.story import Story

START = datetime(2024, 1, 30, 22, 0)  # noqa: DTZ001 - local time of the programme; 29 February lies ahead
MINUTES = 60 * 24 * 500
CUSTOMERS = ("ada", "bob")
POLICY = {
    "time_zone": "America/New_York",
    "grace_days": 10,
    "at_risk": {"silent_days": 15, "follow_up_days": 5, "horizon_days": 30},
    "cancellation": {"kept_days": 40},
    "win_back": {"reminder_days": [3, 20]},
    "notifications": "shipped",
    "tiers": [
        {"name": "gold", "label": "Gold", "lifetime_value_minor": 5_000, "tenure_months": 0},
        {"name": "platinum", "label": "Platinum", "lifetime_value_minor": 15_000, "tenure_months": 1},
    ],
}
KINDS = ("order", "order", "order", "refund", "leave", "leave", "resume", "pause", "reach", "reach", "consent", "birth")
OUTCOMES = ("follow_up", "escalated", "retained", "lost")
PURPOSES = ("email", "calls", "service")


class Happening(NamedTuple):
    """Something that happens `minute` minutes after the start."""

    minute: int
    customer: str
    kind: str
    number: int = 0

    def when(self) -> str:
        return at(self.minute)


def at(minute: int) -> str:
    return (START + timedelta(minutes=minute)).strftime("%Y-%m-%d %H:%M")


def tell(story: Story, it: Happening, **given_: Any) -> list[Effect]:
    about = {"customer": it.customer, "event": f"{it.kind}-{it.minute}", **given_}
    tellers = {
        "order": lambda: story.order(it.when(), f"{it.number}.00", f"o{it.number % 40}", **about),
        "refund": lambda: story.refund(it.when(), f"{it.number}.00", f"o{it.number % 40}", f"f{it.minute}", **about),
        "leave": lambda: story.leave(it.when(), **about),
        "resume": lambda: story.resume(it.when(), **about),
        "pause": lambda: story.pause(it.when(), **about),
        "reach": lambda: story.reach(it.when(), OUTCOMES[it.number % 4], **about),
        "consent": lambda: story.consent(it.when(), PURPOSES[it.number % 3], granted=it.number % 2 == 0, **about),
        "birth": lambda: story.register(it.when(), birth_month=1 + it.number % 12, **about),
    }
    return tellers[it.kind]()


MINUTE = st.integers(0, MINUTES)
HAPPENING = st.builds(Happening, MINUTE, st.sampled_from(CUSTOMERS), st.sampled_from(KINDS), st.integers(0, 200))
ARRIVALS = st.lists(HAPPENING, max_size=25, unique_by=lambda it: it.minute)
IN_TIME = ARRIVALS.map(sorted)


def told(history: Iterable[Happening]) -> Story:
    story = Story(POLICY)
    for it in history:
        tell(story, it)
    story.tick(at(MINUTES + 60))
    return story


def figures(story: Story) -> Kept:
    return story.rows.get(FIGURES, HERE) or Kept()


@given(ARRIVALS)
def test_no_two_decisions_of_a_customer_have_one_id_d7(history: list[Happening]) -> None:
    said(told(history).decided())


@given(ARRIVALS)
def test_never_two_open_episodes_and_each_ends_once_t_39_t_40(history: list[Happening]) -> None:
    """An end that another one supersedes is none; and only a better one supersedes: retained after lost, retracted after all."""
    story = told(history)
    for customer in CUSTOMERS:
        raised, ends, escalated = list[str](), dict[str, str](), Counter[str]()
        last: dict[str, str] = {}
        for each in story.decided():
            if each.customer_id != customer:
                continue
            if isinstance(each, AtRiskRaised):
                assert set(raised) == ends.keys(), "an episode is still open"
                raised.append(each.decision_id)
            elif isinstance(each, AtRiskClosed | AtRiskRetracted):
                alert, outcome = (
                    (each.alert_id, each.outcome) if isinstance(each, AtRiskClosed) else (each.retracts, "retracted")
                )
                assert raised[-1] == alert
                assert (each.supersedes, each.replaced_outcome) == (last.get(alert), ends.get(alert))
                better = {None: 3, "lost": 2, "retained": 1, "retracted": 0}
                assert better[outcome] < better[ends.get(alert)]
                ends[alert], last[alert] = outcome, each.decision_id
            elif isinstance(each, AtRiskEscalated):
                assert each.alert_id not in ends
                escalated[each.alert_id] += 1
        still_open = open_alert(story.row(customer).alert)
        assert [each for each in raised if each not in ends] == ([still_open.decision_id] if still_open else [])
        assert set(escalated.values()) <= {1}


@given(ARRIVALS)
def test_a_win_back_ends_before_the_next_begins(history: list[Happening]) -> None:
    story = told(history)
    for customer in CUSTOMERS:
        under_way = None
        for each in story.decided():
            if each.customer_id == customer and isinstance(each, WinBackStarted):
                assert under_way is None
                under_way = each.decision_id
            elif each.customer_id == customer and isinstance(each, WinBackClosed):
                assert each.win_back_id == under_way
                under_way = None
        row = story.row(customer)
        assert (row.win_back.decision_id if row.win_back else None) == under_way
        assert (row.win_back is not None) == (row.tier is not None and row.membership.status == "cancelled")


@given(ARRIVALS)
def test_figures_are_what_was_decided_t_40(history: list[Happening]) -> None:
    story = told(history)
    ends: dict[str, str] = {}
    for each in story.decided():
        if isinstance(each, AtRiskClosed):
            ends[each.alert_id] = each.outcome
        elif isinstance(each, AtRiskRetracted):
            ends[each.retracts] = "retracted"
    counted, found = Counter(ends.values()), figures(story)
    assert (found.retained, found.lost, found.retracted) == (counted["retained"], counted["lost"], counted["retracted"])
    assert found.raised == len(story.decided(AtRiskRaised))
    assert found.open == sum(open_alert(story.row(each).alert) is not None for each in CUSTOMERS)
    assert found.leaving == sum(story.row(each).win_back is not None for each in CUSTOMERS)


@given(ARRIVALS)
def test_nobody_is_written_to_without_consent_or_called_after_a_refusal_r_cust_13(history: list[Happening]) -> None:
    """Consent recounted: of what was told so far, the last word by its own date."""
    story, heard = Story(POLICY), 0
    said: dict[tuple[str, str], tuple[str, bool]] = {}

    def check() -> None:
        for each in story.decided()[heard:]:
            if isinstance(each, NotificationRequested):
                _, granted = said.get((each.customer_id, each.purpose), ("", None))
                assert each.purpose == "service" or granted or (each.purpose == "calls" and granted is None)

    for it in history:
        story.tick(it.when())  # what time alone brings is before what is said now
        check()
        heard = len(story.decided())
        tell(story, it)
        if it.kind == "consent":
            key, word = (it.customer, PURPOSES[it.number % 3]), (it.when(), it.number % 2 == 0)
            said[key] = max(said.get(key, ("", False)), word)
        check()
        heard = len(story.decided())
    story.tick(at(MINUTES + 60))
    check()


@given(IN_TIME, st.data())
def test_a_prefix_published_twice_asks_and_decides_nothing_twice_t_15(
    history: list[Happening], data: st.DataObject
) -> None:
    length = data.draw(st.integers(0, len(history)))
    once, twice = told(history), Story(POLICY)
    for it in history[:length]:
        tell(twice, it)
    for it in history[:length]:
        tell(twice, it, event=f"again-{it.kind}-{it.minute}")
    for it in history[length:]:
        tell(twice, it)
    twice.tick(at(MINUTES + 60))
    assert said(once.decided()) == said(twice.decided())
    assert figures(once) == figures(twice)


@given(IN_TIME, st.lists(MINUTE, max_size=12))
def test_how_often_the_clock_ticks_does_not_show_t_21(history: list[Happening], ticks: list[int]) -> None:
    plain, story = told(history), Story(POLICY)
    for it in sorted([*history, *(Happening(minute, "", "tick") for minute in ticks)]):
        if it.kind == "tick":
            story.tick(it.when())
        else:
            tell(story, it)
    story.tick(at(MINUTES + 60))
    kept = b"c", b"t", b"h", b"f"
    assert story.rows_of(*kept) == plain.rows_of(*kept)
    assert said(story.decided()) == said(plain.decided())


def said(decisions: Iterable[Decided]) -> dict[str, list[tuple[object, ...]]]:
    """What was decided of each customer, in order; ids tell it from what was not."""
    found = defaultdict(list)
    for each in decisions:
        found[each.customer_id].append((each.sequence, each.decision_id, type(each).__name__))
    for each in found.values():
        assert len({decision for _, decision, _ in each}) == len(each)
    return dict(found)
