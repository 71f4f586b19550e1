"""Loops in which cores meet in every iteration, and tensors of which every core has a part."""

from __future__ import annotations

from isamapper.plan.check import check_program
from isamapper.plan.cores import parts_of
from isamapper.sim.cores import phases
from isamapper.sim.timing import simulate
from tests.sim.test_cores import program

STEP = """
  for t < {trips} {{
    for p < 4 across core {{
      allocate b: i8[16] @own at 128
      invoke fetch(n = 8) s: x[{start} + 8*p + $0] over [8], d: b[$0] over [8]
      invoke put(n = 8) s: b[$0] over [8], d: y[{start} + 8*p + $0] over [8]
    }}
  }}"""

PARTS = """
  allocate w: i8[4, {size}] @own at 0
  for p < 4 across core {{
    invoke fetch(n = 16) s: x[16*p + $0] over [16], d: w[p, $0] over [16]
  }}
  for t < 3 {{
    for q < 4 across core {{
      invoke put(n = 16) s: w[q, $0] over [16], d: y[16*q + $0] over [16]
    }}
  }}"""


def test_iterations_that_are_alike_are_timed_once() -> None:
    one = simulate(program(STEP.format(trips=1, start="0"))).cycles
    many = program(STEP.format(trips=5, start="4*t"))
    assert [phase.times for phase in phases(many)] == [5]
    found = simulate(many)
    assert found.cycles == 5 * one
    assert dict(found.instructions) == {"fetch": 20, "put": 20}


def test_iterations_that_turn_or_begin_otherwise_are_told_apart() -> None:
    body = """
  for t < 7 {
    if t == 0 {
      invoke fetch(n = 8) s: x[$0] over [8], d: b[0, $0] over [8]
    }
    for p < 4 across core {
      invoke put(n = 8) s: b[rotate(t, 2), $0] over [8], d: y[8*p + $0] over [8]
    }
  }"""
    found = phases(program("  allocate b: i8[2, 8] @own at 0" + body))
    assert sorted(phase.times for phase in found if phase.across) == [1, 3, 3]


def test_every_core_has_its_part_of_what_it_alone_touches() -> None:
    small = program(PARTS.format(size=200))
    assert parts_of(small.body, small.machine) == {"w": 1}
    assert check_program(small) == ()  # 200 of the 256 bytes of each core
    (message,) = [each.message for each in check_program(program(PARTS.format(size=300)))]
    assert message == "tensor 'w' ends at byte 300 of memory 'own', which has 256"


def test_what_another_core_touches_too_lies_in_no_parts() -> None:
    text = PARTS.format(size=16).replace("w[q, $0]", "w[0, $0]")
    body = program(text)
    assert parts_of(body.body, body.machine) == {}


def test_a_program_with_parts_takes_what_its_phases_take() -> None:
    found = program(PARTS.format(size=16))
    fill, step = phases(found)
    assert (fill.times, step.times) == (1, 3)
    alone = [max(simulate(core).cycles for core, _ in phase.programs) for phase in (fill, step)]
    assert simulate(found).cycles >= alone[0] + 3 * alone[1] - 4
