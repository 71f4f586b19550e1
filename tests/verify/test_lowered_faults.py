"""Random faults in programs from a search: a certificate is given exactly where the interpreter sees no difference."""

from __future__ import annotations

from collections import abc
from dataclasses import replace
from functools import cache
from random import Random

import numpy as np
import pytest

from isamapper.diagnostics.source import SourceError
from isamapper.frontends.library import load_kernel
from isamapper.hwdesc.loader import load_machine
from isamapper.ir.interpreter import interpret
from isamapper.ir.nodes import Constraint, Guard, Invoke, Kernel, Loop, Node
from isamapper.ir.types import DTYPES
from isamapper.ir.walk import walk
from isamapper.pipeline import find_schedule
from isamapper.plan.check import check_program
from isamapper.plan.lower import lower
from isamapper.plan.program import Program
from isamapper.sim.functional.run import meaning_on
from isamapper.testing.kernels import inputs_for
from isamapper.verify.certificate import Status
from isamapper.verify.verifier import verify
from tests.verify.faults import change

I8 = {"TA": "i8", "TB": "i8", "TC": "i32"}
CASES: dict[str, tuple[str, str, dict[str, int], dict[str, str]]] = {
    "gemm": ("gemm", "toy4", {"M": 7, "N": 6, "K": 9}, I8),
    "conv1d": ("conv1d", "toy4", {}, {}),
    "gemm_q": ("gemm_q", "toy4", {"M": 6, "N": 5, "K": 7}, {}),
    "maxpool2d": ("maxpool2d", "toy4", {}, {}),
}


@cache
def lowered(name: str) -> Program:
    """A small program from a search."""
    kernel, machine, sizes, types = CASES[name]
    small = {size: min(value, 5) for size, value in load_kernel(kernel).sizes} | sizes
    target = load_machine(machine)
    chosen = dict(target.default_types) if not types else {n: DTYPES[dtype] for n, dtype in types.items()}
    declared = {n for n, _ in load_kernel(kernel).types}
    bound = load_kernel(kernel, sizes=small, types={n: dtype for n, dtype in chosen.items() if n in declared})
    found = find_schedule(bound, target, strategy="heuristic", cost_model="analytic", budget_seconds=2, seed=0)
    return lower(found.schedule)


def mutated(body: Kernel, random: Random) -> tuple[str, Kernel]:
    """One random change of one node, with its name."""
    nodes = [node for node, _ in walk(body) if isinstance(node, (Invoke, Guard, Loop))]
    chosen = random.choice(nodes)
    number = [node for node in nodes if type(node) is type(chosen)].index(chosen)
    match chosen:
        case Invoke():
            what, function = _of_invoke(chosen, random)
        case Guard():
            by = random.choice((-1, 1))
            what, function = f"guard {by:+}", _moved_guard(by)
        case Loop():
            what, function = "shorter loop", _shorter
    return what, change(lambda node: type(node) is type(chosen), function, number)(body)


def _of_invoke(invoke: Invoke, random: Random) -> tuple[str, abc.Callable[[Node], tuple[Node, ...]]]:
    kind = random.choice(("shift", "shift", "shift", "drop", "double", "forget"))
    if kind == "drop":
        return f"no {invoke.instruction}", lambda node: ()
    if kind == "double":
        return f"{invoke.instruction} twice", lambda node: (node, node)
    name, window = random.choice(invoke.windows)
    axis = random.randrange(max(1, len(window.offsets)))
    offsets = list(window.offsets)
    if offsets and kind == "shift":
        offsets[axis] = offsets[axis] + random.choice((-1, 1))
    elif offsets:
        offsets[axis] = replace(offsets[axis], terms=offsets[axis].terms[1:], rotations=())
    moved = replace(window, offsets=tuple(offsets))
    windows = tuple((other, moved if other == name else old) for other, old in invoke.windows)
    return f"{kind} {name} of {invoke.instruction}", lambda node: (replace(invoke, windows=windows),)


def _moved_guard(by: int) -> abc.Callable[[Node], tuple[Node, ...]]:
    def move(node: Node) -> tuple[Node, ...]:
        assert isinstance(node, Guard)
        return (replace(node, conditions=tuple(Constraint(c.function + by, c.equality) for c in node.conditions)),)

    return move


def _shorter(node: Node) -> tuple[Node, ...]:
    assert isinstance(node, Loop)
    return (replace(node, extent=replace(node.extent, bounds=tuple(bound - 1 for bound in node.extent.bounds))),)


def right(program: Program) -> bool:
    """Whether the interpreter finds the kernel's results on three inputs."""
    meaning = meaning_on(program.machine)
    for seed in range(3):
        arrays = inputs_for(program.kernel, seed)
        expected = interpret(program.kernel, arrays)
        try:
            got = interpret(program.body, arrays, meaning=meaning)
        except (SourceError, ValueError):
            return False
        if not all(np.array_equal(expected[name], got[name]) for name in expected):
            return False
    return True


def judged(name: str, seed: int) -> None:
    """One random fault, judged by both."""
    program = lowered(name)
    try:
        what, body = mutated(program.body, Random(seed))
    except AssertionError:
        return  # the change changed nothing
    faulty = replace(program, body=body)
    certificate = verify(faulty, proof_seconds=0.2)
    if check_program(faulty):
        assert not certificate.ok
        return
    assert certificate.ok == right(faulty), (what, certificate)
    if certificate.part("integer_sets").status is Status.PROVED:
        assert right(faulty), what


@pytest.mark.parametrize("name", CASES)
def test_the_programs_are_right(name: str) -> None:
    assert right(lowered(name))
    assert verify(lowered(name)).ok


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", ["gemm", "gemm_q"])
def test_a_random_fault_is_found_if_it_is_one(name: str, seed: int) -> None:
    judged(name, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5, 60))
@pytest.mark.parametrize("name", CASES)
def test_many_random_faults_are_found_if_they_are_some(name: str, seed: int) -> None:
    judged(name, seed)
