"""Tensors that statements leave on chip for one another: gates and states of a recurrence, results of a layer.

The nests are those that the search found with every tensor at home. Each tensor that the kernel itself makes and reads
is tried in the memories that its statements can reach, the nearest first; what all statements together can carry out
is kept where the whole schedule gets cheaper. What does not belong here: what a kept tensor is (``plan/kept.py``),
operands that are only read (``residency.py``).
"""

from __future__ import annotations

import itertools
from collections import abc
from dataclasses import replace
from typing import TypeAlias

from isamapper.diagnostics.source import Rejection, SourceError
from isamapper.hwdesc.model import Machine, MemoryKind
from isamapper.ir.nodes import Direction, Kernel, Tensor
from isamapper.plan.addresses import start_bytes
from isamapper.plan.check import check_program
from isamapper.plan.cores import own
from isamapper.plan.emit import Stop
from isamapper.plan.homes import all_tensors, home_memory
from isamapper.plan.kept import kept_at, looks_beyond, overwritten
from isamapper.plan.lanes import padded_lanes
from isamapper.plan.layout import access_step, buffer_layout
from isamapper.plan.lower import lower
from isamapper.plan.mapping import Mapping, MappingClass
from isamapper.plan.nest import Buffer, Digit, KeptAxis, Nest, depth_of
from isamapper.plan.protocols import CostModel
from isamapper.plan.skeleton import shared_iterators
from isamapper.plan.steps import Schedule, replay, steps_of
from isamapper.scheduler.nests.copying import best_copy
from isamapper.scheduler.nests.layouts import path_from
from isamapper.scheduler.nests.operands import access_misfit
from isamapper.scheduler.nests.place import Choice, Place
from isamapper.scheduler.statements.frames import Frame
from isamapper.scheduler.statements.routes import input_routes, output_routes

TENSORS = 32
"""How many tensors are tried at most, those first written first."""
FAR_HOPS = 16
"""How many copies a use counts for that has to go home instead."""
ROLLING = 3
"""How many positions along an axis are kept at most in place of all of them."""


Again: TypeAlias = abc.Callable[[Machine, Kernel, int, abc.Callable[[Nest], bool] | None], Nest | None]
"""Another search for the nest of a kernel's statement: the best of those that a condition holds for."""


def with_kept(schedule: Schedule, cost_model: CostModel, again: Again | None = None) -> Schedule:
    """``schedule`` with what its statements leave on chip for one another, where that makes it cheaper.

    A statement whose nest cannot leave a tensor where others find it gets another one from ``again``.
    """
    nests = {nest.statement.index: nest for nest in replay(schedule)}
    found, done = schedule, list[_Keeper]()
    for name in _candidates(schedule, nests.values()):
        changed = _kept_somewhere(found, nests, name, done, None)
        if changed is None and again is not None:
            changed = _kept_somewhere(found, nests, name, done, again)
        if changed is not None:
            nests = changed
            found = _made(schedule, nests)
    if found is schedule:
        return schedule
    return found if cost_model.cycles(found) < cost_model.cycles(schedule) else schedule


def _made(schedule: Schedule, nests: abc.Mapping[int, Nest]) -> Schedule:
    return replace(schedule, steps=tuple(step for index in sorted(nests) for step in steps_of(nests[index])))


def _candidates(schedule: Schedule, nests: abc.Iterable[Nest]) -> tuple[str, ...]:
    """Tensors that some statement makes and another reads inside a loop that they share, in the order of writing."""
    written: dict[str, bool] = {}
    read: set[str] = set()
    kernel = schedule.covered
    for nest in nests:
        shared = bool(shared_iterators(kernel, nest.statement))
        for _, access in nest.call.sigma:
            name = nest.statement.accesses[access].tensor
            if access in nest.statement.written:
                written[name] = written.get(name, False) or shared
            else:
                read.add(name)
    tensors = all_tensors(kernel)
    makes = (Direction.LOCAL, Direction.OUT)
    return tuple(n for n, shared in written.items() if shared and n in read and tensors[n].direction in makes)[:TENSORS]


def _kept_somewhere(
    schedule: Schedule, nests: abc.Mapping[int, Nest], name: str, done: list[_Keeper], again: Again | None
) -> dict[int, Nest] | None:
    """The nests with ``name`` kept in the first memory, on the first axes, that all of them can do with.

    ``done`` keeps what is kept already, and is added to.
    """
    machine, kernel = schedule.machine, schedule.covered
    tensor = all_tensors(kernel)[name]
    for memory in _memories(machine, nests.values(), tensor):
        for axes in _axes(machine, kernel, nests.values(), tensor, memory):
            keeper = _Keeper(machine, kernel, tensor, Buffer(0, memory, None, kept=axes))
            changed = keeper.all_of(nests, done, again)
            if changed is not None and _lowers(_made(schedule, changed)):
                done.append(keeper)
                return changed
    return None


def _lowers(schedule: Schedule) -> bool:
    """Whether there is a program, and it fits the machine."""
    try:
        return not check_program(lower(schedule))
    except SourceError:
        return False


def _uses(nest: Nest, name: str) -> tuple[int, ...]:
    """Accesses of the call to a tensor."""
    return tuple(sorted({a for _, a in nest.call.sigma if nest.statement.accesses[a].tensor == name}))


# where


def _memories(machine: Machine, nests: abc.Iterable[Nest], tensor: Tensor) -> list[str]:
    """Memories on chip that some statement can leave the tensor in, those that need the fewest copies first."""
    uses = [(nest, access) for nest in nests for access in _uses(nest, tensor.name)]
    found: list[tuple[int, str]] = []
    for memory in machine.memories:
        if memory.kind not in (MemoryKind.ADDRESSED, MemoryKind.REGISTERS):
            continue
        ways = [_routes(machine, nest, access, memory.name, tensor) for nest, access in uses]
        written = [way for way, (nest, access) in zip(ways, uses, strict=True) if access in nest.statement.written]
        if any(written):
            found.append((sum(min(map(len, way), default=FAR_HOPS) for way in ways), memory.name))
    return [name for _, name in sorted(found, key=lambda each: each[0])]


def _routes(machine: Machine, nest: Nest, access: int, memory: str, tensor: Tensor) -> tuple[tuple[str, ...], ...]:
    """Ways between a memory and the instruction that do not lead home."""
    operand = nest.call.operand(access)
    assert operand is not None
    routes = output_routes if access in nest.statement.written else input_routes
    found = routes(machine, nest.call.instruction, operand, memory, tensor.dtype)
    return tuple(r for r in found if all(machine.memory(name).kind is not MemoryKind.HOST for name in r))


def _axes(
    machine: Machine, kernel: Kernel, nests: abc.Iterable[Nest], tensor: Tensor, memory: str
) -> abc.Iterator[tuple[KeptAxis, ...]]:
    """Axes to try: the tensor's own, then its last one in blocks that statements move by."""
    unit = max(1, start_bytes(machine, machine.memory(memory)) * 8 // tensor.dtype.bits)
    parts = _parts(machine, nests, tensor.name, memory)
    *outer, last = (_axis(kernel, tensor, dim) for dim in range(len(tensor.shape)))
    if parts:
        least = {axis.dim: axis.weight for axis in parts}
        inside = [replace(axis, extent=least.get(axis.dim, axis.extent)) for axis in (*outer, last)]
        yield (*parts, *inside[:-1], replace(inside[-1], extent=_rounded(inside[-1].extent, unit)))
    whole = last if last.rolls else replace(last, extent=_rounded(last.extent, unit))
    yield (*outer, whole)
    for block in sorted(_blocks(kernel, nests, tensor.name, last.dim), reverse=True):
        count = -(-tensor.shape[-1] // block)
        inner, blocks = KeptAxis(last.dim, 1, _rounded(block, unit)), KeptAxis(last.dim, block, count)
        yield (*outer, blocks, inner)
        rolling = [axis for axis in outer if axis.rolls]
        yield (*rolling, blocks, *(axis for axis in outer if not axis.rolls), inner)


def _parts(machine: Machine, nests: abc.Iterable[Nest], name: str, memory: str) -> tuple[KeptAxis, ...]:
    """Axes that tell cores apart: who writes the tensor is divided over them, and each has a memory of its own."""
    for nest in (each for each in nests if each.distributed and each.statement.assign.target.tensor == name):
        target, found = nest.statement.accesses[0], list[KeptAxis]()
        for loop, _ in nest.distributed:
            digit = nest.digit(loop)
            steps = [(dim, access_step(nest, target, dim, digit)) for dim in range(len(target.map.results))]
            moved = [(dim, step) for dim, step in steps if step]
            if len(moved) != 1 or memory not in own(machine, (grid for _, grid in nest.distributed)):
                return ()
            found.append(KeptAxis(moved[0][0], moved[0][1], digit.extent))
        return tuple(found)
    return ()


def _rounded(size: int, unit: int) -> int:
    return -(-size // unit) * unit


def _axis(kernel: Kernel, tensor: Tensor, dim: int) -> KeptAxis:
    """An axis of the tensor, of as few positions as are alive at a time."""
    size = tensor.shape[dim]
    for places in range(1, min(ROLLING, size - 1) + 1):
        if overwritten(kernel, tensor.name, dim, places) is None:
            return KeptAxis(dim, 1, places, True)
    return KeptAxis(dim, 1, size)


def _blocks(kernel: Kernel, nests: abc.Iterable[Nest], name: str, dim: int) -> set[int]:
    """Steps of more than one element by which loops move along an axis."""
    found = set()
    for nest in nests:
        shared = shared_iterators(kernel, nest.statement)
        for access in _uses(nest, name):
            for digit in nest.digits:
                step = access_step(nest, nest.statement.accesses[access], dim, digit)
                if digit.bound is None and digit.iterator not in shared and digit.extent > 1 and step > 1:
                    found.add(step)
    return found


# how


class _Keeper:
    """Lets nests find a tensor where it is kept, or leave it there."""

    def __init__(self, machine: Machine, kernel: Kernel, tensor: Tensor, kept: Buffer) -> None:
        self.machine, self.kernel, self.tensor, self.kept = machine, kernel, tensor, kept
        self.drains = tensor.direction is not Direction.LOCAL
        self.home: set[int] = set()

    def all_of(
        self, nests: abc.Mapping[int, Nest], done: abc.Sequence[_Keeper], again: Again | None
    ) -> dict[int, Nest] | None:
        """The nests with the tensor kept by all that write it, and by all that can read it there; else None.

        Where one has to read it at home, it is brought home as well.
        """
        changed = self._each(nests, done, again)
        if changed is not None and self.home and not self.drains:
            self.drains = True
            changed = self._each(nests, done, again)
        return changed

    def _each(
        self, nests: abc.Mapping[int, Nest], done: abc.Sequence[_Keeper], again: Again | None
    ) -> dict[int, Nest] | None:
        changed, read = dict(nests), False
        self.home = set()
        for index, nest in nests.items():
            other = self.one(nest)
            if other is None and again is not None:
                other = self._another(again, index, done)
            if other is None:
                self.home.add(index)
                other = self.one(nest, reads_at_home=True)
            if other is None:
                return None
            changed[index] = other
            read = read or any(
                kept_at(other, access) is not None and access not in other.statement.written
                for access in _uses(other, self.tensor.name)
            )
        return changed if read else None

    def _another(self, again: Again, index: int, done: abc.Sequence[_Keeper]) -> Nest | None:
        """Another nest of a statement, that finds here what it found where others keep it."""
        keepers = [*(keeper for keeper in done if index not in keeper.home), self]

        def moved(nest: Nest) -> Nest | None:
            for keeper in keepers:
                other = keeper.one(nest)
                if other is None:
                    return None
                nest = other
            return nest

        found = again(self.machine, self.kernel, index, lambda nest: moved(nest) is not None)
        return None if found is None else moved(found)

    def one(self, nest: Nest, *, reads_at_home: bool = False) -> Nest | None:
        """A nest with every use starting or ending where the tensor is kept; None where it cannot.

        With ``reads_at_home`` uses that only read may go home for it.
        """
        for access in _uses(nest, self.tensor.name):
            changed = self._rerouted(nest, access)
            if changed is None and (access in nest.statement.written or not reads_at_home):
                return None
            nest = changed or nest
        return nest

    def _rerouted(self, nest: Nest, access: int) -> Nest | None:
        kept = replace(self.kept, access=access)
        before, rest = nest.path(access), tuple(buffer for buffer in nest.buffers if buffer.access != access)
        own = nest.statement.accesses[access]
        layout = buffer_layout(nest, kept)
        if isinstance(layout, Rejection) or looks_beyond(nest, access) is not None:
            return None
        place = place_of(self.machine, self.kernel, nest)
        shape = tuple(axis.extent for axis in layout.axes)
        stop = Stop(replace(self.tensor, shape=shape, memory=kept.memory), own, kept, layout)
        if access in nest.statement.written and self.drains:
            home = Stop(replace(self.tensor, memory=place.home), own)
            drain = best_copy(place, nest, access, stop, home, layout)
            if isinstance(drain, Rejection):
                return None
            kept = replace(kept, drain=drain[1])
            stop = replace(stop, buffer=kept)
        start = replace(nest, buffers=(*rest, kept))
        for route in _routes(self.machine, nest, access, kept.memory, self.tensor):
            inside = _inside(place, start, access, route, before, stop)
            if inside is not None:
                return replace(nest, buffers=(*rest, kept, *inside))
        return None


def _inside(
    place: Place, nest: Nest, access: int, route: tuple[str, ...], before: abc.Sequence[Buffer], stop: Stop
) -> tuple[Buffer, ...] | None:
    """Buffers between the kept tensor and the instruction, attached and doubled as they were on the way from home."""
    if not route:
        return () if access_misfit(place, nest, access, stop) is None else None
    known = {buffer.memory: buffer for buffer in before}
    cores = len(nest.distributed)
    plan = [(name, max(cores, depth_of(nest, known[name].loop)) if name in known else cores) for name in route]
    depths = list(itertools.accumulate((depth for _, depth in plan), max))
    found = path_from(place, nest, access, [(n, d) for (n, _), d in zip(plan, depths, strict=True)], stop)
    if isinstance(found, Rejection):
        return None
    return tuple(as_before(buffer, known.get(buffer.memory)) for buffer in found)


def as_before(buffer: Buffer, before: Buffer | None) -> Buffer:
    """``buffer`` doubled, filled ahead and drained late as one of another path was."""
    if before is None or before.slots == 1 or buffer.loop is None:
        return buffer
    overlaps = before.prefetch or before.delay
    ahead, late = overlaps and buffer.fill is not None, overlaps and buffer.drain is not None
    return replace(buffer, slots=before.slots, prefetch=ahead, delay=late)


def place_of(machine: Machine, kernel: Kernel, nest: Nest) -> Place:
    """What layouts and copies ask of a nest's surroundings."""
    index, call = nest.statement.index, nest.call
    bound: tuple[Digit, ...] = tuple(digit for digit in nest.digits if digit.bound is not None)
    mapping = Mapping(kernel, index, call.instruction.name, (), (), MappingClass.EXACT)
    fresh = nest.first is not None or nest.init is not None
    frame = Frame(nest.statement, mapping, call, nest.first, nest.init, bound, fresh, 0)
    choice = Choice(frame, (), ())
    padded = frozenset(padded_lanes(nest, call))
    return Place(machine, all_tensors(kernel), home_memory(machine), choice, padded)
