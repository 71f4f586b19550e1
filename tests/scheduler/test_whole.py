"""Operands that lie on chip as a whole while the others come in tiles."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from isamapper.costmodels.analytic import Analytic
from isamapper.costmodels.simulated import Simulated
from isamapper.diagnostics.source import Diagnostic, SourceError
from isamapper.ir.analysis import statements
from isamapper.pipeline import resolve
from isamapper.plan.fixed import Fixed, Pin
from isamapper.plan.nest import Nest
from isamapper.plan.protocols import SearchProblem
from isamapper.plan.steps import Schedule, replay, steps_of
from isamapper.scheduler.space.family import Family
from isamapper.scheduler.space.space import StatementSpace
from isamapper.scheduler.statements.equivalents import equivalents
from isamapper.scheduler.statements.isolate import isolated
from isamapper.scheduler.strategies.beaming import beam
from isamapper.scheduler.strategies.exploring import space_of
from isamapper.scheduler.strategies.heuristic import heuristic
from tests.scheduler.problems import assert_computes

INT8 = {"TA": "i8", "TB": "i8", "TC": "i32"}


@cache
def space(machine: str, m: int, n: int, k: int) -> StatementSpace:
    kernel, target = resolve("gemm", machine, sizes={"M": m, "N": n, "K": k}, types=INT8)
    chosen = next(iter(equivalents(kernel, target)))
    return space_of(SearchProblem(kernel, target), chosen, statements(chosen.kernel)[0], None)


def whole_families(own: StatementSpace) -> list[tuple[int, Family]]:
    return [(place, family) for place, family in enumerate(own.families) if family.whole]


def schedule_of(own: StatementSpace, nest: Nest) -> Schedule:
    subject = own.subject
    kernel, moved = isolated(subject.tensors, nest, subject.shared, subject.fresh)
    return Schedule(kernel, kernel, subject.machine, steps_of(moved))


def test_one_operand_is_whole_and_what_no_loop_brings_again_is_not() -> None:
    found = {tuple(sorted(family.whole)) for _, family in whole_families(space("toy4", 12, 8, 20))}
    assert found == {(0,), (1,), (2,)}
    column = {tuple(sorted(family.whole)) for _, family in whole_families(space("gemmini16", 320, 1, 128))}
    assert column == {(0,), (2,)}  # every loop moves the matrix


def test_what_does_not_fit_is_not_whole() -> None:
    found = {tuple(sorted(family.whole)) for _, family in whole_families(space("toy4", 12, 8, 2000))}
    assert found == {(0,)}


@pytest.mark.parametrize("machine", ["toy4", "gemmini16"])
def test_rows_with_whole_operands_hold_them_before_all_loops_and_compute(machine: str) -> None:
    own, generator, seen = space(machine, 20, 18, 34), np.random.default_rng(3), 0
    for place, family in whole_families(own)[::6]:
        for row in own.random_rows(generator, place, 3):
            nest = own.decoded(row)
            if isinstance(nest, Nest):
                (access,) = family.whole
                held = next(buffer for buffer in nest.path(access) if buffer.memory != own.subject.home)
                assert held.loop is None and held.slots == 1
                seen += 1
                if seen % 8 == 0:
                    assert_computes(schedule_of(own, nest))
    assert seen > 5


@pytest.mark.parametrize("machine", ["toy4", "gemmini16"])
def test_no_row_is_simulated_below_its_floor_and_prices_are_read_off(machine: str) -> None:
    own, generator, seen = space(machine, 50, 4, 66), np.random.default_rng(5), 0
    for place, _ in whole_families(own)[::6]:
        rows = own.random_rows(generator, place, 5)
        found = own.priced(rows)
        for row, price, least in zip(rows, found.cycles, found.least, strict=True):
            nest = own.decoded(row) if np.isfinite(price) else None
            if isinstance(nest, Nest):
                schedule = schedule_of(own, nest)
                assert Simulated().cycles(schedule) >= least
                assert Analytic().cycles(schedule) >= least
                seen += 1
    assert seen > 10


def test_a_matrix_times_a_vector_keeps_the_vector_or_the_result() -> None:
    """Small tiles of the matrix leave little to do before the first and after the last of them."""
    kernel, target = resolve("gemm_acc", "gemmini16", sizes={"M": 1536, "N": 1, "K": 512}, types=INT8)
    *_, best = heuristic(SearchProblem(kernel, target), Simulated(), budget_seconds=None, seed=0)
    moved = (1536 * 512 + 512 + 2 * 4 * 1536) / 16
    assert best.cycles <= moved * 1.02
    (nest,) = replay(best.schedule)
    assert any(buffer.loop is None for access in (0, 2) for buffer in nest.path(access))


def test_what_is_whole_can_be_fixed() -> None:
    kernel, target = resolve("gemm", "gemmini16", sizes={"M": 64, "N": 48, "K": 96}, types=INT8)
    for wanted in ((0,), (2,), ()):
        fixed = Fixed(0, (Pin("whole", "", wanted),))
        problem = SearchProblem(kernel, target, fixed=fixed)
        *_, best = beam(problem, Analytic(), budget_seconds=None, seed=0)
        assert best.cycles > 0
    with pytest.raises(SourceError) as caught:
        fixed = Fixed(0, (Pin("whole", "", (7,)),))
        list(beam(SearchProblem(kernel, target, fixed=fixed), Analytic(), budget_seconds=None, seed=0))
    (finding,) = caught.value.diagnostics
    assert isinstance(finding, Diagnostic) and finding.code == "FIX003" and "whole" in finding.message
