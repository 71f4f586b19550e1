"""Distribution of loops over statements."""

from __future__ import annotations

from isamapper.diagnostics.source import Rejection
from isamapper.ir.nodes import Kernel
from isamapper.ir.parser import parse_kernel
from isamapper.mapper.rewrites.distribute import Distribute
from tests.mapper.rewrites.equal import assert_equal


def test_independent_statements_get_loops_of_their_own() -> None:
    kernel = parse_kernel("""kernel k(x: f32[4, 5], q: f32[4]) -> (y: f32[4, 5]) {
      local t: f32[4, 5]
      local s: f32[4]
      for i < 4 {
        for j < 5 { t[i, j] = x[i, j] * q[i] }
        for j < 5 { s[i] += t[i, j] }
        for j < 5 { if j >= i { y[i, j] = t[i, j] - s[i] } else { y[i, j] = 0 } }
      } }""")
    result = Distribute().apply(kernel)
    assert isinstance(result, Kernel)
    assert len(result.body) == 4
    assert_equal(kernel, result)


def test_a_recurrence_keeps_its_statements_together() -> None:
    kernel = parse_kernel("""kernel k(x: f32[3, 4], h: inout f32[4, 4]) -> (g: f32[3, 4]) {
      for t < 3 {
        for i < 4 { g[t, i] = h[t, i] + x[t, i] }
        for i < 4 { h[t+1, i] = g[t, i] * 2 }
      } }""")
    result = Distribute().apply(kernel)
    assert isinstance(result, Rejection)
    assert result.reason == "no loop can be split over its statements"


def test_what_hangs_on_a_recurrence_leaves_it() -> None:
    kernel = parse_kernel("""kernel k(x: f32[3, 4], h: inout f32[4, 4]) -> (y: f32[3, 4]) {
      for t < 3 {
        for i < 4 { h[t+1, i] = h[t, i] + x[t, i] }
        for i < 4 { y[t, i] = h[t+1, i] * 2 }
      } }""")
    result = Distribute().apply(kernel)
    assert isinstance(result, Kernel)
    assert len(result.body) == 2
    assert_equal(kernel, result)
