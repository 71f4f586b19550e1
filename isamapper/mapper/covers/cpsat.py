"""Covers by CP-SAT: one Boolean for each choice, one of them true for each statement, the sum of the costs least.

One worker and a fixed seed: the same problem has the same answers. Every answer is checked again before it is given.
"""

from __future__ import annotations

from collections import abc

from ortools.sat.python import cp_model

from isamapper.mapper.covers.cover_problem import CoverProblem, Solution, wrong_with


def solutions(problem: CoverProblem) -> abc.Iterator[Solution]:
    """Every solution, the cheapest first."""
    model = cp_model.CpModel()
    chosen = [model.new_bool_var(f"choice_{number}") for number in range(len(problem.choices))]
    for statement in problem.statements:
        model.add_exactly_one(
            [chosen[number] for number, choice in enumerate(problem.choices) if statement in choice.members]
        )
    for one, other in sorted(problem.conflicts):
        model.add_at_most_one([chosen[one], chosen[other]])
    model.minimize(sum(choice.cost * chosen[number] for number, choice in enumerate(problem.choices)))
    while True:
        found = _solved(model, chosen)
        if found is None:
            return
        reason = wrong_with(problem, found)
        if reason is not None:
            raise AssertionError(f"the solver's cover is wrong: {reason}")
        yield found
        model.add_bool_or([chosen[number].negated() for number in found])


def _solved(model: cp_model.CpModel, chosen: abc.Sequence[cp_model.IntVar]) -> Solution | None:
    """The cheapest solution of the model as it is; None where there is none."""
    solver = cp_model.CpSolver()
    solver.parameters.num_workers = 1
    solver.parameters.random_seed = 0
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None
    return tuple(number for number, variable in enumerate(chosen) if solver.boolean_value(variable))
