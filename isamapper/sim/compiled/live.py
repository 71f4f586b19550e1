"""Compiled bookkeeping of what still matters: the floor, the log of live hazard records, snapshots. For all programs.

Nothing to come starts before the *floor*: the dispatch clock, or the earliest cycle in which a unit still to come has a
server free, if that is later. Times at or before the floor hold nothing any more.
"""

from __future__ import annotations

from isamapper.sim.compiled.layout import (
    CALENDAR_COUNT,
    CALENDAR_HEADER,
    CALENDARS,
    CLOCK,
    CORE_COUNT,
    EXHAUSTED,
    FLOOR,
    FLOOR_COUNT,
    FLOOR_UNITS,
    LOG,
    LOG_COUNT,
    LOG_LOST,
    LOG_SIZE,
    PAGE_BITS,
    PAGES,
    RECENT,
    RECENT_PAGES,
    RECORD_WORDS,
    REGIONS,
    SNAPSHOT_HEADER,
    SNAPSHOT_INTERVALS,
    SNAPSHOT_RECORDS,
    STATUS,
)
from isamapper.sim.compiled.ports import prune_function
from isamapper.sim.compiled.text import Function, Value

ITEM_WORDS = 6
REGION_WORDS = 3


def region_row(fn: Function, region: Value) -> Value:
    return fn.add(fn.load(REGIONS), fn.mul(region, REGION_WORDS))


def note_function() -> str:
    """``note``: puts a record into the log and marks it."""
    fn = Function("note", ["record", "region", "mark"])
    record, region, mark = fn.parameters
    fn.store(mark, 1)
    page = fn.floor_divide(record, 1 << PAGE_BITS)
    recent = fn.add(fn.load(RECENT), fn.modulo(page, RECENT_PAGES))
    with fn.when(fn.negate(fn.equal(page, fn.load(recent)))):
        fn.store(recent, page)
        fn.increase(PAGES, -1)
        with fn.when(fn.equal(fn.load(PAGES), 0)):
            fn.store(STATUS, EXHAUSTED)
    with fn.when(fn.equal(fn.load(LOG_LOST), 1)):
        fn.finish(0)
    with fn.when(fn.equal(fn.load(LOG_COUNT), fn.load(LOG_SIZE))):
        fn.call("compact")
    count = fn.load(LOG_COUNT)
    entry = fn.add(fn.load(LOG), fn.mul(count, 2))
    fn.store(entry, record)
    fn.store(fn.add(entry, 1), region)
    fn.store(LOG_COUNT, fn.add(count, 1))
    return fn.end(0)


def raise_floor_function() -> str:
    """Looks at the units still to come; the floor."""
    fn = Function("raise_floor")
    least = fn.variable(1 << 62)
    with fn.counted(fn.load(FLOOR_COUNT)) as index:
        row = fn.add(fn.load(FLOOR_UNITS), fn.mul(index, 2))
        values, position = fn.load(row), fn.load(fn.add(row, 1))
        # Without a position the ring is one word; word 0 of state, the clock, is not an index then.
        place = fn.choose(fn.equal(position, 0), 0, fn.load(position))
        fn.set(least, fn.minimum(fn.get(least), fn.load(fn.add(values, place))))
    floor = fn.maximum(fn.load(CLOCK), fn.get(least), fn.load(FLOOR))
    fn.store(FLOOR, floor)
    return fn.end(floor)


def compact_function() -> str:
    """Drops records that are over from the log; gives up on skipping where too many are left."""
    fn = Function("compact")
    floor, log = fn.call("raise_floor"), fn.load(LOG)
    kept = fn.variable(0)
    with fn.counted(fn.load(LOG_COUNT)) as index:
        entry = fn.add(log, fn.mul(index, 2))
        record, region = fn.load(entry), fn.load(fn.add(entry, 1))
        columns = fn.load(region_row(fn, region))
        latest = fn.variable(0)
        with fn.counted(columns) as column:
            fn.set(latest, fn.maximum(fn.get(latest), fn.load(fn.add(record, column))))
        live = fn.less(floor, fn.get(latest))
        with fn.when(live):
            place = fn.add(log, fn.mul(fn.get(kept), 2))
            fn.store(place, record)
            fn.store(fn.add(place, 1), region)
            fn.set(kept, fn.add(fn.get(kept), 1))
        with fn.when(fn.negate(live)):
            fn.store(fn.add(record, columns), 0)
    fn.store(LOG_COUNT, fn.get(kept))
    with fn.when(fn.less(fn.mul(fn.load(LOG_SIZE), 3), fn.mul(fn.get(kept), 4))):
        fn.store(LOG_LOST, 1)
        fn.store(LOG_COUNT, 0)
    return fn.end(0)


def core_of(fn: Function, snapshot: Value) -> Value:
    return fn.add(snapshot, SNAPSHOT_HEADER)


def calendar_area(fn: Function, snapshot: Value) -> Value:
    return fn.add(core_of(fn, snapshot), fn.load(CORE_COUNT))


def record_area(fn: Function, snapshot: Value) -> Value:
    words = fn.mul(fn.load(CALENDAR_COUNT), 1 + 2 * SNAPSHOT_INTERVALS)
    return fn.add(calendar_area(fn, snapshot), words)


def snapshot_function() -> str:
    """Copies core, calendars and live records; the snapshot is void where they do not fit."""
    fn = Function("snapshot", ["snapshot", "iteration", "limit"])
    snapshot, iteration, limit = fn.parameters
    fn.call("compact")
    fn.store(snapshot, 0)
    with fn.when(fn.equal(fn.load(LOG_LOST), 1)):
        fn.finish(0)
    with fn.when(fn.less(SNAPSHOT_RECORDS, fn.load(LOG_COUNT))):
        fn.finish(0)
    fn.store(fn.add(snapshot, 1), iteration)
    fn.store(fn.add(snapshot, 2), limit)
    fn.store(fn.add(snapshot, 3), fn.load(LOG_COUNT))
    fn.store(fn.add(snapshot, 4), fn.load(FLOOR))
    core = core_of(fn, snapshot)
    fn.copy(core, 0, fn.load(CORE_COUNT))
    area, table = fn.variable(calendar_area(fn, snapshot)), fn.load(CALENDARS)
    with fn.counted(fn.load(CALENDAR_COUNT)) as index:
        calendar, place = fn.load(fn.add(table, fn.mul(index, 2))), fn.get(area)
        head = fn.call("prune", calendar)
        count = fn.sub(fn.load(fn.add(calendar, 1)), head)
        with fn.when(fn.less(SNAPSHOT_INTERVALS, count)):
            fn.finish(0)
        fn.store(place, count)
        first = fn.add(calendar, CALENDAR_HEADER, fn.mul(head, 2))
        fn.copy(fn.add(place, 1), first, fn.mul(count, 2))
        fn.set(area, fn.add(place, 1 + 2 * SNAPSHOT_INTERVALS))
    copy_records(fn, snapshot)
    fn.store(snapshot, 1)
    return fn.end(0)


def copy_records(fn: Function, snapshot: Value) -> None:
    """Live records with their times, as they are now."""
    area, size, log = record_area(fn, snapshot), fn.load(RECORD_WORDS), fn.load(LOG)
    with fn.counted(fn.load(LOG_COUNT)) as index:
        entry, place = fn.add(log, fn.mul(index, 2)), fn.add(area, fn.mul(index, size))
        record, region = fn.load(entry), fn.load(fn.add(entry, 1))
        fn.store(place, record)
        fn.store(fn.add(place, 1), region)
        with fn.counted(fn.load(region_row(fn, region))) as column:
            fn.store(fn.add(place, 2, column), fn.load(fn.add(record, column)))


def live_functions() -> str:
    """``compact``, ``note`` and ``snapshot``."""
    return prune_function() + raise_floor_function() + compact_function() + note_function() + snapshot_function()
