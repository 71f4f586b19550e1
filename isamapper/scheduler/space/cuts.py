"""The decision space of cuts: over which copies of which grids a statement's iterators run, as one number each.

Number 0 is no cut. A cut is chosen grid by grid, outermost first: how often each iterator is cut there, as many parts
at most as the grid has copies and as are left, none of them empty. What a statement sums over is cut where the grid's
network adds up. Every cut has a space of rows of its own for the part of a core. What does not belong here: which cuts
are tried (``improving/``) and whether one can be carried out (``plan/check_cores.py``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from functools import cached_property, lru_cache

from isamapper.hwdesc.model import Grid, Machine
from isamapper.ir.analysis import Statement
from isamapper.ir.nodes import IteratorKind, Kernel
from isamapper.plan.cores import held
from isamapper.plan.homes import home_memory
from isamapper.plan.skeleton import shared_iterators

Part = tuple[str, int, str]
"""An iterator, how often it is cut, and over which grid."""


@dataclass(frozen=True)
class CutSpace:
    """Every cut of a statement over ``grids``, outermost first; ``parallel`` and ``summed`` are iterators, extents."""

    grids: tuple[Grid, ...]
    parallel: tuple[tuple[str, int], ...]
    summed: tuple[tuple[str, int], ...]
    home: str

    @cached_property
    def iterators(self) -> tuple[str, ...]:
        return tuple(name for name, _ in (*self.parallel, *self.summed))

    @cached_property
    def extents(self) -> tuple[int, ...]:
        return tuple(size for _, size in (*self.parallel, *self.summed))

    def count(self) -> int:
        """How many cuts there are, no cut included."""
        return self._count(0, self.extents)

    def count_sums(self) -> int:
        """How many of them cut what is summed over."""
        plain = CutSpace(self.grids, self.parallel, (), self.home)
        return self.count() - plain.count()

    def decoded(self, number: int) -> tuple[Part, ...]:
        """The cut of a number; IndexError where there is none."""
        if not 0 <= number < self.count():
            raise IndexError(number)
        parts: list[Part] = []
        left = self.extents
        for place, grid in enumerate(self.grids):
            for counts in self._choices(place, left):
                inside = self._count(place + 1, _left(left, counts))
                if number < inside:
                    parts += self._parts(grid, counts)
                    left = _left(left, counts)
                    break
                number -= inside
        return tuple(parts)

    def encoded(self, parts: abc.Sequence[Part]) -> int:
        """The number of a cut; ValueError where it is none of this space."""
        number, left = 0, self.extents
        for place, grid in enumerate(self.grids):
            wanted = tuple(
                next((count for name, count, other in parts if (name, other) == (each, grid.name)), 1)
                for each in self.iterators
            )
            choices = self._choices(place, left)
            if wanted not in choices:
                raise ValueError(f"no cut over '{grid.name}' is {wanted}")
            for counts in choices[: choices.index(wanted)]:
                number += self._count(place + 1, _left(left, counts))
            left = _left(left, wanted)
        if len(parts) != len(self.decoded(number)):
            raise ValueError("a cut of other iterators or grids")
        return number

    def words(self, number: int) -> str:
        """One line for people."""
        return ", ".join(f"{name}:{count} across {grid}" for name, count, grid in self.decoded(number)) or "one core"

    def _parts(self, grid: Grid, counts: tuple[int, ...]) -> list[Part]:
        return [(name, n, grid.name) for name, n in zip(self.iterators, counts, strict=True) if n > 1]

    def _choices(self, place: int, left: tuple[int, ...]) -> tuple[tuple[int, ...], ...]:
        grid = self.grids[place]
        free = len(self.iterators) if self.home in grid.reduces else len(self.parallel)
        return tuple((*counts, *(1,) * (len(left) - free)) for counts in _ways(left[:free], grid.count))

    def _count(self, place: int, left: tuple[int, ...]) -> int:
        if place == len(self.grids):
            return 1
        known = self._counts.get((place, left))
        if known is None:
            known = sum(self._count(place + 1, _left(left, counts)) for counts in self._choices(place, left))
            self._counts[place, left] = known
        return known

    @cached_property
    def _counts(self) -> dict[tuple[int, tuple[int, ...]], int]:
        return {}


def cut_space(machine: Machine, kernel: Kernel, statement: Statement, units: abc.Container[str]) -> CutSpace:
    """The cuts of a statement over the grids that copy some of ``units``."""
    grids = [grid for grid in machine.grids if any(unit in units for unit in held(machine, grid.name))]
    grids.sort(key=lambda grid: -len(held(machine, grid.name)))
    whole = shared_iterators(kernel, statement) or statement.conditions or statement.exclusions
    kinds: dict[IteratorKind, list[tuple[str, int]]] = {}
    for each in () if whole else statement.iterators:
        if each.extent > 1:
            kinds.setdefault(each.kind, []).append((each.name, each.extent))
    sums = () if statement.assign.reduction is None else kinds.get(IteratorKind.REDUCTION, ())
    return CutSpace(tuple(grids), tuple(kinds.get(IteratorKind.PARALLEL, ())), tuple(sums), home_memory(machine))


def _left(extents: tuple[int, ...], counts: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(-(-size // count) for size, count in zip(extents, counts, strict=True))


@lru_cache(maxsize=4096)
def _ways(extents: tuple[int, ...], cores: int) -> tuple[tuple[int, ...], ...]:
    """How often each is cut, with as many parts as there are cores at most and none empty by rounding; no cut first."""
    if not extents:
        return ((),)
    first, rest = extents[0], extents[1:]
    counts = sorted({-(-first // -(-first // count)) for count in range(1, min(first, cores) + 1)})
    return tuple((count, *others) for count in counts for others in _ways(rest, cores // count))
