"""The demo's report: what laurel decided and why, from what `laurel tail` shows of its topics.

`python -m deploy.demo.report FOLDER` draws it; with `--last` it shows `laurel verify` and the recount, and prints the one
line of JSON that ends the demo. Exit code 1 then, unless everything is as it should be. FOLDER holds the files of
generate.py, one `<topic>.jsonl` per topic, and `measured.json`, `verify.json` and `recount.json`.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from rich.bar import Bar
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from processors import wording
from processors.amounts import amount
from processors.asking import asks
from processors.policy import Policy, parse
from processors.wording import day, label
from schemas import decisions
from schemas.decided import Decided

Json = dict[str, Any]
DECISIONS = ("tier-changes", "return-decisions", "priority-routing", "at-risk-alerts")
VERDICTS = {"approve": "approved", "review": "to review", "deny": "denied"}
BAR = 24
EXAMPLE = "for example"
LONGEST_EXAMPLE = 100
TOP = 8
WIDTH = 110


class Demo(NamedTuple):
    """Everything that the report draws."""

    policy: Policy
    generated: Json
    measured: Json
    decisions: dict[str, list[Json]]
    """By topic; each with its `place` beside its fields."""
    profiles: dict[str, Json]
    dead_letters: list[Json]


def load(folder: Path) -> Demo:
    """Read the files."""
    policy = parse((folder / "policy.json").read_text(encoding="utf-8"))
    if not isinstance(policy, Policy):
        raise SystemExit(f"{folder / 'policy.json'}: {policy}")
    return Demo(
        policy,
        _json(folder / "generated.json"),
        _json(folder / "measured.json"),
        {topic: [_decision(line) for line in _lines(folder, topic)] for topic in DECISIONS},
        {line["record"]["customer_id"]: line["record"] for line in _lines(folder, "customer-profiles")},
        list(_lines(folder, "dead-letters")),
    )


def _json(path: Path) -> Json:
    content: Json = json.loads(path.read_text(encoding="utf-8"))
    return content


def _lines(folder: Path, topic: str) -> Iterator[Json]:
    with (folder / f"{topic}.jsonl").open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def _decision(line: Json) -> Json:
    return {**line["record"], "place": f"{line['topic']}/{line['partition']} offset {line['offset']}"}


# --- drawing ---------------------------------------------------------------------------------------------------------


def titled(title: str, content: Table) -> Group:
    """A table below its title."""
    return Group("", Text(title, style="bold"), content)


def grid(*columns: str, right: Collection[str] = ()) -> Table:
    """A table without lines."""
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=any(columns))
    for column in columns:
        table.add_column(column, no_wrap=True, justify="right" if column in right else "left")
    return table


def bars(
    title: str, counts: Iterable[tuple[str, int]], *columns: str, details: Iterable[tuple[str, ...]] = ()
) -> Group:
    """A distribution: each name with a bar, its count and share, and further columns. Bars give way where it is narrow."""
    rows = list(counts)
    total, largest = sum(count for _, count in rows) or 1, max((count for _, count in rows), default=0) or 1
    what, number, *more = columns or ("", "")
    table = grid(what)
    table.add_column("", max_width=BAR // 2 if EXAMPLE in more else BAR)
    table.add_column(number, justify="right", no_wrap=True)
    table.add_column("", justify="right", no_wrap=True)
    for column in more:
        table.add_column(column, no_wrap=column != EXAMPLE)
    for (name, count), extra in zip(rows, list(details) or [()] * len(rows), strict=True):
        # What customers wrote must not be taken for markup.
        table.add_row(
            name, Bar(largest, 0, count, color="cyan"), f"{count:,}", f"{count / total:.1%}", *map(Text, extra)
        )
    return titled(title, table)


def tiers(demo: Demo) -> Group:
    """How many customers hold which tier."""
    held = Counter(profile["tier"] for profile in demo.profiles.values())
    value = Counter[str | None]()
    for profile in demo.profiles.values():
        value[profile["tier"]] += profile["lifetime_value_minor"]
    ladder = _ladder(demo)
    floors = {tier.name: asks(tier, demo.policy) for tier in demo.policy.tiers}
    return bars(
        f"Tiers of {len(demo.profiles):,} customers",
        [(label(tier, demo.policy), held[tier]) for tier in ladder],
        "tier", "customers", f"{demo.policy.currency} in all", "asks for",
        details=[(f"{amount(value[tier], demo.policy.currency):>16}", floors.get(str(tier), "")) for tier in ladder],
    )  # fmt: skip


def _ladder(demo: Demo) -> list[str | None]:
    return [*reversed([tier.name for tier in demo.policy.tiers]), None]


def _why(decision: Json, currency: str) -> str:
    """The conditions that gave a tier, in short: "10,053.53 >= 1,000.00; 12 months on 1998-01-14"."""
    own = (condition for condition in decision["conditions"] if condition["of"] == decision["to_tier"])
    return "; ".join(
        f"{condition['name'].split('_')[1]} months on {condition['threshold']}"
        if condition["name"].startswith("tenure_")
        else f"{amount(condition['value'], currency)} {condition['operator']} {amount(condition['threshold'], currency)}"
        for condition in own
    )


def top(demo: Demo) -> Group:
    """The customers of highest tier and value, and why they have it: as the decision says."""
    last = {decision["customer_id"]: decision for decision in demo.decisions["tier-changes"]}
    ladder = _ladder(demo)
    best = sorted(
        demo.profiles.values(),
        key=lambda each: (ladder.index(each["tier"]), -each["lifetime_value_minor"], each["customer_id"]),
    )
    table = grid("customer", "tier", "value now", "orders", "since", right=("value now", "orders"))
    table.add_column("because on that day")
    for profile in best[:TOP]:
        decision = last.get(profile["customer_id"])
        table.add_row(
            profile["customer_id"],
            label(profile["tier"], demo.policy),
            amount(profile["lifetime_value_minor"], demo.policy.currency),
            str(profile["orders"]),
            day(decision["decided_at"], demo.policy) if decision else "",
            _why(decision, demo.policy.currency) if decision and profile["tier"] else "no tier was reached",
        )
    return titled("Top customers", table)


def changes(demo: Demo) -> Group:
    """Rises and falls between tiers."""
    # Advice on the share of VIPs stands on the same topic.
    moved = [each for each in demo.decisions["tier-changes"] if "to_tier" in each]
    found = Counter((each["from_tier"], each["to_tier"]) for each in moved)
    return bars(
        f"{found.total():,} changes of tier",
        [
            (f"{label(before, demo.policy)} → {label(after, demo.policy)}", count)
            for (before, after), count in found.most_common()
        ],
    )


def returns(demo: Demo) -> Group:
    """Verdicts, by tier."""
    found = Counter((each["verdict"], each["tier"]) for each in demo.decisions["return-decisions"])
    by_verdict = [(verdict, [found[verdict, tier] for tier in _ladder(demo)]) for verdict in VERDICTS]
    return bars(
        f"Verdicts on {found.total():,} returns (synthetic requests on real orders)",
        [(VERDICTS[verdict], sum(counts)) for verdict, counts in by_verdict],
        "verdict", "returns", *(label(tier, demo.policy) for tier in _ladder(demo)),
        details=[tuple(f"{count:,}" for count in counts) for _, counts in by_verdict],
    )  # fmt: skip


def routing(demo: Demo) -> Group:
    """Where contacts go, by tier."""
    found = Counter(each["tier"] for each in demo.decisions["priority-routing"])
    entries = demo.policy.routing
    routes = [entries.tiers.get(tier or "", entries.base) for tier in _ladder(demo)]
    return bars(
        f"Routing of {found.total():,} contacts (synthetic)",
        [(label(tier, demo.policy), found[tier]) for tier in _ladder(demo)],
        "tier", "contacts", "queue", "priority", "answer within",
        details=[(route.queue, str(route.priority), f"{route.response_minutes} minutes") for route in routes],
    )  # fmt: skip


def at_risk(demo: Demo) -> Group:
    """Silent VIPs: alerts, and who of them has not come back."""
    alerts = demo.decisions["at-risk-alerts"]
    raised = Counter(each["tier"] for each in alerts if each["type"] == "AtRiskRaised")
    retracted = sum(each["type"] == "AtRiskRetracted" for each in alerts)
    still = Counter(profile["tier"] for profile in demo.profiles.values() if profile["at_risk"])
    vips = [tier for tier in _ladder(demo) if tier]
    return bars(
        f"{raised.total():,} at-risk alerts, {retracted} retracted: VIPs without an order for more than "
        f"{demo.policy.at_risk.silent_days} days",
        [(label(tier, demo.policy), raised[tier]) for tier in vips],
        "tier", "alerts", "open now",
        details=[(f"{still[tier]:,}",) for tier in vips],
    )  # fmt: skip


def dead_letters(demo: Demo) -> Group:
    """What could not be taken, and an example of why."""
    found = Counter(line["reason"] for line in demo.dead_letters)
    example = {line["reason"]: line for line in demo.dead_letters}
    return bars(
        f"{found.total():,} dead letters (synthetic poison); nobody else was stopped",
        found.most_common(),
        "reason", "records", EXAMPLE,
        details=[(f"{example[reason]['origin']}: {example[reason]['detail']}"[:LONGEST_EXAMPLE],) for reason, _ in found.most_common()],
    )  # fmt: skip


def throughput(demo: Demo) -> str:
    """How fast it was."""
    seconds, events = demo.measured["seconds"], demo.generated["events"]
    return (
        f"[bold]Throughput[/bold] {events / seconds:,.0f} events/s: {events:,} events, {demo.measured['timeline']:,} records of the "
        f"timeline with its ticks, in {seconds} s; one worker, exactly once, from the first event taken to idle"
    )


def telling(demo: Demo) -> Json | None:
    """A decision that tells much: a rise by time alone to a tier with another above it, of the most valuable customer."""

    def much(decision: Json) -> tuple[bool, bool, int]:
        by_time = decision["cause"].startswith("timer/")
        mixed = len({condition["holds"] for condition in decision["conditions"]}) > 1
        profile = demo.profiles.get(decision["customer_id"], {})
        return mixed, by_time, profile.get("lifetime_value_minor", 0)

    return next((max(found, key=much) for topic in DECISIONS if (found := demo.decisions[topic])), None)


def explain(found: Json, policy: Policy) -> Iterator[str | Table]:
    """One decision in full: what, why, under which conditions, and where it stands."""
    decision: Decided = msgspec.convert(found, getattr(decisions, found["type"]))
    opening, because, *_ = wording.explain(decision, policy, "agent")
    yield f"[bold]One decision explained[/bold]\n{opening}"
    yield because
    table = grid("", "", "")
    for condition in decision.conditions:
        holds = "[green]yes[/green]" if condition.holds else "[yellow]no[/yellow]"
        table.add_row(holds, wording.subject(condition, policy), wording.comparison(condition, policy.currency, policy))
    yield table
    *_, numbered, decided, by = wording.explain(decision, policy, "auditor")
    yield f"{numbered}\n{decided} {by}\nIt stands at {found['place']}."


def show(demo: Demo, console: Console) -> None:
    """Draw everything."""
    generated = demo.generated
    console.print(
        f"\n[bold]{demo.policy.name}[/bold]: {generated['history']:,} purchases of the history, and "
        f"{generated['synthetic']:,} synthetic events (seed {generated['seed']})"
    )
    for part in (tiers, top, changes, returns, routing, at_risk, dead_letters):
        console.print(part(demo))
    console.print()
    console.print(throughput(demo))
    decision = telling(demo)
    for piece in explain(decision, demo.policy) if decision else ():
        console.print()
        console.print(piece)


# --- the end ---------------------------------------------------------------------------------------------------------


def conclude(folder: Path, console: Console) -> Json:
    """Show both checks; what the last line says."""
    demo = load(folder)
    checked, counted = (_checked(folder / name) for name in ("verify.json", "recount.json"))
    table = grid("invariant", "compared", "what", "differences", right=("compared", "differences"))
    for check in checked.get("checks", []):
        table.add_row(check["invariant"], f"{check['compared']:,}", check["what"], str(check["differences"]))
    console.print(titled("laurel verify", table))
    for difference in checked.get("first_differences", []):
        console.print(Text(difference, style="red"))
    verdict = "every value, number of orders and tier is equal" if counted.get("equal") else "NOT equal"
    console.print(
        f"\n[bold]Recount[/bold] of {counted.get('customers') or 0:,} customers as of {counted.get('as_of')}, "
        f"and of {counted.get('ticks') or 0:,} ticks: {verdict}"
    )
    for mismatch in counted.get("mismatches", []):
        console.print(Text(json.dumps(mismatch), style="red"))
    return {
        "events": demo.generated["events"],
        "customers": counted.get("customers"),
        "gross_order_value_minor": counted.get("gross_order_value_minor"),
        "net_lifetime_value_minor": counted.get("net_lifetime_value_minor"),
        "decisions": {topic: len(found) for topic, found in demo.decisions.items()},
        "dead_letters": len(demo.dead_letters),
        "verified": checked.get("verified") is True and counted.get("equal") is True,
    }


def _checked(path: Path) -> Json:
    """What a check wrote; nothing, where it did not come to that."""
    try:
        return _json(path)
    except (OSError, ValueError):
        return {}


def main() -> int:
    """Draw the report, or conclude."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path, help="with the demo's files")
    parser.add_argument("--last", action="store_true", help="show the checks and print the last line")
    given = parser.parse_args()
    sys.stdout.reconfigure(errors="replace")  # type: ignore[union-attr] # a terminal without bars is still one
    console = Console(highlight=False)
    console = Console(highlight=False, width=min(console.width, WIDTH) if console.is_terminal else WIDTH)
    if not given.last:
        show(load(given.folder), console)
        return 0
    last = conclude(given.folder, console)
    print(f"\n{json.dumps(last)}")
    return 0 if last["verified"] else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(130)
