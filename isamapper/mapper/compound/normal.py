"""The form in which values of statements are compared, beyond that of expressions (``mapper/algebra/terms.py``).

    (1 - z) * c + z * h      and      c + z * (h - c)      are both      c + z * h - z * c

Rules of this file:
- sums and products of one data type are multiplied out: whole-number coefficients and products of what is no sum;
- numbers that are not whole are factors like any other: nothing is computed that could round;
- neutral constants go; of ``min`` and ``max`` nothing else is changed;
- what would become long stays as it is.

Equal in the ring of the data type: exact for integers, equal as real arithmetic for floats, as verification has it.
What does not belong here: comparing two values (``match.py``).
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TypeAlias

from isamapper.ir.analysis import Statement
from isamapper.ir.nodes import Access, Tensor
from isamapper.ir.types import DType
from isamapper.mapper.algebra.terms import ASSOCIATIVE, Leaf, Literal, Node, Term, identity_of
from isamapper.mapper.matching.views import View, natural_view

Monomial: TypeAlias = tuple[Term, ...]
"""What is multiplied, in the order in which it stands in the text."""

MOST_TERMS = 12
"""A sum that would have more terms is not multiplied out."""
MOST_FACTORS = 6


def normal_view(statement: Statement, tensors: tuple[Tensor, ...]) -> View:
    """What a statement computes, in the form that is compared."""
    view = natural_view(statement, tensors)
    term = normal(_once(view.term, statement.accesses))
    return view if term == view.term else replace(view, term=term)


def _once(term: Term, accesses: tuple[Access, ...]) -> Term:
    """``term`` with one leaf for all reads of one element."""
    match term:
        case Leaf(number) if number > 0:
            return replace(term, access=accesses.index(accesses[number], 1))
        case Node():
            return replace(term, parts=tuple(_once(part, accesses) for part in term.parts))
        case _:
            return term


def normal(term: Term) -> Term:
    """``term`` multiplied out, its neutral constants gone."""
    if not isinstance(term, Node):
        return term
    parts = tuple(normal(part) for part in term.parts)
    made = term if all(a is b for a, b in zip(parts, term.parts, strict=True)) else replace(term, parts=parts)
    if made.op in ("+", "*", "neg"):
        found = _sum(made, made.dtype)
        return made if found is None else _term(found, made.dtype)
    return _without_neutral(made) if made.op in ASSOCIATIVE else made


def _without_neutral(node: Node) -> Term:
    """``min`` and ``max`` without constants that change nothing, and flat."""
    neutral = identity_of(node.op, node.dtype)
    parts = [each for part in node.parts for each in _flat(part, node)]
    kept = [each for each in parts if not (isinstance(each, Literal) and each.value == neutral)]
    if len(kept) == len(node.parts):
        return node
    return (kept or parts)[0] if len(kept) < 2 else replace(node, parts=tuple(kept))


def _flat(part: Term, node: Node) -> tuple[Term, ...]:
    return part.parts if isinstance(part, Node) and (part.op, part.dtype) == (node.op, node.dtype) else (part,)


def _sum(term: Term, dtype: DType) -> dict[Monomial, int] | None:
    """The coefficients of a sum of products; None where it would be long."""
    if isinstance(term, Literal) and math.isfinite(term.value) and term.value == int(term.value):
        return {(): int(term.value)} if term.value else {}
    if not isinstance(term, Node) or term.dtype != dtype or term.op not in ("+", "*", "neg"):
        return {(term,): 1}
    parts = [_sum(part, dtype) for part in term.parts]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    if term.op == "neg":
        return {monomial: -factor for monomial, factor in known[0].items()}
    total: dict[Monomial, int] = {} if term.op == "+" else {(): 1}
    for part in known:
        made = _added(total, part) if term.op == "+" else _multiplied(total, part)
        if made is None:
            return None
        total = made
    return total


def _added(one: dict[Monomial, int], other: dict[Monomial, int]) -> dict[Monomial, int] | None:
    total = dict(one)
    for monomial, factor in other.items():
        same = next((each for each in total if _same(each, monomial)), monomial)
        total[same] = total.get(same, 0) + factor
        if not total[same]:
            del total[same]
    return total if len(total) <= MOST_TERMS else None


def _multiplied(one: dict[Monomial, int], other: dict[Monomial, int]) -> dict[Monomial, int] | None:
    total: dict[Monomial, int] = {}
    for left, factor in one.items():
        for right, times in other.items():
            if len(left) + len(right) > MOST_FACTORS:
                return None
            more = _added(total, {(*left, *right): factor * times})
            if more is None:
                return None
            total = more
    return total


def _same(one: Monomial, other: Monomial) -> bool:
    return len(one) == len(other) and sorted(map(repr, one)) == sorted(map(repr, other))


def _term(total: dict[Monomial, int], dtype: DType) -> Term:
    parts = [_product(monomial, factor, dtype) for monomial, factor in total.items()]
    if not parts:
        return Literal(0 if dtype.is_integer else 0.0, dtype)
    return parts[0] if len(parts) == 1 else Node("+", dtype, tuple(parts))


def _product(monomial: Monomial, factor: int, dtype: DType) -> Term:
    number: Term = Literal(factor if dtype.is_integer else float(factor), dtype)
    if not monomial:
        return number
    if abs(factor) == 1:
        product = monomial[0] if len(monomial) == 1 else Node("*", dtype, monomial)
        return product if factor == 1 else Node("neg", dtype, (product,))
    return Node("*", dtype, (*monomial, number))
