"""Recurrences on the copies of a grid: every core keeps its part of the weights through all steps."""

from __future__ import annotations

import pytest

from isamapper.costmodels.simulated import Simulated
from isamapper.hwdesc.loader import load_machine
from isamapper.ir.parser import parse_kernel
from isamapper.pipeline import find_schedule, verify
from isamapper.plan.lower import lower
from isamapper.plan.protocols import Candidate
from isamapper.plan.steps import Distribute, Place
from isamapper.scheduler.improving.following import followers
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


GATES = """
kernel gates(x: f32[T, B, H], h0: fp8_e4m3[B, H], const u: fp8_e4m3[G, H, H]) -> (h: fp8_e4m3[T+1, B, H])
  sizes T=30, B=1, H=256, G=2
{
  local a: f32[T, G, B, H]
  local r: f32[T, B, H]
  for b < B, j < H { h[0, b, j] = h0[b, j] }
  for t < T {
    for g < G, b < B, j < H, i < H { a[t, g, b, j] += f32(h[t, b, i]) * f32(u[g, i, j]) }
    for b < B, j < H { r[t, b, j] = sigmoid(x[t, b, j] + a[t, 0, b, j]) }
    for b < B, n < H { h[t+1, b, n] = fp8_e4m3(r[t, b, n] * tanh(x[t, b, n] + a[t, 1, b, n])) }
  }
}
"""


@pytest.fixture(scope="module")
def gates() -> Candidate:
    machine = load_machine("plasticine_rnn")
    return candidates(parse_kernel(GATES), machine)[-1]


def test_statements_behind_a_product_go_on_with_its_parts(gates: Candidate) -> None:
    divided = {step.statement for step in gates.schedule.steps if isinstance(step, Distribute)}
    kept = {step.statement for step in gates.schedule.steps if isinstance(step, Place) and step.buffer.kept}
    assert len(divided) >= 6 and len(kept & divided) >= 5
    assert verify(lower(gates.schedule)).ok


def test_cores_meet_once_in_a_step_where_each_goes_on_with_its_own(gates: Candidate) -> None:
    steps = [phase for phase in phases(lower(gates.schedule)) if phase.times > 1]
    assert len(steps) == 1 and steps[0].cores > 1


def test_who_follows_is_found_by_what_is_handed_on_whatever_iterators_are_called() -> None:
    kernel = parse_kernel(GATES)
    assert dict(followers(kernel, 1)) == {"j": {2: "j", 3: "n"}, "g": {}}
