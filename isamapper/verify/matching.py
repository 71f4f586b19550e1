"""Which statement of an instruction does what a statement of the kernel does, read by read.

    kernel       c[m, n] += i32(a[m, k]) * i32(b[k, n])
    instruction  c[i, j] += i32(w[k, j]) * i32(a[i, k])       reads: w is b, a is a

Expressions are compared as trees, operands of commutative operators in either order, data types at every node.
What does not belong here: which instances (``proof.py``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from itertools import product

from isamapper.ir.expressions import loads
from isamapper.ir.nodes import (
    Access,
    Assign,
    Binary,
    BinaryOp,
    Cast,
    Clamp,
    Constant,
    Expression,
    Load,
    Reduction,
    Select,
    Unary,
)
from isamapper.ir.numeric import REDUCTION_OPERATOR, identity
from isamapper.ir.types import DType

Types = abc.Mapping[str, DType]
Reads = tuple[int, ...]
"""For the reads of an instruction's value, left to right (from 1, as in ``ir/dataflow.py``): the kernel's reads."""

_COMMUTATIVE = (BinaryOp.ADD, BinaryOp.MUL, BinaryOp.MIN, BinaryOp.MAX)
_REDUCTION = {op: reduction for reduction, op in REDUCTION_OPERATOR.items()}


@dataclass(frozen=True, slots=True)
class Form:
    """One way to read an assign: ``target = accumulated op value`` with the read that holds what is accumulated.

    ``accumulated`` is None for plain assigns, 0 for ``op=``. ``reads`` are the positions of the value's reads.
    """

    reduction: Reduction | None
    accumulated: int | None
    value: Expression
    reads: tuple[int, ...]


def forms(assign: Assign) -> tuple[Form, ...]:
    """Every way to read ``assign``."""
    every = tuple(range(1, len(loads(assign.value)) + 1))
    if assign.reduction is not None:
        whole = Binary(REDUCTION_OPERATOR[assign.reduction], Load(assign.target), assign.value)
        return (Form(assign.reduction, 0, assign.value, every), Form(None, None, whole, (0, *every)))
    plain = Form(None, None, assign.value, every)
    found: list[Form] = []
    if isinstance(assign.value, Binary) and assign.value.op in _COMMUTATIVE:
        left, right = assign.value.left, assign.value.right
        if isinstance(left, Load):
            found.append(Form(_REDUCTION[assign.value.op], 1, right, every[1:]))
        if isinstance(right, Load):
            found.append(Form(_REDUCTION[assign.value.op], len(every), left, every[:-1]))
    onto_itself = [form for form in found if _accumulates_on_target(assign, form)]
    return (plain, *(onto_itself or found))


def _accumulates_on_target(assign: Assign, form: Form) -> bool:
    """Whether what is accumulated on is what stood in the target: then that is the natural way to read it."""
    access = accesses(assign)[form.accumulated or 0]
    return (access.tensor, access.map) == (assign.target.tensor, assign.target.map)


def agreements(kernel: Expression, types: Types, other: Expression, other_types: Types) -> abc.Iterator[Reads]:
    """Every assignment of the kernel's reads to those of ``other`` under which both are one expression."""
    yield from dict.fromkeys(_agree(kernel, types, 1, other, other_types))


def _agree(kernel: Expression, types: Types, first: int, other: Expression, other_types: Types) -> abc.Iterator[Reads]:
    """``first`` is the number of the kernel's first read in ``kernel``."""
    match kernel, other:
        case Constant(value, dtype), Constant(also, same):
            if (value, dtype) == (also, same):
                yield ()
        case Load(access), Load(with_access):
            if types[access.tensor] == other_types[with_access.tensor]:
                yield (first,)
        case Unary(_, operand) | Cast(_, operand) | Clamp(operand), Unary(_, same) | Cast(_, same) | Clamp(same):
            if _same_node(kernel, other):
                yield from _agree(operand, types, first, same, other_types)
        case Binary(op, left, right), Binary(also_op, one, two) if op is also_op:
            second = first + len(loads(left))
            yield from _pairs(((left, first, one), (right, second, two)), types, other_types)
            if op in _COMMUTATIVE:
                yield from _crossed((left, first), (right, second), one, two, types, other_types)
        case Select(op), Select(also_op) if op is also_op:
            yield from _pairs(tuple(_select_parts(kernel, first, other)), types, other_types)
        case _:
            return


def _same_node(kernel: Expression, other: Expression) -> bool:
    match kernel, other:
        case Unary(op), Unary(also):
            return op is also
        case Cast(dtype), Cast(same):
            return dtype == same
        case Clamp(_, low, high), Clamp(_, also_low, also_high):
            return (low, high) == (also_low, also_high)
        case _:
            return False


def _pairs(
    parts: tuple[tuple[Expression, int, Expression], ...], types: Types, other_types: Types
) -> abc.Iterator[Reads]:
    """All parts in order, the reads of ``other`` one after another."""
    options = [tuple(_agree(kernel, types, first, other, other_types)) for kernel, first, other in parts]
    for chosen in product(*options):
        yield tuple(read for reads in chosen for read in reads)


def _crossed(
    left: tuple[Expression, int],
    right: tuple[Expression, int],
    one: Expression,
    two: Expression,
    types: Types,
    other_types: Types,
) -> abc.Iterator[Reads]:
    yield from _pairs(((*right, one), (*left, two)), types, other_types)


def _select_parts(kernel: Select, first: int, other: Select) -> abc.Iterator[tuple[Expression, int, Expression]]:
    for name in ("left", "right", "if_true", "if_false"):
        part: Expression = getattr(kernel, name)
        yield part, first, getattr(other, name)
        first += len(loads(part))


def neutral_with(form: Form, types: Types, read: int, value: float, result: DType) -> bool:
    """Whether the form's value is its reduction's identity when ``read`` gives ``value``, whatever the others give."""
    if form.reduction is None:
        return False
    position = form.reads.index(read)
    known = _known(form.value, position, value)
    return known is not None and known == float(identity(form.reduction, result))


def _known(expression: Expression, position: int, value: float) -> float | None:
    """The expression's value when its read number ``position`` (from 0) gives ``value``; None: it depends."""
    match expression:
        case Constant(literal):
            return float(literal)
        case Load():
            return value if position == 0 else None
        case Cast(_, operand):
            return _known(operand, position, value)
        case Binary(op, left, right):
            one = _known(left, position, value)
            other = _known(right, position - len(loads(left)), value)
            if op is BinaryOp.MUL and 0.0 in (one, other):
                return 0.0
            return None
        case _:
            return None


def constant_value(assign: Assign) -> float | None:
    """The number that a plain assign of a literal writes."""
    value = assign.value
    while isinstance(value, Cast):
        value = value.operand
    return float(value.value) if isinstance(value, Constant) and assign.reduction is None else None


def is_copy(assign: Assign) -> bool:
    """Whether an assign gives what it reads and nothing else."""
    return isinstance(assign.value, Load) and assign.reduction is None


def accesses(assign: Assign) -> tuple[Access, ...]:
    """The target, then the reads, numbered as in ``ir/dataflow.py``."""
    return (assign.target, *loads(assign.value))
