"""Schedules that no other beats in both of two objectives.

Searches for products of powers of the two, from all of the one to all of the other, each yield schedules on their way;
all of them are measured, and what another is at least as good as in both is left out. What does not belong here: what
objectives there are (``costmodels/objectives.py``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass

from isamapper.costmodels.objectives import Objective, between, measured, objective_weights, value_of
from isamapper.plan.protocols import CostModel, NotSchedulable, SearchProblem, SearchStrategy
from isamapper.plan.steps import Schedule
from isamapper.scheduler.clock import deadline_after, over, share

SHARES = (1.0, 0.0, 0.5, 0.75, 0.25, 0.9, 0.1)
"""Powers of the first objective, in the order in which they are searched: both ends first."""


@dataclass(frozen=True, slots=True)
class Point:
    """One schedule with both objectives and everything that was measured of it."""

    schedule: Schedule
    first: float
    second: float
    quantities: tuple[tuple[str, float], ...]


def front(points: abc.Sequence[tuple[float, float]]) -> tuple[int, ...]:
    """Numbers of the points that no other point beats: none is at most as large in both and smaller in one.

    In order of the first coordinate; of equal points the first is kept. O(n log n).
    """
    order = sorted(range(len(points)), key=lambda number: (points[number], number))
    kept: list[int] = []
    for number in order:
        if not kept or points[number][1] < points[kept[-1]][1]:
            kept.append(number)
    return tuple(kept)


def pareto(
    problem: SearchProblem,
    objectives: tuple[str, str],
    strategy: SearchStrategy,
    cost_model: CostModel,
    *,
    budget_seconds: float | None,
    seed: int,
) -> tuple[Point, ...]:
    """The front of two objectives by their names, least of the first before; NotSchedulable where there is nothing.

    ``cost_model`` judges where cycles alone count; anything else is measured on the simulated program.
    """
    one, other = (objective_weights(name) for name in objectives)
    deadline = deadline_after(budget_seconds)
    found: dict[Schedule, Point] = {}
    failure: NotSchedulable | None = None
    for turn, part in enumerate(SHARES):
        if found and over(deadline):
            break
        weights = between(*objectives, part)
        plain = weights == objective_weights("cycles")
        asked = SearchProblem(problem.kernel, problem.machine, problem.fixed, () if plain else weights)
        model = cost_model if plain else Objective(weights, " and ".join(objectives))
        seconds = _left(deadline, len(SHARES) - turn)
        try:
            for candidate in strategy(asked, model, budget_seconds=seconds, seed=seed):
                if candidate.schedule not in found:
                    quantities = measured(candidate.schedule)
                    both = value_of(quantities, one), value_of(quantities, other)
                    found[candidate.schedule] = Point(candidate.schedule, *both, tuple(quantities.items()))
        except NotSchedulable as error:
            failure = error
    if failure is not None and not found:
        raise failure
    points = tuple(found.values())
    return tuple(points[number] for number in front([(point.first, point.second) for point in points]))


def _left(deadline: float | None, parts: int) -> float | None:
    """Seconds of an equal share of what is left."""
    own, now = share(deadline, parts), deadline_after(0.0)
    return None if own is None or now is None else max(0.0, own - now)
