"""Tiles as hand-written libraries choose them: as large as half of every memory holds, loops in a fixed order.

The rule is that of Gemmini's own library (ucb-bar/gemmini-rocc-tests at 0015b1a, include/gemmini.h,
``tiled_matmul_auto`` and ``sp_tiled_matmul_ws``), said for any machine: begin with a square of output blocks whose
accumulators fill half of their memory and as much of the reduction as half of the operands' memory then holds; grow
columns, rows and reduction by one block in turn while everything still fits; outside, loop over rows, columns,
reduction; inside, keep what lies in the array still as long as possible. Kernels that are no matrix products begin with
single blocks.
"""

from __future__ import annotations

import math
from collections import abc
from dataclasses import replace

from isamapper.bench.baselines.frames import Groups, Site, level_of, levels_of
from isamapper.scheduler.space.tiling import Level, Tiled

REFERENCE_EXTENT = 1024
"""A library with one tile for all problems takes the tile of a problem with these extents."""


def library_groups(site: Site, *, fixed: bool = False) -> Groups:
    """The loops of every level, outermost level first; ``fixed``: with the tiles of the reference problem."""
    order = _order(site)
    return _groups(site, lambda level: _tiles(level, order, fixed))


def smallest_groups(site: Site) -> Groups:
    """The loops of every level where a tile is one block."""
    return _groups(site, lambda level: tuple(1 for _ in level.blocks))


def _groups(site: Site, tiles_of: abc.Callable[[Level], tuple[int, ...]]) -> Groups:
    names = site.names
    block = tuple(site.frame.block(name) for name in names)
    groups: Groups = ()
    levels = levels_of(site)
    if levels == 0:
        return (tuple((name, site.frame.blocks(name)) for name in names if name not in site.subject.shared),)
    blocks = block
    for boundary in range(levels):
        level = level_of(site, boundary, block)
        tiles = tiles_of(level)
        blocks = level.blocks
        inside = tuple((names[place], tiles[place]) for place in _inside(site, level))
        groups = (inside, *groups)
        outer = tuple((names[place], -(-blocks[place] // tiles[place])) for place in _outside(site))
        block = tuple(tile * size for tile, size in zip(tiles, block, strict=True))
    shared = site.subject.shared
    return tuple(tuple(entry for entry in group if entry[0] not in shared) for group in (outer, *groups))


def _tiles(level: Level, order: abc.Sequence[int], fixed: bool) -> tuple[int, ...]:
    """Blocks per tile for every iterator."""
    asked = level
    if fixed:
        extents = tuple(max(REFERENCE_EXTENT, extent) if extent > 1 else 1 for extent in level.extents)
        asked = replace(level, extents=extents)
    tiles = _begin(asked, order)
    growing = True
    while growing:
        growing = False
        for place in order:
            larger = tuple(tile + (at == place) for at, tile in enumerate(tiles))
            if larger[place] <= asked.blocks[place] and _fits_half(asked, larger):
                tiles, growing = larger, True
    return tuple(min(tile, blocks) for tile, blocks in zip(tiles, level.blocks, strict=True))


def _begin(level: Level, order: abc.Sequence[int]) -> tuple[int, ...]:
    """The square of a matrix product and its depth; single blocks elsewhere, or where the square does not fit."""
    ones = tuple(1 for _ in level.blocks)
    target = next((operand for operand in level.operands if operand.target), None)
    if target is None or len(order) != 3 or len(_moving(target)) != 2:
        return ones
    columns, rows, depth = order
    capacity = dict(level.capacity).get(str(target.memory))
    if capacity is None:
        return ones
    side = max(1, math.isqrt(int(capacity // 2 / _tile_bytes(level, target, ones))))
    tiles = tuple(min(side, blocks) if place in (columns, rows) else 1 for place, blocks in enumerate(level.blocks))
    while tiles[depth] < level.blocks[depth]:
        deeper = tuple(tile + (place == depth) for place, tile in enumerate(tiles))
        if not _fits_half(level, deeper):
            break
        tiles = deeper
    return tiles if _fits_half(level, tiles) else ones


def _fits_half(level: Level, tiles: tuple[int, ...]) -> bool:
    """Whether one tile of every operand takes at most half of each memory: the other half is being filled."""
    used: dict[str, float] = {}
    for operand in level.operands:
        if operand.memory is not None and not operand.nested and not operand.inner:
            used[operand.memory] = used.get(operand.memory, 0.0) + _tile_bytes(level, operand, tiles)
    return all(used.get(memory, 0.0) <= capacity / 2 for memory, capacity in level.capacity)


def _tile_bytes(level: Level, operand: Tiled, tiles: tuple[int, ...]) -> float:
    total = operand.element_bytes * operand.padding
    for dim in operand.dims:
        if len(dim) == 1:
            total *= tiles[dim[0][0]] * level.block[dim[0][0]]
            continue
        steps = ((abs(step), min(tiles[place] * level.block[place], level.extents[place])) for place, step in dim)
        total *= 1 + sum(step * (count - 1) for step, count in steps)
    return total


def _moving(operand: Tiled) -> set[int]:
    return {place for dim in operand.dims for place, _ in dim}


def _free_and_summed(site: Site) -> tuple[list[int], list[int]]:
    """Iterators of the target, and those that are summed over."""
    target = site.frame.statement.assign.target.map.results
    free = [place for place, name in enumerate(site.names) if any(result.coefficient(name) for result in target)]
    return free, [place for place in range(len(site.names)) if place not in free]


def _order(site: Site) -> tuple[int, ...]:
    """In which order tiles grow: columns, rows, reduction."""
    free, summed = _free_and_summed(site)
    own = [place for place in (*reversed(free), *reversed(summed)) if site.names[place] not in site.subject.shared]
    return tuple(own)


def _outside(site: Site) -> tuple[int, ...]:
    free, summed = _free_and_summed(site)
    return (*free, *summed)


def _inside(site: Site, level: Level) -> tuple[int, ...]:
    """Loops inside the tile: those that do not move what lies in the array innermost."""
    free, summed = _free_and_summed(site)
    still = next((operand for operand in level.operands if operand.inner), None)
    if still is None:
        return (*free, *summed)
    moving = _moving(still)
    around = [place for place in (*reversed(free), *summed) if place in moving]
    return (*around, *(place for place in (*free, *summed) if place not in moving))
