"""Constant folding: the literal is what the interpreter computes, and what has no value stays."""

from __future__ import annotations

import pytest

from isamapper.ir.fold import fold_block
from isamapper.ir.nodes import Kernel
from isamapper.ir.parser import parse_kernel
from isamapper.ir.printer import print_node


def folded(value: str, dtype: str = "f32") -> str:
    kernel: Kernel = parse_kernel(
        f"kernel k(x: {dtype}[4]) -> (y: {dtype}[4]) sizes D=64 {{ for i < 4 {{ y[i] = {value} }} }}"
    )
    (loop,) = fold_block(kernel.body)
    return print_node(loop).splitlines()[1].strip()


@pytest.mark.parametrize(
    ("value", "dtype", "result"),
    [
        ("x[i] * rsqrt(D)", "f32", "y[i] = x[i] * f32(0.125)"),
        ("x[i] + (1 + 2) * 3", "i32", "y[i] = x[i] + i32(9)"),
        ("x[i] + (100 + 27)", "i8", "y[i] = x[i] + i8(127)"),
        ("x[i] * 2", "f32", "y[i] = x[i] * f32(2)"),
    ],
)
def test_constant_parts_become_their_value(value: str, dtype: str, result: str) -> None:
    assert folded(value, dtype) == result


def test_a_division_by_zero_stays() -> None:
    assert "i32(1) / 0" in folded("x[i] + 1 / 0", "i32")


def test_what_has_no_constant_part_is_the_same_object() -> None:
    kernel = parse_kernel("kernel k(x: f32[4]) -> (y: f32[4]) { for i < 4 { y[i] = x[i] * 2 } }")
    assert fold_block(kernel.body) is kernel.body
