"""Who had early access to a launch and who bought, by tier: counted from the decisions that anybody can read (R-ANL-17)."""

from collections.abc import Iterable
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
    """Who bought early: of those who were let in, and, under another id perhaps, of others."""
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


def by_launch(decisions: Iterable[Any]) -> dict[str, list[Response]]:
    """Each launch with its tiers, in the order of their names.

    Who bought early is counted with the tier that they were let in with first, whatever they rose to meanwhile.
    """
    found: dict[tuple[str, str], Response] = {}
    let_in: dict[tuple[str, str], Response] = {}

    def of(launch_id: str, tier: str | None) -> Response:
        key = (launch_id, tier or NO_TIER)
        return found.setdefault(key, Response(*key))

    for each in decisions:
        match each:
            case EarlyAccessOpened():
                response = let_in.setdefault((each.launch_id, each.customer_id), of(each.launch_id, each.tier))
                response.invited.add(each.customer_id)
            case LaunchBought():
                response = of(each.launch_id, each.tier)
                _bought(response, each)
                if each.phase == "early":
                    let_in.get((each.launch_id, each.customer_id), response).buyers.add(each.customer_id)
            case _:
                pass
    launches: dict[str, list[Response]] = {}
    for (launch_id, _), response in sorted(found.items()):
        launches.setdefault(launch_id, []).append(response)
    return launches


def _bought(response: Response, decision: LaunchBought) -> None:
    """An order's id is its customer's: two customers may have orders of one id."""
    response.orders[decision.customer_id, decision.order_id] = decision.phase
    amount = response.amounts_minor.get(decision.phase, 0) + decision.amount_minor
    response.amounts_minor[decision.phase] = amount
