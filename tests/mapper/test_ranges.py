"""Value ranges of integer tensors."""

from __future__ import annotations

import pytest

from isamapper.ir.parser import parse_kernel
from isamapper.mapper.ranges import magnitude_bits, tensor_ranges


def range_of(value: str, target: str = "y: i32[8]", assign: str = "=") -> tuple[int, int]:
    text = f"kernel k(x: i8[8, 9], z: u8[8]) -> ({target}) {{ for i < 8, j < 9 {{ y[i] {assign} {value} }} }}"
    return tensor_ranges(parse_kernel(text))["y"]


@pytest.mark.parametrize(
    ("value", "assign", "expected"),
    [
        ("i32(x[i, j]) * i32(x[i, j])", "+=", (-16256 * 9, 16384 * 9)),
        ("i32(x[i, j]) * i32(z[i])", "max=", (-128 * 255, 127 * 255)),
        ("i32(x[i, j]) - i32(z[i])", "min=", (-128 - 255, 127)),
        ("abs(i32(x[i, j]))", "max=", (0, 128)),
        ("i32(z[i]) >> 3", "max=", (0, 32)),
        ("clamp(i32(x[i, j]), -3, 4)", "+=", (-27, 36)),
        ("select(z[i] < 3, i32(x[i, j]), 1000)", "max=", (-128, 1000)),
        ("i32(x[i, j]) * 100000000", "+=", (-(2**31), 2**31 - 1)),
    ],
)
def test_ranges(value: str, assign: str, expected: tuple[int, int]) -> None:
    assert range_of(value, assign=assign) == expected


def test_an_accumulation_into_what_was_there_may_be_anything() -> None:
    text = "kernel k(x: i8[8], y: inout i32[8]) { for i < 8 { y[i] += i32(x[i]) } }"
    assert tensor_ranges(parse_kernel(text))["y"] == (-(2**31), 2**31 - 1)


def test_floats_have_no_range() -> None:
    text = "kernel k(x: f32[8]) -> (y: f32[8], n: i32[8]) { for i < 8 { y[i] = x[i] n[i] = i32(x[i]) } }"
    found = tensor_ranges(parse_kernel(text.replace("x[i] n", "x[i]\n n")))
    assert found == {"n": (-(2**31), 2**31 - 1)}


@pytest.mark.parametrize(("value", "bits"), [((-128, 127), 7), ((0, 255), 8), ((-146304, 147456), 18), ((-1, 0), 0)])
def test_bits_without_the_sign(value: tuple[int, int], bits: int) -> None:
    assert magnitude_bits(value) == bits
