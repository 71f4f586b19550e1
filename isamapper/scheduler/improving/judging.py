"""Which prospects the cost model judges, and when that is enough.

Estimates err alike for nests that are alike. So a prospect is expected to take its estimate times how far those of
judged nests like it were off, the nearer the more; far from all of them as far as the luckiest one, or not at all where
all of them took longer. The next to be judged is what is expected to take least; the first of all, among equals, what
moves fewest bytes.

What does not belong here: where prospects come from (``ranking.py``) and how a nest is judged (``heuristic.py``).
"""

from __future__ import annotations

import math
from collections import abc
from dataclasses import dataclass
from itertools import islice

from isamapper.diagnostics.source import Rejection
from isamapper.plan.nest import Nest
from isamapper.scheduler.space.found import Prospect

EQUAL = 0.02
"""Estimates that differ by less than this part say little about which is better: fewest bytes come first."""
TIE = 0.003
"""Judged cycles that differ by less than this part are as good: fewer bytes decide. A prospect must be expected to gain
as much."""
NEAR_LEAST = 0.005
"""How much more than what nothing undercuts is good enough."""
ROOM = 0.02
"""How much more is enough to go on, whatever is expected."""
FAR, TOO_FAR = 0.02, 0.5
"""Where all that was judged takes more by such a part, estimates are of little use, and others may do better; beyond it
something binds that no estimate knows, and others wait for it, too."""
REACH = 0.7
FAITH = 2.0
"""How fast likeness fades with distance, and how much the luckiest nest weighs for one that is like none."""
OTHER_WAYS = 3
"""So many ways that none was judged of get one nest judged at the end, where they seem better than what was found."""
MISSES = 40
"""After so many prospects that cannot be judged no more are tried."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A nest with the cycles that the cost model says, and the bytes it is thought to move."""

    cycles: float
    bytes_moved: float
    nest: Nest


@dataclass(slots=True)
class _Waiting:
    """A prospect with the errors of those judged: the sum of their weights, and of the errors times these."""

    prospect: Prospect
    weight: float = 0.0
    error: float = 0.0

    def expected(self, errors: abc.Sequence[float]) -> float:
        """Cycles that it will take, as far as is known from the errors of all that were judged."""
        luck = min([*errors, 1.0])
        return self.prospect.estimated_cycles * (FAITH * luck + self.error) / (FAITH + self.weight)


def judge(
    prospects: abc.Sequence[Prospect],
    cycles_of: abc.Callable[[Nest], float | None],
    count: int,
    slack_cycles: float,
    late: abc.Callable[[], bool],
    least: float = 0.0,
    most: int = 0,
) -> list[Judged]:
    """Up to ``count`` judged nests; fewer where no other is expected to be better than one that is good already.

    Up to ``most`` where all that was judged is far from ``least``.

    ``cycles_of`` gives the cycles of a nest, None where it cannot be lowered; once ``late``, one is enough. Beginnings
    and ends are never known better than ``slack_cycles``; nothing takes fewer than ``least``.
    """
    waiting, found, misses = [_Waiting(each) for each in prospects], list[Judged](), 0
    errors, ways = list[float](), set[tuple[object, ...]]()
    least = max(least, min((each.least_cycles for each in prospects), default=0.0))
    while waiting and misses < MISSES and not (found and late()):
        following, expected = _next(waiting, errors)
        best = min((each.cycles for each in found), default=math.inf)
        if len(found) >= (max(count, most) if least * (1 + FAR) < best < least * (1 + TOO_FAR) else count):
            break
        if expected - slack_cycles >= best * (1 - TIE) and not 0 < least * (1 + ROOM) < best < math.inf:
            break
        prospect, nest = following.prospect, following.prospect.nest
        waiting = [each for each in waiting if not _twins(each.prospect, prospect)]
        cycles = None if isinstance(nest, Rejection) else cycles_of(nest)
        if cycles is None or isinstance(nest, Rejection):
            misses += 1
            continue
        found.append(Judged(cycles, prospect.bytes_moved, nest))
        ways.add((prospect.way, prospect.lanes))
        if cycles <= least * (1 + NEAR_LEAST):
            return found
        errors.append(_learned(waiting, prospect, cycles))
    return found if late() else [*found, *_of_other_ways(waiting, found, ways, cycles_of)]


def _of_other_ways(
    waiting: abc.Sequence[_Waiting],
    found: abc.Sequence[Judged],
    ways: abc.Set[tuple[object, ...]],
    cycles_of: abc.Callable[[Nest], float | None],
) -> abc.Iterator[Judged]:
    """The best of the first few ways that none was judged of, where their own estimates say less than was found.

    How far estimates are off for one way says nothing of another: other lanes, or layout copies where there were none.
    """
    best = min((each.cycles for each in found), default=math.inf)
    others: dict[tuple[object, ...], Prospect] = {}
    for prospect in sorted((each.prospect for each in waiting), key=lambda each: each.estimated_cycles):
        if (prospect.way, prospect.lanes) not in ways and prospect.estimated_cycles < best * (1 - TIE) < math.inf:
            others.setdefault((prospect.way, prospect.lanes), prospect)
    for prospect in islice(others.values(), OTHER_WAYS):
        nest = prospect.nest
        cycles = None if isinstance(nest, Rejection) else cycles_of(nest)
        if cycles is not None and not isinstance(nest, Rejection):
            yield Judged(cycles, prospect.bytes_moved, nest)


def _next(waiting: abc.Sequence[_Waiting], errors: abc.Sequence[float]) -> tuple[_Waiting, float]:
    """What is expected to take least; at first what moves fewest bytes among those that are as good."""
    expected = [each.expected(errors) for each in waiting]
    best = min(expected)
    if errors:
        return waiting[expected.index(best)], best
    equal = [place for place, cycles in enumerate(expected) if cycles <= best * (1 + EQUAL)]
    chosen = min(equal, key=lambda place: (waiting[place].prospect.bytes_moved, expected[place]))
    return waiting[chosen], expected[chosen]


def _twins(one: Prospect, other: Prospect) -> bool:
    """Whether two prospects differ in names only, such as rows and columns of a square image."""
    if one is other:
        return True
    same = (one.estimated_cycles, one.bytes_moved) == (other.estimated_cycles, other.bytes_moved)
    return same and one.traits == other.traits


def _learned(waiting: abc.Sequence[_Waiting], prospect: Prospect, cycles: float) -> float:
    """Tells those waiting how far the estimate of ``prospect`` was off, and returns it."""
    error = cycles / prospect.estimated_cycles if prospect.estimated_cycles else 1.0
    for each in waiting:
        weight = math.exp(-_distance(prospect.traits, each.prospect.traits) / REACH)
        each.weight += weight
        each.error += weight * error
    return error


def _distance(one: abc.Mapping[str, float], other: abc.Mapping[str, float]) -> float:
    return sum(abs(one.get(name, 0.0) - other.get(name, 0.0)) for name in one.keys() | other.keys())


def chosen(judged: abc.Sequence[Judged]) -> Judged:
    """The best of at least one: of those that take about as long, what moves fewest bytes."""
    best = min(each.cycles for each in judged)
    return min(
        (each for each in judged if each.cycles <= best * (1 + TIE)),
        key=lambda each: (each.bytes_moved, each.cycles),
    )
