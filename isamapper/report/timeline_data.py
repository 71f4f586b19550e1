"""What the page of a timeline shows, as values: windows of invocations, rows, memory occupancy.

The page holds the first invocations without a gap, and beyond them those that the skipping engine steps: so a program
of any length is a page of bounded size, and what is left out is periods like the ones before it.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass

from isamapper.hwdesc.model import Machine
from isamapper.plan.program import Program
from isamapper.sim.cores import phases, runs_across
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
    """Everything that is drawn. ``rows`` are (unit, server); ``sites`` the instruction of each site and its unit.

    ``instructions`` are those of the program, or of one core where loops run across a grid (``across``): then the
    slowest core of every phase is drawn, and memory is that of the first phase's.
    """

    across: bool
    instructions: int
    rows: tuple[tuple[str, int], ...]
    sites: tuple[tuple[str, str], ...]
    bars: tuple[Bar, ...]
    segments: tuple[Segment, ...]
    occupancy: tuple[Occupancy, ...]
    occupancy_until: int


@dataclass(frozen=True, slots=True)
class _Place:
    """The rows of a unit: the first and how many, and the servers that share them."""

    first: int
    rows: int
    servers: int


def shown(program: Program) -> Shown:
    """What the page of ``program`` shows."""
    spread = simulate(program, spread=True)
    followed = _first_core(program)
    first = sorted(simulate(followed, trace=True).events, key=lambda event: event.number)[:FIRST]
    across = followed is not program
    merged = {event.number: event for event in (*(() if across else first), *spread.events)}
    events = [merged[number] for number in sorted(merged)]
    instructions = events[-1].number + 1 if across and events else spread.invocations
    rows, places = _rows(spread, program.machine)
    bars = tuple(_bars(events, spread.names, places))
    memory = occupancy(model(followed), first, len(first) == instructions)
    until = max((event.end for event in first), default=0)
    return Shown(across, instructions, rows, spread.names, bars, tuple(_segments(events)), memory, until)


def _first_core(program: Program) -> Program:
    """The slowest core's program of the first phase; the program itself where nothing runs across a grid."""
    if not runs_across(program):
        return program
    return max((each for each, _ in phases(program)[0].programs), key=lambda each: simulate(each).cycles)


def _rows(timeline: Timeline, machine: Machine) -> tuple[tuple[tuple[str, int], ...], dict[str, _Place]]:
    """Rows of units that did something, and by unit where they are."""
    rows: list[tuple[str, int]] = []
    places: dict[str, _Place] = {}
    for unit in timeline.units:
        if unit.instructions:
            servers = machine.unit(unit.name).count
            places[unit.name] = _Place(len(rows), min(servers, MOST_ROWS), servers)
            rows += [(unit.name, server) for server in range(min(servers, MOST_ROWS))]
    return tuple(rows), places


def _bars(
    events: abc.Iterable[Event], names: abc.Sequence[tuple[str, str]], places: abc.Mapping[str, _Place]
) -> abc.Iterator[Bar]:
    """Each invocation on the server that it took: the one that was free when it says."""
    busy = {unit: [0] * place.servers for unit, place in places.items()}
    for event in events:
        unit = names[event.site][1]
        free, place = busy[unit], places[unit]
        server = free.index(event.free) if event.free in free else free.index(min(free))
        free[server] = event.released
        waits = tuple((reason, cycles) for reason, cycles in enumerate(event.waits) if cycles and reason != PORT)
        row = place.first + min(server, place.rows - 1)
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
