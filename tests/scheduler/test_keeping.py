"""Chains of statements under sequential loops leave on chip what they hand on, whatever the kernel."""

from __future__ import annotations

import pytest

from isamapper import find_schedule, parse_kernel, parse_schedule, print_schedule, simulate, verify
from isamapper.diagnostics.source import Source
from isamapper.plan.lower import lower
from isamapper.plan.nest import KeptAxis
from isamapper.plan.steps import Place, Schedule

TWO_STATES_BACK = """
kernel back(x: f16[T, H]) -> (h: f16[T+2, H])
  sizes T=6, H=70
{
  local g: f16[T, H]
  for j < H { h[0, j] = x[0, j] }
  for j < H { h[1, j] = x[1, j] }
  for t < T {
    for j < H { g[t, j] = h[t+1, j] + h[t, j] }
    for j < H { h[t+2, j] = tanh(g[t, j]) * x[t, j] }
  }
}
"""

NESTED = """
kernel nested(x: f16[S, T, H], h0: f16[H]) -> (y: f16[S, H])
  sizes S=3, T=4, H=65
{
  local h: f16[S+1, T+1, H]
  for j < H { h[0, T, j] = h0[j] }
  for s < S {
    for j < H { h[s+1, 0, j] = h[s, T, j] }
    for t < T {
      for j < H { h[s+1, t+1, j] = h[s+1, t, j] + x[s, t, j] }
    }
    for j < H { y[s, j] = h[s+1, T, j] + x[s, 0, j] }
  }
}
"""

READ_LATER = """
kernel later(x: f16[T, H]) -> (h: f16[T+1, H], y: f16[T, H])
  sizes T=4, H=80
{
  for j < H { h[0, j] = x[0, j] }
  for t < T {
    for j < H { h[t+1, j] = h[t, j] + x[t, j] }
  }
  for t < T, j < H { y[t, j] = h[t+1, j] * x[t, j] }
}
"""


def kept(schedule: Schedule) -> dict[tuple[int, int], tuple[KeptAxis, ...]]:
    places = (step for step in schedule.steps if isinstance(step, Place) and step.buffer.kept)
    return {(step.statement, step.buffer.access): step.buffer.kept for step in places}


def found(text: str, machine: str = "brainwave", **sizes: int) -> Schedule:
    schedule = find_schedule(parse_kernel(text, sizes=sizes), machine).schedule
    assert verify(lower(schedule)).ok
    assert parse_schedule(Source("s", print_schedule(schedule))).steps == schedule.steps
    return schedule


def test_a_state_that_is_read_two_steps_later_takes_the_place_of_the_oldest() -> None:
    axes = kept(found(TWO_STATES_BACK))
    assert axes[2, 1] == axes[2, 2] == axes[0, 0]
    assert axes[2, 1][0] == KeptAxis(0, 1, 2, True)


def test_statements_of_nested_loops_find_what_others_left() -> None:
    schedule = found(NESTED)
    assert {statement for statement, _ in kept(schedule)} == {0, 1, 2, 3}


def test_a_tensor_that_is_read_after_the_loop_has_a_place_for_every_step() -> None:
    axes = kept(found(READ_LATER))
    assert (2, 1) not in axes or not axes[2, 1][0].rolls


@pytest.mark.parametrize("sizes", [{"T": 2}, {"H": 1}, {"H": 400}, {"T": 3, "H": 900}])
def test_sizes_at_the_edge(sizes: dict[str, int]) -> None:
    found(TWO_STATES_BACK, **sizes)


def test_time_does_not_grow_with_what_stays() -> None:
    few, many = (simulate(lower(found(TWO_STATES_BACK, T=steps))).cycles for steps in (20, 40))
    more = simulate(lower(found(TWO_STATES_BACK, T=60))).cycles
    assert more - many == many - few
