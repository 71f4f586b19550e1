"""What limits a value has one spelling, and the spelling changes no bit."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import isamapper
from isamapper.ir import numeric
from isamapper.ir.analysis import statements
from isamapper.ir.expressions import compile_expression
from isamapper.ir.nodes import Binary, BinaryOp, Cast, Clamp, CompareOp, Constant, Expression, Load, Select
from isamapper.ir.spelling import spelled
from isamapper.ir.types import DType

_DTYPES = {name: isamapper.parse_kernel(f"kernel k(x: {name}[2]) -> (y: {name}[2]) {{ for i < 2 {{ y[i] = x[i] }} }}")
           .tensors[0].dtype for name in ("i32", "i16", "u8", "i8", "f32", "f16")}  # fmt: skip
_INPUTS: dict[str, list[float]] = {
    "integer": [*range(-3, 4), -200, -129, -128, 126, 127, 128, 200, 255, 256, 300, 70000, -70000],
    "float": [float("nan"), float("inf"), -float("inf"), -0.0, 0.0, 0.5, 1.5, 2.5, -1.5, 126.5, 127.5, -128.5, 300.0,
              -300.0, 5.0, 6.0, 7.0, 65000.0],
}  # fmt: skip


def value(text: str, x: str = "i32", y: str = "i32") -> Expression:
    kernel = isamapper.parse_kernel(f"kernel k(x: {x}[2]) -> (y: {y}[2]) {{ for i < 2 {{ y[i] = {text} }} }}")
    (statement,) = statements(kernel)
    return spelled(statement.assign.value, {"x": _DTYPES[x]})


@pytest.mark.parametrize(
    ("one", "other", "x", "y"),
    [
        ("max(min(x[i], 6), 0)", "clamp(x[i], 0, 6)", "f32", "f32"),
        ("relu(min(x[i], 6))", "min(max(x[i], 0), 6)", "f32", "f32"),
        ("min(min(x[i], 9), 6)", "min(x[i], 6)", "f32", "f32"),
        ("select(x[i] > 0, x[i], 0)", "relu(x[i])", "i32", "i32"),
        ("select(0 >= x[i], 0, x[i])", "relu(x[i])", "i32", "i32"),
        ("relu(x[i])", "x[i]", "u8", "u8"),
        ("relu(i8(clamp(x[i], -128, 127)))", "i8(clamp(x[i], 0, 127))", "i32", "i8"),
        ("relu(i8(x[i]))", "i8(relu(x[i]))", "f32", "i8"),
        ("i8(clamp(x[i], -128, 127))", "i8(x[i])", "f32", "i8"),
    ],
)
def test_one_function_has_one_spelling(one: str, other: str, x: str, y: str) -> None:
    assert value(one, x, y) == value(other, x, y)


@pytest.mark.parametrize(
    ("one", "other", "x", "y"),
    [
        ("max(min(x[i], 0), 6)", "min(max(x[i], 6), 0)", "f32", "f32"),
        ("select(x[i] > 0, x[i], 0)", "relu(x[i])", "f32", "f32"),
        ("relu(i8(x[i]))", "i8(relu(x[i]))", "i32", "i8"),
        ("relu(i8(clamp(x[i], -128, 128)))", "i8(clamp(x[i], 0, 128))", "i32", "i8"),
        ("relu(i8(clamp(x[i], -129, 127)))", "i8(clamp(x[i], 0, 127))", "i32", "i8"),
        ("max(i8(x[i]), 5)", "i8(max(x[i], 5))", "f32", "i8"),
    ],
)
def test_two_functions_have_two(one: str, other: str, x: str, y: str) -> None:
    assert value(one, x, y) != value(other, x, y)


@st.composite
def _expressions(draw: st.DrawFn) -> tuple[Expression, DType]:
    dtype = _DTYPES[draw(st.sampled_from(sorted(_DTYPES)))]
    kernel = isamapper.parse_kernel(f"kernel k(x: {dtype}[2]) -> (y: {dtype}[2]) {{ for i < 2 {{ y[i] = x[i] }} }}")
    expression: Expression = statements(kernel)[0].assign.value
    assert isinstance(expression, Load)
    source = dtype
    for _ in range(draw(st.integers(1, 5))):
        low, high = _number(draw, dtype), _number(draw, dtype)
        match draw(st.sampled_from(("clamp", "min", "max", "cast", "select"))):
            case "clamp":
                expression = Clamp(expression, low, high)
            case "select":
                op = draw(st.sampled_from(list(CompareOp)))
                sides: list[Expression] = [expression, Constant(low, dtype)]
                left, right = draw(st.permutations(sides))
                if_true, if_false = draw(st.permutations(sides))
                expression = Select(op, left, right, if_true, if_false)
            case "cast":
                dtype = _DTYPES[draw(st.sampled_from(sorted(_DTYPES)))]
                expression = Cast(dtype, expression)
            case name:
                expression = Binary(BinaryOp(name), expression, Constant(low, dtype))
    return expression, source


def _number(draw: st.DrawFn, dtype: DType) -> int | float:
    if dtype.is_float:
        found = draw(st.sampled_from([-300.0, -128.0, -0.5, -0.0, 0.0, 0.5, 6.0, 127.0, 128.0, 300.0]))
    else:
        found = draw(st.sampled_from([-300, -128, -1, 0, 1, 6, 127, 128, 255, 300]))
    with numeric.quiet():
        made: int | float = numeric.constant(found, dtype).item()
    return made


@settings(max_examples=150, deadline=None)
@given(_expressions())
def test_no_bit_changes(given_: tuple[Expression, DType]) -> None:
    expression, source = given_
    made = spelled(expression, {"x": source})
    assert spelled(made, {"x": source}) == made
    inputs = numeric.cast_array(np.array(_INPUTS["float" if source.is_float else "integer"]), source)
    with numeric.quiet():
        before, after = (_of(each, source, inputs) for each in (expression, made))
    assert np.array_equal(np.isnan(before), np.isnan(after))
    kept = ~np.isnan(before)
    assert np.array_equal(before[kept], after[kept])
    assert np.array_equal(np.signbit(before[kept]), np.signbit(after[kept]))


def _of(expression: Expression, source: DType, inputs: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    count = str(expression).count("Load(")
    function = compile_expression(expression, {"x": source})
    return np.broadcast_to(np.asarray(function([inputs] * count), np.float64), inputs.shape)
