"""Library kernels at sizes that take no time, on every built-in machine, and what a schedule must satisfy."""

from __future__ import annotations

import numpy as np

from isamapper.frontends.library import library_kernels, load_kernel
from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Machine
from isamapper.ir.interpreter import interpret
from isamapper.ir.nodes import Kernel
from isamapper.pipeline import resolve
from isamapper.plan.check import check_program
from isamapper.plan.lower import lower
from isamapper.plan.program import Program
from isamapper.plan.protocols import CostModel, NotSchedulable, SearchProblem
from isamapper.plan.steps import Schedule
from isamapper.scheduler.strategies.heuristic import heuristic
from isamapper.sim.functional import execute
from isamapper.testing.kernels import inputs_for

MACHINES = ("toy4", "gemmini16", "gemmini16_f32", "vta", "avx512")
SMALL = {"M": 9, "N": 7, "K": 5, "B": 2, "H": 4, "W": 5, "C": 3, "R": 2, "S": 2, "L": 5, "D": 4, "I": 5, "J": 6, "T": 2}
PAIRS = tuple((name, machine) for name in library_kernels() for machine in MACHINES)


def small_kernel(name: str, machine: Machine | str) -> Kernel:
    """A library kernel at small, uneven sizes, with the machine's own types; SourceError where these do not fit."""
    sizes = {size: min(SMALL.get(size, value), value) for size, value in load_kernel(name).sizes}
    if {"N", "C", "R"} <= sizes.keys():
        sizes |= {"N": 1}
    return resolve(name, machine if isinstance(machine, Machine) else load_machine(machine), sizes)[0]


def schedules_of(kernel: Kernel, machine: Machine, cost_model: CostModel) -> tuple[Schedule, ...]:
    """Every schedule that the heuristic yields; empty where there is none."""
    problem = SearchProblem(kernel, machine)
    try:
        return tuple(c.schedule for c in heuristic(problem, cost_model, budget_seconds=None, seed=0))
    except NotSchedulable:
        return ()


def assert_computes(schedule: Schedule) -> Program:
    """The schedule lowers to a program that passes its checks and computes the kernel."""
    program = lower(schedule)
    assert check_program(program) == ()
    inputs = inputs_for(schedule.kernel, 3)
    expected = interpret(schedule.kernel, inputs)
    for name, array in execute(program, inputs).items():
        np.testing.assert_allclose(array, expected[name], rtol=1e-4, atol=1e-4, err_msg=name)
    return program
