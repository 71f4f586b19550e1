"""Which frames need the fewest elements gathered: those whose lanes walk along the rows of their operands.

    x[n, c, h, j]     lanes j in j       runs of 16 in a row: copied as they lie
                      lanes n, j in j    runs of 2, images apart: every element by itself

Frames that fill their lanes from all over a tensor are cheap by their calls alone; where operands are re-laid out at
run time, each of their elements costs something. What does not belong here: what a layout copy costs (``costmodels``).
"""

from __future__ import annotations

import math
from collections import abc
from functools import lru_cache

from isamapper.hwdesc.bind import bind_instruction, timing
from isamapper.hwdesc.model import Machine
from isamapper.ir.nodes import Access, Role
from isamapper.ir.types import DType
from isamapper.plan.copies import copies_between
from isamapper.plan.needle import lone_axes
from isamapper.scheduler.statements.frames import Frame
from isamapper.scheduler.statements.subject import Subject

RUN = 4
"""Elements side by side from which on a row is worth a copy of its own."""


def least_gathered(subject: Subject, frames: abc.Sequence[Frame]) -> tuple[Frame, ...]:
    """``frames``, those first that need fewest cycles for calls or elements to gather, whichever is more."""

    def need(frame: Frame) -> float:
        return max(frame.unit_cycles(subject.machine), _gathering_cycles(subject, frame))

    return tuple(sorted(frames, key=need))


def _gathering_cycles(subject: Subject, frame: Frame) -> float:
    """Cycles to gather operands that come at run time, and the result, where no lane walks along their rows."""
    total = 0.0
    for operand, number in frame.call.sigma:
        access = frame.statement.accesses[number]
        tensor = subject.tensors[access.tensor]
        written = number in frame.statement.written
        lanes = (
            lone_axes(frame.call.instruction.semantics, operand)[-1:] if written else ()
        )  # results leave as they lie
        if (written or tensor.role is not Role.CONST) and not _in_rows(frame, access, lanes):
            total += math.prod(tensor.shape) * _element_cycles(subject.machine, subject.home, tensor.dtype)
    return total


@lru_cache(maxsize=256)
def _element_cycles(machine: Machine, home: str, dtype: DType) -> float:
    """What a copy within the home memory takes for an element at best; 1 where nothing copies there."""
    found = []
    for instruction in copies_between(machine, home, home, dtype, dtype):
        greatest = {parameter.name: parameter.high for parameter in instruction.parameters}
        elements = math.prod(bind_instruction(instruction, greatest).tensors[0].shape)
        found.append(timing(instruction, greatest)[0] / max(1, elements))
    return min(found, default=1.0)


def _in_rows(frame: Frame, access: Access, lanes: tuple[str | None, ...]) -> bool:
    """Whether some lane, or one of those given, holds a run of the innermost axis that anything moves along."""
    extents = {each.name: each.extent for each in frame.statement.iterators}
    moving = [index for index in access.map.results if any(extents[name] > 1 for name in index.names)]
    if not moving:
        return True
    longest = 0
    for name, step in moving[-1].terms:
        held = [digit for digit in frame.bound if digit.iterator == name]
        if abs(step) == 1 and held and (not lanes or held[-1].bound in lanes):
            longest = max(longest, held[-1].extent)  # the innermost digit walks element by element
    most = max((extents[name] for name, step in moving[-1].terms if abs(step) == 1), default=1)
    return longest >= min(RUN, most)
