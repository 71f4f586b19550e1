"""Operands that stay on chip through the steps of a recurrence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from isamapper import find_schedule, parse_kernel, parse_schedule, print_schedule, simulate, verify
from isamapper.costmodels.simulated import Simulated
from isamapper.diagnostics.source import Source, SourceError
from isamapper.plan.lower import lower
from isamapper.plan.nest import Buffer
from isamapper.plan.steps import Place, Schedule
from isamapper.scheduler.improving.residency import with_residents

POWERS = """
kernel powers(h0: f32[B, H], const u: f32[H, H]) -> (h: f32[T+1, B, H])
  sizes T=6, B=16, H=64
{
  local a: f32[T, B, H]
  for b < B, j < H { h[0, b, j] = h0[b, j] }
  for t < T {
    for b < B, j < H, i < H { a[t, b, j] += h[t, b, i] * u[i, j] }
    for b < B, j < H { h[t+1, b, j] = a[t, b, j] }
  }
}
"""


def residents(schedule: Schedule) -> list[Buffer]:
    return [step.buffer for step in schedule.steps if isinstance(step, Place) and step.buffer.resident]


@pytest.fixture(scope="module")
def found() -> Schedule:
    return find_schedule(parse_kernel(POWERS), "gemmini16_f32").schedule


def test_weights_of_a_recurrence_are_fetched_once(found: Schedule) -> None:
    stay = residents(found)
    assert [buffer.memory for buffer in stay][:1] == ["spad"]
    fetched = replace(found, steps=tuple(_fetched(step) for step in found.steps))
    ours, theirs = simulate(lower(found)), simulate(lower(fetched))
    assert ours.cycles < theirs.cycles
    weights = 64 * 64 * 4
    assert _read(theirs) - _read(ours) == (6 - 1) * weights


def _fetched(step: object) -> object:
    if isinstance(step, Place) and step.buffer.resident:
        return replace(step, buffer=replace(step.buffer, resident=False))
    return step


def _read(timeline: object) -> int:
    return int(timeline.to_dict()["bytes"]["dram"]["read"])  # type: ignore[attr-defined]


def test_programs_with_what_stays_are_verified_and_read_back(found: Schedule) -> None:
    assert verify(lower(found)).ok
    text = print_schedule(found)
    assert " resident " in text
    assert parse_schedule(Source("s", text)).steps == found.steps


def test_what_does_not_fit_goes_on_being_fetched() -> None:
    kernel = parse_kernel(POWERS, sizes={"H": 512, "B": 16, "T": 2})  # a MiB of weights, a quarter of that on chip
    found = find_schedule(kernel, "gemmini16_f32").schedule
    assert not residents(found)


def test_kernels_without_shared_loops_stay_as_they_are() -> None:
    found = find_schedule("gemm", "gemmini16", sizes={"M": 32, "N": 32, "K": 32}).schedule
    assert with_residents(found, Simulated()) is found


@pytest.mark.parametrize(
    ("access", "reason"),
    [(1, "depends on the shared loop 't'|statements fill it"), (0, "it is written there|statements fill it")],
)
def test_what_changes_from_step_to_step_cannot_stay(found: Schedule, access: int, reason: str) -> None:
    steps = tuple(
        replace(step, buffer=replace(step.buffer, loop=None, slots=1, resident=True))
        if isinstance(step, Place) and step.statement == 1 and step.buffer.access == access
        else step
        for step in found.steps
    )
    with pytest.raises(SourceError, match=reason):
        lower(replace(found, steps=steps))


def test_weights_that_are_packed_offline_stay_as_well() -> None:
    schedule = find_schedule("rnn_skip", "brainwave", sizes={"T": 4, "B": 1, "H": 64}).schedule
    assert any(step.buffer.prepared for step in schedule.steps if isinstance(step, Place))
    assert [buffer.memory for buffer in residents(schedule)] == ["mrf", "vrf"]
    assert verify(lower(schedule)).ok
