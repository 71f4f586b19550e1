"""The strategy's promises: improving, deterministic, honest about what it cannot do, and in time."""

from __future__ import annotations

import pytest

from isamapper.costmodels.analytic import Analytic
from isamapper.costmodels.simulated import Simulated
from isamapper.hwdesc.loader import load_machine
from isamapper.ir.parser import parse_kernel
from isamapper.plan.protocols import NotSchedulable, SearchProblem
from isamapper.plan.steps import Schedule
from isamapper.plan.text import print_schedule
from isamapper.scheduler.strategies.heuristic import heuristic
from tests.scheduler.problems import assert_computes, small_kernel


@pytest.mark.parametrize(("name", "machine"), [("gemm", "gemmini16"), ("gemv", "avx512"), ("gemm_q", "vta")])
def test_candidates_improve_and_are_the_same_again(name: str, machine: str) -> None:
    problem = SearchProblem(small_kernel(name, machine), load_machine(machine))
    found = [tuple(heuristic(problem, Simulated(), budget_seconds=None, seed=7)) for _ in range(2)]
    cycles = [candidate.cycles for candidate in found[0]]
    assert cycles == sorted(set(cycles), reverse=True)
    assert [print_schedule(c.schedule) for c in found[0]] == [print_schedule(c.schedule) for c in found[1]]


def test_a_spent_budget_still_gives_a_schedule() -> None:
    problem = SearchProblem(small_kernel("lstm_cell", "gemmini16_f32"), load_machine("gemmini16_f32"))
    (found,) = heuristic(problem, Analytic(), budget_seconds=0.0, seed=0)
    assert_computes(found.schedule)


def test_a_spent_budget_asks_the_cost_model_less() -> None:
    class Counting(Analytic):
        asked = 0

        def cycles(self, schedule: Schedule) -> float:
            self.asked += 1
            return super().cycles(schedule)

    problem = SearchProblem(small_kernel("gemm", "avx512"), load_machine("avx512"))
    models = {budget: Counting() for budget in (0.0, None)}
    for budget, model in models.items():
        assert tuple(heuristic(problem, model, budget_seconds=budget, seed=0))
    assert models[0.0].asked < models[None].asked


def test_what_cannot_be_done_is_refused_with_a_reason() -> None:
    kernel = parse_kernel(
        "kernel k(a: i8[4], b: i8[4], d: i8[4]) -> (y: i8[4]) { for i < 4 { y[i] += a[i] * b[i] * d[i] } }"
    )
    with pytest.raises(NotSchedulable) as caught:
        tuple(heuristic(SearchProblem(kernel, load_machine("vta")), Analytic(), budget_seconds=None, seed=0))
    assert caught.value.rejections == () or all(each.reason for each in caught.value.rejections)


def test_const_operands_are_packed_offline_for_split_reductions() -> None:
    machine = load_machine("avx512")
    kernel = parse_kernel(
        "kernel k(a: u8[24, 32], const b: i8[32, 48]) -> (c: i32[24, 48])"
        " { for m < 24, n < 48, k < 32 { c[m, n] += i32(a[m, k]) * i32(b[k, n]) } }"
    )
    *_, best = heuristic(SearchProblem(kernel, machine), Simulated(), budget_seconds=None, seed=0)
    text = print_schedule(best.schedule)
    assert "vpdpbusd" in text and "prepare" in text
    assert_computes(best.schedule)


def test_an_operand_that_is_not_known_before_run_time_is_transposed_on_its_way_into_the_array() -> None:
    machine = load_machine("gemmini16")
    kernel = parse_kernel(
        "kernel k(a: i8[40, 50], b: i8[70, 50]) -> (c: i32[40, 70])"
        " { for m < 40, n < 70, k < 50 { c[m, n] += i32(a[m, k]) * i32(b[n, k]) } }"
    )
    *_, found = heuristic(SearchProblem(kernel, machine), Simulated(), budget_seconds=None, seed=0)
    text = print_schedule(found.schedule)
    assert "layout turned" in text
    assert "preload_transposed" in text
    assert "host_copy" not in text
    assert_computes(found.schedule)


def test_sums_that_are_added_to_are_fetched_while_the_tile_before_is_in_work() -> None:
    machine = load_machine("gemmini16")
    kernel = parse_kernel(
        "kernel k(a: i8[160, 16], b: i8[16, 160], c: inout i32[160, 160])"
        " { for m < 160, n < 160, k < 16 { c[m, n] += i32(a[m, k]) * i32(b[k, n]) } }"
    )
    *_, found = heuristic(SearchProblem(kernel, machine), Simulated(), budget_seconds=None, seed=0)
    assert "pipeline 0.0 acc" in print_schedule(found.schedule)
    assert found.cycles < 1.5 * 2 * 160 * 160 * 4 / 16  # c crosses the bus twice, 16 bytes a cycle
    assert_computes(found.schedule)
