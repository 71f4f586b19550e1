"""What every scalar operator means, exactly: one definition for scalars and for arrays.

Rules of this file (docs/reference/ir.md says the same to users):
- a value of a data type is a numpy scalar or array of :func:`numpy_dtype`; operators are applied elementwise;
- integers wrap modulo 2**bits; division goes towards zero, dividing by zero raises ``ZeroDivisionError``;
- ``+ - * /`` and ``sqrt`` of floats are the exact result rounded once, to nearest even, in the operands' type;
- other functions are computed in f64 and rounded once;
- ``min`` and ``max`` of floats are those of IEEE 754-2019: NaN if either is, and -0 is less than +0;
- callers switch off numpy's warnings around their work with :func:`quiet`.

What does not belong here: expressions (``ir/expressions.py``) and tensors.
"""

from __future__ import annotations

import math
import operator
from collections import abc
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias, assert_never

import ml_dtypes
import numpy as np

from isamapper.ir.nodes import BinaryOp, CompareOp, Reduction, UnaryOp
from isamapper.ir.types import DType, Kind, integer_range

Value: TypeAlias = Any
"""A numpy scalar or array; numpy's own annotations cannot express "either, of this type"."""

Function1: TypeAlias = abc.Callable[[Value], Value]
Function2: TypeAlias = abc.Callable[[Value, Value], Value]


@dataclass(frozen=True, slots=True)
class SmallFloat:
    """A small float format: significand bits (the hidden one included), least exponent, greatest finite value."""

    precision: int
    least_exponent: int  # of the smallest subnormal: value 2**least_exponent
    greatest: float
    overflow: float  # what is written where a rounded value is greater


# fp8: "OCP 8-bit Floating Point Specification (OFP8)", revision 1.0, table 1 (E4M3 has no infinity, overflow is NaN).
SMALL_FLOATS = {
    "tf32": SmallFloat(11, -136, (2 - 2.0**-10) * 2.0**127, math.inf),
    "bf16": SmallFloat(8, -133, (2 - 2.0**-7) * 2.0**127, math.inf),
    "f16": SmallFloat(11, -24, 65504.0, math.inf),
    "fp8_e4m3": SmallFloat(4, -9, 448.0, math.nan),
    "fp8_e5m2": SmallFloat(3, -16, 57344.0, math.inf),
}
_STORAGE: dict[str, Any] = {
    "f64": np.float64,
    "f32": np.float32,
    "tf32": np.float32,
    "f16": np.float16,
    "bf16": ml_dtypes.bfloat16,
    "fp8_e4m3": ml_dtypes.float8_e4m3fn,
    "fp8_e5m2": ml_dtypes.float8_e5m2,
    "i64": np.int64,
    "i32": np.int32,
    "i16": np.int16,
    "i8": np.int8,
    "u8": np.uint8,
    "i4": ml_dtypes.int4,
    "u4": ml_dtypes.uint4,
}
_MACHINE = frozenset(("f64", "f32", "i64", "i32", "i16", "i8", "u8"))
"""Types whose numpy arithmetic is already exactly ours; the others are widened, computed and rounded or wrapped."""


def quiet() -> AbstractContextManager[Any]:
    """Overflow, NaN and division by zero of floats have meanings here, so numpy shall not warn about them."""
    return np.errstate(all="ignore")


def numpy_dtype(dtype: DType) -> np.dtype[Any]:
    """The array type that stores ``dtype``: one element each, also where hardware packs two in a byte."""
    stored: np.dtype[Any] = np.dtype(_STORAGE[dtype.name])
    return stored


# Conversions


def cast_array(values: Any, dtype: DType) -> np.ndarray[Any, Any]:
    """``values`` (any real array) converted to ``dtype`` by the rules of :class:`isamapper.ir.nodes.Cast`."""
    array = np.asarray(values)
    with quiet():
        return np.asarray(_convert(array, dtype))


def constant(value: float, dtype: DType) -> Value:
    """The literal ``value`` as a numpy scalar of ``dtype``."""
    exact = np.int64(value) if dtype.is_integer else np.float64(value)
    with quiet():
        return numpy_dtype(dtype).type(_convert(exact, dtype))


def _convert(value: Value, dtype: DType) -> Value:
    """Integers by wrapping, floats by rounding to nearest even; floats to integers saturate and NaN gives 0."""
    source_is_float = _is_float(value)
    if dtype.is_float:
        return _round(value if source_is_float else _as_float(value, dtype), dtype)
    return _saturate(value, dtype) if source_is_float else _wrap(value.astype(np.int64), dtype)


def _is_float(value: Value) -> bool:
    """Whether the numpy value is of a float type; ``ml_dtypes`` names its integers int4 and uint4."""
    return not (value.dtype.kind in "iub" or value.dtype.name in ("int4", "uint4"))


def _as_float(value: Value, dtype: DType) -> Value:
    """An integer as f32 or f64, so that rounding it to ``dtype`` later is the only rounding."""
    if dtype.name in ("f32", "f64"):
        return value.astype(numpy_dtype(dtype))
    wide = value.astype(np.int64)
    sticky = (wide & ~2047) | np.where(wide & 2047, 1024, 0)  # 53 bits that round the same way to 11 or fewer
    return np.where(np.abs(wide >> 1) < 2**51, wide, sticky).astype(np.float64)


def _saturate(value: Value, dtype: DType) -> Value:
    low, high = integer_range(dtype)
    rounded = np.rint(value.astype(np.float64))
    inside = np.where((rounded >= low) & (rounded < high), rounded, 0.0).astype(np.int64)
    result = np.where(rounded >= high, np.int64(high), np.where(rounded < low, np.int64(low), inside))
    return result.astype(numpy_dtype(dtype))


def _wrap(value: Value, dtype: DType) -> Value:
    """An i64 value modulo 2**bits, as ``dtype`` stores it."""
    if dtype.bits == 4:
        low = value & 15
        return (low if dtype.kind is Kind.UNSIGNED else (low ^ 8) - 8).astype(np.int8).astype(numpy_dtype(dtype))
    return value.astype(numpy_dtype(dtype))


def _round(value: Value, dtype: DType) -> Value:
    """A float value rounded once, to nearest even, to ``dtype``."""
    small = SMALL_FLOATS.get(dtype.name)
    if small is None or dtype.name == "f16" or value.dtype == numpy_dtype(dtype) != np.float32:
        return value.astype(numpy_dtype(dtype))
    wide = value.astype(np.float64)
    _, exponent = np.frexp(wide)
    quantum = np.maximum(exponent - small.precision, small.least_exponent)
    rounded = np.ldexp(np.rint(np.ldexp(wide, -quantum)), quantum)
    overflowed = np.where(np.isnan(wide), wide, np.copysign(small.overflow, wide))
    return np.where(np.abs(rounded) <= small.greatest, rounded, overflowed).astype(numpy_dtype(dtype))


# Operators


@cache
def unary(op: UnaryOp, dtype: DType) -> Function1:
    """``op`` on values of ``dtype``."""
    function = _unary(op, dtype)
    if dtype.is_integer:
        return lambda x: _wrap(function(x.astype(np.int64)), dtype)
    return lambda x: _round(function(x.astype(np.float64)), dtype)


def _unary(op: UnaryOp, dtype: DType) -> Function1:
    match op:
        case UnaryOp.NEG:
            return operator.neg
        case UnaryOp.ABS:
            return np.abs
        case UnaryOp.ROUND:
            return np.rint if dtype.is_float else operator.pos
        case UnaryOp.FLOOR:
            return np.floor if dtype.is_float else operator.pos
        case UnaryOp.EXP:
            return np.exp
        case UnaryOp.LOG:
            return np.log
        case UnaryOp.TANH:
            return np.tanh
        case UnaryOp.SIGMOID:
            return lambda x: 1.0 / (1.0 + np.exp(-x))
        case UnaryOp.ERF:
            return _erf
        case UnaryOp.SQRT:
            return np.sqrt
        case UnaryOp.RSQRT:
            return lambda x: 1.0 / np.sqrt(x)
        case _:
            assert_never(op)


def _erf(x: Value) -> Value:
    if np.ndim(x) == 0:
        return np.float64(math.erf(x))
    return np.array([math.erf(element) for element in x.ravel()], np.float64).reshape(x.shape)


@cache
def binary(op: BinaryOp, dtype: DType) -> Function2:
    """``op`` on two values of ``dtype``; shift counts may be integers of any type, from 0 up."""
    match op:
        case BinaryOp.SHL | BinaryOp.SHR | BinaryOp.SHR_ROUND:
            shift = {BinaryOp.SHL: _shift_left, BinaryOp.SHR: _shift_right, BinaryOp.SHR_ROUND: _shift_round}[op]
            return lambda x, count: _wrap(shift(x.astype(np.int64), np.asarray(count).astype(np.int64)), dtype)
        case BinaryOp.MIN | BinaryOp.MAX:
            return _extremum(op, dtype)
        case BinaryOp.DIV:
            return _arithmetic(_divide if dtype.is_integer else operator.truediv, dtype)
        case BinaryOp.ADD:
            return _arithmetic(operator.add, dtype)
        case BinaryOp.SUB:
            return _arithmetic(operator.sub, dtype)
        case BinaryOp.MUL:
            return _arithmetic(operator.mul, dtype)
        case _:
            assert_never(op)


def _arithmetic(function: Function2, dtype: DType) -> Function2:
    """``function`` as numpy computes it where that is exact, else widened first.

    f64 holds enough bits for one exact rounding of the small formats: 53 >= 2 * 11 + 2 (Figueroa, "When is double
    rounding innocuous?", SIGNUM Newsletter 30(3), 1995).
    """
    if dtype.name in _MACHINE and function is not _divide:
        return function
    if dtype.is_integer:
        return lambda x, y: _wrap(function(x.astype(np.int64), y.astype(np.int64)), dtype)
    return lambda x, y: _round(function(x.astype(np.float64), y.astype(np.float64)), dtype)


def _divide(x: Value, y: Value) -> Value:
    if np.any(y == 0):
        raise ZeroDivisionError("integer division by zero")
    quotient = x // y
    return quotient + ((quotient < 0) & (quotient * y != x))


def _shift_left(x: Value, count: Value) -> Value:
    return np.where(count < 64, x << np.minimum(count, 63), 0)


def _shift_right(x: Value, count: Value) -> Value:
    return x >> np.minimum(count, 63)


def _shift_round(x: Value, count: Value) -> Value:
    shift = np.minimum(count, 63)
    quotient = x >> shift
    rest = x - (quotient << shift)
    half = np.where(shift > 0, np.int64(1) << np.maximum(shift - 1, 0), 1)
    up = (rest > half) | ((rest == half) & (quotient & 1 == 1))
    return np.where(count < 64, quotient + up, 0)


def _extremum(op: BinaryOp, dtype: DType) -> Function2:
    least = op is BinaryOp.MIN
    pick = np.minimum if least else np.maximum
    if dtype.is_integer:
        return _arithmetic(pick, dtype)

    def function(x: Value, y: Value) -> Value:
        first = np.signbit(x) == least  # of two equal values: which one, so that -0 < +0
        return np.where(x == y, np.where(first, x, y), pick(x, y)).astype(numpy_dtype(dtype))

    return function


COMPARE: dict[CompareOp, Function2] = {
    CompareOp.LT: operator.lt,
    CompareOp.LE: operator.le,
    CompareOp.GT: operator.gt,
    CompareOp.GE: operator.ge,
    CompareOp.EQ: operator.eq,
    CompareOp.NE: operator.ne,
}
"""Comparisons; NaN compares unequal to everything, itself included."""


def select(condition: Value, if_true: Value, if_false: Value) -> Value:
    """``if_true`` where ``condition`` holds, else ``if_false``; both of one type, which is kept."""
    chosen: Value = np.where(condition, if_true, if_false)
    return chosen.astype(if_true.dtype)


@cache
def cast(dtype: DType) -> Function1:
    """Conversion of values of any type to ``dtype``."""
    return lambda x: _convert(x, dtype)


# Reductions


REDUCTION_OPERATOR = {
    Reduction.ADD: BinaryOp.ADD,
    Reduction.MUL: BinaryOp.MUL,
    Reduction.MIN: BinaryOp.MIN,
    Reduction.MAX: BinaryOp.MAX,
}
"""``target op= value`` is ``target = target OPERATOR value``."""


def identity(reduction: Reduction, dtype: DType) -> Value:
    """What a tensor of ``dtype`` first written by ``reduction`` holds before: 0, 1, the greatest or the least value."""
    match reduction:
        case Reduction.ADD:
            return constant(0, dtype)
        case Reduction.MUL:
            return constant(1, dtype)
        case Reduction.MIN:
            return constant(_bounds(dtype)[1], dtype)
        case Reduction.MAX:
            return constant(_bounds(dtype)[0], dtype)
        case _:
            assert_never(reduction)


def _bounds(dtype: DType) -> tuple[float, float]:
    """The least and greatest value, infinities included where the type has them."""
    if dtype.is_integer:
        return integer_range(dtype)
    small = SMALL_FLOATS.get(dtype.name)
    greatest = small.greatest if small is not None and math.isnan(small.overflow) else math.inf
    return -greatest, greatest
