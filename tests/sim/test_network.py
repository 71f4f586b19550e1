"""Multicast and sums over the network of a grid: a made-up array of 4 x 4 cores, values and cycles by hand."""

from __future__ import annotations

import numpy as np
import pytest

from isamapper.diagnostics.source import Source, SourceError
from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Machine
from isamapper.plan.check import check_program
from isamapper.plan.program import Program
from isamapper.plan.text import parse_program_file
from isamapper.sim.functional.run import run_body
from isamapper.sim.timing import simulate
from isamapper.verify.verifier import verify

MACHINE = """
format: 1
name: mesh
clock_hz: 1000
source: made up for tests
memories:
  - {name: glb, kind: host, ports: [{name: bus, direction: both, bytes_per_cycle: 16}]}
  - {name: pad, kind: addressed, capacity_bytes: 256}
  - {name: acc, kind: addressed, capacity_bytes: 256}
units: [{name: load}, {name: mac}, {name: send}]
grid:
  - {name: row, count: 4, holds: [col], multicast: [glb], reduces: [glb]}
  - {name: col, count: 4, holds: [pad, acc, load, mac, send], multicast: [glb], reduces: [glb]}
instructions:
  - name: fetch
    unit: load
    semantics: "(s: i8[4, 4] @glb) -> (d: i8[4, 4] @pad) { for i < 4, j < 4 { d[i, j] = s[i, j] } }"
    operands: {s: {contiguous: [j]}, d: {contiguous: [j]}}
    timing: {latency_cycles: 0}
  - name: product
    unit: mac
    semantics: |
      (a: i8[4, 4] @pad, b: i8[4, 4] @pad) -> (c: i32[4, 4] @acc) {
        for i < 4, j < 4, k < 4 { c[i, j] += i32(a[i, k]) * i32(b[k, j]) }
      }
    timing: {occupies_cycles: 4, latency_cycles: 6}
  - name: add
    unit: send
    semantics: "(s: i32[4, 4] @acc, d: inout i32[4, 4] @glb) { for i < 4, j < 4 { d[i, j] += s[i, j] } }"
    operands: {d: {accumulates: true}}
    timing: {occupies_cycles: 1, latency_cycles: 1}
  - name: clear
    unit: send
    semantics: "() -> (d: i32[4, 4] @glb) { for i < 4, j < 4 { d[i, j] = 0 } }"
    timing: {occupies_cycles: 1, latency_cycles: 1}
"""
KERNEL = "kernel gemm(a: i8[16, 16], b: i8[16, 4]) -> (c: i32[16, 4]) { c[m, n] += i32(a[m, k]) * i32(b[k, n]) }"
TILE = "over [4, 4]"


def mesh(*changes: tuple[str, str]) -> Machine:
    text = MACHINE
    for old, new in changes:
        text = text.replace(old, new)
    return load_machine(Source("mesh.yaml", text))


def program(machine: Machine | None = None) -> Program:
    """Rows of C across rows of the mesh, the sum over k across its columns."""
    body = f"""
  for m < 4 {{ invoke clear() d: c[4*m + $0, $1] {TILE} }}
  for p < 4 across row, q < 4 across col {{
    allocate x: i8[4, 4] @pad at 0
    allocate y: i8[4, 4] @pad at 16
    allocate z: i32[4, 4] @acc at 0
    invoke fetch() s: a[4*p + $0, 4*q + $1] {TILE}, d: x[$0, $1] {TILE}
    invoke fetch() s: b[4*q + $0, $1] {TILE}, d: y[$0, $1] {TILE}
    invoke product() a: x[$0, $1] {TILE}, b: y[$0, $1] {TILE}, c: z[$0, $1] {TILE}
    invoke add() s: z[$0, $1] {TILE}, d: c[4*p + $0, $1] {TILE}
  }}"""
    head = "kernel gemm(a: i8[16, 16] @glb at 0, b: i8[16, 4] @glb at 256) -> (c: i32[16, 4] @glb at 320)\n"
    text = f"machine mesh\n{KERNEL}\nprogram\n{head}{{\n{body}\n}}\n"
    return parse_program_file(Source("p", text), lambda _: machine or mesh())


def test_sums_of_all_columns_arrive_as_one() -> None:
    found = program()
    assert not list(check_program(found))
    a = np.arange(256, dtype=np.int64).reshape(16, 16).astype(np.int8)
    b = (np.arange(64).reshape(16, 4) % 11 - 5).astype(np.int8)
    values = run_body(found.body, found.machine, {"a": a, "b": b}, checked=True)
    assert np.array_equal(values["c"], a.astype(np.int32) @ b.astype(np.int32))


def test_it_is_proved_and_executed_like_any_other() -> None:
    assert verify(program()).ok


def test_one_transfer_serves_all_that_read_the_same() -> None:
    # Phase 1: four clears of 64 bytes, 4 beats each from 1, 5, 9 and 13 on; the last ends at 17 + 1.
    # Phase 2, each core: a's tile is its own, 16 bytes on a sixteenth of the bus take from 1 to 17. b's tile is that
    # of a whole column: one transfer for four cores, 4 beats, 17 to 21. The product is ready at 27. A row's sums go out
    # as one, 64 bytes on a quarter of the bus: read from 27 to 43, late by 15, so written from 43 to 59.
    assert simulate(program()).cycles == 18 + 59
    # Without multicast across rows b's tile takes 16 beats.
    assert simulate(program(mesh(("[col], multicast: [glb]", "[col]")))).cycles == 18 + 59 + 12


def test_nobody_may_add_where_the_network_does_not() -> None:
    quiet = mesh((", reduces: [glb]", ""))
    (found,) = check_program(program(quiet))
    assert found.code == "SCH121"


def test_the_network_connects_what_copies_share() -> None:
    for name, message in (
        ("pad", "every copy of 'col' has a 'pad' of its own; nothing is shared"),
        ("gbl", "unknown memory 'gbl'"),
    ):
        with pytest.raises(SourceError) as error:
            mesh(("mac, send], multicast: [glb]", f"mac, send], multicast: [{name}]"))
        assert any(each.message.startswith(message[:20]) for each in error.value.diagnostics), error.value
