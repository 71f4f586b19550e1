"""A cost model that is asked once about every schedule: the best nest of one statement is often the whole schedule."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from isamapper.plan.protocols import CostModel
from isamapper.plan.steps import Schedule, Step

_Key: TypeAlias = tuple[int, int, int, tuple[Step, ...]]


@dataclass
class Known:
    """``model``, asked only for what it has not been asked yet: kernels and machines are told apart by identity."""

    model: CostModel
    found: dict[_Key, tuple[float, Schedule]] = field(default_factory=dict)
    name: str = field(init=False)

    def __post_init__(self) -> None:
        self.name = self.model.name

    def cycles(self, schedule: Schedule) -> float:
        """What the model says."""
        key = id(schedule.kernel), id(schedule.covered), id(schedule.machine), schedule.steps
        if key not in self.found:
            self.found[key] = self.model.cycles(schedule), schedule
        return self.found[key][0]
