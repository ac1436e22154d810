"""Records of every contract, as hypothesis draws them: whatever the types and their bounds allow, edges included."""

import re
from functools import cache
from typing import Any

from hypothesis import strategies as st
from msgspec import inspect

from schemas import codec
from schemas.fields import EARLIEST_MS, LARGEST_MINOR, LATEST_MS

LONG = (-(2**63), 2**63 - 1)
EDGES = (0, 1, -1, 63, 64, -64, -65, 2**31, 2**53 + 1, EARLIEST_MS, LATEST_MS, LARGEST_MINOR)
"""Integers at which encodings change length, and the bounds of contracts."""


def _integers(of: inspect.IntType) -> st.SearchStrategy[int]:
    low, high = LONG[0] if of.ge is None else of.ge, LONG[1] if of.le is None else of.le
    return st.integers(low, high) | st.sampled_from([low, high, *(edge for edge in EDGES if low <= edge <= high)])


def _texts(of: inspect.StrType) -> st.SearchStrategy[str]:
    alphabet = st.characters(exclude_categories=["Cs"], min_codepoint=0x20 if of.pattern else 0)
    texts = st.text(alphabet, min_size=of.min_length or 0, max_size=of.max_length or 30)
    return texts.filter(re.compile(of.pattern).search) if of.pattern else texts


def values(of: inspect.Type) -> st.SearchStrategy[Any]:  # noqa: PLR0911 - a table
    """Values of a type as `msgspec` describes it."""
    match of:
        case inspect.IntType():
            return _integers(of)
        case inspect.StrType():
            return _texts(of)
        case inspect.BoolType():
            return st.booleans()
        case inspect.BytesType():
            return st.binary(max_size=50)
        case inspect.NoneType():
            return st.none()
        case inspect.LiteralType():
            return st.sampled_from(of.values)
        case inspect.UnionType():
            return st.one_of([values(each) for each in of.types])
        case inspect.VarTupleType():
            return st.lists(values(of.item_type), min_size=of.min_length or 0, max_size=3).map(tuple)
        case inspect.StructType():
            return st.builds(of.cls, **{field.name: values(field.type) for field in of.fields})
        case _:
            raise TypeError(of)


@cache
def records_of(kind: type) -> st.SearchStrategy[Any]:
    """Records of one contract."""
    return values(inspect.type_info(kind))


def records() -> st.SearchStrategy[Any]:
    """Records of any contract."""
    return st.one_of([records_of(kind) for kind in codec.TYPES])
