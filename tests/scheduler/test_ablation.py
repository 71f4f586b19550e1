"""What each decision of a schedule is worth."""

from __future__ import annotations

import json

import pytest

from isamapper import find_schedule
from isamapper.cli.main import main
from isamapper.plan.lower import lower
from isamapper.scheduler.ablation import ablations, explained
from isamapper.sim.timing import simulate

SIZES = {"M": 48, "N": 48, "K": 48}


def test_decisions_are_measured_one_at_a_time() -> None:
    schedule = find_schedule("gemm", "gemmini16", sizes=SIZES).schedule
    cycles = simulate(lower(schedule)).cycles
    found = tuple(ablations(schedule))
    assert {"slots", "order"} <= {one.kind for one in found}
    weights = [one for one in found if one.kind == "slots" and "weights" in one.decision]
    assert weights and all(one.cycles is None or one.cycles > cycles for one in weights)
    assert all((one.cycles is None) == (one.reason is not None) for one in found)


def test_the_dearest_decisions_come_first_and_what_cannot_be_last() -> None:
    answer = explained(find_schedule("gemm", "gemmini16", sizes=SIZES).schedule)
    known = [one.cycles for one in answer.decisions if one.cycles is not None]
    assert known == sorted(known, reverse=True)
    assert [one.cycles is None for one in answer.decisions] == sorted(one.cycles is None for one in answer.decisions)


def test_the_runner_up_differs_in_steps_that_are_named() -> None:
    chosen = find_schedule("gemm", "toy4", sizes={"M": 8, "N": 8, "K": 8}).schedule
    other = find_schedule("gemm", "toy4", sizes={"M": 8, "N": 8, "K": 12}).schedule
    answer = explained(chosen, other)
    assert answer.runner_up_cycles == simulate(lower(other)).cycles
    assert answer.only_chosen and answer.only_runner_up
    assert not set(answer.only_chosen) & set(answer.only_runner_up)


def test_the_command_says_it_in_both_forms(capsys: pytest.CaptureFixture[str]) -> None:
    words = ["schedule", "gemm", "--hw", "toy4", "-s", "M=8,N=8,K=8", "--explain"]
    assert main(words) == 0
    assert "instead" in capsys.readouterr().out
    assert main([*words, "--format", "json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert {"decisions", "runner_up", "cycles", "units", "schedule"} <= set(answer)
