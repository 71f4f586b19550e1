"""Cores that contend for ports: the definition, SimPy and the compiled walk agree cycle for cycle."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from isamapper.ir.nodes import Allocate, Kernel, Tensor
from isamapper.sim import event, joint
from isamapper.sim.contention import SCALE, Contention, Place, at_full_rate, contentions
from isamapper.sim.sites import Model, model
from isamapper.sim.walk import joint as walk
from tests.sim.generate import ProgramWriter, Scale, random_machine
from tests.sim.second_opinion import Together
from tests.sim.sharing import machine, stream

LOOPS = Scale(depth=2, trips=4, budget=60)
Case = tuple[list[Model], tuple[Contention, ...]]


def cores(seed: int, rule: str) -> Case:
    """Up to four cores with programs of their own, in one or two groups that share a port each."""
    random = Random(seed)
    on = machine(random, rule)
    count = random.randint(2, 4)
    programs = [stream(random, on, random.choice((12, 24, 56))) for _ in range(count)]
    shared = [(Place("m", (random.randrange(random.choice((1, 2))),), random.randint(1, 5)),) for _ in range(count)]
    models = [model(at_full_rate(each, own, SCALE)) for each, own in zip(programs, shared, strict=True)]
    return models, contentions(models, shared)


def times(case: Case) -> list[list[tuple[int, int, int]]]:
    found = joint.run(*case, SCALE, events=10_000)
    return [[(event.dispatched, event.start, event.end) for event in each.events] for each in found]


@pytest.mark.parametrize("rule", ["oldest", "fifo", "round_robin"])
def test_simpy_has_the_same_opinion(rule: str) -> None:
    for seed in range(5):
        models, contended = case = cores(seed, rule)
        members = [each.members for each in contended]
        assert Together(models, members, SCALE).run() == times(case), seed


@pytest.mark.parametrize("rule", ["oldest", "fifo", "round_robin"])
def test_the_compiled_walk_has_the_same_opinion(rule: str) -> None:
    for seed in range(15, 21):
        models, contended = cores(seed, rule)
        found = walk.run(models, contended, SCALE, events=10_000)
        assert found == joint.run(models, contended, SCALE, events=10_000), seed


def test_loops_and_guards_are_walked_alike() -> None:
    compared = 0
    for seed in range(12):
        random = Random(seed)
        on = random_machine(random)
        programs = [ProgramWriter(random, on, LOOPS).program() for _ in range(3)]
        shared = [tuple(Place(name, (), random.randint(1, 3)) for name in ("mem", "buf")) for _ in programs]
        models = [model(at_full_rate(each, own, SCALE)) for each, own in zip(programs, shared, strict=True)]
        contended = contentions(models, shared)
        found = walk.run(models, contended, SCALE, events=10_000)
        if found is not None:
            compared += 1
            assert found == joint.run(models, contended, SCALE, events=10_000), seed
    assert compared > 6


def test_cores_in_step_are_one_core_at_a_part_of_the_port() -> None:
    for seed in range(4):
        random = Random(seed)
        on = machine(random, "oldest")
        program, count = stream(random, on, 24), random.randint(2, 4)
        shared = [(Place("m", (), 1),)] * count
        models = [model(at_full_rate(program, own, SCALE)) for own in shared]
        together = joint.run(models, contentions(models, shared), SCALE, events=10_000)
        slower = tuple(
            replace(each, ports=tuple(replace(port, sharers=count) for port in each.ports))
            if each.name == "m"
            else each
            for each in on.memories
        )
        alone = event.run(model(replace(program, machine=replace(on, memories=slower))), 10_000)
        for each in together:
            assert [(e.start, e.end) for e in each.events] == [(e.start, e.end) for e in alone.events]


def test_what_a_transfer_moves_counts_not_how_large_its_tensor_is() -> None:
    """Fractions of a cycle times the bytes of a transfer must stay in a word; weights are larger than a transfer."""
    models, contended = cores(16, "oldest")
    large = [model(replace(each.program, body=_with_rows(each.program.body, 1 << 19))) for each in models]
    found = walk.run(large, contended, SCALE, events=10_000)
    assert found is not None
    assert found == joint.run(large, contended, SCALE, events=10_000)


def _with_rows(body: Kernel, rows: int) -> Kernel:
    """The program on tensors of so many rows, none of which lies anywhere in particular."""

    def longer(tensor: Tensor) -> Tensor:
        return replace(tensor, shape=(rows, *tensor.shape[1:]))

    nodes = (replace(each, tensor=longer(each.tensor)) if isinstance(each, Allocate) else each for each in body.body)
    return replace(body, tensors=tuple(longer(each) for each in body.tensors), body=tuple(nodes))
