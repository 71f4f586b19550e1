"""Expressions in the normal form that matching works on.

Rules of this file:
- a leaf is the number of an access (0 the statement's target, 1, 2, ... its loads from left to right);
- ``+ * min max`` are flattened; subtraction is the addition of a negation; a clamp is ``min`` of ``max``; ``>`` and
  ``>=`` are turned round; casts to the same dtype go; operators on constants are computed; nothing else is rewritten,
  and every node keeps its dtype.

What does not belong here: matching two terms (``unify.py``), what values a term takes (``padding.py``, ``ranges.py``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from itertools import count
from typing import TypeAlias, assert_never

from isamapper.ir import numeric
from isamapper.ir.expressions import dtype_of
from isamapper.ir.nodes import (
    Binary,
    BinaryOp,
    Cast,
    Clamp,
    CompareOp,
    Constant,
    Expression,
    Load,
    Reduction,
    Select,
    Tensor,
    Unary,
    UnaryOp,
)
from isamapper.ir.types import DType

ASSOCIATIVE = frozenset(("+", "*", "min", "max"))
"""Operators whose parts may be regrouped and reordered."""

SHIFTS = frozenset(("<<", ">>", "shr_round"))
"""Operators whose second part is a count, of any integer data type."""

_TURNED = {CompareOp.GT: CompareOp.LT, CompareOp.GE: CompareOp.LE}


@dataclass(frozen=True, slots=True)
class Leaf:
    """The value of access number ``access``."""

    access: int
    dtype: DType


@dataclass(frozen=True, slots=True)
class Literal:
    """A constant."""

    value: int | float
    dtype: DType


@dataclass(frozen=True, slots=True)
class Setting:
    """A constant that an instruction's parameter sets: ``factor * parameter + offset``.

    The parameter takes ``low, low + step, ... <= high``.
    """

    parameter: str
    factor: int
    offset: int
    dtype: DType
    low: int
    high: int
    step: int = 1

    def parameter_for(self, value: int | float) -> int | None:
        """The parameter's value that makes the constant ``value``; None where there is none."""
        if value != int(value) or (int(value) - self.offset) % self.factor:
            return None
        found = (int(value) - self.offset) // self.factor
        return found if self.low <= found <= self.high and (found - self.low) % self.step == 0 else None


@dataclass(frozen=True, slots=True)
class Node:
    """An operator on its parts; ``dtype`` is the result's. Associative operators have two or more parts."""

    op: str
    dtype: DType
    parts: tuple[Term, ...]


Term: TypeAlias = Leaf | Literal | Setting | Node


def term_of(expression: Expression, tensors: abc.Mapping[str, Tensor]) -> Term:
    """The normal form of a statement's value; loads are numbered from 1."""
    dtypes = {name: tensor.dtype for name, tensor in tensors.items()}
    return _term(expression, dtypes, count(1))


def join(reduction: Reduction, left: Term, right: Term) -> Term:
    """``left reduction right`` in normal form."""
    return _associative(reduction.value, left.dtype, left, right)


def identity_of(op: str, dtype: DType) -> int | float:
    """The value that changes nothing as a part of the associative operator ``op``."""
    value: int | float = numeric.identity(Reduction(op), dtype).item()
    return value


def leaves(term: Term) -> tuple[Leaf, ...]:
    """The leaves of ``term``, left to right."""
    match term:
        case Leaf():
            return (term,)
        case Literal() | Setting():
            return ()
        case Node():
            return tuple(leaf for part in term.parts for leaf in leaves(part))
        case _:
            assert_never(term)


def _term(expression: Expression, dtypes: abc.Mapping[str, DType], numbers: abc.Iterator[int]) -> Term:
    match expression:
        case Constant(value, dtype):
            return Literal(value, dtype)
        case Load(access):
            return Leaf(next(numbers), dtypes[access.tensor])
        case Unary(op, operand):
            return _unary(op, _term(operand, dtypes, numbers))
        case Cast(dtype, operand):
            return _cast(dtype, _term(operand, dtypes, numbers))
        case Clamp(operand, low, high):
            return _clamp(_term(operand, dtypes, numbers), low, high)
        case Binary(op, left, right):
            first = _term(left, dtypes, numbers)
            return _binary(op, dtype_of(left, dtypes), first, _term(right, dtypes, numbers))
        case Select():
            return _select(expression, dtypes, numbers)
        case _:
            assert_never(expression)


def _unary(op: UnaryOp, part: Term) -> Term:
    if op is UnaryOp.NEG:
        return _negated(part)
    if isinstance(part, Literal):
        with numeric.quiet():
            return _literal(numeric.unary(op, part.dtype)(numeric.constant(part.value, part.dtype)), part.dtype)
    return Node(op.value, part.dtype, (part,))


def _cast(dtype: DType, part: Term) -> Term:
    if part.dtype == dtype:
        return part
    if isinstance(part, Literal):
        with numeric.quiet():
            return _literal(numeric.cast(dtype)(numeric.constant(part.value, part.dtype)), dtype)
    return Node("cast", dtype, (part,))


def _literal(value: numeric.Value, dtype: DType) -> Literal:
    return Literal(value.item(), dtype)


def _negated(part: Term) -> Term:
    match part:
        case Literal(value, dtype):
            return Literal(-value, dtype)
        case Node("neg", _, (inner,)):
            return inner
        case _:
            return Node("neg", part.dtype, (part,))


def _clamp(part: Term, low: int | float, high: int | float) -> Term:
    raised = _associative("max", part.dtype, part, Literal(low, part.dtype))
    return _associative("min", part.dtype, raised, Literal(high, part.dtype))


def _binary(op: BinaryOp, dtype: DType, left: Term, right: Term) -> Term:
    if isinstance(left, Literal) and isinstance(right, Literal):
        with numeric.quiet():
            one, other = numeric.constant(left.value, dtype), numeric.constant(right.value, right.dtype)
            return _literal(numeric.binary(op, dtype)(one, other), dtype)
    if op is BinaryOp.SUB:
        return _associative("+", dtype, left, _negated(right))
    if op.value in ASSOCIATIVE:
        return _associative(op.value, dtype, left, right)
    return Node(op.value, dtype, (left, right))


def _associative(op: str, dtype: DType, left: Term, right: Term) -> Term:
    parts: list[Term] = []
    for part in (left, right):
        if isinstance(part, Node) and part.op == op and part.dtype == dtype:
            parts.extend(part.parts)
        else:
            parts.append(part)
    return Node(op, dtype, tuple(parts))


def _select(expression: Select, dtypes: abc.Mapping[str, DType], numbers: abc.Iterator[int]) -> Term:
    left, right, if_true, if_false = (
        _term(part, dtypes, numbers)
        for part in (expression.left, expression.right, expression.if_true, expression.if_false)
    )
    op = _TURNED.get(expression.op)
    if op is not None:
        left, right = right, left
    return Node(f"select {(op or expression.op).value}", if_true.dtype, (left, right, if_true, if_false))
