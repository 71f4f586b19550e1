"""Sums across the copies of a grid: found where the network adds them up, right, and faster."""

from __future__ import annotations

import pytest

from isamapper.costmodels.simulated import Simulated
from isamapper.diagnostics.source import Source
from isamapper.frontends.library import load_kernel
from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Machine
from isamapper.ir.nodes import Kernel
from isamapper.ir.parser import parse_kernel
from isamapper.ir.types import DTYPES
from isamapper.mapper.rewrites.replay import replayed
from isamapper.plan.lower import lower
from isamapper.plan.protocols import Candidate, SearchProblem
from isamapper.plan.steps import Distribute
from isamapper.scheduler.strategies.heuristic import heuristic
from isamapper.verify.verifier import verify
from tests.plan.test_sums import MACHINE

MOVES = """
  - name: put
    unit: send
    semantics: |
      (m in 1..4, n in 1..4) (s: i32[m, n] @acc) -> (d: i32[m, n] @dram) { for i < m, j < n { d[i, j] = s[i, j] } }
    operands: {s: {contiguous: []}, d: {contiguous: [j]}}
    timing: {latency_cycles: 0}
  - name: get
    unit: send
    semantics: |
      (m in 1..4, n in 1..4) (s: i32[m, n] @dram) -> (d: i32[m, n] @acc) { for i < m, j < n { d[i, j] = s[i, j] } }
    operands: {s: {contiguous: [j]}, d: {contiguous: []}}
    timing: {latency_cycles: 0}
"""
I8 = {"TA": DTYPES["i8"], "TB": DTYPES["i8"], "TC": DTYPES["i32"]}


def adders(grid: str = "") -> Machine:
    text = MACHINE.replace("grid: {name: core, count: 4, holds: [pad, acc, load, mac, send], reduces: [dram]}", grid)
    return load_machine(Source("adders.yaml", (text if grid else MACHINE) + MOVES.lstrip("\n")))


def best(kernel: Kernel, machine: Machine) -> list[Candidate]:
    return list(heuristic(SearchProblem(kernel, machine), Simulated(), budget_seconds=None, seed=0))


def cuts(candidate: Candidate) -> list[str]:
    return [loop for step in candidate.schedule.steps if isinstance(step, Distribute) for loop, _ in step.loops]


def test_a_sum_is_cut_over_cores_whose_network_adds() -> None:
    *_, one, found = best(load_kernel("gemm", {"M": 4, "N": 4, "K": 61}, I8), adders())
    assert cuts(found) == ["k_core"]
    assert found.cycles < 0.75 * one.cycles
    assert found.schedule.rewrites == ("start statement 0",)
    assert replayed(found.schedule.kernel, found.schedule.rewrites) == found.schedule.covered
    assert verify(lower(found.schedule)).ok


def test_nothing_is_summed_across_a_network_that_does_not_add() -> None:
    machine = adders("grid: {name: core, count: 4, holds: [pad, acc, load, mac, send]}")
    *_, found = best(load_kernel("gemm", {"M": 4, "N": 4, "K": 61}, I8), machine)
    assert "k_core" not in cuts(found)


def test_what_has_a_value_already_is_added_to() -> None:
    text = "kernel g(a: i8[4, 64], b: i8[64, 4], c: inout i32[4, 4]) { c[m, n] += i32(a[m, k]) * i32(b[k, n]) }"
    *_, found = best(parse_kernel(text), adders())
    assert (cuts(found), found.schedule.rewrites) == (["k_core"], ())
    assert verify(lower(found.schedule)).ok


@pytest.mark.slow
def test_several_sums_each_have_their_own_start() -> None:
    text = """kernel g(a: i8[4, 64], b: i8[64, 4], e: i8[4, 32], f: i8[32, 4]) -> (c: i32[4, 4], d: i32[4, 4])
    { for m < 4, n < 4, k < 64 { c[m, n] += i32(a[m, k]) * i32(b[k, n]) }
      for m < 4, n < 4, k < 32 { d[m, n] += i32(e[m, k]) * i32(f[k, n]) }
      for m < 4, n < 4, k < 32 { c[m, n] += i32(e[m, k]) * i32(f[k, n]) } }"""
    *_, found = best(parse_kernel(text), adders())
    assert found.schedule.rewrites == ("start statement 1", "start statement 0")
    assert len(cuts(found)) == 3
    assert verify(lower(found.schedule)).ok
