"""How returns went, by tier: by rules or by a person, how soon, and what was objected to (R-RET-12..15, R-AUD-02).

They are sums over decisions, whoever's came first. So the figures of a partition, and what anybody counts who reads
`return-decisions`, are one function.
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import asdict, replace

from processors.local_time import date_of
from schemas.decisions import ReturnDecided

NO_TIER = "none"
"""What customers without a tier are counted under."""
VIPS, EVERYBODY = "VIPs", "all"
"""What the sums are called; no tier can be (`processors.policy_fields.Name`)."""


class Returned(Struct, frozen=True, array_like=True):
    """Of one tier: requests, verdicts by rules and by people, what went to a person, objections and what came of them.

    `upheld` are verdicts of people that gave something to who objected; `taken_ms` sums up, over all verdicts, the time
    from the request on. A return that somebody objects to has two.
    """

    tier: str
    asked: int = 0
    approved: int = 0
    denied: int = 0
    reviewed: int = 0
    approved_by_person: int = 0
    denied_by_person: int = 0
    disputed: int = 0
    upheld: int = 0
    taken_ms: int = 0

    @property
    def verdicts(self) -> int:
        """Verdicts that somebody was waiting for."""
        return self.approved + self.denied + self.approved_by_person + self.denied_by_person

    def counts(self) -> dict[str, int]:
        """How many of each."""
        return {name: value for name, value in asdict(self).items() if name not in {"tier", "taken_ms"}}

    def shares(self) -> dict[str, int | None]:
        """Of a thousand requests: approved by rules, decided by rules, objected to, and decided as the rules decide it.

        The last is adherence to the policy: all but those that an objection turned. None where nobody asked.
        """
        of = {
            "auto_approved_permille": self.approved,
            "automatic_permille": self.approved + self.denied,
            "disputed_permille": self.disputed,
            "by_the_policy_permille": self.asked - self.upheld,
        }
        return {name: 1000 * number // self.asked if self.asked else None for name, number in of.items()}

    def mean_seconds(self) -> int | None:
        """From the request to a verdict, on average; None before the first."""
        return self.taken_ms // self.verdicts // 1000 if self.verdicts else None


Tiers = tuple[Returned, ...]
"""Each tier that anybody had who sent goods back, in the order of their names."""


def _with(before: Returned, decision: ReturnDecided) -> Returned:
    by_person, verdict = decision.decided_by is not None, decision.verdict
    final = verdict != "review"
    asked_at = decision.decided_at if decision.requested_at is None else decision.requested_at
    return replace(
        before,
        asked=before.asked + (decision.supersedes is None),
        approved=before.approved + (verdict == "approve" and not by_person),
        denied=before.denied + (verdict == "deny" and not by_person),
        reviewed=before.reviewed + (not final),
        approved_by_person=before.approved_by_person + (verdict == "approve" and by_person),
        denied_by_person=before.denied_by_person + (verdict == "deny" and by_person),
        disputed=before.disputed + (decision.objection == "new"),
        upheld=before.upheld + (verdict == "approve" and by_person and decision.objection is not None),
        taken_ms=before.taken_ms + (max(0, decision.decided_at - asked_at) if final else 0),
    )


def count(tiers: Tiers, decision: ReturnDecided) -> Tiers:
    """The figures with one decision more, under the tier that it was made for."""
    by_tier = {each.tier: each for each in tiers}
    tier = decision.tier or NO_TIER
    by_tier[tier] = _with(by_tier.get(tier, Returned(tier)), decision)
    return tuple(each for _, each in sorted(by_tier.items()))


def total(tiers: Iterable[Returned], name: str) -> Returned:
    """The sum of some tiers."""
    rows = [asdict(each) for each in tiers]
    return Returned(name, **{field: sum(row[field] for row in rows) for field in Returned.__struct_fields__[1:]})


def by_month(decisions: Iterable[object], zone: str) -> dict[str, Tiers]:
    """The figures of each local month in which somebody asked, as "2026-05", from all decisions on returns."""
    months = dict[str, Tiers]()
    for each in decisions:
        if isinstance(each, ReturnDecided):
            asked_at = each.decided_at if each.requested_at is None else each.requested_at
            month = f"{date_of(asked_at, zone):%Y-%m}"
            months[month] = count(months.get(month, ()), each)
    return dict(sorted(months.items()))


def with_totals(tiers: Tiers) -> Iterator[Returned]:
    """Each tier, those who have one, and everybody."""
    yield from tiers
    yield total((each for each in tiers if each.tier != NO_TIER), VIPS)
    yield total(tiers, EVERYBODY)
