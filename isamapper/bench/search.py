"""``bench search``: every strategy on the same problems with the same budget, held against the exhaustive one.

Problems are DeepBench's matrix products and convolutions of inference. Costs are compared as ratios to the exhaustive
strategy's on the same problem; its own rows say how far at most the best of the space is below it. What does not belong
here: the problems (``deepbench/``) and the strategies.
"""

from __future__ import annotations

import statistics
import time
from collections import abc
from typing import Any, TypeAlias

from isamapper.bench.deepbench.kernels import work_of
from isamapper.bench.deepbench.problems import Problem, suite_problems
from isamapper.costmodels.bounds import bounds
from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Machine
from isamapper.ir.nodes import Kernel
from isamapper.pipeline import find_schedule
from isamapper.result import NoMapping, Search

Report: TypeAlias = abc.Callable[[str, int, int], None]
"""Told what is being done, how many rows are done, how many there are."""

REFERENCE = "exhaustive"
STRATEGIES = ("heuristic", "exhaustive", "cpsat", "anneal", "evolve", "beam", "random")
CONVOLUTIONS = 20
NEAR = 1.03
CLOSE = 1.01


def problems() -> tuple[Problem, ...]:
    """All matrix products of inference, and the first twenty convolutions."""
    products = (*suite_problems("gemm-server"), *suite_problems("gemm-device"))
    convolutions = (*suite_problems("conv-server"), *suite_problems("conv-device"))
    return products + convolutions[:CONVOLUTIONS]


def chosen(every: int) -> tuple[Problem, ...]:
    """Each ``every``-th problem: a sample that keeps the mix."""
    return problems()[:: max(1, every)]


def measure(
    machine: str = "gemmini16",
    *,
    strategies: abc.Sequence[str] = STRATEGIES,
    every: int = 1,
    cost_model: str = "simulated",
    budget_seconds: float | None = 2.0,
    seed: int = 0,
    report: Report | None = None,
) -> dict[str, Any]:
    """``rows``, one per problem and strategy, and per strategy the ratios in ``summary``."""
    tell, target, rows = report or _silent, load_machine(machine), []
    sample = chosen(every)
    for place, problem in enumerate(sample):
        tell(problem.name, place, len(sample))
        kernel = work_of(problem, target).kernel
        found = [
            _row(problem, kernel, target, strategy, cost_model, budget_seconds, seed)
            for strategy in dict.fromkeys((REFERENCE, *strategies))
        ]
        rows += _held_against(found)
    names = dict.fromkeys(row["strategy"] for row in rows)
    return {
        "bench": "search",
        "machine": machine,
        "cost_model": cost_model,
        "budget_seconds": budget_seconds,
        "seed": seed,
        "rows": rows,
        "summary": {name: _summary([row for row in rows if row["strategy"] == name]) for name in names},
    }


def _row(
    problem: Problem,
    kernel: Kernel,
    machine: Machine,
    strategy: str,
    cost_model: str,
    budget_seconds: float | None,
    seed: int,
) -> dict[str, Any]:
    head = {"problem": problem.name, "kernel": kernel.name, "sizes": dict(kernel.sizes), "strategy": strategy}
    began = time.process_time()
    try:
        found = find_schedule(
            kernel, machine, strategy=strategy, cost_model=cost_model, budget_seconds=budget_seconds, seed=seed
        )
    except NoMapping as refusal:
        return {**head, "cost_cycles": None, "failure": str(refusal)}
    return {**head, **_measured(found), "processor_seconds": time.process_time() - began, "failure": None}


def _measured(found: Search) -> dict[str, Any]:
    limits = bounds(found.schedule)
    gap = None if not found.bound_cycles else found.cost_cycles / found.bound_cycles - 1
    return {
        "cost_cycles": found.cost_cycles,
        "bound_cycles": limits.bound_cycles,
        "mapped_bound_cycles": limits.mapped_bound_cycles,
        "proved_cycles": found.bound_cycles,
        "gap_percent": None if gap is None else 100 * gap,
        "optimal": found.optimal,
        "search_seconds": found.seconds,
    }


def _held_against(found: abc.Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of one problem with their ratio to the reference."""
    best = next(row["cost_cycles"] for row in found if row["strategy"] == REFERENCE)
    return [
        {**row, "ratio_to_exhaustive": row["cost_cycles"] / best if best and row["cost_cycles"] else None}
        for row in found
    ]


def _summary(rows: abc.Sequence[abc.Mapping[str, Any]]) -> dict[str, Any]:
    good = [row for row in rows if row["failure"] is None]
    ratios = [row["ratio_to_exhaustive"] for row in good if row["ratio_to_exhaustive"]]
    gaps = [row["gap_percent"] for row in good if row["gap_percent"] is not None]
    return {
        "problems": len(rows),
        "scheduled": len(good),
        "median_ratio_to_exhaustive": statistics.median(ratios) if ratios else None,
        "greatest_ratio_to_exhaustive": max(ratios, default=None),
        "within_3_percent": sum(ratio <= NEAR for ratio in ratios),
        "median_gap_percent": statistics.median(gaps) if gaps else None,
        "gaps_within_1_percent": sum(gap <= 100 * (CLOSE - 1) for gap in gaps),
        "median_search_seconds": statistics.median([row["search_seconds"] for row in good]) if good else None,
        "median_processor_seconds": statistics.median([row["processor_seconds"] for row in good]) if good else None,
    }


def _silent(what: str, done: int, whole: int) -> None:
    del what, done, whole
