"""Every operator on every data type: compiled code gives the bits of ``ir/numeric.py``."""

from __future__ import annotations

import numpy as np
import pytest

from isamapper.ir.affine import AccessMap, extent, variable
from isamapper.ir.interpreter import interpret
from isamapper.ir.nodes import (
    Access,
    Assign,
    Binary,
    BinaryOp,
    Cast,
    Clamp,
    CompareOp,
    Constant,
    Direction,
    Expression,
    Kernel,
    Load,
    Loop,
    Reduction,
    Select,
    Tensor,
    Unary,
    UnaryOp,
)
from isamapper.ir.numeric import cast_array, numpy_dtype, quiet
from isamapper.ir.types import DTYPES, DType, integer_range
from isamapper.sim.functional import evaluate

SPECIAL = [0.0, -0.0, 1.0, -1.0, 0.5, 1.5, 2.5, -2.5, 127.5, -128.5, 255.5, 1e-3, 3.0e4, -7.0e4, 448.0, 464.0, 65520.0]
SPECIAL += [1e-8, 2.0**-133, 2.0**-140, 2.0**-149, 1.1e-40, 3.4e38, 1e300, 2.0**31, -(2.0**31), 2.0**63, 9.3e18]
SPECIAL += [float("inf"), float("-inf"), float("nan"), 0.1, 1 / 3, -0.7, 11.25, 5e-324, 1 + 2.0**-8, 1 + 2.0**-11]


def values(dtype: DType, seed: int) -> np.ndarray:
    """Tricky values first, then random ones; 64 in all."""
    random = np.random.default_rng(seed)
    if dtype.is_float:
        numbers = np.concatenate([SPECIAL, random.normal(size=64 - len(SPECIAL)) * 4])
    else:
        low, high = integer_range(dtype)
        ends = [low, high, 0, 1, low + 1, high - 1]
        numbers = np.concatenate([ends, random.integers(low, high, 64 - len(ends), endpoint=True, dtype=np.int64)])
    random.shuffle(numbers)
    return cast_array(numbers, dtype)


def same_bits(one: np.ndarray, other: np.ndarray) -> bool:
    """Equal, the sign of zero included; any NaN is like any other."""
    wide, also = one.astype(np.float64), other.astype(np.float64)
    equal = (one == other) & (np.signbit(wide) == np.signbit(also))
    return bool(np.all(equal | (np.isnan(wide) & np.isnan(also))))


def check(computed: list[tuple[Expression, DType]], *inputs: DType, reduction: Reduction | None = None) -> None:
    """Each expression with its data type, computed elementwise by both engines."""
    i = AccessMap((variable("i"),))
    direction = Direction.OUT if reduction is None else Direction.INOUT
    given = [Tensor(f"x{n}", dtype, (64,), direction=Direction.IN) for n, dtype in enumerate(inputs)]
    targets = [Tensor(f"y{n}", dtype, (64,), direction=direction) for n, (_, dtype) in enumerate(computed)]
    body = tuple(
        Loop("i", extent(64), (Assign(Access(f"y{n}", i), value, reduction),)) for n, (value, _) in enumerate(computed)
    )
    kernel = Kernel("k", (), (), (*given, *targets), body)
    arrays = {tensor.name: values(tensor.dtype, n) for n, tensor in enumerate((*given, *targets))}
    with quiet():
        expected, got = interpret(kernel, arrays), evaluate(kernel, arrays)
    for n, (value, _) in enumerate(computed):
        assert same_bits(expected[f"y{n}"], got[f"y{n}"]), value


def x(number: int) -> Load:
    return Load(Access(f"x{number}", AccessMap((variable("i"),))))


ALL = list(DTYPES.values())
FLOATS = [dtype for dtype in ALL if dtype.is_float]
INTEGERS = [dtype for dtype in ALL if dtype.is_integer]


@pytest.mark.parametrize("dtype", ALL, ids=str)
def test_arithmetic_gives_the_same_bits(dtype: DType) -> None:
    operators = (BinaryOp.ADD, BinaryOp.SUB, BinaryOp.MUL, BinaryOp.MIN, BinaryOp.MAX)
    check([(Binary(op, x(0), x(1)), dtype) for op in operators], dtype, dtype)


@pytest.mark.parametrize("dtype", FLOATS, ids=str)
def test_division_of_floats_gives_the_same_bits(dtype: DType) -> None:
    check([(Binary(BinaryOp.DIV, x(0), x(1)), dtype)], dtype, dtype)


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_division_of_integers_goes_towards_zero(dtype: DType) -> None:
    low, high = integer_range(dtype)
    divisors = [divisor for divisor in (1, 3, high, -1, -3, low) if low <= divisor and divisor]
    check([(Binary(BinaryOp.DIV, x(0), Constant(divisor, dtype)), dtype) for divisor in divisors], dtype)


@pytest.mark.parametrize("dtype", INTEGERS, ids=str)
def test_shifts_give_the_same_bits(dtype: DType) -> None:
    counts = [Constant(count, DTYPES["i32"]) for count in (0, 1, 3, 7, 31, 63, 64, 100)]
    operators = (BinaryOp.SHL, BinaryOp.SHR, BinaryOp.SHR_ROUND)
    check([(Binary(op, x(0), count), dtype) for op in operators for count in counts], dtype)


@pytest.mark.parametrize("dtype", ALL, ids=str)
def test_functions_give_the_same_bits(dtype: DType) -> None:
    exact = (UnaryOp.NEG, UnaryOp.ABS, UnaryOp.ROUND, UnaryOp.FLOOR)
    check([(Unary(op, x(0)), dtype) for op in (UnaryOp if dtype.is_float else exact)], dtype)


@pytest.mark.parametrize("dtype", ALL, ids=str)
def test_comparisons_and_clamps_give_the_same_bits(dtype: DType) -> None:
    chosen: list[tuple[Expression, DType]] = [(Select(op, x(0), x(1), x(1), x(0)), dtype) for op in CompareOp]
    check([*chosen, (Clamp(x(0), 1, 5), dtype)], dtype, dtype)


@pytest.mark.parametrize("source", ALL, ids=str)
def test_casts_give_the_same_bits(source: DType) -> None:
    check([(Cast(target, x(0)), target) for target in ALL], source)


@pytest.mark.parametrize("dtype", ALL, ids=str)
@pytest.mark.parametrize("reduction", Reduction)
def test_reductions_give_the_same_bits(dtype: DType, reduction: Reduction) -> None:
    check([(x(0), dtype)], dtype, reduction=reduction)


def test_storage_round_trips_every_value_of_small_types() -> None:
    for dtype in ALL:
        if dtype.bits <= 8:
            numbers = np.arange(2**dtype.bits, dtype=np.uint8)
            every = numbers.view(numpy_dtype(dtype)) if dtype.bits == 8 else numbers.astype(numpy_dtype(dtype))
            i = AccessMap((variable("i"),))
            tensors = (
                Tensor("x0", dtype, every.shape, direction=Direction.IN),
                Tensor("y", dtype, every.shape, direction=Direction.OUT),
            )
            body = Loop("i", extent(len(every)), (Assign(Access("y", i), x(0)),))
            result = evaluate(Kernel("copy", (), (), tensors, (body,)), {"x0": every})["y"]
            assert same_bits(result, every)
