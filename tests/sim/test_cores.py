"""Cores of a grid: how long phases take, what shared ports give, how timelines join."""

from __future__ import annotations

import pytest

from isamapper.diagnostics.source import Source
from isamapper.hwdesc.loader import load_machine
from isamapper.plan.check import check_program
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
    # The others need 2 cycles of the bus for their 16 bytes, p = 3 half a one for its 4, first to fetch, then to put.
    # 1 to 3: all four ask, each has a quarter of every cycle; p = 3 has fetched. 3 to 5: it puts, and the others have
    # had one cycle of the bus each, of their two. They are three now, and take 5 to 8 for the second; then they put,
    # three times two cycles: 8 to 14.
    found = simulate(program(through("16*p", "min(16, 52 - 16*p)", "for p < 4 across core {")))
    assert found.cycles == 14
    (phase,) = phases(program(through("16*p", "min(16, 52 - 16*p)", "for p < 4 across core {")))
    assert [count for _, count in phase.programs] == [3, 1]
    (found,) = [port for port in found.ports if port.memory == "dram"]
    assert (found.moved_bytes, found.busy_cycles) == (2 * 52, 2 * 7)


def test_cores_that_run_alike_are_one_class() -> None:
    (phase,) = phases(program(through("16*p", "16", "for p < 4 across core {")))
    assert [count for _, count in phase.programs] == [4]
    # 52 bytes in pieces of at most 16 for 3 cores: the bound 52 - 16*p never binds
    (phase,) = phases(program(through("16*p", "min(16, 52 - 16*p)", "for p < 3 across core {")))
    assert [count for _, count in phase.programs] == [3]


def test_what_one_core_leaves_the_others_have() -> None:
    # p = 1 moves 8 bytes, p = 0 moves 16. 1 to 3: both ask, p = 1 has its cycle of the bus; it puts: 3 to 5, while
    # p = 0 has its second one. p = 1 is done; p = 0 puts alone: two cycles of the bus, 5 to 7. Alone it would take 5
    # cycles, at half of the bus 9.
    assert simulate(program(through("16*p", "min(16, 24 - 16*p)", "for p < 2 across core {"))).cycles == 7


NESTED = (
    MACHINE.replace("grid: {name: core, count: 4, holds: [own, load, add]}", "")
    .replace("units: [{name: load}, {name: add}]", """units: [{name: load}, {name: add}, {name: move}]
grid:
  - {name: core, count: 2, holds: [corelet, l1]}
  - {name: corelet, count: 2, holds: [own, load, add, move]}""")
    .replace("  - {name: own,", "  - {name: l1, kind: addressed, capacity_bytes: 1KiB, "
    "ports: [{name: rw, direction: both, bytes_per_cycle: 4}]}\n  - {name: own,")
)  # fmt: skip


def test_corelets_contend_for_the_memory_of_their_core_alone() -> None:
    """Two cores of two corelets; every corelet brings bytes from its core's l1, whose port moves 4 a cycle.

    q = 0 brings 16, q = 1 brings 8. 1 to 5: both ask, each has 2 bytes a cycle: q = 1 is done. 5 to 7: q = 0 has the
    port for itself for the 8 bytes that are left. What the other core does makes no difference.
    """
    text = (
        NESTED
        + """
  - name: bring
    unit: move
    semantics: "(n in 1..64) (s: i8[n] @l1) -> (d: i8[n] @own) { for i < n { d[i] = s[i] } }"
    timing: {latency_cycles: 0}
"""
    )
    body = """
  for p < 2 across core, q < 2 across corelet {
    allocate s: i8[64] @l1 at 0
    allocate t: i8[16] @own at 0
    invoke bring(n = min(16, 24 - 16*q)) s: s[16*q + $0] over [min(16, 24 - 16*q)], d: t[$0] over [min(16, 24 - 16*q)]
  }"""
    head = "kernel copy(x: i8[64] @dram at 0) -> (y: i8[64] @dram at 64)\n"
    source = f"machine grid\n{KERNEL}program\n{head}{{\n{body}\n}}\n"
    found = parse_program_file(Source("p", source), lambda _: load_machine(Source("grid.yaml", text)))
    for engine in ("compiled", "reference", "event"):
        assert simulate(found, engine=engine).cycles == 7


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


STAGED = (
    NESTED
    + """
  - name: stage
    unit: move
    semantics: "(n in 1..64) (s: i8[n] @dram) -> (d: i8[n] @l1) { for i < n { d[i] = s[i] } }"
    timing: {latency_cycles: 0}
  - name: bring
    unit: move
    semantics: "(n in 1..64) (s: i8[n] @l1) -> (d: i8[n] @own) { for i < n { d[i] = s[i] } }"
    timing: {latency_cycles: 0}
"""
)


def staged(shared: bool, source: str = "x[16*p + $0]") -> Program:
    """A core stages 16 bytes in its l1, once for both corelets or by each of them; a corelet takes its 8 of them."""
    allocation = "allocate s: i8[16] @l1 at 0"
    outer, inner = (allocation, "") if shared else ("", allocation)
    body = f"""
  for p < 2 across core {{
    {outer}
    for q < 2 across corelet {{
      {inner}
      allocate t: i8[16] @own at 0
      invoke stage(n = 16) s: {source} over [16], d: s[$0] over [16]
      invoke bring(n = 8) s: s[8*q + $0] over [8], d: t[$0] over [8]
      invoke put(n = 8) s: t[$0] over [8], d: y[16*p + 8*q + $0] over [8]
    }}
  }}"""
    head = "kernel copy(x: i8[64] @dram at 0) -> (y: i8[64] @dram at 64)\n"
    text = f"machine grid\n{KERNEL}program\n{head}{{\n{body}\n}}\n"
    return parse_program_file(Source("p", text), lambda _: load_machine(Source("grid.yaml", STAGED)))


def test_what_corelets_keep_once_is_brought_once() -> None:
    """Once: two transfers of 16 bytes, one a core, each at half of the bus and all of its l1's port: 1 to 5. Each
    corelet takes 8 bytes at half of the port: 5 to 9. All four put 8 bytes, each at a quarter of the bus: 9 to 13.

    By each corelet: four transfers at a quarter of the bus and half of the port: 1 to 9, then as before: 9 to 13 to 17.
    """
    for engine in ("compiled", "reference", "event"):
        assert simulate(staged(True), engine=engine).cycles == 13
        assert simulate(staged(False), engine=engine).cycles == 17
    assert check_program(staged(True)) == ()


def test_what_corelets_keep_once_is_the_same_for_both() -> None:
    (found,) = check_program(staged(True, "x[16*p + 8*q + $0]"))
    assert (found.code, found.message) == ("SCH121", "cores may touch one element of 's' across 'q', and one writes it")
