"""Laurel's contracts beside those in a schema registry."""

from collections.abc import Iterator
from functools import partial
from typing import NamedTuple

from confluent_kafka.schema_registry import SchemaRegistryClient, SchemaRegistryError

from streams.registry import NOT_FOUND, Subject, attempt, client, registered, subjects
from streams.settings import Settings

REFUSED = range(400, 500)
NO_RIGHT = (401, 403)


class Standing(NamedTuple):
    """How one contract stands in the registry, and what to do where that is not well."""

    subject: str
    id: int | None
    well: bool
    found: str
    do: str = ""


def register(settings: Settings) -> Iterator[Standing]:
    """Register what is not there yet. Raises `RegistryError` where the registry does not answer, or not to us."""
    with client(settings) as registry:
        for subject in subjects(settings):
            yield attempt(settings, partial(_register, registry, subject))


def _register(registry: SchemaRegistryClient, subject: Subject) -> Standing:
    if (known := registered(registry, subject)) is not None:
        return Standing(subject.name, known, well=True, found="there already")
    try:
        number = registry.register_schema(subject.name, subject.schema)
    except SchemaRegistryError as error:
        if error.http_status_code not in REFUSED or error.http_status_code in NO_RIGHT:
            raise
        do = "compare it with `laurel schemas check`; the subject's compatibility rule is the registry's owner's"
        return Standing(subject.name, None, well=False, found=f"refused: {error}", do=do)
    return Standing(subject.name, number, well=True, found="registered")


def check(settings: Settings) -> Iterator[Standing]:
    """Compare. Raises `RegistryError` as `register` does."""
    with client(settings) as registry:
        for subject in subjects(settings):
            yield attempt(settings, partial(_check, registry, subject))


def _check(registry: SchemaRegistryClient, subject: Subject) -> Standing:
    number = registered(registry, subject)
    if number is not None:
        return Standing(subject.name, number, well=True, found="as it is here")
    try:
        latest = registry.get_latest_version(subject.name)
    except SchemaRegistryError as error:
        if error.error_code not in NOT_FOUND:
            raise
        return Standing(subject.name, None, well=False, found="not there", do="laurel schemas register")
    if registry.test_compatibility(subject.name, subject.schema):
        do = "laurel schemas register adds this one"
    else:
        do = "its rule would refuse this one: somebody else's contract? another laurel's?"
    return Standing(subject.name, latest.schema_id, well=False, found=f"another, version {latest.version}", do=do)
