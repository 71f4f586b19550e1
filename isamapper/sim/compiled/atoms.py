"""Atoms: the coarsest pieces of a region such that two windows share an element iff they share an atom.

Along each axis of a region the windows' offsets agree modulo some greatest number, the tile. A window whose dense run
begins at a tile's first element touches that element in every tile it touches, whatever its length; so two windows that
touch one tile share its first element, and a tile is an atom. Steps that jump must be multiples of the tile for this;
windows that pad are clipped anywhere, so their axes have tiles of one element. Renamed registers are their own atoms.
"""

from __future__ import annotations

import math
from collections import abc
from dataclasses import dataclass, replace

from isamapper.ir.affine import Affine, affine
from isamapper.sim.regions import Region, row_major, start_bits
from isamapper.sim.sites import Model, OperandUse
from isamapper.sim.traffic import constant_extent, flat_steps, greatest_number


class Unsuited(Exception):
    """The compiled engine cannot time this program; the reference engine can."""


@dataclass(frozen=True, slots=True)
class Dim:
    """One direction of a footprint: ``ceil(extent * factor / tile)`` atoms, ``stride`` apart.

    ``extent`` is that of the operand's ``axis``; 1 where ``axis`` is None.
    """

    axis: int | None
    factor: int
    tile: int
    stride: int


@dataclass(frozen=True, slots=True)
class Footprint:
    """The atoms of a window: ``base`` plus every combination of ``dims``, of a padding window those inside.

    There, every operand axis is one of ``dims``, in order.
    """

    base: Affine
    dims: tuple[Dim, ...]


@dataclass(frozen=True, slots=True)
class Atoms:
    """The atoms of every region that the program writes, and the footprint of every operand there."""

    sizes: dict[int, int]
    footprints: dict[OperandUse, Footprint]


@dataclass(frozen=True, slots=True)
class _Shape:
    """A window in the coordinates of its region: offsets, operand axes' steps, and granules per element."""

    use: OperandUse
    offsets: tuple[Affine, ...]
    steps: tuple[dict[int, int], ...]
    width: int


def atoms(model: Model) -> Atoms:
    """Partitions every written region of a program."""
    written = {use.region.index for site in model.sites for use in site.operands if use.writes}
    sizes: dict[int, int] = {}
    footprints: dict[OperandUse, Footprint] = {}
    for region in model.regions:
        if region.index in written:
            shapes = [
                _shape(use, region) for site in model.sites for use in site.operands if use.region.index == region.index
            ]
            if region.renamed:
                shapes = [_by_register(shape, region) for shape in shapes]
            grid = _Grid(region, shapes)
            sizes[region.index] = math.prod(grid.counts)
            for shape in shapes:
                padded = shape.use.window.otherwise is not None
                footprints[shape.use] = grid.elements(shape) if padded else grid.footprint(shape)
    return Atoms(sizes, footprints)


def _shape(use: OperandUse, region: Region) -> _Shape:
    window = use.window
    if not region.flat:
        steps = tuple(dict(_summed(axis.steps)) for axis in window.axes)
        return _Shape(use, window.offsets, steps, 1)
    unit = min(region.granule_bits, use.tensor.dtype.bits)
    width = use.tensor.dtype.bits // unit
    offset = affine((), (start_bits(use.memory, use.tensor) - region.base_bits) // unit)
    for stride, each in zip(row_major(use.tensor.shape), window.offsets, strict=True):
        offset = offset + each * (stride * width)
    flat = tuple({0: step * width} if step else {} for step in flat_steps(window, use.tensor.shape))
    return _Shape(use, (offset,), flat, width)


def _summed(steps: abc.Iterable[tuple[int, int]]) -> abc.Iterator[tuple[int, int]]:
    totals: dict[int, int] = {}
    for axis, step in steps:
        totals[axis] = totals.get(axis, 0) + step
    return ((axis, step) for axis, step in totals.items() if step)


def _by_register(shape: _Shape, region: Region) -> _Shape:
    """``shape`` without the axes that never leave the register they begin in, where all others move by whole ones.

    Registers are whole: a window on some rows of a tile, which may end early, touches the tile.
    """
    size = region.granule_bits // shape.use.tensor.dtype.bits
    if size < 1 or shape.use.window.otherwise is not None or shape.width != 1:
        return shape
    reach, kept = 1, list(shape.steps)
    for axis in sorted(range(len(kept)), key=lambda axis: abs(kept[axis].get(0, 0))):
        most, step = greatest_number(shape.use.window.axes[axis].extent), kept[axis].get(0, 0)
        if most is not None and step >= 0 and reach + max(0, most - 1) * step <= size:
            reach, kept[axis] = reach + max(0, most - 1) * step, {}
    whole = all(step % size == 0 for steps in kept for step in steps.values())
    return replace(shape, steps=tuple(kept)) if whole else shape


@dataclass(frozen=True, slots=True)
class _Run:
    """The dense run of a window along one axis: elements, times the extent of ``axis`` where that is not known."""

    length: int
    axis: int | None
    used: frozenset[int]


def _run(shape: _Shape, region_axis: int) -> _Run:
    """Merges operand axes that move along ``region_axis`` alone, each continuing where the one before ends."""
    length, used = shape.width, set[int]()
    while True:
        following = [
            axis
            for axis, steps in enumerate(shape.steps)
            if axis not in used and len(steps) == 1 and steps.get(region_axis) == length
        ]
        if not following:
            return _Run(length, None, frozenset(used))
        used.add(following[0])
        extent = constant_extent(shape.use.window.axes[following[0]].extent)
        if extent is None:
            return _Run(length, following[0], frozenset(used))
        length *= max(1, extent)


class _Grid:
    """Tiles along each axis of one region."""

    def __init__(self, region: Region, shapes: abc.Sequence[_Shape]) -> None:
        self.region = region
        self.tiles: list[int] = []
        self.residues: list[int] = []
        tile = 0
        for axis in range(len(region.shape)):
            origin = shapes[0].offsets[axis].constant
            tile = math.gcd(*(number for shape in shapes for number in _numbers(shape, axis, origin)))
            self.tiles.append(tile or max(1, region.shape[axis]))
            self.residues.append(origin % tile if tile else origin)
        self.counts = [
            max(1, -(-(size - residue) // tile))
            for size, residue, tile in zip(region.shape, self.residues, self.tiles, strict=True)
        ]
        if region.renamed:
            self._registers(shapes, tile)
        self.strides = row_major(self.counts)

    def _registers(self, shapes: abc.Sequence[_Shape], tile: int) -> None:
        """One tile per register, which windows must begin with; ``tile`` is what their offsets have in common."""
        widths = {shape.use.tensor.dtype.bits for shape in shapes}
        size, rest = divmod(self.region.granule_bits, max(widths))
        if len(widths) > 1 or rest or tile % size or shapes[0].offsets[0].constant % size:
            raise Unsuited("windows begin within renamed registers")
        self.tiles, self.residues, self.counts = [size], [0], [self.region.size]

    def footprint(self, shape: _Shape) -> Footprint:
        base = affine()
        dims: list[Dim] = []
        for axis, (tile, residue, stride) in enumerate(zip(self.tiles, self.residues, self.strides, strict=True)):
            base = base + _divided(shape.offsets[axis] - residue, tile) * stride
            run = _run(shape, axis)
            dims.append(Dim(run.axis, run.length, tile, stride))
            dims += (
                Dim(each, 1, 1, steps[axis] // tile * stride)
                for each, steps in enumerate(shape.steps)
                if each not in run.used and len(steps) == 1 and axis in steps
            )
        for each, steps in enumerate(shape.steps):
            if len(steps) > 1:
                moved = sum(step // self.tiles[axis] * self.strides[axis] for axis, step in steps.items())
                dims.append(Dim(each, 1, 1, moved))
        return Footprint(base, tuple(dims))

    def elements(self, shape: _Shape) -> Footprint:
        """The footprint by single granules, one direction per operand axis, then one along the element."""
        base = affine()
        for offset, stride in zip(shape.offsets, self.strides, strict=True):
            base = base + offset * stride
        moved = (sum(step * self.strides[axis] for axis, step in steps.items()) for steps in shape.steps)
        return Footprint(
            base, (*(Dim(axis, 1, 1, step) for axis, step in enumerate(moved)), Dim(None, shape.width, 1, 1))
        )


def _numbers(shape: _Shape, axis: int, origin: int) -> abc.Iterator[int]:
    """What the tile along ``axis`` must divide for this window."""
    offset = shape.offsets[axis]
    yield offset.constant - origin
    yield from (coefficient for _, coefficient in offset.terms)
    yield from (coefficient for _, coefficient in offset.rotations)
    run = _run(shape, axis)
    yield from (steps[axis] for each, steps in enumerate(shape.steps) if each not in run.used and axis in steps)
    if shape.use.window.otherwise is not None:
        yield 1


def _divided(function: Affine, divisor: int) -> Affine:
    """``function / divisor``, which is exact."""
    return affine(
        ((name, coefficient // divisor) for name, coefficient in function.terms),
        function.constant // divisor,
        ((rotation, coefficient // divisor) for rotation, coefficient in function.rotations),
    )
