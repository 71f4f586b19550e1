"""Statements that one call does together, as one statement to everything that lays out, copies and calls.

    acc[m, n] += i32(x[m, k]) * i32(w[k, n])         y[m, n] = ... x[m, k] ... w[k, n] ... b[n]
    t[m, n] = acc[m, n] + b[n]                 as
    y[m, n] = relu(t[m, n])

The joint statement has one access for every operand of the instruction, in iterators that stand for those of all its
members. Its value means nothing: what is computed is what the members say, and verification holds the program against
them. What does not belong here: finding such statements (the mapper) and their text (``join_text.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from isamapper.diagnostics.source import Span
from isamapper.hwdesc.bind import specialised
from isamapper.hwdesc.model import Instruction, Machine
from isamapper.ir.analysis import Iterator, Statement, statements
from isamapper.ir.nodes import (
    Access,
    Assign,
    Binary,
    BinaryOp,
    Constant,
    Direction,
    Expression,
    IteratorKind,
    Kernel,
    Load,
    Reduction,
)
from isamapper.ir.types import DTYPES
from isamapper.plan.facade import Facade, facade

Number: TypeAlias = int | float

_KINDS = (IteratorKind.PARALLEL, IteratorKind.REDUCTION, IteratorKind.SEQUENTIAL)


@dataclass(frozen=True, slots=True)
class Join:
    """Do the statements ``members`` with one ``instruction``, in place of ``statement``, which is one of them.

    ``operands`` lists every operand with the kernel's access in the joint iterators; its place is the access's number,
    and the first is written. ``iterators`` gives for each joint iterator, outermost first, the kernel iterators that it
    stands for, ``made`` the extents of those that stand for positions of an operand that only constants index.
    ``reduction``: the first operand accumulates. ``pads`` are (lane, operand, value): along the lane one of these
    operands must hold its value beyond the kernel's iterations; along ``loose`` lanes what lies beyond does not matter.
    ``constants`` are local tensors that nothing writes: they hold a value throughout.
    """

    statement: int
    members: tuple[int, ...]
    instruction: str
    operands: tuple[tuple[str, Access], ...]
    iterators: tuple[tuple[str, tuple[tuple[int, str], ...]], ...]
    made: tuple[tuple[str, int], ...] = ()
    values: tuple[tuple[str, int], ...] = ()
    reduction: Reduction | None = None
    pads: tuple[tuple[str, str, Number], ...] = ()
    loose: tuple[str, ...] = ()
    constants: tuple[tuple[str, Number], ...] = ()
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Joint(Statement):
    """A joint statement; ``outputs`` are the accesses that the call writes, ``join`` is what made it."""

    join: Join | None = None
    outputs: tuple[int, ...] = (0,)

    @property
    def written(self) -> tuple[int, ...]:
        """Numbers of the accesses that it writes."""
        return self.outputs


def is_joint(statement: Statement) -> bool:
    """Whether several statements stand behind ``statement``."""
    return isinstance(statement, Joint)


def join_of(statement: Statement) -> Join | None:
    """What made a joint statement; None for a statement of the kernel."""
    return statement.join if isinstance(statement, Joint) else None


def seen_instruction(instruction: Instruction, statement: Statement) -> Instruction:
    """What a call of ``instruction`` for ``statement`` looks at: the facade where it does several statements."""
    if not is_joint(statement):
        return instruction
    found = facade(instruction)
    return found.instruction if isinstance(found, Facade) else instruction


def joint_statement(kernel: Kernel, machine: Machine, join: Join) -> Joint:
    """The joint statement of ``join``, which names what is there (``step_checks.py``)."""
    found = statements(kernel)
    iterators, loops = [], []
    for name, members in join.iterators:
        own = [
            (each, loop)
            for number, wanted in members
            for each, loop in zip(found[number].iterators, found[number].loops, strict=True)
            if each.name == wanted
        ]
        kind = max((each.kind for each, _ in own), key=_KINDS.index)
        iterators.append(Iterator(name, max(each.extent for each, _ in own), kind))
        loops.append(own[0][1])
    iterators += [Iterator(name, extent, IteratorKind.PARALLEL) for name, extent in join.made]
    loops += [-1 for _ in join.made]
    assign = Assign(join.operands[0][1], _sum(tuple(access for _, access in join.operands[1:])), join.reduction)
    instruction = specialised(machine.instruction(join.instruction), join.values)
    directions = {tensor.name: tensor.direction for tensor in instruction.semantics.tensors}
    outputs = tuple(
        number
        for number, (operand, _) in enumerate(join.operands)
        if directions.get(operand) in (Direction.OUT, Direction.INOUT)
    )
    return Joint(join.statement, tuple(iterators), (), assign, (), tuple(loops), join, outputs)


def _sum(accesses: tuple[Access, ...]) -> Expression:
    """An expression that loads ``accesses`` from left to right."""
    value: Expression = Constant(0, DTYPES["i32"])
    for number, access in enumerate(accesses):
        value = Load(access) if number == 0 else Binary(BinaryOp.ADD, value, Load(access))
    return value


def rests_on(statement: Statement, lane: str) -> tuple[tuple[str, Number], ...] | None:
    """Operands of which one must hold its value beyond the edge of ``lane``; None where it must end with the kernel.

    For joint statements only.
    """
    join = join_of(statement)
    assert join is not None
    if lane in join.loose:
        return ()
    found = tuple((operand, value) for name, operand, value in join.pads if name == lane)
    return found or None


def joint_pad(statement: Statement, access: int) -> Number | None:
    """What an access of a joint statement must hold beyond the kernel's iterations; None: anything."""
    join = join_of(statement)
    assert join is not None
    operand = join.operands[access][0]
    return next((value for _, name, value in join.pads if name == operand), None)
