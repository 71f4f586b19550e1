"""The cost model that remembers the cheapest schedules it was asked about."""

from __future__ import annotations

from dataclasses import replace

from isamapper.costmodels.simulated import Simulated
from isamapper.pipeline import find_schedule
from isamapper.plan.lower import lower
from isamapper.plan.steps import Schedule
from isamapper.scheduler.campaign.noted import Noted
from isamapper.sim.timing import simulate


def test_a_search_that_yields_one_schedule_has_a_runner_up_all_the_same() -> None:
    search = find_schedule("gemm", "toy4", sizes={"M": 16, "N": 16, "K": 16})
    other = search.runner_up
    assert other is not None
    assert (other.covered, other.steps != search.schedule.steps) == (search.schedule.covered, True)
    assert simulate(lower(other)).cycles > 0


def test_the_cheapest_other_schedule_of_the_same_kernel_is_the_runner_up() -> None:
    search = find_schedule("gemm", "toy4", sizes={"M": 8, "N": 8, "K": 8})
    chosen = search.schedule
    partial = replace(chosen.kernel, name="part")
    costs = {"chosen": 5.0, "dear": 9.0, "near": 6.0}

    class Given:
        name = "given"

        def cycles(self, schedule: Schedule) -> float:
            return 1.0 if schedule.covered.name == "part" else costs[labels[schedule.steps]]

    near, dear = replace(chosen, steps=chosen.steps[1:]), replace(chosen, steps=chosen.steps[2:])
    labels = {chosen.steps: "chosen", near.steps: "near", dear.steps: "dear"}
    noted = Noted(Given())
    assert noted.runner_up(chosen) is None
    for schedule in (dear, chosen, near, Schedule(partial, partial, chosen.machine, ())):
        noted.cycles(schedule)
    assert noted.runner_up(chosen) == near
    assert (noted.name, Noted(Simulated()).prices_rows) == ("given", False)
