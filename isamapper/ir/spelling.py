"""One spelling for what limits a value: the same function of the same loads, whoever wrote it down.

    max(min(x, 6), 0)    relu(min(x, 6))    min(max(x, 0), 6)        all become        clamp(x, 0, 6)
    select(x > 0, x, 0)                     of integers              becomes           max(x, 0)
    relu(i8(clamp(x, -128, 127)))                                    becomes           i8(clamp(x, 0, 127))

Every step gives the same bits: limits compose in the order of the numbers, in which -0 is less than +0 and which NaN
passes through; a limit moves into a cast to an integer only where the cast keeps order (it never wraps, or it comes
from a float and both sides give 0 for NaN). A float's select stays: it gives its second value for NaN, max gives NaN.
What does not belong here: computing constants (``ir/fold.py``).
"""

from __future__ import annotations

import math
from collections import abc
from dataclasses import dataclass, replace
from typing import TypeAlias

from isamapper.ir import numeric
from isamapper.ir.expressions import dtype_of
from isamapper.ir.nodes import Binary, BinaryOp, Cast, Clamp, CompareOp, Constant, Expression, Load, Select, Unary
from isamapper.ir.types import DType, integer_range

Number: TypeAlias = int | float
_EXTREMA = (BinaryOp.MIN, BinaryOp.MAX)
_LESS, _GREATER = (CompareOp.LT, CompareOp.LE), (CompareOp.GT, CompareOp.GE)


@dataclass(frozen=True, slots=True)
class _Limits:
    """``min(max(x, low), high)``, low not above high."""

    low: Number
    high: Number

    def raised(self, bound: Number) -> _Limits:
        return _Limits(max(self.low, bound, key=_order), max(self.high, bound, key=_order))

    def lowered(self, bound: Number) -> _Limits:
        return _Limits(min(self.low, bound, key=_order), min(self.high, bound, key=_order))

    def within(self, outer: _Limits) -> _Limits:
        """These limits, then the outer ones."""
        return self.raised(outer.low).lowered(outer.high)


def spelled(expression: Expression, dtypes: abc.Mapping[str, DType]) -> Expression:
    """``expression`` in the one spelling; ``dtypes`` are the tensors'. What changes nothing returns the same object."""
    made = _with_parts(expression, dtypes)
    match made:
        case Select():
            chosen = _extremum_of(made, dtypes)
            return made if chosen is None else spelled(chosen, dtypes)
        case Clamp() | Cast() | Binary(BinaryOp.MIN | BinaryOp.MAX):
            core, limits = _peeled(made, dtypes)
            found = _limited(core, limits, dtypes)
            return made if found == made else found
        case _:
            return made


def _with_parts(expression: Expression, dtypes: abc.Mapping[str, DType]) -> Expression:
    match expression:
        case Constant() | Load():
            return expression
        case Unary(_, operand) | Cast(_, operand) | Clamp(operand):
            made = spelled(operand, dtypes)
            return expression if made is operand else replace(expression, operand=made)
        case Binary(_, left, right):
            first, second = spelled(left, dtypes), spelled(right, dtypes)
            same = first is left and second is right
            return expression if same else replace(expression, left=first, right=second)
        case Select(_, left, right, if_true, if_false):
            before = (left, right, if_true, if_false)
            parts = [spelled(part, dtypes) for part in before]
            if all(new is old for new, old in zip(parts, before, strict=True)):
                return expression
            return replace(expression, left=parts[0], right=parts[1], if_true=parts[2], if_false=parts[3])


def _extremum_of(chosen: Select, dtypes: abc.Mapping[str, DType]) -> Expression | None:
    """The ``min`` or ``max`` that a select of integers is; None where it is none."""
    if not dtype_of(chosen, dtypes).is_integer or chosen.op not in (*_LESS, *_GREATER):
        return None
    straight = (chosen.if_true, chosen.if_false) == (chosen.left, chosen.right)
    crossed = (chosen.if_true, chosen.if_false) == (chosen.right, chosen.left)
    if not straight and not crossed:
        return None
    op = BinaryOp.MIN if straight is (chosen.op in _LESS) else BinaryOp.MAX
    return Binary(op, chosen.left, chosen.right, chosen.span)


def _peeled(expression: Expression, dtypes: abc.Mapping[str, DType]) -> tuple[Expression, _Limits]:
    """What is limited, and the limits."""
    match expression:
        case Clamp(operand, low, high):
            core, limits = _peeled(operand, dtypes)
            return core, limits.raised(low).lowered(high)
        case Binary(op, left, Constant(bound)) | Binary(op, Constant(bound), left) if op in _EXTREMA:
            core, limits = _peeled(left, dtypes)
            return core, limits.raised(bound) if op is BinaryOp.MAX else limits.lowered(bound)
        case _:
            return expression, _whole(dtype_of(expression, dtypes))


def _limited(core: Expression, limits: _Limits, dtypes: abc.Mapping[str, DType]) -> Expression:
    """``core`` within ``limits``, which go into a cast where that is the same."""
    dtype = dtype_of(core, dtypes)
    if isinstance(core, Cast) and dtype.is_integer:
        inside = _inside(core, limits, dtypes)
        if inside is not None:
            return replace(core, operand=inside)
    return _written(core, limits, dtype)


def _inside(cast: Cast, limits: _Limits, dtypes: abc.Mapping[str, DType]) -> Expression | None:
    """The operand of a cast to an integer within the limits; None where they must stay outside."""
    core, own = _peeled(cast.operand, dtypes)
    source, (low, high) = dtype_of(core, dtypes), integer_range(cast.dtype)
    if source.is_integer:
        if source.bits <= cast.dtype.bits or own.low < low or own.high > high:
            return None
        return _written(core, own.within(limits), source)
    outer = _unless_saturated(limits, low, high)
    with numeric.quiet():
        exact = all(float(numeric.constant(bound, source)) == bound for bound in (outer.low, outer.high))
    if not exact or not outer.low <= 0 <= outer.high:
        return None
    return _written(core, _unless_saturated(own.within(outer), low, high), source)


def _unless_saturated(limits: _Limits, low: int, high: int) -> _Limits:
    """The limits of a float without those that its cast to an integer from ``low`` to ``high`` sets anyhow."""
    return _Limits(
        -math.inf if limits.low <= low else float(limits.low), math.inf if limits.high >= high else float(limits.high)
    )


def _written(core: Expression, limits: _Limits, dtype: DType) -> Expression:
    whole = _whole(dtype)
    if limits == whole:
        return core
    if limits.high == whole.high:
        return Binary(BinaryOp.MAX, core, Constant(limits.low, dtype))
    if limits.low == whole.low:
        return Binary(BinaryOp.MIN, core, Constant(limits.high, dtype))
    return Clamp(core, limits.low, limits.high)


def _whole(dtype: DType) -> _Limits:
    return _Limits(*integer_range(dtype)) if dtype.is_integer else _Limits(-math.inf, math.inf)


def _order(number: Number) -> tuple[Number, float]:
    return number, math.copysign(1.0, number)
