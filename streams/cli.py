"""The command `laurel`."""

import json
import os
import sys
from datetime import timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Annotated, Any

from cyclopts import App, Parameter
from rich.table import Table

from streams import logs
from streams.console import BAD_INPUT, FAILED, NOT_THERE, OK, UNREAD, fail, noted, out, progress
from streams.dead_letters_commands import app as dead_letters_app
from streams.erasure_commands import erase
from streams.health_commands import doctor, status
from streams.policy_commands import app as policy_app
from streams.settings import Settings, config_file
from streams.tracing_commands import explain, timeline, trace, why

app = App(
    name="laurel",
    help="Decisions for VIP and loyalty programmes, from events on Kafka.",
    version=lambda: version("laurel-streams"),
    version_flags=["--version"],
)
topics_app = App(name="topics", help="Create laurel's topics, or check them.")
config_app = App(name="config", help="Show settings and where they come from.")
app.command(topics_app)
app.command(config_app)
app.command(dead_letters_app)
app.command(policy_app)
for command in (doctor, status, explain, why, trace, timeline, erase):
    app.command(command)


@app.command
def worker() -> None:
    """Run a worker until it is told to stop.

    Example: LAUREL_INSTANCE=worker-1 laurel worker
    """
    os.environ.setdefault("FAUST_LOGLEVEL", "warn")
    from streams.app import app as faust_app

    sys.argv = ["laurel", "worker", "--without-web", "--loglevel", "warn"]
    faust_app.main()


@topics_app.command
def create(*, partitions: int | None = None, replicas: int = 1, policy: Path | None = None) -> int:
    """Create what is missing, and put the first policy in force.

    Example: laurel topics create --partitions 8 --replicas 3 --policy policy.yaml

    Parameters
    ----------
    partitions
        How many the timeline and everything aligned with it get; 8 where none are given. It cannot be changed later.
    replicas
        Copies of each partition; 3 in production.
    policy
        The policy file; the shipped default where none is given.
    """
    from streams import policies, topics

    try:
        created = topics.create(
            Settings(), partitions, replicas, policies.activation(policy or policies.default_file())
        )
    except (policies.PolicyFileError, topics.PartitionsError) as error:
        return fail(error, BAD_INPUT)
    out().print(f"created {len(created)} topics" if created else "all topics are there")
    return OK


@topics_app.command
def check() -> int:
    """Check that the topics are as laurel needs them; exit code 1 says that they are not.

    Example: laurel topics check
    """
    from streams import topics

    wrong = list(topics.check(Settings()))
    for topic, what in wrong:
        out().print(f"{topic}: {what}", highlight=False, markup=False)
    if not wrong:
        out().print("all topics are as laurel needs them")
    return FAILED if wrong else OK


@app.command
def publish(file: Path) -> int:
    """Publish a file of JSON lines to the source topics; `-` reads standard input.

    Example: laurel publish events.jsonl

    Parameters
    ----------
    file
        One event a line: {"type": "OrderPlaced", "event_id": ..., ...}. Free text is given as `note` or `answer` and sealed
        under a key of its person.
    """
    from streams import publishing

    try:
        if str(file) == "-":
            return _publish(sys.stdin, None)
        with file.open(encoding="utf-8") as lines:
            total = sum(1 for line in lines if line.strip())
            lines.seek(0)
            return _publish(lines, total)
    except publishing.BadLineError as error:
        return fail(f"{file}: {error}{noted(error)}", BAD_INPUT)
    except TimeoutError:  # the broker's silence, and to Python an OSError
        raise
    except OSError as error:
        return fail(f"{error}{noted(error)}", BAD_INPUT)
    except UnicodeDecodeError as error:
        return fail(f"{file}: {error}{noted(error)}", BAD_INPUT)


def _publish(lines: Any, total: int | None) -> int:
    from streams import publishing

    settings = Settings()
    with publishing.preparing(settings) as prepare, progress("publishing", total) as advance:
        count = publishing.publish(settings, publishing.parse(lines, prepare), advance)
    out().print(f"published {count} records")
    return OK


@app.command
def tail(
    topic: str, *, last: int = 10, everything: Annotated[bool, Parameter(name="--all")] = False, follow: bool = False
) -> int:
    """Print a topic's committed records, decoded, as JSON lines.

    Example: laurel tail tier-changes --all

    Parameters
    ----------
    topic
        Its name in laurel, such as tier-changes.
    last
        How many records of each partition's end.
    everything
        From the beginning.
    follow
        Go on as records come, until interrupted.
    """
    from streams import tailing

    try:
        for line in tailing.lines(Settings(), topic, None if everything else last, follow=follow):
            sys.stdout.write(line + "\n")
            if follow:
                sys.stdout.flush()
    except tailing.NoTopicError as error:
        return fail(error, BAD_INPUT)
    except KeyboardInterrupt:
        pass
    return OK


@app.command
def skip(partition: int, offset: int, *, unit: str, reason: str) -> int:
    """Leave out one unit that a stopped partition cannot get past; every fold leaves it out from then on.

    Example: laurel skip 3 120934 --unit record --reason "refund without order, ticket 4711"

    Parameters
    ----------
    partition
        The timeline partition that stopped.
    offset
        The offset it stopped at: the first record that is not folded.
    unit
        What to leave out, as the worker named it.
    reason
        Why; kept with the skip.
    """
    from streams import skips
    from streams.kafka import admin, partitions_of

    settings = Settings()
    count = partitions_of(admin(settings), settings.topic("timeline"))
    if not 0 <= partition < count or offset < 0:
        return fail(f"timeline/{partition} offset {offset} is no place: the timeline has {count} partitions", BAD_INPUT)
    position, stopped_at = skips.next_record(settings, partition)
    if position > offset:
        return fail(
            f"timeline/{partition} is at {position}, past {offset}: a fold that happened is not undone", BAD_INPUT
        )
    if stopped_at != offset:
        following = "has no record after it" if stopped_at is None else f"its next record is {stopped_at}"
        return fail(f"timeline/{partition} is at {position} and {following}: nothing stopped at {offset}", BAD_INPUT)
    skips.publish(settings, partition, offset, unit, reason)
    out().print(f"timeline/{partition} leaves out {unit} at {offset}")
    return OK


@app.command
def simulate(
    file: Path,
    *,
    policy: Path | None = None,
    time_zone: str = "UTC",
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> int:
    """Run a file of events through the whole engine in memory, and show what it decides. No broker is needed.

    Example: laurel simulate events.jsonl --policy policy.yaml

    Parameters
    ----------
    file
        Events as `publish` takes them.
    policy
        The policy file; the shipped default where none is given.
    time_zone
        Whose midnights tick.
    as_json
        Every decision as a JSON line.
    """
    from processors.local_time import zones
    from streams import policies, publishing, simulating
    from streams.driver import FoldStoppedError

    if time_zone not in zones():
        return fail(
            f"found time zone {time_zone!r}; a zone of the IANA database is needed, as Europe/Berlin", BAD_INPUT
        )
    try:
        with file.open(encoding="utf-8") as lines:
            result = simulating.simulate(
                publishing.parse(lines, simulating.prepare()),
                policies.activation(policy or policies.default_file()),
                time_zone,
            )
    except (OSError, policies.PolicyFileError) as error:
        return fail(error, BAD_INPUT)
    except (UnicodeDecodeError, publishing.BadLineError) as error:
        return fail(f"{file}: {error}", BAD_INPUT)
    except FoldStoppedError as error:
        return fail(error, FAILED)
    if as_json:
        for line in simulating.decision_lines(result):
            sys.stdout.write(line + "\n")
        return OK
    table = Table("topic", "records")
    for topic, count in simulating.counts(result).items():
        table.add_row(topic, str(count))
    out().print(table)
    return OK


@app.command
def verify(
    *,
    local: bool = True,
    snapshots: Path | None = None,
    every: timedelta | None = None,
    as_json: Annotated[bool, Parameter(name="--json")] = False,
) -> int:
    """Fold the timeline again and compare: sources, tables, changelog, decisions, sequence numbers, a second fold.

    Exit code 1 when anything differs; the first difference of each kind is shown with its position.

    Example: laurel verify --snapshots .laurel/snapshots --every 6h

    Parameters
    ----------
    local
        Compare the tables on this machine's disk too, where there are any.
    snapshots
        A folder that keeps what was verified, so that the next verification reads only what came since. One that is
        damaged or of something else is not used, and that is said.
    every
        Verify again and again, such as every 90s, 30m or 6h, with a line for each round, until SIGTERM or Ctrl-C. The
        exit code is 1 if anything ever differed, 3 if the last round could not be done.
    as_json
        For programs.
    """
    from streams import rounds
    from streams import verify as verification
    from streams.keeping import FolderError

    if every is not None and every <= timedelta():
        return fail(f"found --every {every}; a time is needed, such as 90s, 30m or 6h", BAD_INPUT)
    settings = Settings()

    def attempt() -> Any:
        with progress("records folded", None) as advance:
            return verification.verify(settings, advance, local=local, snapshots=snapshots)

    if every is not None:
        return rounds.repeat(attempt, every.total_seconds(), as_json=as_json)
    try:
        report = attempt()
    except FolderError as error:
        return fail(error, BAD_INPUT)
    if as_json:
        sys.stdout.write(json.dumps(report.to_json()) + "\n")
    else:
        for table in report.tables():
            out().print(table)
        for said in (*report.first_differences(), *report.notes):
            out().print(said, highlight=False, markup=False)
        out().print("verified" if report.clean else "NOT verified")
    return OK if report.clean else FAILED


@app.command
def topology(*, mermaid: bool = False, as_json: Annotated[bool, Parameter(name="--json")] = False) -> int:
    """Show every topic with who writes and who reads it, from the code. No broker is needed.

    Example: laurel topology --mermaid

    Parameters
    ----------
    mermaid
        As a Mermaid flowchart.
    as_json
        For programs.
    """
    from streams import topology as flowing

    if mermaid:
        sys.stdout.write(flowing.mermaid() + "\n")
        return OK
    if as_json:
        sys.stdout.write(json.dumps([flow._asdict() for flow in flowing.flows()]) + "\n")
        return OK
    table = Table("topic", "written by", "read by", "what it carries")
    for flow in flowing.flows():
        table.add_row(flow.topic, flow.writer, ", ".join(flow.readers) or "whoever wants it", flow.about)
    out().print(table)
    return OK


@config_app.command
def show(*, as_json: Annotated[bool, Parameter(name="--json")] = False) -> int:
    """Show every setting with its value, where it comes from, and what it is for.

    Example: laurel config show

    Parameters
    ----------
    as_json
        For programs.
    """
    from streams import configuration

    rows = configuration.rows()
    if as_json:
        sys.stdout.write(json.dumps([row._asdict() for row in rows]) + "\n")
        return OK
    table = Table("setting", "value", "from", "what it is for")
    for row in rows:
        table.add_row(row.name, row.value, row.origin, row.about)
    out().print(table)
    return OK


def main() -> None:
    """Entry point; the exit code is the command's."""
    from tomllib import TOMLDecodeError

    from confluent_kafka import KafkaException
    from pydantic import ValidationError
    from pydantic_settings import SettingsError

    from streams import configuration

    logs.configure()
    try:
        code = _answer()
    except ValidationError as error:
        code = fail(configuration.explain(error), BAD_INPUT)
    except SettingsError as error:
        code = fail(error, BAD_INPUT)
    except TOMLDecodeError as error:
        code = fail(f"{config_file()}: {error}", BAD_INPUT)
    except TimeoutError as error:
        code = fail(error, NOT_THERE)
    except KafkaException as error:
        code = fail(f"{Settings().bootstrap}: {error.args[0].str()}{noted(error)}", NOT_THERE)
    sys.exit(code if isinstance(code, int) else OK)


def _answer() -> Any:
    """Run the command; nobody reading what it prints ends it quietly.

    SIGPIPE's own way would do it too, but a broker that hangs up on a worker raises that signal as well.
    """
    try:
        try:
            return app(sys.argv[1:])
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # the interpreter flushes once more at its end
        return UNREAD
    except SystemExit as left:
        if isinstance(left.__context__, BrokenPipeError):  # rich has seen it first
            return UNREAD
        raise
