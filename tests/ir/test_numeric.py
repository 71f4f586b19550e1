"""Scalar meanings against exact arithmetic: Python integers and fractions."""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isamapper.ir import numeric
from isamapper.ir.nodes import BinaryOp, CompareOp, Reduction, UnaryOp
from isamapper.ir.types import DTYPES, DType, integer_range

INTEGERS = [dtype for dtype in DTYPES.values() if dtype.is_integer]
FLOATS = [dtype for dtype in DTYPES.values() if dtype.is_float]
# significand bits, exponent of the least subnormal, greatest finite value (IEEE 754; OCP OFP8 for fp8)
FORMATS = {
    "f64": (53, -1074, (2 - 2.0**-52) * 2.0**1023),
    "f32": (24, -149, (2 - 2.0**-23) * 2.0**127),
    "tf32": (11, -136, (2 - 2.0**-10) * 2.0**127),
    "f16": (11, -24, 65504.0),
    "bf16": (8, -133, (2 - 2.0**-7) * 2.0**127),
    "fp8_e4m3": (4, -9, 448.0),
    "fp8_e5m2": (3, -16, 57344.0),
}


@pytest.fixture(autouse=True)
def as_callers_do() -> Iterator[None]:
    with numeric.quiet():
        yield


def wrapped(value: int, dtype: DType) -> int:
    low, high = integer_range(dtype)
    return (value - low) % (high - low + 1) + low


def rounded(value: Fraction, dtype: DType) -> float:
    """The value of ``dtype`` nearest to ``value``, halves to even, by exact arithmetic."""
    precision, least, greatest = FORMATS[dtype.name]
    if value == 0:
        return 0.0
    exponent = abs(value.numerator).bit_length() - value.denominator.bit_length()  # or one less
    exponent -= abs(value) < Fraction(2) ** exponent
    quantum = Fraction(2) ** max(exponent - precision + 1, least)
    result = round(value / quantum) * quantum
    if abs(result) > Fraction(greatest):
        return math.nan if dtype.name == "fp8_e4m3" else math.inf * (1 if value > 0 else -1)
    return float(result)


def value(number: float, dtype: DType) -> numeric.Value:
    return numeric.constant(number, dtype)


def same(one: float, other: float) -> bool:
    return one == other or (math.isnan(one) and math.isnan(other))


@st.composite
def integer_pairs(draw: st.DrawFn) -> tuple[DType, int, int]:
    dtype = draw(st.sampled_from(INTEGERS))
    low, high = integer_range(dtype)
    number = st.integers(low, high) | st.sampled_from((low, high, 0, 1))
    return dtype, draw(number), draw(number)


@given(integer_pairs())
def test_integer_arithmetic_wraps(case: tuple[DType, int, int]) -> None:
    dtype, x, y = case
    exact = {BinaryOp.ADD: x + y, BinaryOp.SUB: x - y, BinaryOp.MUL: x * y, BinaryOp.MIN: min(x, y)}
    exact[BinaryOp.MAX] = max(x, y)
    if y:
        exact[BinaryOp.DIV] = abs(x) // abs(y) * (1 if (x < 0) == (y < 0) else -1)
    with numeric.quiet():
        for op, expected in exact.items():
            result = numeric.binary(op, dtype)(value(x, dtype), value(y, dtype))
            assert int(result) == wrapped(expected, dtype), op
            assert result.dtype == numeric.numpy_dtype(dtype)


@given(integer_pairs(), st.integers(0, 70))
def test_shifts_take_any_count(case: tuple[DType, int, int], count: int) -> None:
    dtype, x, _ = case
    exact = {
        BinaryOp.SHL: x * 2**count,
        BinaryOp.SHR: x // 2**count,
        BinaryOp.SHR_ROUND: round(Fraction(x, 2**count)),
    }
    for op, expected in exact.items():
        assert int(numeric.binary(op, dtype)(value(x, dtype), np.int64(count))) == wrapped(expected, dtype), op


@given(integer_pairs())
def test_integer_functions_of_one_value(case: tuple[DType, int, int]) -> None:
    dtype, x, _ = case
    for op, expected in ((UnaryOp.NEG, -x), (UnaryOp.ABS, abs(x)), (UnaryOp.ROUND, x), (UnaryOp.FLOOR, x)):
        assert int(numeric.unary(op, dtype)(value(x, dtype))) == wrapped(expected, dtype), op


def test_integer_division_by_zero_is_an_error() -> None:
    i8 = DTYPES["i8"]
    with pytest.raises(ZeroDivisionError, match="integer division by zero"):
        numeric.binary(BinaryOp.DIV, i8)(np.array([4, 5], np.int8), np.array([2, 0], np.int8))


@given(st.sampled_from(FLOATS), st.floats(allow_nan=False, allow_infinity=False))
def test_conversion_to_a_float_rounds_once(dtype: DType, number: float) -> None:
    assert same(float(numeric.cast_array(number, dtype)), rounded(Fraction(number), dtype))


def test_conversion_does_not_round_twice() -> None:
    just_above_half = np.array([1 + 2.0**-8 + 2.0**-40])
    assert float(numeric.cast_array(just_above_half, DTYPES["bf16"])[0]) == 1 + 2.0**-7


@given(st.sampled_from(FLOATS), st.integers(-(2**63), 2**63 - 1))
def test_conversion_of_integers_rounds_once(dtype: DType, number: int) -> None:
    assert same(float(numeric.cast_array(np.int64(number), dtype)), rounded(Fraction(number), dtype))


@st.composite
def float_pairs(draw: st.DrawFn) -> tuple[DType, numeric.Value, numeric.Value]:
    dtype = draw(st.sampled_from(FLOATS))
    _, _, greatest = FORMATS[dtype.name]
    number = st.floats(-greatest, greatest, allow_nan=False) | st.floats(-8, 8)
    return dtype, value(draw(number), dtype), value(draw(number), dtype)


@given(float_pairs())
def test_float_arithmetic_rounds_once(case: tuple[DType, numeric.Value, numeric.Value]) -> None:
    dtype, x, y = case
    a, b = Fraction(float(x)), Fraction(float(y))
    exact = {BinaryOp.ADD: a + b, BinaryOp.SUB: a - b, BinaryOp.MUL: a * b}
    if b:
        exact[BinaryOp.DIV] = a / b
    with numeric.quiet():
        for op, expected in exact.items():
            assert same(float(numeric.binary(op, dtype)(x, y)), rounded(expected, dtype)), (op, dtype, x, y)


def test_float_division_by_zero_is_infinite_or_not_a_number() -> None:
    f32 = DTYPES["f32"]
    with numeric.quiet():
        divide = numeric.binary(BinaryOp.DIV, f32)
        assert divide(value(-1, f32), value(0, f32)) == -math.inf
        assert math.isnan(divide(value(0, f32), value(0, f32)))


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_extrema_follow_ieee_754_2019(dtype: DType) -> None:
    least, greatest = numeric.binary(BinaryOp.MIN, dtype), numeric.binary(BinaryOp.MAX, dtype)
    nan, one, zero, minus_zero = (value(number, dtype) for number in (math.nan, 1, 0.0, -0.0))
    for function in (least, greatest):
        assert math.isnan(float(function(nan, one))) and math.isnan(float(function(one, nan)))
    assert np.signbit(float(least(zero, minus_zero))) and np.signbit(float(least(minus_zero, zero)))
    assert not np.signbit(float(greatest(zero, minus_zero))) and not np.signbit(float(greatest(minus_zero, zero)))
    assert float(least(one, zero)) == 0 and float(greatest(one, zero)) == 1


@pytest.mark.parametrize(
    ("number", "dtype", "expected"),
    [
        (2.5, "i8", 2),
        (3.5, "i8", 4),
        (-2.5, "i8", -2),
        (1e9, "i8", 127),
        (-1e9, "i8", -128),
        (-1.0, "u8", 0),
        (255.5, "u8", 255),
        (math.inf, "i32", 2**31 - 1),
        (-math.inf, "i4", -8),
        (math.nan, "i16", 0),
        (1e30, "i64", 2**63 - 1),
        (-1e30, "i64", -(2**63)),
        (9.0, "u4", 9),
    ],
)
def test_float_to_integer_rounds_to_even_and_saturates(number: float, dtype: str, expected: int) -> None:
    assert int(numeric.cast_array(np.float64(number), DTYPES[dtype])) == expected


@given(st.sampled_from(INTEGERS), st.sampled_from(INTEGERS), st.data())
def test_integer_to_integer_wraps(source: DType, target: DType, data: st.DataObject) -> None:
    number = data.draw(st.integers(*integer_range(source)))
    result = numeric.cast(target)(value(number, source))
    assert int(result) == wrapped(number, target)


@pytest.mark.parametrize("dtype", ["f16", "bf16", "fp8_e4m3", "fp8_e5m2"])
def test_every_stored_value_survives_a_conversion_to_f64_and_back(dtype: str) -> None:
    bits = np.arange(2 ** DTYPES[dtype].bits, dtype=np.uint16 if DTYPES[dtype].bits == 16 else np.uint8)
    stored = bits.view(numeric.numpy_dtype(DTYPES[dtype]))
    again = numeric.cast_array(numeric.cast_array(stored, DTYPES["f64"]), DTYPES[dtype])
    assert np.array_equal(again.astype(np.float64), stored.astype(np.float64), equal_nan=True)


@pytest.mark.parametrize("op", list(UnaryOp), ids=lambda op: op.value)
@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_arrays_and_scalars_agree(op: UnaryOp, dtype: DType) -> None:
    numbers = numeric.cast_array(np.array([0.1, 0.5, 1.0, 1.5, 2.5, 7.25, 100.0]), dtype)
    with numeric.quiet():
        whole = numeric.unary(op, dtype)(numbers)
        assert whole.dtype == numeric.numpy_dtype(dtype)
        for position, number in enumerate(numbers):
            assert same(float(numeric.unary(op, dtype)(number)), float(whole[position]))


@pytest.mark.parametrize(
    ("op", "expected"),
    [
        (UnaryOp.EXP, math.exp(0.75)),
        (UnaryOp.LOG, math.log(0.75)),
        (UnaryOp.TANH, math.tanh(0.75)),
        (UnaryOp.SIGMOID, 1 / (1 + math.exp(-0.75))),
        (UnaryOp.ERF, math.erf(0.75)),
        (UnaryOp.SQRT, math.sqrt(0.75)),
        (UnaryOp.RSQRT, 1 / math.sqrt(0.75)),
        (UnaryOp.ROUND, 1.0),
        (UnaryOp.FLOOR, 0.0),
        (UnaryOp.NEG, -0.75),
    ],
    ids=lambda case: case.value if isinstance(case, UnaryOp) else "",
)
def test_functions_of_one_float(op: UnaryOp, expected: float) -> None:
    f32 = DTYPES["f32"]
    assert float(numeric.unary(op, f32)(value(0.75, f32))) == pytest.approx(expected, rel=1e-7)


def test_round_takes_halves_to_even() -> None:
    f32 = DTYPES["f32"]
    halves = np.array([0.5, 1.5, 2.5, -0.5, -1.5], np.float32)
    assert numeric.unary(UnaryOp.ROUND, f32)(halves).tolist() == [0, 2, 2, 0, -2]


@pytest.mark.parametrize("dtype", list(DTYPES.values()), ids=str)
@pytest.mark.parametrize("reduction", list(Reduction), ids=lambda reduction: reduction.value)
def test_identity_is_neutral(reduction: Reduction, dtype: DType) -> None:
    operator = numeric.binary(numeric.REDUCTION_OPERATOR[reduction], dtype)
    for number in (0, 1, 3, 5):
        start = numeric.identity(reduction, dtype)
        assert float(operator(start, value(number, dtype))) == number


def test_nan_compares_unequal_to_itself() -> None:
    nan = value(math.nan, DTYPES["bf16"])
    assert not numeric.COMPARE[CompareOp.EQ](nan, nan)
    assert numeric.COMPARE[CompareOp.NE](nan, nan)
    assert not numeric.COMPARE[CompareOp.LE](nan, nan)
