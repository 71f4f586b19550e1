"""Checks the certificate of a mapping by playing it: operands are filled as it says, the instruction is executed.

The claim is that some statements of a kernel are what calls of one instruction do. What is checked:
- the digits take every iteration once, and every position of a lane once in a call;
- one cell of an operand never stands for two elements, one element that is written never for two cells;
- the instruction's own meaning, executed call after call on operands that are filled as the certificate says (with
  garbage wherever it says nothing), gives what the kernel's statements give, on several inputs, some nearly all alike;
- class and criteria are those of the relation.

Nothing of the mapper is called. Large kernels are cut to at most two blocks in every iterator, ragged ends kept.
Calls that do not meet in what they write are made at once (``calls.py``, ``batches.py``).
"""

from __future__ import annotations

import math
from collections import abc
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, TypeAlias

import numpy as np

from isamapper.diagnostics.source import SourceError
from isamapper.hwdesc.bind import bind_instruction
from isamapper.hwdesc.model import Machine
from isamapper.ir.analysis import statements
from isamapper.ir.nodes import Access, Direction, Kernel, Tensor
from isamapper.ir.numeric import REDUCTION_OPERATOR, binary, cast_array
from isamapper.plan.placement import PlacedAccess, Placement
from isamapper.sim.functional.run import evaluate
from isamapper.verify.batches import batched, plain
from isamapper.verify.calls import (
    FREE,
    MOST_CELLS,
    Calls,
    Laid,
    Wrong,
    cells_of,
    check_targets,
    flat,
    layers,
    owners,
)
from isamapper.verify.claims import wrong_labels
from isamapper.verify.members import Members, members_alone, starts

Array: TypeAlias = np.ndarray[Any, Any]
TRIALS = (0, 3, 4)
"""Kinds of inputs: all random, then nearly all alike."""
MOST_REPEATED = 20_000
"""Lane positions of an instruction whose points may be repeated one by one."""
MOST_POINTS = 4_000_000
"""Points of one call, and calls of one play, beyond which a certificate is not played."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether the claim holds; ``detail`` says what was done, or what is wrong."""

    ok: bool
    detail: str


def play(kernel: Kernel, machine: Machine, claim: Placement, seed: int = 0) -> Verdict:
    """The verdict on a mapping of ``kernel``, the one that was matched."""
    try:
        wrong = wrong_labels(kernel, machine, claim)
        if wrong is not None:
            return Verdict(False, wrong)
        found = members_alone(kernel, claim)
        if isinstance(found, str):
            return Verdict(False, found)
        return _Play(machine, claim, found).verdict(seed)
    except SourceError as error:
        return Verdict(False, error.diagnostics[0].message)


@dataclass(frozen=True, slots=True)
class _Points:
    """The valid points of an access in a batch: the call's number in it, the cell, the element, and the point's own."""

    rows: Array
    cells: Array
    elements: Array
    columns: Array


@dataclass(frozen=True, slots=True)
class _Batch:
    """Calls ``rows`` that are made at once, on operands of one shape: the instruction's meaning, points and owners."""

    rows: Array
    semantics: Kernel
    points: tuple[_Points, ...]
    owners: dict[str, Array]


class _Play:
    def __init__(self, machine: Machine, claim: Placement, found: Members) -> None:
        self.claim, self.kernel, self.extents = claim, found.kernel, found.extents
        self.standing = found.standing
        self.instruction = machine.instruction(claim.instruction)
        self.tensors = {tensor.name: tensor for tensor in self.kernel.tensors}
        self.begins = starts(self.kernel)
        self.reference = plain(self.kernel)
        self.calls = Calls(claim, self.instruction, self.extents, self.standing, self.tensors)

    def verdict(self, seed: int) -> Verdict:
        number = self.calls.number
        if self.calls.points * number > MOST_POINTS:
            return Verdict(False, f"not checked: {self.calls.points * number:.2g} points are too many to play")
        try:
            self.laid = self.calls.lay()
            batches = tuple(self._batches())
            for trial in TRIALS:
                self._trial(seed, trial, batches)
        except Wrong as wrong:
            return Verdict(False, str(wrong))
        sizes = ", ".join(f"{name} = {extent}" for name, extent in self.extents.items())
        return Verdict(True, f"played: {number} calls give what the statements give, {len(TRIALS)} inputs, {sizes}")

    # which calls are made at once

    def _batches(self) -> abc.Iterator[_Batch]:
        """Batches in an order in which they may be made."""
        order = self._layers()
        parameters = self.calls.parameters()
        groups: dict[tuple[int, tuple[tuple[str, int], ...]], list[int]] = {}
        for call, (layer, values) in enumerate(zip(order, parameters, strict=True)):
            groups.setdefault((layer, values), []).append(call)
        for (_, values), rows in sorted(groups.items()):
            semantics = bind_instruction(self.instruction, dict(values))
            largest = max(math.prod(tensor.shape) for tensor in semantics.tensors)
            for few in _cut(rows, max(1, MOST_CELLS // max(1, largest))):
                yield self._batch(semantics, np.array(few))

    def _layers(self) -> list[int]:
        written = {each.access.outside.tensor for each in self.laid if self._is_written(each.access.operand)}
        begun = {start.tensor for _, start in self.claim.starts if isinstance(start, Access)}
        if written & begun:
            return list(range(self.calls.number))
        return layers(self.laid, {name: self.tensors[name] for name in written}, self.calls.number)

    def _is_written(self, operand: str) -> bool:
        return self._operand(self.instruction.semantics, operand).direction is not Direction.IN

    def _operand(self, semantics: Kernel, operand: str) -> Tensor:
        return next(tensor for tensor in semantics.tensors if tensor.name == operand)

    def _batch(self, semantics: Kernel, rows: Array) -> _Batch:
        operands = {tensor.name: tensor for tensor in semantics.tensors if tensor.direction is not Direction.LOCAL}
        cells = tuple(cells_of(each, operands[each.access.operand].shape, rows) for each in self.laid)
        pairs = list(zip(self.laid, cells, strict=True))
        found = {}
        for name, tensor in operands.items():
            own = [(laid, places) for laid, places in pairs if laid.access.operand == name]
            found[name] = owners(own, rows, math.prod(tensor.shape))
        targets = [pair for pair in pairs if operands[pair[0].access.operand].direction is not Direction.IN]
        check_targets(targets, rows)
        return _Batch(rows, semantics, tuple(_points(laid, places, rows) for laid, places in pairs), found)

    # one trial

    def _trial(self, seed: int, trial: int, batches: abc.Iterable[_Batch]) -> None:
        random = np.random.default_rng([seed, trial])
        given = {
            name: _values(random, tensor, trial)
            for name, tensor in self.tensors.items()
            if tensor.direction in (Direction.IN, Direction.INOUT)
        }
        wanted = evaluate(self.reference, given, checked=False)
        state = {name: array.copy() for name, array in given.items()}
        for name, tensor in self.tensors.items():
            if tensor.direction is Direction.OUT:
                state[name] = self._fresh(random, tensor)
        for batch in batches:
            self._make(batch, state, random)
        for name, array in wanted.items():
            if not _same(state[name], array):
                raise Wrong(f"calls of '{self.instruction.name}' do not give '{name}' as the statements do")

    def _fresh(self, random: np.random.Generator, tensor: Tensor) -> Array:
        """A result before anything is written: what a sum starts from, where one writes it first."""
        start = self.begins.get(tensor.name)
        return np.full(tensor.shape, start) if start is not None else _values(random, tensor, 0)

    def _make(self, batch: _Batch, state: dict[str, Array], random: np.random.Generator) -> None:
        """The calls of a batch: operands are filled, the instruction is executed, what it writes is taken over."""
        count = _padded(len(batch.rows))
        arrays = {t.name: self._empty(t, count, random) for t in batch.semantics.tensors if _is_operand(t)}
        for laid, points in zip(self.laid, batch.points, strict=True):
            tensor = self._operand(batch.semantics, laid.access.operand)
            if tensor.direction is not Direction.OUT:
                self._fill(batch, laid, points, arrays[tensor.name], state)
        self._repeat(batch, arrays, state)
        whole = batched(batch.semantics, count)
        inputs = {t.name: arrays[t.name] for t in whole.tensors if t.direction in (Direction.IN, Direction.INOUT)}
        results = evaluate(whole, inputs, checked=False)
        for laid, points in zip(self.laid, batch.points, strict=True):
            name = laid.access.operand
            if self._operand(batch.semantics, name).direction is not Direction.IN:
                self._take(laid, points, results[name].reshape(count, -1), state)

    def _fill(self, batch: _Batch, laid: Laid, points: _Points, array: Array, state: dict[str, Array]) -> None:
        flatly = array.reshape(len(array), -1)
        tensor = self._operand(batch.semantics, laid.access.operand)
        held, elements = laid.access.outside, points.elements
        if tensor.direction is Direction.INOUT and tensor.name in dict(self.claim.starts):
            start = dict(self.claim.starts)[tensor.name]
            if not isinstance(start, Access):
                flatly[points.rows, points.cells] = start
                return
            held = start
            every = np.broadcast_to(flat(held, laid.point, self.tensors[held.tensor].shape), laid.valid.shape)
            elements = every[batch.rows][points.rows, points.columns]
        flatly[points.rows, points.cells] = _read(held, elements, state, self.tensors)

    def _take(self, laid: Laid, points: _Points, results: Array, state: dict[str, Array]) -> None:
        elements, found = points.elements, results[points.rows, points.cells]
        name = laid.access.outside.tensor
        target = state[name]
        if self.claim.combines is not None:
            with np.errstate(all="ignore"):
                function = binary(REDUCTION_OPERATOR[self.claim.combines], self.tensors[name].dtype)
                before = target.flat[elements]
                found = np.array([function(a, b) for a, b in zip(before, found, strict=True)], target.dtype)
        target.flat[elements] = found

    def _empty(self, tensor: Tensor, count: int, random: np.random.Generator) -> Array:
        """An operand of ``count`` calls before anything is put into it: garbage, its pad value, or its constant."""
        constant = dict(self.claim.constants).get(tensor.name)
        pad = dict(self.claim.pads).get(tensor.name)
        value = pad if constant is None else constant
        whole = replace(tensor, shape=(count, *tensor.shape))
        if value is not None:
            return np.array(cast_array(np.full(whole.shape, value), tensor.dtype))
        return _values(random, whole, 0)

    # repeated points

    def _repeat(self, batch: _Batch, arrays: dict[str, Array], state: dict[str, Array]) -> None:
        """Cells that no iteration fills get what the nearest iteration of their call reads there."""
        if not self.claim.repeats:
            return
        whole = {i.name: i.extent for s in statements(batch.semantics) for i in s.iterators}
        names = [name for name in whole if name in self.calls.names]
        if math.prod(whole[name] for name in names) > MOST_REPEATED:
            raise Wrong("not checked: the instruction is too large to repeat points one by one")
        points = [dict(zip(names, each, strict=True)) for each in product(*(range(whole[name]) for name in names))]
        for row, call in enumerate(batch.rows):
            owned = {name: owner[row].copy() for name, owner in batch.owners.items()}
            slices = {name: array[row] for name, array in arrays.items()}
            self._repeat_call(call, points, slices, owned, state)

    def _repeat_call(
        self,
        call: int,
        points: list[dict[str, int]],
        arrays: dict[str, Array],
        owned: dict[str, Array],
        state: dict[str, Array],
    ) -> None:
        outer = {name: int(base[call, 0]) for name, base in self.calls.base.items()}
        read = [a for a in self.claim.accesses if not self._is_written(a.operand)]
        kept = [a for a in self.claim.accesses if self._is_written(a.operand)]
        ordered = sorted(points, key=lambda lane: not all(self._is_filled(a, lane, arrays, owned) for a in kept))
        for lane in ordered:
            point = {name: np.array([value]) for name, value in self._nearest(lane, outer).items()}
            for access in read:
                array = arrays[access.operand]
                cell = flat(access.inside, {n: np.array([v]) for n, v in lane.items()}, array.shape)
                if cell[0] >= 0 and owned[access.operand][cell[0]] == FREE:
                    owned[access.operand][cell[0]] = FREE - 1
                    element = flat(access.outside, point, self.tensors[access.outside.tensor].shape)
                    array.reshape(-1)[cell] = _read(access.outside, element, state, self.tensors)

    def _is_filled(
        self, access: PlacedAccess, lane: dict[str, int], arrays: dict[str, Array], owned: dict[str, Array]
    ) -> bool:
        shape = arrays[access.operand].shape
        cell = flat(access.inside, {name: np.array([value]) for name, value in lane.items()}, shape)
        return bool(cell[0] >= 0 and owned[access.operand][cell[0]] >= 0)

    def _nearest(self, lane: dict[str, int], outer: dict[str, int]) -> dict[str, int]:
        """The iteration whose digits are those of a lane position, each as large as the kernel's extents allow."""
        point = {**outer, **dict.fromkeys(self.standing, 0)}
        for digit in sorted(self.claim.digits, key=lambda each: -each.weight):
            greater = any(d.lane == digit.lane and d.lane_weight > digit.lane_weight for d in self.claim.digits)
            step = lane.get(digit.lane, 0) // digit.lane_weight
            step = step % digit.extent if greater else min(step, digit.extent - 1)
            left = (self.extents[digit.iterator] - 1 - point[digit.iterator]) // digit.weight
            point[digit.iterator] += max(0, min(step, left)) * digit.weight
        return point


def _points(laid: Laid, cells: Array, rows: Array) -> _Points:
    """The valid points of ``laid`` in the calls ``rows``."""
    number, columns = np.nonzero(laid.valid[rows])
    return _Points(number, cells[columns], laid.elements[rows][number, columns], columns)


def _is_operand(tensor: Tensor) -> bool:
    return tensor.direction is not Direction.LOCAL


def _cut(rows: list[int], most: int) -> abc.Iterator[list[int]]:
    for start in range(0, len(rows), most):
        yield rows[start : start + most]


def _padded(count: int) -> int:
    """The next power of two, so that few batches have to be compiled."""
    return 1 << (count - 1).bit_length()


def _read(access: Access, elements: Array, state: abc.Mapping[str, Array], tensors: abc.Mapping[str, Tensor]) -> Array:
    """What the kernel reads there, its own padding outside the tensor."""
    if access.otherwise is None and (elements < 0).any():
        raise Wrong(f"the certificate leaves tensor '{access.tensor}'")
    found = state[access.tensor].reshape(-1)[np.maximum(elements, 0)]
    padding = cast_array(np.array(0 if access.otherwise is None else access.otherwise), tensors[access.tensor].dtype)
    return np.where(elements < 0, padding, found).astype(state[access.tensor].dtype)


def _values(random: np.random.Generator, tensor: Tensor, trial: int) -> Array:
    """Whole numbers, small enough for sums to be exact; from the fourth trial on all alike but for a few."""
    low = 0 if tensor.dtype.is_integer and tensor.dtype.name.startswith("u") else -3
    values = random.integers(low, 4, tensor.shape)
    if trial >= 3:
        values = np.where(random.random(tensor.shape) < 0.1, values, 1 if trial == 3 else low)
    return np.asarray(cast_array(values, tensor.dtype))


def _same(one: Array, other: Array) -> bool:
    if one.dtype.kind in "iub":
        return bool(np.array_equal(one, other))
    left, right = one.astype(np.float64), other.astype(np.float64)
    return bool(np.allclose(left, right, rtol=2e-2 if one.dtype.itemsize < 4 else 1e-4, atol=1e-4, equal_nan=True))
