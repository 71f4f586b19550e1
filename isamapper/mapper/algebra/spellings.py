"""Other spellings of an operator: what a unit without it computes instead.

    -x            x * -1
    |x|           max(x, -x)
    min(a, b)     -max(-a, -b)           and the other way round
    a / b         a * (1 / b)
    sigmoid(x)    1 / (1 + exp(-x))      and the other way round; tanh(x * 0.5) * 0.5 + 0.5
    tanh(x)       sigmoid(x * 2) * 2 + -1
    rsqrt(x)      1 / sqrt(x)            and the other way round

Equal as real arithmetic; verification defines these functions by each other (docs/reference/verification.md), so what
is spelled in one of these ways is proved like anything else. Only negation holds for integers, too: the others need
numbers or ranges that integers lack. Subtraction and the identities (``0 - x``, ``x * 1``) are no matter of spelling:
the normal form has none (``terms.py``) and operands take identities (``matching/partial.py``). What does not belong
here: limits, which keep every bit (``ir/spelling.py``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import replace
from functools import lru_cache

from isamapper.ir.types import DType
from isamapper.mapper.algebra.terms import ASSOCIATIVE, Literal, Node, Term, identity_of

_OTHER = {"min": "max", "max": "min"}
_UNSIGNED = ("u8", "u4")
_MOST = 12
"""Spellings of spellings that are looked at."""


@lru_cache(maxsize=4096)
def spellings(term: Node) -> tuple[Node, ...]:
    """The other spellings of the operator at the root of ``term``, the nearest first; none is ``term`` itself."""
    found = [term]
    for known in found:  # grows while it is gone through
        found += [other for other in dict.fromkeys(_spellings(known)) if other not in found]
        if len(found) > _MOST:
            break
    return tuple(found[1:])


def _spellings(term: Node) -> abc.Iterator[Node]:
    yield from _without_identities(term)
    match term:
        case Node("neg", dtype, (part,)) if dtype.name not in _UNSIGNED:
            yield from _nodes(_times(part, -1))
        case Node(_, dtype, _) if dtype.is_float:
            yield from _of_floats(term)


def _without_identities(term: Node) -> abc.Iterator[Node]:
    if term.op in ASSOCIATIVE:
        nothing = Literal(identity_of(term.op, term.dtype), term.dtype)
        rest = tuple(part for part in term.parts if part != nothing)
        if 0 < len(rest) < len(term.parts):
            yield from _nodes(rest[0] if len(rest) == 1 else replace(term, parts=rest))


def _of_floats(term: Node) -> abc.Iterator[Node]:
    dtype = term.dtype
    match term:
        case Node("abs", _, (part,)):
            yield Node("max", dtype, (part, _negated(part)))
        case Node("min" | "max" as op, _, parts):
            yield from _nodes(_negated(Node(_OTHER[op], dtype, tuple(_negated(part) for part in parts))))
        case Node("sigmoid", _, (part,)):
            exponential = Node("exp", dtype, (_negated(part),))
            yield _inverse(Node("+", dtype, (_one(dtype), exponential)))
            half = Node("tanh", dtype, (_times(part, 0.5),))
            yield Node("+", dtype, (_times(half, 0.5), Literal(0.5, dtype)))
        case Node("tanh", _, (part,)):
            twice = Node("sigmoid", dtype, (_times(part, 2.0),))
            yield Node("+", dtype, (_times(twice, 2.0), Literal(-1.0, dtype)))
        case Node("rsqrt", _, (part,)):
            yield _inverse(Node("sqrt", dtype, (part,)))
        case Node("/", _, (above, below)):
            yield from _of_quotient(above, below)


def _of_quotient(above: Term, below: Term) -> abc.Iterator[Node]:
    dtype = above.dtype
    if above != _one(dtype):
        yield from _nodes(_product(above, _inverse(below)))
        return
    match below:
        case Node("sqrt", _, (part,)):
            yield Node("rsqrt", dtype, (part,))
        case Node("+", _, (one, other)):
            for number, rest in ((one, other), (other, one)):
                if number == _one(dtype) and isinstance(rest, Node) and rest.op == "exp":
                    yield Node("sigmoid", dtype, (_negated(rest.parts[0]),))


def _nodes(term: Term) -> abc.Iterator[Node]:
    if isinstance(term, Node):
        yield term


def _one(dtype: DType) -> Literal:
    return Literal(1.0 if dtype.is_float else 1, dtype)


def _inverse(part: Term) -> Node:
    return Node("/", part.dtype, (_one(part.dtype), part))


def _negated(part: Term) -> Term:
    """``-part``; what is negated already loses that, with a factor its sign changes."""
    match part:
        case Literal(value, dtype):
            return Literal(-value, dtype)
        case Node("neg", _, (inner,)):
            return inner
        case Node("+", _, parts) if any(part == Literal(0, part.dtype) for part in parts):
            bare = next(_without_identities(part), None)
            return Node("neg", part.dtype, (part,)) if bare is None else _negated(bare)
        case Node("*", _, parts) if any(isinstance(each, Literal) for each in parts):
            return _times(part, -1.0 if part.dtype.is_float else -1)
        case _:
            return Node("neg", part.dtype, (part,))


def _times(part: Term, factor: int | float) -> Term:
    """``part * factor``, with the factors that it has put together, so that going to and fro ends."""
    dtype = part.dtype
    factors = list(part.parts) if isinstance(part, Node) and part.op == "*" else [part]
    numbers = [each.value for each in factors if isinstance(each, Literal)]
    rest: list[Term] = [each for each in factors if not isinstance(each, Literal)]
    if dtype.is_integer and numbers:
        return Node("*", dtype, (*factors, Literal(factor, dtype)))
    total = factor
    for number in numbers:
        total *= number
    if total != identity_of("*", dtype) or not rest:
        rest.append(Literal(float(total) if dtype.is_float else total, dtype))
    return rest[0] if len(rest) == 1 else Node("*", dtype, tuple(rest))


def _product(left: Term, right: Term) -> Term:
    factors = left.parts if isinstance(left, Node) and left.op == "*" else (left,)
    return Node("*", left.dtype, (*factors, right))
