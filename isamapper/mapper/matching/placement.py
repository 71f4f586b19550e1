"""Placements of a relation: digit extents and their orders, for instructions that must be judged at real extents.

An unsplit kernel iterator alone in an instruction iterator has one digit, as long as both allow. Where several digits
meet, any extents and any order may serve. What does not belong here: instructions whose operand maps are injective, for
which every placement is as good as another (``delta.py``).
"""

from __future__ import annotations

from collections import abc
from itertools import permutations, product
from typing import TypeAlias

from isamapper.mapper.matching.delta import Digit

Keeps: TypeAlias = abc.Callable[[abc.Mapping[str, str]], bool]
"""Told the innermost kernel iterator of each instruction iterator."""


def placements(
    relation: abc.Sequence[tuple[str, str]],
    extents: abc.Mapping[str, int],
    lanes: abc.Mapping[str, int],
    keeps: Keeps | None = None,
) -> abc.Iterator[tuple[Digit, ...]]:
    """Every choice of digit extents, of their order inside instruction iterators and inside kernel iterators.

    ``extents`` and ``lanes`` are the extents of kernel and instruction iterators. Where ``keeps`` is given, only the
    orders whose innermost kernel iterator per instruction iterator it keeps.
    """
    in_lane = {lane: [pair for pair in relation if pair[1] == lane] for _, lane in relation}
    in_iterator = {name: [pair for pair in relation if pair[0] == name] for name, _ in relation}
    for sizes in product(*(_sizes(pair, in_lane, in_iterator, extents, lanes) for pair in relation)):
        size = dict(zip(relation, sizes, strict=True))
        if any(_total(group, size) > lanes[lane] for lane, group in in_lane.items() if len(group) > 1):
            continue
        for lane_orders in product(*(permutations(group) for group in in_lane.values())):
            if keeps is not None and not keeps({order[0][1]: order[0][0] for order in lane_orders}):
                continue
            for iterator_orders in product(*(permutations(group) for group in in_iterator.values())):
                lane_weights, weights = _weights(lane_orders, size), _weights(iterator_orders, size)
                if any(weights[order[-1]] >= extents[order[-1][0]] for order in iterator_orders):
                    continue
                yield tuple(Digit(pair[0], pair[1], size[pair], weights[pair], lane_weights[pair]) for pair in relation)


def _sizes(
    pair: tuple[str, str],
    in_lane: abc.Mapping[str, list[tuple[str, str]]],
    in_iterator: abc.Mapping[str, list[tuple[str, str]]],
    extents: abc.Mapping[str, int],
    lanes: abc.Mapping[str, int],
) -> abc.Iterable[int]:
    most = min(extents[pair[0]], lanes[pair[1]])
    if len(in_lane[pair[1]]) == 1 and len(in_iterator[pair[0]]) == 1:
        return (most,)
    return range(2, most + 1)


def _total(group: abc.Iterable[tuple[str, str]], size: abc.Mapping[tuple[str, str], int]) -> int:
    total = 1
    for pair in group:
        total *= size[pair]
    return total


def _weights(
    orders: abc.Iterable[abc.Sequence[tuple[str, str]]], size: abc.Mapping[tuple[str, str], int]
) -> dict[tuple[str, str], int]:
    """Mixed-radix weights, the first of each order innermost."""
    found: dict[tuple[str, str], int] = {}
    for order in orders:
        weight = 1
        for pair in order:
            found[pair] = weight
            weight *= size[pair]
    return found
