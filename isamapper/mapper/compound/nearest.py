"""The statement that differs least from one of an instruction's, and how, in words.

What does not belong here: which condition fails (``refusal.py``).
"""

from __future__ import annotations

from typing import assert_never

from isamapper.ir.analysis import Statement
from isamapper.mapper.algebra.terms import SHIFTS, Leaf, Literal, Node, Setting, Term
from isamapper.mapper.compound.match import Parts
from isamapper.mapper.compound.variants import Piece
from isamapper.mapper.matching.difference import Difference, Kind, differences

MOST_COMPARED = 24
"""Values with more operators and operands are not laid on each other to see where they differ."""


def nearest_statement(piece: Piece, parts: Parts) -> tuple[Statement, str] | None:
    """The statement that differs least from what the instruction does, and its first difference in words."""
    best: tuple[int, Statement, Difference] | None = None
    for part in parts.graph.parts:
        view = parts.views[part.index]
        if view.reduction is not piece.view.reduction or max(map(_size, (view.term, piece.view.term))) > MOST_COMPARED:
            continue
        found = differences(piece.view.term, view.term)
        if found and (best is None or len(found) < best[0]):
            best = len(found), part, found[0]
    return None if best is None else (best[1], f"statement {best[1].index} {_words(best[2])}")


def _size(term: Term) -> int:
    return 1 + sum(map(_size, term.parts)) if isinstance(term, Node) else 1


def _words(difference: Difference) -> str:
    wanted, found = _name(difference.needle), _name(difference.subject)
    match difference.needle:
        case Setting(name, low=low, high=high):
            return f"has {found} where '{name}' sets {low} to {high}"
    if difference.kind is Kind.DTYPE:
        return f"has {difference.subject.dtype} where {difference.needle.dtype} is wanted"
    if difference.kind is Kind.MISSING:
        return f"has no {wanted}{_least(difference.needle)}"
    if difference.kind is Kind.EXTRA:
        return f"has {found}, which the instruction has not"
    return f"has {found} where the instruction has {wanted}"


def _least(needle: Term) -> str:
    """Why an operator cannot be made to change nothing."""
    match needle:
        case Node(op, parts=(_, Setting(name, low=low, high=high))) if op in SHIFTS:
            return f", and '{name}' sets {low} to {high}"
        case _:
            return ""


def _name(term: Term) -> str:
    match term:
        case Leaf():
            return "an operand"
        case Literal(value):
            return f"{value:g}" if isinstance(value, float) else str(value)
        case Setting(name):
            return f"what '{name}' sets"
        case Node("cast"):
            return f"conversion to {term.dtype}"
        case Node(op):
            return f"'{op}'"
        case _:
            assert_never(term)
