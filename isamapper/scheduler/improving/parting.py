"""Statements in loops that others share, across a grid: every core keeps its part of what it reads in each step.

A recurrence's product is found once more as what one core does of it, with its part of the weights near; what stays
there is tried afterwards, as for any statement (``residency.py``). The product may be cut as promises most for itself;
then the other statements run on one core, and what cores hand on goes through a memory that all of them reach. Or it
is cut along what the statements after it follow, and each core goes on with its own part of the results.

What does not belong here: ways to cut a statement over a grid (``spatial.py``), who follows whom (``following.py``).
"""

from __future__ import annotations

import math
from collections import abc
from dataclasses import replace

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.model import Machine
from isamapper.ir.analysis import statements
from isamapper.ir.nodes import Direction, Kernel, Load, Role
from isamapper.ir.types import storage_bytes
from isamapper.plan.homes import all_tensors, home_memory
from isamapper.plan.nest import Nest, digits_of
from isamapper.plan.resident import can_stay
from isamapper.plan.steps import Schedule, replay, steps_of
from isamapper.plan.work import call_cycles
from isamapper.scheduler.improving.bringing import copy_to_chip
from isamapper.scheduler.improving.following import followers
from isamapper.scheduler.improving.keeping import Again
from isamapper.scheduler.improving.preparing import with_prepared
from isamapper.scheduler.improving.roomy import roomy
from isamapper.scheduler.improving.spatial import Cut, done_across, parted, suited_grids


def with_parts(schedule: Schedule, again: Again) -> abc.Iterator[tuple[Schedule, Again]]:
    """``schedule`` with the statement of the largest operand that can stay divided over the cores of a grid.

    Each with another ``again``, which leaves what is divided as it is. None where nothing can be divided so.
    """
    nests = list(replay(schedule))
    chosen = _largest(schedule, nests) if schedule.machine.grids else None
    if chosen is None:
        return
    found = (_with_followers(schedule, nests, chosen, again), _alone(schedule, nests, chosen, again))
    for changed in (each for each in found if each is not None):
        steps = tuple(step for number in sorted(changed) for step in steps_of(changed[number]))
        divided = {number for number, nest in changed.items() if nest.distributed}
        yield replace(schedule, steps=steps), _leaving(divided, again)


def _leaving(divided: abc.Collection[int], again: Again) -> Again:
    def others(machine: Machine, kernel: Kernel, number: int, accept: abc.Callable[[Nest], bool] | None) -> Nest | None:
        return None if number in divided else again(machine, kernel, number, accept)

    return others


def _alone(schedule: Schedule, nests: abc.Sequence[Nest], chosen: int, again: Again) -> dict[int, Nest] | None:
    """The nests, by statement, with the chosen one divided as promises most."""
    nest = nests[chosen]
    search = _on_core(roomy(again), nest.statement.index, None)
    divided = parted(schedule.machine, schedule.covered, nest, search)
    return None if divided is None else {each.statement.index: each for each in (*nests, divided)}


def _with_followers(schedule: Schedule, nests: abc.Sequence[Nest], chosen: int, again: Again) -> dict[int, Nest] | None:
    """The nests with the chosen one and those that go on with its results divided alike."""
    machine, kernel, near = schedule.machine, schedule.covered, roomy(again)
    made = {nest.statement.index: nest for nest in nests}
    first = nests[chosen].statement
    for iterator, others in followers(kernel, first.index):
        cut = _evenly(machine, kernel, nests[chosen], iterator, others) if others else None
        if cut is None:
            continue
        for index, name in ((first.index, iterator), *others.items()):
            own = Cut(tuple((name, count, grid) for _, count, grid in cut.parts))
            whole = _part(machine, kernel, made[index], own, near)
            if whole is None and index == first.index:
                break
            made[index] = whole or made[index]
        if made[first.index].distributed:
            return made
    return None


def _part(machine: Machine, kernel: Kernel, nest: Nest, cut: Cut, near: Again) -> Nest | None:
    """The nest's statement over the cores of ``cut``, each with the same block of the iterator that is cut.

    What ``nest`` finds, or leaves, on chip each core does, too, if it can.
    """
    statement, iterator = nest.statement, cut.parts[0][0]
    size = next(each.extent for each in statement.iterators if each.name == iterator)
    block = -(-size // cut.count(iterator))

    def whole_blocks(found: Nest) -> bool:
        return math.prod(digit.extent for digit in digits_of(found, iterator)) == block

    def same_ends(found: Nest) -> bool:
        ends = all(bool(found.path(a)) == bool(nest.path(a)) for a in range(len(statement.accesses)))
        return ends and whole_blocks(found)

    def copied(core: Machine, kernel: Kernel) -> Nest | Rejection:
        found = copy_to_chip(core, kernel, statement.index, same_ends)
        return found or Rejection("SCH040", f"statement {statement.index}", "a core has no copy of its part")

    searches = [_on_core(near, statement.index, accept) for accept in (same_ends, whole_blocks)]
    if isinstance(statement.assign.value, Load):
        searches.insert(0, copied)
    tried = (done_across(machine, kernel, statement, cut, search) for search in searches)
    return next((each for each in tried if each is not None), None)


def _on_core(
    near: Again, index: int, accept: abc.Callable[[Nest], bool] | None
) -> abc.Callable[[Machine, Kernel], Nest | Rejection]:
    def search(core: Machine, kernel: Kernel) -> Nest | Rejection:
        found = near(core, kernel, index, accept)
        if found is None:
            return Rejection("SCH040", f"statement {index}", "a core has no schedule for its part")
        return with_prepared(core, kernel, found)

    return search


def _evenly(machine: Machine, kernel: Kernel, nest: Nest, iterator: str, others: abc.Mapping[int, str]) -> Cut | None:
    """The iterator cut into equal parts over the grids of the nest's arithmetic, so many as promise most; None for one.

    More cores do less each, but what they bring from home and take there in smaller pieces takes whole requests.
    """
    left = next(each.extent for each in nest.statement.iterators if each.name == iterator)
    busy, pieces = _busy_cycles(nest), _pieces(kernel, others, left)
    parts: list[tuple[str, int, str]] = []
    for grid in suited_grids(machine, nest):
        done = math.prod(count for _, count, _ in parts)
        counts = [count for count in range(1, min(left, grid.count) + 1) if left % count == 0]
        count = min(
            counts, key=lambda each: (busy / (done * each) + _moved_cycles(machine, pieces, done * each), -each)
        )
        if count > 1:
            parts.append((iterator, count, grid.name))
            left //= count
    return Cut(tuple(parts)) if parts else None


def _busy_cycles(nest: Nest) -> int:
    """Cycles that the nest's calls keep their unit busy, in one iteration of the loops that statements share."""
    bound = tuple(digit for digit in nest.digits if digit.bound is not None)
    around = frozenset(d.iterator for d in nest.digits if d.bound is None and d.name not in nest.order)
    return call_cycles(nest.statement, nest.call, bound, around)


def _pieces(kernel: Kernel, others: abc.Mapping[int, str], size: int) -> list[int]:
    """Bytes of everything that statements behind bring from home in every step, or take there."""
    tensors, found = all_tensors(kernel), statements(kernel)
    at_home = {access for index in others for access in found[index].accesses}
    known = [tensors[access.tensor] for access in at_home]
    moved = (each for each in known if each.direction is not Direction.LOCAL and each.role is not Role.CONST)
    return [storage_bytes(each.dtype, size) for each in moved]


def _moved_cycles(machine: Machine, pieces: abc.Sequence[int], cores: int) -> float:
    """Cycles of the home memory's ports for pieces that so many cores move a part of each."""
    ports = machine.memory(home_memory(machine)).ports
    return max(
        (sum(max(size, cores * port.request_bytes) for size in pieces) / port.bytes_per_cycle for port in ports),
        default=0.0,
    )


def _largest(schedule: Schedule, nests: abc.Sequence[Nest]) -> int | None:
    """The place of the nest with the largest operand that can stay."""
    tensors = all_tensors(schedule.covered)
    sizes = [
        (math.prod(tensors[nest.statement.accesses[access].tensor].shape), -place)
        for place, nest in enumerate(nests)
        for access in {buffer.access for buffer in nest.buffers}
        if can_stay(schedule.covered, nest, access) is None
    ]
    return -max(sizes)[1] if sizes else None
