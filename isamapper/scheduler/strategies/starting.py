"""A start for every strategy but the baseline: the first few nests that the heuristic would judge.

So a strategy spends its time on doing better than that. Where operands pass several memories on chip, prices of rows
are rough, and the smallest tiles far from good ones: there the start is what is built level by level.
What does not belong here: building nests (by way of ``candidates.py``) and choosing among them (``judging.py``).
"""

from __future__ import annotations

from collections import abc

from isamapper.diagnostics.source import Rejection
from isamapper.plan.nest import Nest
from isamapper.scheduler.improving.judging import judge
from isamapper.scheduler.space.candidates import prospects_of, ranked_candidates
from isamapper.scheduler.strategies.task import Improvement, Task

JUDGED = 8
"""Nests with several levels of tiles that are judged."""
STARTED = 3
"""Nests with one level of tiles that are judged."""


def started(task: Task) -> abc.Iterator[Improvement]:
    """Improvements by what the heuristic would judge first; none where a decision is fixed or cycles do not count."""
    if task.space.pins or task.objective:
        return
    if any(family.shape.levels > 1 for family in task.space.families):
        yield from _levelled(task)
        return
    found = prospects_of(task.space.subject, task.deadline)
    if isinstance(found, Rejection):
        return

    def cycles_of(nest: Nest) -> float | None:
        return task.cost_of(nest)

    judge(found, cycles_of, STARTED, 0.0, task.late)
    if task.best is not None:
        yield task.best


def _levelled(task: Task) -> abc.Iterator[Improvement]:
    found = ranked_candidates(task.space.subject, task.deadline)
    for each in () if isinstance(found, Rejection) else found[:JUDGED]:
        before = task.best
        task.cost_of(each.nest)
        if task.best is not None and task.best is not before:
            yield task.best
        if task.late():
            return
