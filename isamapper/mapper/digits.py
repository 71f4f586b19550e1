"""The digit extents that need the fewest calls: what utilisation and padding waste are judged by.

A label's figure, not a schedule: the order of digits, loops and memories are the schedule's.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from functools import lru_cache

from isamapper.mapper.needle import NeedleIterator
from isamapper.mapper.relation import Relation


@dataclass(frozen=True, slots=True)
class Sizes:
    """``extents`` per pair of the relation, in its order; ``calls`` over all bound iterators."""

    extents: tuple[int, ...]
    calls: int


def best_sizes(relation: Relation, extents: abc.Mapping[str, int], lanes: abc.Mapping[str, NeedleIterator]) -> Sizes:
    """Digit extents with the fewest calls, of those with the smallest digits (each at least 2 where it can be)."""
    sizes: dict[tuple[str, str], int] = {}
    calls = 1
    for group in _groups(relation):
        known = tuple(sorted({(name, extents[name]) for name, _ in group}))
        rooms = tuple(sorted({(lane, lanes[lane].extent) for _, lane in group}))
        chosen, count = _best(group, known, rooms)
        sizes.update(zip(group, chosen, strict=True))
        calls *= count
    return Sizes(tuple(sizes[pair] for pair in relation), calls)


def _groups(relation: Relation) -> list[Relation]:
    """Pairs that share an iterator or a lane, directly or through others: what must be chosen together."""
    groups: list[tuple[tuple[str, str], ...]] = []
    for pair in relation:
        linked = [group for group in groups if any(pair[0] == name or pair[1] == lane for name, lane in group)]
        groups = [group for group in groups if group not in linked]
        groups.append((*(each for group in linked for each in group), pair))
    return groups


@lru_cache(maxsize=16384)
def _best(
    relation: Relation, extents: tuple[tuple[str, int], ...], lanes: tuple[tuple[str, int], ...]
) -> tuple[tuple[int, ...], int]:
    best: tuple[int, int, tuple[int, ...]] | None = None
    known = dict(extents)
    for sizes in _choices(relation, 0, {}, known, dict(lanes)):
        key = (calls_of(relation, sizes, known), sum(sizes), sizes)
        if best is None or key < best:
            best = key
    assert best is not None
    return best[2], best[0]


def calls_of(relation: Relation, sizes: abc.Sequence[int], extents: abc.Mapping[str, int]) -> int:
    """Blocks of the bound iterators: how often the instruction is called along them."""
    inside: dict[str, int] = {}
    for (name, _), size in zip(relation, sizes, strict=True):
        inside[name] = inside.get(name, 1) * size
    calls = 1
    for name, size in inside.items():
        calls *= -(-extents[name] // size)
    return calls


def _choices(
    relation: Relation,
    place: int,
    used: dict[str, int],
    extents: abc.Mapping[str, int],
    lanes: abc.Mapping[str, int],
) -> abc.Iterator[tuple[int, ...]]:
    """Sizes of the pairs from ``place`` on; ``used`` is what each lane and iterator already holds."""
    if place == len(relation):
        yield ()
        return
    name, lane = relation[place]
    later_in_lane = sum(other == lane for _, other in relation[place + 1 :])
    later_in_name = sum(other == name for other, _ in relation[place + 1 :])
    room = lanes[lane] // (used.get(lane, 1) * 2**later_in_lane)
    left = -(-extents[name] // (used.get(name, 1) * 2**later_in_name))
    alone = not later_in_lane and not later_in_name
    for size in _sizes(max(2, min(room, left)), alone, extents[name]):
        taken = {**used, lane: used.get(lane, 1) * size, name: used.get(name, 1) * size}
        for rest in _choices(relation, place + 1, taken, extents, lanes):
            yield (size, *rest)


def _sizes(most: int, alone: bool, extent: int) -> abc.Iterable[int]:
    """The sizes worth trying: the greatest where nothing else competes, else the least for each number of blocks."""
    if alone:
        return (min(most, -(-extent // -(-extent // most))) if most < extent else most,)
    return sorted({max(2, -(-extent // blocks)) for blocks in {-(-extent // size) for size in range(2, most + 1)}})
