"""The simulator as a cost model: lower the schedule and count cycles."""

from __future__ import annotations

from isamapper.plan.lower import lower
from isamapper.plan.steps import Schedule
from isamapper.sim.timing import simulate


class Simulated:
    """Exact cycles of the lowered program (DESIGN section 7 timing)."""

    name = "simulated"

    def cycles(self, schedule: Schedule) -> float:
        """Simulated cycles; SourceError where the schedule does not lower."""
        return float(simulate(lower(schedule)).cycles)
