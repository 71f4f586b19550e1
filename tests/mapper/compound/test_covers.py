"""Covers: statements done together, others one by one, and those that nothing does."""

from __future__ import annotations

import isamapper
from isamapper.ir.nodes import Kernel
from isamapper.mapper.covering import cover
from isamapper.mapper.covers.covers import covers
from isamapper.mapper.scheduled import scheduled_mappings
from isamapper.plan.joint_mapping import JointMapping
from tests.mapper.compound import fused_machines as machines

TEXT = """kernel k(x: i8[M, K], const w: i8[K, N], const b: i32[N]) -> (z: i8[M, N])
  sizes M=8, K=16, N=8
{
  local acc: i32[M, N]
  local y: i8[M, N]
  for m < M, n < N, k < K { acc[m, n] += i32(x[m, k]) * i32(w[k, n]) }
  for m < M, n < N { y[m, n] = i8(clamp(shr_round(acc[m, n] + b[n], 7), -128, 127)) }
  for m < M, n < N { z[m, n] = OPERATION }
}"""


def kernel(operation: str) -> Kernel:
    return isamapper.parse_kernel(TEXT.replace("OPERATION", operation))


def test_some_statements_together_and_one_alone() -> None:
    machine = machines.fused_machine(dense=machines.DENSE, relu=machines.HOST_RELU)
    target = kernel("max(y[m, n], 0)")
    (best, *_) = covers(target, machine)
    assert [group.join.members for group in best.groups] == [(0, 1)]
    found = cover(target, machine)
    assert found.is_complete
    assert [group.join.members for group in found.groups] == [(0, 1)]
    result = isamapper.run(target, machine)
    assert result.certificate.ok
    assert result.search is not None
    used = scheduled_mappings(result.search.schedule)
    assert [isinstance(mapping, JointMapping) for mapping in used] == [True, False]


def test_what_nothing_does_is_named_and_nothing_else() -> None:
    machine = machines.fused_machine(dense=machines.DENSE, relu=machines.HOST_RELU)
    found = cover(kernel("min(y[m, n], 3)"), machine)
    assert not found.is_complete
    assert [rejection.subject for rejection in found.rejections] == ["statement 2"]
    assert "min" in found.rejections[0].reason


def test_the_cheaper_way_is_taken() -> None:
    fast = machines.fused_machine(moments=machines.MOMENTS, sums=SUMS, squares=SQUARES)
    text = """kernel m(x: f32[8, 16]) -> (a: f32[8], b: f32[8])
      { for i < 8, j < 16 { a[i] += x[i, j] } for i < 8, j < 16 { b[i] += x[i, j] * x[i, j] } }"""
    first = next(covers(isamapper.parse_kernel(text), fast))
    assert len(first.groups) == 1
    slow = machines.fused_machine(moments=machines.MOMENTS, sums=SUMS, squares=SQUARES, cycles={"moments": 1000})
    first = next(covers(isamapper.parse_kernel(text), slow))
    assert not first.groups


SUMS = "(x: f32[8, 16] @pad) -> (s: f32[8] @pad) { for i < 8, j < 16 { s[i] += x[i, j] } }"
SQUARES = "(x: f32[8, 16] @pad) -> (s: f32[8] @pad) { for i < 8, j < 16 { s[i] += x[i, j] * x[i, j] } }"


def test_two_groups_that_need_each_other_are_not_both_chosen() -> None:
    """0 with 2 needs 1 before it, 1 with 3 needs 0: one of the two at most."""
    machine = machines.fused_machine(
        adds=TWO.replace("+*", "+"),
        squares=TWO.replace("+*", "*"),
        add=ONE.replace("+*", "+"),
        square=ONE.replace("+*", "*"),
        cycles={"add": 500, "square": 500},
    )
    text = """kernel m(x: f32[8, 16]) -> (p: f32[8, 16], q: f32[8, 16], r: f32[8, 16], s: f32[8, 16]) {
      for i < 8, j < 16 { p[i, j] = x[i, j] + x[i, j] }
      for i < 8, j < 16 { r[i, j] = x[i, j] * x[i, j] }
      for i < 8, j < 16 { q[i, j] = r[i, j] + r[i, j] }
      for i < 8, j < 16 { s[i, j] = p[i, j] * p[i, j] }
    }"""
    target = isamapper.parse_kernel(text)
    found = list(covers(target, machine))
    assert {tuple(group.join.members for group in each.groups) for each in found} >= {((0, 2),), ((1, 3),)}
    assert all(len(each.groups) <= 1 for each in found)
    assert isamapper.run(target, machine).certificate.ok


TWO = """(x: f32[8, 16] @pad, y: f32[8, 16] @pad) -> (a: f32[8, 16] @pad, b: f32[8, 16] @pad) {
  for i < 8, j < 16 { a[i, j] = x[i, j] +* x[i, j] }
  for i < 8, j < 16 { b[i, j] = y[i, j] +* y[i, j] }
}"""
ONE = "(x: f32[8, 16] @pad) -> (a: f32[8, 16] @pad) { for i < 8, j < 16 { a[i, j] = x[i, j] +* x[i, j] } }"
