"""Settings: from the environment, a file or the default, in that order; shown with their origin, secrets hidden."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from streams import configuration
from streams.settings import Settings
from tests.streams.commands import Caller

pytestmark = pytest.mark.usefixtures("laurel")


def shown(laurel: Caller) -> dict[str, dict[str, Any]]:
    """What `config show --json` says, by setting."""
    answer = laurel("config", "show", "--json")
    assert answer.code == 0, answer.err
    return {row["name"]: row for row in map(json.loads, answer.out.splitlines())}


def test_every_setting_says_what_it_is_for() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert len(field.description) > len("batch size"), name


def test_every_setting_has_a_default_that_is_valid() -> None:
    assert Settings().batch_size > 0


def test_the_environment_is_stronger_than_the_file_and_the_file_than_the_default(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Settings().batch_size == Settings.model_fields["batch_size"].default
    (tmp_path / "laurel.toml").write_text('batch_size = 11\nnamespace = "from-file-"\n')
    assert (Settings().batch_size, Settings().namespace) == (11, "from-file-")
    monkeypatch.setenv("LAUREL_BATCH_SIZE", "22")
    assert (Settings().batch_size, Settings().namespace) == (22, "from-file-")
    assert Settings(batch_size=33).batch_size == 33


def test_the_file_may_be_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other.toml").write_text("tick_every_s = 0.5\n")
    monkeypatch.setenv("LAUREL_CONFIG", str(tmp_path / "other.toml"))
    assert Settings().tick_every_s == 0.5


def test_a_file_that_is_named_must_be_there_and_be_read(
    laurel: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a slip in its name would be a worker with another system's settings."""
    (tmp_path / "latin.toml").write_bytes(b'namespace = "\xe4"')
    for name, said in (("nowhere.toml", "No such file"), (".", "Is a directory"), ("latin.toml", "utf-8")):
        monkeypatch.setenv("LAUREL_CONFIG", name)
        for words in (("config", "show"), ("topology",)):
            answer = laurel(*words)
            assert answer.code == 2
            assert name in answer.err
            assert said in answer.err


def test_settings_of_the_kafka_client_come_as_a_table_or_as_json(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "laurel.toml").write_text('[kafka]\n"security.protocol" = "SSL"\n"ssl.ca.location" = "/ca"\n')
    assert Settings().kafka == {"security.protocol": "SSL", "ssl.ca.location": "/ca"}
    monkeypatch.setenv("LAUREL_KAFKA", '{"security.protocol": "SASL_SSL"}')
    assert Settings().kafka["security.protocol"] == "SASL_SSL"


def test_config_show_says_where_each_setting_comes_from(
    laurel: Caller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "laurel.toml").write_text('batch_size = 11\nnamespace = "n-"\n')
    monkeypatch.setenv("LAUREL_BATCH_SIZE", "22")
    rows = shown(laurel)
    assert set(rows) == set(Settings.model_fields)
    assert (rows["batch_size"]["value"], rows["batch_size"]["origin"]) == ("22", "LAUREL_BATCH_SIZE")
    assert (rows["namespace"]["value"], rows["namespace"]["origin"]) == ("n-", "laurel.toml")
    assert rows["clock"]["origin"] == "default"
    assert all(row["about"] for row in rows.values())


def test_config_show_hides_secrets_and_shows_the_rest(
    laurel: Caller, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "laurel.toml").write_text(
        '[kafka]\n"sasl.password" = "hunter2"\n"ssl.key.password" = "hunter3"\n"sasl.username" = "ada"\n'
    )
    monkeypatch.setenv("LAUREL_KAFKA__SASL.OAUTHBEARER.CLIENT.SECRET", "hunter4")
    for words in (("config", "show"), ("config", "show", "--json")):
        answer = laurel(*words)
        assert "hunter" not in answer.out
        assert "ada" in answer.out
        assert "***" in answer.out
    assert shown(laurel)["kafka"]["origin"].startswith("LAUREL_KAFKA")


def test_config_show_is_a_table_for_people(laurel: Caller) -> None:
    answer = laurel("config", "show")
    for name in Settings.model_fields:
        assert name in answer.out


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("batch_sise = 5\n", ["batch_sise", "did you mean batch_size?", "5"]),
        ("batch_size = 0\n", ["batch_size", "greater than 0", "0"]),
        ('clock = "sundial"\n', ["clock", "'wall' or 'events'", "sundial"]),
        ('agents = "customers,nobody"\n', ["agents", "match pattern", "customers,nobody"]),
        ("health_port = 70000\n", ["health_port", "65535", "70000"]),
        ('tick_every_s = "often"\n', ["tick_every_s", "number", "often"]),
        ('time_zone = "Mars/Olympus"\n', ["time_zone", "Europe/Berlin", "Mars/Olympus"]),
        ("batch_size = \n", ["laurel.toml"]),
        ("batch_size = 1\nbatch_size = 2\n", ["laurel.toml"]),
    ],
)
def test_a_setting_that_is_wrong_is_refused_with_its_name_and_what_was_found(
    laurel: Caller, tmp_path: Path, file: str, said: list[str]
) -> None:
    (tmp_path / "laurel.toml").write_text(file)
    answer = laurel("config", "show")
    assert answer.code == 2
    for each in said:
        assert each in answer.err
    assert "Traceback" not in answer.err


@pytest.mark.parametrize("value", ["{not json", "5", '["a"]'])
def test_an_environment_variable_that_cannot_be_read_is_named(
    laurel: Caller, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("LAUREL_KAFKA", value)
    answer = laurel("config", "show")
    assert answer.code == 2
    assert "kafka" in answer.err
    assert "Traceback" not in answer.err


def test_a_secret_of_the_wrong_type_is_not_said_aloud(laurel: Caller, tmp_path: Path) -> None:
    (tmp_path / "laurel.toml").write_text('[kafka]\n"sasl.password" = 31337\n')
    answer = laurel("config", "show")
    assert answer.code == 2
    assert "sasl.password" in answer.err
    assert "31337" not in answer.err


def test_credentials_of_the_registry_are_hidden_and_not_taken_where_they_would_be_shown(
    laurel: Caller, tmp_path: Path
) -> None:
    (tmp_path / "laurel.toml").write_text('[registry]\n"basic.auth.user.info" = "laurel:hush"\n')
    answer = laurel("config", "show")
    assert answer.code == 0
    assert "hush" not in answer.out
    (tmp_path / "laurel.toml").write_text('registry_url = "http://laurel:hush@registry:8081"\n')
    answer = laurel("config", "show")
    assert answer.code == 2
    assert "basic.auth.user.info" in answer.err
    assert "hush" not in answer.err


def test_decisions_in_confluents_format_need_a_registry(laurel: Caller) -> None:
    answer = laurel.given(decisions_wire="confluent")("config", "show")
    assert answer.code == 2
    assert "LAUREL_REGISTRY_URL" in answer.err
    assert laurel.given(registry_url="http://127.0.0.1:1")("config", "show").code == 0


def test_settings_cannot_be_changed_by_the_way() -> None:
    settings = Settings()
    with pytest.raises(ValidationError):
        settings.batch_size = 1


def test_names_carry_the_namespace_and_lose_it_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAUREL_NAMESPACE", "shop-")
    monkeypatch.setenv("LAUREL_INSTANCE", "one")
    settings = Settings()
    assert settings.topic("orders") == "shop-orders"
    assert settings.bare("shop-orders") == "orders"
    assert settings.group("intake") == "shop-laurel-intake"
    assert settings.transactional_id("intake") == "shop-laurel-intake-one"
    assert settings.transactional_id("intake", "two") == "shop-laurel-intake-two"


def test_rows_are_in_the_order_of_declaration() -> None:
    assert [row.name for row in configuration.rows()] == list(Settings.model_fields)
    assert "LAUREL_INSTANCE" not in os.environ
