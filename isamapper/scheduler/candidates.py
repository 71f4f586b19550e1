"""Candidate nests of one statement, ranked by the analytic model: frames x routes x tilings x relayouts."""

from __future__ import annotations

import itertools
import math
from collections import abc
from dataclasses import dataclass

from isamapper.costmodels.analytic import estimate
from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.model import Machine
from isamapper.ir.analysis import Statement, statements
from isamapper.ir.nodes import Kernel, Role, Tensor
from isamapper.mapper.find import find_mappings
from isamapper.plan.homes import all_tensors, home_memory
from isamapper.plan.nest import Epilogue, Nest
from isamapper.plan.skeleton import shared_iterators
from isamapper.scheduler.build import build_nest
from isamapper.scheduler.clock import over
from isamapper.scheduler.frames import Frame, frames_of, target_is_fresh
from isamapper.scheduler.levels import level_count, make_level
from isamapper.scheduler.place import Choice
from isamapper.scheduler.routes import input_routes, output_routes
from isamapper.scheduler.tiling import best_tilings

FRAMES = 8
"""Frames that give candidates; twice as many are tried once there is something to compare with."""
TILINGS = 6
INNER_TILINGS = 3
ROUTES = 4
PROMISING = 1.5
MISSES = 2

Groups = tuple[tuple[tuple[str, int], ...], ...]
Routes = abc.Mapping[int, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Found:
    """A nest with what the analytic model thinks it takes."""

    nest: Nest
    estimated_cycles: float
    bytes_moved: float


@dataclass(frozen=True, slots=True)
class Subject:
    """One statement to be scheduled, with what must be known of its surroundings."""

    machine: Machine
    kernel: Kernel
    statement: Statement
    home: str
    tensors: dict[str, Tensor]
    shared: frozenset[str]
    fresh: bool
    epilogue: Epilogue | None = None


def subject_of(machine: Machine, kernel: Kernel, statement: Statement, epilogue: Epilogue | None = None) -> Subject:
    """What the search must know of a statement of ``kernel``."""
    tensors = all_tensors(kernel)
    target = statement.assign.target.tensor
    written = any(other.assign.target.tensor == target for other in statements(kernel) if other.index < statement.index)
    fresh = target_is_fresh(tensors[target].direction, written)
    shared = frozenset(shared_iterators(kernel, statement))
    return Subject(machine, kernel, statement, home_memory(machine), tensors, shared, fresh, epilogue)


def ranked_candidates(subject: Subject, deadline: float | None = None) -> tuple[Found, ...] | Rejection:
    """Every candidate, least estimated cycles first, then fewest bytes; the nearest miss where there is none.

    After ``deadline`` (on the monotonic clock) what has been found has to do; the first is found in any case.
    """
    mappings = tuple(find_mappings(subject.kernel, subject.machine, statement=subject.statement.index))
    frames = frames_of(subject.machine, subject.statement, mappings, subject.fresh, subject.shared)
    return ranked_in(subject, frames, deadline)


def ranked_in(
    subject: Subject, frames: abc.Sequence[Frame], deadline: float | None = None
) -> tuple[Found, ...] | Rejection:
    """As :func:`ranked_candidates`, for the given frames."""
    search = _Search(subject, deadline)
    useful = tried = 0
    for frame in frames:
        if (
            useful == FRAMES
            or tried == 2 * FRAMES
            or search.done()
            or frame.unit_cycles(subject.machine) > search.best * PROMISING
        ):
            break
        before = len(search.found)
        search.frame(frame)
        useful += len(search.found) > before
        tried += bool(search.found)
    if not search.found:
        miss = search.failures[0] if search.failures else None
        reason = miss.reason if miss else "no instruction can do it"
        return Rejection("SCH040", f"statement {subject.statement.index}", reason, edit=miss.edit if miss else None)
    return tuple(sorted(search.found, key=lambda one: (one.estimated_cycles, one.bytes_moved)))


class _Search:
    """Builds what is promising: estimates of tilings are optimistic, so much worse ones are not built at all."""

    def __init__(self, subject: Subject, deadline: float | None) -> None:
        self.subject, self.deadline = subject, deadline
        self.found: list[Found] = []
        self.failures: list[Rejection] = []
        self.best = math.inf

    def done(self) -> bool:
        """Whether the time is over and there is something to show for it."""
        return bool(self.found) and over(self.deadline)

    def frame(self, frame: Frame) -> None:
        """Adds the candidates of one frame."""
        for routes in _route_choices(self.subject, frame):
            if self.done() or not self._possible(frame, routes):
                continue
            before, misses = len(self.found), 0
            for groups, cycles in _tilings(self.subject, frame, routes):
                if self.done() or cycles > self.best * PROMISING or (misses == MISSES and len(self.found) == before):
                    break
                misses += not self._built(frame, routes, groups)

    def _possible(self, frame: Frame, routes: Routes) -> bool:
        """Whether one block at a time can be done: what fails there fails for every tiling."""
        subject = self.subject
        names = [iterator.name for iterator in frame.statement.iterators if iterator.name not in subject.shared]
        levels = level_count(subject.machine, routes)
        loops = tuple((name, frame.blocks(name)) for name in names)
        groups: Groups = (loops, *(() for _ in range(levels)))
        for relaid in _relayouts(subject, frame, routes):
            choice = Choice(frame, groups, tuple(sorted(routes.items())), relaid, subject.shared, subject.epilogue)
            nest = build_nest(subject.machine, subject.kernel, subject.home, choice)
            if isinstance(nest, Nest):
                return True
            self.failures.append(nest)
        return False

    def _built(self, frame: Frame, routes: Routes, groups: Groups) -> bool:
        subject = self.subject
        fixed = tuple(sorted(routes.items()))
        for relaid in _relayouts(subject, frame, routes):
            choice = Choice(frame, groups, fixed, relaid, subject.shared, subject.epilogue)
            nest = build_nest(subject.machine, subject.kernel, subject.home, choice)
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
            elements = 1
            for _, _, size in buffer.fill.binds:
                elements *= size
            block = 1
            for digit in nest.digits:
                if digit.bound is not None:
                    block *= digit.extent
            if elements * 4 <= block**0.5:
                return True
    return False


def _route_choices(subject: Subject, frame: Frame) -> abc.Iterator[dict[int, tuple[str, ...]]]:
    options: list[tuple[int, tuple[tuple[str, ...], ...]]] = []
    for operand, access in frame.call.sigma:
        dtype = subject.tensors[frame.statement.accesses[access].tensor].dtype
        finder = output_routes if access in frame.statement.written else input_routes
        options.append((access, finder(subject.machine, frame.call.instruction, operand, subject.home, dtype)[:2]))
    for combination in itertools.islice(itertools.product(*(routes for _, routes in options)), ROUTES):
        yield {access: route for (access, _), route in zip(options, combination, strict=True)}


def _relayouts(subject: Subject, frame: Frame, routes: Routes) -> abc.Iterator[frozenset[int]]:
    """Which inputs are re-laid out at home first: none, the const ones, then others."""
    inputs = [access for access in routes if access not in frame.statement.written]
    const = frozenset(a for a in inputs if subject.tensors[frame.statement.accesses[a].tensor].role is Role.CONST)
    yield frozenset()
    if const:
        yield const
    for access in inputs:
        if access not in const:
            yield const | {access}
    if len(inputs) - len(const) > 1:
        yield frozenset(inputs)


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
