"""Operand axes and the instruction iterators that walk them: one, none, or several as in ``x[q+f]`` and ``a[4*i+t]``.

An axis that several walk either *slides*, every digit inside them moving along one tensor axis at the pace of the
operand's own index (a window, halo included), or is *packed*: a mixed radix, every position a point of its own.
What does not belong here: buffers (``layout.py``) and windows of calls (``emit.py``).
"""

from __future__ import annotations

import itertools
from collections import abc
from functools import lru_cache
from typing import TypeAlias

from isamapper.ir.affine import Extent, constant, extent
from isamapper.ir.nodes import Access, Kernel
from isamapper.plan.lanes import lane_size
from isamapper.plan.needle import accesses_of, iterator_sizes, parameter_of
from isamapper.plan.nest import Call, Nest, weight

Walkers: TypeAlias = tuple[tuple[str, int], ...]
"""Iterators with how far each moves along an axis when it moves by one; none where the index is a constant."""


@lru_cache(maxsize=4096)
def walkers(semantics: Kernel, operand: str) -> tuple[Walkers, ...]:
    """Per operand axis the iterators that walk it; ValueError where ``has_walkers`` is not so."""
    if not has_walkers(semantics, operand):
        raise ValueError(f"operand '{operand}' is read at several indices, or backwards")
    return tuple(result.terms for result in accesses_of(semantics, operand)[0].map.results)


@lru_cache(maxsize=4096)
def has_walkers(semantics: Kernel, operand: str) -> bool:
    """Whether there is one access to ``operand``, and its indices start at 0 and go forwards."""
    accesses = accesses_of(semantics, operand)
    if not accesses or any(access.map != accesses[0].map for access in accesses):
        return False
    return all(
        not result.terms or (not result.constant and not result.rotations and all(step > 0 for _, step in result.terms))
        for result in accesses[0].map.results
    )


def is_walked(semantics: Kernel, operand: str) -> bool:
    """Whether some axis is not just one iterator."""
    return any(len(along) > 1 or any(step != 1 for _, step in along) for along in walkers(semantics, operand))


@lru_cache(maxsize=4096)
def lanes_of(semantics: Kernel, operand: str) -> tuple[str, ...]:
    """Every iterator that walks some axis of ``operand``, in the order of its shape."""
    return tuple(dict.fromkeys(lane for along in walkers(semantics, operand) for lane, _ in along))


def is_lone(along: Walkers) -> bool:
    """Whether at most one iterator walks the axis, one element at a time."""
    return len(along) < 2 and all(step == 1 for _, step in along)


def paces(nest: Nest, call: Call, along: Walkers) -> abc.Iterator[tuple[str, int]]:
    """Digits of more than one step inside the iterators, with how far each moves along the operand axis."""
    for lane, step in along:
        inside = step
        for name in reversed(call.members(lane)):
            if nest.digit(name).extent > 1:
                yield name, inside
            inside *= nest.digit(name).extent


def slide(nest: Nest, access: Access, along: Walkers) -> tuple[int, int] | None:
    """The tensor axis along which the operand axis slides, and elements per step; None where it does not slide."""
    found = set()
    for name, pace in paces(nest, nest.call, along):
        digit = nest.digit(name)
        steps = [index.coefficient(digit.iterator) * weight(nest, digit) for index in access.map.results]
        moved = [(dim, step) for dim, step in enumerate(steps) if step]
        if len(moved) != 1 or moved[0][1] < 0 or moved[0][1] % pace:
            return None
        found.add((moved[0][0], moved[0][1] // pace))
    return found.pop() if len(found) == 1 else None


def slides(nest: Nest, access: int) -> dict[int, tuple[int, int]]:
    """Per operand axis that slides: the tensor axis and the elements per step."""
    operand = nest.call.operand(access)
    if operand is None or not has_walkers(nest.call.instruction.semantics, operand):
        return {}
    found = {}
    for position, along in enumerate(walkers(nest.call.instruction.semantics, operand)):
        moving = None if is_lone(along) else slide(nest, nest.statement.accesses[access], along)
        if moving is not None:
            found[position] = moving
    return found


def packed(nest: Nest, along: Walkers) -> tuple[str, ...] | None:
    """Digits of an axis that is a mixed radix of full iterators, outermost first; None where it is none."""
    sizes, total, digits = iterator_sizes(nest.call.instruction.semantics), 1, list[str]()
    for place, (lane, step) in enumerate(sorted(along, key=lambda each: each[1])):
        members = nest.call.members(lane)
        if step != total or (place + 1 < len(along) and not _is_full(nest, lane)):
            return None
        digits = [*members, *digits]
        total *= sizes[lane]
    return tuple(digits)


def _is_full(nest: Nest, lane: str) -> bool:
    whole = 1
    for name in nest.call.members(lane):
        whole *= nest.digit(name).extent
    return parameter_of(nest.call.instruction, lane) is None and whole == lane_size(nest, nest.call, lane)


def empty_rooms(nest: Nest, access: int) -> dict[int, int]:
    """Per tensor axis along which an operand axis slides: how far iterators without a digit look along it."""
    operand = nest.call.operand(access)
    found: dict[int, int] = {}
    for position, (dim, step) in slides(nest, access).items():
        assert operand is not None
        along = walkers(nest.call.instruction.semantics, operand)[position]
        empty = ((lane, pace) for lane, pace in along if not nest.call.members(lane))
        rest = sum(pace * (lane_size(nest, nest.call, lane) - 1) for lane, pace in empty)
        found[dim] = max(found.get(dim, 0), step * rest)
    return found


def walked_extent(along: Walkers, steps: abc.Callable[[str], Extent]) -> Extent:
    """Elements along the axis when each iterator runs ``steps``."""
    choices = [[(bound - 1) * step for bound in steps(lane).bounds] for lane, step in along]
    return extent(*(sum(parts, constant(1)) for parts in itertools.product(*choices)))


def room(nest: Nest, along: Walkers) -> int:
    """Elements along the axis in a call that nothing narrows."""
    return 1 + sum(step * (lane_size(nest, nest.call, lane) - 1) for lane, step in along)


def fits(nest: Nest) -> bool:
    """Whether every axis of the call's operands is one iterator, slides, is packed, or stands still."""
    for operand, access in nest.call.sigma:
        for along in walkers(nest.call.instruction.semantics, operand):
            if is_lone(along) or slide(nest, nest.statement.accesses[access], along) is not None:
                continue
            if any(True for _ in paces(nest, nest.call, along)) and packed(nest, along) is None:
                return False
    return True


def scaled(steps: tuple[tuple[int, int], ...], pace: int) -> tuple[tuple[int, int], ...] | None:
    """Steps of one digit as steps of the axis it walks at ``pace``; None where they are no whole elements."""
    if any(step % pace for _, step in steps):
        return None
    return tuple(sorted((axis, step // pace) for axis, step in steps))
