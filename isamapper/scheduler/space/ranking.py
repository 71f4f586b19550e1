"""Nests of one statement, best first by the analytic model: what the heuristic decodes and judges.

Every family gets a first look, those that seem as good as the best a closer one, and only rows that somebody asks for
are built. What does not belong here: how a family is looked at (``descent.py``), and the choice between nests by a cost
model (``heuristic.py``).
"""

from __future__ import annotations

import itertools
import math
from collections import abc
from functools import cached_property, partial

from isamapper.costmodels.bounds import memory_bounds
from isamapper.costmodels.likeness import likeness
from isamapper.costmodels.shape import Shape
from isamapper.costmodels.shapes import level_count
from isamapper.diagnostics.source import Rejection
from isamapper.ir.analysis import statements
from isamapper.plan.nest import Call, Nest
from isamapper.scheduler.clock import over
from isamapper.scheduler.nests.build import build_nest
from isamapper.scheduler.space.descent import (
    KEPT,
    MORE,
    SMALL_CYCLES,
    TIE,
    Look,
    Priced,
    best_rows,
    closer,
    look,
    orders_of,
)
from isamapper.scheduler.space.families import Passed, copies_layouts, families_of, route_choices, with_whole
from isamapper.scheduler.space.family import Family
from isamapper.scheduler.space.found import Found, Prospect, lanes_of, prospect, way_of
from isamapper.scheduler.space.gathered import least_gathered
from isamapper.scheduler.space.levelwise import Levelwise
from isamapper.scheduler.statements.frames import Frame
from isamapper.scheduler.statements.subject import Subject

__all__ = ["best_rows", "orders_of", "prospects", "ranked"]

FRAMES = 8
"""Frames that give nests; twice as many are tried once there is something to compare with."""
NESTS = 24
"""Nests per frame where no other number is asked for."""
FAR = 8
"""A nest so many times dearer than a frame's own work is no reason to stop trying frames."""
PROMISING = 1.3
"""Frames and rows this much dearer than the best nest are left out."""
CLOSE = 1.05
"""Families whose first look is so much dearer than the best are not looked at closer."""
FOREIGN = 2.0
"""Families with layout copies and those without are compared among themselves: estimates say little between them, but
none is looked at that is so much dearer than the best of all."""
HOPELESS = 4
"""A frame with a family that much dearer than the best has no better one."""
NEAR_LEAST = 1.05
"""Where a nest without layout copies takes at most so many times what nothing undercuts, none is tried with them."""
LIKE = 2
"""Of the families of a frame so many are looked at with operands whole on chip."""
GOOD = 1.005
"""Where a nest takes at most so many times what calls or moving take anyway, others like it are not looked at."""
UNSURE = 1.02
"""Estimates say less than this about which row takes fewer cycles."""
FRUGAL = 4
"""Of rows that may be as good as the first, so many that move fewest bytes are kept, too."""
OUTDONE = 1.1
"""How much less a frame must need than what has been found, to be tried with operands re-laid out."""


def by_cycles_then_bytes(cycles: float, bytes_moved: float, best: float) -> tuple[int, float, float]:
    """A sort key: cycles that differ from the best by less than a step of ``TIE`` are equal, then fewer bytes win."""
    return (int(min(cycles / best / TIE, 1e12)) if 0 < best < math.inf else 0, bytes_moved, cycles)


def ranked(
    subject: Subject, frames: abc.Sequence[Frame], deadline: float | None = None, nests: int = NESTS
) -> tuple[Found, ...] | Rejection:
    """As :func:`prospects`, with all nests built."""
    found = prospects(subject, frames, deadline, nests)
    if isinstance(found, Rejection):
        return found
    built = ((each, each.nest) for each in found)
    return tuple(
        Found(nest, each.estimated_cycles, each.bytes_moved, each.least_cycles)
        for each, nest in built
        if isinstance(nest, Nest)
    )


def prospects(
    subject: Subject, frames: abc.Sequence[Frame], deadline: float | None = None, nests: int = NESTS
) -> tuple[Prospect, ...] | Rejection:
    """Nests, least estimated cycles first, then fewest bytes; the nearest miss where there is none.

    ``nests`` are found per frame where so many fit; the first of all can be built.

    After ``deadline`` (on the monotonic clock) what has been found has to do; the first is found in any case.
    """
    survey = _Survey(subject, deadline)
    survey.frames(survey.lying_right(frames), False)
    if foreign := survey.outdoing(frames) if survey.near_least() else frames:
        survey.frames(least_gathered(subject, foreign), True)
    found = survey.prospects(nests)
    if not found:
        miss = survey.failures[0] if survey.failures else None
        reason = miss.reason if miss else "no instruction can do it"
        return Rejection("SCH040", f"statement {subject.statement.index}", reason, edit=miss.edit if miss else None)
    return found


class _Survey:
    """Looks at the families of all frames; ``best`` is the least price of one that can be built."""

    def __init__(self, subject: Subject, deadline: float | None) -> None:
        self.subject, self.deadline = subject, deadline
        self.best = math.inf
        self.looks: list[Look] = []
        self.deeper: list[Prospect] = []
        self.failures: list[Rejection] = []
        self._seen: set[tuple[object, ...]] = set()
        self._alive: dict[tuple[object, ...], bool] = {}

    def lying_right(self, frames: abc.Sequence[Frame]) -> abc.Iterator[Frame]:
        """``frames``; of those that differ in the instruction alone, first what needs nothing re-laid out."""
        for _, group in itertools.groupby(frames, lambda frame: frame.unit_cycles(self.subject.machine)):
            waiting = list(group)
            alike: dict[object, list[Frame]] = {}
            for frame in waiting:
                alike.setdefault(_lanes(frame), []).append(frame)
            for frame in waiting:
                same = alike[_lanes(frame)]
                right = (place for place, each in enumerate(same) if len(same) == 1 or self._lies_right(each))
                yield same.pop(next(right, 0))

    def _lies_right(self, frame: Frame) -> bool:
        """Whether something can be built with all operands as they lie."""
        plain = families_of(self.subject, frame, 1, False, lambda _, relaid, fine: not relaid and not fine)
        return any(map(self._builds, plain))

    def near_least(self) -> bool:
        """Whether what has been found is about as good as any family can be."""
        least = min((each.least for each in self.looks if each.cycles <= self.best * CLOSE), default=0.0)
        return self.best <= least * NEAR_LEAST

    def outdoing(self, frames: abc.Sequence[Frame]) -> tuple[Frame, ...]:
        """The frames that need much less than the best, whose calls take its time, and gave none: their operands lie
        the wrong way. None where moving the operands takes its time in any case."""
        if self.best <= self._moving_cycles * NEAR_LEAST:
            return ()
        machine = self.subject.machine
        close = (each.family.frame for each in self.looks if each.cycles <= self.best * CLOSE)
        own = min((frame.unit_cycles(machine) for frame in close), default=0.0)
        cheaper = (frame for frame in frames if frame.unit_cycles(machine) * OUTDONE < own)
        return tuple(cheaper) if self.best <= own * NEAR_LEAST else ()

    @cached_property
    def _moving_cycles(self) -> float:
        """What any schedule takes at least to move operands and results, as far as the statement is alone."""
        kernel = self.subject.kernel
        if len(statements(kernel)) > 1:
            return 0.0
        return max(memory_bounds(self.subject.machine, kernel, kernel).values(), default=0.0)

    def frames(self, frames: abc.Iterable[Frame], relaid: bool) -> None:
        """Looks at the frames in order, either at the families that cost a layout copy or at the others."""
        useful = tried = 0
        for frame in frames:
            cycles = frame.unit_cycles(self.subject.machine)
            done = self.best < math.inf and over(self.deadline)
            enough = useful == FRAMES * (1 + relaid)  # the cheapest frames need the most layout copies
            far = cycles > self.best * (PROMISING if relaid or self.deeper else CLOSE)  # none of its rows would be kept
            if enough or tried == 2 * FRAMES or done or (far and not relaid):
                break
            if far:
                continue  # these are in another order
            useful += self._frame(frame, relaid)
            tried += cycles * FAR > self.best

    def _frame(self, frame: Frame, relaid: bool) -> bool:
        """Whether the frame has a nest."""
        found = self._looks(frame, relaid)
        self.looks += found
        alive = next((each for each in found if each.cycles <= self.best * PROMISING), None)
        if alive is not None:
            self.best = min(self.best, alive.cycles)
        deeper = () if relaid else tuple(_deeper(self.subject, frame, self.best, self.failures, self.deadline))
        self.deeper += deeper
        self.best = min([self.best, *(each.estimated_cycles for each in deeper)])
        return alive is not None or bool(deeper)

    def _looks(self, frame: Frame, relaid: bool) -> list[Look]:
        """First looks at the families of a frame that can be built and are like none before, the cheapest first."""
        looks: dict[Shape, Look] = {}
        dead: set[tuple[Passed, frozenset[int]]] = set()
        cycles = frame.unit_cycles(self.subject.machine)
        gains = partial(self._gains, frame, looks)
        for family in _fine_first(families_of(self.subject, frame, 1, relaid, gains)):
            shape = family.shape
            if shape in looks:
                continue
            if cycles > self.best * PROMISING or any(
                self.best * HOPELESS < each.cycles < math.inf for each in looks.values()
            ):
                break
            if (family.routes, family.relaid) in dead or not gains(family.routes, family.relaid, family.fine):
                continue
            key = (way_of(frame.call), family.routes, family.relaid, likeness(shape))
            if key in self._seen:
                continue
            if self._builds(family):
                self._seen.add(key)
                looks[shape] = look(family)
            else:
                dead.add((family.routes, family.relaid))  # whether a copy fits does not depend on how much it brings
        found = sorted((each for each in looks.values() if each.cycles < math.inf), key=lambda each: each.cycles)
        whole = self._with_whole(found) if found and not relaid else []
        return sorted([*found, *whole], key=lambda each: each.cycles)

    def _with_whole(self, found: abc.Sequence[Look]) -> abc.Iterator[Look]:
        """Looks at families like the cheapest, with one operand whole on chip, where tiles cost anything."""
        first = found[0]
        enough = max(first.family.frame.unit_cycles(self.subject.machine), self._moving_cycles) * GOOD
        if first.cycles > self.best * CLOSE or first.cycles <= max(first.least, enough):
            return
        for each in (each for each in found[:LIKE] if each.cycles <= first.cycles * CLOSE):
            for family in with_whole(self.subject, each.family):
                if self._builds(family):
                    yield look(family)

    def _gains(
        self,
        frame: Frame,
        looks: abc.Mapping[Shape, Look],
        routes: Passed,
        relaid: frozenset[int],
        fine: frozenset[int],
    ) -> bool:
        """Whether such a family of a frame may do better than ``looks`` at it, and than other instructions.

        Where one takes about as long as calls or moving, nothing is gained by another instruction that does the same,
        by constants prepared that lie right, or by whole tiles at a time where single calls are copied. Beside other
        statements estimates say less: there another instruction must copy alike.
        """
        call, alone = frame.call, len(statements(self.subject.kernel)) == 1
        enough = max(frame.unit_cycles(self.subject.machine), self._moving_cycles) * GOOD
        for other in (each.family for each in (*self.looks, *looks.values()) if each.cycles <= enough):
            if other.frame.call.sigma != call.sigma or other.routes != routes:
                continue
            finer = bool(other.fine) >= bool(fine) if alone else bool(other.fine) is bool(fine)
            if other.frame.call.instruction.name != call.instruction.name and finer:
                return False
            coarser = bool(other.fine) and not fine and other.relaid == relaid
            if other.frame is frame and (coarser or (relaid and not other.relaid)):
                return False
        return True

    def _builds(self, family: Family) -> bool:
        """Whether a family has any nest: what fails for one block at a time fails for every tiling."""
        key = way_of(family.frame.call), family.relaid, family.shape  # shapes do not say how elements lie
        if key not in self._alive:
            subject = self.subject
            nest = build_nest(subject.machine, subject.kernel, subject.home, family.smallest())
            if isinstance(nest, Rejection):
                self.failures.append(nest)
            self._alive[key] = isinstance(nest, Nest)
        return self._alive[key]

    def prospects(self, nests: int) -> tuple[Prospect, ...]:
        """The best rows of the best families, and what was found deeper; from the first on that can be built."""
        found = [*self._rows(nests), *self.deeper]
        best = min((each.estimated_cycles for each in found), default=math.inf)
        found.sort(key=lambda one: by_cycles_then_bytes(one.estimated_cycles, one.bytes_moved, best))
        for place, each in enumerate(found):
            if isinstance(each.nest, Nest):
                return tuple(found[place:])
            self.failures.append(each.nest)
        return ()

    def _rows(self, nests: int) -> list[Prospect]:
        """Rows of families that a closer look is worth, as many as asked for from every frame."""
        rows: dict[tuple[Call, bool], list[Priced]] = {}
        best: dict[bool, float] = {}
        shown = _Shown()
        kept = max(KEPT, 8 * nests) if nests > NESTS else KEPT
        for each in sorted(self.looks, key=lambda one: one.cycles):
            copied = copies_layouts(self.subject, each.family.frame, each.family.relaid)
            if each.cycles > best.get(copied, self.best * FOREIGN / CLOSE) * CLOSE:
                continue
            if not shown.add(each):
                continue
            own = closer(each, kept)
            rows.setdefault((each.family.frame.call, copied), []).extend(own)
            best[copied] = min([best.get(copied, math.inf), *(row.cycles for row in own)])
        return [each for (_, copied), own in rows.items() for each in self._first(own, nests, copied)]

    def _first(self, rows: list[Priced], nests: int, copied: bool) -> abc.Iterator[Prospect]:
        """The first rows of a frame: more where everything is short, since estimates say less there."""
        cheapest = min((row.cycles for row in rows), default=math.inf)
        least = min((row.least for row in rows), default=0.0)
        rows.sort(key=lambda row: by_cycles_then_bytes(row.cycles, row.bytes_moved, cheapest))
        most = nests * MORE if cheapest < SMALL_CYCLES else nests
        frugal = sorted(
            (row for row in rows[most:] if row.cycles <= cheapest * UNSURE), key=lambda row: row.bytes_moved
        )
        for row in (*rows[:most], *frugal[:FRUGAL]):
            if row.cycles <= cheapest * PROMISING:
                way = way_of(row.family.frame.call) + (", re-laid out" if copied else "")
                build = partial(_built, self.subject, row)
                lanes = lanes_of(row.family.frame.bound)
                yield Prospect(row.cycles, row.bytes_moved, least, way, row.traits(), build, lanes)


def _lanes(frame: Frame) -> tuple[object, ...]:
    """What a frame lays over an instruction's lanes, whichever lane has which, and how its operands come."""
    return frame.call.sigma, frozenset((digit.iterator, digit.extent) for digit in frame.bound)


def _fine_first(families: abc.Iterable[Family]) -> abc.Iterator[Family]:
    """``families``, those that copy call by call before the others like them, which they follow."""
    held: Family | None = None
    for family in families:
        if family.fine:
            yield family
        if held is not None:
            yield held
        held = None if family.fine else family
    if held is not None:
        yield held


def _kind(family: Family) -> tuple[object, ...]:
    """What the instruction of a family does, and how its operands come."""
    return family.frame.call.sigma, family.routes, bool(family.fine)


class _Shown:
    """Looks that were gone into, the cheapest first: others have nothing to add to them."""

    def __init__(self) -> None:
        self.instructions: dict[object, str] = {}
        self.prices: set[bytes] = set()

    def add(self, seen: Look) -> bool:
        """Whether a look is new: no instruction does the same for less, and no family has the very same prices."""
        call, prices = seen.family.frame.call, seen.found.cycles.tobytes()
        name = self.instructions.setdefault(_kind(seen.family), call.instruction.name)
        if name != call.instruction.name or prices in self.prices:
            return False
        self.prices.add(prices)
        return True


def _deeper(
    subject: Subject, frame: Frame, best: float, failures: list[Rejection], deadline: float | None
) -> abc.Iterator[Prospect]:
    """Nests of one frame on routes that pass no memory on chip, or several."""
    for routes in route_choices(subject, frame):
        if level_count(subject.machine, routes) != 1:
            yield from map(prospect, Levelwise(subject, failures, best, deadline).frame(frame, routes))


def _built(subject: Subject, row: Priced) -> Nest | Rejection:
    choice = row.family.choice(row.tiles, row.orders, row.slots)
    return build_nest(subject.machine, subject.kernel, subject.home, choice)
