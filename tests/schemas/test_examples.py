"""Every contract has an example, every field of it filled, that goes over the wire and comes back."""

import json

import pytest
from msgspec import inspect

from schemas import codec
from schemas.examples import VALUES, example


@pytest.mark.parametrize("kind", codec.TYPES, ids=lambda kind: kind.__name__)
def test_an_example_is_a_record_that_is_taken(kind: type) -> None:
    record = example(kind)
    assert codec.decode(codec.encode(record)) == record
    assert codec.from_json(json.loads(json.dumps(codec.to_json(record)))) == record


def test_no_value_is_of_a_field_that_no_contract_has() -> None:
    described = [inspect.type_info(kind) for kind in codec.TYPES]
    names, left = set[str](), [*described]
    while left:
        match left.pop():
            case inspect.StructType() as of:
                names |= {field.name for field in of.fields}
                left += [field.type for field in of.fields]
            case inspect.VarTupleType() as of:
                left.append(of.item_type)
            case _:
                pass
    assert set(VALUES) <= names
