"""Tile sizes and loop orders of one level of the memory hierarchy, by counting bytes and busy cycles.

For every combination of tile sizes (an integer grid) and every order of the loops outside, the traffic into each buffer
follows from which loops its tensor depends on: it is fetched again by every loop outside the innermost loop that moves
it. The estimate of a combination is the busiest resource plus the first fill and the last drain. All combinations are
evaluated at once with numpy: O(orders x combinations x operands x iterators).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isamapper.costmodels.analytic import SHARPNESS

Counts = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Hop:
    """One copy into (or out of) a buffer: cycles per byte on each resource it uses."""

    resources: tuple[tuple[str, float], ...]
    latency_cycles: int = 0

    @property
    def slowest(self) -> float:
        """Cycles per byte where nothing else competes."""
        return max((cycles for _, cycles in self.resources), default=0.0)


@dataclass(frozen=True, slots=True)
class Tiled:
    """One operand at a level.

    ``dims`` lists per tensor axis the (iterator position, coefficient) pairs that move along it. ``memory`` is where
    its tile lies (None: not buffered at this level, but ``hop`` still costs per call group). ``inner`` operands are
    loaded again inside the tile, as the loops there demand; ``nested`` ones are tiled further in already, and the order
    of both groups of loops decides how often their tiles are fetched. Every contiguous run of a copy is rounded up to
    ``request_bytes``. Whole registers and broadcasts take ``padding`` bytes of the memory per byte of the tensor.
    """

    element_bytes: float
    dims: tuple[tuple[tuple[int, int], ...], ...]
    memory: str | None
    hop: Hop
    target: bool = False
    refill: Hop | None = None
    inner: bool = False
    nested: bool = False
    request_bytes: int = 1
    padding: float = 1.0


@dataclass(frozen=True, slots=True)
class Level:
    """The question at one level: tiles of ``blocks`` blocks of ``block`` iterations each, for every iterator."""

    extents: tuple[int, ...]
    block: tuple[int, ...]
    operands: tuple[Tiled, ...]
    capacity: tuple[tuple[str, int], ...]
    base: tuple[tuple[str, float], ...]
    renamed: frozenset[str] = frozenset()
    chain_cycles: float = 0.0
    ahead_cycles: float = 0.0

    @property
    def blocks(self) -> tuple[int, ...]:
        return tuple(-(-extent // block) for extent, block in zip(self.extents, self.block, strict=True))


@dataclass(frozen=True, slots=True)
class Tiling:
    """An answer: blocks per tile, order of the loops outside and inside, and the estimate."""

    tiles: tuple[int, ...]
    outside: tuple[int, ...]
    inside: tuple[int, ...]
    cycles: float
    bytes_moved: float


def tile_sizes(blocks: int) -> tuple[int, ...]:
    """Sizes worth trying for an iterator of so many blocks: small ones, doublings, and those that divide evenly."""
    sizes = {size for size in (1, 2, 3, 4, 6) if size <= blocks}
    size = 8
    while size <= blocks:
        sizes |= {size, size + size // 2} if size + size // 2 <= blocks else {size}
        size *= 2
    sizes |= {-(-blocks // parts) for parts in range(1, 13)}
    return tuple(sorted(sizes))


def _grid(level: Level, limit: int) -> NDArray[np.int64]:
    choices = [list(tile_sizes(blocks)) for blocks in level.blocks]
    while np.prod([float(len(c)) for c in choices]) > limit:
        longest = max(choices, key=len)
        del longest[1:-1:2]
        if len(longest) <= 2:
            break
    axes = np.meshgrid(*(np.array(c, dtype=np.int64) for c in choices), indexing="ij")
    return np.stack([axis.ravel() for axis in axes], axis=1) if axes else np.ones((1, 0), dtype=np.int64)


def orders(level: Level) -> tuple[tuple[int, ...], ...]:
    """Loop orders worth trying: all for up to three loops, else each operand's own loops outermost or innermost."""
    moving = [place for place, blocks in enumerate(level.blocks) if blocks > 1]
    if len(moving) <= 3:
        return tuple(itertools.permutations(moving))
    found = []
    for operand in level.operands:
        relevant = {place for dim in operand.dims for place, _ in dim}
        own = tuple(place for place in moving if place in relevant)
        rest = tuple(place for place in moving if place not in relevant)
        found += [own + rest, rest + own]
    return tuple(dict.fromkeys(found))


def best_tilings(level: Level, count: int, doubled: bool = True, limit: int = 20000) -> tuple[Tiling, ...]:
    """The ``count`` best tilings by estimate; empty where no tile fits the memories."""
    grid = _grid(level, limit)
    tiles = np.minimum(grid, np.array(level.blocks, dtype=np.int64))
    trips = -(-np.array(level.blocks, dtype=np.int64) // tiles)
    sizes = [_tile_bytes(level, operand, tiles) for operand in level.operands]
    fits = _fits(level, sizes, trips, doubled)
    if not fits.any():
        return ()
    tiles, trips = tiles[fits], trips[fits]
    sizes = [size[fits] for size in sizes]
    found: list[Tiling] = []
    inner_orders = orders(level)
    for outside in orders(level):
        for inside in inner_orders if any(o.inner or o.nested for o in level.operands) else inner_orders[:1]:
            cycles, moved = _estimate(level, tiles, trips, sizes, outside, inside)
            score = cycles * (1 + 1e-9 * moved / max(float(moved.max()), 1.0))
            best = np.argsort(score, kind="stable")[: count * 2]
            found += [
                Tiling(tuple(int(t) for t in tiles[row]), outside, inside, float(cycles[row]), float(moved[row]))
                for row in best
                if np.isfinite(cycles[row])
            ]
    found.sort(key=lambda tiling: (round(tiling.cycles), tiling.bytes_moved, tiling.tiles))
    return _distinct(found, level, count)


def _distinct(found: list[Tiling], level: Level, count: int) -> tuple[Tiling, ...]:
    """Drops answers that differ in loops of one trip only."""
    seen: set[tuple[object, ...]] = set()
    kept: list[Tiling] = []
    for tiling in found:
        trips = [-(-b // t) for b, t in zip(level.blocks, tiling.tiles, strict=True)]
        outside = tuple(p for p in tiling.outside if trips[p] > 1)
        inside = tuple(p for p in tiling.inside if tiling.tiles[p] > 1)
        key = (tiling.tiles, outside, inside)
        if key not in seen:
            seen.add(key)
            kept.append(Tiling(tiling.tiles, outside, inside, tiling.cycles, tiling.bytes_moved))
        if len(kept) == count:
            break
    return tuple(kept)


def _tile_bytes(level: Level, operand: Tiled, tiles: NDArray[np.int64]) -> Counts:
    total = np.full(len(tiles), operand.element_bytes)
    for dim in operand.dims:
        total = total * _span(level, dim, tiles, clip=False)
    return total


def _span(level: Level, dim: tuple[tuple[int, int], ...], tiles: NDArray[np.int64], clip: bool) -> Counts:
    """Elements of a tensor axis that a tile touches; alone on its axis, an iterator touches one element a step."""
    if len(dim) == 1:
        place = dim[0][0]
        steps = tiles[:, place] * level.block[place]
        return (np.minimum(steps, level.extents[place]) if clip else steps).astype(np.float64)
    total = np.ones(len(tiles))
    for place, coefficient in dim:
        steps = np.minimum(tiles[:, place] * level.block[place], level.extents[place])
        total = total + abs(coefficient) * (steps - 1)
    return total


def _fits(level: Level, sizes: list[Counts], trips: NDArray[np.int64], doubled: bool) -> NDArray[np.bool_]:
    rows = len(trips)
    result = np.ones(rows, dtype=np.bool_)
    for memory, capacity in level.capacity:
        used = np.zeros(rows)
        for operand, size in zip(level.operands, sizes, strict=True):
            if operand.nested:
                continue
            if operand.memory == memory and operand.inner:
                used += _block_bytes(level, operand) * operand.padding * (1 if memory in level.renamed else 2)
            elif operand.memory == memory:
                moving = np.zeros(rows, dtype=np.bool_)
                for dim in operand.dims:
                    for place, _ in dim:
                        moving |= trips[:, place] > 1
                used += size * operand.padding * np.where(moving & doubled & (memory not in level.renamed), 2, 1)
        result &= used <= capacity
    return result


def _estimate(
    level: Level,
    tiles: NDArray[np.int64],
    trips: NDArray[np.int64],
    sizes: list[Counts],
    outside: tuple[int, ...],
    inside: tuple[int, ...],
) -> tuple[Counts, Counts]:
    rows = len(tiles)
    busy: dict[str, Counts] = {name: np.full(rows, cycles) for name, cycles in level.base}
    edge = np.zeros(rows)
    moved = np.zeros(rows)
    longest_chain = np.zeros(rows)
    kept: dict[int, Counts] = {}
    for place, (operand, size) in enumerate(zip(level.operands, sizes, strict=True)):
        fetched = _fetched(level, operand, tiles, trips, outside, inside)
        fetched = fetched * _rounding(level, operand, tiles)
        if operand.inner:
            fetched, kept[place] = _inner_loads(level, operand, tiles, _left(level, place, sizes, kept), inside)
        spilled = np.zeros(rows, dtype=np.bool_)
        if operand.target:
            spilled = _repeats(operand, tiles, trips, outside, inside) > 1
            if operand.refill is None:
                edge = np.where(spilled, np.inf, edge)
        if not operand.inner and not operand.nested:
            chain = _fills(operand, trips, outside) * (operand.hop.latency_cycles + size * operand.hop.slowest)
            longest_chain = np.maximum(longest_chain, chain)
        for name, cycles in operand.hop.resources:
            busy[name] = busy.get(name, np.zeros(rows)) + fetched * cycles
        if operand.refill is not None:
            for name, cycles in operand.refill.resources:
                busy[name] = busy.get(name, np.zeros(rows)) + np.where(spilled, fetched * cycles, 0)
            wait = operand.refill.latency_cycles + size * operand.refill.slowest - level.ahead_cycles
            repeats = _repeats(operand, tiles, trips, outside, inside)
            edge = edge + np.maximum(wait, 0) * _fills(operand, trips, outside) * (1 - 1 / repeats)
        if not operand.inner and not operand.nested:
            edge = edge + size * operand.hop.slowest
            moved = moved + fetched
    busy["chain"] = longest_chain
    if level.chain_cycles:
        busy["accumulation"] = level.chain_cycles / _apart(level, tiles, inside)
    longest = np.zeros(rows)
    for value in busy.values():
        longest = np.maximum(longest, value)
    together = sum(((value / longest) ** SHARPNESS for value in busy.values()), np.zeros(rows)) ** (1 / SHARPNESS)
    return longest * together + edge, moved


def _repeats(
    operand: Tiled,
    tiles: NDArray[np.int64],
    trips: NDArray[np.int64],
    outside: tuple[int, ...],
    inside: tuple[int, ...],
) -> Counts:
    """How often each element is fetched: trips of loops it does not depend on, outside the innermost that moves it."""
    relevant = {place for dim in operand.dims for place, _ in dim}
    again = np.ones(len(trips))
    seen = np.zeros(len(trips), dtype=np.bool_)
    loops = [(trips, place) for place in outside]
    if operand.nested:
        loops += [(tiles, place) for place in inside]
    for counts, place in reversed(loops):
        if place in relevant:
            seen |= counts[:, place] > 1
        else:
            again = again * np.where(seen, counts[:, place], 1)
    return again


def _apart(level: Level, tiles: NDArray[np.int64], inside: tuple[int, ...]) -> Counts:
    """Calls between two that add to the same target: blocks of the loops inside the innermost reduction."""
    target = next(operand for operand in level.operands if operand.target)
    moving = {place for dim in target.dims for place, _ in dim}
    apart = np.ones(len(tiles))
    open_ = np.ones(len(tiles), dtype=np.bool_)
    for place in reversed(inside):
        if place in moving:
            apart = apart * np.where(open_, tiles[:, place], 1)
        else:
            open_ &= tiles[:, place] == 1
    return apart


def _rounding(level: Level, operand: Tiled, tiles: NDArray[np.int64]) -> Counts:
    """Bytes moved per byte wanted: runs along the tensor's last axis are rounded up to whole requests."""
    if operand.request_bytes == 1 or not operand.dims:
        return np.ones(len(tiles))
    run = _span(level, operand.dims[-1], tiles, clip=True) * operand.element_bytes
    return np.ceil(run / operand.request_bytes) * operand.request_bytes / run


def _fills(operand: Tiled, trips: NDArray[np.int64], outside: tuple[int, ...]) -> Counts:
    """How often the buffer is filled: trips of all loops down to the innermost that moves it."""
    relevant = {place for dim in operand.dims for place, _ in dim}
    count = np.ones(len(trips))
    seen = np.zeros(len(trips), dtype=np.bool_)
    for place in reversed(outside):
        if place in relevant:
            seen |= trips[:, place] > 1
        count = count * np.where(seen, trips[:, place], 1)
    return count


def _fetched(
    level: Level,
    operand: Tiled,
    tiles: NDArray[np.int64],
    trips: NDArray[np.int64],
    outside: tuple[int, ...],
    inside: tuple[int, ...],
) -> Counts:
    """Bytes that enter the buffer over the whole statement."""
    total = _repeats(operand, tiles, trips, outside, inside) * operand.element_bytes
    for dim in operand.dims:
        if len(dim) == 1:
            total = total * level.extents[dim[0][0]]
        else:
            visits = np.ones(len(trips))
            for place, _ in dim:
                visits = visits * trips[:, place]
            total = total * visits * _span(level, dim, tiles, clip=True)
    return total


def _block_bytes(level: Level, operand: Tiled) -> float:
    """Bytes of one call's operand."""
    total = operand.element_bytes
    for dim in operand.dims:
        for place, _ in dim:
            total *= level.block[place]
    return total


def _left(level: Level, place: int, sizes: list[Counts], kept: dict[int, Counts]) -> Counts:
    """Bytes of the tensor that its register file has room for, in one slot of an operand loaded inside the tile.

    The target's tile, operands before it (``kept``) and one block of those after it come off.
    """
    memory = level.operands[place].memory
    slots = 1 if memory in level.renamed else 2
    left = np.full(len(sizes[0]), float(dict(level.capacity).get(str(memory), 0)))
    for other, (operand, size) in enumerate(zip(level.operands, sizes, strict=True)):
        if other == place or operand.memory != memory or operand.nested:
            continue
        if operand.inner:
            left = left - (kept[other] if other in kept else _block_bytes(level, operand)) * operand.padding * slots
        else:
            left = left - size * operand.padding * slots
    return left / slots / level.operands[place].padding


def _inner_loads(
    level: Level, operand: Tiled, tiles: NDArray[np.int64], left: Counts, inside: tuple[int, ...]
) -> tuple[Counts, Counts]:
    """Bytes loaded next to the instruction, and bytes held there: once per call, less what loops outside reuse.

    It is attached as far out as some loop reuses it while ``left`` holds what the loops inside touch.
    """
    relevant = {place for dim in operand.dims for place, _ in dim}
    grown = np.full(len(tiles), _block_bytes(level, operand))
    held, total = grown.copy(), grown.copy()
    for blocks in level.blocks:
        total = total * blocks
    fits = np.ones(len(tiles), dtype=np.bool_)
    for place in reversed(inside):
        if place in relevant:
            grown = grown * tiles[:, place]
            fits &= grown <= left
        else:
            total = total / np.where(fits, tiles[:, place], 1)
            held = np.where(fits & (tiles[:, place] > 1), grown, held)
    return total, held
