"""A start for strategies where operands pass several memories on chip: tiles chosen level by level.

Prices of such rows are rough, and the smallest tiles far from good ones; what ``levelwise.py`` builds is judged first.
What does not belong here: building it (``levelwise.py``, by way of ``candidates.py``).
"""

from __future__ import annotations

from collections import abc

from isamapper.diagnostics.source import Rejection
from isamapper.scheduler.space.candidates import ranked_candidates
from isamapper.scheduler.strategies.task import Improvement, Task

JUDGED = 8


def levelled(task: Task) -> abc.Iterator[Improvement]:
    """Improvements by nests whose tiles are chosen level by level; none with one level or where a decision is fixed."""
    if task.space.pins or task.objective or all(family.shape.levels <= 1 for family in task.space.families):
        return
    found = ranked_candidates(task.space.subject, task.deadline)
    for each in () if isinstance(found, Rejection) else found[:JUDGED]:
        before = task.best
        task.cost_of(each.nest)
        if task.best is not None and task.best is not before:
            yield task.best
        if task.late():
            return
