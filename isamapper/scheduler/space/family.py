"""Families: schedules of one statement that differ in tile sizes, loop orders and slots only.

A family fixes the mapping and the roles (the frame), the memories every operand passes and which operands are re-laid
out. What does not belong here: which families there are (``space.py``) and what they cost (``costmodels/batch.py``).
"""

from __future__ import annotations

import itertools
from collections import abc
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from isamapper.costmodels.shape import Shape, movers
from isamapper.plan.nest import Epilogue
from isamapper.scheduler.nests.place import Choice
from isamapper.scheduler.statements.frames import Frame

Row = tuple[int, ...]


@dataclass(frozen=True)
class Family:
    """Everything about a statement but tiles, orders and slots; ``names`` are the iterators of the shape, in order.

    Of the accesses in ``whole`` all lies in the first memory they pass, before all loops.
    """

    frame: Frame
    routes: tuple[tuple[int, tuple[str, ...]], ...]
    relaid: frozenset[int]
    fine: frozenset[int]
    shared: frozenset[str]
    epilogue: Epilogue | None
    names: tuple[str, ...]
    shape: Shape
    whole: frozenset[int] = frozenset()

    @cached_property
    def moving(self) -> tuple[int, ...]:
        """Positions of the iterators that have more than one block: the others have no loops."""
        return tuple(place for place, blocks in enumerate(self.shape.blocks) if blocks > 1)

    @cached_property
    def orders(self) -> tuple[tuple[int, ...], ...]:
        """Every order of the loops of one group."""
        return tuple(itertools.permutations(self.moving))

    @cached_property
    def order_table(self) -> NDArray[np.int64]:
        """The orders as an array."""
        return np.array(self.orders, dtype=np.int64).reshape(len(self.orders), len(self.moving))

    @cached_property
    def kinds(self) -> dict[int, int]:
        """A number per moving iterator: the same for those that move the same operands."""
        moved = (movers(self.shape.target), *(stop.movers for stop in self.shape.stops))
        found = {place: tuple(place in each for each in moved) for place in self.moving}
        numbers = {each: number for number, each in enumerate(dict.fromkeys(found.values()))}
        return {place: numbers[each] for place, each in found.items()}

    @cached_property
    def classes(self) -> tuple[tuple[int, ...], ...]:
        """Orders that keep together the loops that move the same operands: one of them is as good as any other.

        Traffic depends on which loops lie inside the innermost one that moves an operand; a loop next to another that
        moves the same operands adds nothing to that.
        """
        groups: dict[int, list[int]] = {}
        for place in self.moving:
            groups.setdefault(self.kinds[place], []).append(place)
        return tuple(tuple(itertools.chain(*order)) for order in itertools.permutations(groups.values()))

    def tiles(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Tile sizes of the moving iterators (rows x levels x moving) as those of all iterators."""
        whole = np.ones((len(rows), self.shape.levels, len(self.names)), dtype=np.int64)
        whole[:, :, list(self.moving)] = rows
        return whole

    def groups(
        self, tiles: abc.Sequence[abc.Sequence[int]], orders: abc.Sequence[tuple[int, ...]]
    ) -> tuple[tuple[tuple[str, int], ...], ...]:
        """Loops and their trips per group, outermost first."""
        left = {place: self.shape.blocks[place] for place in self.moving}
        groups: list[tuple[tuple[str, int], ...]] = []
        for level, order in zip(tiles, reversed(orders), strict=False):
            count = {place: min(size, left[place]) for place, size in zip(self.moving, level, strict=True)}
            groups.append(tuple((self.names[place], count[place]) for place in order))
            left = {place: -(-left[place] // count[place]) for place in self.moving}
        groups.append(tuple((self.names[place], left[place]) for place in orders[0]))
        return tuple(reversed(groups))

    def choice(
        self, tiles: abc.Sequence[abc.Sequence[int]], orders: abc.Sequence[tuple[int, ...]], slots: abc.Sequence[int]
    ) -> Choice:
        """What the nest is built from: ``tiles`` per level, innermost first, of the moving iterators."""
        named = zip(self.shape.buffers, slots, strict=True)
        single = frozenset((stop.access, stop.memory) for stop, count in named if count == 1)
        return Choice(
            self.frame,
            self.groups(tiles, orders),
            self.routes,
            self.relaid,
            self.shared,
            self.epilogue,
            single,
            self.fine,
            self.whole,
        )

    def smallest(self) -> Choice:
        """One block at a time: what fails here fails for every tiling."""
        ones = [[1] * len(self.moving)] * self.shape.levels
        order = tuple(self.moving)
        return self.choice(ones, [order] * (self.shape.levels + 1), [1] * len(self.shape.buffers))

    def title(self) -> str:
        """Instruction and roles, routes, and what is special, in a few words."""
        return "".join(self.titles())

    def titles(self) -> tuple[str, str]:
        """The instruction, and the rest of the title."""
        roles = ", ".join(f"{operand} = {access}" for operand, access in self.frame.call.sigma)
        words = [f"({roles})"]
        words += [f"{access} via {'-'.join(route)}" for access, route in self.routes if route]
        words += [f"{access} re-laid out" for access in sorted(self.relaid)]
        words += ["copied call by call"] if self.fine else []
        words += [f"{access} whole" for access in sorted(self.whole)]
        return self.frame.call.instruction.name, ", ".join(words)
