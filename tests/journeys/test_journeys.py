"""Journeys: given / when / then in YAML, as an analyst writes them. Every file beside this one is a test.

    title: what the journey shows
    cites: [R-TIER-03, T-11]            requirements and traps
    policy: { grace_days: 10 }          what differs from the shipped policy; leave out for nothing. Requests to notify are
                                        left out, unless `notifications: shipped` brings them in; so are flags of
                                        orders, but for `fulfilment: shipped`
    given: [ events ]                   what happened before; what it led to is not looked at
    story:
      - when: [ events ]
        then: [ decisions ]             all decisions that these events lead to, in order, with the fields of interest
        profile: { fields }             the customer's profile after them
        because: [ conditions ]         conditions that the decisions name, as `of: name value operator threshold = yes`

An event has `on`, a local date with an optional time, and one of

    registered:    with birth_month     order: ORDER    with goods, or with lines: { LINE: { goods, discount, units, reward, launch, … } }
    shipped: ORDER    with parcel
    delivered: ORDER                    refunded: ORDER    with goods
    cancelled: ORDER                    returned: ORDER    with units, or with lines: { LINE: units }
    subscribed: PLAN    with monthly    repriced: PLAN    with monthly
    paused: PLAN                        resumed: PLAN
    left: PLAN    with for_good         contact: CASE    with channel
    delayed: ORDER    with promised, expected               failed: ORDER    with shipment
    compensated: ID    with amount, kind (credit), role (agent)
    amount_approved: ID    with role, author, verdict: somebody with more authority decides about a compensation
    consents: PURPOSE                   refuses: PURPOSE
    wants: REWARD    with request       handed_over: REQUEST    called_off: REQUEST
    takes_it: REQUEST                   leaves_it: REQUEST    the substitute that was offered
    stocked: REWARD    with units, fewer where negative, role (warehouse)
    linked: ID                          unlinked: ID    the customer's id and another one
    outreach: OUTCOME    with again     a person spoke with a customer at risk
    designated: TIER    with starts, ends, review, benefits, without, id (d1)
    redesignated: TIER    with seen, the version that the author saw, and the like
    removed: ID    with seen, benefits_end; `none` for a tier that rules gave
    approved: TIER                      refused: TIER
    note: KIND                          tags: [ added ]    with without: [ taken ]
    label_icon: yes or no               gave: BENEFIT
    points: HOW_MANY    with id (a1)
        commands of people: with role (manager), reason, author
    reported: TIER    with system (crm), seen, the last number it knows; `none` for no tier
    clock:    with behind_s, how far the sources are behind
    policy: { changes, with version }

The customer is `ada` unless `customer` says otherwise. The clock reaches each event's date before the event; an event that
is dated earlier comes late. Amounts are written 1000.00, dates as in `on`, nothing as `none`.
"""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec import structs

from processors.step import Effect
from schemas import commands as c
from schemas.decided import Condition, Decided
from schemas.events import OrderLine
from tests.processors.story import Story, minor, policy_with

FILES = sorted(Path(__file__).parent.glob("*.yaml"))
KEYS = {"title", "cites", "policy", "given", "story"}
INSTANTS = ("_at", "_since", "_by", "_until", "until", "as_of")


def numbers(value: Any) -> Any:
    """YAML is read as text, so that 1000.00 stays what was written; a policy needs its numbers."""
    if isinstance(value, dict):
        return {key: numbers(each) for key, each in value.items()}
    if isinstance(value, list):
        return [numbers(each) for each in value]
    return yaml.safe_load(value)


def line(name: str, parts: dict[str, str]) -> OrderLine:
    amounts = {
        f"{part}_minor": minor(parts[part]) for part in ("goods", "discount", "tax", "shipping") if part in parts
    }
    return OrderLine(
        name, int(parts.get("units", "1")), **amounts, reward_id=parts.get("reward"), launch_id=parts.get("launch")
    )


def order(story: Story, on: str, about: str, it: dict[str, Any]) -> list[Effect]:
    lines = it.pop("lines", None) or {"l1": {"goods": it.pop("goods"), "units": it.pop("units", "1")}}
    rate_ppm = int(Decimal(it.pop("rate", "1")) * 1_000_000)
    currency = it.pop("currency", "USD")
    items = [line(name, parts) for name, parts in lines.items()]
    return story.order(on, order=about, lines=items, currency=currency, rate_ppm=rate_ppm, **it)


def returned(story: Story, on: str, about: str, it: dict[str, Any]) -> list[Effect]:
    units = {name: int(each) for name, each in it.pop("lines", {"l1": it.pop("units", "1")}).items()}
    return story.send_back(on, units, about, it.pop("request", f"b{story.offset}"), **it)


def refunded(story: Story, on: str, about: str, it: dict[str, Any]) -> list[Effect]:
    return story.refund(on, it.pop("goods"), about, it.pop("refund", f"f{story.offset}"), **it)


def reported(story: Story, on: str, about: str, it: dict[str, Any]) -> list[Effect]:
    seen = int(it.pop("seen")) if "seen" in it else None
    return story.report(on, None if about == "none" else about, it.pop("system", "crm"), seen, **it)


def month(it: dict[str, Any]) -> int | None:
    return int(it.pop("birth_month")) if "birth_month" in it else None


def policy(story: Story, on: str, about: Any, it: dict[str, Any]) -> list[Effect]:
    changed = policy_with(numbers(about))
    return [*story.tick(on), *story.activate(changed, on, **it)]


def instants(it: dict[str, Any]) -> dict[str, Any]:
    """What a person wishes, with dates under the contract's names."""
    names = {"starts": "starts_at", "ends": "ends_at", "review": "review_at", "author": "author_id"}
    wish = {names.get(name, name): value for name, value in it.items() if name != "id"}
    return wish | {name: tuple(wish[name]) for name in ("benefits", "without") if name in wish}


def designated(story: Story, on: str, about: str, it: dict[str, Any]) -> list[Effect]:
    return story.designate(on, about, it.get("id", "d1"), **instants(it))


def redesignated(story: Story, on: str, about: str, it: dict[str, Any]) -> list[Effect]:
    return story.redesignate(on, int(it.pop("seen")), about, it.get("id", "d1"), **instants(it))


def removed(story: Story, on: str, about: str, it: dict[str, Any]) -> list[Effect]:
    ends, seen = it.pop("benefits_end", "no") == "yes", int(it.pop("seen", "1"))
    designation = (None, None) if about == "none" else (seen, about)
    return story.undesignate(on, *designation, benefits_end=ends, **instants(it))


def tags(story: Story, on: str, about: list[str], it: dict[str, Any]) -> list[Effect]:
    taken = tuple(it.pop("without", ()))
    return story.command(on, c.TagsChanged, added=tuple(about), removed=taken, **instants(it))


EVENTS: dict[str, Callable[[Story, str, Any, dict[str, Any]], list[Effect]]] = {
    "registered": lambda story, on, _, it: story.register(on, birth_month=month(it), **it),
    "consents": lambda story, on, about, it: story.consent(on, about, **it),
    "refuses": lambda story, on, about, it: story.consent(on, about, granted=False, **it),
    "outreach": lambda story, on, about, it: story.reach(on, about, **it),
    "order": order,
    "shipped": lambda story, on, about, it: story.ship(on, order=about, shipment=it.pop("parcel", "p1"), **it),
    "delivered": lambda story, on, about, it: story.deliver(on, about, **it),
    "cancelled": lambda story, on, about, it: story.cancel(on, about, **it),
    "refunded": refunded,
    "returned": returned,
    "delayed": lambda story, on, about, it: story.delay(
        on, it.pop("promised"), it.pop("expected", None), order=about, **it
    ),
    "failed": lambda story, on, about, it: story.fail(on, it.pop("shipment", None), order=about, **it),
    "compensated": lambda story, on, about, it: story.compensate(on, it.pop("amount"), about, **instants(it)),
    "amount_approved": lambda story, on, about, it: story.approve(on, about, **instants(it)),
    "contact": lambda story, on, about, it: story.contact(on, about, **it),
    "subscribed": lambda story, on, about, it: story.subscribe(on, it.pop("monthly", "0"), about, **it),
    "repriced": lambda story, on, about, it: story.reprice(on, it.pop("monthly"), about, **it),
    "paused": lambda story, on, about, it: story.pause(on, about, **it),
    "resumed": lambda story, on, about, it: story.resume(on, about, **it),
    "left": lambda story, on, about, it: story.leave(on, about, for_good=it.pop("for_good", "no") == "yes", **it),
    "referred": lambda story, on, about, it: story.refer(on, about, **it),
    "linked": lambda story, on, about, it: story.link(on, about, **it),
    "unlinked": lambda story, on, about, it: story.unlink(on, about, **it),
    "visited": lambda story, on, _, it: story.visit(on, **it),
    "answered": lambda story, on, about, it: story.reply(on, about, **it),
    "reported": reported,
    "disputed": lambda story, on, about, it: story.dispute(on, about, **it),
    "designated": designated,
    "redesignated": redesignated,
    "removed": removed,
    "approved": lambda story, on, about, it: story.review(on, about, **instants(it)),
    "refused": lambda story, on, about, it: story.review(on, about, "refused", **instants(it)),
    "note": lambda story, on, about, it: story.command(on, c.NoteAdded, kind=about, **instants(it)),
    "tags": tags,
    "label_icon": lambda story, on, about, it: story.command(
        on, c.LabelIconChanged, printed=about == "yes", **instants(it)
    ),
    "gave": lambda story, on, about, it: story.command(on, c.BenefitDelivered, benefit=about, **instants(it)),
    "wants": lambda story, on, about, it: story.want(on, about, it.pop("request"), **it),
    "handed_over": lambda story, on, about, it: story.hand_over(on, about, **it),
    "called_off": lambda story, on, about, it: story.call_off(on, about, **it),
    "takes_it": lambda story, on, about, it: story.choose(on, "approved", about, **it),
    "leaves_it": lambda story, on, about, it: story.choose(on, "refused", about, **it),
    "stocked": lambda story, on, about, it: story.restock(on, int(it.pop("units")), about, **it),
    "points": lambda story, on, about, it: story.adjust(on, int(about), it.pop("id", "a1"), **instants(it)),
    "clock": lambda story, on, _, it: story.tick(on, behind_s=int(it.pop("behind_s", "0"))),
    "policy": policy,
}


def happen(story: Story, written: dict[str, Any]) -> list[Effect]:
    """Let one event of a journey happen, and return all that followed, also from the time that passed before it."""
    it = dict(written)
    (kind,) = [key for key in it if key in EVENTS]
    before = len(story.effects)
    EVENTS[kind](story, it.pop("on"), it.pop(kind), it)
    return story.effects[before:]


def shown(story: Story, field: str, value: Any) -> str:
    """A field's value as a journey writes it."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(each if isinstance(each, str) else f"{each.benefit} {each.times}" for each in value) or "none"
    if field.endswith("_minor"):
        return f"{Decimal(value).scaleb(-2):.2f}"
    return story.local(value) if field.endswith(INSTANTS) else str(value)


def condition(story: Story, it: Condition) -> str:
    value, threshold = (shown(story, it.name, each) for each in (it.value, it.threshold))
    return f"{it.of}: {it.name} {value} {it.operator} {threshold} = {'yes' if it.holds else 'no'}"


def fields(story: Story, record: Any, names: dict[str, Any]) -> dict[str, str]:
    values = structs.asdict(record)
    return {name: shown(story, name, values[name]) if name in values else "no such field" for name in names}


@pytest.mark.parametrize("path", FILES, ids=[path.stem for path in FILES])
def test_journey(path: Path) -> None:
    journey = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 - makes only text
    assert set(journey) <= KEYS
    assert journey["cites"]
    story = Story(numbers(journey.get("policy") or {}))
    for event in journey.get("given", []):
        happen(story, event)
    for scene in journey["story"]:
        assert set(scene) <= {"when", "then", "profile", "because"}
        effects = [effect for event in scene["when"] for effect in happen(story, event)]
        decisions = [each for each in effects if isinstance(each, Decided)]
        expected = [next(iter(each.items())) for each in scene["then"]]
        found = [
            (type(each).__name__, fields(story, each, (expected[n][1] or {}) if n < len(expected) else {}))
            for n, each in enumerate(decisions)
        ]
        assert found == [(kind, wanted or {}) for kind, wanted in expected]
        customer = scene["when"][-1].get("customer", "ada")
        if "profile" in scene:
            assert fields(story, story.profiles[customer], scene["profile"]) == scene["profile"]
        reasons = [condition(story, it) for each in decisions for it in each.conditions]
        assert [each for each in scene.get("because", []) if each not in reasons] == [], reasons


def test_there_are_journeys() -> None:
    assert len(FILES) >= 8
