"""The calendar of one port: which cycles older transfers have taken.

Each cycle serves the oldest transfer in program order. Transfers are booked in program order, so what is taken when a
transfer asks was taken by older ones, and it gets the first free cycles from its start on.
"""

from __future__ import annotations

from bisect import bisect_right


class Calendar:
    """Disjoint taken intervals ``[start, end)``, sorted, never touching each other."""

    def __init__(self) -> None:
        self.starts: list[int] = []
        self.ends: list[int] = []

    def last(self, start: int, beats: int) -> int:
        """End of the last of ``beats`` free cycles from ``start`` on; ``start`` where there are none."""
        cursor = start
        for index in range(bisect_right(self.ends, start), len(self.starts)):
            gap = max(0, self.starts[index] - cursor)
            if beats <= gap:
                break
            beats -= gap
            cursor = self.ends[index]
        return cursor + beats

    def take(self, start: int, beats: int) -> int:
        """Books the first ``beats`` free cycles from ``start`` on; where the last ends."""
        if beats == 0:
            return start
        last = self.last(start, beats)
        first = bisect_right(self.ends, start - 1)  # the first interval that touches or follows ``start``
        after = bisect_right(self.starts, last)  # the first that neither touches nor overlaps what is taken
        merged = (start, last)
        if first < after:
            merged = (min(start, self.starts[first]), max(last, self.ends[after - 1]))
        self.starts[first:after], self.ends[first:after] = [merged[0]], [merged[1]]
        return last

    def forget(self, before: int) -> None:
        """Drops what ended before or at ``before``; nothing may ask for earlier cycles any more."""
        done = bisect_right(self.ends, before)
        del self.starts[:done], self.ends[:done]
