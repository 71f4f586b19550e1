"""Results that pass a second memory on chip, and tiles that start where addresses must: schedules stay right."""

from __future__ import annotations

from pathlib import Path

import pytest

from isamapper import lower, parse_schedule, simulate, verify
from isamapper.diagnostics.source import Source
from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Machine
from isamapper.pipeline import find_schedule, run
from isamapper.plan.text import print_schedule
from isamapper.scheduler.nests import layouts
from isamapper.scheduler.space.fix_file import read_fixed

STAGED = """
name: staged
clock_hz: 1000000000
default_types: {TA: i8, TB: i8, TC: i32}
memories:
  - {name: dram, kind: host, latency_cycles: 20, ports: [{name: bus, bytes_per_cycle: 32}]}
  - {name: shared, kind: addressed, capacity_bytes: 32KiB, alignment_bytes: 64}
  - {name: weights, kind: registers, rows: 2, row_bytes: 64}
  - {name: sums, kind: addressed, capacity_bytes: 8KiB}
units: [{name: dma, queue_depth: 4}, {name: latch}, {name: array, queue_depth: 4}, {name: pop}, {name: copy}]
instructions:
  - name: in
    unit: dma
    semantics: |
      (r in 1..8, c in 1..64) (s: i8[r, c] @dram) -> (d: i8[r, c] @shared) { for i < r, j < c { d[i, j] = s[i, j] } }
    operands: {s: {contiguous: [j], pads: true, pad_value: 0}, d: {contiguous: [j]}}
    timing: {latency_cycles: 4}
  - name: out
    unit: dma
    semantics: |
      (r in 1..8, c in 1..64) (s: i32[r, c] @shared) -> (d: i32[r, c] @dram) { for i < r, j < c { d[i, j] = s[i, j] } }
    operands: {s: {contiguous: [j]}, d: {contiguous: [j]}}
    timing: {latency_cycles: 4}
  - name: latch
    unit: latch
    semantics: "(b: i8[8, 8] @shared) -> (w: i8[8, 8] @weights) { for k < 8, j < 8 { w[k, j] = b[k, j] } }"
    operands: {b: {contiguous: [j]}}
    timing: {occupies_cycles: 8, latency_cycles: 8}
  - name: multiply
    unit: array
    semantics: |
      (m in 1..8) (a: i8[m, 8] @shared, w: i8[8, 8] @weights) -> (c: i32[m, 8] @sums) {
        for i < m, j < 8, k < 8 { c[i, j] += i32(a[i, k]) * i32(w[k, j]) } }
    operands: {a: {contiguous: [k]}, c: {contiguous: [j]}}
    timing: {occupies_cycles: m, latency_cycles: m + 8}
  - name: multiply_add
    unit: array
    semantics: |
      (m in 1..8) (a: i8[m, 8] @shared, w: i8[8, 8] @weights, c: inout i32[m, 8] @sums) {
        for i < m, j < 8, k < 8 { c[i, j] += i32(a[i, k]) * i32(w[k, j]) } }
    operands: {a: {contiguous: [k]}, c: {contiguous: [j], accumulates: true}}
    timing: {occupies_cycles: m, latency_cycles: m + 8}
  - name: pop
    unit: pop
    semantics: |
      (m in 1..8, n in 1..8) (c: i32[m, n] @sums) -> (d: i32[m, n] @shared) { for i < m, j < n { d[i, j] = c[i, j] } }
    operands: {c: {contiguous: [j]}, d: {contiguous: [j]}}
    timing: {occupies_cycles: m, latency_cycles: m + 2}
include: [{snippet: host_scalar, memory: dram}]
"""


def _staged() -> Machine:
    return load_machine(Source("staged.yaml", STAGED))


# the results' lane that no column fills has eight places in 'sums' and one in 'shared'
ONE_COLUMN = """
machine staged
kernel gemm M=5 N=1 K=3 TA=i8 TB=i8 TC=i32
steps
  apply 0 call multiply(a = 1, w = 2, c = 0) over i = [m.i], k = [k.k]
  split 0 m into m.i: 5 in i
  split 0 k into k.k: 8 in k
  reorder 0
  place 0.0 shared layout dims order [dim0, dim1] drain out(i = dim0*5)
  place 0.0 sums drain pop(i = m.i*5)
  place 0.1 shared fill in(i = m.i*5, j = k.k*8)
  place 0.2 dram prepared
  place 0.2 shared fill in(i = k.k*8, j = axis1*8)
  place 0.2 weights fill latch(k = k.k*8, j = axis1*8)
"""


def test_a_lane_without_columns_takes_one_step_to_the_next_memory() -> None:
    schedule = parse_schedule(Source("one.schedule", ONE_COLUMN.lstrip()), lambda _: _staged())
    program = lower(schedule)
    assert dict(simulate(program).instructions)["pop"] == 1
    assert verify(program).ok


def test_second_slots_start_where_addresses_may(tmp_path: Path) -> None:
    """Tiles of 5 x 8 bytes, two slots, addresses that are multiples of 64."""
    path = tmp_path / "fix.yaml"
    path.write_text("tiles: {k: 1, m: 1, n: 1}\nslots: {shared.1: 2, shared.2: 2}\n", encoding="utf-8")
    result = run("gemm", _staged(), sizes={"M": 5, "N": 16, "K": 64}, fixed=read_fixed(str(path)))
    assert result.certificate.ok, result.certificate


@pytest.mark.parametrize("sizes", [{"M": 11, "N": 1, "K": 3}, {"M": 1, "N": 1, "K": 1}, {"M": 35, "N": 13, "K": 21}])
def test_what_passes_two_memories_is_right(sizes: dict[str, int]) -> None:
    result = run("gemm", _staged(), sizes=sizes)
    assert result.certificate.ok, result.certificate


def test_paths_that_are_known_are_those_that_would_be_worked_out_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = {"M": 11, "N": 9, "K": 20}
    before = layouts._path.cache_info().hits
    found = print_schedule(find_schedule("gemm", _staged(), sizes=sizes).schedule)
    assert layouts._path.cache_info().hits > before
    monkeypatch.setattr(layouts, "_path", layouts._path.__wrapped__)
    assert print_schedule(find_schedule("gemm", _staged(), sizes=sizes).schedule) == found
