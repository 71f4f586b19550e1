"""A spread trace: what the skipping engine steps, with the numbers and times that full expansion gives."""

from __future__ import annotations

import pytest

from isamapper.pipeline import find_schedule, schedule_program
from isamapper.plan.program import Program
from isamapper.sim import timing
from isamapper.sim.timing import simulate

pytest.importorskip("llvmlite")


@pytest.fixture(scope="module")
def program() -> Program:
    sizes = {"M": 160, "N": 48, "K": 64}
    return schedule_program(find_schedule("gemm", "toy4", sizes=sizes, cost_model="analytic").schedule)


def test_is_a_part_of_the_expanded_trace_with_its_first_and_last_invocations(program: Program) -> None:
    whole = simulate(program, engine="expanded", trace=True)
    spread = simulate(program, spread=True)
    assert spread == whole
    every = {event.number: event for event in whole.events}
    assert len(every) == whole.invocations
    numbers = [event.number for event in spread.events]
    assert numbers == sorted(set(numbers)) and (numbers[0], numbers[-1]) == (0, whole.invocations - 1)
    assert len(numbers) < whole.invocations
    assert all(event == every[event.number] for event in spread.events)


def test_keeps_the_first_and_the_last_where_there_is_no_room_for_all(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    stepped = [event.number for event in simulate(program, spread=True).events]
    monkeypatch.setattr(timing, "SPREAD_INVOCATIONS", 101)
    kept = [event.number for event in simulate(program, spread=True).events]
    assert kept == stepped[:51] + stepped[-50:]


@pytest.mark.parametrize("engine", ["reference", "event"])
def test_other_engines_keep_the_first(program: Program, engine: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(timing, "SPREAD_INVOCATIONS", 20)
    kept = [event.number for event in timing._run(timing.model(program), engine, 20, True).events]
    assert kept == list(range(20))
