"""How returns went, by tier and month: the figures that a partition keeps, and that anybody counts from the decisions."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from processors.figures import FIGURES, Kept
from processors.partition import HERE
from processors.return_figures import NO_TIER, Returned, by_month, total, with_totals
from schemas import commands as c
from schemas import events as e
from schemas.decisions import ReturnDecided
from tests.processors.story import Story, minor

HOUR_MS = 3_600_000


def kept(story: Story) -> tuple[Returned, ...]:
    return (story.rows.get(FIGURES, HERE) or Kept()).returns


def decide(story: Story, date: str, back: str, verdict: str = "approved", order: str = "o1") -> None:
    story.command(date, c.ReturnReviewed, return_id=back, order_id=order, verdict=verdict, role="administrator")


def told() -> Story:
    """Of Gold: one approved, one too late and disputed, one reviewed within 6 hours; of nobody's tier: one too dear."""
    story = Story()
    story.register("2014-01-01")
    story.order("2024-02-28", "1000.00", "big")
    story.order("2024-03-01", "200.00")
    story.deliver("2024-03-05")
    story.send_back("2024-03-10 10:00", back="fine")
    story.order("2024-03-11", lines=[e.OrderLine("l1", 1, minor("20.00"))], order="o2")
    story.send_back("2024-05-30 10:00", order="o2", back="late")
    story.dispute("2024-05-30 12:00", "late", "o2")
    decide(story, "2024-05-31 10:00", "late", order="o2")
    story.send_back("2024-05-31 10:00", order="big", back="dear")
    decide(story, "2024-05-31 16:00", "dear", "refused", "big")
    story.order("2024-06-01", "150.00", "b1", customer="bob")
    story.send_back("2024-06-02", order="b1", back="bobs", customer="bob")
    return story


def test_a_story_in_figures_r_ret_12_r_ret_13_r_ret_14_r_ret_15() -> None:
    gold, nobody = kept(told())
    assert gold == Returned(
        "gold",
        asked=3,
        approved=1,
        denied=2,
        reviewed=1,
        approved_by_person=1,
        disputed=1,
        upheld=1,
        taken_ms=24 * HOUR_MS,
    )
    assert nobody == Returned(NO_TIER, asked=1, reviewed=1)
    assert gold.shares() == {
        "auto_approved_permille": 333,
        "automatic_permille": 1000,
        "disputed_permille": 333,
        "by_the_policy_permille": 666,
    }
    assert (gold.mean_seconds(), nobody.mean_seconds()) == (6 * 3600, None)
    assert set(Returned("gold").shares().values()) == {None}


def test_by_the_month_of_the_request_r_ret_15() -> None:
    found = by_month(told().decided(), "UTC")
    assert {month: [(each.tier, each.asked) for each in tiers] for month, tiers in found.items()} == {
        "2024-03": [("gold", 1)],
        "2024-05": [("gold", 2)],
        "2024-06": [("none", 1)],
    }
    assert [(each.tier, each.asked) for each in with_totals(found["2024-06"])] == [
        ("none", 1),
        ("VIPs", 0),
        ("all", 1),
    ]
    assert list(by_month(told().decided(), "America/New_York"))[-1] == "2024-06"


WHAT = st.sampled_from(["order", "back", "dispute", "approve", "refuse", "again", "rise"])


@given(st.lists(st.tuples(WHAT, st.integers(0, 4), st.sampled_from(["ada", "bob"])), max_size=30))
def test_whatever_happens_the_figures_are_those_of_the_returns_r_aud_02(
    happenings: list[tuple[str, int, str]],
) -> None:
    """Each return is asked for once, decided by rules once at most, objected to once, and a person's word is a person's.

    Some are asked for before their order is known, are disputed while they wait, or more than once.
    """
    story, day = Story({"returns": {"rights": {"base": {"window_days": 14}}}}), 0
    for what, n, who in happenings:
        day += 3
        on = f"2024-{1 + day // 28:02d}-{1 + day % 28:02d}"
        about, order, back = {"customer": who}, f"o{n}", f"b{n}"
        match what:
            case "order":
                story.order(on, f"{n * 40}.00", order, **about)
            case "back" | "again":
                story.send_back(on, 1, order, back, **about)
            case "dispute":
                story.dispute(on, back, order, **about)
            case "rise":
                story.register("2014-01-01", **about)
                story.order(on, "1200.00", f"big{day}", **about)
            case _:
                verdict = "approved" if what == "approve" else "refused"
                story.command(
                    on, c.ReturnReviewed, return_id=back, order_id=order, verdict=verdict, role="administrator", **about
                )
    decisions = story.decided(ReturnDecided)
    all_of_them = total(kept(story), "all")
    assert all_of_them == total((row for tiers in by_month(decisions, "UTC").values() for row in tiers), "all")
    own: dict[tuple[str, str], list[ReturnDecided]] = {}
    for each in decisions:
        own.setdefault((each.customer_id, each.return_id), []).append(each)
    assert all_of_them.asked == len(own)
    by_rules = Counter(
        each.verdict for chain in own.values() for each in chain if each.decided_by is None and each.verdict != "review"
    )
    assert all_of_them.approved + all_of_them.denied == by_rules.total() <= len(own)
    assert all_of_them.disputed == sum(any(each.objection for each in chain) for chain in own.values())
    assert all_of_them.approved_by_person + all_of_them.denied_by_person == sum(
        each.decided_by is not None for each in decisions
    )
    assert all_of_them.upheld <= min(all_of_them.disputed, all_of_them.approved_by_person)
