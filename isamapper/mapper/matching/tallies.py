"""The delta-test by counting: every point of a call, where calls are small and digits fall into small groups.

Differences that leave an operand's index where it is are sums of such differences over digits that share no index and
no iterator cut short, so each group of digits is looked at by itself. Exact; None where a group has too many points.
What does not belong here: the definition and the general test (``delta.py``).
"""

from __future__ import annotations

from collections import abc
from functools import lru_cache
from itertools import product
from math import prod
from operator import mul
from typing import TypeAlias

MOST = 4096
"""Points of one group that are looked at."""

Steps: TypeAlias = tuple[int, ...]
Walk: TypeAlias = tuple[int, Steps, Steps, int, int]
"""One digit: how far it runs, its steps in the operand's and the tensor's indices, its iterator's number and weight."""


def agrees(walks: abc.Sequence[Walk], limits: abc.Mapping[int, int], *, both_ways: bool) -> bool | None:
    """Whether equal operand indices mean equal tensor indices over all points; ``both_ways``: and the reverse.

    ``limits`` are the extents of iterators whose digits reach beyond them: points there are none.
    """
    verdicts = [
        _agrees(tuple(group), tuple(sorted((i, limits[i]) for i in {w[3] for w in group} & limits.keys())), both_ways)
        for group in _groups(walks, limits, both_ways)
    ]
    if False in verdicts:
        return False
    return None if None in verdicts else True


def _groups(walks: abc.Sequence[Walk], limits: abc.Mapping[int, int], both_ways: bool) -> list[list[Walk]]:
    """Digits that share an index of the operand (or, ``both_ways``, of the tensor) or an iterator with a limit."""
    groups: list[tuple[set[object], list[Walk]]] = []
    for walk in walks:
        _, inside, outside, iterator, _ = walk
        keys: set[object] = {("in", axis) for axis, step in enumerate(inside) if step}
        keys |= {("out", dim) for dim, step in enumerate(outside) if step} if both_ways else set()
        keys |= {("cut", iterator)} if iterator in limits else set()
        linked = [group for group in groups if group[0] & keys]
        groups = [group for group in groups if not group[0] & keys]
        groups.append((keys.union(*(own for own, _ in linked)), [*(w for _, ws in linked for w in ws), walk]))
    return [members for _, members in groups]


@lru_cache(maxsize=1 << 16)
def _agrees(walks: tuple[Walk, ...], limits: tuple[tuple[int, int], ...], both_ways: bool) -> bool | None:
    if prod(walk[0] for walk in walks) > MOST:
        return None
    insides = tuple(zip(*(walk[1] for walk in walks), strict=True))
    outsides = tuple(zip(*(walk[2] for walk in walks), strict=True))
    meant: dict[Steps, Steps] = {}
    shown: dict[Steps, Steps] = {}
    for values in product(*(range(walk[0]) for walk in walks)):
        if any(_total(walks, values, iterator) >= extent for iterator, extent in limits):
            continue
        inside, outside = _index(insides, values), _index(outsides, values)
        if meant.setdefault(inside, outside) != outside:
            return False
        if both_ways and shown.setdefault(outside, inside) != inside:
            return False
    return True


def _total(walks: tuple[Walk, ...], values: tuple[int, ...], iterator: int) -> int:
    return sum(walk[4] * value for walk, value in zip(walks, values, strict=True) if walk[3] == iterator)


def _index(columns: tuple[Steps, ...], values: tuple[int, ...]) -> Steps:
    return tuple(sum(map(mul, column, values)) for column in columns)
