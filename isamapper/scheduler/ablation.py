"""What each decision of a schedule is worth: the program without it, simulated.

One decision at a time is undone or changed by one step: a buffer loses its second slot, an overlap is dropped, two
neighbouring loops change places, a factor of two moves from a tile to the loop around it or back. What does not lower
is said so; nothing is searched. What does not belong here: choosing (the strategies).
"""

from __future__ import annotations

import itertools
from collections import abc
from dataclasses import dataclass, replace

from isamapper.diagnostics.source import SourceError
from isamapper.plan.lower import lower
from isamapper.plan.nest import Buffer, Copy, Digit, Nest, digits_of
from isamapper.plan.step_text import print_step
from isamapper.plan.steps import Schedule, replay, steps_of
from isamapper.sim.timeline import Timeline
from isamapper.sim.timing import simulate


@dataclass(frozen=True, slots=True)
class Ablation:
    """One decision: what was decided, what is done instead, and cycles then; None where that cannot be done."""

    statement: int
    kind: str
    decision: str
    instead: str
    cycles: int | None
    reason: str | None = None


def ablations(schedule: Schedule) -> abc.Iterator[Ablation]:
    """Every decision of ``schedule`` in the order of its steps; one simulation each."""
    nests = replay(schedule)
    for place, nest in enumerate(nests):
        for kind, decision, instead, other in _changes(schedule, nest):
            changed = (*nests[:place], other, *nests[place + 1 :])
            cycles, reason = _cycles(schedule, changed)
            yield Ablation(nest.statement.index, kind, decision, instead, cycles, reason)


def _cycles(schedule: Schedule, nests: abc.Iterable[Nest]) -> tuple[int | None, str | None]:
    steps = tuple(step for nest in nests for step in steps_of(nest))
    try:
        return simulate(lower(replace(schedule, steps=steps))).cycles, None
    except SourceError as error:
        return None, error.diagnostics[0].message


def _changes(schedule: Schedule, nest: Nest) -> abc.Iterator[tuple[str, str, str, Nest]]:
    """(kind, decision, what instead, the nest with it)."""
    for number, buffer in enumerate(nest.buffers):
        for kind, decision, instead, other in _buffer_changes(schedule, nest, buffer):
            yield kind, decision, instead, replace(nest, buffers=_with(nest.buffers, number, other))
    for outer, inner in itertools.pairwise(nest.order):
        swapped = tuple({outer: inner, inner: outer}.get(name, name) for name in nest.order)
        yield "order", f"{outer} around {inner}", f"{inner} around {outer}", _reordered(nest, swapped)
    for iterator in nest.statement.iterators:
        yield from _tile_changes(nest, digits_of(nest, iterator.name))


def _reordered(nest: Nest, order: tuple[str, ...]) -> Nest:
    """Another order of the loops; copies stay spread over those that are still inside their buffer's loop."""
    places = {name: place for place, name in enumerate(order)}

    def kept(buffer: Buffer) -> Buffer:
        depth = -1 if buffer.loop is None else places[buffer.loop]
        inside = [(name, coordinate) for name, coordinate in buffer.spread if places[name] > depth]
        return replace(buffer, spread=tuple(sorted(inside, key=lambda item: places[item[0]])))

    return replace(nest, order=order, buffers=tuple(kept(buffer) for buffer in nest.buffers))


def _buffer_changes(schedule: Schedule, nest: Nest, buffer: Buffer) -> abc.Iterator[tuple[str, str, str, Buffer]]:
    tensor = nest.statement.accesses[buffer.access].tensor
    what = f"{tensor} in {buffer.memory}"
    serial = replace(buffer, prefetch=False, delay=False, spread=())
    if buffer.slots > 1:
        yield "slots", f"{what}: {buffer.slots} slots", "one slot", replace(serial, slots=1)
    if buffer.prefetch or buffer.delay:
        word = "filled one tile ahead" if buffer.prefetch else "drained one tile behind"
        yield "overlap", f"{what}: {word}", "copied in its own tile", serial
    if buffer.spread:
        loops = ", ".join(name for name, _ in buffer.spread)
        yield "spread", f"{what}: copies spread over {loops}", "copied at once", replace(buffer, spread=())
    if buffer.loop in nest.order:
        outside = nest.order.index(buffer.loop)
        higher = nest.order[outside - 1] if outside else None
        where = f"inside {higher}" if higher else "before all loops"
        yield "attachment", f"{what}: inside {buffer.loop}", where, replace(serial, loop=higher)


def _tile_changes(nest: Nest, digits: tuple[Digit, ...]) -> abc.Iterator[tuple[str, str, str, Nest]]:
    """A factor of two moved between neighbouring loops of one iterator."""
    for outer, inner in itertools.pairwise(digits):
        if outer.bound is None and inner.bound is None:
            for wider in (True, False):
                extent = 2 * inner.extent if wider else -(-inner.extent // 2)
                around = -(-outer.extent * inner.extent // extent)
                if extent in (inner.extent, 0) or around == 0:
                    continue
                changed = {outer.name: replace(outer, extent=around), inner.name: replace(inner, extent=extent)}
                other = replace(nest, digits=tuple(changed.get(digit.name, digit) for digit in nest.digits))
                yield "tile", f"{inner.name}: {inner.extent}", f"{inner.name}: {extent}", _fitting(other)


def _fitting(nest: Nest) -> Nest:
    """Copies that move several trips of a digit at once move as many as it has now."""
    extents = {digit.name: digit.extent for digit in nest.digits}

    def copied(copy: Copy | None) -> Copy | None:
        if copy is None:
            return None
        return replace(
            copy, binds=tuple((axis, name, min(size, extents.get(name, size))) for axis, name, size in copy.binds)
        )

    def fitted(buffer: Buffer) -> Buffer:
        return replace(buffer, fill=copied(buffer.fill), drain=copied(buffer.drain))

    return replace(nest, buffers=tuple(fitted(buffer) for buffer in nest.buffers))


def _with(buffers: tuple[Buffer, ...], number: int, buffer: Buffer) -> tuple[Buffer, ...]:
    return (*buffers[:number], buffer, *buffers[number + 1 :])


@dataclass(frozen=True, slots=True)
class Explained:
    """A schedule's timeline, its decisions, the dearest to miss first, and how the runner-up differs.

    ``only_chosen`` and ``only_runner_up`` are steps as text; ``runner_up_cycles`` is None where there is no other.
    """

    schedule: Schedule
    timeline: Timeline
    decisions: tuple[Ablation, ...]
    runner_up_cycles: int | None = None
    only_chosen: tuple[str, ...] = ()
    only_runner_up: tuple[str, ...] = ()


def explained(schedule: Schedule, runner_up: Schedule | None = None) -> Explained:
    """Everything about why ``schedule`` is as it is; one simulation per decision."""
    timeline = simulate(lower(schedule))
    decisions = sorted(ablations(schedule), key=lambda one: (one.cycles is None, -(one.cycles or 0)))
    cycles = None if runner_up is None else _lowered_cycles(runner_up)
    if runner_up is None or cycles is None:
        return Explained(schedule, timeline, tuple(decisions))
    ours, theirs = ([print_step(step) for step in each.steps] for each in (schedule, runner_up))
    return Explained(
        schedule,
        timeline,
        tuple(decisions),
        cycles,
        tuple(step for step in ours if step not in theirs),
        tuple(step for step in theirs if step not in ours),
    )


def _lowered_cycles(schedule: Schedule) -> int | None:
    """Cycles of a schedule; None where it was judged by its decisions alone and does not lower."""
    try:
        return simulate(lower(schedule)).cycles
    except SourceError:
        return None
