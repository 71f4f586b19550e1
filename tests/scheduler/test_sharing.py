"""Operands that several cores read in a memory that they share: kept once, brought once, right."""

from __future__ import annotations

from isamapper.costmodels.simulated import Simulated
from isamapper.diagnostics.source import Source
from isamapper.frontends.library import load_kernel
from isamapper.hwdesc.loader import load_machine
from isamapper.ir.types import DTYPES
from isamapper.plan.lower import lower
from isamapper.plan.protocols import SearchProblem
from isamapper.plan.step_kinds import Place
from isamapper.plan.text import parse_program_file, parse_schedule, print_program, print_schedule
from isamapper.scheduler.strategies.heuristic import heuristic
from isamapper.verify.verifier import verify

MACHINE = """
format: 1
name: lanes
clock_hz: 1000
source: made up for tests
memories:
  - {name: dram, kind: host, ports: [{name: bus, direction: both, bytes_per_cycle: 4}]}
  - {name: l1, kind: addressed, capacity_bytes: 4KiB, ports: [{name: rw, direction: both, bytes_per_cycle: 32}]}
  - {name: pad, kind: addressed, capacity_bytes: 512}
  - {name: acc, kind: addressed, capacity_bytes: 512}
units: [{name: dma}, {name: load}, {name: mac}, {name: send}]
grid:
  - {name: core, count: 2, holds: [lane, l1]}
  - {name: lane, count: 4, holds: [pad, acc, dma, load, mac, send], multicast: [l1]}
instructions:
  - name: bring
    unit: dma
    semantics: |
      (r in 1..8, c in 1..16) (s: i8[r, c] @dram) -> (d: i8[r, c] @l1) { for i < r, j < c { d[i, j] = s[i, j] } }
    operands: {s: {contiguous: [j]}, d: {contiguous: [j]}}
    timing: {latency_cycles: 1}
  - name: fetch
    unit: load
    semantics: |
      (r in 1..4, c in 1..4) (s: i8[r, c] @l1) -> (d: i8[r, c] @pad) { for i < r, j < c { d[i, j] = s[i, j] } }
    operands: {s: {contiguous: []}, d: {contiguous: [j]}}
    timing: {latency_cycles: 0}
  - name: product
    unit: mac
    semantics: |
      (m in 1..4, n in 1..4, l in 1..4) (a: i8[m, l] @pad, b: i8[l, n] @pad, c: inout i32[m, n] @acc) {
        for i < m, j < n, k < l { c[i, j] += i32(a[i, k]) * i32(b[k, j]) }
      }
    operands: {a: {contiguous: []}, b: {contiguous: []}, c: {contiguous: [], accumulates: true}}
    timing: {occupies_cycles: 4, latency_cycles: 6}
  - name: clear
    unit: mac
    semantics: "(m in 1..4, n in 1..4) () -> (c: i32[m, n] @acc) { for i < m, j < n { c[i, j] = 0 } }"
    operands: {c: {contiguous: []}}
    timing: {occupies_cycles: 1, latency_cycles: 1}
  - name: put
    unit: send
    semantics: |
      (m in 1..4, n in 1..4) (s: i32[m, n] @acc) -> (d: i32[m, n] @dram) { for i < m, j < n { d[i, j] = s[i, j] } }
    operands: {s: {contiguous: []}, d: {contiguous: [j]}}
    timing: {latency_cycles: 0}
"""
I8 = {"TA": DTYPES["i8"], "TB": DTYPES["i8"], "TC": DTYPES["i32"]}


def test_an_operand_of_several_lanes_lies_in_their_memory_once() -> None:
    machine = load_machine(Source("lanes.yaml", MACHINE))
    problem = SearchProblem(load_kernel("gemm", {"M": 30, "N": 8, "K": 32}, I8), machine)
    *_, best = heuristic(problem, Simulated(), budget_seconds=None, seed=0)
    shared = [step.buffer for step in best.schedule.steps if isinstance(step, Place) and step.buffer.shared]
    assert shared and all(buffer.memory == "l1" for buffer in shared)
    text = print_schedule(best.schedule)
    assert parse_schedule(Source("s", text), lambda _: machine) == best.schedule
    program = lower(best.schedule)
    assert parse_program_file(Source("p", print_program(program)), lambda _: machine) == program
    assert verify(program).ok
