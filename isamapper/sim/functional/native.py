"""The true data types: every operator exactly as ``ir/numeric.py`` defines it.

Storage: f64, f32 and the integers as themselves; i4 and u4 in a byte; tf32, f16, bf16 and fp8 as the f32 numbers they
are, computed in f64 and rounded once (``rounding.py``). Functions such as ``exp`` are those of numpy, called back, so
that both engines give the same bits. The order of operations is the generator's, which keeps the loop order of floats.
"""

from __future__ import annotations

from collections import abc
from ctypes import CFUNCTYPE, c_double, c_void_p, cast
from functools import cache
from typing import Any, assert_never

import ml_dtypes
import numpy as np
from llvmlite import ir

from isamapper.ir import numeric
from isamapper.ir.nodes import BinaryOp, CompareOp, Reduction, UnaryOp
from isamapper.ir.types import DTYPES, DType, Kind, integer_range
from isamapper.sim.functional.domain import Domain, Word
from isamapper.sim.functional.lanes import DOUBLE, FLOAT, INDEX, Lanes, Raw, declare
from isamapper.sim.functional.rounding import is_small, round_small

_FUNCTIONS = (UnaryOp.EXP, UnaryOp.LOG, UnaryOp.TANH, UnaryOp.SIGMOID, UnaryOp.ERF)
_PLAIN = (UnaryOp.NEG, UnaryOp.ABS, BinaryOp.ADD, BinaryOp.SUB, BinaryOp.MUL, BinaryOp.MIN, BinaryOp.MAX)
"""Operators that are computed in the type itself; others pass through 64 bits."""
_CALLBACK = CFUNCTYPE(c_double, c_double)


@cache
def callbacks() -> abc.Mapping[str, Any]:
    """C functions of one f64 by the name generated code calls them by; alive as long as the process."""
    return {f"isamapper_{op.value}": _callback(op) for op in _FUNCTIONS}


def callback_addresses() -> dict[str, int]:
    """Where the functions of :func:`callbacks` are."""
    return {name: cast(function, c_void_p).value or 0 for name, function in callbacks().items()}


def _callback(op: UnaryOp) -> Any:
    function = numeric.unary(op, DTYPES["f64"])

    def call(value: float) -> float:
        with numeric.quiet():
            return float(function(np.float64(value)))

    return _CALLBACK(call)


class Native(Domain):
    """True data types."""

    name = "native"

    def storage(self, dtype: DType) -> np.dtype[Any]:
        if is_small(dtype):
            return np.dtype(np.float32)
        if dtype.bits == 4:
            return np.dtype(np.int8)
        return numeric.numpy_dtype(dtype)

    def element(self, dtype: DType) -> Any:
        if dtype.is_float:
            return DOUBLE if dtype.name == "f64" else FLOAT
        return ir.IntType(max(8, dtype.bits))

    def undefined(self, dtype: DType) -> int | float | None:
        return None

    def identity(self, reduction: Reduction, dtype: DType, seed: int = 0) -> int | float:
        return _python(numeric.identity(reduction, dtype))

    def literal(self, value: int | float, dtype: DType) -> int | float:
        return _python(numeric.constant(value, dtype))

    def working_bytes(self, op: UnaryOp | BinaryOp | None, dtype: DType) -> int:
        plain = op in _PLAIN and not is_small(dtype)
        return self.storage(dtype).itemsize if plain or op is None else 8

    def divides_checked(self, dtype: DType) -> bool:
        return dtype.is_integer

    def accumulate(self, lanes: Lanes, reduction: Reduction, old: Raw, term: Word) -> Raw:
        return self.binary(lanes, numeric.REDUCTION_OPERATOR[reduction], Word(old, term.dtype), term).raw

    # Operators

    def unary(self, lanes: Lanes, op: UnaryOp, operand: Word) -> Word:
        dtype, raw, builder = operand.dtype, operand.raw, lanes.builder
        if dtype.is_float:
            return Word(self._float_unary(lanes, op, raw, dtype), dtype)
        match op:
            case UnaryOp.ROUND | UnaryOp.FLOOR:
                return operand
            case UnaryOp.NEG:
                return Word(_wrap(lanes, builder.neg(raw), dtype), dtype)
            case UnaryOp.ABS if dtype.kind is Kind.SIGNED:
                negative = builder.icmp_signed("<", raw, lanes.constant(self.element(dtype), 0))
                return Word(_wrap(lanes, builder.select(negative, builder.neg(raw), raw), dtype), dtype)
            case UnaryOp.ABS:
                return operand
            case _:
                raise ValueError(f"'{op.value}' is not defined on '{dtype}'")

    def _float_unary(self, lanes: Lanes, op: UnaryOp, raw: Raw, dtype: DType) -> Raw:
        builder, scalar = lanes.builder, self.element(dtype)
        match op:
            case UnaryOp.NEG:
                return builder.fneg(raw)
            case UnaryOp.ABS:
                return lanes.intrinsic("fabs", scalar, [raw])
            case UnaryOp.ROUND:
                return lanes.intrinsic("roundeven", scalar, [raw])
            case UnaryOp.FLOOR:
                return lanes.intrinsic("floor", scalar, [raw])
            case _:
                wide = _widen(lanes, raw)
                return _narrow(lanes, self._wide_unary(lanes, op, wide), dtype)

    def _wide_unary(self, lanes: Lanes, op: UnaryOp, wide: Raw) -> Raw:
        if op in (UnaryOp.SQRT, UnaryOp.RSQRT):
            root = lanes.intrinsic("sqrt", DOUBLE, [wide])
            return root if op is UnaryOp.SQRT else lanes.builder.fdiv(lanes.constant(DOUBLE, 1.0), root)
        function = declare(lanes.module, f"isamapper_{op.value}", DOUBLE, [DOUBLE])
        return lanes.gather([lanes.builder.call(function, [lanes.extract(wide, n)]) for n in range(lanes.width)])

    def binary(self, lanes: Lanes, op: BinaryOp, left: Word, right: Word) -> Word:
        dtype = left.dtype
        if dtype.is_integer:
            return Word(self._integer_binary(lanes, op, left, right), dtype)
        if op in (BinaryOp.MIN, BinaryOp.MAX):
            name = "minimum" if op is BinaryOp.MIN else "maximum"
            return Word(lanes.intrinsic(name, self.element(dtype), [left.raw, right.raw]), dtype)
        if not is_small(dtype):
            return Word(_float_arithmetic(lanes, op, left.raw, right.raw), dtype)
        wide = _float_arithmetic(lanes, op, _widen(lanes, left.raw), _widen(lanes, right.raw))
        return Word(_narrow(lanes, wide, dtype), dtype)

    def _integer_binary(self, lanes: Lanes, op: BinaryOp, left: Word, right: Word) -> Raw:
        builder, dtype, x, y = lanes.builder, left.dtype, left.raw, right.raw
        signed = dtype.kind is Kind.SIGNED
        match op:
            case BinaryOp.ADD:
                return _wrap(lanes, builder.add(x, y), dtype)
            case BinaryOp.SUB:
                return _wrap(lanes, builder.sub(x, y), dtype)
            case BinaryOp.MUL:
                return _wrap(lanes, builder.mul(x, y), dtype)
            case BinaryOp.MIN:
                return lanes.intrinsic("smin" if signed else "umin", self.element(dtype), [x, y])
            case BinaryOp.MAX:
                return lanes.intrinsic("smax" if signed else "umax", self.element(dtype), [x, y])
            case BinaryOp.DIV:
                wide = _divide(lanes, _index(lanes, left), _index(lanes, right))
            case BinaryOp.SHL:
                wide = _shift_left(lanes, _index(lanes, left), _index(lanes, right))
            case BinaryOp.SHR:
                wide = builder.ashr(_index(lanes, left), _at_most_63(lanes, _index(lanes, right)))
            case BinaryOp.SHR_ROUND:
                wide = _shift_round(lanes, _index(lanes, left), _index(lanes, right))
            case _:
                assert_never(op)
        return _truncate(lanes, wide, dtype)

    def select(self, lanes: Lanes, op: CompareOp, left: Word, right: Word, yes: Word, no: Word) -> Word:
        builder = lanes.builder
        if left.dtype.is_float:
            compare = builder.fcmp_unordered if op is CompareOp.NE else builder.fcmp_ordered
        else:
            compare = builder.icmp_signed if left.dtype.kind is Kind.SIGNED else builder.icmp_unsigned
        return Word(builder.select(compare(op.value, left.raw, right.raw), yes.raw, no.raw), yes.dtype)

    def cast(self, lanes: Lanes, operand: Word, dtype: DType) -> Word:
        source = operand.dtype
        if source == dtype:
            return operand
        if source.is_integer and dtype.is_integer:
            return Word(_resize(lanes, operand, dtype), dtype)
        if source.is_integer:
            return Word(_integer_to_float(lanes, operand, dtype), dtype)
        if dtype.is_float:
            return Word(_narrow(lanes, _widen(lanes, operand.raw), dtype), dtype)
        return Word(_saturate(lanes, _widen(lanes, operand.raw), dtype), dtype)


def _python(value: Any) -> int | float:
    return float(value) if value.dtype.kind in "fV" and not _is_integer(value) else int(value)


def _is_integer(value: Any) -> bool:
    return value.dtype in (ml_dtypes.int4, ml_dtypes.uint4)


# Floats


def _float_arithmetic(lanes: Lanes, op: BinaryOp, x: Raw, y: Raw) -> Raw:
    builder = lanes.builder
    match op:
        case BinaryOp.ADD:
            return builder.fadd(x, y)
        case BinaryOp.SUB:
            return builder.fsub(x, y)
        case BinaryOp.MUL:
            return builder.fmul(x, y)
        case BinaryOp.DIV:
            return builder.fdiv(x, y)
        case _:
            raise ValueError(f"'{op.value}' is not defined on floats")


def _widen(lanes: Lanes, raw: Raw) -> Raw:
    """f32 or f64 as f64."""
    wide = lanes.type(DOUBLE)
    return raw if raw.type == wide else lanes.builder.fpext(raw, wide)


def _narrow(lanes: Lanes, wide: Raw, dtype: DType) -> Raw:
    """f64 rounded once to ``dtype`` and as stored."""
    if dtype.name == "f64":
        return wide
    rounded = round_small(lanes, wide, dtype) if is_small(dtype) else wide
    return lanes.builder.fptrunc(rounded, lanes.type(FLOAT))


def _saturate(lanes: Lanes, wide: Raw, dtype: DType) -> Raw:
    """f64 to the nearest integer (halves to even) within the type's range; NaN gives 0."""
    low, high = integer_range(dtype)
    rounded = lanes.intrinsic("roundeven", DOUBLE, [wide])
    vector = lanes.type(INDEX)
    name = "llvm.fptosi.sat." + (f"v{lanes.width}i64.v{lanes.width}f64" if lanes.width > 1 else "i64.f64")
    exact = lanes.builder.call(declare(lanes.module, name, vector, [rounded.type]), [rounded])
    least = lanes.intrinsic("smax", INDEX, [exact, lanes.constant(INDEX, low)])
    return _truncate(lanes, lanes.intrinsic("smin", INDEX, [least, lanes.constant(INDEX, high)]), dtype)


# Integers


def _index(lanes: Lanes, word: Word) -> Raw:
    """An integer as 64 bits."""
    if word.raw.type == lanes.type(INDEX):
        return word.raw
    extend = lanes.builder.sext if word.dtype.kind is Kind.SIGNED else lanes.builder.zext
    return extend(word.raw, lanes.type(INDEX))


def _truncate(lanes: Lanes, wide: Raw, dtype: DType) -> Raw:
    """64 bits wrapped to ``dtype``."""
    scalar = ir.IntType(max(8, dtype.bits))
    return _wrap(lanes, wide if scalar == INDEX else lanes.builder.trunc(wide, lanes.type(scalar)), dtype)


def _wrap(lanes: Lanes, raw: Raw, dtype: DType) -> Raw:
    """Only 4-bit types need it: others wrap in their own width."""
    if dtype.bits != 4:
        return raw
    byte = ir.IntType(8)
    if dtype.kind is Kind.UNSIGNED:
        return lanes.builder.and_(raw, lanes.constant(byte, 15))
    four = lanes.constant(byte, 4)
    return lanes.builder.ashr(lanes.builder.shl(raw, four), four)


def _resize(lanes: Lanes, word: Word, dtype: DType) -> Raw:
    source, target = max(8, word.dtype.bits), max(8, dtype.bits)
    raw, kind = word.raw, lanes.type(ir.IntType(target))
    if target < source:
        raw = lanes.builder.trunc(raw, kind)
    elif target > source:
        raw = (lanes.builder.sext if word.dtype.kind is Kind.SIGNED else lanes.builder.zext)(raw, kind)
    return _wrap(lanes, raw, dtype)


def _integer_to_float(lanes: Lanes, word: Word, dtype: DType) -> Raw:
    builder = lanes.builder
    if not is_small(dtype):
        convert = builder.sitofp if word.dtype.kind is Kind.SIGNED else builder.uitofp
        return convert(word.raw, lanes.type(DOUBLE if dtype.name == "f64" else FLOAT))
    wide = _index(lanes, word)
    if word.dtype.bits == 64:
        wide = _sticky(lanes, wide)
    return _narrow(lanes, builder.sitofp(wide, lanes.type(DOUBLE)), dtype)


def _sticky(lanes: Lanes, wide: Raw) -> Raw:
    """53 bits that round as all 64 do, to 11 bits or fewer (``numeric._as_float``)."""
    builder = lanes.builder
    tail = builder.and_(wide, lanes.constant(INDEX, 2047))
    rest = builder.icmp_signed("!=", tail, lanes.constant(INDEX, 0))
    some = builder.select(rest, lanes.constant(INDEX, 1024), lanes.constant(INDEX, 0))
    sticky = builder.or_(builder.and_(wide, lanes.constant(INDEX, ~2047)), some)
    half = builder.ashr(wide, lanes.constant(INDEX, 1))
    low = builder.icmp_signed("<", half, lanes.constant(INDEX, 2**51))
    high = builder.icmp_signed(">", half, lanes.constant(INDEX, -(2**51)))
    return builder.select(builder.and_(low, high), wide, sticky)


def _divide(lanes: Lanes, x: Raw, y: Raw) -> Raw:
    """Towards zero; -1 apart, since the least number divided by it traps on some processors. ``y`` is not 0."""
    builder = lanes.builder
    minus = builder.icmp_signed("==", y, lanes.constant(INDEX, -1))
    zero = builder.icmp_signed("==", y, lanes.constant(INDEX, 0))
    safe = builder.select(builder.or_(minus, zero), lanes.constant(INDEX, 1), y)
    return builder.select(minus, builder.neg(x), builder.sdiv(x, safe))


def _at_most_63(lanes: Lanes, count: Raw) -> Raw:
    return lanes.intrinsic("smin", INDEX, [count, lanes.constant(INDEX, 63)])


def _shift_left(lanes: Lanes, x: Raw, count: Raw) -> Raw:
    builder = lanes.builder
    inside = builder.icmp_signed("<", count, lanes.constant(INDEX, 64))
    return builder.select(inside, builder.shl(x, _at_most_63(lanes, count)), lanes.constant(INDEX, 0))


def _shift_round(lanes: Lanes, x: Raw, count: Raw) -> Raw:
    builder, one, zero = lanes.builder, lanes.constant(INDEX, 1), lanes.constant(INDEX, 0)
    shift = _at_most_63(lanes, count)
    quotient = builder.ashr(x, shift)
    rest = builder.sub(x, builder.shl(quotient, shift))
    below = lanes.intrinsic("smax", INDEX, [builder.sub(shift, one), zero])
    half = builder.select(builder.icmp_signed(">", shift, zero), builder.shl(one, below), one)
    odd = builder.icmp_signed("==", builder.and_(quotient, one), one)
    tie = builder.and_(builder.icmp_signed("==", rest, half), odd)
    up = builder.zext(builder.or_(builder.icmp_signed(">", rest, half), tie), lanes.type(INDEX))
    inside = builder.icmp_signed("<", count, lanes.constant(INDEX, 64))
    return builder.select(inside, builder.add(quotient, up), zero)
