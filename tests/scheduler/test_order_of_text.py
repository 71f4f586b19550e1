"""The order in which somebody writes loops says nothing: the same schedule is found."""

from __future__ import annotations

import itertools

from isamapper.costmodels.simulated import Simulated
from isamapper.hwdesc.loader import load_machine
from isamapper.ir.parser import parse_kernel
from isamapper.plan.protocols import SearchProblem
from isamapper.scheduler.strategies.heuristic import heuristic

SIZES = {"m": 37, "n": 29, "k": 53}


def test_loops_may_be_written_in_any_order() -> None:
    machine, cycles = load_machine("gemmini16"), set()
    for order in itertools.permutations(SIZES):
        loops = ", ".join(f"{name} < {SIZES[name]}" for name in order)
        kernel = parse_kernel(
            "kernel g(a: i8[37, 53], b: i8[53, 29]) -> (c: i32[37, 29])\n"
            f"{{ for {loops} {{ c[m, n] += i32(a[m, k]) * i32(b[k, n]) }} }}\n"
        )
        *_, best = heuristic(SearchProblem(kernel, machine), Simulated(), budget_seconds=None, seed=0)
        cycles.add(best.cycles)
    assert len(cycles) == 1
