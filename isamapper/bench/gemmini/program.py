"""The program of a tiled layer for Gemmini, as its loop unrollers issue it.

Tiles follow one another over rows, columns, output channels, kernel and input channels, the last innermost. A tile is
loaded whole; its products follow, weight block by weight block, the pixels of a row 16 at a time; when the last
input channel is in, its results are stored. Two tiles share the buffers, so that one is loaded while the other is
computed. Within a tile the scratchpad holds pixels with all their channels, row after row (the real one holds blocks of
16 channels apart: the same bytes).
"""

from __future__ import annotations

import math
from collections import abc
from dataclasses import dataclass

from isamapper.bench.gemmini.layers import DIM, DIMENSIONS, Layer, Sizes, clipped
from isamapper.ir.affine import Affine, Extent, constant, extent, rotate, variable
from isamapper.ir.nodes import (
    Allocate,
    Constraint,
    Direction,
    Guard,
    Invoke,
    Kernel,
    Loop,
    Node,
    Tensor,
    Window,
    WindowAxis,
)
from isamapper.ir.types import DTYPES

CHUNK = 64
"""Bytes of a row that one load moves: dma_maxbytes."""

Index = Affine | tuple[Affine, Extent]
"""Where a window lies along a tensor's axis: a place, or a place and how far from it."""


@dataclass(frozen=True, slots=True)
class Homes:
    """In which memory input, weights and output live."""

    input: str
    weights: str
    output: str


def tiled_program(layer: Layer, tile: Sizes, homes: Homes, *, untouched: bool = False, shift: int = 8) -> Kernel:
    """``layer`` in tiles of (at most) ``tile``; results are divided by ``2**shift`` and saturated to bytes.

    ``untouched``: nothing has read the input before, so that its first reading is slow.
    """
    return _Tiled(layer, clipped(tile, layer), homes, untouched, shift).program()


def _nest(loops: abc.Sequence[tuple[str, Extent]], body: abc.Iterable[Node]) -> Node:
    """``body`` in loops, the first outermost; loops of one trip are written, too."""
    nodes = tuple(body)
    for name, trips in reversed(loops):
        nodes = (Loop(name, trips, nodes),)
    return nodes[0]


def _least(function: Affine, trips: abc.Mapping[str, int]) -> int:
    """The least value of ``function`` where iterators run from 0."""
    return function.constant + sum(min(0, factor * (trips[name] - 1)) for name, factor in function.terms)


def _window(tensor: str, *index: Index) -> Window:
    offsets = tuple(each[0] if isinstance(each, tuple) else each for each in index)
    axes = tuple(WindowAxis(each[1], ((axis, 1),)) for axis, each in enumerate(index) if isinstance(each, tuple))
    return Window(tensor, offsets, axes)


class _Tiled:
    def __init__(self, layer: Layer, tile: Sizes, homes: Homes, untouched: bool, shift: int) -> None:
        self.layer, self.tile, self.homes, self.shift = layer, tile, homes, shift
        self.untouched = untouched
        self.counts = {each: -(-layer.sizes.along(each) // tile.along(each)) for each in DIMENSIONS}
        self.slot = rotate(self._number(DIMENSIONS), 2)
        self.result = rotate(self._number("qpk"), 2)
        self.input_rows = (tile.q - 1) * layer.stride + tile.r
        self.input_columns = (tile.p - 1) * layer.stride + tile.s

    def _tile(self, dimension: str) -> Affine:
        """The tile's number along a dimension."""
        return variable(f"tile_{dimension}") if self.counts[dimension] > 1 else constant(0)

    def _number(self, dimensions: str) -> Affine:
        """The tile's number in the order of tiles, along these dimensions."""
        number = constant(0)
        for each in dimensions:
            number = number * self.counts[each] + self._tile(each)
        return number

    def _start(self, dimension: str) -> Affine:
        return self._tile(dimension) * self.tile.along(dimension)

    def _left(self, dimension: str) -> tuple[Affine, ...]:
        """Bounds of the tile's size along a dimension: its own, and what is left of a layer it does not divide."""
        size, whole = self.tile.along(dimension), self.layer.sizes.along(dimension)
        ragged = (constant(whole) - self._start(dimension),) if whole % size else ()
        return (constant(size), *ragged)

    def _part(self, bounds: abc.Iterable[Affine], begin: Affine, most: int) -> Extent:
        """From ``begin`` on ``most``, within ``bounds``."""
        return extent(most, *(bound - begin for bound in bounds))

    def _input(self, along: str, kernel: str) -> tuple[Affine, ...]:
        """Bounds of the input that a tile needs along rows or columns."""
        stride = self.layer.stride
        return tuple(
            pixels * stride + offsets - stride for pixels in self._left(along) for offsets in self._left(kernel)
        )

    def _present(self, node: Node, loops: abc.Iterable[tuple[str, Extent]], *sizes: Extent) -> Node:
        """``node`` where none of ``sizes`` has run out: in the last tile, there may be fewer blocks."""
        trips = {f"tile_{each}": count for each, count in self.counts.items()}
        trips.update({name: max(1, trip.bounds[0].constant) for name, trip in loops})
        bounds = dict.fromkeys(bound for size in sizes for bound in size.bounds if _least(bound, trips) < 1)
        conditions = tuple(Constraint(bound - 1) for bound in bounds)
        return Guard(conditions, (node,)) if conditions else node

    # The parts of the program

    def program(self) -> Kernel:
        tiles = [(f"tile_{each}", extent(self.counts[each])) for each in DIMENSIONS if self.counts[each] > 1]
        body = (self._load_input(), self._load_weights(), *self._issued(), self._products(), self._store())
        nodes = (_nest(tiles, body),) if tiles else body
        return Kernel("tiled", (), (), self._tensors(), (*self._buffers(), *nodes))

    def _tensors(self) -> tuple[Tensor, ...]:
        sizes = self.layer.sizes
        shapes = {
            "x": (self.layer.input_rows, self.layer.input_columns, sizes.c),
            "w": (sizes.r, sizes.s, sizes.c, sizes.k),
            "y": (sizes.q, sizes.p, sizes.k),
        }
        homes = (self.homes.input, self.homes.weights, self.homes.output)
        address = 0
        found = []
        for (name, shape), home in zip(shapes.items(), homes, strict=True):
            direction = Direction.OUT if name == "y" else Direction.IN
            found.append(Tensor(name, DTYPES["i8"], shape, home, direction, address=address))
            address += -(-math.prod(shape) // 4096) * 4096
        return tuple(found)

    def _buffers(self) -> tuple[Node, ...]:
        tile = self.tile
        channels, outputs = (-(-size // DIM) * DIM for size in (tile.c, tile.k))  # rows of buffers are whole
        image = (2, self.input_rows, self.input_columns, channels)
        buffers = (
            ("input", "i8", image, "spad", 0),
            ("weights", "i8", (2, tile.r, tile.s, tile.c, outputs), "spad", math.prod(image)),
            ("sums", "i32", (2, tile.q, tile.p, outputs), "acc", 0),
            ("array", "i8", (DIM, DIM), "weights", 0),
            ("loaded", "i32", (2,), "flags", 0),
            ("begun", "i32", (2,), "flags", 2),
        )
        return tuple(
            Allocate(Tensor(name, DTYPES[dtype], shape, memory, Direction.LOCAL, address=address))
            for name, dtype, shape, memory, address in buffers
        )

    def _load_input(self) -> Node:
        """All rows of the tile's input, 16 pixels of 64 channels at a time."""
        row, column, channel = variable("row"), variable("column") * DIM, variable("channel") * CHUNK
        pixels = self._part(self._input("p", "s"), column, DIM)
        channels = self._part(self._left("c"), channel, CHUNK)
        stride = self.layer.stride
        source = _window(
            "x",
            self._start("q") * stride + self._start("r") + row,
            (self._start("p") * stride + self._start("s") + column, pixels),
            (self._start("c") + channel, channels),
        )
        target = _window("input", self.slot, row, (column, pixels), (channel, channels))
        loops = [
            ("row", extent(*self._input("q", "r"))),
            ("column", extent(-(-self.input_columns // DIM))),
            ("channel", extent(-(-self.tile.c // CHUNK))),
        ]
        load, slow = (
            self._present(self._load(name, source, target, pixels, channels), loops, pixels, channels)
            for name in ("mvin", "mvin_cold")
        )
        if not self.untouched:
            return _nest(loops, [load])
        if self.counts["k"] == 1:
            return _nest(loops, [slow])
        first = (Constraint(self._tile("k"), equality=True),)
        return Guard(first, (_nest(loops, [slow]),), (_nest(loops, [load]),))

    def _load_weights(self) -> Node:
        """All weights of the tile, 16 input channels of 64 output channels at a time."""
        row, column = variable("kernel_row"), variable("kernel_column")
        channel, output = variable("channel") * DIM, variable("output") * CHUNK
        channels = self._part(self._left("c"), channel, DIM)
        outputs = self._part(self._left("k"), output, CHUNK)
        source = _window(
            "w",
            self._start("r") + row,
            self._start("s") + column,
            (self._start("c") + channel, channels),
            (self._start("k") + output, outputs),
        )
        target = _window("weights", self.slot, row, column, (channel, channels), (output, outputs))
        loops = [
            ("output", extent(-(-self.tile.k // CHUNK))),
            ("kernel_row", extent(*self._left("r"))),
            ("kernel_column", extent(*self._left("s"))),
            ("channel", extent(-(-self.tile.c // DIM))),
        ]
        load = self._load("mvin", source, target, channels, outputs)
        return _nest(loops, [self._present(load, loops, channels, outputs)])

    def _load(self, name: str, source: Window, target: Window, rows: Extent, columns: Extent) -> Invoke:
        return Invoke(name, (("src", source), ("dst", target)), (("r", rows), ("c", columns)))

    def _issued(self) -> tuple[Node, ...]:
        """The unroller of products waits until all loads of the tile are issued."""
        one = extent(1)
        loaded, begun = _window("loaded", (self.slot, one)), _window("begun", (self.slot, one))
        return (
            Invoke("loads_issued", (("t", loaded),)),
            Invoke("await_loads", (("t", loaded), ("u", begun))),
        )

    def _products(self) -> Node:
        """Weight block by weight block; its first product brings the weights into the array."""
        blocks = -(-self.tile.p // DIM)
        loops = [
            ("output", extent(-(-self.tile.k // DIM))),
            ("kernel_row", extent(*self._left("r"))),
            ("kernel_column", extent(*self._left("s"))),
            ("channel", extent(-(-self.tile.c // DIM))),
        ]
        body: list[Node] = [self._either(loops, constant(0), constant(0), preload=True)]
        if blocks > 1:
            along = [("block", extent(blocks - 1))]
            further = variable("block") * DIM + DIM
            body.append(_nest(along, [self._either([*loops, *along], constant(0), further)]))
        if self.tile.q > 1:
            along = [("pixels", extent(*(bound - 1 for bound in self._left("q")))), ("block", extent(blocks))]
            row, column = variable("pixels") + 1, variable("block") * DIM
            body.append(_nest(along, [self._either([*loops, *along], row, column)]))
        return _nest(loops, body)

    def _reduced(self) -> Affine:
        """Zero where nothing has been added to a result yet."""
        tiles = self._tile("r") + self._tile("s") + self._tile("c")
        return tiles + variable("kernel_row") + variable("kernel_column") + variable("channel")

    def _either(
        self, loops: abc.Sequence[tuple[str, Extent]], row: Affine, column: Affine, preload: bool = False
    ) -> Node:
        """A product that overwrites, where it is the first for its results, or adds."""
        first = (Constraint(self._reduced(), equality=True),)
        name = "preload_compute" if preload else "compute"
        overwriting, adding = (self._product(each, row, column, preload) for each in (f"{name}_first", name))
        either = Guard(first, (overwriting,), (adding,))
        return self._present(either, loops, *(size for _, size in adding.parameters))

    def _product(self, name: str, row: Affine, column: Affine, preload: bool) -> Invoke:
        """Up to 16 pixels from ``column`` on in ``row``, with one block of weights."""
        stride, zero = self.layer.stride, constant(0)
        channel, output = variable("channel") * DIM, variable("output") * DIM
        pixels = self._part(self._left("p"), column, DIM)
        channels = self._part(self._left("c"), channel, DIM)
        outputs = self._part(self._left("k"), output, DIM)
        a = Window(
            "input",
            (self.slot, row * stride + variable("kernel_row"), column * stride + variable("kernel_column"), channel),
            (WindowAxis(pixels, ((2, stride),)), WindowAxis(channels, ((3, 1),))),
        )
        kernel = (variable("kernel_row"), variable("kernel_column"))
        block = _window("weights", self.slot, *kernel, (channel, channels), (output, outputs))
        array = _window("array", (zero, channels), (zero, outputs))
        sums = _window("sums", self.result, row, (column, pixels), (output, outputs))
        windows = [("a", a), *([("b", block)] if preload else []), ("c", sums), ("w", array)]
        parameters = (("m", pixels), ("k", channels), ("n", outputs))
        return Invoke(name, tuple(windows), parameters)

    def _store(self) -> Node:
        """All results of the tile, once the last input channel is in: 16 pixels of 16 channels at a time."""
        row, column, output = variable("pixels"), variable("block") * DIM, variable("output") * DIM
        pixels = self._part(self._left("p"), column, DIM)
        outputs = self._part(self._left("k"), output, DIM)
        target = _window(
            "y",
            self._start("q") + row,
            (self._start("p") + column, pixels),
            (self._start("k") + output, outputs),
        )
        source = _window("sums", self.result, row, (column, pixels), (output, outputs))
        parameters = (("r", pixels), ("c", outputs), ("s", extent(self.shift)))
        loops = [
            ("pixels", extent(*self._left("q"))),
            ("block", extent(-(-self.tile.p // DIM))),
            ("output", extent(-(-self.tile.k // DIM))),
        ]
        store = Invoke("mvout_i8", (("src", source), ("dst", target)), parameters)
        stores = _nest(loops, [self._present(store, loops, pixels, outputs)])
        unfinished = [each for each in "rsc" if self.counts[each] > 1]
        last = tuple(Constraint(self._tile(each) - (self.counts[each] - 1), equality=True) for each in unfinished)
        return Guard(last, (stores,)) if last else stores
