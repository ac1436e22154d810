"""The schema registry: what the ids in Confluent's wire format mean, and which ids laurel's contracts have (D9).

Whoever reads the timeline never needs one: intake alone asks, and whoever writes Confluent's format, as it starts.
"""

import json
from collections.abc import Callable, Container, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from time import monotonic
from typing import NamedTuple, Self, TypeVar

from confluent_kafka.schema_registry import Schema, SchemaRegistryClient, SchemaRegistryError

from schemas.codec import CONTRACTS, Contract, Rejected, load_schema
from schemas.confluent import understand
from schemas.topics import PUBLIC
from streams.framing import RegistryError
from streams.settings import Settings

T = TypeVar("T")
TIMEOUT_S = 5
PATIENCE_S = 2.0
"""How long all of intake waits for a first answer; then only the partition that needs it."""
UNKNOWN_S = 10.0
"""An id that the registry did not have is asked for again after so long: its schema may have been registered since."""
MOST_UNKNOWN = 10_000
SCHEMA_NOT_FOUND = 40403
NOT_FOUND = (40401, 40402, SCHEMA_NOT_FOUND)
"""A registry's own words for: no such subject, version, schema. Any other 404 is somebody else's answer."""


def client(settings: Settings) -> SchemaRegistryClient:
    """Confluent's client. Whoever asks tries again as suits them, so it does not by itself."""
    if not settings.registry_url:
        raise RegistryError("there is no schema registry: set LAUREL_REGISTRY_URL")
    try:
        return SchemaRegistryClient(
            {"url": settings.registry_url, "timeout": TIMEOUT_S, "max.retries": 0, **settings.registry}
        )
    except (ValueError, TypeError, OSError) as error:
        raise RegistryError(f"LAUREL_REGISTRY_URL or LAUREL_REGISTRY: {error}") from error


class Registry:
    """Schemas by id. Ids are immutable, so each is asked for once; asking happens in other threads."""

    def __init__(self, settings: Settings) -> None:
        self._url = settings.registry_url
        self._client = client(settings)
        self._threads = ThreadPoolExecutor(2, thread_name_prefix="registry")
        self._known: dict[int, Contract | Rejected] = {}
        self._unknown: dict[int, tuple[float, Rejected]] = {}
        self._asked: dict[int, Future[Contract | Rejected | None]] = {}
        self._answers = True
        self._because = "it has not answered yet"

    def close(self) -> None:
        """Ask no more. What is being asked for is not waited for."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._client.close()

    def __enter__(self) -> Self:
        """To be closed at the end of a `with` block."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        self.close()

    def contract(self, schema_id: int) -> Contract | Rejected | str:
        """How to read what was written with a schema; a text says why that is not known yet.

        Returns soon: within `PATIENCE_S` while the registry is well, and at once while it is not.
        """
        if known := self._known.get(schema_id):
            return known
        asked_at, unknown = self._unknown.get(schema_id, (-UNKNOWN_S, None))
        if unknown is not None and monotonic() - asked_at < UNKNOWN_S:
            return unknown
        if schema_id not in self._asked:
            self._asked[schema_id] = self._threads.submit(self._ask, schema_id)
        return self._answer(schema_id)

    def _answer(self, schema_id: int) -> Contract | Rejected | str:
        asked, waited = self._asked[schema_id], PATIENCE_S if self._answers else 0.0
        try:
            found = asked.result(waited)
        except Exception as error:  # noqa: BLE001 - whatever keeps the client from an answer is no fault of the record
            self._answers = False
            if asked.done():
                del self._asked[schema_id]
                self._because = f"{type(error).__name__}: {error}"[:300]
        else:
            del self._asked[schema_id]
            self._answers, self._because = True, "it has not answered yet"
            return self._keep(schema_id, found)
        return f"waiting for schema id {schema_id} from {self._url}: {self._because}"

    def _keep(self, schema_id: int, found: Contract | Rejected | None) -> Contract | Rejected:
        if found is not None:
            self._known[schema_id] = found
            return found
        if len(self._unknown) >= MOST_UNKNOWN:
            self._unknown.clear()
        unknown = Rejected("unknown_schema", f"found schema id {schema_id}, which {self._url} does not have")
        self._unknown[schema_id] = monotonic(), unknown
        return unknown

    def _ask(self, schema_id: int) -> Contract | Rejected | None:
        try:
            found = self._client.get_schema(schema_id)
        except SchemaRegistryError as error:
            if error.error_code == SCHEMA_NOT_FOUND:
                return None
            raise
        if found.schema_type not in {None, "AVRO"}:
            read: Contract | Rejected = Rejected("incompatible_schema", f"it is {found.schema_type}; Avro is needed")
        else:
            read = understand(found.schema_str or "", [*self._references(found)])
        where = f"schema id {schema_id} of {self._url}"
        return Rejected(read.reason, f"{where}: {read.detail}") if isinstance(read, Rejected) else read

    def _references(self, schema: Schema) -> Iterator[str]:
        """The schemas that one names, each after those that it names itself."""
        for each in schema.references or ():
            named = self._client.get_version(each.subject or "", each.version or 0, deleted=True).schema
            yield from self._references(named)
            yield named.schema_str or ""


class Subject(NamedTuple):
    """Where a contract stands in a registry: by topic and record, as a topic carries several (TopicRecordNameStrategy)."""

    name: str
    topic: str
    kind: type

    @property
    def schema(self) -> Schema:
        """The contract as it is now. The text is the same each time: a registry compares texts."""
        return Schema(json.dumps(load_schema(self.kind.__name__)), "AVRO")


def subjects(settings: Settings) -> list[Subject]:
    """Every contract that others publish or read, by topic."""
    return [
        Subject(f"{settings.topic(topic.name)}-{CONTRACTS[kind].schema['name']}", topic.name, kind)
        for topic in PUBLIC
        for kind in topic.types
    ]


def registered(registry: SchemaRegistryClient, subject: Subject) -> int | None:
    """The id of a contract as it is now, or None where it is not registered."""
    try:
        return registry.lookup_schema(subject.name, subject.schema).schema_id
    except SchemaRegistryError as error:
        if error.error_code in NOT_FOUND:
            return None
        raise


def ids(settings: Settings, topics: Container[str]) -> dict[tuple[str, bytes], int]:
    """By topic and the bytes that open a record of it: the ids of the contracts as they are now. Raises `RegistryError`."""
    found = dict[tuple[str, bytes], int]()
    with client(settings) as asking:
        for subject in (each for each in subjects(settings) if each.topic in topics):
            if (number := attempt(settings, partial(registered, asking, subject))) is None:
                raise RegistryError(
                    f"{settings.registry_url} has no {subject.name} as it is now; laurel schemas register"
                )
            found[subject.topic, CONTRACTS[subject.kind].header] = number
    return found


def attempt(settings: Settings, ask: Callable[[], T]) -> T:
    """What the registry answers. Raises `RegistryError` for whatever comes instead."""
    try:
        return ask()
    except Exception as error:
        raise RegistryError(f"{settings.registry_url}: {type(error).__name__}: {error}") from error
