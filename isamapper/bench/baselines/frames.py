"""What a hand-written library takes for granted: one instruction, operands in the order they are written, no relayouts.

c[m, n] += a[m, k] * b[k, n]    is    compute(a = a, w = b, c = c), never with a and b exchanged
"""

from __future__ import annotations

import itertools
from collections import abc
from dataclasses import dataclass
from functools import lru_cache

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.model import Machine
from isamapper.ir.analysis import statements
from isamapper.ir.nodes import Kernel, Role
from isamapper.mapper.matching.find import find_mappings
from isamapper.plan.nest import Nest
from isamapper.plan.steps import Schedule, steps_of
from isamapper.scheduler.nests.build import build_nest
from isamapper.scheduler.nests.place import Choice
from isamapper.scheduler.space.candidates import Subject, subject_of
from isamapper.scheduler.space.levels import level_count, make_level
from isamapper.scheduler.space.tiling import Level
from isamapper.scheduler.statements.frames import Frame, frames_of
from isamapper.scheduler.statements.routes import input_routes, output_routes

SLOWEST = 16
"""Instructions that need so many times the cycles of the fastest are not what a library is written for."""

Groups = tuple[tuple[tuple[str, int], ...], ...]


@dataclass(frozen=True, slots=True)
class Site:
    """A kernel's only statement with the instruction a library would use, and the way of every operand."""

    subject: Subject
    frame: Frame
    routes: tuple[tuple[int, tuple[str, ...]], ...]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(iterator.name for iterator in self.frame.statement.iterators)


@lru_cache(maxsize=2)
def sites_of(kernel: Kernel, machine: Machine) -> tuple[Site, ...] | Rejection:
    """Ways to do a kernel of one statement, the most obvious first; a Rejection for other kernels.

    Several baselines ask for those of one kernel in turn.
    """
    found = statements(kernel)
    if len(found) != 1:
        return Rejection("SCH040", kernel.name, "a library routine does one statement at a time")
    subject = subject_of(machine, kernel, found[0])
    mappings = tuple(find_mappings(kernel, machine, statement=0))
    frames = frames_of(machine, found[0], mappings, subject.fresh, subject.shared)
    if not frames:
        return Rejection("SCH040", kernel.name, "no instruction can do it")
    least = min(frame.unit_cycles(machine) for frame in frames)
    cheap = [frame for frame in frames if frame.unit_cycles(machine) <= SLOWEST * least]
    ordered = sorted(cheap, key=lambda frame: (not _in_order(frame), frame.unit_cycles(machine)))
    return tuple(Site(subject, frame, routes) for frame in ordered for routes in _routes(subject, frame))


def _in_order(frame: Frame) -> bool:
    """Whether the instruction's operands take the kernel's accesses in the order they are written."""
    given = dict(frame.call.sigma)
    inputs = [tensor.name for tensor in frame.call.instruction.semantics.tensors if tensor.name in given]
    read = [given[name] for name in inputs if given[name] != 0]
    return read == sorted(read)


def _routes(subject: Subject, frame: Frame) -> abc.Iterator[tuple[tuple[int, tuple[str, ...]], ...]]:
    options = []
    for operand, access in frame.call.sigma:
        dtype = subject.tensors[frame.statement.accesses[access].tensor].dtype
        finder = output_routes if access == 0 else input_routes
        found = finder(subject.machine, frame.call.instruction, operand, subject.home, dtype)
        options.append([(access, route) for route in found[:1]])
    for combination in itertools.product(*options):
        yield tuple(sorted(combination))


def levels_of(site: Site) -> int:
    """How many levels of tiles the routes pass."""
    return level_count(site.subject.machine, dict(site.routes))


def level_of(site: Site, boundary: int, block: tuple[int, ...]) -> Level:
    """The tiling question at one level, 0 next to the instruction."""
    return make_level(site.subject, site.frame, dict(site.routes), boundary, block)


def schedule_of(site: Site, groups: Groups, *, relayout: bool) -> Schedule | Rejection:
    """The schedule with these loops. ``relayout``: operands are re-laid out at home first, those known before run time
    where that is enough."""
    subject = site.subject
    accesses = frozenset(access for access, _ in site.routes if access != 0)
    tensors = {access: subject.tensors[site.frame.statement.accesses[access].tensor] for access in accesses}
    const = frozenset(access for access in accesses if tensors[access].role is Role.CONST)
    failure: Rejection | None = None
    for relaid in dict.fromkeys((const, accesses)) if relayout else (frozenset[int](),):
        choice = Choice(site.frame, groups, site.routes, relaid, subject.shared)
        nest = build_nest(subject.machine, subject.kernel, subject.home, choice)
        if isinstance(nest, Nest):
            return Schedule(subject.kernel, subject.kernel, subject.machine, steps_of(nest))
        failure = failure or nest
    assert failure is not None
    return failure
