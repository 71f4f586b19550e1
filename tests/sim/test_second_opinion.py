"""SimPy and the reference engine on random programs and machines: not one cycle of difference."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from isamapper.hwdesc.model import Machine
from isamapper.plan.program import Program
from isamapper.sim import reference
from isamapper.sim.compiled import engine
from isamapper.sim.sites import Model, model
from isamapper.sim.walk import engine as walk
from tests.sim import micro
from tests.sim.generate import ProgramWriter, Scale, random_machine
from tests.sim.second_opinion import Simulation, tellable

SCALE = Scale(depth=2, trips=3, budget=40)


def _plain(machine: Machine) -> Machine:
    """Without ports, and without hardware that issues by itself."""
    memories = tuple(replace(memory, ports=()) for memory in machine.memories)
    instructions = tuple(replace(each, implicit=False) for each in machine.instructions)
    return replace(machine, memories=memories, instructions=instructions)


def _case(seed: int) -> Model | None:
    random = Random(seed)
    machine = _plain(random_machine(random))
    if any(memory.renamed for memory in machine.memories):
        return None
    program = ProgramWriter(random, machine, SCALE).program()
    view = model(Program(program.kernel, machine, program.body))
    return view if tellable(view) else None


def _agree(view: Model) -> int:
    expected = [(event.dispatched, event.start, event.end) for event in reference.run(view, 10_000).events]
    assert Simulation(view).run() == expected
    return len(expected)


@pytest.mark.parametrize("first", range(0, 100, 50))
def test_machines_without_ports(first: int) -> None:
    cases = [case for seed in range(first, first + 50) if (case := _case(seed)) is not None]
    assert len(cases) > 10
    assert sum(_agree(case) for case in cases) > 100


WORK = "(r in 1..8) (x: i8[r, 16] @m) -> (z: i8[r, 16] @n) { for i < r, j < 16 { z[i, j] = x[i, j] + x[i, j] } }"


def _sharing(seed: int, rule: str = "oldest") -> Model:
    """Copies there and back and arithmetic, on units of all kinds, over one port; no row is written twice."""
    random = Random(seed)
    banks = random.choice(
        ("", ", banks: 2, bank_of: 16, capacity_bytes: 8KiB", ", banks: 4, bank_of: 8, capacity_bytes: 8KiB")
    )
    rates = f"bytes_per_cycle: {random.choice((3, 4, 8, 16))}, request_bytes: {random.choice((1, 12, 32))}"
    port = f"{{name: p, direction: both, {rates}, burst_bytes: {random.choice((1, 1, 24))}, arbitration: {rule}}}"
    kind, latency = "addressed" if banks else "host", random.randint(0, 9)
    shared = f"{{name: m, kind: {kind}, ports: [{port}], latency_cycles: {latency}{banks}}}"
    units = tuple(
        f"{{name: {name}{random.choice(('', ', queue_depth: 2', ', serial: true', ', in_flight: 2', ', count: 2'))}}}"
        for name in "uvw"
    )

    def timing() -> str:
        occupies = random.randint(0, 6)
        return f"occupies_cycles: {occupies}, latency_cycles: {occupies + random.randint(0, 5)}"

    machine = micro.machine(
        micro.op("copy", micro.COPY, timing(), "u"),
        micro.op("back", micro.BACK, timing(), "v"),
        micro.op("work", WORK, timing(), "w"),
        units=units,
        memories=(shared, "{name: n, kind: host}"),
        dispatch=random.choice(
            ("{per_cycle: 1}", "{per_cycle: 2}", "{per_cycle: 1, window: 4}", "{window: 3, window_order: any}")
        ),
    )
    taken = {"s": 0, "t": 0}
    body = []
    while max(taken.values()) <= 56:
        name, buffers = random.choice((("copy", "st"), ("back", "ts"), ("work", "st")))
        rows = random.randint(1, 4)
        source = random.randrange(max(1, min(60, taken[buffers[0]] + 2)))
        body.append(micro.copy(name, source, taken[buffers[1]], rows, buffers))
        taken[buffers[1]] += rows
    return model(micro.program(machine, " ".join(body)))


@pytest.mark.parametrize("first", range(0, 60, 30))
def test_machines_that_share_a_port(first: int) -> None:
    cases = [_sharing(seed) for seed in range(first, first + 40)]
    assert all(tellable(case) for case in cases)
    assert sum(_agree(case) for case in cases) > 600


@pytest.mark.parametrize("rule", ["fifo", "round_robin"])
def test_machines_whose_port_arbitrates(rule: str) -> None:
    for seed in range(30):
        view = _sharing(seed, rule)
        found = walk.run(view, 10_000)
        assert found is not None
        assert [(event.dispatched, event.start, event.end) for event in found.events] == Simulation(view).run()


def test_the_compiled_engine_has_the_same_opinion() -> None:
    for seed in (3, 4, 5):
        view = _case(seed)
        if view is None:
            continue
        compiled = engine.run(view, 10_000)
        assert compiled is not None
        assert [(event.dispatched, event.start, event.end) for event in compiled.events] == Simulation(view).run()
