"""Each flag is a variable and a key of the file, each setting is a flag; what is nearest the call is strongest."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from schemas.codec import to_json
from streams import cli, flags
from streams.settings import COMMAND, FLAGS, Settings
from tests.streams.commands import Answer, Caller, run
from tests.streams.history import DAY, ms, placed

ALL = {flag.variable: flag for words, app in flags.commands(cli.app) for flag in flags.flags(app, words)}
SETTING = {
    "flag": ("--batch-size=11", "11", "--batch-size"),
    "variable": ("LAUREL_BATCH_SIZE=22", "22", "LAUREL_BATCH_SIZE"),
    "file": ("batch_size = 33", "33", "laurel.toml"),
    "default": ("", "4000", "default"),
}
"""How a source gives batch_size, which value, and how it is called where it is shown."""
STRONGER = list(itertools.combinations(SETTING, 2))
"""Every pair, the stronger first."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Give the folder that the command runs in."""
    return tmp_path


def called(laurel: Caller, folder: Path, *words: str, given: tuple[str, ...] = ()) -> Answer:
    """The answer of a call to which sources give something: flags, variables, and whatever else lines of the file."""
    of_call = [each for each in given if each.startswith("--")]
    variables = [each for each in given if each.startswith("LAUREL_")]
    lines = [each for each in given if each not in of_call + variables]
    (folder / "laurel.toml").write_text("\n".join(lines))
    named = dict(each.removeprefix("LAUREL_").split("=", 1) for each in variables)
    return laurel.given(**named)(*words, *of_call)


def rows(answer: Answer) -> dict[str, dict[str, Any]]:
    """What `config show --json` says, by name."""
    assert answer.code == 0, answer.err
    return {row["name"]: row for row in map(json.loads, answer.out.splitlines())}


@pytest.mark.parametrize(("stronger", "weaker"), STRONGER)
def test_of_two_sources_of_a_setting_the_stronger_one_holds(
    laurel: Caller, folder: Path, stronger: str, weaker: str
) -> None:
    given = (SETTING[weaker][0], SETTING[stronger][0])
    found = rows(called(laurel, folder, "config", "show", "--json", given=given))["batch_size"]
    assert (found["value"], found["origin"]) == SETTING[stronger][1:]


LAST = {
    "flag": "--last=1",
    "variable": "LAUREL_DEAD_LETTERS_LIST_LAST=2",
    "file": "[command.dead-letters.list]\nlast = 3",
}
"""How a source gives `dead-letters list --last`; the value is the place in this table."""


@pytest.mark.parametrize(("stronger", "weaker"), list(itertools.combinations([*LAST, "default"], 2)))
def test_of_two_sources_of_a_commands_flag_the_stronger_one_holds(
    laurel: Caller, folder: Path, monkeypatch: pytest.MonkeyPatch, stronger: str, weaker: str
) -> None:
    taken: list[int] = []

    def list_(*, last: int = 20) -> None:
        taken.append(last)

    monkeypatch.setattr(cli.app["dead-letters"]["list"], "default_command", list_)
    given = tuple(LAST[source] for source in (weaker, stronger) if source in LAST)
    answer = called(laurel, folder, "dead-letters", "list", given=given)
    assert answer.code == 0, answer.err
    assert taken == [1 + list(LAST).index(stronger)]


def test_a_switch_that_is_on_elsewhere_is_turned_off_in_the_call(laurel: Caller, folder: Path) -> None:
    told = "[command.topology]\njson = true"
    assert called(laurel, folder, "topology", given=(told,)).out.startswith("{")
    assert not called(laurel, folder, "topology", "--json=false", given=(told,)).out.startswith("{")
    assert not called(laurel, folder, "topology", given=(told, "LAUREL_TOPOLOGY_JSON=false")).out.startswith("{")
    off = rows(called(laurel, folder, "config", "show", "--json", "--no-warm-copies", given=("warm_copies = true",)))
    assert (off["warm_copies"]["value"], off["warm_copies"]["origin"]) == ("False", "--warm-copies")


@pytest.mark.parametrize(
    "words",
    [
        ("--namespace", "shop-", "config", "show", "--json"),
        ("config", "--namespace", "shop-", "show", "--json"),
        ("config", "show", "--namespace", "shop-", "--json"),
        ("config", "show", "--json", "--namespace=shop-"),
    ],
    ids=" ".join,
)
def test_settings_stand_before_between_or_after_the_words_of_a_command(laurel: Caller, words: tuple[str, ...]) -> None:
    assert rows(laurel(*words))["namespace"] | {"about": ""} == {
        "name": "namespace", "value": "shop-", "origin": "--namespace", "about": "",
    }  # fmt: skip


def test_settings_of_one_call_are_not_those_of_the_next(laurel: Caller) -> None:
    laurel("config", "show", "--namespace", "shop-")
    assert FLAGS == {"namespace": "shop-"}
    assert rows(laurel("config", "show", "--json"))["namespace"]["value"] == ""
    assert Settings().namespace == ""


def test_a_commands_own_flag_of_a_settings_name_would_hide_it() -> None:
    settings = {name.replace("_", "-") for name in Settings.model_fields}
    assert not [flag for flag in ALL.values() if flag.name in settings]


def test_a_setting_given_in_the_call_changes_what_is_done(laurel: Caller, folder: Path) -> None:
    events = [placed("ada", ms("2024-01-01"), 150_000, "o1"), placed("bob", ms("2024-01-01") + 60 * DAY, 100, "o2")]
    (folder / "events.jsonl").write_text("".join(json.dumps(to_json(event)) + "\n" for event in events))
    answer = laurel("simulate", "events.jsonl", "--time-zone", "Mars/Olympus")
    assert answer.code == 2
    assert "time_zone" in answer.err
    assert laurel("simulate", "events.jsonl", "--time-zone", "America/New_York").code == 0


def test_a_worker_takes_its_settings_from_its_call() -> None:
    answer = run("worker", "--batch-size", "0", batch_size="7")
    assert (answer.code, answer.out) == (2, "")
    assert "setting batch_size: Input should be greater than 0, found 0" in answer.err


def test_entries_of_a_table_are_given_one_by_one_and_join_what_is_elsewhere(laurel: Caller, folder: Path) -> None:
    told = '[kafka]\n"security.protocol" = "SSL"\n"client.rack" = "a"'
    words = ("config", "show", "--json", "--kafka", "client.rack=b=c", "--kafka", "sasl.password=hunter2")
    found = rows(called(laurel, folder, *words, given=(told, "LAUREL_KAFKA__acks=all")))["kafka"]
    assert json.loads(found["value"]) == {
        "security.protocol": "SSL", "client.rack": "b=c", "acks": "all", "sasl.password": "***",
    }  # fmt: skip
    assert found["origin"] == "--kafka, LAUREL_KAFKA__ACKS, laurel.toml"


def test_config_show_shows_flags_of_commands_with_where_they_come_from(laurel: Caller, folder: Path) -> None:
    given = ("[command.verify]\nevery = '6h'\nlocal = false", "LAUREL_VERIFY_EVERY=1h", "LAUREL_TAIL_FOLLOW=true")
    found = rows(called(laurel, folder, "config", "show", "--json", given=given))
    others = {name: (row["value"], row["origin"]) for name, row in found.items() if name not in Settings.model_fields}
    assert others == {
        "verify --every": ("1h", "LAUREL_VERIFY_EVERY"),
        "verify --local": ("false", "laurel.toml [command.verify] local"),
        "tail --follow": ("true", "LAUREL_TAIL_FOLLOW"),
    }


def test_config_show_says_which_variables_are_nothing_of_ours(laurel: Caller, folder: Path) -> None:
    (folder / "laurel.toml").touch()
    answer = laurel.given(batch_sise="5", verify_evry="6h", kafka__acks="all", config="laurel.toml")("config", "show")
    assert answer.code == 0
    assert answer.err.splitlines() == [
        "laurel: LAUREL_BATCH_SISE is no setting and no flag; did you mean LAUREL_BATCH_SIZE?",
        "laurel: LAUREL_VERIFY_EVRY is no setting and no flag; did you mean LAUREL_VERIFY_EVERY?",
    ]


@pytest.mark.parametrize(
    ("told", "said"),
    [
        ("[command.verfiy]\nevery = '6h'", "[command] has no verfiy; did you mean verify?"),
        ("[command.verify]\nevry = '6h'", "[command.verify] has no evry; did you mean every?"),
        ("[command.dead-letters.lst]\nlast = 3", "[command.dead-letters] has no lst; did you mean list?"),
        ("[command.dead_letters.list]\nlasst = 3", "[command.dead-letters.list] has no lasst; did you mean last?"),
        ("[command.tail]\ntopic = 'orders'", "[command.tail] has no topic"),
        ("command = 5", "[command] must be a table, found 5"),
        ("[command]\nverify = 5", "[command.verify] must be a table, found 5"),
        ("[command.verify.every]\nhours = 5", "[command.verify] every must be a value, found a table"),
        ("batch_sise = 5", "setting batch_sise: there is no such setting; did you mean batch_size?"),
        ("[command.verify", "laurel.toml: "),
    ],
)
def test_a_key_that_is_none_is_an_error_that_names_the_nearest(
    laurel: Caller, folder: Path, told: str, said: str
) -> None:
    """Whatever command is called: a misspelt one would never be looked for."""
    answer = called(laurel, folder, "config", "show", given=(told,))
    assert answer.code == 2
    assert said in answer.err
    assert "laurel.toml" in answer.err or "setting" in answer.err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("LAUREL_VERIFY_EVERY=sometimes", "LAUREL_VERIFY_EVERY"),
        ("[command.verify]\nevery = 'sometimes'", "laurel.toml [command.verify] every"),
        ("[command.verify]\nlocal = 'perhaps'", "laurel.toml [command.verify] local"),
    ],
)
def test_a_value_that_is_wrong_is_named_with_its_source(laurel: Caller, folder: Path, given: str, said: str) -> None:
    answer = called(laurel, folder, "verify", given=(given,))
    assert answer.code == 2
    assert said in answer.err


@pytest.mark.parametrize("key", ["until-idle", "until_idle"])
def test_keys_are_written_as_flags_are_or_as_settings_are(laurel: Caller, folder: Path, key: str) -> None:
    found = rows(called(laurel, folder, "config", "show", "--json", given=(f"[command.status]\n{key} = true",)))
    assert found["status --until-idle"]["value"] == "true"


def test_no_variable_has_two_meanings() -> None:
    every = [flag.variable for words, app in flags.commands(cli.app) for flag in flags.flags(app, words)]
    settings = [f"LAUREL_{name.upper()}" for name in Settings.model_fields]
    assert len({*every, *settings, "LAUREL_CONFIG"}) == len(every) + len(settings) + 1
    assert COMMAND not in Settings.model_fields


def test_faust_s_own_worker_reads_the_same_file(laurel: Caller, folder: Path) -> None:
    """Settings are read without the command there; its table is none of them."""
    (folder / "laurel.toml").write_text("batch_size = 7\n[command.verify]\nevery = '6h'\n")
    assert Settings().batch_size == 7
