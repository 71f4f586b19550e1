"""A cost model that keeps what it has measured: a search that is begun again goes on where it was.

A result is found again by the texts it depends on: schedule, machine, cost model and version. What does not belong
here: the file (``store.py``).
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata

from isamapper.plan.protocols import CostModel
from isamapper.plan.steps import Schedule
from isamapper.plan.text import print_schedule
from isamapper.scheduler.campaign.store import Store, key_of


@dataclass(slots=True)
class Remembered:
    """``model``, asked only for what ``store`` does not have; ``read`` and ``measured`` count both."""

    model: CostModel
    store: Store
    name: str
    read: int = 0
    measured: int = 0

    @property
    def prices_rows(self) -> bool:
        """Whether costs are prices of rows, as the model says."""
        return bool(getattr(self.model, "prices_rows", False))

    def cycles(self, schedule: Schedule) -> float:
        """What the model says or once said; what cannot be lowered is asked again."""
        text = print_schedule(schedule)
        key = key_of("cycles", metadata.version("isamapper"), self.name, schedule.machine.digest, text)
        known = self.store.get(key)
        if known is not None:
            self.read += 1
            return float(known["cycles"])
        self.measured += 1
        cycles = self.model.cycles(schedule)
        asked = {"schedule": text, "machine": schedule.machine.name, "cost_model": self.name}
        self.store.put(key, asked, {"cycles": cycles})
        return cycles


def remembered(model: CostModel, store: Store) -> Remembered:
    """``model`` under its own name, its answers kept in ``store``."""
    return Remembered(model, store, model.name)
