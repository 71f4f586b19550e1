"""Statements on the copies of a grid: what is cut, that it computes the same, and that it is faster."""

from __future__ import annotations

from dataclasses import replace

import pytest

from isamapper.costmodels.bounds import bounds
from isamapper.costmodels.simulated import Simulated
from isamapper.diagnostics.source import Rejection, Source
from isamapper.frontends.library import load_kernel
from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Machine
from isamapper.ir.nodes import Kernel
from isamapper.ir.parser import parse_kernel
from isamapper.ir.types import DTYPES
from isamapper.plan.nest import Nest
from isamapper.plan.protocols import Candidate, SearchProblem
from isamapper.plan.steps import Distribute, replay
from isamapper.registry import load
from isamapper.scheduler.improving.spatial import distributed
from isamapper.scheduler.strategies.heuristic import heuristic
from tests.scheduler.problems import assert_computes

QUAD = """
base: toy4
name: quad
source: made up for tests
grid: {name: core, count: 4, holds: [spad, acc, weights, load, fill, mac, store]}
memories:
  - {name: dram, ports: [{name: bus, bytes_per_cycle: 32}]}
"""
I8 = {"TA": DTYPES["i8"], "TB": DTYPES["i8"], "TC": DTYPES["i32"]}


def quad() -> Machine:
    return load_machine(Source("quad.yaml", QUAD))


def candidates(kernel: Kernel, machine: Machine) -> list[Candidate]:
    return list(heuristic(SearchProblem(kernel, machine), Simulated(), budget_seconds=None, seed=0))


def cuts(candidate: Candidate) -> list[tuple[str, ...]]:
    steps = candidate.schedule.steps
    return [tuple(loop for loop, _ in step.loops) for step in steps if isinstance(step, Distribute)]


def test_a_product_is_cut_over_the_cores() -> None:
    *_, one, best = candidates(load_kernel("gemm", {"M": 29, "N": 8, "K": 8}, I8), quad())
    assert not cuts(one)
    assert cuts(best)
    assert best.cycles < 0.7 * one.cycles
    assert bounds(best.schedule).mapped_bound_cycles <= best.cycles
    assert_computes(best.schedule)


def test_no_cut_is_searched_once_it_is_late() -> None:
    kernel = load_kernel("gemm", {"M": 29, "N": 8, "K": 8}, I8)
    (nest,) = replay(candidates(kernel, quad())[0].schedule)

    def search(_core: Machine, _part: Kernel) -> Nest | Rejection:
        raise AssertionError("the time is over")

    assert distributed(quad(), kernel, nest, search, lambda _: 1.0, lambda: True) is nest


@pytest.mark.slow
@pytest.mark.parametrize("name", ["random", "beam"])
def test_every_strategy_cuts_over_the_cores(name: str) -> None:
    strategy = load("strategy", name)
    assert callable(strategy)
    problem = SearchProblem(load_kernel("gemm", {"M": 29, "N": 8, "K": 8}, I8), quad())
    *_, one, best = strategy(problem, Simulated(), budget_seconds=None, seed=0)
    assert not cuts(one) and cuts(best)
    assert best.cycles < 0.8 * one.cycles and best.bound is None
    assert_computes(best.schedule)


def test_a_recurrence_stays_on_one_core() -> None:
    text = """kernel scan(x: i32[4, 8]) -> (h: i32[5, 8])
    { h[0, j] = relu(x[0, j])
      for t < 4, j < 8 { h[t+1, j] = h[t, j] + x[t, j] } }"""
    assert not any(cuts(each) for each in candidates(parse_kernel(text), quad()))


MESH = QUAD.replace("quad", "mesh").replace(
    "grid: {name: core, count: 4, holds: [spad, acc, weights, load, fill, mac, store]}",
    """grid:
  - {name: row, count: 4, holds: [column, store], multicast: [dram]}
  - {name: column, count: 4, holds: [acc, weights, load, fill, mac], multicast: [dram]}""",
)
"""Columns of a row share the unit that stores, and all share the scratchpad."""


@pytest.mark.slow
def test_a_product_is_cut_over_nested_grids_that_share_a_unit_and_a_memory() -> None:
    kernel, machine = load_kernel("gemm", {"M": 64, "N": 64, "K": 32}, I8), load_machine(Source("mesh.yaml", MESH))
    *_, best = candidates(kernel, machine)
    (grids,) = ({grid for _, grid in step.loops} for step in best.schedule.steps if isinstance(step, Distribute))
    assert grids == {"row", "column"}
    assert bounds(best.schedule).mapped_bound_cycles <= best.cycles
    assert_computes(best.schedule)
    deaf = load_machine(Source("mesh.yaml", MESH.replace(", multicast: [dram]", "")))
    assert best.cycles < Simulated().cycles(replace(best.schedule, machine=deaf))
