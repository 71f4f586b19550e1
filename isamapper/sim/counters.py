"""What a timing engine counts while it runs: the raw numbers of a timeline.

Cycles of a unit's servers are booked completely: while it works (``busy``), and while it waits, by the reason that
held the next start longest in this order of asking: the front end had not reached the invocation (``no_work``), it
could not dispatch it (``dispatch`` for its rate and the cycle from dispatch to start, ``queue_full``,
``window_full``), in-order start, ``serial``, ``in_flight``, then the hazards. ``port`` is the time a server was held
beyond what its beats need.
"""

from __future__ import annotations

from dataclasses import dataclass, field

REASONS = (
    "no_work",
    "dispatch",
    "queue_full",
    "window_full",
    "order",
    "serial",
    "in_flight",
    "raw",
    "war",
    "waw",
    "port",
)
"""Why a server waits, in the order in which the reasons are asked."""

NO_WORK, DISPATCH, QUEUE_FULL, WINDOW_FULL, ORDER, SERIAL, IN_FLIGHT, RAW, WAR, WAW, PORT = range(len(REASONS))


@dataclass(frozen=True, slots=True)
class Event:
    """One invocation as it happened. ``waits`` are cycles per reason between ``free`` and ``start``, port apart.

    ``free`` is when the server that took it was free, ``released`` when it was free again, ``end`` when its results
    had arrived. ``number`` counts the invocations before it, those that were not stepped included.
    """

    site: int
    dispatched: int
    free: int
    waits: tuple[int, ...]
    start: int
    released: int
    end: int
    number: int


@dataclass(slots=True)
class Counters:
    """Totals of one run. ``overhang`` is how long each unit's servers stay taken after the last end."""

    cycles: int
    invocations: list[int]  # per instruction of the machine
    busy: list[int]  # per unit
    overhang: list[int]  # per unit
    stalls: list[list[int]]  # per unit, per reason
    front_end: list[int]  # rate, queue full, window full
    beats: list[int]  # per port calendar
    bytes: list[list[int]]  # per memory: read, written
    port_bytes: list[int]  # per port
    events: list[Event] = field(default_factory=list)
    skipped: int = 0  # iterations that were not stepped

    @staticmethod
    def empty(instructions: int, units: int, calendars: int, memories: int, ports: int) -> Counters:
        return Counters(
            0,
            [0] * instructions,
            [0] * units,
            [0] * units,
            [[0] * len(REASONS) for _ in range(units)],
            [0, 0, 0],
            [0] * calendars,
            [[0, 0] for _ in range(memories)],
            [0] * ports,
        )
