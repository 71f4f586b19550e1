"""Covers of random kernels by instructions that do some of their statements together: both solvers, the same cost."""

from __future__ import annotations

import random
from itertools import islice

import pytest

import isamapper
from isamapper.mapper.covers import cpsat
from isamapper.mapper.covers.cover_problem import CoverProblem, exhaustive, wrong_with
from isamapper.mapper.covers.covers import cover_problem, covers
from tests.mapper.compound.fused_machines import fused_machine
from tests.mapper.compound.random_covers import chain, instructions, kernel


def check(seed: int) -> int:
    """Solves the problem of one kernel and machine in both ways; how many statements the best cover does together."""
    choice = random.Random(seed)
    names = chain(choice)
    found = instructions(choice, names)
    machine = fused_machine({name: choice.randint(1, 40) for name in found}, **found)
    target = isamapper.parse_kernel(kernel(names))
    problem = cover_problem(target, machine)
    one, other = next(exhaustive(problem), None), next(cpsat.solutions(problem), None)
    assert one is not None, f"seed {seed}"
    assert other is not None, f"seed {seed}"
    assert wrong_with(problem, one) is None
    assert wrong_with(problem, other) is None
    assert problem.cost(one) == problem.cost(other) == _by_hand(problem), f"seed {seed}"
    costs = [[problem.cost(each) for each in islice(way(problem), 12)] for way in (exhaustive, cpsat.solutions)]
    assert costs[0] == costs[1], f"seed {seed}"
    return sum(len(problem.choices[number].members) for number in one if len(problem.choices[number].members) > 1)


def _by_hand(problem: CoverProblem) -> int:
    """The least cost by going through the statements in order, remembering what is done: a third way."""
    conflicts = problem.conflicts
    best: dict[tuple[frozenset[int], frozenset[int]], int] = {(frozenset(), frozenset()): 0}
    least: int | None = None
    everything = frozenset(problem.statements)
    while best:
        (done, chosen), cost = min(best.items(), key=lambda item: item[1])
        del best[done, chosen]
        if done == everything:
            least = cost if least is None else min(least, cost)
            break
        left = min(everything - done)
        for number, each in enumerate(problem.choices):
            barred = any((min(number, other), max(number, other)) in conflicts for other in chosen)
            if left in each.members and not each.members & done and not barred:
                key = done | each.members, chosen | {number}
                best[key] = min(best.get(key, cost + each.cost), cost + each.cost)
    assert least is not None
    return least


def test_both_solvers_find_covers_of_one_cost() -> None:
    assert sum(check(seed) > 0 for seed in range(6)) >= 3


@pytest.mark.slow
@pytest.mark.parametrize("block", range(10))
def test_both_solvers_find_covers_of_one_cost_500_times(block: int) -> None:
    assert sum(check(seed) > 0 for seed in range(100 + 50 * block, 150 + 50 * block)) >= 25


def test_the_best_cover_is_run_and_verified() -> None:
    choice = random.Random(7)
    names = chain(choice)
    machine = fused_machine(None, **instructions(choice, names))
    target = isamapper.parse_kernel(kernel(names))
    assert next(covers(target, machine)).groups
    assert isamapper.run(target, machine).certificate.ok
