"""Nests with what the analytic model thinks of them: prospects are built when they are looked at."""

from __future__ import annotations

import math
from collections import abc
from dataclasses import dataclass
from functools import cached_property

from isamapper.diagnostics.source import Rejection
from isamapper.plan.nest import Call, Digit, Nest


@dataclass(frozen=True, slots=True)
class Found:
    """A nest, the cycles it is thought to take, the bytes through its home memory, and cycles that nothing undercuts.

    ``least_cycles`` is what no nest of the same frame takes less than, as far as is known.
    """

    nest: Nest
    estimated_cycles: float
    bytes_moved: float
    least_cycles: float = 0.0


@dataclass(frozen=True)
class Prospect:
    """As :class:`Found`, not built yet; ``way`` is how the instruction lies over the statement, ``lanes`` fill it,
    ``traits`` are numbers that nests alike have alike."""

    estimated_cycles: float
    bytes_moved: float
    least_cycles: float
    way: str
    traits: abc.Mapping[str, float]
    build: abc.Callable[[], Nest | Rejection]
    lanes: tuple[tuple[str, int, str | None], ...] = ()

    @cached_property
    def nest(self) -> Nest | Rejection:
        """The nest, or why there is none."""
        return self.build()


def prospect(found: Found) -> Prospect:
    """What has been built already."""
    nest = found.nest
    return Prospect(
        found.estimated_cycles,
        found.bytes_moved,
        found.least_cycles,
        way_of(nest.call),
        _traits(nest),
        lambda: found.nest,
        lanes_of(nest.digits),
    )


def lanes_of(digits: abc.Iterable[Digit]) -> tuple[tuple[str, int, str | None], ...]:
    """What fills the lanes of calls: iterators, how much of them, and where."""
    return tuple((digit.iterator, digit.extent, digit.bound) for digit in digits if digit.bound is not None)


def way_of(call: Call) -> str:
    """Instruction and roles in words."""
    return f"{call.instruction.name}({', '.join(f'{operand} = {access}' for operand, access in call.sigma)})"


def _traits(nest: Nest) -> dict[str, float]:
    """How the instruction lies, and the loops with their places."""
    found = {way_of(nest.call): 1.0}
    for place, name in enumerate(nest.order):
        digit = nest.digit(name)
        found[f"{digit.iterator} at {place}"] = math.log2(digit.extent) / 2
    return found
