"""The work bound against the exact optimum of the assignment it bounds, solved by OR-Tools' linear solver."""

from __future__ import annotations

import math

import pytest
from ortools.linear_solver import pywraplp

from isamapper.costmodels.bounds import peak_rates, work_bound
from isamapper.frontends.library import load_kernel
from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Machine
from isamapper.ir.analysis import statements
from isamapper.ir.nodes import Kernel


def optimal_cycles(machine: Machine, kernel: Kernel) -> float:
    """Least time in which the units can share the statements' operations, any split of the work allowed."""
    solver = pywraplp.Solver.CreateSolver("GLOP")
    finish = solver.NumVar(0, solver.infinity(), "finish")
    load: dict[str, list[pywraplp.LinearExpr]] = {}
    for statement in statements(kernel):
        rates = peak_rates(machine, kernel, statement)
        shares = {unit: solver.NumVar(0, solver.infinity(), unit) for unit in rates}
        if rates:
            operations = math.prod(iterator.extent for iterator in statement.iterators)
            solver.Add(sum(shares.values()) == operations)
        for unit, share in shares.items():
            load.setdefault(unit, []).append(share * (1 / rates[unit]))
    for busy in load.values():
        solver.Add(sum(busy) <= finish)
    solver.Minimize(finish)
    assert solver.Solve() == pywraplp.Solver.OPTIMAL
    return finish.solution_value()


@pytest.mark.parametrize("name", ["gemm", "gemm_bias_relu", "softmax", "lstm_cell", "attention"])
@pytest.mark.parametrize("machine", ["toy4", "gemmini16_f32", "avx512"])
def test_the_work_bound_is_below_every_assignment_of_work_and_tight_for_one_statement(name: str, machine: str) -> None:
    target = load_machine(machine)
    kernel = load_kernel(name, {}, {})
    best = optimal_cycles(target, kernel)
    bound = work_bound(target, kernel)
    assert bound <= best * (1 + 1e-9)
    if len(statements(kernel)) == 1:
        assert bound == pytest.approx(best)
