"""Whether the digits of a relation can exist at real extents.

Rules of this file:
- every digit has extent at least 2, so an instruction iterator of extent E holds at most log2 E digits, and a kernel
  iterator of extent E needs more than 2**(n-1) values to fill n digits;
- instruction iterators whose invalid points cannot be made harmless must be met exactly, by digits that divide.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass

from isamapper.mapper.matching.needle import NeedleIterator


def fills(digits: int, extent: int) -> bool:
    """Whether a kernel iterator of ``extent`` has that many digits, all of them used."""
    return digits <= 1 or 1 << (digits - 1) < extent


def holds(lane: NeedleIterator, digits: int) -> bool:
    """Whether an instruction iterator has room for that many digits."""
    return 1 << digits <= lane.extent


def meets_exactly(
    relation: abc.Sequence[tuple[str, str]],
    lanes: abc.Mapping[str, NeedleIterator],
    exact_only: frozenset[str],
    extents: abc.Mapping[str, int],
) -> bool:
    """Whether digit extents exist that leave no invalid point in any iterator of ``exact_only``."""
    pairs = sorted((lane, iterator) for iterator, lane in relation if lane in exact_only)
    filled = {lane for lane, _ in pairs}
    if any(not lanes[lane].takes(1) for lane in exact_only - filled):
        return False
    flexible = {lane for lane in exact_only if lanes[lane].low == 1 and lanes[lane].step == 1}
    members = {iterator: [lane for lane, other in pairs if other == iterator] for _, iterator in pairs}
    others = {
        iterator: sum(name == iterator for name, _ in relation) - len(those) for iterator, those in members.items()
    }
    free = {
        (lane, iterator)
        for lane, iterator in pairs
        if lane in flexible
        and members[iterator] == [lane]
        and not others[iterator]
        and sum(other == lane for other, _ in pairs) == 1
    }
    state = _State(lanes, others)
    return _divide([pair for pair in pairs if pair not in free], state, dict(extents), {})


@dataclass(frozen=True, slots=True)
class _State:
    """``others`` counts, per kernel iterator, the digits in instruction iterators that need not be met exactly."""

    lanes: abc.Mapping[str, NeedleIterator]
    others: abc.Mapping[str, int]

    def accepts(self, left: abc.Mapping[str, int], products: abc.Mapping[str, int]) -> bool:
        """Whether every product is an extent of its lane and what is left still fills the other digits."""
        fits = all(self.lanes[lane].takes(product) for lane, product in products.items())
        return fits and all(left[name] > 1 << (count - 1) for name, count in self.others.items() if count)


def _divide(
    pairs: abc.Sequence[tuple[str, str]], state: _State, left: dict[str, int], products: dict[str, int]
) -> bool:
    """Gives each pair a divisor of what is left of its iterator, so that every lane's product is an extent it takes."""
    if not pairs:
        return state.accepts(left, products)
    (lane, iterator), rest = pairs[0], pairs[1:]
    before, room = products.get(lane, 1), state.lanes[lane].extent
    return any(
        _divide(rest, state, {**left, iterator: left[iterator] // size}, {**products, lane: before * size})
        for size in range(2, min(room // before, left[iterator]) + 1)
        if left[iterator] % size == 0
    )
