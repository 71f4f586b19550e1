"""How evenly the copies of a tile can be issued over the work on the tile before.

Dispatch is in order and queues are finite: copies that come in a bunch hold up the calls behind them, and then the
calls leave the bus idle. A loop inside the tile may carry its share of one direction of the copies (``Buffer.spread``);
the assignments tried here are those that ``scheduler/nests/overlap.py`` finds best in all but odd cases.
"""

from __future__ import annotations

import itertools
from collections import abc
from functools import lru_cache

import numpy as np

from isamapper.costmodels.geometry import Column, Geometry
from isamapper.costmodels.shape import Stop

Pairs = tuple[tuple[int, int], ...]

MOST_LOOPS = 3
"""Loops that carry shares of one copy at most."""
TRIED = 8
"""Assignments tried per copy: with many loops the nearest ones only."""


def spread(at: Geometry, stop: Stop, pieces: Column) -> tuple[Column, Column]:
    """The part of the work on a tile during which its ``pieces`` come, and how many of them come at once."""
    shape = at.shape
    inside = [
        (group, place)
        for group in range(at.depth(stop), shape.levels + 1)
        for place, blocks in enumerate(shape.blocks)
        if blocks > 1
    ]
    own = tuple(host for host, (_, place) in enumerate(inside) if place in stop.movers)
    hosts = [at.groups[group][place] for group, place in inside]
    ranks = [at.rank(group, place) + group * len(shape.blocks) for group, place in inside]
    blocks = [hosts[host] for host in own]
    whole = blocks[0]
    for each in blocks[1:]:
        whole = whole * each
    blocks[-1] = np.maximum(1.0, np.ceil(blocks[-1] * pieces / whole - 1e-9))
    return evenness(hosts, ranks, blocks, own)


def evenness(
    hosts: abc.Sequence[Column], ranks: abc.Sequence[Column | int], blocks: abc.Sequence[Column], own: tuple[int, ...]
) -> tuple[Column, Column]:
    """The part of the work during which copies come, and how many come at once, for the best assignment.

    ``hosts`` are trips of the loops inside the tile and ``ranks`` their places, the outermost least; ``blocks`` how
    many copies there are along each direction, which is that of host ``own[...]``.
    """
    total = blocks[0]
    for count in blocks[1:]:
        total = total * count
    chosen = _assignments(len(hosts), own)
    ratios = {pair: _ratios(hosts[pair[0]], blocks[pair[1]]) for pairs in chosen for pair in pairs}
    best_share, best_together, best = np.zeros_like(total), total, total * 1.25
    for pairs in chosen:
        share, together = ratios[pairs[0]]
        together = together * total
        for pair in pairs[1:]:
            share, together = share * ratios[pair][0], together * ratios[pair][1]
        carrying = [host for host, _ in pairs]
        innermost = ranks[carrying[0]]
        for host in carrying[1:]:
            innermost = np.maximum(innermost, ranks[host])
        for host in range(len(hosts)):
            if host not in carrying:
                share = np.where(ranks[host] < innermost, share / hosts[host], share)
        score = total - total * share + together * 0.25
        better = score < best
        best = np.where(better, score, best)
        best_share, best_together = np.where(better, share, best_share), np.where(better, together, best_together)
    return best_share, best_together


def _ratios(trips: Column, blocks: Column) -> tuple[Column, Column]:
    """The part of a loop's iterations that carry something, and the part of the copies that each then carries."""
    each = np.ceil(blocks / trips)
    return np.ceil(blocks / each) / trips, each / blocks


@lru_cache(maxsize=1024)
def _assignments(hosts: int, own: tuple[int, ...]) -> tuple[Pairs, ...]:
    """Pairs of host and direction: every direction on its own loop first, then on others."""
    found = []
    for count in range(1, min(len(own), hosts, MOST_LOOPS) + 1):
        for names in itertools.combinations(range(len(own)), count):
            for loops in itertools.permutations(range(hosts), count):
                strange = sum(own[name] != host for name, host in zip(names, loops, strict=True))
                found.append((strange, -count, tuple(zip(loops, names, strict=True))))
    return tuple(pairs for _, _, pairs in sorted(found)[:TRIED])
