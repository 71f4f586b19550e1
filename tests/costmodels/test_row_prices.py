"""Prices of rows: bounds hold, a nest costs what its row does, objectives are what they say."""

from __future__ import annotations

import numpy as np
import pytest

from isamapper.costmodels.objectives import Objective, measured, objective_weights
from isamapper.costmodels.simulated import Simulated
from isamapper.diagnostics.source import SourceError
from isamapper.ir.analysis import statements
from isamapper.mapper.covers.alternatives import Alternative
from isamapper.pipeline import find_schedule, resolve
from isamapper.plan.nest import Nest
from isamapper.plan.protocols import SearchProblem
from isamapper.scheduler.statements.equivalents import equivalents
from isamapper.scheduler.strategies.exploring import space_of
from isamapper.scheduler.strategies.moves import smallest
from isamapper.scheduler.strategies.task import Task


def task(machine: str) -> Task:
    kernel, target = resolve("gemm", machine, sizes={"M": 70, "N": 40, "K": 96})
    problem = SearchProblem(kernel, target)
    chosen: Alternative = next(iter(equivalents(kernel, target)))
    space = space_of(problem, chosen, statements(chosen.kernel)[0], None)
    return Task(space, Simulated(), np.random.default_rng(1))


@pytest.mark.parametrize("machine", ["gemmini16", "ws16"])
def test_busy_times_are_below_simulated_cycles(machine: str) -> None:
    searched = task(machine)
    families = [place for place in range(len(searched.space.families)) if searched.alive(place)][:2]
    judged = 0
    for place in families:
        rows = searched.space.random_rows(searched.generator, place, 12)
        found = searched.space.priced(rows)
        for row, least, cycles in zip(rows, found.least, found.cycles, strict=True):
            simulated = searched.cost(row) if np.isfinite(cycles) else None
            if simulated is not None:
                judged += 1
                assert least <= simulated
    assert judged > 4


def test_rows_are_counted_printed_and_decoded() -> None:
    searched = task("ws16")
    space, family = searched.space, next(p for p in range(len(searched.space.families)) if searched.alive(p))
    rows = space.random_rows(np.random.default_rng(0), family, 3)
    assert space.count() > 10**5
    assert space.words(rows[0]).startswith(space.families[family].title())
    assert rows.dtype == np.int64 and rows.shape == (3, space.width)
    assert isinstance(space.decoded(rows[0]), Nest)


def test_fewer_bytes_where_bytes_count() -> None:
    sizes = {"M": 128, "N": 64, "K": 96}
    fast = find_schedule("gemm", "ws16", sizes=sizes).schedule
    small = find_schedule("gemm", "ws16", sizes=sizes, objective="bytes", budget_seconds=3.0).schedule
    assert measured(small)["bytes"] <= measured(fast)["bytes"]
    assert Objective(objective_weights("bytes")).cycles(small) == pytest.approx(measured(small)["bytes"], rel=1e-6)


def test_energies_that_are_not_given_are_an_error() -> None:
    with pytest.raises(SourceError, match="gives no energies"):
        find_schedule("gemm", "ws16", objective="edp")
    with pytest.raises(SourceError, match="unknown objective"):
        find_schedule("gemm", "ws16", objective="speed")


def test_calls_are_priced_at_their_own_size() -> None:
    kernel, target = resolve("gemm", "toy4", sizes={"M": 6, "N": 5, "K": 7})
    chosen: Alternative = next(iter(equivalents(kernel, target)))
    space = space_of(SearchProblem(kernel, target), chosen, statements(chosen.kernel)[0], None)
    searched, seen = Task(space, Simulated(), np.random.default_rng(1)), 0
    for place, family in enumerate(space.families):
        if family.shape.levels == 0 and not family.relaid and searched.alive(place):
            row = smallest(space, place)[:1]
            found, simulated = space.priced(row), searched.cost(row[0])
            assert simulated is not None and found.least[0] <= simulated
            assert 0.7 * simulated <= found.cycles[0] <= 1.1 * simulated
            seen += 1
    assert seen
