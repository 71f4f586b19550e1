"""All calls of a played mapping at once: which elements lie in which cells of the operands, and which calls may meet.

A row of an array is a call, a column a point of the digits that move an access; points beyond an iterator's end are
not valid. What does not belong here: values (``played.py``).
"""

from __future__ import annotations

import math
from collections import abc
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeAlias

import numpy as np

from isamapper.hwdesc.bind import controls
from isamapper.hwdesc.model import Instruction
from isamapper.ir.affine import Affine
from isamapper.ir.nodes import Access, Tensor
from isamapper.plan.placement import PlacedAccess, PlacedDigit, Placement

Array: TypeAlias = np.ndarray[Any, Any]
FREE = -2
"""The owner of a cell that holds nothing of the kernel's."""
MOST_CELLS = 2_000_000
"""Cells of operands that are laid out at once."""


class Wrong(Exception):
    """The claim does not hold."""


@dataclass(frozen=True, slots=True)
class Laid:
    """An access in every call: ``lanes`` of its points, ``point``: the kernel's iterators there, ``valid`` or not.

    ``elements`` are places in the kernel's tensor, -1 outside it.
    """

    access: PlacedAccess
    lanes: dict[str, Array]
    point: dict[str, Array]
    valid: Array
    elements: Array


class Calls:
    """The calls that do ``claim`` on iterators of the given ``extents``; those ``standing`` are at 0 throughout."""

    def __init__(
        self,
        claim: Placement,
        instruction: Instruction,
        extents: dict[str, int],
        standing: frozenset[str],
        tensors: abc.Mapping[str, Tensor],
    ) -> None:
        self.claim, self.instruction, self.extents, self.standing = claim, instruction, extents, standing
        self.tensors = tensors
        self.spans = {name: math.prod(d.extent for d in claim.digits if d.iterator == name) for name in extents}
        self.names = sorted({name for a in claim.accesses for i in a.inside.map.results for name in i.names})

    @property
    def points(self) -> int:
        """Points of one call, over all accesses."""
        return sum(math.prod(digit.extent for digit in self.digits(access)) for access in self.claim.accesses)

    @property
    def number(self) -> int:
        """How many calls there are."""
        return math.prod(-(-self.extents[name] // span) for name, span in self.spans.items())

    def lay(self) -> tuple[Laid, ...]:
        """Every access in every call, calls in the order of the kernel's iterators."""
        blocks = [range(-(-extent // self.spans[name])) for name, extent in self.extents.items()]
        rows = np.array(list(product(*blocks)), np.int64).reshape(self.number, len(blocks))
        self.base = {name: rows[:, [k]] * self.spans[name] for k, name in enumerate(self.extents)}
        return tuple(self._laid(access) for access in self.claim.accesses)

    def _laid(self, access: PlacedAccess) -> Laid:
        lanes, point, valid = self._points(self.digits(access))
        shape = self.tensors[access.outside.tensor].shape
        return Laid(access, lanes, point, valid, flat(access.outside, point, shape))

    def digits(self, access: PlacedAccess) -> tuple[PlacedDigit, ...]:
        """The digits that move an access on either side."""
        inside, outside = (
            {name for index in each.map.results for name in index.names} for each in (access.inside, access.outside)
        )
        start = dict(self.claim.starts).get(access.operand)
        if isinstance(start, Access):
            outside |= {name for index in start.map.results for name in index.names}
        moving = {d.iterator for d in self.claim.digits if d.lane in inside or d.iterator in outside}
        return tuple(d for d in self.claim.digits if d.iterator in moving)

    def _points(self, digits: tuple[PlacedDigit, ...]) -> tuple[dict[str, Array], dict[str, Array], Array]:
        """Lanes of the points along ``digits``, the kernel's iterators in every call, and where those are valid."""
        grid = np.indices([d.extent for d in digits]).reshape(len(digits), -1) if digits else np.zeros((0, 1), int)
        count = grid.shape[1]
        lanes = {name: np.zeros(count, np.int64) for name in self.names}
        steps: dict[str, Array] = {}
        for row, digit in zip(grid, digits, strict=True):
            steps[digit.iterator] = steps.get(digit.iterator, 0) + row * digit.weight
            lanes[digit.lane] = lanes.get(digit.lane, 0) + row * digit.lane_weight
        point = {name: base + steps.get(name, 0) for name, base in self.base.items()}
        point.update({name: np.zeros((1, 1), np.int64) for name in self.standing})
        valid = np.ones((self.number, count), bool)
        for name in steps:
            valid &= point[name] < self.extents[name]
        return lanes, point, valid

    def parameters(self) -> list[tuple[tuple[str, int], ...]]:
        """The instruction's parameters in every call: as small as its points allow."""
        given = dict(self.claim.parameters)
        values = {name: np.full(self.number, value) for name, value in given.items()}
        ranges = {each.name: each for each in self.instruction.parameters}
        for lane, (name, factor) in controls(self.instruction).items():
            if name in given:
                continue
            names = {d.iterator for d in self.claim.digits if d.lane == lane}
            lanes, _, valid = self._points(tuple(d for d in self.claim.digits if d.iterator in names))
            most = np.max(np.where(valid, lanes.get(lane, 0), 0), axis=1)
            each = ranges[name]
            size = np.maximum(each.low, -(-(most + 1) // factor))
            size = np.minimum(each.high, each.low + -(-(size - each.low) // each.step) * each.step)
            values[name] = np.maximum(values.get(name, size), size)
        return [tuple((name, int(column[call])) for name, column in values.items()) for call in range(self.number)]


def flat(access: Access, values: abc.Mapping[str, Array], shape: tuple[int, ...]) -> Array:
    """Row-major places of the elements; -1 where the index lies outside."""
    if len(access.map.results) != len(shape):
        raise Wrong(f"'{access.tensor}' has {len(shape)} axes, the certificate says {len(access.map.results)}")
    total: Array = np.zeros((), np.int64)
    outside: Array = np.zeros((), bool)
    for index, size in zip(access.map.results, shape, strict=True):
        position = _index(index, values)
        outside = outside | (position < 0) | (position >= size)
        total = total * size + position
    whole = np.broadcast_shapes(total.shape, *(array.shape for array in values.values()))
    return np.broadcast_to(np.where(outside, -1, total), whole)


def _index(index: Affine, values: abc.Mapping[str, Array]) -> Array:
    total: Array = np.asarray(index.constant, np.int64)
    for name, factor in index.terms:
        if name not in values:
            raise Wrong(f"the certificate has no '{name}'")
        total = total + values[name] * factor
    return total


def cells_of(laid: Laid, shape: tuple[int, ...], rows: Array) -> Array:
    """The cell of every point in an operand of that shape; no point that is valid in ``rows`` may lie outside it."""
    cells = flat(laid.access.inside, laid.lanes, shape)
    if np.any(laid.valid[rows] & (cells < 0)):
        raise Wrong(f"the certificate leaves operand '{laid.access.inside.tensor}'")
    return cells


def owners(group: abc.Sequence[tuple[Laid, Array]], rows: Array, size: int) -> Array:
    """Which element every cell of an operand of ``size`` cells holds in the calls ``rows``; two of them are wrong.

    ``group`` is the accesses of that operand with their cells.
    """
    found = np.full((len(rows), size + 1), FREE, np.int64)
    every = np.arange(len(rows))[:, None]
    for laid, cells in group:
        valid, elements = laid.valid[rows], laid.elements[rows]
        column = np.where(valid, cells, size)
        before = found[every, column]
        clash = valid & (before != FREE) & (before != elements)
        found[every, column] = elements
        if np.any(clash | (valid & (found[every, column] != elements))):
            operand, tensor = laid.access.operand, laid.access.outside.tensor
            raise Wrong(f"a cell of operand '{operand}' stands for two elements of '{tensor}'")
        found[:, size] = FREE
    return found[:, :size]


def check_targets(targets: abc.Sequence[tuple[Laid, Array]], calls: abc.Iterable[int]) -> None:
    """An element that is written has one cell in a call."""
    for laid, cells in targets:
        tensor, operand = laid.access.outside.tensor, laid.access.operand
        for call in calls:
            valid = laid.valid[call]
            elements, places = laid.elements[call][valid], cells[valid]
            if np.any(elements < 0):
                raise Wrong(f"the certificate leaves tensor '{tensor}'")
            where = np.full(int(elements.max(initial=0)) + 1, -1)
            where[elements] = places
            if np.any(where[elements] != places):
                raise Wrong(f"an element of '{tensor}' has two cells of operand '{operand}'")


def layers(laid: abc.Sequence[Laid], written: abc.Mapping[str, Tensor], number: int) -> list[int]:
    """For every call the first layer in which it may be made: calls of a layer touch no written element together."""
    busy = {name: np.full(math.prod(tensor.shape) + 1, -1) for name, tensor in written.items()}
    touching = [each for each in laid if each.access.outside.tensor in written]
    found = []
    for call in range(number):
        touched = [(busy[e.access.outside.tensor], e.elements[call][e.valid[call]]) for e in touching]
        layer = 1 + max((int(array[elements].max(initial=-1)) for array, elements in touched), default=-1)
        for array, elements in touched:
            array[elements] = layer
        found.append(layer)
    return found
