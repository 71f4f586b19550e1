"""Inputs that several statements read in every iteration of shared loops: brought on chip once, for all of them.

Each statement by itself brings what it reads; in a step of a recurrence all gates read the same input. A copy of it at
the start of the step is one statement more, whose target is kept like any other (``keeping.py``). What does not belong
here: what stays for all steps (``residency.py``), the rewrite itself (``mapper/rewrites/bring.py``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import replace

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.model import Machine, MemoryKind
from isamapper.ir.analysis import Statement, statements
from isamapper.ir.nodes import Direction, Kernel
from isamapper.mapper.matching.find import find_mappings
from isamapper.mapper.rewrites.bring import Bring
from isamapper.plan.homes import all_tensors
from isamapper.plan.needle import operand_spec
from isamapper.plan.nest import Call, Epilogue, Nest
from isamapper.plan.resident import around, can_stay
from isamapper.plan.steps import Join, Schedule, replay, steps_of
from isamapper.scheduler.space.candidates import ranked_in
from isamapper.scheduler.statements.frames import frames_of
from isamapper.scheduler.statements.subject import subject_of

READERS = 2
"""An input is worth a statement of its own where at least so many others bring it."""


def with_brought(schedule: Schedule) -> Schedule | None:
    """``schedule`` with inputs that several statements of shared loops bring copied once; None where there is none."""
    if any(isinstance(step, Join) for step in schedule.steps):
        return None
    found = schedule
    for tensor, first in _wanted(schedule):
        found = _brought(found, Bring(tensor, first)) or found
    return None if found is schedule else found


def _wanted(schedule: Schedule) -> list[tuple[str, int]]:
    """Inputs with the first statement of the loops around those that bring them."""
    machine, kernel = schedule.machine, schedule.covered
    tensors = all_tensors(kernel)
    readers: dict[tuple[str, int], set[int]] = {}
    for nest in replay(schedule):
        for access in sorted({buffer.access for buffer in nest.buffers} - {0}):
            tensor = tensors[nest.statement.accesses[access].tensor]
            moves = can_stay(kernel, nest, access) is not None and tensor.direction is Direction.IN
            if moves and _comes_on_chip(machine, nest, access):
                members = around(kernel, nest.statement.index)
                if members:
                    readers.setdefault((tensor.name, members[0]), set()).add(nest.statement.index)
    return [key for key, those in readers.items() if len(those) >= READERS]


def _comes_on_chip(machine: Machine, nest: Nest, access: int) -> bool:
    return any(machine.memory(buffer.memory).kind is not MemoryKind.HOST for buffer in nest.path(access))


def _brought(schedule: Schedule, step: Bring) -> Schedule | None:
    kernel = step.apply(schedule.covered)
    if isinstance(kernel, Rejection):
        return None
    copy = copy_to_chip(schedule.machine, kernel, step.first)
    if copy is None:
        return None
    found = statements(kernel)
    made = {step.first: copy}
    for nest in replay(schedule):
        index = _moved(nest.statement.index, step)
        made[index] = replace(nest, statement=found[index], epilogue=_after(nest.epilogue, step, found))
    steps = tuple(each for index in sorted(made) for each in steps_of(made[index]))
    text = step.text(schedule.covered)
    return replace(schedule, covered=kernel, steps=steps, rewrites=(*schedule.rewrites, text))


def copy_to_chip(
    machine: Machine, kernel: Kernel, index: int, accept: abc.Callable[[Nest], bool] | None = None
) -> Nest | None:
    """The best nest of a copy whose own instruction takes elements from home to where they can stay on chip."""
    statement = statements(kernel)[index]
    mappings = tuple(find_mappings(kernel, machine, statement=index))
    subject = subject_of(machine, kernel, statement)
    frames = frames_of(machine, statement, mappings, subject.fresh, subject.shared)
    ranked = ranked_in(subject, [frame for frame in frames if _brings(machine, subject.home, frame.call)])
    if isinstance(ranked, Rejection):
        return None
    return next((each.nest for each in ranked if accept is None or accept(each.nest)), None)


def _brings(machine: Machine, home: str, call: Call) -> bool:
    read, written = ([name for name, access in call.sigma if (access == 0) == target] for target in (False, True))
    near = {memory for name in written for memory in operand_spec(call.instruction, name).memories}
    on_chip = (MemoryKind.ADDRESSED, MemoryKind.REGISTERS)
    return all(home in operand_spec(call.instruction, name).memories for name in read) and any(
        machine.memory(memory).kind in on_chip for memory in near - {home}
    )


def _moved(index: int, step: Bring) -> int:
    return index + (index >= step.first)


def _after(epilogue: Epilogue | None, step: Bring, found: abc.Sequence[Statement]) -> Epilogue | None:
    return None if epilogue is None else replace(epilogue, statement=found[_moved(epilogue.statement.index, step)])
