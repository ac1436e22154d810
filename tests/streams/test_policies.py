"""Policy files: what ships is valid, and what is wrong is named with file, field, found and allowed."""

from pathlib import Path

import pytest

from processors.policy import parse
from schemas.codec import decode, encode
from streams import policies
from streams.policies import PolicyFileError

SHIPPED = policies.default_file().read_text()


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "policy.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_the_shipped_policy_is_valid_and_travels_whole() -> None:
    policy, document = policies.load(policies.default_file())
    assert policy.version == "default-1"
    event = policies.activation(policies.default_file())
    assert decode(encode(event)) == event
    assert parse(event.document) == policy
    assert event.document == document


def test_the_same_content_has_the_same_id_and_another_has_another(tmp_path: Path) -> None:
    same = written(tmp_path, "# another comment\n" + SHIPPED)
    assert policies.activation(same) == policies.activation(policies.default_file())
    other = written(tmp_path, SHIPPED.replace("grace_days: 30", "grace_days: 31"))
    assert policies.activation(other).activation_id != policies.activation(policies.default_file()).activation_id


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("currency: USD", "currency: EURO", ["$.currency", '"EURO"']),
        ("grace_days: 30", "grace_days: -1", ["$.grace_days", "-1", ">= 0"]),
        ("grace_days: 30", "grace_days: 30.5", ["$.grace_days", "30.5", "int"]),
        ("grace_days: 30", "grace_dayz: 30", ["grace_day"]),
        ("tenure_months: 24", "tenure_months: long", ["$.tiers[1].tenure_months", '"long"', "int"]),
        (
            "lifetime_value_minor: 250000",
            "lifetime_value_minor: 1",
            ["$.tiers[1].lifetime_value_minor", "at least 100000"],
        ),
        ("time_zone: UTC", "time_zone: Mars/Olympus", ["$.time_zone", "Mars/Olympus", "Europe/Berlin"]),
        ("version: default-1", "version: 2024-01-01", ["2024-01-01", "quote"]),
        ("version: default-1", "version: 1.10", ["$.version", "1.1", "str"]),
        ("name: VIP programme", "name: [", ["policy.yaml"]),
        ("name: VIP programme", "name: !!python/object:os.system x", ["policy.yaml"]),
        ("name: VIP programme", "1: x\nname: x", ["policy.yaml"]),
        (
            "auto_approve_limit_minor: 25000",
            "auto_approve_limit_minor: -1",
            ["$.returns.rights.tiers.gold.auto_approve_limit_minor", "-1"],
        ),
        ("{ window_days: 45,", "{ window_daze: 45,", ["$.returns.rights.tiers.gold", "window_daze"]),
        ("    gold:\n      { queue: vip,", "    Gold!:\n      { queue: vip,", ["$.routing.tiers", "Gold!"]),
        (
            "missing_day: last_of_month",
            "missing_day: last_of_month\ngrace_days: 1",
            ["grace_days is there already, in line 10"],
        ),
        (SHIPPED, "", ["$", "null"]),
        (SHIPPED, "just text", ["$", "just text"]),
    ],
)
def test_a_policy_that_is_wrong_is_refused_with_file_field_found_and_allowed(
    tmp_path: Path, old: str, new: str, said: list[str]
) -> None:
    assert old in SHIPPED
    path = written(tmp_path, SHIPPED.replace(old, new))
    with pytest.raises(PolicyFileError) as refused:
        policies.load(path)
    for each in (str(path), *said):
        assert each in str(refused.value)


@pytest.mark.parametrize(
    ("wrong", "line"),
    [
        ("currency: EURO", "currency: USD"),
        ("    tenure_months: long", "    tenure_months: 24 # R-TIER-02"),
        ("        window_days: -60", "        window_days: 60"),
        ("time_zone: Mars/Olympus", "time_zone: UTC"),
    ],
)
def test_the_line_is_named(tmp_path: Path, wrong: str, line: str) -> None:
    lines = SHIPPED.splitlines()
    (at,) = (n for n, each in enumerate(lines) if each.startswith(line))
    path = written(tmp_path, "\n".join([*lines[:at], wrong, *lines[at + 1 :]]))
    with pytest.raises(PolicyFileError) as refused:
        policies.load(path)
    assert str(refused.value).startswith(f"{path}:{at + 1}: $.")


def test_a_field_that_is_missing_is_named_where_it_should_be(tmp_path: Path) -> None:
    path = written(tmp_path, SHIPPED.replace("  silent_days: 45", "  # gone:"))
    at = next(n for n, each in enumerate(SHIPPED.splitlines(), 1) if each.startswith("at_risk"))
    with pytest.raises(PolicyFileError, match="silent_days") as refused:
        policies.load(path)
    assert f"{path}:{at}: $.at_risk" in str(refused.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "nowhere.yaml", tmp_path, written(tmp_path, b"name: \xff\xfe")):
        with pytest.raises(PolicyFileError) as refused:
            policies.load(path)
        assert str(path) in str(refused.value)
