"""Cores of a grid: how long phases take, what shared ports give, how timelines join."""

from __future__ import annotations

import pytest

from isamapper.diagnostics.source import Source
from isamapper.hwdesc.loader import load_machine
from isamapper.plan.check_space import misplaced
from isamapper.plan.program import Program
from isamapper.plan.text import parse_program_file
from isamapper.sim.cores import phases
from isamapper.sim.timing import simulate

MACHINE = """
format: 1
name: grid
clock_hz: 1000
source: made up for tests
memories:
  - {name: dram, kind: host, ports: [{name: bus, direction: both, bytes_per_cycle: 8}]}
  - {name: own, kind: addressed, capacity_bytes: 256, ports: [{name: rw, direction: both, bytes_per_cycle: 8}]}
units: [{name: load}, {name: add}]
grid: {name: core, count: 4, holds: [own, load, add]}
instructions:
  - name: fetch
    unit: load
    semantics: "(n in 1..64) (s: i8[n] @dram) -> (d: i8[n] @own) { for i < n { d[i] = s[i] } }"
    timing: {latency_cycles: 0}
  - name: put
    unit: load
    semantics: "(n in 1..64) (s: i8[n] @own) -> (d: i8[n] @dram) { for i < n { d[i] = s[i] } }"
    timing: {latency_cycles: 0}
"""
KERNEL = "kernel copy(x: i8[64]) -> (y: i8[64]) { y[i] = x[i] }\n"


def program(body: str) -> Program:
    head = "kernel copy(x: i8[64] @dram at 0) -> (y: i8[64] @dram at 64)\n"
    text = f"machine grid\n{KERNEL}program\n{head}{{\n{body}\n}}\n"
    return parse_program_file(Source("p", text), lambda _: load_machine(Source("grid.yaml", MACHINE)))


def through(start: str, count: str, loop: str) -> str:
    return f"""
  {loop}
    allocate t: i8[16] @own at 0
    invoke fetch(n = {count}) s: x[{start} + $0] over [{count}], d: t[$0] over [{count}]
    invoke put(n = {count}) s: t[$0] over [{count}], d: y[{start} + $0] over [{count}]
  }}"""


def test_one_core_alone_has_the_bus_for_itself() -> None:
    # fetch: dispatched 0, starts 1, two beats of 8 bytes end at 3; put waits for them: 3 to 5
    assert simulate(program(through("16*p", "16", "for p < 1 across core {"))).cycles == 5


@pytest.mark.parametrize("cores", [2, 4])
def test_cores_share_the_bus_equally(cores: int) -> None:
    # two beats become 2 * cores on the bus: 1 + 2 * cores + 2 * cores
    found = simulate(program(through("16*p", "16", f"for p < {cores} across core {{")))
    assert found.cycles == 1 + 4 * cores
    assert dict(found.instructions) == {"fetch": cores, "put": cores}
    (bus,) = (port for port in found.ports if port.memory == "dram")
    assert (bus.moved_bytes, bus.busy_cycles) == (32 * cores, 4 * cores)
    assert found.units[0].servers == cores


def test_phases_follow_one_another() -> None:
    one, other = through("32*p", "16", "for p < 2 across core {"), through("32*p + 16", "16", "for p < 2 across core {")
    assert simulate(program(one + other)).cycles == 2 * simulate(program(one)).cycles


def test_the_slowest_core_counts() -> None:
    # p = 3 moves 4 bytes: the others take 16 bytes each, one beat of 8 on a quarter of the bus is 4 cycles
    found = simulate(program(through("16*p", "min(16, 52 - 16*p)", "for p < 4 across core {")))
    assert found.cycles == 17
    assert [count for _, count in phases(program(through("16*p", "16", "for p < 4 across core {")))[0].programs] == [
        3,
        1,
    ]


def test_every_core_is_timed_where_a_condition_tells_them_apart() -> None:
    body = "for p < 4 across core { if p >= 1 {" + through("16*p", "16", "for q < 1 {") + "} }"
    (phase,) = phases(program(body))
    assert [count for _, count in phase.programs] == [1, 1, 1, 1]


def test_engines_agree() -> None:
    text = through("16*p", "min(16, 52 - 16*p)", "for p < 4 across core {")
    assert len({simulate(program(text), engine=engine).cycles for engine in ("compiled", "reference", "event")}) == 1


def test_a_trace_shows_the_slowest_core_phase_by_phase() -> None:
    one, other = through("32*p", "16", "for p < 2 across core {"), through("32*p + 16", "8", "for p < 2 across core {")
    found = simulate(program(one + other), trace=True)
    assert [found.names[event.site][0] for event in found.events] == ["fetch", "put", "fetch", "put"]
    assert [(event.start, event.end) for event in found.events] == [(1, 5), (5, 9), (10, 12), (12, 14)]
    assert [event.number for event in found.events] == [0, 1, 2, 3]


SHARED = (
    MACHINE.replace("holds: [own, load, add]", "holds: [add]")
    .replace("name: load}", "name: load, queue_depth: 4}")
    .replace("    timing: {latency_cycles: 0}", "    timing: {occupies_cycles: 3, latency_cycles: 0}", 1)
)


def shared_program(body: str) -> Program:
    head = "kernel copy(x: i8[64] @dram at 0) -> (y: i8[64] @dram at 64)\n"
    text = f"machine grid\n{KERNEL}program\n{head}{{\n{body}\n}}\n"
    return parse_program_file(Source("p", text), lambda _: load_machine(Source("grid.yaml", SHARED)))


def test_cores_share_a_unit_and_a_memory_equally() -> None:
    # Two cores: fetch takes 2 beats * 2 on the bus, 2 * 2 on the memory, but occupies the unit for 2 * 3: 1 to 7.
    # put waits for the data (5) and for the unit: 7 to 11.
    found = simulate(shared_program(through("16*p", "16", "for p < 2 across core {")))
    assert found.cycles == 11
    load = next(unit for unit in found.units if unit.name == "load")
    assert (load.servers, load.busy_cycles) == (1, 6 + 4)


def test_what_all_cores_have_must_fit_a_shared_memory() -> None:
    body = through("16*p", "16", "for p < 4 across core {")
    assert not list(misplaced(shared_program(body).body, load_machine(Source("grid.yaml", SHARED))))
    small = load_machine(Source("grid.yaml", SHARED.replace("capacity_bytes: 256", "capacity_bytes: 64")))
    assert not list(misplaced(shared_program(body).body, small))
    moved = shared_program(body.replace("@own at 0", "@own at 16"))
    (found,) = misplaced(moved.body, small)
    assert found.message == "tensor 't' ends at byte 80 of memory 'own', which has 64"
