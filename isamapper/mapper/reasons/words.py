"""Expressions, indices and differences in words, for messages."""

from __future__ import annotations

from collections import Counter, abc
from typing import assert_never

from isamapper.ir.affine import Affine
from isamapper.mapper.algebra.terms import ASSOCIATIVE, Leaf, Literal, Node, Setting, Term
from isamapper.mapper.matching.views import FORMER

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
    if _is_clamp(term):
        return "'clamp'"
    if term.op == "cast":
        return f"the conversion of {term.parts[0].dtype} to {term.dtype}"
    if term.op.startswith("select "):
        return f"'select' with '{term.op.removeprefix('select ')}'"
    return f"'{term.op}'"


def foreign_operators(term: Term, other: Term) -> tuple[str, ...]:
    """The operators of ``term`` that ``other`` has none of, else those of which it has fewer; outermost first."""
    mine, theirs = _operators(term), Counter(_operators(other))
    absent = [each for each in mine if not theirs[each]]
    return tuple(dict.fromkeys(absent or (each for each in mine if theirs[each] < mine.count(each))))


def _operators(term: Term) -> list[str]:
    """Every operator of the term, outermost first; a clamp is one."""
    if not isinstance(term, Node):
        return []
    parts = term.parts
    if _is_clamp(term):
        raised = next(part for part in parts if isinstance(part, Node))
        parts = raised.parts
    own = [operator_text(term)] * (len(term.parts) - 1 if term.op in ASSOCIATIVE and not _is_clamp(term) else 1)
    return own + [each for part in parts for each in _operators(part)]


def _is_clamp(term: Node) -> bool:
    """Whether the node is ``min(max(x, low), high)`` with constants."""
    if term.op != "min" or len(term.parts) != 2:
        return False
    raised = [part for part in term.parts if isinstance(part, Node) and part.op == "max"]
    bounds = [part for part in term.parts if isinstance(part, Literal)]
    return len(raised) == len(bounds) == 1 and any(isinstance(part, Literal) for part in raised[0].parts)


def in_words(names: abc.Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join((", ".join(names[:-1]), names[-1])) if len(names) > 1 else "".join(names)


def index_text(index: Affine) -> str:
    """An index as written: ``2*h + r - 1``."""
    parts: list[str] = []
    for name, factor in index.terms:
        parts.append(name if factor == 1 else f"{factor}*{name}")
    if index.constant or not parts:
        parts.append(str(index.constant))
    return " + ".join(parts).replace("+ -", "- ")
