"""A drain does its consumer's work exactly where nobody else can see the difference."""

from __future__ import annotations

import pytest

from isamapper.hwdesc.loader import load_machine
from isamapper.ir.parser import parse_kernel
from isamapper.scheduler.statements.epilogues import epilogues

HEAD = "(a: i8[16, 16], const b: i8[16, 16])"
PRODUCT = "for i < 16, j < 16, k < 16 { t[i, j] += i32(a[i, k]) * i32(b[k, j]) }"
CAST = "for i < 16, j < 16 { y[i, j] = i8(clamp(shr_round(t[i, j], 3), -128, 127)) }"


def fused(text: str) -> bool:
    return bool(epilogues(load_machine("gemmini16"), parse_kernel(text)))


def test_a_requantised_product_leaves_through_one_instruction() -> None:
    assert fused(f"kernel q{HEAD} -> (y: i8[16, 16]) {{ local t: i32[16, 16] {PRODUCT} {CAST} }}")


@pytest.mark.parametrize(
    ("why", "text"),
    [
        (
            "another statement reads the sums",
            f"kernel q{HEAD} -> (y: i8[16, 16], z: i32[16, 16]) {{ local t: i32[16, 16] {PRODUCT} {CAST}"
            " for i < 16, j < 16 { z[i, j] = t[i, j] } }",
        ),
        ("the sums are a result", f"kernel q{HEAD} -> (t: i32[16, 16], y: i8[16, 16]) {{ {PRODUCT} {CAST} }}"),
        (
            "the sums go on from an inout",
            f"kernel q{HEAD[:-1]}, t: inout i32[16, 16]) -> (y: i8[16, 16]) {{ {PRODUCT} {CAST} }}",
        ),
        (
            "only a part is consumed",
            f"kernel q{HEAD} -> (y: i8[8, 16]) {{ local t: i32[16, 16] {PRODUCT}"
            " for i < 8, j < 16 { y[i, j] = i8(clamp(shr_round(t[i, j], 3), -128, 127)) } }",
        ),
        (
            "elements move on the way",
            f"kernel q{HEAD} -> (y: i8[16]) {{ local t: i32[16, 16] {PRODUCT}"
            " for i < 16 { y[i] = i8(clamp(shr_round(t[i, i], 3), -128, 127)) } }",
        ),
    ],
)
def test_others_are_not_fused(why: str, text: str) -> None:
    assert not fused(text), why
