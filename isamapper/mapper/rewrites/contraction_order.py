"""The contraction tree with the fewest iterations, for products too long to look at every tree of.

Dynamic programming over sets of factors: the value of a set has the same iterators whatever its tree, so the best tree
of a set is made of best trees of its parts; 3**n steps for n factors.
What does not belong here: all trees (``contraction.py``).
"""

from __future__ import annotations

import math
from collections import abc
from typing import TypeAlias

Tree: TypeAlias = "int | tuple[Tree, Tree]"
"""A factor's number (left to right, from 0), or a product of two trees."""

FACTORS = 12
"""Products of more factors are cut in their order, from the left: half a million sets would have to be looked at."""


def cheapest_tree(
    used_by: abc.Sequence[frozenset[str]], kept: frozenset[str], extents: abc.Mapping[str, int]
) -> tuple[Tree, int]:
    """The tree over all factors and its iterations.

    ``used_by`` has the iterators of each factor, ``kept`` those of the result.
    """
    count = len(used_by)
    if count > FACTORS:
        return _from_the_left(count), 0
    whole = (1 << count) - 1
    uses = [frozenset[str]()] * (whole + 1)
    for members in range(1, whole + 1):
        lowest = (members & -members).bit_length() - 1
        uses[members] = uses[members & (members - 1)] | used_by[lowest]
    needed = [kept | uses[whole & ~members] for members in range(whole + 1)]

    def points(names: abc.Iterable[str]) -> int:
        return math.prod(extents[name] for name in names)

    best: dict[int, tuple[int, Tree]] = {}
    for members in sorted(range(1, whole + 1), key=int.bit_count):
        if members & (members - 1) == 0:
            number = members.bit_length() - 1
            alone = 0 if used_by[number] <= needed[members] else points(used_by[number])
            best[members] = alone, number
            continue
        lowest, found = members & -members, []
        part = (members - 1) & members
        while part:
            if part & lowest:
                other = members & ~part
                inside = (uses[part] & needed[part]) | (uses[other] & needed[other])
                cost = best[part][0] + best[other][0] + points(inside)
                found.append((cost, part, (best[part][1], best[other][1])))
            part = (part - 1) & members
        cost, _, pair = min(found, key=lambda way: way[:2])
        best[members] = cost, pair
    iterations, tree = best[whole]
    return tree, iterations


def _from_the_left(count: int) -> Tree:
    tree: Tree = 0
    for number in range(1, count):
        tree = (tree, number)
    return tree
