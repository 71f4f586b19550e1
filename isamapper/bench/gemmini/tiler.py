"""The tile sizes that Gemmini's C library chooses by itself, for given buffers.

Written from the rules of ``tiled_matmul_auto`` and ``tiled_conv_auto`` (github.com/ucb-bar/gemmini-rocc-tests,
include/gemmini.h): half of either buffer belongs to a tile; products start from a square tile of the accumulator and
grow, columns first; convolutions shrink their longest side until they fit, channels by whole blocks, then grow again.
The library is compiled for buffers of 256 and 64 KiB, and keeps to them on any machine.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import abc

from isamapper.bench.gemmini.layers import DIM, Layer, Sizes

SCRATCHPAD_BYTES = 256 * 1024
ACCUMULATOR_BYTES = 64 * 1024


def default_tile(
    layer: Layer, scratchpad_bytes: int = SCRATCHPAD_BYTES, accumulator_bytes: int = ACCUMULATOR_BYTES
) -> Sizes:
    """The library's tile for ``layer``."""
    rows, accumulators = scratchpad_bytes // DIM // 2, accumulator_bytes // (4 * DIM) // 2
    if layer.is_product:
        return _product(layer.sizes, rows // DIM, accumulators // DIM)
    return _convolution(layer, rows, accumulators)


def _blocks(size: int) -> int:
    return -(-size // DIM)


def _product(sizes: Sizes, blocks: int, accumulators: int) -> Sizes:
    """``blocks`` and ``accumulators``: blocks of 16 x 16 in half of either buffer."""
    limits = [_blocks(sizes.p), _blocks(sizes.k), _blocks(sizes.c)]
    side = math.isqrt(accumulators)
    tile = [min(limits[0], side), min(limits[1], side), min(limits[2], blocks // 2 // side)]

    def fits(rows: int, columns: int, depth: int) -> bool:
        return (rows + columns) * depth <= blocks and rows * columns <= accumulators

    while _grow(tile, (1, 0, 2), limits, fits):
        pass
    return Sizes(1, tile[0] * DIM, tile[1] * DIM, 1, 1, tile[2] * DIM)


def _grow(tile: list[int], order: abc.Iterable[int], limits: list[int], fits: abc.Callable[..., bool]) -> bool:
    """One more along every side that has room, one side after another; whether any had."""
    grown = False
    for side in order:
        larger = [size + (index == side) for index, size in enumerate(tile)]
        if larger[side] <= limits[side] and fits(*larger):
            tile[side] = larger[side]
            grown = True
    return grown


_ROWS, _COLUMNS, _OUTPUTS, _CHANNELS = 0, 1, 2, 5


def _convolution(layer: Layer, rows: int, accumulators: int) -> Sizes:
    """``rows`` and ``accumulators``: rows in half of either buffer."""
    sizes = layer.sizes
    # Both images are square in the data, and the library calls rows what lies outermost.
    limits = [sizes.q, sizes.p, sizes.k, sizes.r, sizes.s, sizes.c]
    tile = list(limits)

    def fits(q: int, p: int, k: int, r: int, s: int, c: int) -> bool:
        image = (q * layer.stride + r - 1) * (p * layer.stride + s - 1)
        return _blocks(c) * image + _blocks(k) * r * s * c <= rows and _blocks(k) * q * p <= accumulators

    while not fits(*tile):
        _shrink(tile, fits)
    while _grow(tile, (_COLUMNS,), limits, fits):
        pass
    while _grow(tile, range(6), limits, fits):
        pass
    return Sizes(*tile)


def _shrink(tile: list[int], fits: abc.Callable[..., bool]) -> None:
    """Less along the longest side; pixels of a row that fill at most the array are kept while there are rows.

    One step, or all at once as long as the next would go along the same side.
    """
    spared = _COLUMNS if tile[_COLUMNS] <= DIM and tile[_ROWS] > 1 else None
    sides = [side for side in range(6) if side != spared]
    longest = max(sides, key=lambda side: (tile[side], -side))
    least = max([DIM if longest == _COLUMNS else 1, *(tile[side] for side in sides if side != longest)])
    size = tile[longest]

    def after(steps: int) -> int:
        if longest in (_OUTPUTS, _CHANNELS) and steps:
            return max(1, ((size - 1) // DIM - steps + 1) * DIM)
        return size - steps

    def goes_on(steps: int) -> bool:
        shorter = [*tile[:longest], after(steps), *tile[longest + 1 :]]
        return after(steps) > least and not fits(*shorter)

    tile[longest] = after(bisect_left(range(size), True, lo=1, key=lambda steps: not goes_on(steps)))
