"""Small ways to break a line: a comparison flipped, a constant moved by one, a branch negated, a return value dropped."""

import ast
from collections.abc import Iterator
from typing import NamedTuple

FLIPPED: dict[type, str] = {
    ast.Lt: "<=", ast.LtE: "<", ast.Gt: ">=", ast.GtE: ">", ast.Eq: "!=", ast.NotEq: "==",
    ast.Is: "is not", ast.IsNot: "is", ast.In: "not in", ast.NotIn: "in",
}  # fmt: skip


class Mutant(NamedTuple):
    """`source` with one place replaced."""

    line: int
    was: str
    became: str
    source: str


def mutants(source: str) -> Iterator[Mutant]:
    """Every mutant of a module, in the order of its places. Docstrings, annotations and types are left alone."""
    tree = ast.parse(source)
    # Before Python 3.12 what stands in an f-string has no place of its own.
    formatted = {id(part) for each in ast.walk(tree) if isinstance(each, ast.JoinedStr) for part in ast.walk(each)}
    for node in ast.walk(tree):
        if id(node) in formatted:
            continue
        became = _became(node, source)
        target = (
            node.value if isinstance(node, ast.Return) else node.test if isinstance(node, ast.If | ast.IfExp) else node
        )
        was = ast.get_source_segment(source, target) if became and target else None
        if became and was and target:
            yield Mutant(target.lineno, was, became, _replaced(source, target, became))


def _became(node: ast.AST, source: str) -> str | None:
    def text(part: ast.expr) -> str:
        return f"({ast.get_source_segment(source, part)})"

    became = None
    match node:
        case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in FLIPPED:
            became = f"({text(left)} {FLIPPED[type(op)]} {text(right)})"
        case ast.BoolOp(op=op, values=values):
            became = f"({(' or ' if isinstance(op, ast.And) else ' and ').join(map(text, values))})"
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub() as op, right=right):
            became = f"({text(left)} {'-' if isinstance(op, ast.Add) else '+'} {text(right)})"
        case ast.Constant(value=bool() | int() as value):
            became = str(not value) if isinstance(value, bool) else str(value + 1)
        case ast.If(test=test) | ast.IfExp(test=test) if not isinstance(test, ast.NamedExpr):
            became = f"(not {text(test)})"
        case ast.Return(value=ast.expr() as value) if not (isinstance(value, ast.Constant) and value.value is None):
            became = "None"
    return became


def _replaced(source: str, node: ast.expr, became: str) -> str:
    lines = source.encode().splitlines(keepends=True)
    start = sum(map(len, lines[: node.lineno - 1])) + node.col_offset
    end = sum(map(len, lines[: (node.end_lineno or node.lineno) - 1])) + (node.end_col_offset or 0)
    whole = source.encode()
    return (whole[:start] + became.encode() + whole[end:]).decode()
