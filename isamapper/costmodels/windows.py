"""What a window costs whose places are freed in order: what is on its way longest holds up all that follow.

Counts come copy by copy, then the cycles are asked for. What does not belong here: queues of single units
(``spreading.py``), and copies that calls wait for (``waits.py``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from isamapper.costmodels.geometry import Column
from isamapper.costmodels.shape import Shape


@dataclass
class Window:
    """The front end's view of many tilings: ``every`` invocation, ``copies`` of tiles with how long they are on their
    way in all (``waiting``)."""

    shape: Shape
    every: Column
    copies: Column | float = 0.0
    waiting: Column | float = 0.0

    def copy(self, invocations: Column, cycles: Column, *, tile: bool) -> None:
        """Notes invocations of one copy, each on its way for ``cycles``."""
        self.every = self.every + invocations
        if tile and self.shape.window < np.inf:
            self.copies = self.copies + invocations
            self.waiting = self.waiting + invocations * cycles

    def covered(self, pace: Column | float) -> Column | float:
        """Cycles of calls, one every ``pace``, that go on behind the oldest on its way."""
        if self.shape.window == np.inf:
            return np.inf
        return (self.shape.window - 1) * self.shape.calls * pace / self.every

    def cycles(self, working: Column) -> Column | float:
        """What calls that work for so long take at least.

        Copies spread over the work fill one place of a window each; copies in a bunch fill whole windows and let
        nothing else run. The cheaper of both.
        """
        window = self.shape.window
        if window == np.inf:
            return 0.0
        windows = (self.copies + self.shape.calls) / window
        each = self.waiting / np.maximum(self.copies, 1.0)
        found: Column = np.minimum(np.minimum(self.copies, windows) * each, working + self.waiting / window)
        return found
