"""Events that no rule reads yet are on the record: nobody stops at them, and they change nobody's standing."""

from typing import get_args

import pytest
from msgspec.structs import replace

from processors import fold, identity, points, programme, stock
from schemas import commands as c
from schemas import events as e
from schemas.decisions import TierChanged
from schemas.examples import example
from schemas.profiles import CustomerProfile
from schemas.source import SourceEvent
from tests.processors.story import Story

AWAITED = {
    "nothing: it is the audit of an erasure (D11, T-46)": {c.PersonalTextErased},
}  # fmt: skip
"""By the rules that will read them. Whoever writes one takes its events out of here."""
WAITING = sorted(set().union(*AWAITED.values()), key=lambda kind: kind.__name__)


def test_an_event_has_a_rule_or_waits_for_one() -> None:
    sources = {kind for kind in get_args(e.Event) if issubclass(kind, SourceEvent)}
    # An order, a contact and a dispute are facts, and ask for a verdict besides.
    assert fold.FACTS.keys() & fold.QUESTIONS.keys() == {e.OrderPlaced, e.ContactOpened, e.ReturnDisputed}
    links = {kind for kind in identity.LINKING if issubclass(kind, SourceEvent)}
    ruled = [*(fold.FACTS | fold.QUESTIONS | points.RULES), *programme.COMMANDS, *stock.RULES, *links]
    ruled = [kind for kind in ruled if issubclass(kind, SourceEvent)]
    assert sorted([*WAITING, *ruled], key=str) == sorted(sources, key=str)


@pytest.mark.parametrize("kind", WAITING, ids=lambda kind: kind.__name__)
def test_one_that_waits_changes_nothing_and_stops_nobody(kind: type[SourceEvent]) -> None:
    story = Story()
    story.order("2024-01-01", "500.00")
    before = story.stored()
    event = replace(example(kind), customer_id="ada", occurred_at=story.at("2024-01-01 01:00"))
    assert story.tell("ada", event) == []
    assert story.stored() == before


def test_one_that_waits_has_the_tier_compared_as_every_event_has() -> None:
    story = Story()
    story.order("2024-01-01", "2000.00")
    story.tick("2024-12-31 23:00")
    at = story.at("2025-01-01 01:00")
    moved = e.OrderDelayed(
        event_id="v", customer_id="ada", occurred_at=at, order_id="o1", promised_at=at, reason="weather"
    )
    changed, profile = story.tell("ada", moved)
    assert isinstance(changed, TierChanged)
    assert (changed.to_tier, changed.cause) == ("gold", "orders/v")
    assert isinstance(profile, CustomerProfile)
