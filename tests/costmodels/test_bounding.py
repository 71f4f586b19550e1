"""The bound as a cost model: never above the simulator, and blind to what overlaps."""

from __future__ import annotations

from isamapper import lower, simulate
from isamapper.costmodels.bounding import Bounding
from isamapper.costmodels.bounds import bounds
from isamapper.pipeline import find_schedule

SIZES = {"M": 13, "N": 9, "K": 21}


def test_no_program_takes_less() -> None:
    schedule = find_schedule("gemm", "toy4", sizes=SIZES, cost_model="analytic").schedule
    cycles = Bounding().cycles(schedule)
    assert bounds(schedule).mapped_bound_cycles <= cycles <= simulate(lower(schedule)).cycles
