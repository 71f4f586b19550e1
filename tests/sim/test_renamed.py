"""Renamed registers: writes never wait for earlier uses, and both engines agree."""

from __future__ import annotations

from dataclasses import replace

import pytest

from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Machine
from isamapper.ir.parser import parse_program
from isamapper.plan.program import Program
from isamapper.sim import reference
from isamapper.sim.compiled import engine
from isamapper.sim.sites import model
from isamapper.sim.timing import simulate

REPEATS = 12
PROGRAM = f"""
kernel products(a: f32[12, 8] @l1 at 0, b: f32[8, 32] @l1 at 4096) -> (c: f32[12, 32] @l1 at 8192)
{{
  allocate sums: f32[12, 2, 16] @zmm at 0
  allocate right: f32[2, 2, 16] @zmm at 24
  allocate left: f32[4, 16] @zmm at 28
  for i < 12, j < 2 {{ invoke "vzero.f32"(n = 16) y: sums[i, j, $0] over [16] }}
  for again < {REPEATS}, k < 8 {{
    for j < 2 {{
      invoke "vmovups.load.f32"(n = 16) src: b[k, 16*j + $0] over [16], dst: right[rotate(k, 2), j, $0] over [16]
    }}
    for i < 12 {{
      invoke "vbroadcastss.f32"(n = 16) src: a[i, k], dst: left[rotate(i, 4), $0] over [16]
      for j < 2 {{
        invoke "vfmadd231ps"(n = 16)
          a: left[rotate(i, 4), $0] over [16], b: right[rotate(k, 2), j, $0] over [16], c: sums[i, j, $0] over [16]
      }}
    }}
  }}
  for i < 12, j < 2 {{
    invoke "vmovups.store.f32"(n = 16) src: sums[i, j, $0] over [16], dst: c[i, 16*j + $0] over [16]
  }}
}}
"""


def program(machine: Machine) -> Program:
    body = parse_program(PROGRAM)
    return Program(body, machine, body)


def without_renaming() -> Machine:
    machine = load_machine("avx512")
    return replace(machine, memories=tuple(replace(memory, renamed=False) for memory in machine.memories))


@pytest.mark.parametrize("renamed", [True, False])
def test_the_engines_agree(renamed: bool) -> None:
    machine = load_machine("avx512") if renamed else without_renaming()
    cycles = {
        engine: simulate(program(machine), engine=engine).cycles for engine in ("reference", "compiled", "expanded")
    }
    assert len(set(cycles.values())) == 1


def test_a_register_tile_runs_at_two_products_a_cycle_only_where_registers_are_renamed() -> None:
    ideal = REPEATS * 8 * 12
    assert simulate(program(load_machine("avx512"))).cycles < 1.05 * ideal
    assert simulate(program(without_renaming())).cycles > 1.5 * ideal


TILES = """
kernel tiles(a: i8[20, 72] @l1 at 0, b: i8[2, 16, 16, 4] @l1 at 2048) -> (c: i32[20, 16] @l1 at 8192)
{
  allocate left: i8[16, 16, 4] @tmm at 0
  allocate right: i8[2, 16, 16, 4] @tmm at 1
  allocate sums: i32[16, 16] @tmm at 3
  for m < 2 {
    invoke "tilezero.i32"(m = min(16, 20 - 16*m), n = 16) c: sums[$0, $1] over [min(16, 20 - 16*m), 16]
    for k < 2 {
      invoke "tileloadd.bytes.i8"(r = min(16, 20 - 16*m), w = min(16, 18 - 16*k))
        src: a[16*m + $0, 64*k + 4*$1 + $2] over [min(16, 20 - 16*m), min(16, 18 - 16*k), 4],
        dst: left[$0, $1, $2] over [min(16, 20 - 16*m), min(16, 18 - 16*k), 4]
      invoke "tileloadd.bytes.i8"(r = min(16, 18 - 16*k), w = 16)
        src: b[k, $0, $1, $2] over [min(16, 18 - 16*k), 16, 4],
        dst: right[rotate(k, 2), $0, $1, $2] over [min(16, 18 - 16*k), 16, 4]
      invoke tdpbssd(m = min(16, 20 - 16*m), n = 16, q = min(16, 18 - 16*k))
        a: left[$0, $1, $2] over [min(16, 20 - 16*m), min(16, 18 - 16*k), 4],
        b: right[rotate(k, 2), $0, $1, $2] over [min(16, 18 - 16*k), 16, 4],
        c: sums[$0, $1] over [min(16, 20 - 16*m), 16]
    }
    invoke "tilestored.i32"(r = min(16, 20 - 16*m), w = 16)
      src: sums[$0, $1] over [min(16, 20 - 16*m), 16], dst: c[16*m + $0, $1] over [min(16, 20 - 16*m), 16]
  }
}
"""


def test_rows_of_a_tile_register_that_end_early_are_timed_by_compiled_code() -> None:
    """Windows that touch some rows of a register touch all of it, wherever they end."""
    body = parse_program(TILES)
    view = model(Program(body, load_machine("amx"), body))
    found = engine.run(view)
    assert found is not None
    assert found.cycles == reference.run(view, 0).cycles
