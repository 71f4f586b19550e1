"""Banding: what becomes of a window, that the kernel stays equal, and when it is refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.loader import load_machine
from isamapper.ir.nodes import Kernel
from isamapper.ir.parser import parse_kernel
from isamapper.ir.printer import print_kernel
from isamapper.mapper.covers.alternatives import alternatives
from isamapper.mapper.covers.bands import with_bands
from isamapper.mapper.rewrites.banding import Band
from tests.mapper.rewrites.equal import assert_equal

DEPTHWISE = """kernel depthwise(x: i8[2, 6, 8], const d: i8[2, 3, 3]) -> (t: i32[2, 4, 6])
  { for c < 2, h < 4, w < 6, r < 3, s < 3 { t[c, h, w] += i32(x[c, h+r, w+s]) * i32(d[c, r, s]) } }"""


def test_a_block_of_results_reads_one_run() -> None:
    kernel = Band(0, "w", "s", 3).apply(parse_kernel(DEPTHWISE))
    assert isinstance(kernel, Kernel)
    text = print_kernel(kernel)
    assert "for c < 2, h < 4, w_block < 2, w_lane < 3, r < 3, w_run < 5" in text
    assert "x[c, h + r, 3*w_block + w_run]) * i32(d[c, r, w_run - w_lane] else 0)" in text


@pytest.mark.parametrize(
    ("text", "step"),
    [
        (DEPTHWISE, Band(0, "w", "s", 2)),
        (DEPTHWISE, Band(0, "h", "r", 4)),
        ("kernel a(x: f32[9], d: f32[3]) -> (y: f32[4]) { y[i] += d[r] * x[2*i+r] }", Band(0, "i", "r", 2)),
        ("kernel b(x: f32[6], d: f32[3]) -> (y: f32[6]) { y[i] += (x[i+r-1] else 0) * d[r] }", Band(0, "i", "r", 3)),
        ("kernel c(x: f32[9], d: f32[6, 4]) -> (y: f32[6]) { y[i] += x[i+r] * d[i, r] }", Band(0, "i", "r", 3)),
        ("kernel d(x: f32[9, 6], d: f32[4]) -> (y: f32[6]) { y[i] += x[i+r, i] * d[r] }", Band(0, "i", "r", 2)),
        (
            """kernel e(x: f32[3, 7], d: f32[2]) -> (y: f32[3, 6])
               { for b < 3 { for i < 6, r < 2 { y[b, i] += x[b, i+r] * d[r] } } }""",
            Band(0, "i", "r", 6),
        ),
    ],
)
def test_the_banded_kernel_computes_the_same(text: str, step: Band) -> None:
    kernel = parse_kernel(text)
    banded = step.apply(kernel)
    assert isinstance(banded, Kernel)
    assert_equal(kernel, banded)


@given(st.integers(1, 3), st.integers(1, 4), st.integers(2, 4), st.integers(1, 3))
@settings(max_examples=25, deadline=None)
def test_any_stride_window_and_block(stride: int, window: int, block: int, blocks: int) -> None:
    extent = block * blocks
    reach = stride * (extent - 1) + window
    kernel = parse_kernel(f"""kernel any(x: i8[{reach}], d: i8[{window}]) -> (y: i32[{extent}])
      {{ for i < {extent}, r < {window} {{ y[i] += i32(x[{stride}*i+r]) * i32(d[r]) }} }}""")
    banded = Band(0, "i", "r", block).apply(kernel)
    assert isinstance(banded, Kernel)
    assert_equal(kernel, banded)


@pytest.mark.parametrize(
    ("text", "step", "code"),
    [
        (DEPTHWISE, Band(0, "w", "s", 4), "RW041"),
        (DEPTHWISE, Band(0, "w", "r", 2), "RW040"),
        # beyond the part of d that the kernel reads there are other numbers, not zeros
        ("kernel a(x: f32[8], d: f32[5]) -> (y: f32[6]) { for i < 6, r < 3 { y[i] += x[i+r] * d[r] } }", None, "RW040"),
        ("kernel b(x: f32[11], d: f32[3]) -> (y: f32[6]) { y[i] += x[i+2*r] * d[r] }", None, "RW040"),
        ("kernel c(x: f32[8], d: f32[3], e: f32[3]) -> (y: f32[6]) { y[i] += x[i+r] * d[r] * e[r] }", None, "RW040"),
        ("kernel d(x: f32[8], d: f32[3]) -> (y: f32[6]) { y[i] += x[i+r] * (d[r] else 1) }", None, "RW040"),
        ("kernel e(x: f32[8], d: f32[3]) -> (y: f32[6]) { y[i] += x[i+r] + d[r] }", None, "RW013"),
        ("kernel f(x: f32[8], d: f32[3]) -> (y: f32[6]) { y[i] max= x[i+r] + d[r] }", None, "RW040"),
        ("kernel g(x: f32[8], d: f32[3]) -> (y: f32[6]) { y[i] += x[i+r] * exp(d[r]) }", None, "RW040"),
    ],
)
def test_what_is_no_window_is_refused(text: str, step: Band | None, code: str) -> None:
    refused = (step or Band(0, "i", "r", 3)).apply(parse_kernel(text))
    assert isinstance(refused, Rejection)
    assert refused.code == code


def test_a_machine_gains_where_a_depthwise_window_fills_its_sum() -> None:
    machine = load_machine("gemmini16")
    text = """kernel depthwise(x: i8[8, 30, 30], {} d: i8[8, 3, 3]) -> (t: i32[8, 28, 28])
      {{ for c < 8, h < 28, w < 28, r < 3, s < 3 {{ t[c, h, w] += i32(x[c, h+r, w+s]) * i32(d[c, r, s]) }} }}"""
    found = next(alternatives(parse_kernel(text.format("const")), machine))
    banded = with_bands(found, machine)
    assert banded is not None
    assert banded.rewrites == ("band statement 0: w by 14 over s",)
    assert banded.busy_cycles < found.busy_cycles
    assert with_bands(next(alternatives(parse_kernel(text.format("")), machine)), machine) is None
