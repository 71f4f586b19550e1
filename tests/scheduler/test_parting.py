"""Recurrences on the copies of a grid: every core keeps its part of the weights through all steps."""

from __future__ import annotations

import pytest

from isamapper.costmodels.simulated import Simulated
from isamapper.ir.parser import parse_kernel
from isamapper.pipeline import find_schedule
from isamapper.plan.lower import lower
from isamapper.plan.protocols import Candidate
from isamapper.plan.steps import Distribute, Place
from isamapper.sim.cores import phases
from isamapper.sim.timing import simulate
from tests.scheduler.problems import assert_computes
from tests.scheduler.test_spatial import candidates, quad

STATES = """
kernel states(h0: i8[B, H], const u: i8[G, H, H]) -> (h: i8[T+1, B, H])
  sizes T=5, B=2, H=24, G=2
{
  local a: i32[T, G, B, H]
  for b < B, j < H { h[0, b, j] = h0[b, j] }
  for t < T {
    for g < G, b < B, j < H, i < H { a[t, g, b, j] += i32(h[t, b, i]) * i32(u[g, i, j]) }
    for b < B, j < H { h[t+1, b, j] = i8(a[t, 0, b, j] + a[t, 1, b, j]) }
  }
}
"""


@pytest.fixture(scope="module")
def best() -> Candidate:
    return candidates(parse_kernel(STATES), quad())[-1]


def test_a_product_in_a_shared_loop_is_divided_and_its_weights_stay_in_parts(best: Candidate) -> None:
    divided = {step.statement for step in best.schedule.steps if isinstance(step, Distribute)}
    stays = [step for step in best.schedule.steps if isinstance(step, Place) and step.buffer.resident]
    assert divided and {step.statement for step in stays} & divided
    assert_computes(best.schedule)


def test_its_steps_are_timed_once_and_count_as_often_as_they_run(best: Candidate) -> None:
    program = lower(best.schedule)
    assert max(phase.times for phase in phases(program)) >= 4
    assert simulate(program).cycles == Simulated().cycles(best.schedule) == best.cycles


def test_it_is_faster_than_on_one_core(best: Candidate) -> None:
    alone = find_schedule(parse_kernel(STATES), "toy4").schedule
    assert best.cycles < simulate(lower(alone)).cycles
