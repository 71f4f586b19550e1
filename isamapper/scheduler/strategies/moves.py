"""Moves between rows of a decision space: what the strategies that walk through it have in common."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from isamapper.scheduler.space.space import Rows, StatementSpace
from isamapper.scheduler.strategies.task import Task

FAMILIES = 12
"""Families that rows are drawn from once all have been looked at: those with the cheapest rows."""
EACH = 32
"""Rows drawn of a family at least, while all are looked at."""


def seeds(task: Task, count: int) -> Rows:
    """``count`` rows of live families that fit the memories, or as many as are found; the best by price of many.

    The first rows are drawn from all families; the cheapest among them say which families go on.
    """
    first = task.promising is None
    chosen = [family for family in task.promising or range(len(task.space.families)) if task.alive(family)]
    if not chosen:
        return np.ones((0, task.space.width), dtype=np.int64)
    each = max(EACH if first else 4, 8 * count // len(chosen))
    rows = np.concatenate([task.space.random_rows(task.generator, family, each) for family in chosen])
    small = np.concatenate([smallest(task.space, family) for family in chosen])
    rows = np.concatenate([rows, small])
    cycles = task.prices(rows).cycles
    order = np.argsort(cycles, kind="stable")
    order = order[np.isfinite(cycles[order])]
    if first:
        task.promising = tuple(dict.fromkeys(rows[order, 0].tolist()))[:FAMILIES]
        order = order[np.isin(rows[order, 0], task.promising)]
    return rows[order[:count]]


def smallest(space: StatementSpace, family: int) -> Rows:
    """One block at a time, under all orders that differ in traffic."""
    own = space.families[family]
    numbers = {order: number for number, order in enumerate(own.orders)}
    found = []
    for order in own.classes:
        tiles = np.ones((1, own.shape.levels, len(own.moving)), dtype=np.int64)
        slots = np.full((1, len(own.shape.buffers)), 2, dtype=np.int64)
        found.append(space.rows(family, tiles, [numbers[order]] * (own.shape.levels + 1), slots))
    return np.concatenate(found)


def mutated(space: StatementSpace, rows: Rows, generator: np.random.Generator) -> Rows:
    """Every row with one thing changed: a tile size doubled, halved or moved by one, an order, or a slot."""
    found = rows.copy()
    what = generator.random(len(rows))
    for family in np.unique(rows[:, 0]):
        own, members = space.families[int(family)], np.flatnonzero(rows[:, 0] == family)
        _change_tiles(space, found, members[what[members] < 0.65], int(family), generator)
        _change_orders(space, found, members[(what[members] >= 0.65) & (what[members] < 0.9)], int(family), generator)
        if own.shape.buffers:
            chosen = members[what[members] >= 0.9]
            first = 1 + space.tile_columns + space.order_columns
            columns = first + generator.integers(len(own.shape.buffers), size=len(chosen))
            found[chosen, columns] = 3 - found[chosen, columns]
    return found


def _change_tiles(
    space: StatementSpace, rows: Rows, chosen: NDArray[np.int64], family: int, generator: np.random.Generator
) -> None:
    own = space.families[family]
    size = own.shape.levels * len(own.moving)
    if not size or not len(chosen):
        return
    columns = generator.integers(size, size=len(chosen))
    limits = np.array([own.shape.blocks[place] for place in own.moving] * own.shape.levels, dtype=np.int64)[columns]
    now = rows[chosen, 1 + columns]
    steps = generator.integers(4, size=len(chosen))
    parts = np.maximum(1, -(-limits // np.maximum(now, 1)) + np.where(steps == 2, 1, -1))
    next_even = -(-limits // parts)
    moved = np.where(steps == 0, now // 2, np.where(steps == 1, now * 2, next_even))
    rows[chosen, 1 + columns] = np.clip(moved, 1, limits)


def _change_orders(
    space: StatementSpace, rows: Rows, chosen: NDArray[np.int64], family: int, generator: np.random.Generator
) -> None:
    own = space.families[family]
    groups = generator.integers(own.shape.levels + 1, size=len(chosen))
    drawn = generator.integers(len(own.orders), size=len(chosen))
    rows[chosen, 1 + space.tile_columns + groups] = drawn


def repaired(task: Task, rows: Rows, rounds: int = 6) -> Rows:
    """Rows that do not fit the memories with their largest tile halved, again and again."""
    found = rows.copy()
    for _ in range(rounds):
        bad = np.flatnonzero(~np.isfinite(task.prices(found).cycles))
        if not len(bad):
            break
        tiles = found[bad, 1 : 1 + task.space.tile_columns]
        largest = np.argmax(tiles, axis=1)
        tiles[np.arange(len(bad)), largest] = np.maximum(1, tiles[np.arange(len(bad)), largest] // 2)
        found[bad, 1 : 1 + task.space.tile_columns] = tiles
    return found
