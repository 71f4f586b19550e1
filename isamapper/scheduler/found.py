"""A nest with what the analytic model thinks of it."""

from __future__ import annotations

from dataclasses import dataclass

from isamapper.plan.nest import Nest


@dataclass(frozen=True, slots=True)
class Found:
    """A nest, the cycles it is thought to take, and the bytes through its home memory."""

    nest: Nest
    estimated_cycles: float
    bytes_moved: float
