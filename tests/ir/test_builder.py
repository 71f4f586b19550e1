"""Kernels from Python: the same nodes as from text."""

from __future__ import annotations

import pytest

from isamapper.diagnostics.source import SourceError
from isamapper.ir.builder import Builder, kernel
from isamapper.ir.nodes import IteratorKind, Kernel
from isamapper.ir.operators import apply, clamp, maximum, minimum, select, shr_round
from isamapper.ir.parser import parse_kernel
from isamapper.ir.types import DTYPES

GEMM = "kernel gemm(a: T[M, K], const b: T[K, N]) -> (c: T[M, N]) sizes M=8, N=6, K=4 types T=f32 {{ {} }}"


def test_kernel_takes_text_with_overrides_by_name() -> None:
    text = GEMM.format("c[m, n] += a[m, k] * b[k, n]")
    assert kernel(text, {"M": 2}, {"T": "f64"}) == parse_kernel(text, {"M": 2}, {"T": DTYPES["f64"]})


def test_an_unknown_type_by_name_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown data type 'float'; known: f64"):
        kernel(GEMM.format("c[m, n] += a[m, k] * b[k, n]"), types={"T": "float"})


def built() -> Kernel:
    build = Builder("mixed")
    a, b = build.input("a", "i8", 8, 4), build.input("b", "i8", 4, 6, role="const")
    t = build.inout("t", "i32")
    c = build.output("c", "i8", 8, 6)
    s = build.local("s", "i32", 8, 6)
    with build.loops({"m": 8, "n": 6, "k": 4}) as (m, n, k):
        s[m, n] += a[m, k].cast("i32") * b[k, n].cast("i32")
    with build.loops({"m": 8, "n": 6}) as (m, n):
        c[m, n] = clamp(shr_round(s[m, n] + 1, 3), -128, 127).cast("i8")
        with build.where(m <= n, m.equals(n - 1)):
            t[()] += select(s[m, n], "<", 0, -s[m, n], 1)
    return build.kernel()


def test_a_built_kernel_is_the_one_written_as_text() -> None:
    assert built() == parse_kernel("""
        kernel mixed(a: i8[8, 4], const b: i8[4, 6], t: inout i32) -> (c: i8[8, 6]) {
          local s: i32[8, 6]
          for m < 8, n < 6, k < 4 { s[m, n] += i32(a[m, k]) * i32(b[k, n]) }
          for m < 8, n < 6 {
            c[m, n] = i8(clamp(shr_round(s[m, n] + 1, 3), -128, 127))
            if m <= n, m == n - 1 { t += select(s[m, n] < 0, -s[m, n], 1) }
          }
        }
    """)


def test_every_operator_has_its_text() -> None:
    build = Builder("k")
    x, q = build.input("x", "f32", 9), build.input("q", "i32", 9)
    y, z = build.output("y", "f32", 9), build.output("z", "i32", 9)
    with build.loops({"i": 9}) as (i,):
        y[i] = (2 - x[i]) / (1 / x[8 - i]) - 3 * maximum(x[i], 0) + apply("exp", -x[i]) * minimum(x[i], x[0])
        z[i] = (q[i] << 2) + (q[i] >> 1)
        y[i] *= x.padded(2 * i - 1, otherwise=1)
    assert build.kernel() == parse_kernel("""
        kernel k(x: f32[9], q: i32[9]) -> (y: f32[9], z: i32[9]) {
          for i < 9 {
            y[i] = (2 - x[i]) / (1 / x[8 - i]) - 3 * max(x[i], 0) + exp(-x[i]) * min(x[i], x[0])
            z[i] = (q[i] << 2) + (q[i] >> 1)
            y[i] *= x[2*i - 1] else 1
          }
        }
    """)


def test_conditions_and_extents_are_affine() -> None:
    build = Builder("k")
    x, y = build.input("x", "f32", 9), build.output("y", "f32", 9)
    with (
        build.loops({"i": 9}) as (i,),
        build.loops({"j": i + 1}, IteratorKind.REDUCTION) as (j,),
        build.where(i > 1, j < 3, i >= j),
    ):
        y[i] += x[i - j]
    assert build.kernel() == parse_kernel("""
        kernel k(x: f32[9]) -> (y: f32[9]) {
          for i < 9 { for j < i + 1 reduction { if i > 1, j < 3, i >= j { y[i] += x[i - j] } } }
        }
    """)


def test_a_built_kernel_is_verified() -> None:
    build = Builder("k")
    x, y = build.input("x", "i8", 9), build.output("y", "i32", 9)
    with build.loops({"i": 9}) as (i,):
        y[i] = x[i + 1]
    with pytest.raises(SourceError) as caught:
        build.kernel()
    assert [each.code for each in caught.value.diagnostics] == ["IR110"]


def test_a_number_that_does_not_fit_is_refused_at_once() -> None:
    build = Builder("k")
    x = build.input("x", "i8", 9)
    with pytest.raises(ValueError, match=r"0\.5 is no value of i8"):
        x[0] + 0.5
