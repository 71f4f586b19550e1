"""Strategies over the decision space: improving, reproducible, stoppable, and never below what they call proved."""

from __future__ import annotations

from typing import cast

import pytest

from isamapper.costmodels.analytic import Analytic
from isamapper.costmodels.simulated import Simulated
from isamapper.hwdesc.loader import load_machine
from isamapper.ir.parser import parse_kernel
from isamapper.pipeline import resolve
from isamapper.plan.protocols import Candidate, SearchProblem, SearchStrategy
from isamapper.registry import load
from tests.scheduler.problems import assert_computes, small_kernel

NAMES = ("anneal", "beam", "cpsat", "evolve", "exhaustive", "learned", "random")


def found(name: str, problem: SearchProblem, seed: int = 0, budget: float | None = None) -> list[Candidate]:
    strategy = load("strategy", name)
    assert callable(strategy)
    chosen: SearchStrategy = strategy
    return list(chosen(problem, Simulated(), budget_seconds=budget, seed=seed))


def product(machine: str, m: int, n: int, k: int) -> SearchProblem:
    kernel, target = resolve("gemm", machine, sizes={"M": m, "N": n, "K": k})
    return SearchProblem(kernel, target)


@pytest.mark.parametrize("name", ["cpsat", "exhaustive", "beam"])
def test_every_candidate_is_better_and_the_last_one_computes(name: str) -> None:
    candidates = found(name, product("ws16", 20, 9, 34))
    cycles = [candidate.cycles for candidate in candidates]
    assert cycles == sorted(cycles, reverse=True)
    assert_computes(candidates[-1].schedule)
    for candidate in candidates:
        assert candidate.bound is None or candidate.bound <= candidate.cycles
        assert not candidate.optimal or candidate.bound == candidate.cycles


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_the_same_seed_finds_the_same(name: str) -> None:
    problem = product("ws16", 40, 24, 50)
    one, other = found(name, problem, seed=3), found(name, problem, seed=3)
    assert [(c.cycles, c.schedule) for c in one] == [(c.cycles, c.schedule) for c in other]


@pytest.mark.parametrize("name", NAMES)
def test_a_budget_of_nothing_still_gives_a_schedule(name: str) -> None:
    assert found(name, product("ws16", 33, 20, 40), budget=0.0)


@pytest.mark.slow
def test_several_statements_and_several_levels_of_memory_are_searched() -> None:
    softmax = SearchProblem(small_kernel("softmax", "toy4"), load_machine("toy4"))
    assert_computes(found("beam", softmax, budget=1.0)[-1].schedule)
    vector = SearchProblem(small_kernel("gemm", "avx512"), load_machine("avx512"))
    assert_computes(found("evolve", vector, budget=1.0)[-1].schedule)


@pytest.mark.slow
def test_exhaustive_is_no_worse_than_any_other_and_bounds_them_all() -> None:
    problem = product("gemmini16", 96, 32, 128)
    best = found("exhaustive", problem)[-1]
    assert best.bound is not None
    for name in ("anneal", "evolve", "beam", "random"):
        other = found(name, problem)[-1].cycles
        assert best.bound <= other
        assert best.cycles <= 1.02 * other


@pytest.mark.parametrize(("machine", "sizes"), [("ws16", (48, 40, 70)), ("gemmini16", (70, 33, 48))])
def test_exhaustive_proves_the_optimum_of_prices(machine: str, sizes: tuple[int, int, int]) -> None:
    problem = product(machine, *sizes)
    strategy = load("strategy", "exhaustive")
    assert callable(strategy)
    best: Candidate = list(strategy(problem, Analytic(), budget_seconds=None, seed=0))[-1]
    assert best.optimal and best.bound == best.cycles
    for name in ("random", "evolve"):
        other: SearchStrategy = cast(SearchStrategy, load("strategy", name))
        assert best.cycles <= min(c.cycles for c in other(problem, Analytic(), budget_seconds=2.0, seed=1)) * (1 + 1e-9)


@pytest.mark.slow
def test_several_levels_of_memory_start_from_what_is_built_level_by_level() -> None:
    problem = product("avx512", 24, 32, 20)
    fast = min(candidate.cycles for candidate in found("heuristic", problem))
    for name in ("evolve", "exhaustive"):
        last = found(name, problem, budget=20.0)[-1]
        assert last.cycles <= 1.1 * fast and (name == "exhaustive") == (last.bound is not None)


def test_a_kernel_without_loops_has_one_schedule() -> None:
    kernel = parse_kernel("kernel k(a: i8[1], b: i8[1]) -> (c: i32[1]) { c[0] += i32(a[0]) * i32(b[0]) }")
    for name in NAMES:
        assert found(name, SearchProblem(kernel, load_machine("ws16")), budget=0.2)
