"""What the page of a timeline shows, as values: windows of invocations, rows, memory occupancy.

The page holds the first invocations without a gap, and beyond them those that the skipping engine steps: so a program
of any length is a page of bounded size, and what is left out is periods like the ones before it.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass

from isamapper.plan.program import Program
from isamapper.sim.counters import PORT, Event
from isamapper.sim.occupancy import Occupancy, occupancy
from isamapper.sim.sites import model
from isamapper.sim.timeline import Timeline
from isamapper.sim.timing import simulate

FIRST = 3000
"""Invocations from the beginning that are shown without a gap, and whose memory is followed."""

MOST_ROWS = 16
"""Servers of one unit that have a row of their own; all beyond share the last."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One invocation: where it is drawn and what it waited for, as (reason, cycles) in order."""

    site: int
    row: int
    free: int
    start: int
    released: int
    end: int
    number: int
    waits: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of the program without a gap: its cycles and the numbers of its first and last invocation."""

    first_cycle: int
    last_cycle: int
    first_number: int
    last_number: int


@dataclass(frozen=True, slots=True)
class Shown:
    """Everything that is drawn. ``rows`` are (unit, server); ``sites`` the instruction of each site and its unit."""

    timeline: Timeline
    rows: tuple[tuple[str, int], ...]
    sites: tuple[tuple[str, str], ...]
    bars: tuple[Bar, ...]
    segments: tuple[Segment, ...]
    occupancy: tuple[Occupancy, ...]


def shown(program: Program) -> Shown:
    """What the page of ``program`` shows."""
    spread = simulate(program, spread=True)
    first = simulate(program, trace=True).events[:FIRST]
    merged = {event.number: event for event in (*first, *spread.events)}
    events = [merged[number] for number in sorted(merged)]
    rows, places = _rows(spread)
    bars = tuple(_bars(events, spread, places))
    return Shown(
        spread,
        rows,
        spread.names,
        bars,
        tuple(_segments(events)),
        occupancy(model(program), first, len(first) == spread.invocations),
    )


def _rows(timeline: Timeline) -> tuple[tuple[tuple[str, int], ...], dict[str, tuple[int, int]]]:
    """Rows of units that did something, and by unit its first row and number of rows."""
    rows: list[tuple[str, int]] = []
    places: dict[str, tuple[int, int]] = {}
    for unit in timeline.units:
        if unit.instructions:
            count = min(unit.servers, MOST_ROWS)
            places[unit.name] = len(rows), count
            rows += [(unit.name, server) for server in range(count)]
    return tuple(rows), places


def _bars(
    events: abc.Iterable[Event], timeline: Timeline, places: abc.Mapping[str, tuple[int, int]]
) -> abc.Iterator[Bar]:
    """Each invocation on the server that it took: the one that was free when it says."""
    busy = {unit.name: [0] * unit.servers for unit in timeline.units}
    for event in events:
        unit = timeline.names[event.site][1]
        free = busy[unit]
        server = free.index(event.free) if event.free in free else free.index(min(free))
        free[server] = event.released
        first, count = places[unit]
        waits = tuple((reason, cycles) for reason, cycles in enumerate(event.waits) if cycles and reason != PORT)
        row = first + min(server, count - 1)
        yield Bar(event.site, row, event.free, event.start, event.released, event.end, event.number, waits)


def _segments(events: abc.Sequence[Event]) -> abc.Iterator[Segment]:
    """Stretches of consecutive invocations; a stretch ends where the next begins, at the latest."""
    begin = 0
    for place in range(1, len(events) + 1):
        if place == len(events) or events[place].number != events[place - 1].number + 1:
            own = events[begin:place]
            last = max(event.end for event in own)
            if place < len(events):
                last = min(last, events[place].dispatched)
            yield Segment(own[0].dispatched if begin else 0, last, own[0].number, own[-1].number)
            begin = place


def packed(bars: abc.Sequence[Bar]) -> list[list[int]]:
    """Bars as short lists of numbers: site, row, start less the start before, how long before it the server was free,
    cycles until the server is released and until the end, number less the number before; reasons and cycles in turn.
    """
    lists, start, number = [], 0, -1
    for bar in bars:
        times = [bar.start - start, bar.start - bar.free, bar.released - bar.start, bar.end - bar.start]
        waits = [value for pair in bar.waits for value in pair]
        lists.append([bar.site, bar.row, *times, bar.number - number, *waits])
        start, number = bar.start, bar.number
    return lists
