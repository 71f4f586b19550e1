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
from tests.sim.generate import ProgramWriter, Scale, random_machine
from tests.sim.second_opinion import Simulation, tellable
from tests.sim.sharing import sharing

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


@pytest.mark.parametrize("first", range(0, 60, 30))
def test_machines_that_share_a_port(first: int) -> None:
    cases = [sharing(seed) for seed in range(first, first + 40)]
    assert all(tellable(case) for case in cases)
    assert sum(_agree(case) for case in cases) > 600


@pytest.mark.parametrize("rule", ["fifo", "round_robin"])
def test_machines_whose_port_arbitrates(rule: str) -> None:
    for seed in range(30):
        view = sharing(seed, rule)
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
