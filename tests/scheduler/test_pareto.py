"""Fronts of two objectives hold nothing that another beats; what was measured once is read."""

from __future__ import annotations

from pathlib import Path

import pytest

from isamapper import find_front, find_schedule
from isamapper.cli.main import main
from isamapper.costmodels.simulated import Simulated
from isamapper.plan.steps import Schedule
from isamapper.scheduler.campaign.remembered import remembered
from isamapper.scheduler.campaign.store import Store
from isamapper.scheduler.strategies.pareto import front

SIZES = {"M": 96, "N": 64, "K": 80}


def test_a_front_keeps_what_nothing_beats() -> None:
    assert front([(2, 2), (1, 3), (3, 1), (2, 3), (1, 3)]) == (1, 0, 2)


def test_a_front_of_schedules_has_the_best_of_both_and_nothing_beaten() -> None:
    points = find_front("gemm", "ws16", ("cycles", "footprint"), sizes=SIZES, strategy="beam")
    pairs = [(point.first, point.second) for point in points]
    assert (
        len(pairs) > 1
        and pairs == sorted(pairs)
        and [y for _, y in pairs] == sorted((y for _, y in pairs), reverse=True)
    )
    fast = find_schedule("gemm", "ws16", sizes=SIZES, strategy="beam")
    assert pairs[0][0] <= fast.cost_cycles
    for point in points:
        assert dict(point.quantities)["cycles"] == point.first == Simulated().cycles(point.schedule)


class Once:
    """A cost model that remembers what it was asked."""

    name = "simulated"

    def __init__(self) -> None:
        self.asked: list[Schedule] = []

    def cycles(self, schedule: Schedule) -> float:
        self.asked.append(schedule)
        return Simulated().cycles(schedule)


def test_nothing_is_measured_twice(tmp_path: Path) -> None:
    model, schedule = Once(), find_schedule("gemm", "ws16", sizes=SIZES, cost_model="analytic").schedule
    with Store(tmp_path / "kept.sqlite") as store:
        first = remembered(model, store).cycles(schedule)
    with Store(tmp_path / "kept.sqlite") as store:
        second = remembered(model, store)
        assert second.cycles(schedule) == first and (second.read, second.measured) == (1, 0)
    assert len(model.asked) == 1


def test_a_search_with_a_store_finds_the_same_again(tmp_path: Path) -> None:
    with Store(tmp_path / "kept.sqlite") as store:
        one = find_schedule("gemm", "ws16", sizes=SIZES, strategy="beam", store=store)
        kept = len(store)
        other = find_schedule("gemm", "ws16", sizes=SIZES, strategy="beam", store=store)
        assert (one.schedule, one.cost_cycles) == (other.schedule, other.cost_cycles) and len(store) == kept > 0


@pytest.mark.parametrize("words", ["cycles,", "cycles,cycles", "cycles,bytes,energy"])
def test_a_wrong_pair_of_objectives_is_the_users_mistake(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["schedule", "gemm", "--hw", "ws16", "--objective", words]) == 2
    assert "takes one word or two" in capsys.readouterr().err
