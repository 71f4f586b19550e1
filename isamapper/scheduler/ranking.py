"""Nests of one statement, best first by the analytic model: what the heuristic decodes and judges.

For every family a grid of tile sizes is priced under all orders that differ in traffic, the neighbours of the best are
priced again, and only the few best rows are built. What does not belong here: the choice between nests by a cost model
(``heuristic.py``).
"""

from __future__ import annotations

import math
from collections import abc
from dataclasses import dataclass

import numpy as np

from isamapper.costmodels.batch import fitting, prices
from isamapper.costmodels.shape import Shape
from isamapper.costmodels.shapes import level_count
from isamapper.diagnostics.source import Rejection
from isamapper.plan.nest import Nest
from isamapper.scheduler.build import build_nest
from isamapper.scheduler.clock import over
from isamapper.scheduler.families import families_of, route_choices
from isamapper.scheduler.family import Family
from isamapper.scheduler.found import Found
from isamapper.scheduler.frames import Frame
from isamapper.scheduler.grid import grid, neighbours
from isamapper.scheduler.levelwise import Levelwise
from isamapper.scheduler.space import Rows
from isamapper.scheduler.subject import Subject

FRAMES = 8
"""Frames that give nests; twice as many are tried once there is something to compare with."""
ROWS = 12000
"""Rows of a family's grid, all orders together."""
ROUNDS = 2
"""How often the neighbours of the best rows are priced."""
KEPT = 24
NESTS = 6
"""Nests built per frame where no other number is asked for."""
MISSES = 12
SMALL_CYCLES = 20000
MORE = 4
"""Where first fills and last drains are much of the whole, estimates say less: so many times more nests are judged."""
TIE = 0.001
"""Cycles that differ by less than this part are as good as equal: fewer bytes decide."""
FAR = 8
"""A nest so many times dearer than a frame's own work is no reason to stop trying frames."""
PROMISING = 1.3
"""Frames and rows this much dearer than the best nest are left out."""


@dataclass(frozen=True, slots=True)
class Priced:
    """One row of a family, decoded as far as numbers go."""

    family: Family
    tiles: tuple[tuple[int, ...], ...]
    orders: tuple[tuple[int, ...], ...]
    slots: tuple[int, ...]
    cycles: float
    bytes_moved: float
    least: float


def by_cycles_then_bytes(cycles: float, bytes_moved: float, best: float) -> tuple[int, float, float]:
    """A sort key: cycles that differ from the best by less than a step of ``TIE`` are equal, then fewer bytes win."""
    return (int(min(cycles / best / TIE, 1e12)) if 0 < best < math.inf else 0, bytes_moved, cycles)


def ranked(
    subject: Subject, frames: abc.Sequence[Frame], deadline: float | None = None, nests: int = NESTS
) -> tuple[Found, ...] | Rejection:
    """Nests, least estimated cycles first, then fewest bytes; the nearest miss where there is none.

    ``nests`` are built per frame where so many fit.

    After ``deadline`` (on the monotonic clock) what has been found has to do; the first is found in any case.
    """
    found: list[Found] = []
    failures: list[Rejection] = []
    for relaid in (False, True):
        best, useful, tried = min((each.estimated_cycles for each in found), default=math.inf), 0, 0
        for frame in frames:
            done = bool(found) and over(deadline)
            if useful == FRAMES or tried == 2 * FRAMES or done or frame.unit_cycles(subject.machine) > best * PROMISING:
                break
            before = len(found)
            for each in (
                *_of_frame(subject, frame, relaid, best, failures, deadline, nests),
                *(() if relaid else _deeper(subject, frame, best, failures, deadline)),
            ):
                found.append(each)
                best = min(best, each.estimated_cycles)
            useful += len(found) > before
            tried += frame.unit_cycles(subject.machine) * FAR > best
    if not found:
        miss = failures[0] if failures else None
        reason = miss.reason if miss else "no instruction can do it"
        return Rejection("SCH040", f"statement {subject.statement.index}", reason, edit=miss.edit if miss else None)
    best = min(each.estimated_cycles for each in found)
    return tuple(sorted(found, key=lambda one: by_cycles_then_bytes(one.estimated_cycles, one.bytes_moved, best)))


def _deeper(
    subject: Subject, frame: Frame, best: float, failures: list[Rejection], deadline: float | None
) -> abc.Iterator[Found]:
    """Nests of one frame on routes that pass no memory on chip, or several."""
    for routes in route_choices(subject, frame):
        if level_count(subject.machine, routes) != 1:
            yield from Levelwise(subject, failures, best, deadline).frame(frame, routes)


def _of_frame(
    subject: Subject,
    frame: Frame,
    relaid: bool,
    best: float,
    failures: list[Rejection],
    deadline: float | None,
    nests: int,
) -> abc.Iterator[Found]:
    """Nests of one frame, either of the families that cost a layout copy or of the others."""
    rows: list[Priced] = []
    alive: set[Shape] = set()
    for family in families_of(subject, frame):
        copies = family.shape.relay_cycles
        if (
            family.shape.levels != 1
            or bool(copies) != relaid
            or max(copies, frame.unit_cycles(subject.machine)) > best * PROMISING
        ):
            continue
        if family.shape not in alive and _possible(subject, family, failures):
            alive.add(family.shape)
            rows += best_rows(family, max(KEPT, 8 * nests) if nests > NESTS else KEPT)
    cheapest = min((row.cycles for row in rows), default=math.inf)
    rows.sort(key=lambda row: by_cycles_then_bytes(row.cycles, row.bytes_moved, cheapest))
    least = min((row.least for row in rows), default=0.0)
    nests = nests * MORE if cheapest < SMALL_CYCLES else nests
    built = misses = 0
    for row in rows:
        if row.cycles > best * PROMISING or built == nests or misses == MISSES or (built and over(deadline)):
            return
        choice = row.family.choice(row.tiles, row.orders, row.slots)
        nest = build_nest(subject.machine, subject.kernel, subject.home, choice)
        if isinstance(nest, Rejection):
            failures.append(nest)
            misses += 1
            continue
        built += 1
        best = min(best, row.cycles)
        yield Found(nest, row.cycles, row.bytes_moved, least)


def _possible(subject: Subject, family: Family, failures: list[Rejection]) -> bool:
    nest = build_nest(subject.machine, subject.kernel, subject.home, family.smallest())
    if isinstance(nest, Rejection):
        failures.append(nest)
    return isinstance(nest, Nest)


def best_rows(family: Family, kept: int = KEPT) -> list[Priced]:
    """The best rows of one family, best first."""
    orders = orders_of(family)
    tiles = _coarse(family, ROWS // len(orders))
    if not len(tiles):
        return []
    which = np.repeat(np.arange(len(orders)), len(tiles))
    tiles = np.tile(tiles, (len(orders), 1, 1))
    least = math.inf
    for _ in range(ROUNDS + 1):
        found = prices(family.shape, family.tiles(tiles), orders[which])
        if not np.isfinite(found.cycles).any():
            return []
        steps = np.floor(np.minimum(found.cycles / found.cycles.min(), 1e6) / TIE)
        most = kept * MORE if found.cycles.min() < SMALL_CYCLES else kept
        chosen = np.lexsort((found.cycles, found.bytes_moved, steps))[:most]
        chosen = chosen[np.isfinite(found.cycles[chosen])]
        last = chosen, tiles, which, found
        least = min(least, float(found.least.min()))
        around = [(_near(family, tiles[[row]]), which[row]) for row in chosen[: kept // 2]]
        which = np.concatenate([np.full(len(each), order) for each, order in around])
        tiles = np.concatenate([each for each, _ in around])
    chosen, tiles, which, found = last
    best: dict[object, Priced] = {}
    for row in chosen:
        sizes = tuple(tuple(level) for level in tiles[row].tolist())
        loops = tuple(tuple(group) for group in orders[which[row]].tolist())
        slots = tuple(found.slots[row].tolist())
        groups = family.choice(sizes, loops, slots).groups
        key = tuple(tuple(loop for loop in group if loop[1] > 1) for group in groups), slots
        cycles, moved = float(found.cycles[row]), float(found.bytes_moved[row])
        best.setdefault(key, Priced(family, sizes, loops, slots, cycles, moved, least))
    return list(best.values())


def _coarse(family: Family, most: int) -> Rows:
    """The finest grid with no more than ``most`` rows that fit the memories."""
    limit = 16 * most
    while True:
        tiles = grid(family, limit)
        tiles = tiles[fitting(family.shape, family.tiles(tiles))]
        if len(tiles) <= most or limit <= most:
            return tiles
        limit //= 2


def _near(family: Family, tiles: Rows) -> Rows:
    found = neighbours(family, tiles)
    return found[fitting(family.shape, family.tiles(found))]


def orders_of(family: Family) -> Rows:
    """Orders that differ in traffic, for all groups of loops."""
    classes = np.array(family.classes, dtype=np.int64).reshape(len(family.classes), len(family.moving))
    groups = family.shape.levels + 1
    picks = np.stack(np.meshgrid(*[np.arange(len(classes))] * groups, indexing="ij"), axis=-1).reshape(-1, groups)
    return classes[picks]
