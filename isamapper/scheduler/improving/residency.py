"""Operands that stay on chip through the loops that statements share: weights of a recurrence, read in every step.

The nests are those that the search found for one step. What they read unchanged in every step is tried as a buffer
that stays, the largest operand first, and kept where the whole schedule gets cheaper; what does not fit beside the
buffers of the other statements goes on being fetched. What does not belong here: what a resident buffer is
(``plan/resident.py``).
"""

from __future__ import annotations

import math
from collections import abc
from dataclasses import replace

from isamapper.diagnostics.source import SourceError
from isamapper.hwdesc.model import Machine, MemoryKind
from isamapper.plan.homes import all_tensors
from isamapper.plan.lower import lower
from isamapper.plan.nest import Buffer, Nest
from isamapper.plan.protocols import CostModel
from isamapper.plan.resident import around, can_stay
from isamapper.plan.steps import Schedule, replay, steps_of
from isamapper.scheduler.improving.judging import TIE
from isamapper.scheduler.improving.keeping import Again, with_kept


def with_residents(schedule: Schedule, cost_model: CostModel, again: Again | None = None) -> Schedule:
    """``schedule`` with every tensor kept and every operand resident that makes it cheaper.

    Itself where no loop is shared. ``again`` searches a statement's nest once more, for one that keeps a tensor.
    """
    nests = list(replay(schedule))
    covered = schedule.covered
    if not any(around(covered, nest.statement.index) for nest in nests):
        return schedule
    schedule = with_kept(schedule, cost_model, again)
    nests = list(replay(schedule))
    best, cycles = schedule, cost_model.cycles(schedule)
    for place, access in _largest(schedule, nests):
        for other in _staying(schedule.machine, nests[place], access):
            changed = [*nests[:place], other, *nests[place + 1 :]]
            tried = replace(schedule, steps=tuple(step for nest in changed for step in steps_of(nest)))
            cost = _cost(tried, cost_model)
            if cost is not None and cost < cycles * (1 + TIE):  # fewer bytes for as good as the same cycles
                best, cycles, nests = tried, min(cost, cycles), changed
                break
    return best


def _cost(schedule: Schedule, cost_model: CostModel) -> float | None:
    try:
        lower(schedule)
        return cost_model.cycles(schedule)
    except SourceError:
        return None


def _largest(schedule: Schedule, nests: abc.Sequence[Nest]) -> list[tuple[int, int]]:
    """(nest, access) of every operand that could stay, the largest tensor first."""
    tensors = all_tensors(schedule.covered)
    found = []
    for place, nest in enumerate(nests):
        for access in sorted({buffer.access for buffer in nest.buffers}):
            if can_stay(schedule.covered, nest, access) is None:
                tensor = tensors[nest.statement.accesses[access].tensor]
                found.append((-math.prod(tensor.shape) * tensor.dtype.bits, place, access))
    return [(place, access) for _, place, access in sorted(found)]


def _staying(machine: Machine, nest: Nest, access: int) -> abc.Iterator[Nest]:
    """The nest with the operand's buffers resident: all of them, then the outer ones only."""
    path = nest.path(access)
    first = next((n for n, b in enumerate(path) if machine.memory(b.memory).kind is not MemoryKind.HOST), len(path))
    for last in range(len(path), first, -1):
        chosen = path[:last]
        stays = {buffer: _resident(nest, buffer) for buffer in chosen if not buffer.prepared}
        yield replace(nest, buffers=tuple(stays.get(buffer, buffer) for buffer in nest.buffers))


def _resident(nest: Nest, buffer: Buffer) -> Buffer:
    """The buffer filled once; where cores divide the statement each keeps what it reads."""
    order = (*(loop for loop, _ in nest.distributed), *buffer.order)
    return replace(buffer, loop=None, slots=1, prefetch=False, delay=False, spread=(), resident=True, order=order)
