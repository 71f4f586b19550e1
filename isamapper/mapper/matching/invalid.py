"""Invalid points of instructions with compound indices, judged point by point.

Where an operand's map is not injective, whether an iterator's invalid points are harmless depends on which others are
filled, so the groups of ``padding.py`` are too coarse. Here the instruction's whole box is looked at for one placement:
a point is *valid* when it means a kernel iteration; an invalid point matters when it writes a valid target cell. It is
harmless when operand cells that no valid point reads can hold values which make it the identity of the reduction, or,
for idempotent reductions and plain assignments, which make it repeat a valid point of the same target cell.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from isamapper.ir import numeric
from isamapper.ir.nodes import Access, Reduction
from isamapper.mapper.matching.delta import Digit, Role
from isamapper.mapper.matching.needle import Needle
from isamapper.mapper.matching.padding import Number, candidates, evaluate
from isamapper.mapper.matching.views import View

Point: TypeAlias = tuple[int, ...]
Cell: TypeAlias = tuple[int, ...]
Codes: TypeAlias = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Remedy:
    """Operand cells that no valid point reads hold ``pads``, or, with ``repeats``, what a valid point reads."""

    pads: tuple[tuple[str, Number], ...]
    repeats: bool


def harmless(
    needle: Needle,
    roles: abc.Sequence[Role],
    constants: abc.Mapping[int, Number],
    digits: abc.Sequence[Digit],
    extents: abc.Mapping[str, int],
) -> bool:
    """Whether all invalid points are harmless in every call, those at the ragged ends included."""
    return remedy(needle, roles, constants, digits, extents) is not None


def remedy(
    needle: Needle,
    roles: abc.Sequence[Role],
    constants: abc.Mapping[int, Number],
    digits: abc.Sequence[Digit],
    extents: abc.Mapping[str, int],
) -> Remedy | None:
    """What makes all invalid points harmless; None where nothing does."""
    view = needle.view
    played = {role.needle: role.subject for role in roles if not role.is_target}
    boxes = [_Box(needle, played, digits, tails) for tails in _tails(digits, extents)]
    if all(box.is_full for box in boxes):
        return Remedy((), False)
    pads = None if view.reduction is None else _vanishing(needle, view, constants, boxes)
    if pads is not None:
        return Remedy(tuple((name, value) for name, value in pads.items() if value is not None), False)
    repeated = view.reduction not in (Reduction.ADD, Reduction.MUL) and all(box.repeats() for box in boxes)
    return Remedy((), True) if repeated else None


def _tails(digits: abc.Sequence[Digit], extents: abc.Mapping[str, int]) -> abc.Iterator[dict[str, int]]:
    """How many values of each bound iterator a call may see: all of its digits, or what is left at the end."""
    names = sorted({digit.iterator for digit in digits})
    options = []
    for name in names:
        total = 1
        for digit in digits:
            total *= digit.extent if digit.iterator == name else 1
        full = min(total, extents[name])
        options.append(sorted({full, extents[name] % total or full}))
    for chosen in product(*options):
        yield dict(zip(names, chosen, strict=True))


class _Box:
    """One call: its points and which of them are valid.

    Points stand in the order of the instruction's loops; ``sizes`` are the extents that the call runs.
    """

    def __init__(
        self,
        needle: Needle,
        played: abc.Mapping[Access, Access],
        digits: abc.Sequence[Digit],
        tails: abc.Mapping[str, int],
    ) -> None:
        self.accesses, self.played = needle.statement.accesses, played
        self.digits, self.tails = digits, tails
        self.names = tuple(lane.name for lane in needle.iterators)
        valid = _valid_points(self.names, digits, tails)
        sizes = []
        for place, lane in enumerate(needle.iterators):
            used = 1 + int(valid[place].max())
            flexible = lane.low == lane.step == 1 and sum(digit.lane == lane.name for digit in digits) <= 1
            sizes.append(used if flexible else lane.extent)
        self.sizes = tuple(sizes)
        self.is_valid = np.zeros(prod(sizes), dtype=bool)
        self.is_valid[np.ravel_multi_index(tuple(valid), self.sizes) if sizes else 0] = True
        self.is_full = bool(self.is_valid.all())

    @cached_property
    def valid(self) -> dict[Point, dict[str, int]]:
        """Valid points with the values of the bound kernel iterators there."""
        return self._valid(self.digits, self.tails)

    @cached_property
    def cells(self) -> list[Codes]:
        """Per access and point a number for the element it touches: of one tensor, equal iff the elements are."""
        points = _grid(self.sizes)
        found = []
        for access in self.accesses:
            code = np.zeros(len(self.is_valid), dtype=np.int64)
            for index, (low, reach) in zip(access.map.results, self._ranges(access.tensor), strict=True):
                walked = (factor * points[self.names.index(name)] for name, factor in index.terms)
                code = code * reach + (index.constant - low + sum(walked, np.int64(0)))
            found.append(code)
        return found

    def _ranges(self, tensor: str) -> list[tuple[int, int]]:
        """Per axis the least index that any access to the tensor has, and how many there are from it on."""
        last = dict(zip(self.names, (size - 1 for size in self.sizes), strict=True))
        ends = [
            [
                (
                    index.constant + sum(min(0, factor * last[name]) for name, factor in index.terms),
                    index.constant + sum(max(0, factor * last[name]) for name, factor in index.terms),
                )
                for index in access.map.results
            ]
            for access in self.accesses
            if access.tensor == tensor
        ]
        lows = (min(low for low, _ in axis) for axis in zip(*ends, strict=True))
        highs = (max(high for _, high in axis) for axis in zip(*ends, strict=True))
        return [(low, high - low + 1) for low, high in zip(lows, highs, strict=True)]

    def _valid(self, digits: abc.Sequence[Digit], tails: abc.Mapping[str, int]) -> dict[Point, dict[str, int]]:
        """Valid points with the values of the bound kernel iterators there."""
        found: dict[Point, dict[str, int]] = {}
        for values in product(*(range(digit.extent) for digit in digits)):
            lanes = dict.fromkeys(self.names, 0)
            iterators = dict.fromkeys(tails, 0)
            for digit, value in zip(digits, values, strict=True):
                lanes[digit.lane] += digit.lane_weight * value
                iterators[digit.iterator] += digit.weight * value
            if all(iterators[name] < tail for name, tail in tails.items()):
                found[tuple(lanes.values())] = iterators
        return found

    def _nearest(self, point: Point) -> Point:
        """The valid point with the digits of ``point``, each as large as its iterator allows, the weightiest first."""
        at = dict(zip(self.names, point, strict=True))
        values = dict.fromkeys(self.tails, 0)
        lanes = dict.fromkeys(self.names, 0)
        for digit in sorted(self.digits, key=lambda one: -one.weight):
            inner = any(d.lane == digit.lane and d.lane_weight > digit.lane_weight for d in self.digits)
            value = at[digit.lane] // digit.lane_weight
            value = value % digit.extent if inner else min(value, digit.extent - 1)
            value = min(value, (self.tails[digit.iterator] - 1 - values[digit.iterator]) // digit.weight)
            values[digit.iterator] += value * digit.weight
            lanes[digit.lane] += value * digit.lane_weight
        return tuple(lanes.values())

    def cell(self, number: int, point: Point) -> Cell:
        """Which element of its operand an access touches."""
        return _cell(self.accesses[number], dict(zip(self.names, point, strict=True)))

    def element(self, number: int, point: Point) -> Cell:
        """Which element of the kernel's tensor a load means at a valid point, from where the call begins."""
        access = self.played.get(self.accesses[number])
        return () if access is None else _cell(access, self.valid[point])

    def harmful(self) -> list[Point]:
        """Invalid points that write a valid target cell, in order."""
        targets = {self.cell(0, point) for point in self.valid}
        return [
            point
            for point in product(*(range(size) for size in self.sizes))
            if point not in self.valid and self.cell(0, point) in targets
        ]

    def free_loads(self, idempotent: bool) -> frozenset[frozenset[int]]:
        """For every harmful point the loads whose cell no valid point reads; equal ones once.

        Where the reduction is ``idempotent``, points that do exactly what a valid one does are not harmful.
        """
        cells, valid = self.cells, self.is_valid
        harmful = ~valid & np.isin(cells[0], cells[0][valid])
        if idempotent and harmful.any():
            _, same = np.unique(np.stack(cells), axis=1, return_inverse=True)
            harmful &= ~np.isin(same.reshape(-1), same.reshape(-1)[valid])
        masks = np.zeros(int(harmful.sum()), dtype=np.int64)
        for number, access in enumerate(self.accesses):
            if number:
                own = (cells[n][valid] for n, other in enumerate(self.accesses) if other.tensor == access.tensor)
                masks |= (~np.isin(cells[number][harmful], np.concatenate(list(own)))).astype(np.int64) << number
        return frozenset(
            frozenset(number for number in range(len(self.accesses)) if int(mask) >> number & 1)
            for mask in np.unique(masks)
        )

    def repeats(self) -> bool:
        """Whether unread cells can be filled so that every harmful point reads what a valid one of its target reads."""
        content: dict[tuple[str, Cell], Cell] = {}
        meaning: dict[Cell, set[tuple[Cell, ...]]] = {}
        loads = range(1, len(self.accesses))
        for point in self.valid:
            elements = tuple(self.element(number, point) for number in loads)
            meaning.setdefault(self.cell(0, point), set()).add(elements)
            for number, element in zip(loads, elements, strict=True):
                content[self.accesses[number].tensor, self.cell(number, point)] = element
        for point in self.harmful():
            near = self._nearest(point)
            elements = tuple(
                content.setdefault((self.accesses[number].tensor, self.cell(number, point)), self.element(number, near))
                for number in loads
            )
            if elements not in meaning[self.cell(0, point)]:
                return False
        return True


def _grid(extents: abc.Sequence[int]) -> Codes:
    """Every point of a box, a row per axis, the last axis fastest."""
    return np.indices(tuple(extents), dtype=np.int64).reshape(len(extents), prod(extents))


def _valid_points(names: abc.Sequence[str], digits: abc.Sequence[Digit], tails: abc.Mapping[str, int]) -> Codes:
    """The valid points of a call, a row per instruction iterator."""
    values = _grid([digit.extent for digit in digits])
    lanes = np.zeros((len(names), values.shape[1]), dtype=np.int64)
    iterators = {name: np.zeros(values.shape[1], dtype=np.int64) for name in tails}
    for digit, value in zip(digits, values, strict=True):
        lanes[names.index(digit.lane)] += digit.lane_weight * value
        iterators[digit.iterator] += digit.weight * value
    inside = np.ones(values.shape[1], dtype=bool)
    for name, tail in tails.items():
        inside &= iterators[name] < tail
    return lanes[:, inside]


def _cell(access: Access, at: abc.Mapping[str, int]) -> Cell:
    """The element that an access touches; iterators that ``at`` does not name stand at 0."""
    return tuple(
        index.constant + sum(factor * at.get(name, 0) for name, factor in index.terms) for index in access.map.results
    )


def _vanishing(
    needle: Needle, view: View, constants: abc.Mapping[int, Number], boxes: abc.Sequence[_Box]
) -> dict[str, Number | None] | None:
    """One pad value per operand (None: any) that turns every harmful point into the identity."""
    assert view.reduction is not None
    wanted = numeric.identity(view.reduction, view.term.dtype)
    idempotent = view.reduction not in (Reduction.ADD, Reduction.MUL)
    masks = frozenset(mask for box in boxes for mask in box.free_loads(idempotent))
    accesses, dtypes = needle.statement.accesses, {tensor.name: tensor.dtype for tensor in needle.tensors}
    operands = [name for name in dict.fromkeys(a.tensor for a in accesses[1:]) if name != accesses[0].tensor]
    for values in product(*((None, *candidates(view.term, dtypes[name])) for name in operands)):
        pads = dict(zip(operands, values, strict=True))
        if all(_is_identity(view, mask, pads, accesses, constants, wanted) for mask in masks):
            return pads
    return None


def _is_identity(
    view: View,
    mask: frozenset[int],
    pads: abc.Mapping[str, Number | None],
    accesses: abc.Sequence[Access],
    constants: abc.Mapping[int, Number],
    wanted: object,
) -> bool:
    known = dict(constants)
    for number in mask:
        value = pads.get(accesses[number].tensor)
        if value is not None:
            known[number] = value
    return bool(evaluate(view.term, known) == wanted)
