"""Where an instruction works on more elements than the kernel has, and what must stand there.

An instruction iterator that cannot be narrowed runs its full extent on the last tile. The elements beyond the kernel's
own must make no difference: what they add to a target cell that is kept must be the reduction's identity.
"""

from __future__ import annotations

from isamapper.ir.nodes import Reduction
from isamapper.plan.needle import iterator_sizes, lone_axes, parameter_of
from isamapper.plan.nest import Digit, Nest, digits_of, iterator_extent, weight


def padded_iterators(nest: Nest) -> tuple[str, ...]:
    """Instruction iterators that run past the kernel's iterations in some call."""
    found = []
    for name, size in iterator_sizes(nest.call.instruction.semantics).items():
        control = parameter_of(nest.call.instruction, name)
        members = tuple(nest.digit(member) for member in nest.call.members(name))
        narrows = control is not None and control.step == 1 and control.low <= 1
        if not members:
            if (size if control is None else control.low) > 1:
                found.append(name)
        elif any(_ragged(nest, digit) for digit in members) and not (narrows and _boxed(nest, members)):
            found.append(name)
    return tuple(found)


def _ragged(nest: Nest, digit: Digit) -> bool:
    return iterator_extent(nest, digit.iterator) % (weight(nest, digit) * digit.extent) != 0


def _boxed(nest: Nest, members: tuple[Digit, ...]) -> bool:
    """Whether clipping only shortens the outermost digit, so that the valid part is a box."""
    if any(_ragged(nest, digit) for digit in members[1:]):
        return False
    outer = digits_of(nest, members[0].iterator)
    place = [digit.name for digit in outer].index(members[0].name)
    return not any(digit.bound is not None and digit.extent > 1 for digit in outer[:place])


def needs_padding(nest: Nest, access: int) -> bool:
    """Whether calls read elements of ``access`` beyond the kernel's own."""
    operand = nest.call.operand(access)
    if operand is None or access == 0:
        return False
    axes = lone_axes(nest.call.instruction.semantics, operand)
    return any(name in axes for name in padded_iterators(nest))


def pad_value(nest: Nest, access: int) -> int | float:
    """What is read beyond: the access's own padding, else what leaves the target unchanged."""
    declared = nest.statement.accesses[access].otherwise
    if declared is not None:
        return declared
    match nest.statement.assign.reduction:
        case Reduction.MIN:
            return float("inf")
        case Reduction.MAX:
            return float("-inf")
        case Reduction.MUL:
            return 1
        case _:
            return 0


def must_fill(nest: Nest, name: str) -> bool:
    """Whether calls always run this bound digit in full, so that its buffers hold padding beyond the kernel's own."""
    digit = nest.digit(name)
    if digit.bound is None:
        return False
    control = parameter_of(nest.call.instruction, digit.bound)
    if control is None or control.step != 1 or control.low > 1:
        return True
    return not _boxed(nest, tuple(nest.digit(member) for member in nest.call.members(digit.bound)))
