"""``bench search``: every strategy on the same problems with the same budget, held against the exhaustive one.

Problems are DeepBench's matrix products and convolutions of inference. A row is one strategy on one problem; costs are
compared as ratios to the exhaustive strategy's on the same problem, whose own rows say how far at most the best of the
space is below them. What does not belong here: the problems (``deepbench/``), the strategies, and what is made of the
rows (``search_summary.py``).
"""

from __future__ import annotations

import time
from collections import abc
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias, cast

from isamapper.bench.deepbench.kernels import work_of
from isamapper.bench.deepbench.problems import Problem, suite_problems
from isamapper.bench.search_summary import CLOSE_PERCENT, held_against, summary_of
from isamapper.costmodels.bounds import bounds
from isamapper.hwdesc.files import find_machine
from isamapper.hwdesc.loader import load_machine
from isamapper.ir.printer import print_kernel
from isamapper.pipeline import COST_MODEL
from isamapper.plan.needle import iterator_sizes
from isamapper.plan.nest import Nest
from isamapper.plan.protocols import Candidate, CostModel, NotSchedulable, SearchProblem, SearchStrategy
from isamapper.plan.steps import Schedule, replay
from isamapper.registry import load
from isamapper.scheduler.campaign.counted import Spent, counted
from isamapper.scheduler.campaign.executors import Executor, Here
from isamapper.scheduler.campaign.store import Store, key_of

Report: TypeAlias = abc.Callable[[str, int, int], None]
"""Told what is being done, how many rows are done, how many there are."""
Row: TypeAlias = dict[str, Any]

REFERENCE = "exhaustive"
STRATEGIES = ("heuristic", "exhaustive", "cpsat", "anneal", "evolve", "beam", "learned", "random")
CONVOLUTIONS = 20
QUICK_PRODUCTS, QUICK_CONVOLUTIONS = 12, 4
BUDGET_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Asked:
    """One strategy on one problem: everything its row depends on. Ends after seconds or candidates, or by itself."""

    problem: Problem
    machine: str
    strategy: str
    cost_model: str = COST_MODEL
    budget_seconds: float | None = BUDGET_SECONDS
    candidates: int | None = None
    seed: int = 0


def problems() -> tuple[Problem, ...]:
    """All matrix products of inference, and the first twenty convolutions."""
    return _products() + _convolutions()


def quick_problems() -> tuple[Problem, ...]:
    """A dozen products and four convolutions, evenly from the whole lists."""
    return _evenly(_products(), QUICK_PRODUCTS) + _evenly(_convolutions(), QUICK_CONVOLUTIONS)


def chosen(every: int) -> tuple[Problem, ...]:
    """Each ``every``-th problem: a sample that keeps the mix."""
    return problems()[:: max(1, every)]


def _products() -> tuple[Problem, ...]:
    return (*suite_problems("gemm-server"), *suite_problems("gemm-device"))


def _convolutions() -> tuple[Problem, ...]:
    return (*suite_problems("conv-server"), *suite_problems("conv-device"))[:CONVOLUTIONS]


def _evenly(every: tuple[Problem, ...], count: int) -> tuple[Problem, ...]:
    return tuple(every[place * len(every) // count] for place in range(count))


def asked_for(
    sample: abc.Sequence[Problem],
    machine: str,
    strategies: abc.Sequence[str] = STRATEGIES,
    *,
    cost_model: str = COST_MODEL,
    budget_seconds: float | None = BUDGET_SECONDS,
    candidates: int | None = None,
    seed: int = 0,
) -> tuple[Asked, ...]:
    """Every strategy on every problem, the reference among them; unknown names are errors before any measurement.

    ``candidates`` do not limit the reference: it is to prove what it can.
    """
    names = tuple(dict.fromkeys((REFERENCE, *strategies)))
    for name in names:
        load("strategy", name)
    load("cost model", cost_model)
    limits = {name: None if name == REFERENCE else candidates for name in names}
    return tuple(
        Asked(problem, machine, name, cost_model, budget_seconds, limits[name], seed)
        for problem in sample
        for name in names
    )


def measure(
    asked: abc.Sequence[Asked],
    *,
    executor: Executor | None = None,
    store: Path | None = None,
    report: Report | None = None,
) -> dict[str, Any]:
    """``rows`` in the order of what was asked, and per strategy the ``summary``; what ``store`` has is read there."""
    tell = report or _silent
    rows: dict[int, Row] = {}
    kept = Store(store) if store is not None else None
    try:
        keys = [_key(each) for each in asked] if kept is not None else []
        if kept is not None:
            rows = {n: row for n, key in enumerate(keys) if (row := kept.get(key)) is not None}
        left = [number for number in range(len(asked)) if number not in rows]
        tell("searches", len(rows), len(asked))
        for place, row in (executor or Here()).each(measured, [asked[number] for number in left]):
            rows[left[place]] = row
            if kept is not None:
                kept.put(keys[left[place]], asdict(asked[left[place]]), row)
            tell("searches", len(rows), len(asked))
    finally:
        if kept is not None:
            kept.close()
    found = held_against([rows[number] for number in range(len(asked))], REFERENCE)
    return {"bench": "search", **_head(asked), "rows": found, "summary": summary_of(found)}


def _key(asked: Asked) -> str:
    machine = load_machine(find_machine(asked.machine))
    kernel = print_kernel(work_of(asked.problem, machine).kernel)
    rest = (asked.strategy, asked.cost_model, asked.budget_seconds, asked.candidates, asked.seed)
    return key_of("bench search", kernel, machine.digest, *rest)


def _head(asked: abc.Sequence[Asked]) -> dict[str, Any]:
    names = ("machine", "cost_model", "budget_seconds", "seed")
    limits = (each.candidates for each in asked if each.candidates is not None)
    return {**{name: getattr(asked[0], name) for name in names}, "candidates": next(limits, None)}


def measured(asked: Asked) -> Row:
    """One search: what it found, how near it is to the bounds, and what it took."""
    target = load_machine(find_machine(asked.machine))
    kernel = work_of(asked.problem, target).kernel
    head = {
        "problem": asked.problem.name,
        "kernel": kernel.name,
        "sizes": dict(kernel.sizes),
        "strategy": asked.strategy,
    }
    judge = load("cost model", asked.cost_model)
    model = counted(cast(CostModel, judge() if isinstance(judge, type) else judge), asked.candidates)
    strategy = cast(SearchStrategy, load("strategy", asked.strategy))
    began, busy = time.perf_counter(), time.process_time()
    best: Candidate | None = None
    try:
        problem = SearchProblem(kernel, target)
        for candidate in strategy(problem, model, budget_seconds=asked.budget_seconds, seed=asked.seed):
            best, model.may_end = candidate, True
    except Spent:
        pass  # the number of candidates is spent, and the best so far has been yielded
    except NotSchedulable as refusal:
        return {**head, "cost_cycles": None, "failure": str(refusal)}
    assert best is not None
    took = {"search_seconds": time.perf_counter() - began, "processor_seconds": time.process_time() - busy}
    return {**head, **_figures(best), **took, "judged": model.judged, "failure": None}


def _figures(best: Candidate) -> Row:
    limits = bounds(best.schedule)
    gap = None if not best.bound else best.cycles / best.bound - 1
    return {
        "cost_cycles": best.cycles,
        "bound_cycles": limits.bound_cycles,
        "mapped_bound_cycles": limits.mapped_bound_cycles,
        "binding_resource": limits.binding_resource,
        "proved_cycles": best.bound,
        "gap_percent": None if gap is None else 100 * gap,
        "optimal": best.optimal,
        "fills_instructions": fills_instructions(best.schedule),
    }


def proved(row: Row) -> bool:
    """Whether a row's schedule is proved the cheapest of its space, or within a gap that counts as a proof."""
    gap = row.get("gap_percent")
    return bool(row.get("optimal")) or (gap is not None and gap <= CLOSE_PERCENT)


def fills_instructions(schedule: Schedule) -> bool:
    """Whether every call is of the instruction's full extents: the problem is large enough to fill the array."""
    return all(_full(nest) for nest in replay(schedule))


def _full(nest: Nest) -> bool:
    extents = {digit.name: digit.extent for digit in nest.digits}
    for lane, size in iterator_sizes(nest.call.instruction.semantics).items():
        covered = 1
        for name in nest.call.members(lane):
            covered *= extents[name]
        if covered < size:
            return False
    return True


def _silent(what: str, done: int, whole: int) -> None:
    del what, done, whole
