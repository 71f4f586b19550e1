"""Checks the certificate of a mapping by playing it: operands are filled as it says, the instruction is executed.

The claim is that some statements of a kernel are what calls of one instruction do. What is checked:
- the digits take every iteration once, and every position of a lane once in a call;
- one cell of an operand never stands for two elements, one element that is written never for two cells;
- the instruction's own meaning, executed call after call on operands that are filled as the certificate says (with
  garbage wherever it says nothing), gives what the kernel's statements give, on several inputs, some nearly all alike;
- class and criteria are those of the relation.

Nothing of the mapper is called. Large kernels are cut to at most two blocks in every iterator, ragged ends kept.
"""

from __future__ import annotations

import math
from collections import abc
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeAlias

import numpy as np

from isamapper.diagnostics.source import SourceError
from isamapper.hwdesc.bind import bind_instruction, controls
from isamapper.hwdesc.model import Machine
from isamapper.ir.affine import Affine
from isamapper.ir.analysis import statements
from isamapper.ir.nodes import Access, Direction, Kernel, Tensor
from isamapper.ir.numeric import REDUCTION_OPERATOR, binary, cast_array
from isamapper.plan.placement import PlacedAccess, PlacedDigit, Placement
from isamapper.sim.functional.run import evaluate
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


class _Wrong(Exception):
    """The claim does not hold."""


class _Play:
    def __init__(self, machine: Machine, claim: Placement, found: Members) -> None:
        self.claim, self.kernel, self.extents = claim, found.kernel, found.extents
        self.standing = found.standing
        self.instruction = machine.instruction(claim.instruction)
        self.tensors = {tensor.name: tensor for tensor in self.kernel.tensors}
        self.starts = starts(self.kernel)
        self.widest = bind_instruction(self.instruction, dict(claim.parameters))
        self.operands = {tensor.name: tensor for tensor in self.widest.tensors}
        self.spans = {name: math.prod(d.extent for d in claim.digits if d.iterator == name) for name in self.extents}
        self.lanes = sorted({name for a in claim.accesses for i in a.inside.map.results for name in i.names})

    def verdict(self, seed: int) -> Verdict:
        points = sum(math.prod(d.extent for d in self._digits(access)) for access in self.claim.accesses)
        calls = math.prod(-(-self.extents[name] // span) for name, span in self.spans.items())
        if points * calls > MOST_POINTS:
            return Verdict(False, f"not checked: {points * calls:.2g} points are too many to play")
        trials = 0
        for trial in TRIALS:
            try:
                self._trial(seed, trial)
            except _Wrong as wrong:
                return Verdict(False, str(wrong))
            trials += 1
        sizes = ", ".join(f"{name} = {extent}" for name, extent in self.extents.items())
        return Verdict(True, f"played: {calls} calls give what the statements give, {trials} inputs, {sizes}")

    def _trial(self, seed: int, trial: int) -> None:
        random = np.random.default_rng([seed, trial])
        given = {
            name: _values(random, tensor, trial)
            for name, tensor in self.tensors.items()
            if tensor.direction in (Direction.IN, Direction.INOUT)
        }
        wanted = evaluate(self.kernel, given, checked=False)
        state = {name: array.copy() for name, array in given.items()}
        for name, tensor in self.tensors.items():
            if tensor.direction is Direction.OUT:
                state[name] = self._fresh(random, tensor)
        for outer in product(*(range(-(-extent // self.spans[name])) for name, extent in self.extents.items())):
            self._call(dict(zip(self.extents, outer, strict=True)), state, random)
        for name, array in wanted.items():
            if not _same(state[name], array):
                raise _Wrong(f"calls of '{self.instruction.name}' do not give '{name}' as the statements do")

    def _fresh(self, random: np.random.Generator, tensor: Tensor) -> Array:
        """A result before anything is written: what a sum starts from, where one writes it first."""
        start = self.starts.get(tensor.name)
        return np.full(tensor.shape, start) if start is not None else _values(random, tensor, 0)

    # one call

    def _call(self, outer: dict[str, int], state: dict[str, Array], random: np.random.Generator) -> None:
        parameters = self._parameters(outer)
        semantics = bind_instruction(self.instruction, parameters)
        arrays: dict[str, Array] = {}
        targets: list[tuple[PlacedAccess, Array, Array]] = []
        owners: dict[str, Array] = {}
        starts = dict(self.claim.starts)
        for tensor in semantics.tensors:
            if tensor.direction is not Direction.LOCAL:
                arrays[tensor.name] = self._empty(tensor, random)
                owners[tensor.name] = np.full(math.prod(tensor.shape), -2, np.int64)
        for access in self.claim.accesses:
            tensor = next(each for each in semantics.tensors if each.name == access.operand)
            lanes, point = self._points(outer, self._digits(access))
            cells = _flat(access.inside, lanes, tensor.shape, "operand")
            elements = _flat(access.outside, point, self.tensors[access.outside.tensor].shape, None)
            self._own(owners[access.operand], cells, elements, access)
            if tensor.direction is not Direction.IN:
                targets.append((access, cells, elements))
            if tensor.direction is not Direction.OUT:
                held = access.outside
                if tensor.direction is Direction.INOUT and access.operand in starts:
                    begin = starts[access.operand]
                    if not isinstance(begin, Access):
                        arrays[access.operand].flat[cells] = begin
                        continue
                    held = begin
                arrays[access.operand].flat[cells] = _read(held, point, state, self.tensors)
        self._repeat(outer, arrays, owners, state)
        self._run(semantics, arrays, targets, state)

    def _run(
        self,
        semantics: Kernel,
        arrays: dict[str, Array],
        targets: list[tuple[PlacedAccess, Array, Array]],
        state: dict[str, Array],
    ) -> None:
        inputs = {t.name: arrays[t.name] for t in semantics.tensors if t.direction in (Direction.IN, Direction.INOUT)}
        results = evaluate(semantics, inputs, checked=False)
        for access, cells, elements in targets:
            where = dict(zip(elements.tolist(), cells.tolist(), strict=True))
            if any(where[e] != c for e, c in zip(elements.tolist(), cells.tolist(), strict=True)):
                raise _Wrong(f"an element of '{access.outside.tensor}' has two cells of operand '{access.operand}'")
            target, found = state[access.outside.tensor], results[access.operand].flat[cells]
            if self.claim.combines is not None:
                with np.errstate(all="ignore"):
                    function = binary(
                        REDUCTION_OPERATOR[self.claim.combines], self.tensors[access.outside.tensor].dtype
                    )
                    before = target.flat[elements]
                    found = np.array([function(a, b) for a, b in zip(before, found, strict=True)], target.dtype)
            target.flat[elements] = found

    def _own(self, owner: Array, cells: Array, elements: Array, access: PlacedAccess) -> None:
        """Notes which element every cell holds; one that holds two is wrong."""
        taken = owner[cells]
        if np.any((taken != -2) & (taken != elements)):
            raise _Wrong(f"a cell of operand '{access.operand}' stands for two elements of '{access.outside.tensor}'")
        owner[cells] = elements
        if np.any(owner[cells] != elements):
            raise _Wrong(f"a cell of operand '{access.operand}' stands for two elements of '{access.outside.tensor}'")

    def _empty(self, tensor: Tensor, random: np.random.Generator) -> Array:
        """An operand before anything is put into it: garbage, its pad value, or the constant that it holds."""
        constant = dict(self.claim.constants).get(tensor.name)
        pad = dict(self.claim.pads).get(tensor.name)
        value = pad if constant is None else constant
        if value is not None:
            return np.asarray(cast_array(np.full(tensor.shape, value), tensor.dtype))
        return _values(random, tensor, 0)

    def _digits(self, access: PlacedAccess) -> tuple[PlacedDigit, ...]:
        """The digits that move an access on either side."""
        inside, outside = (
            {name for index in each.map.results for name in index.names} for each in (access.inside, access.outside)
        )
        starts = {
            name
            for _, each in self.claim.starts
            if isinstance(each, Access)
            for i in each.map.results
            for name in i.names
        }
        own = outside | (starts if access.operand in dict(self.claim.starts) else set())
        moving = {d.iterator for d in self.claim.digits if d.lane in inside or d.iterator in own}
        return tuple(d for d in self.claim.digits if d.iterator in moving)

    def _points(
        self, outer: dict[str, int], digits: tuple[PlacedDigit, ...]
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """Lane positions and kernel iterators of the valid points of a call, along ``digits``."""
        grid = np.indices([d.extent for d in digits]).reshape(len(digits), -1) if digits else np.zeros((0, 1), int)
        lanes = {name: np.zeros(grid.shape[1], np.int64) for name in self.lanes}
        point = {name: np.full(grid.shape[1], outer[name] * self.spans[name]) for name in self.extents}
        point.update({name: np.zeros(grid.shape[1], np.int64) for name in self.standing})
        for row, digit in zip(grid, digits, strict=True):
            point[digit.iterator] = point[digit.iterator] + row * digit.weight
            lanes[digit.lane] = lanes.get(digit.lane, np.zeros(grid.shape[1], np.int64)) + row * digit.lane_weight
        valid = np.ones(grid.shape[1], bool)
        for name, extent in self.extents.items():
            valid &= point[name] < extent
        return {n: a[valid] for n, a in lanes.items()}, {n: a[valid] for n, a in point.items()}

    def _parameters(self, outer: dict[str, int]) -> dict[str, int]:
        """The instruction's parameters: as small as the points of the call allow."""
        values = dict(self.claim.parameters)
        ranges = {each.name: each for each in self.instruction.parameters}
        for lane, (name, factor) in controls(self.instruction).items():
            if name in values and name in dict(self.claim.parameters):
                continue
            names = {d.iterator for d in self.claim.digits if d.lane == lane}
            lanes, _ = self._points(outer, tuple(d for d in self.claim.digits if d.iterator in names))
            needed = -(-(int(lanes[lane].max()) + 1) // factor) if lane in lanes and lanes[lane].size else 1
            each = ranges[name]
            size = max(each.low, needed)
            size = min(each.high, each.low + -(-(size - each.low) // each.step) * each.step)
            values[name] = max(values.get(name, size), size)
        return values

    def _repeat(
        self, outer: dict[str, int], arrays: dict[str, Array], owners: dict[str, Array], state: dict[str, Array]
    ) -> None:
        """Cells that no iteration fills get what the nearest iteration of their call reads there."""
        if not self.claim.repeats:
            return
        read = [access for access in self.claim.accesses if self.operands[access.operand].direction is Direction.IN]
        kept = [access for access in self.claim.accesses if self.operands[access.operand].direction is not Direction.IN]
        whole = {i.name: i.extent for s in statements(self.widest) for i in s.iterators}
        names = [name for name in whole if name in self.lanes]
        if math.prod(whole[name] for name in names) > MOST_REPEATED:
            raise _Wrong("not checked: the instruction is too large to repeat points one by one")
        points = [dict(zip(names, each, strict=True)) for each in product(*(range(whole[name]) for name in names))]
        points.sort(key=lambda lane: not all(self._is_filled(access, lane, owners) for access in kept))
        for lane in points:
            point = {name: np.array([value]) for name, value in self._nearest(lane, outer).items()}
            for access in read:
                shape = arrays[access.operand].shape
                cell = _flat(access.inside, {n: np.array([v]) for n, v in lane.items()}, shape, None)
                if cell[0] >= 0 and owners[access.operand][cell[0]] == -2:
                    owners[access.operand][cell[0]] = -3
                    arrays[access.operand].flat[cell] = _read(access.outside, point, state, self.tensors)

    def _is_filled(self, access: PlacedAccess, lane: dict[str, int], owners: dict[str, Array]) -> bool:
        shape = self.operands[access.operand].shape
        cell = _flat(access.inside, {name: np.array([value]) for name, value in lane.items()}, shape, None)
        return bool(cell[0] >= 0 and owners[access.operand].size > cell[0] and owners[access.operand][cell[0]] >= 0)

    def _nearest(self, lane: dict[str, int], outer: dict[str, int]) -> dict[str, int]:
        """The iteration whose digits are those of a lane position, each as large as the kernel's extents allow."""
        point = {name: block * self.spans[name] for name, block in outer.items()}
        point.update(dict.fromkeys(self.standing, 0))
        for digit in sorted(self.claim.digits, key=lambda each: -each.weight):
            greater = any(d.lane == digit.lane and d.lane_weight > digit.lane_weight for d in self.claim.digits)
            step = lane.get(digit.lane, 0) // digit.lane_weight
            step = step % digit.extent if greater else min(step, digit.extent - 1)
            left = (self.extents[digit.iterator] - 1 - point[digit.iterator]) // digit.weight
            point[digit.iterator] += max(0, min(step, left)) * digit.weight
        return point


def _index(index: Affine, values: abc.Mapping[str, Array], count: int) -> Array:
    total = np.full(count, index.constant, np.int64)
    for name, factor in index.terms:
        if name not in values:
            raise _Wrong(f"the certificate has no '{name}'")
        total = total + values[name] * factor
    return total


def _flat(access: Access, values: abc.Mapping[str, Array], shape: tuple[int, ...], what: str | None) -> Array:
    """Row-major positions of the elements; -1 where the index lies outside, which an operand's must not."""
    count = next((array.size for array in values.values()), 1)
    total, outside = np.zeros(count, np.int64), np.zeros(count, bool)
    if len(access.map.results) != len(shape):
        raise _Wrong(f"'{access.tensor}' has {len(shape)} axes, the certificate says {len(access.map.results)}")
    for index, size in zip(access.map.results, shape, strict=True):
        position = _index(index, values, count)
        outside |= (position < 0) | (position >= size)
        total = total * size + position
    if what is not None and outside.any():
        raise _Wrong(f"the certificate leaves operand '{access.tensor}'")
    return np.where(outside, -1, total)


def _read(
    access: Access, values: abc.Mapping[str, Array], state: abc.Mapping[str, Array], tensors: abc.Mapping[str, Tensor]
) -> Array:
    """What the kernel reads there, its own padding outside the tensor."""
    places = _flat(access, values, tensors[access.tensor].shape, None)
    if (places < 0).any() and access.otherwise is None:
        raise _Wrong(f"the certificate leaves tensor '{access.tensor}'")
    found = state[access.tensor].reshape(-1)[np.maximum(places, 0)]
    padding = cast_array(np.array(0 if access.otherwise is None else access.otherwise), tensors[access.tensor].dtype)
    return np.where(places < 0, padding, found).astype(state[access.tensor].dtype)


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
