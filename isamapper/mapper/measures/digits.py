"""The digit extents that need the fewest calls: what utilisation and padding waste are judged by.

A label's figure, not a schedule: the order of digits, loops and memories are the schedule's.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from functools import lru_cache

from isamapper.mapper.matching.needle import NeedleIterator
from isamapper.mapper.matching.relation import Relation


@dataclass(frozen=True, slots=True)
class Sizes:
    """``extents`` per pair of the relation, in its order; ``calls`` over all bound iterators."""

    extents: tuple[int, ...]
    calls: int


def best_sizes(relation: Relation, extents: abc.Mapping[str, int], lanes: abc.Mapping[str, NeedleIterator]) -> Sizes:
    """Digit extents with the fewest calls; ``extents`` names the iterators from the outermost loop inwards."""
    sizes: dict[tuple[str, str], int] = {}
    calls = 1
    for group in _groups(relation):
        bound = {name for name, _ in group}
        names = [name for name in extents if name in bound]
        known = tuple((str(place), extents[name]) for place, name in enumerate(names))
        rooms = tuple(sorted({(lane, lanes[lane].extent) for _, lane in group}))
        chosen, count = _best(tuple((str(names.index(name)), lane) for name, lane in group), known, rooms)
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
    known = dict(extents)
    choices = list(_choices(relation, 0, {}, known, dict(lanes)))
    calls = [calls_of(relation, sizes, known) for sizes in choices]
    fewest = min(calls)
    best = [sizes for sizes, count in zip(choices, calls, strict=True) if count == fewest]
    return min(best, key=lambda sizes: (_preference(relation, sizes, known), sizes)), fewest


def _preference(
    relation: Relation, sizes: abc.Sequence[int], extents: abc.Mapping[str, int]
) -> tuple[tuple[int, ...], int]:
    """Of sizes with equally many calls the largest digits of inner loops, then the smallest digits."""
    inside = dict.fromkeys(extents, 1)
    for (name, _), size in zip(relation, sizes, strict=True):
        inside[name] *= size
    inner = tuple(-min(inside[name], extent) for name, extent in reversed(tuple(extents.items())))
    return inner, sum(sizes)


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
