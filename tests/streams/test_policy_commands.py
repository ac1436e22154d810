"""`laurel policy`: files checked without a broker, and what the timeline says of versions."""

import json
from pathlib import Path

import pytest
import yaml

from processors.policy import Policy, parse
from schemas.codec import encode
from schemas.partitions import reserved
from streams import policies
from streams.records import Outgoing
from tests.streams.commands import Caller
from tests.streams.systems import PARTITIONS, System

SHIPPED = policies.default_file().read_text()


@pytest.fixture(scope="module")
def system(bootstrap: str, tmp_path_factory: pytest.TempPathFactory) -> System:
    """Give a system in which a second version is in force on the first partition only."""
    system = System(bootstrap, tmp_path_factory.mktemp("policies"))
    other = system.folder / "other.yaml"
    other.write_text(
        SHIPPED.replace("version: default-1", "version: kinder").replace("grace_days: 30", "grace_days: 60")
    )
    system.write([Outgoing("timeline", reserved(0).encode(), encode(policies.activation(other)), 0)])
    return system


def test_a_file_that_is_a_policy_is_drawn(laurel: Caller) -> None:
    answer = laurel("policy", "check", str(policies.default_file()))
    assert answer.code == 0
    assert "VIP programme, version default-1" in answer.out
    for part in ("everyone else", "Platinum", "2,500.00 USD, 24 months", "vip-dedicated", "30 minutes"):
        assert part in answer.out
    whole = laurel("policy", "check", str(policies.default_file()), "--json")
    assert isinstance(parse(whole.out), Policy)


def test_a_file_that_is_none_is_exit_code_2_with_its_line(laurel: Caller, tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(SHIPPED.replace("window_days: 60", "window_days: sixty"))
    answer = laurel("policy", "check", str(path))
    at = next(n for n, line in enumerate(SHIPPED.splitlines(), 1) if "window_days: 60" in line)
    assert (answer.code, answer.out) == (2, "")
    assert (
        f'{path}:{at}: $.returns.rights.tiers.platinum.window_days: found "sixty"; allowed is Expected `int`'
        in answer.err
    )


def test_what_is_shown_is_a_policy_file_again(called: Caller, tmp_path: Path) -> None:
    shown = tmp_path / "shown.yaml"
    shown.write_text(called("policy", "show").out)
    policy, document = policies.load(shown)
    assert (policy.version, policy.grace_days) == ("kinder", 60)
    assert json.loads(called("policy", "show", "kinder", "--json").out) == json.loads(document)
    first = yaml.safe_load(called("policy", "show", "default-1").out)
    assert first == yaml.safe_load(SHIPPED)
    unknown = called("policy", "show", "v9")
    assert (unknown.code, unknown.out) == (1, "")
    assert "found version v9; the timeline knows default-1, kinder" in unknown.err


def test_history_says_where_each_version_is_in_force(called: Caller) -> None:
    answer = called("policy", "history", "--json")
    told = [json.loads(line) for line in answer.out.splitlines()]
    assert answer.code == 1, "partitions differ"
    assert [(each["version"], each["partitions"], each["in_force"]) for each in told] == [
        ("default-1", PARTITIONS, True),
        ("kinder", 1, True),
    ]
    assert "1 of 2" in called("policy", "history").out
