"""Tile sizes worth pricing: a grid over the iterators of a family, coarse enough to be priced in one go."""

from __future__ import annotations

import itertools

import numpy as np

from isamapper.scheduler.family import Family
from isamapper.scheduler.sizes import even_sizes, tile_sizes
from isamapper.scheduler.space import Rows


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
    blocks = np.array([family.shape.blocks[place] for place in family.moving], dtype=np.int64)
    found = [tiles]
    for level, place in itertools.product(range(family.shape.levels), range(len(blocks))):
        sizes = np.array(even_sizes(int(blocks[place])), dtype=np.int64)
        at = np.searchsorted(sizes, tiles[:, level, place])
        for shift in (-2, -1, 1, 2):
            moved = tiles.copy()
            moved[:, level, place] = sizes[np.clip(at + shift, 0, len(sizes) - 1)]
            found.append(moved)
        for factor in (0.5, 2.0):
            moved = tiles.copy()
            moved[:, level, place] = np.clip(tiles[:, level, place] * factor, 1, blocks[place])
            found.append(moved)
    return np.unique(np.concatenate(found), axis=0)
