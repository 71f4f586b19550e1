"""A cost model that counts what it is asked, and ends a search that has had its share.

Budgets in candidates are comparable where budgets in seconds are not: on machines that do other things as well.
"""

from __future__ import annotations

from dataclasses import dataclass

from isamapper.plan.protocols import CostModel
from isamapper.plan.steps import Schedule


class Spent(Exception):
    """The share of a search is spent; the best so far has been yielded."""


@dataclass(slots=True)
class Counted:
    """``model`` asked ``limit`` times at most (None: without limit), but until ``may_end`` in any case.

    Whoever drives the search sets ``may_end`` with the first candidate: a search always has something to show.
    """

    model: CostModel
    name: str
    limit: int | None = None
    judged: int = 0
    may_end: bool = False

    @property
    def prices_rows(self) -> bool:
        """Whether costs are prices of rows, as the model says."""
        return bool(getattr(self.model, "prices_rows", False))

    def cycles(self, schedule: Schedule) -> float:
        """What the model says; :class:`Spent` where it has been asked often enough."""
        if self.may_end and self.limit is not None and self.judged >= self.limit:
            raise Spent
        self.judged += 1
        return self.model.cycles(schedule)


def counted(model: CostModel, limit: int | None = None) -> Counted:
    """``model`` under its own name, counted."""
    return Counted(model, model.name, limit)
