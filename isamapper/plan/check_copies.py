"""Do the copies of a nest's buffers fit the tensors they move, and is what is prepared offline known offline.

What does not belong here: whether windows fit the copies (``emit_copy.py``, ``check_window.py``).
"""

from __future__ import annotations

from collections import abc
from itertools import pairwise

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.model import Instruction, Machine
from isamapper.ir.nodes import Role, Tensor
from isamapper.ir.types import DType
from isamapper.plan.copies import copies_between
from isamapper.plan.needle import adding_shape, copy_shape, operand_spec, operand_tensor
from isamapper.plan.nest import Buffer, Nest
from isamapper.plan.refusal import written_at
from isamapper.plan.sums import check_adding


def check_copies(nest: Nest, tensors: abc.Mapping[str, Tensor], machine: Machine, home: str) -> Rejection | None:
    """The first copy or prepared buffer that cannot be, or None; ``tensors`` are those of the kernel by name."""
    return next(_mistakes(nest, tensors, machine, home), None)


def _mistakes(nest: Nest, tensors: abc.Mapping[str, Tensor], machine: Machine, home: str) -> abc.Iterator[Rejection]:
    for access in sorted({buffer.access for buffer in nest.buffers}):
        tensor = tensors[nest.statement.accesses[access].tensor]
        path: list[Buffer | None] = [None, *nest.path(access)]
        for outer, inner in pairwise(path):
            assert inner is not None
            if inner.prepared:
                yield from _prepared(inner, tensor)
                continue
            places = home if outer is None else outer.memory, inner.memory
            if inner.fill is not None:
                copy = machine.instruction(inner.fill.instruction)
                yield from _copy(copy, inner, tensor.dtype, places, machine)
            if inner.drain is not None and (nest.epilogue is None or outer is not None):
                copy = machine.instruction(inner.drain.instruction)
                yield from _copy(copy, inner, tensor.dtype, (places[1], places[0]), machine)
            if inner.adds and inner.drain is not None:
                yield from check_adding(machine.instruction(inner.drain.instruction), inner, nest)


def _prepared(buffer: Buffer, tensor: Tensor) -> abc.Iterator[Rejection]:
    if tensor.role is not Role.CONST:
        subject = f"prepared copy of '{tensor.name}'"
        reason = "a const operand is prepared once, offline; this one is known only when the kernel runs"
        edit = f"declare it 'const {tensor.name}', or 'fill' the buffer with a copy"
        yield Rejection("SCH013", subject, reason, written_at(buffer.span), edit)


def _copy(
    copy: Instruction, buffer: Buffer, dtype: DType, places: tuple[str, str], machine: Machine
) -> abc.Iterator[Rejection]:
    shape = copy_shape(copy) or adding_shape(copy)
    if shape is None:
        return  # said where the copy is made
    fitting = [each.name for each in copies_between(machine, *places, dtype, dtype)]
    edit = f"copies of {dtype} from '{places[0]}' to '{places[1]}' are {', '.join(fitting)}" if fitting else None
    for operand, memory in ((shape.source, places[0]), (shape.target, places[1])):
        subject, at = f"'{operand}' of '{copy.name}'", written_at(buffer.span)
        found = operand_tensor(copy.semantics, operand).dtype
        if found != dtype:
            yield Rejection("SCH014", subject, f"it is {found}, the tensor that it copies is {dtype}", at, edit)
        memories = operand_spec(copy, operand).memories
        if memory not in memories:
            yield Rejection("SCH014", subject, f"it lies in {' or '.join(memories)}, not in '{memory}'", at, edit)
