"""``random``: rows drawn independently, the honest baseline that every other strategy must beat."""

from __future__ import annotations

from collections import abc

import numpy as np

from isamapper.scheduler.strategies.exploring import strategy
from isamapper.scheduler.strategies.task import Improvement, Task

DRAWN = 64
"""Rows that are judged where no budget ends the search."""
ATTEMPTS = 4000
"""Rows that are drawn for them at most: most do not fit the memories."""


def explore(task: Task) -> abc.Iterator[Improvement]:
    """Judges one row after the other; rows that cannot fit are drawn again."""
    judged = 0
    for attempt in range(ATTEMPTS):
        if task.late() or (judged >= DRAWN and task.deadline is None):
            return
        family = int(task.generator.integers(len(task.space.families)))
        if not task.alive(family):
            continue
        row = task.space.random_rows(task.generator, family, 1)
        if not np.isfinite(task.prices(row).cycles[0]) and attempt < ATTEMPTS // 2:
            continue
        before = task.best
        judged += task.cost(row[0]) is not None
        if task.best is not None and task.best is not before:
            yield task.best


random = strategy(explore)
