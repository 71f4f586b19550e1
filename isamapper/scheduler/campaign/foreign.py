"""A cost model of another package, whose every answer has to be a number."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import SupportsFloat

from isamapper.plan.protocols import CostModel
from isamapper.plan.steps import Schedule


class NoNumber(Exception):
    """What a cost model answered; no SourceError, which a search takes for a schedule that does not lower."""


@dataclass(slots=True)
class Foreign:
    """``model`` under the name it is registered by."""

    model: CostModel
    name: str

    @property
    def prices_rows(self) -> bool:
        """Whether costs are prices of rows, as the model says."""
        return bool(getattr(self.model, "prices_rows", False))

    def cycles(self, schedule: Schedule) -> float:
        """What the model says; :class:`NoNumber` where that is no finite number."""
        answer: object = self.model.cycles(schedule)
        if not isinstance(answer, SupportsFloat) or not math.isfinite(float(answer)):
            raise NoNumber(f"it answered {answer!r}, which is no number of cycles")
        return float(answer)
