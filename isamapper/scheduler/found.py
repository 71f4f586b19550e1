"""Nests with what the analytic model thinks of them: prospects are built when they are looked at."""

from __future__ import annotations

import math
from collections import abc
from dataclasses import dataclass
from functools import cached_property

from isamapper.diagnostics.source import Rejection
from isamapper.plan.nest import Nest


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
    """As :class:`Found`, not built yet; ``traits`` are numbers that nests alike have alike."""

    estimated_cycles: float
    bytes_moved: float
    least_cycles: float
    traits: abc.Mapping[str, float]
    build: abc.Callable[[], Nest | Rejection]

    @cached_property
    def nest(self) -> Nest | Rejection:
        """The nest, or why there is none."""
        return self.build()


def prospect(found: Found) -> Prospect:
    """What has been built already."""
    return Prospect(
        found.estimated_cycles, found.bytes_moved, found.least_cycles, _traits(found.nest), lambda: found.nest
    )


def _traits(nest: Nest) -> dict[str, float]:
    """Instruction and roles, and the loops with their places."""
    roles = ", ".join(f"{operand} = {access}" for operand, access in nest.call.sigma)
    found = {f"{nest.call.instruction.name}({roles})": 1.0}
    for place, name in enumerate(nest.order):
        digit = nest.digit(name)
        found[f"{digit.iterator} at {place}"] = math.log2(digit.extent) / 2
    return found
