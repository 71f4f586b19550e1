"""Tile sizes worth pricing: a grid over the iterators of a family, coarse enough to be priced in one go."""

from __future__ import annotations

import itertools
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from isamapper.scheduler.space.family import Family
from isamapper.scheduler.space.sizes import even_sizes, tile_sizes
from isamapper.scheduler.space.space import Rows


def grid(family: Family, limit: int) -> Rows:
    """Rows of tile sizes (rows x levels x moving), at most ``limit`` or two sizes per iterator and level."""
    blocks = [family.shape.blocks[place] for place in family.moving]
    choices = [list(tile_sizes(each)) for _ in range(family.shape.levels) for each in blocks]
    while np.prod([float(len(each)) for each in choices]) > limit:
        longest = max(choices, key=len)
        if len(longest) <= 2:
            break
        del longest[1:-1:2]
    if not choices:
        return np.ones((1, family.shape.levels, len(family.moving)), dtype=np.int64)
    axes = np.meshgrid(*(np.array(each, dtype=np.int64) for each in choices), indexing="ij")
    rows = np.stack([axis.ravel() for axis in axes], axis=1)
    return rows.reshape(len(rows), family.shape.levels, len(blocks))


def neighbours(family: Family, tiles: Rows) -> Rows:
    """Rows that differ from one of ``tiles`` in one size: the sizes next to it, half and double of it."""
    return np.unique(around(family, tiles)[0], axis=0)


def around(family: Family, tiles: Rows) -> tuple[Rows, NDArray[np.int64]]:
    """``tiles`` and their neighbours, some more than once, each with the number of the row that it comes from."""
    found = [tiles]
    for level, position in itertools.product(range(family.shape.levels), range(len(family.moving))):
        blocks = family.shape.blocks[family.moving[position]]
        sizes, now = _sizes(blocks), tiles[:, level, position]
        at = np.searchsorted(sizes, now)
        moves = [sizes[np.clip(at + shift, 0, len(sizes) - 1)] for shift in (-2, -1, 1, 2)]
        moves += [np.clip(now // 2, 1, blocks), np.clip(now * 2, 1, blocks)]
        for move in moves:
            moved = tiles.copy()
            moved[:, level, position] = move
            found.append(moved)
    return np.concatenate(found), np.tile(np.arange(len(tiles)), len(found))


@lru_cache(maxsize=256)
def _sizes(blocks: int) -> NDArray[np.int64]:
    """The least size for every number of tiles; for reading only."""
    return np.array(even_sizes(blocks), dtype=np.int64)
