"""Partial sums that are added to the target where it lives, instead of being brought back and going on.

A buffer of the target that ``adds`` starts every tile afresh; its drain is an instruction such as ``d[i] += s[i]``.
Then tiles may be visited again, by other loops or by other cores, in any order: the target holds what the sum starts
from before the first of them. What does not belong here: whose network adds for whom (``check_cores.py``).
"""

from __future__ import annotations

from collections import abc

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.model import Instruction
from isamapper.ir.nodes import Direction
from isamapper.plan.cores import reduction_of
from isamapper.plan.needle import adding_shape
from isamapper.plan.nest import Buffer, Call, Nest, depth_of
from isamapper.plan.refusal import written_at


def adding_buffer(nest: Nest) -> Buffer | None:
    """The buffer whose tiles are added to the target, if there is one."""
    return next((buffer for buffer in nest.path(0) if buffer.adds), None)


def added_depth(nest: Nest) -> int | None:
    """Number of loops outside which partial sums are added up; None where they are not."""
    buffer = adding_buffer(nest)
    return None if buffer is None else depth_of(nest, buffer.loop)


def check_sums(nest: Nest) -> abc.Iterator[Rejection]:
    """Sums are added to the target by the first stop of its path, and start afresh there."""
    for buffer in (each for each in nest.buffers if each.adds):
        subject, at = f"buffer of access {buffer.access} in '{buffer.memory}'", written_at(buffer.span)
        if buffer.access != 0 or nest.statement.assign.reduction is None:
            yield Rejection("SCH018", subject, "only sums can be added up", at, "'drain' instead of 'adds'")
        elif buffer != nest.path(0)[0] or buffer.kept or nest.epilogue is not None:
            reason = "what it adds to is the target itself, at home"
            yield Rejection("SCH018", subject, reason, at, "'adds' at the first stop of its path, and nothing fused")
        elif buffer.fill is not None:
            yield Rejection("SCH018", subject, "every tile starts afresh, so nothing fills it", at, "no 'fill'")
        elif nest.first is None and nest.init is None and accumulates(nest.call):
            reason = "every tile starts afresh"
            yield Rejection("SCH018", subject, reason, at, "a call that is 'first', or one that is 'init'")


def check_adding(instruction: Instruction, buffer: Buffer, nest: Nest) -> abc.Iterator[Rejection]:
    """The instruction reduces as the statement does."""
    shape, wanted = adding_shape(instruction), nest.statement.assign.reduction
    found = None if shape is None else reduction_of(instruction, shape.target)
    if found is not wanted and found is not None and wanted is not None:
        reason = f"it reduces with '{found.value}=', the statement with '{wanted.value}='"
        yield Rejection("SCH018", f"'{instruction.name}'", reason, written_at(buffer.span), "one that reduces alike")


def accumulates(call: Call) -> bool:
    """Whether a call reads what its target operand held before."""
    operand = call.operand(0)
    return any(
        tensor.name == operand and tensor.direction is Direction.INOUT for tensor in call.instruction.semantics.tensors
    )
