"""What lowering needs to know of an instruction's meaning: its axes, extents and parameters.

Everything here is derived from the semantics text; nothing depends on names of instructions or machines.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from functools import lru_cache

from isamapper.hwdesc.bind import controls
from isamapper.hwdesc.classify import operand_axes
from isamapper.hwdesc.model import Instruction, Operand, ParameterRange
from isamapper.ir.analysis import Statement, statements
from isamapper.ir.nodes import Access, Assign, Cast, Constant, Direction, Kernel, Load, Tensor


@lru_cache(maxsize=4096)
def only_statement(semantics: Kernel) -> Statement | None:
    """The single statement of a one-statement instruction, else None."""
    found = statements(semantics)
    return found[0] if len(found) == 1 else None


@lru_cache(maxsize=4096)
def accesses_of(semantics: Kernel, operand: str) -> tuple[Access, ...]:
    """Every access of the semantics to ``operand``."""
    return tuple(
        access for statement in statements(semantics) for access in statement.accesses if access.tensor == operand
    )


@lru_cache(maxsize=4096)
def lone_axes(semantics: Kernel, operand: str) -> tuple[str | None, ...]:
    """Per operand axis the iterator that alone indexes it; None for a constant index; ValueError for a compound one."""
    access = accesses_of(semantics, operand)[0]
    found: list[str | None] = []
    for result in access.map.results:
        match result.terms:
            case ():
                found.append(None)
            case ((name, 1),) if result.constant == 0:
                found.append(name)
            case _:
                raise ValueError(f"operand '{operand}' has a compound index")
    return tuple(found)


def has_lone_axes(semantics: Kernel, operand: str) -> bool:
    """Whether :func:`lone_axes` is defined for ``operand``."""
    accesses = accesses_of(semantics, operand)
    if not accesses or any(access.map != accesses[0].map for access in accesses):
        return False
    return all(
        not result.terms or (len(result.terms) == 1 and result.terms[0][1] == 1 and result.constant == 0)
        for result in accesses[0].map.results
    )


@lru_cache(maxsize=4096)
def iterator_sizes(semantics: Kernel) -> abc.Mapping[str, int]:
    """Extent of every instruction iterator at the greatest parameters."""
    return {iterator.name: iterator.extent for statement in statements(semantics) for iterator in statement.iterators}


@lru_cache(maxsize=4096)
def parameter_of(instruction: Instruction, iterator: str) -> ParameterRange | None:
    """The parameter that is exactly the extent of ``iterator``, else None."""
    control = controls(instruction).get(iterator)
    if control is None or control[1] != 1:
        return None
    return next(p for p in instruction.parameters if p.name == control[0])


@lru_cache(maxsize=4096)
def operand_tensor(semantics: Kernel, name: str) -> Tensor:
    """The operand's tensor at the greatest parameters; KeyError where there is none."""
    for tensor in semantics.tensors:
        if tensor.name == name:
            return tensor
    raise KeyError(name)


@lru_cache(maxsize=4096)
def operand_spec(instruction: Instruction, name: str) -> Operand:
    """The operand's demands; KeyError where there is none."""
    for operand in instruction.operands:
        if operand.name == name:
            return operand
    raise KeyError(name)


@dataclass(frozen=True, slots=True)
class CopyShape:
    """An instruction that moves elements: one statement ``target[..] = f(source[..])`` of lone indices.

    ``pure`` where ``f`` is the identity: a copy.
    """

    instruction: Instruction
    source: str
    target: str
    iterators: tuple[str, ...]
    pure: bool


@lru_cache(maxsize=4096)
def copy_shape(instruction: Instruction) -> CopyShape | None:
    """The move that ``instruction`` is, or None where it combines several elements."""
    statement = only_statement(instruction.semantics)
    return None if statement is None or statement.assign.reduction is not None else _shape(instruction)


@lru_cache(maxsize=4096)
def adding_shape(instruction: Instruction) -> CopyShape | None:
    """The same of an instruction that reduces its source into its target, element by element: ``d[i] += s[i]``."""
    statement = only_statement(instruction.semantics)
    shape = None if statement is None or statement.assign.reduction is None else _shape(instruction)
    if shape is None or not shape.pure:
        return None
    return shape if set(shape.iterators) == set(lone_axes(instruction.semantics, shape.target)) else None


def _shape(instruction: Instruction) -> CopyShape | None:
    statement = only_statement(instruction.semantics)
    if statement is None or statement.conditions:
        return None
    assign: Assign = statement.assign
    if len(statement.accesses) != 2:
        return None
    if not all(has_lone_axes(instruction.semantics, tensor.name) for tensor in instruction.semantics.tensors):
        return None
    return CopyShape(
        instruction,
        statement.accesses[1].tensor,
        assign.target.tensor,
        tuple(iterator.name for iterator in statement.iterators),
        isinstance(assign.value, Load),
    )


@lru_cache(maxsize=4096)
def fill_value(instruction: Instruction) -> int | float | None:
    """The constant that a fill instruction writes, or None where it is no fill."""
    statement = only_statement(instruction.semantics)
    if statement is None or statement.conditions or statement.assign.reduction is not None:
        return None
    value = statement.assign.value
    while isinstance(value, Cast):
        value = value.operand
    return value.value if isinstance(value, Constant) else None


@lru_cache(maxsize=4096)
def required_strides(instruction: Instruction, operand: str) -> tuple[int | None, ...]:
    """Element stride demanded along each axis of ``operand`` (None: free), at the greatest parameters."""
    spec = operand_spec(instruction, operand)
    tensor = operand_tensor(instruction.semantics, operand)
    axes = operand_axes(instruction, spec)
    strides: list[int | None] = []
    total = 1
    for size, iterator in zip(reversed(tensor.shape), reversed(axes), strict=True):
        dense = spec.contiguous is None or iterator in spec.contiguous
        strides.append(total if dense else None)
        if dense:
            total *= size
    return tuple(reversed(strides))


def writes(instruction: Instruction) -> tuple[str, ...]:
    """Operands that the instruction writes."""
    return tuple(
        tensor.name for tensor in instruction.semantics.tensors if tensor.direction in (Direction.OUT, Direction.INOUT)
    )
