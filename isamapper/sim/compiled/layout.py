"""Where every word of the compiled engine's state lies.

The first words are fixed, so that code shared by all programs (``runtime``) finds the rest; tables of that code are in
state too. The *core* (clock, queues, servers, windows, statistics) is what a snapshot copies whole.
"""

from __future__ import annotations

import mmap
import sys
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from isamapper.sim.compiled.atoms import Atoms
from isamapper.sim.compiled.specs import StepSpec
from isamapper.sim.counters import REASONS
from isamapper.sim.hazards import accumulator
from isamapper.sim.sites import Model

State = NDArray[np.int64]

# Fixed words
(
    CLOCK,
    IN_CYCLE,  # dispatched in the cycle CLOCK
    RETIRED,
    LAST_END,
    STEPS,  # invocations so far
    STATUS,  # 0, or OVERFLOW
    VIOLATION_SITE,  # 1 + site of the first violated hazard; 0: none
    VIOLATION_START,
    VIOLATION_KIND,
    ITEMS,  # table: (kind, touch address, touch count, values, size, position or 0)
    ITEM_COUNT,
    CALENDARS,  # table: (calendar, address of its beats)
    CALENDAR_COUNT,
    STATISTICS,
    STATISTIC_COUNT,
    CORE_COUNT,
    LOG,  # addresses of live hazard records, each with its region
    LOG_COUNT,
    LOG_SIZE,
    LOG_LOST,  # 1: too many live records; no skipping any more
    REGIONS,  # table: (times per record, first word, end) of each region
    RECORD_WORDS,  # of a live record in a snapshot
    EVENTS,
    EVENT_COUNT,
    EVENT_SIZE,
    SCRATCH,
    FLOOR,  # nothing to come starts before this cycle; grows when it is looked at
    FLOOR_UNITS,  # table: (servers' values, position or 0) of the units still to come
    FLOOR_COUNT,
    LATE,  # invocations whose server was free before they could start
    UNBOUNDED,  # 1: dispatch waits for nothing but its own rate
    PER_CYCLE,
    RECENT,  # pages of records that became live lately, by their last digits
    PAGES,  # how many more pages of records may be touched
    ROWS,  # of an expanded stream: the address of the next
    CODE,  # table of the program's loops, where they are walked
    BUDGET,  # how many more invocations and iterations of a table are walked
    ARGUMENTS,  # of the invocation at hand
) = range(38)
FIXED_WORDS = 40

OVERFLOW, EXHAUSTED, LONG = 1, 2, 3  # values of STATUS: a calendar was full; too many pages touched; too long to walk
_EXACT, _AT_FLOOR, _AT_CLOCK = range(3)  # kinds of items: from when on their times matter
CALENDAR_HEADER = 3  # head, tail, size; then pairs (start, end)
EVENT_WORDS = 7 + len(REASONS)  # site, dispatched, free, start, released, end, number, waits
SCRATCH_WORDS = 4096


@dataclass(frozen=True, slots=True)
class Ring:
    """The ``size`` greatest times put in, ascending from ``position``; one word without position where size is 1."""

    values: int
    size: int
    position: int


@dataclass(frozen=True, slots=True)
class UnitWords:
    """State of one unit; None where the machine has no such limit."""

    held: Ring | None
    servers: Ring
    flying: Ring | None
    started: int
    ended: int


@dataclass(frozen=True, slots=True)
class Record:
    """A region's records: first word, words per atom, and the columns in it.

    ``ready`` and ``read`` are everyone's; per accumulating unit there are its own, and when it may follow itself.
    ``mark`` is 1 while the record is in the log.
    """

    address: int
    words: int
    ready: dict[int, int]
    read: dict[int, int]
    follow: dict[int, int]
    mark: int


@dataclass(slots=True)
class Layout:
    """Addresses of everything; ``words`` is the size of the state."""

    model: Model
    specs: tuple[StepSpec, ...]
    intervals: int
    window: Ring | None = None
    units: list[UnitWords] = field(default_factory=list)
    front_end: int = 0
    counts: int = 0
    busy: int = 0
    stalls: int = 0
    beats: int = 0
    bytes: int = 0
    port_bytes: int = 0
    calendars: int = 0
    calendar_words: int = 0
    records: dict[int, Record] = field(default_factory=dict)
    constants: list[tuple[int, int, int]] = field(default_factory=list)  # (total, step, what each execution adds)
    executed: dict[int, int] = field(default_factory=dict)  # per contested site, how often
    snapshots: list[int] = field(default_factory=list)
    words: int = FIXED_WORDS
    initial: list[tuple[int, int]] = field(default_factory=list)
    tables: list[tuple[int, tuple[int, ...]]] = field(default_factory=list)

    def reserve(self, words: int) -> int:
        """The address of fresh words."""
        address, self.words = self.words, self.words + words
        return address

    def put(self, *values: int) -> int:
        """Fresh words that begin with these values."""
        address = self.reserve(len(values))
        self.tables.append((address, values))
        return address

    def ring(self, size: int | None) -> Ring | None:
        if size is None:
            return None
        return Ring(self.reserve(size), size, self.reserve(1) if size > 1 else 0)

    def stall(self, unit: int, reason: int) -> int:
        """The word that counts a unit's waiting for a reason."""
        return self.stalls + unit * len(REASONS) + reason

    @property
    def promised(self) -> bool:
        """Whether the state is larger than what may be touched of it."""
        return self.words > MOST_TOUCHED_WORDS

    def state(self) -> State:
        """A fresh state of zeros; untouched pages of it take no memory. MemoryError where it is too large."""
        if self.promised and not self.snapshots:
            raise MemoryError
        state = _zeros(self.words)
        state[PAGES] = MOST_TOUCHED_WORDS >> PAGE_BITS if self.promised else 1 << 62
        for address, value in self.initial:
            state[address] = value
        places = [address + index for address, values in self.tables for index in range(len(values))]
        state[places] = [value for _, values in self.tables for value in values]
        return state


MOST_TOUCHED_WORDS = 1 << 29  # 4 GiB
PAGE_BITS = 9  # words of a page of memory, as a power of two
RECENT_PAGES = 64
LOG_RECORDS = 1 << 15
CORE_STEP = 64  # words
SNAPSHOT_INTERVALS = 1 << 10
SNAPSHOT_RECORDS = 1 << 14
SNAPSHOT_HEADER = 6  # valid, iteration, limit, live records, floor, iterations skipped; then the core


def _zeros(words: int) -> State:
    """An array of which more may be promised than there is memory: only what is touched counts."""
    if words <= MOST_TOUCHED_WORDS or not sys.platform.startswith("linux"):
        return np.zeros(words, dtype=np.int64)
    flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | getattr(mmap, "MAP_NORESERVE", 0x4000)
    return np.frombuffer(mmap.mmap(-1, 8 * words, flags=flags), dtype=np.int64)


@dataclass(frozen=True, slots=True)
class Needs:
    """What a run needs: loops that may skip, sites that they must tell apart, events to keep, room in calendars."""

    loops: int
    contested: tuple[int, ...]
    events: int
    intervals: int


def layout(model: Model, specs: tuple[StepSpec, ...], found: Atoms, needs: Needs) -> Layout:
    """Lays out the state of a program whose steps are ``specs``, grouped by unit."""
    loops, events, intervals = needs.loops, needs.events, needs.intervals
    plan = Layout(model, specs, intervals)
    machine = model.machine
    plan.window = plan.ring(machine.dispatch.window)
    for unit in machine.units:
        servers = plan.ring(unit.count)
        assert servers is not None
        held, flying = plan.ring(unit.queue_depth), plan.ring(unit.in_flight)
        plan.units.append(UnitWords(held, servers, flying, plan.reserve(1), plan.reserve(1)))
    used = {spec.unit for spec in specs if not machine.instructions[spec.instruction].implicit}
    unbounded = machine.dispatch.window is None and all(machine.units[unit].queue_depth is None for unit in used)
    kept = any(machine.front_end_cycles(machine.instructions[spec.instruction]) > 1 for spec in specs)
    unbounded = unbounded and not kept  # what a period takes of the rate depends on where in a cycle it begins
    plan.initial += [(UNBOUNDED, int(unbounded)), (PER_CYCLE, machine.dispatch.per_cycle)]
    reserve_statistics(plan)
    plan.executed = {site: plan.reserve(1) for site in needs.contested}
    plan.reserve(-plan.words % CORE_STEP)  # what follows lies alike in programs alike, so that they share code
    plan.initial.append((CORE_COUNT, plan.words))
    _tables(plan)
    plan.initial.append((RECENT, plan.reserve(RECENT_PAGES)))
    plan.initial += [(SCRATCH, plan.reserve(SCRATCH_WORDS)), (EVENT_SIZE, events)]
    plan.initial += [(EVENTS, plan.reserve(events * EVENT_WORDS))]
    plan.initial += [(LOG_SIZE, LOG_RECORDS), (LOG, plan.reserve(2 * LOG_RECORDS if loops else 0))]
    rows: list[int] = []
    for region in range(len(model.regions)):
        if region in found.sizes:
            plan.records[region] = record = _record(plan, region, found.sizes[region])
            rows += [record.mark, record.address, plan.words]
        else:
            rows += [0, 0, 0]
    plan.initial.append((REGIONS, plan.put(*rows)))
    _snapshots(plan, loops)
    return plan


def reserve_statistics(plan: Layout) -> None:
    machine = plan.model.machine
    calendars = sum(use.banks for use in plan.model.ports)
    first = plan.front_end = plan.reserve(3)
    plan.busy = plan.reserve(len(machine.units))
    plan.stalls = plan.reserve(len(machine.units) * len(REASONS))
    plan.beats = plan.reserve(calendars)
    plan.bytes = plan.reserve(2 * len(machine.memories))
    plan.port_bytes = plan.reserve(len(plan.model.ports))
    plan.counts = plan.reserve(len(plan.specs))
    plan.initial += [(STATISTICS, first), (STATISTIC_COUNT, plan.words - first)]


def _tables(plan: Layout) -> None:
    machine = plan.model.machine
    rows: list[tuple[int, ...]] = []
    for unit, words in enumerate(plan.units):
        own = [index for index, spec in enumerate(plan.specs) if spec.unit == unit]
        touch = (plan.counts + own[0], len(own)) if own else (plan.counts, 0)
        if own:
            rings = [(_AT_CLOCK, words.held), (_EXACT, words.servers), (_AT_FLOOR, words.flying)]
            rings += [(_EXACT, Ring(words.started, 1, 0))] if machine.units[unit].count > 1 else []
            rings += [(_EXACT, Ring(words.ended, 1, 0))] if machine.units[unit].serial else []
            rows += [(clipped, *touch, ring.values, ring.size, ring.position) for clipped, ring in rings if ring]
    if plan.window:
        rows.append((_AT_CLOCK, 0, 0, plan.window.values, plan.window.size, plan.window.position))
        if machine.dispatch.window_order == "in_order":
            rows.append((_AT_CLOCK, 0, 0, RETIRED, 1, 0))
    rows.append((_EXACT, 0, 0, LAST_END, 1, 0))
    calendars = sum(use.banks for use in plan.model.ports)
    plan.calendar_words = CALENDAR_HEADER + 2 * plan.intervals
    plan.calendars = plan.reserve(calendars * plan.calendar_words)
    plan.initial += [(plan.calendars + index * plan.calendar_words + 2, plan.intervals) for index in range(calendars)]
    pairs = [(plan.calendars + index * plan.calendar_words, plan.beats + index) for index in range(calendars)]
    plan.initial += [(CALENDARS, plan.put(*(word for pair in pairs for word in pair))), (CALENDAR_COUNT, calendars)]
    plan.initial += [(ITEMS, plan.put(*(word for row in rows for word in row))), (ITEM_COUNT, len(rows))]


def _snapshots(plan: Layout, loops: int) -> None:
    """Room for one snapshot per loop: iteration, limit, core, calendars, and the live records with their times."""
    calendars = sum(use.banks for use in plan.model.ports)
    core = next(value for address, value in plan.initial if address == CORE_COUNT)
    record = 2 + max((each.mark for each in plan.records.values()), default=0)
    words = SNAPSHOT_HEADER + core + calendars * (1 + 2 * SNAPSHOT_INTERVALS) + SNAPSHOT_RECORDS * record
    plan.initial.append((RECORD_WORDS, record))
    plan.snapshots = [plan.reserve(words) for _ in range(loops)]


def _record(plan: Layout, region: int, atoms: int) -> Record:
    """Columns for what the program's sites do to the region, and nothing else."""
    readers: set[int] = set()
    writers: set[int] = set()
    for site in plan.model.sites:
        for use in site.operands:
            if use.region.index == region:
                who = accumulator(site, use)
                readers |= {who} if use.reads else set()
                writers |= {who} if use.writes else set()
    columns = 0

    def column() -> int:
        nonlocal columns
        columns += 1
        return columns - 1

    others = {who: (readers | writers) - ({who} if who >= 0 else set()) for who in readers | writers}
    ready = {who: column() for who in sorted(writers) if others[who]}
    renamed = plan.model.regions[region].renamed
    read = {who: column() for who in sorted(readers) if others[who] & writers and not renamed}
    follow = {who: column() for who in sorted(readers | writers) if who >= 0}
    words = columns + 1
    return Record(plan.reserve(words * atoms), words, ready, read, follow, columns)
