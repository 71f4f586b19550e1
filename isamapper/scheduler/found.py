"""A nest with what the analytic model thinks of it."""

from __future__ import annotations

from dataclasses import dataclass

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
