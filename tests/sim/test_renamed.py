"""Renamed registers: writes never wait for earlier uses, and both engines agree."""

from __future__ import annotations

from dataclasses import replace

import pytest

from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Machine
from isamapper.ir.parser import parse_program
from isamapper.plan.program import Program
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
