"""A bound as a cost model: what the busiest unit, port or dispatcher of a schedule works for, and nothing else.

    cycles = max over resources of the sum over statements of busy cycles

Fills, drains, latencies and waits are left out, so schedules differ by what they do, not by how they overlap it. Never
less than the bound for every program with the schedule's mappings. What does not belong here: estimates of what is left
out (``analytic.py``), bounds for all schedules of a kernel (``bounds.py``).
"""

from __future__ import annotations

import math

from isamapper.costmodels.analytic import estimate
from isamapper.costmodels.bounds import bounds
from isamapper.plan.homes import all_tensors, home_memory
from isamapper.plan.steps import Schedule, replay
from isamapper.plan.work import call_cycles


class Bounding:
    """The busiest resource of a schedule."""

    name = "bounds"

    def cycles(self, schedule: Schedule) -> float:
        """Its busy cycles; SourceError where a step cannot be replayed."""
        home, tensors = home_memory(schedule.machine), all_tensors(schedule.covered)
        busy: dict[str, float] = {}
        for nest in replay(schedule):
            outer = [digit for digit in nest.digits if digit.bound is None and digit.name not in nest.order]
            bound = tuple(digit for digit in nest.digits if digit.bound is not None)
            calls = call_cycles(nest.statement, nest.call, bound, frozenset(digit.iterator for digit in outer))
            repeated = math.prod(digit.extent for digit in outer)
            for resource, cycles in estimate(schedule.machine, tensors, home, nest, calls).busy:
                busy[resource] = busy.get(resource, 0.0) + repeated * cycles
        return max(float(bounds(schedule).mapped_bound_cycles), *busy.values(), 0.0)
