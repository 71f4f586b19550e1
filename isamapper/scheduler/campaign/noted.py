"""A cost model that remembers the cheapest schedules it was asked about: the runner-up of a search is among them.

What does not belong here: answering twice at once (``known.py``), keeping answers for good (``remembered.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from isamapper.ir.nodes import Kernel
from isamapper.plan.protocols import CostModel
from isamapper.plan.steps import Schedule

KEPT = 3
"""Schedules that are remembered of a kernel: the chosen one may be there twice, with other names."""


@dataclass
class Noted:
    """``model``; kernels are told apart by identity, which is why they are kept."""

    model: CostModel
    name: str = field(init=False)
    best: dict[int, tuple[Kernel, list[tuple[float, Schedule]]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.name = self.model.name

    @property
    def prices_rows(self) -> bool:
        """Whether costs are prices of rows, as the model says."""
        return bool(getattr(self.model, "prices_rows", False))

    def cycles(self, schedule: Schedule) -> float:
        """What the model says."""
        cycles = self.model.cycles(schedule)
        kept = self.best.setdefault(id(schedule.covered), (schedule.covered, []))[1]
        if len(kept) < KEPT or cycles < kept[-1][0]:
            kept[:] = sorted([*kept, (cycles, schedule)], key=lambda each: each[0])[:KEPT]
        return cycles

    def runner_up(self, chosen: Schedule) -> Schedule | None:
        """The cheapest other schedule of the kernel that ``chosen`` covers; None where nothing else was asked about."""
        others = [
            (cycles, schedule)
            for covered, kept in self.best.values()
            if covered == chosen.covered
            for cycles, schedule in kept
            if schedule.steps != chosen.steps
        ]
        return min(others, key=lambda each: each[0])[1] if others else None
