"""Terms of prices, each on the schedules that showed it: prices stay close to simulated cycles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from isamapper.costmodels.analytic import Analytic
from isamapper.costmodels.limits import front_end_cycles, port_beats
from isamapper.costmodels.simulated import Simulated
from isamapper.hwdesc.loader import load_machine
from isamapper.ir.analysis import statements
from isamapper.pipeline import resolve
from isamapper.plan.protocols import SearchProblem
from isamapper.plan.steps import Schedule
from isamapper.scheduler.statements.equivalents import equivalents
from isamapper.scheduler.strategies.exploring import space_of
from isamapper.scheduler.strategies.heuristic import heuristic


class Seen:
    """The simulator, which keeps what it was asked for."""

    name = "simulated"

    def __init__(self) -> None:
        self.asked: dict[str, tuple[Schedule, float]] = {}

    def cycles(self, schedule: Schedule) -> float:
        cycles = Simulated().cycles(schedule)
        self.asked[str(schedule)] = schedule, cycles
        return cycles


@pytest.mark.parametrize(
    ("sizes", "least", "most"),
    [
        ({"M": 64, "N": 64, "K": 64}, 0.85, 1.15),  # sums that have just begun, last drains
        ({"M": 512, "N": 1, "K": 256}, 0.75, 1.15),  # registers loaded anew for every call
    ],
)
def test_prices_are_close_to_what_finalists_take(sizes: dict[str, int], least: float, most: float) -> None:
    seen = Seen()
    for _ in heuristic(SearchProblem(*resolve("gemm", "gemmini16", sizes=sizes)), seen, budget_seconds=None, seed=0):
        pass
    ratios = [Analytic().cycles(schedule) / cycles for schedule, cycles in seen.asked.values()]
    assert len(ratios) >= 4
    assert least <= min(ratios) and max(ratios) <= most


def test_a_layout_copy_is_not_counted_twice() -> None:
    kernel, target = resolve("gemm", "gemmini16", sizes={"M": 64, "N": 64, "K": 64})
    chosen = next(iter(equivalents(kernel, target)))
    space = space_of(SearchProblem(kernel, target), chosen, statements(chosen.kernel)[0], None)
    family = next(
        place for place, each in enumerate(space.families) if each.shape.levels == 1 and len(each.shape.relays) > 0
    )
    rows = space.random_rows(np.random.default_rng(0), family, 64)
    found = space.priced(rows).cycles
    own = space.families[family].shape
    free = space_of(SearchProblem(kernel, target), chosen, statements(chosen.kernel)[0], None)
    bare = replace(free.families[family], shape=replace(own, relays=()))
    plain = replace(free, families=(*free.families[:family], bare, *free.families[family + 1 :])).priced(rows).cycles
    fits = np.isfinite(found)
    assert fits.any()
    assert np.all(found[fits] <= (plain + own.relay_cycles + found * 0.02)[fits])


def test_ports_have_clocks_and_bursts_of_their_own() -> None:
    memory = load_machine("toy4").memory("dram")
    port = memory.ports[0]
    slow = replace(memory, ports=(replace(port, burst_bytes=64),))
    assert port_beats(memory, False, 16.0) == ("dram.bus", 2.0)
    assert port_beats(slow, False, 16.0) == ("dram.bus", 8.0)


def test_long_instructions_keep_the_front_end() -> None:
    machine = load_machine("toy4")
    copy = machine.instruction("mvin")
    assert front_end_cycles(machine, copy) == 1.0
    assert front_end_cycles(machine, replace(copy, issue_cycles=3)) == 3.0
