"""Which wire formats this process reads and writes besides Avro single-object encoding (D9).

Confluent's client is loaded only where a registry is configured: it takes as long as a quarter of a worker's start.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from msgspec.structs import replace

from schemas.codec import HEADER_BYTES
from schemas.confluent import framed
from schemas.topics import PUBLISHED, SOURCES
from streams.records import SCHEMA, Outgoing
from streams.settings import Settings, Wire

if TYPE_CHECKING:
    from streams.registry import Registry

Frame = Callable[[Outgoing], Outgoing]
"""A record as it goes to the broker."""
Ids = Mapping[tuple[str, bytes], int]
"""By topic and the ten bytes that open a record in single-object encoding: the id of its schema in the registry."""


class RegistryError(Exception):
    """The registry does not answer, or refuses; the message says what and where."""


def unchanged(record: Outgoing) -> Outgoing:
    """Single-object encoding."""
    return record


def schemas(settings: Settings) -> "Registry | None":
    """Whom intake asks for schemas; None without a registry. Raises `RegistryError` where its settings are wrong."""
    if not settings.registry_url:
        return None
    from streams.registry import Registry

    return Registry(settings)


def of_decisions(settings: Settings) -> Frame:
    """How decisions are written. In Confluent's format a header says what laurel's own readers need, without a registry.

    Raises `RegistryError`.
    """
    if settings.decisions_wire == "single-object":
        return unchanged
    ids = _ids(settings, PUBLISHED)

    def frame(record: Outgoing) -> Outgoing:
        written = _framed(record, ids)
        if written is record or record.value is None:
            return record
        return replace(written, headers=[*record.headers, (SCHEMA, record.value[:HEADER_BYTES].hex().encode())])

    return frame


def of_sources(settings: Settings, wire: Wire) -> Frame:
    """How an upstream system of this wire format publishes. Raises `RegistryError`."""
    if wire == "single-object":
        return unchanged
    ids = _ids(settings, SOURCES)
    return lambda record: _framed(record, ids)


def missing(settings: Settings) -> list[str]:
    """The subjects of contracts that the registry has otherwise, or not at all. Raises `RegistryError`."""
    from streams.registration import check

    return [standing.subject for standing in check(settings) if not standing.well]


def _ids(settings: Settings, topics: tuple[str, ...]) -> Ids:
    from streams.registry import ids

    return ids(settings, topics)


def _framed(record: Outgoing, ids: Ids) -> Outgoing:
    """In Confluent's format, where it is a record of a contract."""
    number = ids.get((record.topic, (record.value or b"")[:HEADER_BYTES]))
    return record if number is None or record.value is None else replace(record, value=framed(record.value, number))
