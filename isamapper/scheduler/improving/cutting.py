"""Operands that stay on chip in part: what does not fit is cut off and fetched in every step.

A statement whose operand is the same in every iteration of the loops around it, and too large to stay, becomes two: one
with as much of the operand as a memory has room for, and one with the rest. Kept where the whole schedule gets cheaper.
What does not belong here: what stays whole (``residency.py``), the cut itself (``mapper/rewrites/cut.py``).
"""

from __future__ import annotations

import math
from collections import abc
from dataclasses import replace
from functools import partial

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.model import Machine, Memory, MemoryKind
from isamapper.ir.analysis import Statement, statements
from isamapper.ir.types import storage_bytes
from isamapper.mapper.rewrites.cut import Cut, iterators
from isamapper.plan.homes import all_tensors
from isamapper.plan.nest import Epilogue, Nest, digits_of
from isamapper.plan.protocols import CostModel
from isamapper.plan.resident import can_stay
from isamapper.plan.steps import Join, Schedule, replay, steps_of
from isamapper.scheduler.improving.keeping import Again
from isamapper.scheduler.improving.residency import with_residents

SHARES = (0.9, 0.6)
"""Shares of the memory that the part that stays may take: other buffers need some, how much shows in the attempt."""


def with_cut(schedule: Schedule, found: Schedule, cost_model: CostModel, again: Again) -> Schedule:
    """The cheaper of ``found`` and of ``schedule``, its origin, with the largest operand that does not stay cut."""
    if any(isinstance(step, Join) for step in schedule.steps):
        return found
    nests = replay(schedule)
    wanted = _largest_that_moves(found)
    if wanted is None or wanted[0].epilogue is not None:
        return found
    least = cost_model.cycles(found)
    for memory, taken_bytes, cut in _cuts(schedule, *wanted):
        smaller = _smaller(schedule.machine, memory, taken_bytes)
        tried = _with(schedule, nests, cut, smaller, partial(_comes_to, memory.name, wanted[1]), again)
        if tried is None:
            continue
        changed = with_residents(tried, cost_model, again)
        if _stays(changed, wanted[0].statement.index, wanted[1]) and cost_model.cycles(changed) < least:
            return changed
    return found


def _largest_that_moves(found: Schedule) -> tuple[Nest, int] | None:
    """The nest and access of the largest operand that could stay on chip and does not."""
    tensors = all_tensors(found.covered)
    sizes = []
    for nest in replay(found):
        for access in sorted({buffer.access for buffer in nest.buffers}):
            if can_stay(found.covered, nest, access) is None and not _is_resident(nest, access):
                tensor = tensors[nest.statement.accesses[access].tensor]
                sizes.append((math.prod(tensor.shape) * tensor.dtype.bits, nest, access))
    if not sizes:
        return None
    _, nest, access = max(sizes, key=lambda each: (each[0], -each[1].statement.index, -each[2]))
    return nest, access


def _is_resident(nest: Nest, access: int) -> bool:
    return any(buffer.resident for buffer in nest.path(access))


def _stays(schedule: Schedule, statement: int, access: int) -> bool:
    """Whether the operand of one of the two parts stays."""
    parts = (nest for nest in replay(schedule) if nest.statement.index in (statement, statement + 1))
    return any(_is_resident(nest, access) for nest in parts)


def _cuts(schedule: Schedule, nest: Nest, access: int) -> abc.Iterator[tuple[Memory, int, Cut]]:
    """Cuts after which the first part should fit into the memory that the operand comes to first, and its bytes."""
    memory = _first_on_chip(schedule.machine, nest, access)
    if memory is None or memory.capacity_bytes is None:
        return
    tensor = all_tensors(schedule.covered)[nest.statement.accesses[access].tensor]
    total = storage_bytes(tensor.dtype, math.prod(tensor.shape))
    used = {name for index in nest.statement.accesses[access].map.results for name in index.names}
    free = [each for each in iterators(schedule.covered, nest.statement.index) if each.name in used]
    for iterator in sorted(free, key=lambda each: -each.extent):
        block = math.prod(digit.extent for digit in digits_of(nest, iterator.name) if digit.bound is not None)
        for share in SHARES:
            at = int(iterator.extent * share * memory.capacity_bytes / total) // block * block
            if 0 < at < iterator.extent:
                yield memory, total * at // iterator.extent, Cut(nest.statement.index, iterator.name, at)


def _first_on_chip(machine: Machine, nest: Nest, access: int) -> Memory | None:
    memories = (machine.memory(buffer.memory) for buffer in nest.path(access))
    return next((each for each in memories if each.kind is not MemoryKind.HOST), None)


def _smaller(machine: Machine, memory: Memory, taken_bytes: int) -> Machine:
    """The machine as the part that is fetched finds it: half of what is left, for other statements need some, too."""
    left = max(1, ((memory.capacity_bytes or 0) - taken_bytes) // 2)
    memories = (replace(each, capacity_bytes=left) if each.name == memory.name else each for each in machine.memories)
    return replace(machine, memories=tuple(memories))


def _with(
    schedule: Schedule,
    nests: abc.Sequence[Nest],
    cut: Cut,
    smaller: Machine,
    comes: abc.Callable[[Machine, Nest], bool],
    again: Again,
) -> Schedule | None:
    """The schedule of the cut kernel: its two parts searched anew, every other nest as it was.

    The operand of the first part ``comes`` where it is to stay, the second part has a ``smaller`` machine.
    """
    text = cut.text(schedule.covered)
    covered = cut.apply(schedule.covered)
    if isinstance(covered, Rejection):
        return None
    found = statements(covered)
    made: dict[int, Nest] = {}
    for nest in nests:
        index = nest.statement.index
        if index != cut.statement:
            moved = index + (index > cut.statement)
            made[moved] = replace(nest, statement=found[moved], epilogue=_moved(nest.epilogue, cut, found))
    parts = (schedule.machine, partial(comes, schedule.machine)), (smaller, None)
    for index, (machine, accept) in enumerate(parts, cut.statement):
        part = again(machine, covered, index, accept)
        if part is None:
            return None
        made[index] = part
    steps = tuple(step for index in sorted(made) for step in steps_of(made[index]))
    return replace(schedule, covered=covered, steps=steps, rewrites=(*schedule.rewrites, text))


def _comes_to(memory: str, access: int, machine: Machine, nest: Nest) -> bool:
    """Whether an operand comes to ``memory`` before any other on chip."""
    first = _first_on_chip(machine, nest, access)
    return first is not None and first.name == memory


def _moved(epilogue: Epilogue | None, cut: Cut, found: abc.Sequence[Statement]) -> Epilogue | None:
    if epilogue is None:
        return None
    index = epilogue.statement.index
    return replace(epilogue, statement=found[index + (index > cut.statement)])
