"""Which copy instructions can fill or drain a buffer directly, and how.

A copy walks the coordinates of a buffer. Both sides have constant element strides per coordinate, so an instruction
fits iff each of its iterators can be laid on a coordinate (or stay at one step) with the strides its operands demand.
The search is a small backtracking (instruction iterators x coordinates, both single digits in practice).
"""

from __future__ import annotations

import math
from collections import abc
from dataclasses import dataclass, replace
from functools import lru_cache

from isamapper.hwdesc.model import Instruction, Machine
from isamapper.ir.types import DType
from isamapper.plan.needle import (
    copy_shape,
    iterator_sizes,
    lone_axes,
    operand_spec,
    parameter_of,
    required_strides,
)
from isamapper.plan.nest import Copy


@dataclass(frozen=True, slots=True)
class Walk:
    """One coordinate of a copy: steps of both sides in elements (0: does not move) and how it may be cut.

    ``source_unit`` and ``target_unit`` are the elements that windows must start at multiples of.
    ``axes`` are the tensor axes that either side moves along (None: none or several).
    ``clipped``: fewer than ``extent`` steps may be valid at the edge; ``room``: writing all of them is harmless.
    """

    name: str
    extent: int
    source_stride: int
    target_stride: int
    clipped: bool
    room: bool
    source_unit: int = 1
    target_unit: int = 1
    axes: tuple[int | None, int | None] = (None, None)

    def starts_whole(self, size: int) -> bool:
        """Whether every block of ``size`` steps starts at a whole row or aligned address on both sides."""
        if size >= self.extent:
            return True
        return not (size * self.source_stride % self.source_unit or size * self.target_stride % self.target_unit)


@dataclass(frozen=True, slots=True)
class _Leg:
    """One iterator of a copy instruction: demanded strides (None: free, -1: the side does not move along it)."""

    iterator: str
    low: int
    high: int
    step: int
    source_stride: int | None
    target_stride: int | None


@lru_cache(maxsize=4096)
def _legs(instruction: Instruction) -> tuple[_Leg, ...]:
    shape = copy_shape(instruction)
    assert shape is not None
    sizes = iterator_sizes(instruction.semantics)
    strides = {}
    for operand in (shape.source, shape.target):
        demanded = required_strides(instruction, operand)
        axes = lone_axes(instruction.semantics, operand)
        strides[operand] = {axis: stride for axis, stride in zip(axes, demanded, strict=True) if axis is not None}
    legs = []
    for iterator in shape.iterators:
        parameter = parameter_of(instruction, iterator)
        size = sizes[iterator]
        low, high, step = (parameter.low, parameter.high, parameter.step) if parameter else (size, size, 1)
        source, target = (strides[operand].get(iterator, -1) for operand in (shape.source, shape.target))
        legs.append(_Leg(iterator, low, high, step, source, target))
    return tuple(legs)


@lru_cache(maxsize=1024)
def copies_between(
    machine: Machine, source: str, target: str, source_type: DType, target_type: DType
) -> tuple[Instruction, ...]:
    """Copy instructions from memory ``source`` to memory ``target`` with these element types, in file order."""
    found = []
    for instruction in machine.instructions:
        shape = copy_shape(instruction)
        if shape is None or not shape.pure:
            continue
        tensors = {tensor.name: tensor for tensor in instruction.semantics.tensors}
        if tensors[shape.source].dtype != source_type or tensors[shape.target].dtype != target_type:
            continue
        if (
            source in operand_spec(instruction, shape.source).memories
            and target in operand_spec(instruction, shape.target).memories
        ):
            found.append(instruction)
    return tuple(found)


@lru_cache(maxsize=8192)
def copy_options(instruction: Instruction, walks: tuple[Walk, ...], needs_pad: bool) -> tuple[Copy, ...]:
    """Ways to lay ``instruction`` over ``walks``, most elements per invocation first; empty where none fits.

    ``needs_pad``: the source may be read outside its tensor, so the source operand must pad.
    """
    shape = copy_shape(instruction)
    if shape is None:
        return ()
    pads = operand_spec(instruction, shape.source).pads
    if needs_pad and not pads:
        return ()
    legs = _legs(instruction)
    results: list[tuple[int, int, tuple[tuple[str, str, int], ...]]] = []
    _assign(legs, walks, pads, (), 1, results)
    results = [item for item in results if _whole_starts(walks, item[2])]
    results.sort(key=lambda item: (-item[0], item[1]))
    return tuple(Copy(instruction.name, binds) for _, _, binds in results)


def _whole_starts(walks: abc.Sequence[Walk], binds: tuple[tuple[str, str, int], ...]) -> bool:
    sizes = {name: size for _, name, size in binds}
    return all(walk.starts_whole(sizes.get(walk.name, 1)) for walk in walks)


def _assign(
    legs: tuple[_Leg, ...],
    walks: tuple[Walk, ...],
    pads: bool,
    binds: tuple[tuple[str, str, int], ...],
    elements: int,
    results: list[tuple[int, int, tuple[tuple[str, str, int], ...]]],
) -> None:
    if not legs:
        results.append((elements, len(results), binds))
        return
    leg, rest = legs[0], legs[1:]
    taken = {name for _, name, _ in binds}
    for line in _lines(leg, tuple(walk for walk in walks if walk.name not in taken and walk.extent > 1), pads):
        bound = tuple((leg.iterator, walk.name, size) for walk, size in line)
        _assign(rest, walks, pads, (*binds, *bound), elements * math.prod(size for _, size in line), results)
    if leg.low <= 1:
        _assign(rest, walks, pads, binds, elements, results)


def _lines(leg: _Leg, walks: tuple[Walk, ...], pads: bool) -> abc.Iterator[tuple[tuple[Walk, int], ...]]:
    """Coordinates that ``leg`` can walk, outermost first: one, or several that lie in one line on both sides."""
    for walk in walks:
        size = _fit(leg, walk, pads)
        if size is not None:
            yield ((walk, size),)
        inner = _inside(leg, walk)
        if inner is not None:
            others = tuple(other for other in walks if other.name != walk.name and _continues(other, walk))
            yield from ((*line, (walk, walk.extent)) for line in _lines(inner, others, pads))


def _inside(leg: _Leg, walk: Walk) -> _Leg | None:
    """What is left of ``leg`` for coordinates outside ``walk``, which it walks whole."""
    if walk.clipped or leg.high // walk.extent < 2 or _fit(replace(leg, low=1, step=1), walk, False) != walk.extent:
        return None
    free = tuple(None if stride != -1 else -1 for stride in (leg.source_stride, leg.target_stride))
    if leg.low <= 1 and leg.step == 1:
        return _Leg(leg.iterator, 1, leg.high // walk.extent, 1, *free)
    whole = leg.low == leg.high and leg.high % walk.extent == 0
    return _Leg(leg.iterator, leg.low // walk.extent, leg.high // walk.extent, 1, *free) if whole else None


def _continues(outer: Walk, inner: Walk) -> bool:
    """Whether a step of ``outer`` comes right after the last of ``inner``, along one axis on both sides."""
    return (
        None not in outer.axes
        and outer.axes == inner.axes
        and outer.source_stride == inner.source_stride * inner.extent
        and outer.target_stride == inner.target_stride * inner.extent
    )


def _fit(leg: _Leg, walk: Walk, pads: bool) -> int | None:
    for demanded, offered in ((leg.source_stride, walk.source_stride), (leg.target_stride, walk.target_stride)):
        if demanded == -1 and offered != 0:
            return None
        if demanded not in (None, -1) and demanded != offered:
            return None
    if leg.low <= 1 and leg.step == 1:
        sizes = range(min(leg.high, walk.extent), 0, -1)
        return next((size for size in sizes if walk.starts_whole(size)), None)
    if walk.clipped and not (pads and walk.room):
        return None
    greatest = min(leg.high, walk.extent)
    values = range(greatest - (greatest - leg.low) % leg.step, leg.low - 1, -leg.step)
    return next((size for size in values if size and walk.extent % size == 0 and walk.starts_whole(size)), None)
