"""The value of one operand that makes a contribution nothing."""

from __future__ import annotations

import pytest

from isamapper.ir.nodes import Direction
from isamapper.ir.parser import parse_kernel
from isamapper.ir.walk import sites
from isamapper.plan.neutral import neutral_value

INF = float("inf")


@pytest.mark.parametrize(
    ("statement", "dtype", "access", "expected"),
    [
        ("y[0] += a[i] * b[i]", "f32", 1, 0),
        ("y[0] += a[i] * b[i]", "f32", 2, 0),
        ("y[0] += a[i] + b[i]", "f32", 1, None),
        ("y[0] += (a[i] + b[i]) * b[i]", "f32", 1, None),
        ("y[0] += (a[i] + b[i]) * b[i]", "f32", 3, 0),
        ("y[0] += a[i]", "f32", 1, 0),
        ("y[0] += exp(a[i])", "f32", 1, -INF),
        ("y[0] += abs(a[i]) * 2", "f32", 1, 0),
        ("y[0] += select(a[i] < 0, a[i], b[i])", "f32", 1, None),
        ("y[0] *= a[i]", "f32", 1, 1),
        ("y[0] max= a[i]", "f32", 1, -INF),
        ("y[0] min= a[i]", "f32", 1, INF),
        ("y[0] max= a[i] * b[i]", "f32", 1, None),
        ("y[0] max= a[i]", "i8", 1, -128),
        ("y[0] min= clamp(a[i], -4, 4)", "i8", 1, 127),
        ("y[0] = a[i]", "f32", 1, None),
    ],
)
def test_neutral_values(statement: str, dtype: str, access: int, expected: float | None) -> None:
    kernel = parse_kernel(
        f"kernel k(a: {dtype}[4], b: {dtype}[4], y: inout {dtype}[1]) {{ for i < 4 {{ {statement} }} }}"
    )
    found = {tensor.name: tensor for tensor in kernel.tensors if tensor.direction is Direction.IN}
    assert neutral_value(sites(kernel)[0].assign, access, found["a"].dtype) == expected


def test_the_least_value_passes_a_widening_cast_but_not_a_narrowing_one() -> None:
    text = "kernel k(a: {}[4], y: inout {}[1]) {{ for i < 4 {{ y[0] max= {}(a[i]) }} }}"
    wide, narrow = (parse_kernel(text.format(a, b, b)) for a, b in (("i8", "i32"), ("i32", "i8")))
    assert neutral_value(sites(wide)[0].assign, 1, wide.tensors[0].dtype) == -128
    assert neutral_value(sites(narrow)[0].assign, 1, narrow.tensors[0].dtype) is None
