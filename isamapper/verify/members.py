"""The statements of a claim as a kernel of their own, on extents that keep every block and ragged end once.

What does not belong here: judging the claim (``played.py``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

from isamapper.ir.affine import AccessMap, Affine, constant, extent, substitute
from isamapper.ir.analysis import Statement, statements
from isamapper.ir.nodes import Access, Assign, Direction, IteratorKind, Kernel, Load, Loop, Node, Role, Tensor
from isamapper.ir.numeric import identity
from isamapper.ir.rewrite import map_loads
from isamapper.ir.walk import first_write
from isamapper.plan.homes import all_tensors
from isamapper.plan.placement import Placement
from isamapper.plan.shrink import shrunk


@dataclass(frozen=True, slots=True)
class Members:
    """``extents`` are those of the call's iterators on ``kernel``; ``standing`` ones are at 0 there."""

    kernel: Kernel
    extents: dict[str, int]
    standing: frozenset[str]


def members_alone(kernel: Kernel, claim: Placement) -> Members | str:
    """The statements of ``claim`` alone, or why there are none. Loops that carry a dependence stand at 0."""
    found = [each for each in statements(kernel) if each.index in claim.statements]
    if len(found) != len(set(claim.statements)):
        return "the certificate names statements that the kernel has not"
    if any(each.conditions or each.exclusions for each in found):
        return "not checked: a statement has a condition"
    standing = {
        name
        for name, members in claim.iterators
        if any(_kind(found, member) is IteratorKind.SEQUENTIAL for member in members)
    }
    still = {(number, own) for name, members in claim.iterators if name in standing for number, own in members}
    alone = _alone(kernel, claim, found, still)
    extents = {
        name: max(_extent(found, member) for member in members)
        for name, members in claim.iterators
        if name not in standing
    }
    cut = {name: _cut(claim, name, size) for name, size in extents.items()}
    small = shrunk(alone, _loops(alone, claim, cut, found))
    if small is not None:
        return Members(small, {**cut, **dict(claim.made)}, frozenset(standing))
    return Members(alone, {**extents, **dict(claim.made)}, frozenset(standing))


def starts(kernel: Kernel) -> dict[str, Any]:
    """What sums into results start from, by tensor."""
    found = {}
    for tensor in kernel.tensors:
        first = first_write(kernel.body, tensor.name)
        if tensor.direction is Direction.OUT and first is not None and first.reduction is not None:
            found[tensor.name] = identity(first.reduction, tensor.dtype)
    return found


def _kind(found: list[Statement], member: tuple[int, str]) -> IteratorKind | None:
    return next((i.kind for s in found for i in s.iterators if (s.index, i.name) == member), None)


def _extent(found: list[Statement], member: tuple[int, str]) -> int:
    return next((i.extent for s in found for i in s.iterators if (s.index, i.name) == member), 1)


def _cut(claim: Placement, name: str, size: int) -> int:
    """Two blocks at most, the last as ragged as it was."""
    span = math.prod(digit.extent for digit in claim.digits if digit.iterator == name)
    return size if size <= span else span + ((size - 1) % span + 1)


def _loops(alone: Kernel, claim: Placement, cut: dict[str, int], found: list[Statement]) -> dict[int, int]:
    """New extents by the loops of the kernel alone, whose statements come in the order of ``found``."""
    names = _followers(claim, found)
    result: dict[int, int] = {}
    for own, statement in zip(found, statements(alone), strict=True):
        for each, loop in zip(statement.iterators, statement.loops, strict=True):
            name = names.get((own.index, each.name))
            if name in cut:
                result[loop] = cut[name]
    return result


def _followers(claim: Placement, found: list[Statement]) -> dict[tuple[int, str], str]:
    """Iterators of statements that the claim names, but not their iterators (copies, values that others compute).

    They go with the iterators that stand alone at the same axes of the same tensors.
    """
    names = {member: name for name, members in claim.iterators for member in members}
    known = {number for number, _ in names}
    axes: dict[tuple[str, int], str] = {}
    for statement in sorted(found, key=lambda each: each.index not in known):
        for access in statement.accesses:
            for axis, index in enumerate(access.map.results):
                if len(index.terms) == 1:
                    member, place = (statement.index, index.terms[0][0]), (access.tensor, axis)
                    if member in names:
                        axes.setdefault(place, names[member])
                    elif place in axes and statement.index not in known:
                        names[member] = axes[place]
    return names


def _alone(kernel: Kernel, claim: Placement, found: list[Statement], still: set[tuple[int, str]]) -> Kernel:
    tensors = all_tensors(kernel)
    shown = {access.outside.tensor for access in claim.accesses}
    written = {each.assign.target.tensor for each in found}
    earlier = {
        each.assign.target.tensor
        for each in statements(kernel)
        if each.index < max(claim.statements) and each.index not in claim.statements
    }
    declared: dict[str, Tensor] = {}
    for name in dict.fromkeys(access.tensor for each in found for access in each.accesses):
        tensor = tensors[name]
        direction = Direction.IN
        if name in written and name not in shown:
            direction = Direction.LOCAL
        elif name in written:
            first = first_write(kernel.body, name)
            overwrites = first is not None and first.reduction is None
            kept = tensor.direction is Direction.INOUT or name in earlier or overwrites
            direction = Direction.INOUT if kept else Direction.OUT
        declared[name] = replace(tensor, direction=direction, role=Role.PLAIN, memory=None, address=None)
    body = tuple(_nest(each, {name for number, name in still if number == each.index}) for each in found)
    return Kernel("statements", (), (), tuple(declared.values()), body)


def _nest(statement: Statement, still: set[str]) -> Node:
    zero: dict[str, Affine] = {name: constant(0) for name in still}

    def moved(access: Access) -> Access:
        return replace(access, map=AccessMap(tuple(substitute(index, zero) for index in access.map.results)))

    assign = statement.assign
    value = map_loads(assign.value, lambda load: Load(moved(load.access)))
    node: Node = Assign(moved(assign.target), value, assign.reduction)
    for iterator in reversed(statement.iterators):
        if iterator.name not in still:
            node = Loop(iterator.name, extent(iterator.extent), (node,))
    return node
