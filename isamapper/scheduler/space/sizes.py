"""Tile sizes of one iterator: those worth pricing, and those that no other makes superfluous."""

from __future__ import annotations


def tile_sizes(blocks: int) -> tuple[int, ...]:
    """Sizes worth trying for so many blocks: small ones, doublings, and those that divide evenly."""
    sizes = {size for size in (1, 2, 3, 4, 6) if size <= blocks}
    size = 8
    while size <= blocks:
        sizes |= {size, size + size // 2} if size + size // 2 <= blocks else {size}
        size *= 2
    sizes |= {-(-blocks // parts) for parts in range(1, 13)}
    return tuple(sorted(sizes))


def even_sizes(blocks: int) -> tuple[int, ...]:
    """The least size for every number of tiles: all others leave a shorter last tile and need more room."""
    return tuple(sorted({-(-blocks // parts) for parts in range(1, blocks + 1)}))
