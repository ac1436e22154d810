"""Links in any interleaving: whatever is on its way while ids are linked and separated, nothing is lost, and nothing counts twice.

Upstream tells of ids on several partitions; the queues between them move in any order. At the end links say who is one
customer, and each customer is what a recount of their ids' events says (T-15, T-16, T-24).
"""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from random import Random
from typing import Any
from unittest.mock import patch

from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import Struct

from processors import moving
from processors.customer import Customer
from processors.partition import HERE
from processors.parts import PARTS
from processors.statement import statement
from processors.vip_share import CENSUS
from schemas import events as e
from schemas.decided import Decided
from schemas.decisions import Quarantined, TierChanged
from schemas.partitions import partition_of
from schemas.source import SourceEvent
from state.overlay import Overlay
from streams.intake import MAX_HOPS
from tests.processors.accounts import conserved
from tests.processors.network import START, Network

IDS = ("ada", "bob", "cleo", "dan")
HOUR = 3_600_000
FIRST = START + 3000 * 24 * HOUR
ORDERS = st.integers(0, 4)
REFUNDS = {"f": 700, "g": 11_000, "h": 130_000}
"""What each refund of an order pays back: all three are more than most of the orders."""


def of_kind(kind: type[SourceEvent], **about: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.tuples(st.just(kind), st.sampled_from(IDS), st.fixed_dictionaries(about))


LINK = of_kind(e.IdsLinked, other_customer_id=st.sampled_from(IDS))
FACT = st.one_of(
    of_kind(e.OrderPlaced, order=ORDERS),
    of_kind(e.OrderCancelled, order=ORDERS),
    of_kind(
        e.OrderRefunded, order=ORDERS, refund=st.sampled_from(sorted(REFUNDS)), line_id=st.sampled_from([None, "l1"])
    ),
    of_kind(e.CustomerRegistered),
    of_kind(e.CustomerReferred, referred_customer_id=st.sampled_from([*IDS, "eve"])),
    of_kind(e.SurveyAnswered, question_id=st.sampled_from("xy")),
    of_kind(e.ConsentChanged, granted=st.booleans()),
    of_kind(e.SubscriptionStarted, subscription_id=st.sampled_from("st")),
    of_kind(e.SubscriptionCancelled, subscription_id=st.sampled_from("st")),
    of_kind(e.ReturnRequested, order=ORDERS),
)
TOLD = st.lists(LINK | LINK | of_kind(e.IdsUnlinked, other_customer_id=st.sampled_from(IDS)) | FACT | FACT, max_size=30)
HOMES = st.fixed_dictionaries({each: st.integers(0, 2) for each in IDS})


def happened(told: Sequence[tuple[Any, ...]]) -> list[Any]:
    """Events, an hour after one another. An order is placed once under an id, for so much that tiers come and go."""
    events: list[Any] = []
    placed = set[tuple[str, int]]()
    for number, (kind, customer, about) in enumerate(told):
        base = {"event_id": f"e{number}", "customer_id": customer, "occurred_at": FIRST + number * HOUR}
        match about:
            case {"order": order} if kind is e.OrderPlaced:
                if (customer, order) in placed:
                    continue
                placed.add((customer, order))
                lines = (e.OrderLine("l1", 1, goods(order)),)
                events.append(e.OrderPlaced(**base, order_id=f"o{order}", currency="USD", lines=lines))
            case {"order": order} if kind is e.OrderCancelled:
                events.append(e.OrderCancelled(**base, order_id=f"o{order}"))
            case {"order": order, "refund": refund, "line_id": line}:
                paid = {"refund_id": refund, "goods_minor": REFUNDS[refund], "line_id": line}
                events.append(e.OrderRefunded(**base, order_id=f"o{order}", **paid))
            case {"order": order}:
                back = {"return_id": f"b{number}", "lines": (e.ReturnLine("l1", 1),)}
                events.append(e.ReturnRequested(**base, order_id=f"o{order}", **back))
            case _:
                events.append(kind(**base, **about, **MORE.get(kind, {})))
    return events


MORE: dict[Any, dict[str, Any]] = {
    e.SurveyAnswered: {"survey_id": "spring", "score": 9},
    e.ConsentChanged: {"purpose": "email"},
    e.SubscriptionStarted: {"currency": "USD", "monthly_minor": 500},
    e.SubscriptionCancelled: {"reason": "moved"},
    e.RewardRequested: {"reward_id": "cup", "quantity": 1},
    e.ReturnDisputed: {"reason": "unfair"},
    e.OrderFailed: {"shipment_id": None, "reason": "carrier"},
    e.ContactOpened: {"channel": "chat", "topic": "general"},
    e.ContactAssigned: {"agent_id": "x", "queue": "vip"},
}


def goods(order: int) -> int:
    return (order + 1) * 30_000


def families(events: Sequence[Any], known: Collection[str] = IDS) -> list[list[str]]:
    """Who is one customer: of a pair the last word counts, and links make chains."""
    last: dict[frozenset[str], tuple[int, bool]] = {}
    for event in events:
        if isinstance(event, e.IdsLinked | e.IdsUnlinked) and event.customer_id != event.other_customer_id:
            pair = frozenset((event.customer_id, event.other_customer_id))
            last[pair] = max(last.get(pair, (0, False)), (event.occurred_at, isinstance(event, e.IdsLinked)))
    groups = [{each} for each in known]
    for pair, (_, linked) in last.items():
        if linked:
            touched = [group for group in groups if group & pair]
            groups = [group for group in groups if not group & pair] + [set[str]().union(*touched)]
    return sorted(sorted(group) for group in groups)


def ended(
    events: Sequence[Any],
    homes: dict[str, int],
    random: Random,
    twice: Collection[int] = (),
    policy: Mapping[str, Any] | None = None,
) -> Network:
    """After all events, some of them published twice, in some interleaving."""
    net = Network(homes, policy)
    net.tick(FIRST + 1000 * HOUR)
    net.publish([*events, *(event for number, event in enumerate(events) if number in twice)])
    with patch.object(moving, "PIECE_BYTES", random.choice((1, moving.PIECE_BYTES))):  # moves of many pieces are rare
        net.run(random.choice)
    return net


def facts(row: Struct) -> dict[str, object]:
    """What the events of an id, or of a customer, come to."""
    assert isinstance(row, Customer)
    found = {name: getattr(row, name) for name in ("since", "value_minor", "orders", "first_order_at", "last_order_at")}
    found |= {"membership": row.membership, "returned": row.returned, "consents": row.consents}
    activity = row.activity
    return found | {
        name: getattr(activity, name) for name in ("months", "days", "referrals", "complaints", "answers", "awaited")
    }


def recounted(events: Sequence[Any], ids: Collection[str]) -> dict[str, object]:
    """Value, orders, tenure, referrals and answers of a customer with these ids, by looking at all their events at once."""
    mine = [event for event in events if event.customer_id in ids]

    def of(kind: type) -> list[Any]:
        return [event for event in mine if isinstance(event, kind)]

    cancelled = {event.order_id for event in of(e.OrderCancelled)}
    refunds = {(event.order_id, event.refund_id): event.goods_minor for event in of(e.OrderRefunded)}
    refunded = Counter[str]()
    for (order, _), paid in refunds.items():
        refunded[order] += paid
    placed = {event.order_id: event.lines[0].goods_minor for event in of(e.OrderPlaced)}
    standing = {order: worth for order, worth in placed.items() if order not in cancelled}
    began = [*of(e.OrderPlaced), *of(e.CustomerRegistered), *of(e.SubscriptionStarted)]
    return {
        "value_minor": sum(max(worth - refunded[order], 0) for order, worth in standing.items()),
        "orders": len(standing),
        "since": min((event.occurred_at for event in began), default=None),
        "referrals": len({event.referred_customer_id for event in of(e.CustomerReferred)} - set(ids)),
        "answers": len({event.question_id for event in of(e.SurveyAnswered)}),
        "awaited": len((cancelled | refunded.keys()) - placed.keys()),
    }


@given(TOLD, HOMES, st.randoms(use_true_random=False), st.sets(st.integers(0, 30)))
def test_whatever_is_under_way_each_customer_is_the_recount_of_their_ids_t_24(
    told: list[tuple[Any, ...]], homes: dict[str, int], random: Random, twice: set[int]
) -> None:
    events = happened(told)
    net = ended(events, homes, random, twice)
    for ids in families(events):
        host, *others = ids
        row = net.row(host)
        assert (row.host, row.family) == (None, tuple(ids) if others else ())
        assert [net.row(each).host for each in others] == [host] * len(others)
        found = facts(row)
        assert {name: found[name] for name in recounted(events, ids)} == recounted(events, ids)


@given(TOLD, HOMES, st.randoms(use_true_random=False))
def test_each_id_keeps_what_its_own_events_say_whatever_it_was_linked_with(
    told: list[tuple[Any, ...]], homes: dict[str, int], random: Random
) -> None:
    """So a link can be undone at any time, and linking and unlinking restores both."""
    events = happened(told)
    net = ended(events, homes, random)
    alone = ended([event for event in events if not isinstance(event, e.IdsLinked | e.IdsUnlinked)], homes, random)
    for ids in families(events):
        for each in ids:
            # The state of an id is where its host is at home.
            part = Overlay(net.stores[homes[ids[0]]]).get(PARTS, each) if len(ids) > 1 else net.row(each)
            assert facts(part or Customer()) == facts(alone.row(each))


@given(TOLD, HOMES, st.randoms(use_true_random=False))
def test_numbers_have_no_gaps_ids_no_repetition_and_nothing_goes_round_in_circles_i_4_d_6(
    told: list[tuple[Any, ...]], homes: dict[str, int], random: Random
) -> None:
    events = happened(told)
    net = ended(events, homes, random)
    numbers: dict[str, list[int]] = {}
    for decision in net.all(Decided):
        numbers.setdefault(decision.customer_id, []).append(decision.sequence)
    assert all(each == list(range(1, len(each) + 1)) for each in numbers.values())
    assert max(Counter(decision.decision_id for decision in net.all(Decided)).values(), default=1) == 1
    assert net.most_hops <= MAX_HOPS
    # What was published last of each is what its row says.
    for customer, profile in net.profiles().items():
        row = net.row(customer)
        assert (profile.linked_to, profile.lifetime_value_minor, profile.tier) == (row.host, row.value_minor, row.tier)
        assert profile.sequence == row.sequence


@given(TOLD, HOMES, st.randoms(use_true_random=False))
def test_the_census_counts_linked_ids_as_one_customer_t_49(
    told: list[tuple[Any, ...]], homes: dict[str, int], random: Random
) -> None:
    events = happened(told)
    net = ended(events, homes, random)
    censuses = [found for store in net.stores.values() if (found := Overlay(store).get(CENSUS, HERE))]
    hosts = [net.row(ids[0]) for ids in families(events)]
    assert sum(each.customers for each in censuses) == sum(row.since is not None for row in hosts)
    assert sum(each.vips for each in censuses) == sum(row.tier is not None for row in hosts)


@given(st.lists(FACT, max_size=20), HOMES, st.randoms(use_true_random=False))
def test_a_link_changes_a_tier_once_at_most_t_24(
    told: list[tuple[Any, ...]], homes: dict[str, int], random: Random
) -> None:
    """Two ids whose events are all told: the merge is one change, of the id that stays."""
    events = happened(told)
    net = ended(events, homes, random)
    before, at = len(net.effects), FIRST + 1000 * HOUR
    net.publish([e.IdsLinked(event_id="l", customer_id="bob", occurred_at=at, other_customer_id="ada")])
    net.run(random.choice)
    changes = [each for each in net.effects[before:] if isinstance(each, TierChanged)]
    assert [each.customer_id for each in changes] in ([], ["ada"])


REQUEST, BACK, CASE = (st.sampled_from(each) for each in ("pqr", "vw", "kl"))
UNIT = {"order_id": st.just("o1"), "return_id": BACK}
WITH_HALVES = st.lists(
    LINK
    | of_kind(e.ReturnRequested, **UNIT, lines=st.just((e.ReturnLine("l1", 1),)))
    | of_kind(e.ReturnInspected, **UNIT, accepted=st.just((e.ReturnLine("l1", 1),)))
    | of_kind(e.ReturnDisputed, **UNIT)
    | of_kind(e.OrderFailed, order_id=st.just("o1"))
    | of_kind(e.ContactOpened, case_id=CASE)
    | of_kind(e.ContactAssigned, case_id=CASE)
    | of_kind(e.ContactResolved, case_id=CASE)
    | of_kind(e.IdsUnlinked, other_customer_id=st.sampled_from(IDS))
    | FACT
    | of_kind(e.RewardRequested, request_id=REQUEST)
    | of_kind(e.RewardFulfilled, request_id=REQUEST)
    | of_kind(e.RewardCancelled, request_id=REQUEST),
    max_size=30,
)
"""Facts, and things whose beginning and end may be told under two ids."""
POINTS: Mapping[str, Any] = {
    "fulfilment": {"assumed_dispatch_days": 365},
    "points": {"available": "at_once", "rewards": {"cup": {"points": 300}}, "interactions": {"answer": {"most": 1}}},
}


@given(WITH_HALVES, HOMES, st.randoms(use_true_random=False), st.sets(st.integers(0, 30)))
def test_points_are_neither_lost_nor_doubled_and_orders_wait_once_t_24(
    told: list[tuple[Any, ...]], homes: dict[str, int], random: Random, twice: set[int]
) -> None:
    """Over partitions, with rewards, returns and contacts that begin and end while ids are on their way."""
    events = happened(told)
    net = ended(events, homes, random, twice, POINTS)
    for ids in families(events):
        account = statement(Overlay(net.stores[homes[ids[0]]]), ids[0], "UTC")
        conserved(account)
        assert net.row(ids[0]).points == account.wallet
        justified = Counter(
            name[:-1] if len(ids) > 1 else name for name, lot in account.lots if lot.reversed < lot.earned
        )
        assert max(justified.values(), default=1) == 1, "the same thing earns once"
        assert net.row(ids[0]).undispatched.orders == recounted(events, ids)["orders"]
    numbers: dict[str, list[int]] = {}
    for decision in net.all(Decided):
        numbers.setdefault(decision.customer_id, []).append(decision.sequence)
    assert all(each == list(range(1, len(each) + 1)) for each in numbers.values())
    assert max(Counter(decision.decision_id for decision in net.all(Decided)).values(), default=1) == 1


STEPS = st.lists(st.sampled_from(("link", "unlink", "ada", "ada", "bob", "bob")), min_size=8, max_size=30)


@given(STEPS, st.randoms(use_true_random=False))
def test_two_who_are_linked_and_separated_again_and_again_lose_nothing(steps: list[str], random: Random) -> None:
    """The narrow case of the laws above: much is on its way whenever something moves."""
    events: list[Any] = []
    for number, step in enumerate(steps):
        one, other = random.sample(("ada", "bob"), 2)
        base = {"event_id": f"e{number}", "occurred_at": FIRST + number * HOUR}
        match step:
            case "link":
                events.append(e.IdsLinked(**base, customer_id=one, other_customer_id=other))
            case "unlink":
                events.append(e.IdsUnlinked(**base, customer_id=one, other_customer_id=other))
            case _:
                lines = (e.OrderLine("l1", 1, 1 << number),)
                order = {"order_id": f"o{number}", "currency": "USD", "lines": lines}
                events.append(e.OrderPlaced(**base, customer_id=step, **order))
    net = ended(events, {"ada": 0, "bob": 1}, random)
    for ids in (ids for ids in families(events) if ids[0] in ("ada", "bob")):
        assert net.row(ids[0]).value_minor == recounted(events, ids)["value_minor"]


WORD = st.tuples(st.sampled_from(("ada", "bob")), st.sampled_from(["link", "unlink", *sorted(REFUNDS) * 2]))


@given(st.lists(WORD, min_size=4, max_size=12), st.randoms(use_true_random=False))
def test_refunds_of_an_order_that_two_ids_know_are_their_union_t_04_t_15_t_24(
    words: list[tuple[str, str]], random: Random
) -> None:
    """Another narrow case of the laws: what went back is told to either id, or to both, before and after links."""
    lines = (e.OrderLine("l1", 1, 10**6),)
    about = [{"event_id": f"e{number}", "occurred_at": FIRST + number * HOUR} for number in range(len(words))]
    events: list[Any] = [
        e.OrderPlaced(event_id="o", customer_id=each, occurred_at=FIRST, order_id="o", currency="USD", lines=lines)
        for each in ("ada", "bob")
    ]
    for base, (one, word) in zip(about, words, strict=True):
        other = "bob" if one == "ada" else "ada"
        if word in REFUNDS:
            paid = {"order_id": "o", "refund_id": word, "goods_minor": REFUNDS[word]}
            events.append(e.OrderRefunded(**base, customer_id=one, **paid))
        else:
            kind = e.IdsLinked if word == "link" else e.IdsUnlinked
            events.append(kind(**base, customer_id=one, other_customer_id=other))
    net = ended(events, {"ada": 0, "bob": 1}, random)
    for ids in (ids for ids in families(events) if ids[0] in ("ada", "bob")):
        assert net.row(ids[0]).value_minor == recounted(events, ids)["value_minor"]


def test_an_event_that_finds_its_id_gone_comes_home_behind_its_state_d6() -> None:
    net = Network({"ada": 0, "bob": 1})
    at = FIRST

    def say(kind: type, customer: str, number: int, **about: Any) -> None:
        net.publish([kind(event_id=f"e{number}", customer_id=customer, occurred_at=at + number, **about)])

    order = {"currency": "USD", "lines": (e.OrderLine("l1", 1, 100),)}
    say(e.OrderPlaced, "bob", 1, order_id="o1", **order)
    say(e.IdsLinked, "bob", 2, other_customer_id="ada")
    net.run()
    say(e.OrderPlaced, "bob", 3, order_id="o2", **order)
    net.move((-1, 1))
    assert net.waiting() == [(1, 0)], "it is on its way to where the state is"
    say(e.IdsUnlinked, "ada", 4, other_customer_id="bob")
    net.move((-1, 0))
    net.move((1, 0))
    assert net.waiting() == [(0, 1)], "and back, behind the state"
    net.run()
    assert (net.row("bob").orders, net.row("ada").orders, net.most_hops) == (2, 0, 2)


def test_what_is_told_between_the_pieces_of_a_move_is_shared_all_the_same_t_24() -> None:
    net = Network({"ada": 0, "bob": 1})
    order = {"order_id": "o1", "currency": "USD", "lines": (e.OrderLine("l1", 1, 100),)}
    about: dict[str, Any] = {"customer_id": "bob", "occurred_at": FIRST}
    net.publish([e.OrderPlaced(event_id="o", **about, **order)])
    net.publish([e.SurveyAnswered(event_id="s", **about, survey_id="spring", question_id="x", score=9)])
    net.publish([e.IdsLinked(event_id="l", **about, other_customer_id="ada")])
    with patch.object(moving, "PIECE_BYTES", 1):
        while len(net.queues[1, 0]) < 2:
            net.move(net.waiting()[0])
    while len(net.queues[1, 0]) > 1:
        net.move((1, 0))
    net.publish([e.OrderPlaced(event_id="o", customer_id="ada", occurred_at=FIRST, **order)])
    net.move((-1, 0))
    net.run()
    assert (net.row("ada").family, net.row("ada").orders, net.row("ada").value_minor) == (("ada", "bob"), 1, 100)


# Many ids

MANY = tuple(f"c{number}" for number in range(9))
WORDS = st.lists(
    st.tuples(
        st.sampled_from([True, True, False]),
        st.sampled_from(MANY),
        st.sampled_from(MANY),
        st.integers(0, 30),
        st.integers(0, 4),
    ),
    max_size=25,
)
"""Whether two are linked or separated, who, when; and how far everything gets before the next is told."""


def round_of(net: Network, random: Random | None) -> None:
    """Some moves: as chance has it, or all that waits, which is how it goes where nobody is late; chance would end a circle."""
    if random is None:
        for queue, waiting in [(each, len(net.queues[each])) for each in net.waiting()]:
            for _ in range(waiting):
                net.move(queue)
    else:
        for _ in range(10):
            if queues := net.waiting():
                net.move(random.choice(queues))


def rests(net: Network, random: Random | None) -> bool:
    """Whether nothing waits any more after some rounds."""
    for _ in range(200):
        if not net.waiting():
            return True
        round_of(net, random)
    return False


@given(WORDS, st.sampled_from([1, 2, 4]), st.none() | st.randoms(use_true_random=False))
@example(
    [(True, "c4", "c3", 0, 0), (True, "c4", "c0", 1, 0), (True, "c4", "c1", 2, 0), (True, "c2", "c3", 3, 0)], 2, None
)
@example([(True, "c3", "c2", 0, 1), (True, "c3", "c0", 1, 3), (False, "c3", "c0", 2, 0)], 2, None)
@example(
    [(True, "c1", "c3", 0, 4), (True, "c0", "c3", 1, 0), (True, "c2", "c0", 2, 4), (False, "c3", "c0", 3, 0)], 1, None
)
@example(
    [(True, "c3", "c2", 0, 3), (True, "c3", "c0", 1, 3), (False, "c3", "c0", 2, 1), (False, "c2", "c3", 3, 0)], 2, None
)
@example(
    [
        (True, "c0", "c2", 0, 1),
        (True, "c1", "c0", 1, 3),
        (False, "c2", "c1", 26, 3),
        (False, "c0", "c1", 3, 0),
        (True, "c1", "c2", 4, 0),
    ],
    1,
    None,
)
@example(
    [
        (False, "c2", "c0", 21, 3),
        (False, "c2", "c1", 29, 3),
        (True, "c0", "c1", 2, 9),
        (True, "c1", "c2", 3, 0),
        (True, "c0", "c2", 4, 2),
        (False, "c0", "c1", 5, 0),
    ],
    2,
    None,
)
@settings(max_examples=200)
def test_many_ids_come_to_rest_under_the_smallest_of_those_who_hang_together_t_16_t_24(
    words: list[tuple[bool, str, str, int, int]], partitions: int, random: Random | None
) -> None:
    net = Network({each: partition_of(each, partitions) for each in MANY})
    net.tick(FIRST + HOUR)
    events = []
    for number, (linked, one, other, at, rounds) in enumerate(words):
        kind = e.IdsLinked if linked else e.IdsUnlinked
        events.append(kind(event_id=f"e{number}", customer_id=one, occurred_at=FIRST + at, other_customer_id=other))
        net.publish(events[-1:])
        for _ in range(rounds):
            round_of(net, random)
    assert rests(net, random), "they go round in circles"
    for ids in families(events, MANY):
        host, *others = ids
        assert (net.row(host).host, net.row(host).family) == (None, tuple(ids) if others else ())
        assert [net.row(each).host for each in others] == [host] * len(others)


def test_a_link_that_is_told_twice_is_answered_twice_and_refused_never_t_15() -> None:
    """What the one who knows better says is no order to separate those who are separated already."""
    net = Network({"c0": 0, "c2": 1})
    net.tick(FIRST + HOUR)
    about = {"customer_id": "c2", "other_customer_id": "c0"}
    net.publish([e.IdsUnlinked(event_id="apart", occurred_at=FIRST + 21, **about)])
    net.run()
    assert [each.reason for each in net.all(Quarantined)] == ["not_linked"], "nobody had linked them"
    about = {"customer_id": "c0", "other_customer_id": "c2"}
    net.publish([e.IdsLinked(event_id=f"e{at}", occurred_at=FIRST + at, **about) for at in (2, 3)])
    net.run()
    assert len(net.all(Quarantined)) == 1
    assert (net.row("c0").family, net.row("c2").host) == ((), None)
