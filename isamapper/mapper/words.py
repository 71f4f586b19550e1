"""Expressions, indices and differences in words, for messages."""

from __future__ import annotations

from typing import assert_never

from isamapper.ir.affine import Affine
from isamapper.mapper.terms import Leaf, Literal, Node, Setting, Term
from isamapper.mapper.views import FORMER

_INFIX = frozenset(("+", "*", "/", "<<", ">>"))


def term_text(term: Term, accesses: tuple[str, ...]) -> str:
    """The term as a reader would write it; ``accesses`` names the tensor of each access number."""
    match term:
        case Leaf(access):
            return accesses[max(access, 0)] if access != FORMER else accesses[0]
        case Literal(value):
            return f"{value:g}" if isinstance(value, float) else str(value)
        case Setting(parameter):
            return parameter
        case Node(op, dtype, parts):
            inner = [_grouped(part, op, accesses) for part in parts]
            if op == "cast":
                return f"{dtype}({inner[0]})"
            if op in _INFIX:
                return f" {op} ".join(inner).replace("+ -", "- ")
            if op == "neg":
                return f"-{inner[0]}"
            return f"{op.removeprefix('select ')}({', '.join(inner)})"
        case _:
            assert_never(term)


def _grouped(part: Term, around: str, accesses: tuple[str, ...]) -> str:
    """The part in parentheses where infix operators would run together."""
    text = term_text(part, accesses)
    inside = isinstance(part, Node) and part.op in _INFIX
    return f"({text})" if inside and (around in _INFIX or around == "neg") else text


def operator_text(term: Term) -> str:
    """The operator at the root, quoted: ``'exp'``, ``the conversion to i8``."""
    if not isinstance(term, Node):
        return "a plain value"
    if term.op == "cast":
        return f"the conversion of {term.parts[0].dtype} to {term.dtype}"
    if term.op.startswith("select "):
        return f"'select' with '{term.op.removeprefix('select ')}'"
    return f"'{term.op}'"


def index_text(index: Affine) -> str:
    """An index as written: ``2*h + r - 1``."""
    parts: list[str] = []
    for name, factor in index.terms:
        parts.append(name if factor == 1 else f"{factor}*{name}")
    if index.constant or not parts:
        parts.append(str(index.constant))
    return " + ".join(parts).replace("+ -", "- ")
