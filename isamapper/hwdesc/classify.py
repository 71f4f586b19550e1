"""What an instruction does, read off its meaning: moves data, fills with a constant, or computes.

Names of instructions, units and memories never matter here.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from isamapper.hwdesc.model import Instruction, Machine, Operand
from isamapper.ir.affine import Affine
from isamapper.ir.analysis import Statement, statements
from isamapper.ir.nodes import Assign, Cast, Clamp, Constant, Expression, Load, Tensor, Unary, UnaryOp


class Work(Enum):
    """COPY: one tensor's elements, unchanged, into another. FILL: a constant. COMPUTE: anything else."""

    COPY = "copy"
    FILL = "fill"
    COMPUTE = "compute"


@dataclass(frozen=True, slots=True)
class Move:
    """One way from a memory into another: the copy ``instruction`` takes ``source`` operand to ``target`` operand."""

    from_memory: str
    to_memory: str
    instruction: str
    source: str
    target: str


@lru_cache(maxsize=4096)
def meaning(instruction: Instruction) -> tuple[Statement, ...]:
    """The statements of the instruction's meaning at the greatest parameters."""
    return statements(instruction.semantics)


@lru_cache(maxsize=4096)
def classify(instruction: Instruction) -> Work:
    """What ``instruction`` does; meanings of several statements compute unless each statement is the same work."""
    kinds = {_work(statement.assign) for statement in meaning(instruction)}
    return kinds.pop() if len(kinds) == 1 else Work.COMPUTE


def _work(assign: Assign) -> Work:
    if assign.reduction is not None:
        return Work.COMPUTE
    if isinstance(assign.value, Load):
        return Work.COPY
    return Work.FILL if _is_constant(assign.value) else Work.COMPUTE


def _is_constant(value: Expression) -> bool:
    """Whether ``value`` is a literal, possibly converted or negated."""
    match value:
        case Constant():
            return True
        case Cast(_, operand) | Unary(UnaryOp.NEG, operand) | Clamp(operand):
            return _is_constant(operand)
        case _:
            return False


def moves(machine: Machine) -> tuple[Move, ...]:
    """Every edge of the memory graph, in the order of the machine's instructions."""
    return tuple(move for instruction in machine.instructions for move in _moves_of(instruction))


def _moves_of(instruction: Instruction) -> abc.Iterator[Move]:
    if classify(instruction) is not Work.COPY:
        return
    operands = {operand.name: operand for operand in instruction.operands}
    for statement in meaning(instruction):
        target, source = statement.accesses[:2]
        if target.tensor in operands and source.tensor in operands:
            for first in operands[source.tensor].memories:
                for second in operands[target.tensor].memories:
                    yield Move(first, second, instruction.name, source.tensor, target.tensor)


@lru_cache(maxsize=4096)
def reads_and_writes(instruction: Instruction) -> tuple[frozenset[str], frozenset[str]]:
    """Operands that are read and operands that are written; a reduction into an ``inout`` does both."""
    names = {operand.name for operand in instruction.operands}
    inout = {tensor.name for tensor in instruction.semantics.tensors if tensor.direction.value == "inout"}
    reads: set[str] = set()
    writes: set[str] = set()
    for statement in meaning(instruction):
        target, *loads = (access.tensor for access in statement.accesses)
        writes.add(target)
        reads.update(loads)
        if statement.assign.reduction is not None and target in inout:
            reads.add(target)
    return frozenset(reads & names), frozenset(writes & names)


@lru_cache(maxsize=16384)
def operand_axes(instruction: Instruction, operand: Operand) -> tuple[str | None, ...]:
    """Per axis of ``operand`` the iterator that names it, the same in every access; None where there is none.

    An axis is named by the iterator that indexes it alone, a window such as ``x[q + f]`` by the one of its iterators
    that the target has: ``q``.
    """
    found: list[set[str | None]] = [set() for _ in tensor_of(instruction, operand.name).shape]
    for statement in meaning(instruction):
        kept = frozenset().union(*(index.names for index in statement.assign.target.map.results))
        for access in statement.accesses:
            if access.tensor == operand.name:
                for axis, index in zip(found, access.map.results, strict=True):
                    axis.add(_axis_name(index, kept))
    return tuple(names.pop() if len(names) == 1 else None for names in found)


def _axis_name(index: Affine, kept: abc.Set[str]) -> str | None:
    if index.rotations or index.constant:
        return None
    if len(index.terms) == 1:
        return index.terms[0][0] if index.terms[0][1] == 1 else None
    along = [name for name, step in index.terms if name in kept and step == 1]
    return along[0] if len(along) == 1 else None


def tensor_of(instruction: Instruction, operand: str) -> Tensor:
    """The operand's tensor at the greatest parameters; KeyError where there is none."""
    for tensor in instruction.semantics.tensors:
        if tensor.name == operand:
            return tensor
    raise KeyError(operand)
