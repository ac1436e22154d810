"""Every setting of a worker and of the command, with its default and its reason.

A setting comes from, strongest first: a flag of the command, the environment (`LAUREL_<NAME>`), the file `laurel.toml`
in the working folder (or `LAUREL_CONFIG`), the default.
"""

import os
import socket
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, ValidationInfo
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
)

from processors.local_time import zones

FLAGS: dict[str, Any] = {}
"""Settings that this process was called with (`streams.flags`); like the environment, they hold for all of it."""
NAMED = "LAUREL_CONFIG"
"""The variable that names the file."""
COMMAND = "command"
"""The table of the file that holds flags of commands; everything else in it is a setting."""
Wire = Literal["single-object", "confluent"]
"""How records are written: Avro single-object encoding, or Confluent's wire format, with the ids of a registry."""


def config_file() -> Path:
    """The file that settings are read from; it need not exist unless it is named."""
    return Path(os.environ.get(NAMED, "laurel.toml"))


def in_file() -> dict[str, Any]:
    """What the file says. Raises `TOMLDecodeError`, and `SettingsError` where it cannot be read, or is named and not there."""
    path = config_file()
    if not (path.exists() or NAMED in os.environ):
        return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path}: {getattr(error, 'strerror', error)}") from error


def _known(zone: str) -> str:
    if zone not in zones():
        raise ValueError("a zone of the IANA database is needed, as Europe/Berlin")
    return zone


def _without_credentials(url: str) -> str:
    if "@" in url:  # it is shown, and told in dead letters
        raise ValueError("credentials belong into LAUREL_REGISTRY, as basic.auth.user.info")
    return url


def _with_registry(wire: Wire, others: ValidationInfo) -> Wire:
    if wire == "confluent" and not others.data.get("registry_url"):
        raise ValueError("Confluent's wire format needs LAUREL_REGISTRY_URL")
    return wire


class Settings(BaseSettings):
    """The settings; `laurel config show` prints them with their origin."""

    model_config = SettingsConfigDict(env_prefix="LAUREL_", env_nested_delimiter="__", frozen=True, extra="forbid")

    bootstrap: str = Field("127.0.0.1:19092", description="Kafka bootstrap servers, host:port, comma-separated")
    kafka: dict[str, str] = Field(
        {}, description="further librdkafka settings for every client, such as security.protocol"
    )
    namespace: str = Field(
        "", description="put before every topic, group and transactional id; separates systems on a broker"
    )
    instance: str = Field(
        default_factory=socket.gethostname,
        description="name of this worker, unique and stable over restarts; this machine's where none is given",
    )
    registry_url: Annotated[str, AfterValidator(_without_credentials)] = Field(
        "",
        description="a schema registry's address, as Confluent's clients want it: records in Confluent's wire format are read",
    )
    registry: dict[str, str] = Field(
        {}, description="further settings of Confluent's registry client, such as basic.auth.user.info, ssl.ca.location"
    )
    decisions_wire: Annotated[Wire, AfterValidator(_with_registry)] = Field(
        "single-object",
        description="how decisions are written: Avro single-object encoding, or Confluent's wire format",
    )
    agents: Annotated[str, Field(pattern=r"^(intake|customers)(,(intake|customers))*$")] = Field(
        "intake,customers", description="which agents this worker runs, comma-separated"
    )
    data_dir: Path = Field(Path(".laurel/data"), description="where RocksDB keeps the tables of this worker")
    clock: Literal["wall", "events"] = Field(
        "wall",
        description="where the log's time comes from: this machine, or the events themselves (imports, the demo)",
    )
    tick_every_s: float = Field(10, gt=0, description="wall clock: seconds between ticks of a partition with events")
    tick_idle_s: float = Field(60, gt=0, description="wall clock: seconds between ticks of a partition without events")
    max_jump_days: int = Field(31, gt=0, description="events clock: a record further ahead of the last tick is refused")
    time_zone: Annotated[str, AfterValidator(_known)] = Field(
        "UTC", description="events clock: the zone whose midnights are ticked"
    )
    max_clock_drift_s: float = Field(
        5, gt=0, description="a worker whose clock is further from the broker's does not tick"
    )
    batch_size: int = Field(
        4000,
        gt=0,
        description="records that one transaction takes at most; fewer where they would take seconds",
    )
    session_timeout_ms: int = Field(6_000, gt=0, description="a worker silent for so long loses its partitions")
    static_membership: bool = Field(
        default=False,
        description="a worker that ends keeps its partitions until it is back or its session is over: for restarts in place",
    )
    transaction_timeout_ms: int = Field(10_000, gt=0, description="the broker aborts a transaction open for so long")
    warm_copies: bool = Field(
        default=False,
        description="follow the tables of all other workers, so that taking one over is quick; each worker then has them all",
    )
    max_copy_age_s: float = Field(
        302_400, gt=0, description="an older local copy is wiped: it may have missed tombstones"
    )
    drain_s: float = Field(
        25, gt=0, description="seconds after SIGTERM in which a worker leaves in order, or else at once"
    )
    health_host: str = Field("127.0.0.1", description="where /live, /ready and /metrics answer")
    health_port: int = Field(8600, ge=0, le=65535, description="port of /live, /ready and /metrics; 0 turns them off")

    @classmethod
    def settings_customise_sources(  # noqa: D102 - pydantic's own hook
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        settings = {name: value for name, value in in_file().items() if name != COMMAND}
        flags, file = (InitSettingsSource(settings_cls, given) for given in (FLAGS, settings))
        return init_settings, flags, env_settings, file

    def topic(self, name: str) -> str:
        """The name on the broker of a topic of `schemas.topics`."""
        return self.namespace + name

    def bare(self, topic: str) -> str:
        """The name in `schemas.topics` of a topic on the broker."""
        return topic.removeprefix(self.namespace)

    def group(self, agent: str) -> str:
        """The consumer group of an agent."""
        return f"{self.namespace}laurel-{agent}"

    def transactional_id(self, agent: str, instance: str | None = None) -> str:
        """The transactional id of an agent on a worker; stable, so that whoever comes next can fence it (D2)."""
        return f"{self.namespace}laurel-{agent}-{instance or self.instance}"
