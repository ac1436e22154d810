"""What a customer could return before claiming it is what a request then gets, for every history (R-RET-08)."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from processors.claims import NOBODYS, Asker, Claims, claims
from processors.claims_wording import shown, told
from schemas import commands as c
from schemas.decisions import ReturnDecided
from schemas.events import OrderLine
from state.overlay import Overlay
from tests.processors.story import Story, only, policy_with

LINES = (OrderLine("shirt", 3, 9000, 1), OrderLine("watch", 1, 15_000))
OWN = {"decision_id", "return_id", "cause", "origin", "conditions", "supersedes"}
"""What names the request itself; conditions are compared without what moved their facts, which it did."""


def foreseen(story: Story, date: str, order: str = "o1") -> Claims | None:
    """What the customer is told on a date."""
    return claims(Asker(lambda: Overlay(story.store), 0, "ada", order, story.at(date)))


def known(story: Story, date: str) -> Claims:
    found = foreseen(story, date)
    assert found is not None
    return found


def substance(decision: ReturnDecided) -> dict[str, Any]:
    """All that a verdict says, but for which request it is about."""
    fields = {name: value for name, value in structs.asdict(decision).items() if name not in OWN}
    return fields | {"conditions": [structs.replace(each, moved_by=None) for each in decision.conditions]}


def gold(policy: dict[str, object] | None = None) -> Story:
    story = Story({"time_zone": "America/New_York"} | (policy or {}))
    story.register("2014-01-01")
    story.order("2024-02-01", "1500.00", "big")
    story.order("2024-03-01 21:30", lines=LINES)
    story.deliver("2024-03-06 17:00")
    return story


DAYS = st.integers(0, 120)
HAPPENINGS = st.lists(
    st.tuples(
        st.sampled_from(["order", "deliver", "shipment", "back", "refund", "cancel", "contact", "extend", "policy", "leave"]),
        DAYS,
        st.integers(1, 3),
    ),
    max_size=8,
)  # fmt: skip
GENEROUS = {"version": "new", "returns": {"later_policy": "if_kinder", "rights": {"base": {"window_days": 100}}}}


def day(number: int) -> str:
    return f"2024-{3 + number // 28:02d}-{1 + number % 28:02d} 09:00"


def happen(story: Story, what: str, on: str, size: int) -> None:
    match what:
        case "order":
            story.order(on, f"{size * 900}.00", f"more-{story.offset}")
        case "deliver":
            story.deliver(on)
        case "shipment":
            story.ship(on, ["shirt"], shipment=f"p{size}")
        case "back":
            story.send_back(on, {"shirt": size, "watch": 1} if size > 1 else {"shirt": 1}, back=f"b{story.offset}")
        case "refund":
            story.refund(on, f"{size * 10}.00", refund=f"f{story.offset}")
        case "cancel":
            story.cancel(on)
        case "contact":
            story.contact(on, f"k{story.offset}")
        case "extend":
            at = story.at(on) + size * 30 * 86_400_000
            story.command(on, c.ReturnWindowExtended, order_id="o1", until_at=at, role="administrator")
        case "policy":
            story.activate(policy_with(GENEROUS), on)
        case _:
            story.subscribe(on)
            story.leave(on, for_good=size == 1)


@given(
    happenings=HAPPENINGS,
    at=DAYS,
    start=st.sampled_from(["order", "line"]),
    whose=st.sampled_from(["order", "request"]),
)
def test_what_is_told_before_is_what_a_request_gets_r_ret_08(
    happenings: list[tuple[str, int, int]], at: int, start: str, whose: str
) -> None:
    """For each line by itself, and for all of them at once; and telling it leaves no trace."""
    story = gold({"returns": {"window_from": start, "tier_at": whose, "serial": {"months": 6, "most": 2}}})
    for what, number, size in sorted(happenings, key=lambda each: each[1]):
        happen(story, what, day(number), size)
    when = max(story.clock, story.at(day(at)))
    date = story.local(when)
    before = story.stored()
    found = known(story, date)
    assert story.stored() == before
    asks = [*found.lines, *([found.together] if found.together else [])]
    for verdict in asks:
        assert verdict.return_id == NOBODYS
        units = {line.line_id: line.quantity for line in verdict.lines}
        twin = Story()
        twin.document = story.document
        twin.store.write(before)
        twin.rows, twin.offset = Overlay(twin.store), story.offset
        twin.tick(date)
        got = only(twin.send_back(date, units, back="asked"), ReturnDecided)
        assert substance(got) == substance(verdict)


def test_each_line_has_its_last_day_its_verdict_and_its_worth_r_ret_08() -> None:
    found = known(gold(), "2024-04-01")
    ends = gold().at("2024-04-21")
    assert [(line.verdict, line.amount_minor, line.window_ends_at) for line in found.lines] == [
        ("approve", 8999, ends),
        ("approve", 15_000, ends),
    ]
    assert found.together is not None
    assert (found.together.tier, found.together.label_free, found.at_order) == ("gold", True, True)


def test_what_is_spoken_for_is_left_out_t_27() -> None:
    story = gold()
    story.send_back("2024-03-10", {"shirt": 2, "watch": 1})
    shirt, watch = known(story, "2024-03-11").lines
    assert [(line.line_id, line.quantity) for line in shirt.lines] == [("shirt", 1)]
    assert watch.verdict == "deny"
    assert [each.name for each in watch.conditions if not each.holds] == ["units_left_of_watch"]


def test_an_order_that_is_not_known_entitles_to_nothing() -> None:
    story = gold()
    story.deliver("2024-03-08", "o9")
    assert foreseen(story, "2024-03-10", "o9") is None
    assert foreseen(Story(started=False), "2024-03-10") is None


def test_time_alone_changes_what_is_told_t_11() -> None:
    """By the anniversary the tier has risen, and with it what may come back."""
    story = Story()
    story.order("2024-01-01", "1500.00", "big")
    story.order("2024-12-20", "60.00")
    assert [known(story, date).lines[0].tier for date in ("2024-12-31", "2025-01-01")] == [None, "gold"]


def test_flexibility_is_what_the_policy_writes_and_no_more_r_ret_17() -> None:
    """On the last day of Gold's window Gold may return what nobody else may; the day after, Gold may not either."""
    plain = Story({"time_zone": "America/New_York"})
    plain.order("2024-03-01 21:30", lines=LINES)
    plain.deliver("2024-03-06 17:00")
    found = [
        [line.verdict for line in known(story, date).lines]
        for story in (plain, gold())
        for date in ("2024-04-20 23:59", "2024-04-21")
    ]
    assert found == [["deny", "deny"], ["deny", "deny"], ["approve", "approve"], ["deny", "deny"]]


def test_a_customer_reads_what_may_come_back_and_what_not_r_aud_06() -> None:
    story = gold()
    story.send_back("2024-03-10", {"watch": 1})
    assert told(known(story, "2024-03-11")) == [
        "What you can return of order o1, as of 2024-03-11:",
        "3 of line shirt, worth 89.99 USD: can come back until 2024-04-20. We take it back at once.",
        "Line watch: cannot come back.",
        "  You asked for 1 of line watch, and only 0 can come back.",
        "You send it back without paying for the parcel.",
        "You get your money back or credit in our shop.",
    ]


def test_a_customer_reads_that_all_of_it_at_once_is_looked_at_r_aud_06() -> None:
    story = gold({"returns": {"rights": {"tiers": {"gold": {"auto_approve_limit_minor": 15_000}}}}})
    assert told(known(story, "2024-03-11"))[-4:-2] == [
        "If you ask for all of it at once, somebody looks at it first.",
        "  It is worth 239.99 USD; above 150.00 USD somebody looks at it first.",
    ]


def test_a_customer_reads_what_somebody_looks_at_and_until_when_r_ret_08() -> None:
    story = gold({"returns": {"rights": {"tiers": {"gold": {"auto_approve_limit_minor": 10_000}}}}})
    assert told(known(story, "2024-03-11"))[2:4] == [
        "1 of line watch, worth 150.00 USD: can be asked for until 2024-04-20. Somebody looks at it first.",
        "  It is worth 150.00 USD; above 100.00 USD somebody looks at it first.",
    ]


def test_an_agent_sees_every_condition_t_48() -> None:
    lines = shown(known(gold(), "2024-04-21"))
    assert lines[0] == (
        "On 2024-04-21 00:00, customer ada could return of order o1, under policy default-1 of the order's date as Gold:"
    )
    assert lines[1] == "lane standard, label free, refund, store_credit"
    assert "3 of line shirt: deny, until 2024-04-20, 89.99 USD" in lines
    assert "  no  asked for on: 2024-04-21 00:00:00, not before 2024-04-21 00:00:00" in lines
    assert "  yes tier when the return was asked for: Gold, one of Gold, Platinum, Diamond" in lines
