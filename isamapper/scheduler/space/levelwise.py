"""Nests of a frame whose operands pass several memories on chip: tiles are chosen level by level, innermost first.

The tilings of one level that look best there are carried to the next; all are ranked by the analytic model of whole
nests. For one level, ``ranking.py`` prices all tilings at once.
"""

from __future__ import annotations

import math
from collections import abc

from isamapper.costmodels.analytic import estimate
from isamapper.costmodels.shapes import Routes
from isamapper.diagnostics.source import Rejection
from isamapper.plan.nest import Nest
from isamapper.scheduler.clock import over
from isamapper.scheduler.nests.build import build_nest
from isamapper.scheduler.nests.place import Choice
from isamapper.scheduler.space.families import relayouts
from isamapper.scheduler.space.found import Found
from isamapper.scheduler.space.levels import level_count, make_level
from isamapper.scheduler.space.tiling import best_tilings
from isamapper.scheduler.statements.frames import Frame
from isamapper.scheduler.statements.subject import Subject

TILINGS = 6
INNER_TILINGS = 3
PROMISING = 1.5
MISSES = 2
FAR = 8
"""So many nests in a row that are not ``PROMISING`` end a frame: what comes is thought to be dearer still."""
REPEATS = 2
"""After so many tilings of one price whose nests take as long as others, and move as much, its others are left out."""

Groups = tuple[tuple[tuple[str, int], ...], ...]


class Levelwise:
    """Builds what is promising: estimates of tilings are optimistic, so much worse ones are not built at all."""

    def __init__(self, subject: Subject, failures: list[Rejection], best: float, deadline: float | None) -> None:
        self.subject, self.failures, self.best, self.deadline = subject, failures, best, deadline
        self.found: list[Found] = []
        self._alive: dict[frozenset[int], bool] = {}

    def frame(self, frame: Frame, routes: Routes) -> tuple[Found, ...]:
        """Nests of one frame on these routes."""
        self._alive.clear()
        if not any(self._possible(frame, routes, relaid) for relaid in relayouts(self.subject, frame, routes)):
            return ()
        misses = far = 0
        repeats = _Repeats()
        for groups, cycles in _tilings(self.subject, frame, routes):
            late = bool(self.found) and over(self.deadline)
            if late or cycles > self.best * PROMISING or (misses == MISSES and not self.found) or far == FAR:
                break
            if repeats.expected(cycles):
                continue
            before = len(self.found)
            misses += not self._built(frame, routes, groups)
            repeats.add(self.found[before:])
            near = any(each.estimated_cycles <= self.best * PROMISING for each in self.found[before:])
            far = 0 if near else far + 1
        return tuple(self.found)

    def _possible(self, frame: Frame, routes: Routes, relaid: frozenset[int]) -> bool:
        """Whether one block at a time can be done with these re-laid out: what fails there fails for every tiling."""
        if relaid not in self._alive:
            subject = self.subject
            names = [iterator.name for iterator in frame.statement.iterators if iterator.name not in subject.shared]
            loops = tuple((name, frame.blocks(name)) for name in names)
            groups: Groups = (loops, *(() for _ in range(level_count(subject.machine, routes))))
            nest = self._nest(frame, routes, groups, relaid)
            if isinstance(nest, Rejection):
                self.failures.append(nest)
            self._alive[relaid] = isinstance(nest, Nest)
        return self._alive[relaid]

    def _nest(self, frame: Frame, routes: Routes, groups: Groups, relaid: frozenset[int]) -> Nest | Rejection:
        subject, fixed = self.subject, tuple(sorted(routes.items()))
        choice = Choice(frame, groups, fixed, relaid, subject.shared, subject.epilogue)
        return build_nest(subject.machine, subject.kernel, subject.home, choice)

    def _built(self, frame: Frame, routes: Routes, groups: Groups) -> bool:
        subject = self.subject
        for relaid in relayouts(subject, frame, routes):
            if not self._possible(frame, routes, relaid):
                continue
            nest = self._nest(frame, routes, groups, relaid)
            if isinstance(nest, Rejection):
                self.failures.append(nest)
                continue
            judged = estimate(subject.machine, subject.tensors, subject.home, nest, frame.cost_cycles)
            self.found.append(Found(nest, judged.cycles, judged.bytes_moved))
            self.best = min(self.best, judged.cycles)
            if relaid or not _worth_relaying(nest):
                return True
        return False


def _worth_relaying(nest: Nest) -> bool:
    """Whether some input copy moves so little at a time that a relayout may pay."""
    for buffer in nest.buffers:
        if buffer.fill is not None and buffer.access not in nest.statement.written:
            elements = math.prod(size for _, _, size in buffer.fill.binds)
            block = math.prod(digit.extent for digit in nest.digits if digit.bound is not None)
            if elements * 4 <= block**0.5:
                return True
    return False


class _Repeats:
    """Which tilings give nests like those before: several of one price are often one with loops in other orders."""

    def __init__(self) -> None:
        self.price: int | None = None
        self.count = 0
        self.seen: set[tuple[int, float]] = set()

    def expected(self, cycles: float) -> bool:
        """Whether enough tilings of this price, the next in order, were like others."""
        if round(cycles) != self.price:
            self.price, self.count = round(cycles), 0
        return self.count >= REPEATS

    def add(self, built: abc.Sequence[Found]) -> None:
        """Nests of one tiling of the present price."""
        known = {(round(each.estimated_cycles), each.bytes_moved) for each in built}
        self.count += bool(known) and known <= self.seen
        self.seen |= known


def _tilings(subject: Subject, frame: Frame, routes: Routes) -> abc.Iterator[tuple[Groups, float]]:
    names = [iterator.name for iterator in frame.statement.iterators]
    levels = level_count(subject.machine, routes)
    if levels == 0:
        yield (tuple((name, frame.blocks(name)) for name in names if name not in subject.shared),), frame.cost_cycles
        return
    partial: list[tuple[tuple[int, ...], Groups, float]] = [(tuple(frame.block(name) for name in names), (), 0.0)]
    for boundary in range(levels):
        last = boundary == levels - 1
        following = []
        for block, groups, _ in partial:
            level = make_level(subject, frame, routes, boundary, block)
            count = TILINGS if last else INNER_TILINGS
            for tiling in best_tilings(level, count) or best_tilings(level, count, doubled=False):
                order = [*(p for p in range(len(names)) if p not in tiling.inside), *tiling.inside]
                found: Groups = (tuple((names[p], tiling.tiles[p]) for p in order), *groups)
                if last:
                    blocks = level.blocks
                    outer = tuple((names[p], -(-blocks[p] // tiling.tiles[p])) for p in tiling.outside)
                    found = (outer, *found)
                bigger = tuple(t * b for t, b in zip(tiling.tiles, block, strict=True))
                following.append((bigger, found, tiling.cycles))
        partial = following
    for _, groups, cycles in sorted(partial, key=lambda item: item[2]):
        yield tuple(tuple(entry for entry in group if entry[0] not in subject.shared) for group in groups), cycles
