"""The command: help for everything, exit codes that scripts can trust, messages without tracebacks."""

import json
import re
import shlex
import subprocess
from importlib.metadata import version
from pathlib import Path

import pytest

from processors import fold as rules
from schemas import events as e
from schemas.codec import BY_NAME, to_json
from schemas.source import SourceEvent
from schemas.topics import BY_NAME as TOPICS
from streams import cli, flags
from streams.console import BAD_INPUT, UNREAD
from tests.streams.commands import START, Caller, environment, run, start
from tests.streams.history import DAY, ms, placed, registered

COMMANDS = {(): cli.app, **dict(flags.commands(cli.app))}
"""Every command and group, with the words that call it."""
FUNCTIONS = [words for words, app in COMMANDS.items() if app.default_command]
EVERY = pytest.mark.parametrize("words", FUNCTIONS, ids=" ".join)
SILENT = {("worker",), ("help",), ("completion",)}
"""What has no result for programs, or nothing else."""


def lines(folder: Path, *events: SourceEvent, more: str = "") -> str:
    """A file of events."""
    path = folder / "events.jsonl"
    path.write_text("".join(json.dumps(to_json(event)) + "\n" for event in events) + more)
    return str(path)


STORY = (
    registered("ada", ms("2022-01-01")),
    placed("ada", ms("2024-01-01"), 150_000, "o1"),
    placed("bob", ms("2024-01-01") + 60 * DAY, 100, "o2"),
)


def test_there_are_the_commands_of_the_product() -> None:
    assert {" ".join(words) for words in FUNCTIONS} == {
        "worker", "topics create", "topics check", "publish", "tail", "skip", "status", "simulate", "waiting", "verify",
        "config show", "topology", "doctor", "explain", "why", "entitlements", "points", "trace", "timeline", "policy check",
        "policy show", "policy history",
        "policy publish", "policy withdraw",
        "dead-letters list", "dead-letters show", "dead-letters redrive", "help", "completion", "schemas register",
        "schemas check", "erase", "report panel", "report contacts", "report customers", "report launch", "report returns", "report discrepancies", "report retention", "report rewards", "report celebrations", "requirements", "sandbox",
        "designate add", "designate change", "designate remove", "designate review",
        "identity preview", "identity link", "identity unlink",
    }  # fmt: skip


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_page_says_what_the_command_is_for_with_an_example(laurel: Caller, words: tuple[str, ...]) -> None:
    answer = laurel(*words, "--help")
    assert (answer.code, answer.err) == (0, "")
    assert " ".join(("Usage: laurel", *words)) in answer.out
    about, _, _ = COMMANDS[words].help.partition("\n")
    assert len(about) > 20
    assert about.replace("`", "")[:60] in answer.out.replace("\n", " ")
    assert "Example: " in answer.out
    assert "Settings are flags too" in answer.out
    assert laurel("help", *words).out == answer.out


@EVERY
def test_every_flag_and_argument_is_described(laurel: Caller, words: tuple[str, ...]) -> None:
    page = re.sub(r"[\s│]+", " ", laurel(*words, "--help").out)
    for argument in COMMANDS[words].assemble_argument_collection(parse_docstring=True):
        if argument.parse and not argument.children:
            about = argument.parameter.help or ""
            assert len(about) > 8, f"{argument.name} is not described"
            assert re.sub(r"[\s`]+", " ", about)[:30] in page.replace("`", "")


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_every_example_can_be_called(words: tuple[str, ...]) -> None:
    said = re.search(
        r"^ *Example: (?:LAUREL_\w+=\S+ )*(?:eval \"\$\()?(laurel [^)\n]*)", COMMANDS[words].help, re.MULTILINE
    )
    assert said
    called = shlex.split(said[1])[1:]
    assert tuple(called[: len(words)]) == words
    launch, bound, _ = cli.app.meta.parse_args(called)
    command, _, _ = cli.app.parse_args(bound.arguments["words"])
    assert launch is cli.app.meta.default_command
    assert command in {COMMANDS[each].default_command for each in FUNCTIONS if each[: len(words)] == words}


@EVERY
def test_every_result_can_be_had_as_json(words: tuple[str, ...]) -> None:
    """What prints JSON to people too has no flag for it."""
    names = {flag.name for flag in flags.flags(COMMANDS[words], words)}
    assert ("json" in names) == (words not in SILENT | {("tail",)})


@pytest.mark.parametrize(
    "words",
    [
        ("topics", "create"),
        ("policy", "publish"),
        ("policy", "withdraw"),
        ("skip",),
        ("dead-letters", "redrive"),
        ("erase",),
    ],
    ids=" ".join,
)
def test_what_is_hard_to_take_back_can_be_tried(words: tuple[str, ...]) -> None:
    assert "dry-run" in {flag.name for flag in flags.flags(COMMANDS[words], words)}


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (["verfiy"], "verify"),
        (["dead-letters", "lst"], "list"),
        (["tail", "tier-change"], "tier-changes"),
        (["tail", "orders", "--folow"], "--follow"),
        (["tail", "orders", "--bootstap", "x"], "--bootstrap"),
        (["status", "--clock", "walls"], "wall"),
    ],
    ids=" ".join,
)
def test_a_word_that_is_nearly_right_is_answered_with_the_right_one(
    laurel: Caller, words: list[str], meant: str
) -> None:
    answer = laurel(*words)
    assert answer.code == 2
    assert re.search(rf"[Dd]id you mean \"?{meant}\"?\?", answer.err), answer.err
    assert "--help)" in answer.err
    assert len(answer.err.splitlines()) == 1


def test_what_is_missing_is_named_as_on_the_page(laurel: Caller) -> None:
    assert "tail needs TOPIC (laurel tail --help)" in laurel("tail").err
    assert "skip needs --unit (laurel skip --help)" in laurel("skip", "1", "2", "--reason", "x").err


def test_laurel_without_words_and_with_help_say_what_there_is(laurel: Caller) -> None:
    for words in ((), ("--help",)):
        answer = laurel(*words)
        assert answer.code == 0
        for name in ("worker", "publish", "verify"):
            assert name in answer.out


def test_the_version_is_the_distributions(laurel: Caller) -> None:
    answer = laurel("--version")
    assert (answer.code, answer.out.strip()) == (0, version("laurel-streams"))


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["dead-letters", "nonsense"],
        ["help", "nonsense"],
        ["verify", "--nonsense"],
        ["verify", "--every", "sometimes"],
        ["why", "ada", "--at", "yesterday"],
        ["status", "--batch-size", "many"],
        ["status", "--kafka", "security.protocol"],
        ["explain", "x", "--for", "nobody"],
        ["publish"],
        ["topics", "create", "--partitions", "many"],
        ["skip", "1"],
        ["tail"],
        ["simulate", "nowhere.jsonl"],
        ["publish", "nowhere.jsonl"],
        ["simulate", "."],
        ["publish", "."],
    ],
    ids=" ".join,
)
def test_a_call_that_is_wrong_is_exit_code_2_and_one_message(laurel: Caller, words: list[str]) -> None:
    answer = laurel(*words)
    assert answer.code == 2
    assert "Traceback" not in answer.err + answer.out
    assert answer.err.strip()


@pytest.mark.parametrize("command", ["simulate", "publish"])
@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"type": "OrderPlacd"}\n', ["line 1", "OrderPlacd"]),
        (b"\n\n[/red] oops\n", ["line 3", "no JSON"]),
        (b'["[/red]", "[bold]"]\n', ["line 1", "[/red]", "[bold]"]),
        (b'{"type": "\xff"}\n', ["utf-8"]),
    ],
)
def test_a_file_that_is_wrong_is_exit_code_2_and_named(
    laurel: Caller, tmp_path: Path, command: str, content: bytes, said: list[str]
) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(content)
    answer = laurel(command, str(path))
    assert answer.code == 2
    for each in (str(path), *said):
        assert each in answer.err
    assert "Traceback" not in answer.err


def test_simulate_decides_without_a_broker(laurel: Caller, tmp_path: Path) -> None:
    answer = laurel("simulate", lines(tmp_path, *STORY), "--json")
    assert answer.code == 0
    decided = [json.loads(line) for line in answer.out.splitlines()]
    assert all(decision["type"] in BY_NAME for decision in decided)
    (rise,) = [each for each in decided if each["type"] == "TierChanged"]
    assert (rise["customer_id"], rise["to_tier"]) == ("ada", "gold")
    assert rise["conditions"][0] == {
        "of": "gold", "name": "lifetime_value_minor", "value": 150_000, "operator": ">=", "threshold": 100_000, "holds": True,
        "moved_by": "orders/e-o1",
    }  # fmt: skip
    (alert,) = [each for each in decided if each["type"] == "AtRiskRaised"]
    assert alert["decided_at"] == ms("2024-02-16")
    profiles = {each["customer_id"]: each for each in decided if each["type"] == "CustomerProfile"}
    assert (profiles["ada"]["tier"], profiles["ada"]["at_risk"]) == ("gold", True)
    assert profiles["bob"]["lifetime_value_minor"] == 100


def test_simulate_counts_for_people(laurel: Caller, tmp_path: Path) -> None:
    raw = '{"topic": "orders", "raw": "//8=", "key": "#x"}\n'
    answer = laurel("simulate", lines(tmp_path, *STORY, more=raw))
    assert answer.code == 0
    found = dict(re.findall(r"^([a-z-]+) +(\d+)", answer.out, re.MULTILINE))
    assert (found["dead-letters"], found["tier-changes"], found["at-risk-alerts"]) == ("1", "1", "2")
    assert set(found) == {"timeline", "dead-letters"} | {
        name for name, topic in TOPICS.items() if topic.writer == "customers" and topic.types and name != "messages"
    }


def test_simulate_takes_a_policy_and_a_time_zone(laurel: Caller, tmp_path: Path) -> None:
    file = lines(tmp_path, *STORY)
    policy = tmp_path / "mine.yaml"
    shipped = Path(rules.__file__).with_name("default_policy.yaml").read_text()
    policy.write_text(
        shipped.replace("silent_days: 45", "silent_days: 20").replace("time_zone: UTC", "time_zone: America/New_York")
    )
    answer = laurel("simulate", file, "--policy", str(policy), "--time-zone", "America/New_York", "--json")
    (alert,) = [each for each in map(json.loads, answer.out.splitlines()) if each["type"] == "AtRiskRaised"]
    assert alert["decided_at"] == ms("2024-01-21 05:00"), "a day in New York begins at five in UTC"
    policy.write_text(shipped.replace("grace_days: 30", "grace_days: never"))
    answer = laurel("simulate", file, "--policy", str(policy))
    assert answer.code == 2
    assert "mine.yaml" in answer.err
    assert "grace_days" in answer.err


def test_simulate_reads_standard_input(tmp_path: Path) -> None:
    with Path(lines(tmp_path, *STORY)).open() as events:
        done = subprocess.run(
            [*START, "simulate", "-", "--json"], stdin=events, env=environment(), capture_output=True, check=True
        )
    assert "TierChanged" in {json.loads(line)["type"] for line in done.stdout.splitlines()}


def test_a_time_zone_that_is_none_is_refused(laurel: Caller, tmp_path: Path) -> None:
    answer = laurel("simulate", lines(tmp_path, *STORY), "--time-zone", "Mars/Olympus")
    assert answer.code == 2
    assert "Mars/Olympus" in answer.err
    assert "Traceback" not in answer.err


def test_a_bug_in_a_rule_is_exit_code_1_and_names_the_unit(
    laurel: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(rules.FACTS, e.OrderPlaced, lambda *_: 1 / 0)  # type: ignore[arg-type]
    answer = laurel("simulate", lines(tmp_path, *STORY))
    assert answer.code == 1
    assert "unit record: ZeroDivisionError" in answer.err


# Nobody reads


@pytest.mark.parametrize(
    "words", [["simulate", "events.jsonl", "--json"], ["config", "show"], ["--help"]], ids=" ".join
)
def test_whoever_stops_reading_ends_the_command_quietly(tmp_path: Path, words: list[str]) -> None:
    events = (placed("ada", ms("2024-01-01") + n, 100_000, f"o{n}") for n in range(300))
    path = lines(tmp_path, *events)
    with start(*(path if word == "events.jsonl" else word for word in words)) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == UNREAD


# Nobody is there


UNREACHABLE = "127.0.0.1:1"


def test_publishing_to_an_unreachable_broker_is_exit_code_3_and_says_so(tmp_path: Path) -> None:
    answer = run(
        "publish",
        lines(tmp_path, *STORY),
        bootstrap=UNREACHABLE,
        kafka='{"message.timeout.ms": "500", "linger.ms": "5"}',
    )
    assert answer.code == 3
    assert UNREACHABLE in answer.err
    assert "0 of the 0 records before it are published" in answer.err
    assert "Traceback" not in answer.err


@pytest.mark.parametrize("words", [["topics", "check"], ["status"], ["tail", "orders"], ["verify"]], ids=" ".join)
def test_asking_an_unreachable_broker_is_exit_code_3_and_says_so(
    laurel: Caller, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setenv("LAUREL_BOOTSTRAP", UNREACHABLE)
    for module in ("kafka", "topics", "verify"):
        monkeypatch.setattr(f"streams.{module}.TIMEOUT_S", 0.5)
    answer = laurel(*words)
    assert answer.code == 3
    assert UNREACHABLE in answer.err
    assert "Traceback" not in answer.err


def test_skipping_at_an_unreachable_broker_is_exit_code_3(laurel: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAUREL_BOOTSTRAP", UNREACHABLE)
    monkeypatch.setattr("streams.kafka.TIMEOUT_S", 0.5)
    answer = laurel("skip", "0", "5", "--unit", "record", "--reason", "test")
    assert answer.code == 3
    assert "Traceback" not in answer.err


def test_a_topic_that_is_none_is_refused_with_those_there_are(laurel: Caller) -> None:
    answer = laurel("tail", "tier-change")
    assert answer.code == 2
    assert "tier-changes" in answer.err


@pytest.mark.parametrize(
    ("words", "field"),
    [
        ("identity link ada agent/mia", "IdsLinked: other_customer_id"),
        ("identity preview reward/box ada", "IdsLinked: customer_id"),
        ("identity unlink ada programme", "IdsUnlinked: other_customer_id"),
        ("designate add agent/mia --tier gold --reason loyal --author p-1", "DesignationAdded: customer_id"),
        ("erase reward/box --reason asked --yes", "PersonalTextErased: customer_id"),
    ],
    ids=lambda each: each if " " in each and ":" not in each else "",
)
def test_a_command_takes_no_other_subject_for_a_customer_d6(laurel: Caller, words: str, field: str) -> None:
    """As intake says it of an event; no broker is asked."""
    answer = laurel(*shlex.split(words))
    assert (answer.code, answer.out) == (BAD_INPUT, "")
    assert f"{field}: found" in answer.err
    assert "the name of another subject" in answer.err


def test_a_file_is_not_published_where_it_takes_another_subject_for_a_customer_d6(
    laurel: Caller, tmp_path: Path
) -> None:
    answer = laurel("publish", lines(tmp_path, registered("agent/mia")))
    assert answer.code == BAD_INPUT
    assert "line 1: CustomerRegistered: customer_id: found 'agent/mia', the name of another subject" in answer.err
