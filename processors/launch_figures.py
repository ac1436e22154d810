"""Who had early access to a launch and who bought, by tier: counted from the decisions that anybody can read (R-ANL-17)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.launches import EarlyAccessOpened, LaunchBought

NO_TIER = "none"
PHASES = ("early", "released", "too_early", "unknown")
"""When something of a launch was bought, as orders and money of it are shown."""


@dataclass
class Response:
    """Customers and orders of one tier. `amounts_minor` is by phase, what the orders held of the launch when they were placed."""

    launch_id: str
    tier: str
    invited: set[str] = field(default_factory=set)
    buyers: set[str] = field(default_factory=set)
    """Who bought early: of those who were let in, and of others whom their tier let in when they ordered."""
    orders: dict[tuple[str, str], str] = field(default_factory=dict)
    """Phase of each order, by customer and order."""
    amounts_minor: dict[str, int] = field(default_factory=dict)

    def response_permille(self) -> int | None:
        """Of a thousand who were let in early, so many bought before the release; None where nobody was."""
        return 1000 * len(self.buyers & self.invited) // len(self.invited) if self.invited else None

    def counts(self) -> dict[str, int]:
        """Orders and money by phase, with a name for each."""
        found = list(self.orders.values())
        counted = {f"orders_{phase}": found.count(phase) for phase in PHASES}
        return counted | {f"{phase}_minor": self.amounts_minor.get(phase, 0) for phase in PHASES}


def by_launch(decisions: Iterable[Any], linked: Mapping[str, str]) -> dict[str, list[Response]]:
    """Each launch with its tiers, in the order of their names.

    Who bought early is counted with the tier that they were let in with first, whatever they rose to meanwhile. `linked` are
    ids of customers who stand under another one by now: they are one customer, and a shared order is one order (T-24).
    """
    told = [each for each in decisions if isinstance(each, EarlyAccessOpened | LaunchBought)]
    told.sort(key=lambda each: (*_place(each), each.decision_id))
    found: dict[tuple[str, str], Response] = {}
    let_in: dict[tuple[str, str], Response] = {}

    def of(launch_id: str, tier: str | None) -> Response:
        key = (launch_id, tier or NO_TIER)
        return found.setdefault(key, Response(*key))

    counted = set[tuple[str, str, str]]()
    for each in told:
        customer = stands_as(each.customer_id, linked)
        if isinstance(each, EarlyAccessOpened):
            if (each.launch_id, customer) not in let_in:
                let_in[each.launch_id, customer] = of(each.launch_id, each.tier)
                let_in[each.launch_id, customer].invited.add(customer)
        elif (order := (each.launch_id, customer, each.order_id)) not in counted:
            counted.add(order)
            response = of(each.launch_id, each.tier)
            _bought(response, each, customer)
            if each.phase == "early":
                let_in.get((each.launch_id, customer), response).buyers.add(customer)
    launches: dict[str, list[Response]] = {}
    for (launch_id, _), response in sorted(found.items()):
        launches.setdefault(launch_id, []).append(response)
    return launches


def stands_as(customer: str, linked: Mapping[str, str]) -> str:
    """The id that stands for a customer's: an id is linked to a smaller one, so this comes to an end."""
    while customer in linked:
        customer = linked[customer]
    return customer


def _place(decision: EarlyAccessOpened | LaunchBought) -> tuple[bool, int]:
    """Partitions are read one after another: who was let in comes first, and what was first of each."""
    if isinstance(decision, LaunchBought):
        return True, decision.placed_at
    return False, decision.decided_at


def _bought(response: Response, decision: LaunchBought, customer: str) -> None:
    """An order's id is its customer's: two customers may have orders of one id."""
    response.orders[customer, decision.order_id] = decision.phase
    amount = response.amounts_minor.get(decision.phase, 0) + decision.amount_minor
    response.amounts_minor[decision.phase] = amount
