"""How many VIPs at risk were kept, how many who cancelled came back, how returns went: one row a partition (R-RISK-04, T-40).

It is the sum of what was decided, so that it does not matter whose decision came first; whoever reads `at-risk-alerts`
and `return-decisions` can count the same.
"""

from collections.abc import Iterable

from msgspec import Struct
from msgspec.structs import replace

from processors import return_figures
from processors.return_figures import Tiers
from processors.rows import Table, grown
from schemas.decisions import (
    AtRiskClosed,
    AtRiskRaised,
    AtRiskRetracted,
    Decision,
    ReturnDecided,
    WinBackClosed,
    WinBackStarted,
)


class Kept(Struct, frozen=True, array_like=True):
    """Episodes by how they ended; those that are open are what is left of all that began."""

    raised: int = 0
    retained: int = 0
    lost: int = 0
    retracted: int = 0
    cancelled: int = 0
    won_back: int = 0
    gone: int = 0
    returns: Tiers = ()

    @property
    def open(self) -> int:
        """At-risk episodes of which nobody knows yet how they end."""
        return self.raised - self.retained - self.lost - self.retracted

    @property
    def leaving(self) -> int:
        """Win-backs under way."""
        return self.cancelled - self.won_back - self.gone

    def at_risk(self) -> dict[str, int]:
        """At-risk episodes by what became of them."""
        return {"retained": self.retained, "lost": self.lost, "retracted": self.retracted, "open": self.open}

    def win_backs(self) -> dict[str, int]:
        """VIPs who cancelled, by what became of them."""
        return {"won_back": self.won_back, "lost": self.gone, "open": self.leaving}


FIGURES = Table("figures", b"f", Kept, "how many VIPs at risk were kept, and how returns went; one row", 2, {1: grown})


def count(figures: Kept, decisions: Iterable[Decision]) -> Kept:
    """The figures with what was decided."""
    for each in decisions:
        match each:
            case AtRiskRaised():
                figures = replace(figures, raised=figures.raised + 1)
            case AtRiskClosed():
                figures = _ended(figures, each.outcome, each.replaced_outcome)
            case AtRiskRetracted():
                figures = _ended(figures, "retracted", each.replaced_outcome)
            case WinBackStarted():
                figures = replace(figures, cancelled=figures.cancelled + 1)
            case WinBackClosed(outcome="won_back"):
                figures = replace(figures, won_back=figures.won_back + 1)
            case WinBackClosed():
                figures = replace(figures, gone=figures.gone + 1)
            case ReturnDecided():
                figures = replace(figures, returns=return_figures.count(figures.returns, each))
            case _:
                pass
    return figures


def _ended(figures: Kept, outcome: str, replaced: str | None) -> Kept:
    """One more of an outcome, and one less of that which it replaces."""
    return replace(
        figures,
        retained=figures.retained + (outcome == "retained") - (replaced == "retained"),
        lost=figures.lost + (outcome == "lost") - (replaced == "lost"),
        retracted=figures.retracted + (outcome == "retracted"),
    )
