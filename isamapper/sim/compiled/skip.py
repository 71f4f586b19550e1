"""Compiled skip-ahead: snapshots of the clipped machine state, their comparison, and the jump.

The same for all programs. Nothing to come starts before the *floor*: the dispatch clock, or the earliest cycle in which
a unit still to come has a server free, if that is later. Times at or before the floor hold nothing any more. Where the
state after iteration ``v`` is that after iteration ``v - period``, all times that matter moved on by the same number of
cycles and hazard records moved along by the windows' strides, and control does not depend on the iteration until
``limit``, every whole period up to there adds the same.

The dispatch clock moves on with the rest; or, on machines whose dispatch waits for nothing, more slowly, if no
invocation of the period waited for it: then none will.

Units and ports that did nothing in the period have no part in it: they stay as they are.
"""

from __future__ import annotations

from isamapper.sim.compiled.layout import (
    CALENDAR_COUNT,
    CALENDAR_HEADER,
    CALENDARS,
    CLOCK,
    CORE_COUNT,
    FLOOR,
    FLOOR_COUNT,
    FLOOR_UNITS,
    IN_CYCLE,
    ITEM_COUNT,
    ITEMS,
    LAST_END,
    LATE,
    LOG,
    LOG_COUNT,
    LOG_LOST,
    LOG_SIZE,
    PER_CYCLE,
    RECORD_WORDS,
    REGIONS,
    SNAPSHOT_HEADER,
    SNAPSHOT_INTERVALS,
    SNAPSHOT_RECORDS,
    STATISTIC_COUNT,
    STATISTICS,
    STEPS,
    UNBOUNDED,
)
from isamapper.sim.compiled.ports import prune_function
from isamapper.sim.compiled.text import Function, Truth, Value

ITEM_WORDS = 6
REGION_WORDS = 3


def skip_functions() -> str:
    """``snapshot``, ``attempt`` and ``compact``."""
    compared = _touched() + _same_ring() + _same_items() + _same_calendars() + _same_records()
    shifted = _shift_items() + _shift_calendars() + _shift_records() + _clock_moves() + _advance_clock()
    shifted += _choose_shifts()
    live = prune_function() + _raise_floor() + _compact() + note_function()
    return live + _snapshot() + compared + shifted + _attempt()


def _region(fn: Function, region: Value) -> Value:
    return fn.add(fn.load(REGIONS), fn.mul(region, REGION_WORDS))


def note_function() -> str:
    """``note``: puts a record into the log and marks it."""
    fn = Function("note", ["record", "region", "mark"])
    record, region, mark = fn.parameters
    fn.store(mark, 1)
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


def _raise_floor() -> str:
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


def _compact() -> str:
    """Drops records that are over from the log; gives up on skipping where too many are left."""
    fn = Function("compact")
    floor, log = fn.call("raise_floor"), fn.load(LOG)
    kept = fn.variable(0)
    with fn.counted(fn.load(LOG_COUNT)) as index:
        entry = fn.add(log, fn.mul(index, 2))
        record, region = fn.load(entry), fn.load(fn.add(entry, 1))
        columns = fn.load(_region(fn, region))
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


def _core(fn: Function, snapshot: Value) -> Value:
    return fn.add(snapshot, SNAPSHOT_HEADER)


def _calendar_area(fn: Function, snapshot: Value) -> Value:
    return fn.add(_core(fn, snapshot), fn.load(CORE_COUNT))


def _record_area(fn: Function, snapshot: Value) -> Value:
    words = fn.mul(fn.load(CALENDAR_COUNT), 1 + 2 * SNAPSHOT_INTERVALS)
    return fn.add(_calendar_area(fn, snapshot), words)


def _snapshot() -> str:
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
    core = _core(fn, snapshot)
    fn.copy(core, 0, fn.load(CORE_COUNT))
    area, table = fn.variable(_calendar_area(fn, snapshot)), fn.load(CALENDARS)
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
    _copy_records(fn, snapshot)
    fn.store(snapshot, 1)
    return fn.end(0)


def _copy_records(fn: Function, snapshot: Value) -> None:
    """Live records with their times, as they are now."""
    area, size, log = _record_area(fn, snapshot), fn.load(RECORD_WORDS), fn.load(LOG)
    with fn.counted(fn.load(LOG_COUNT)) as index:
        entry, place = fn.add(log, fn.mul(index, 2)), fn.add(area, fn.mul(index, size))
        record, region = fn.load(entry), fn.load(fn.add(entry, 1))
        fn.store(place, record)
        fn.store(fn.add(place, 1), region)
        with fn.counted(fn.load(_region(fn, region))) as column:
            fn.store(fn.add(place, 2, column), fn.load(fn.add(record, column)))


def _touched() -> str:
    """1 where any of ``count`` words of the core differs from the snapshot's, or there are none."""
    fn = Function("touched", ["snapshot", "address", "count"])
    snapshot, address, count = fn.parameters
    with fn.when(fn.equal(count, 0)):
        fn.finish(1)
    before = fn.add(_core(fn, snapshot), address)
    with fn.counted(count) as word:
        same = fn.equal(fn.load(fn.add(address, word)), fn.load(fn.add(before, word)))
        with fn.when(fn.negate(same)):
            fn.finish(1)
    return fn.end(0)


def _same(fn: Function, now: Value, then: Value, cycles: Value, floors: tuple[Value, Value]) -> Truth:
    """Whether a time moved on by ``cycles``, or holds nothing now as then."""
    over = fn.both(fn.at_most(now, floors[0]), fn.at_most(then, floors[1]))
    return fn.either(over, fn.equal(fn.sub(now, then), cycles))


def _floors(fn: Function, snapshot: Value) -> tuple[Value, Value]:
    return fn.load(FLOOR), fn.load(fn.add(snapshot, 4))


def _same_ring() -> str:
    """1 where a ring's times moved on by ``cycles``, as far as they matter.

    Kind 0: all do; 1: those after the floor, which hold starts; 2: those after the clock, which hold dispatch.
    """
    fn = Function("same_ring", ["snapshot", "cycles", "kind", "values", "size", "position"])
    snapshot, cycles, kind, values, size, position = fn.parameters
    core = _core(fn, snapshot)
    starts, dispatch = _floors(fn, snapshot), (fn.load(CLOCK), fn.load(fn.add(core, CLOCK)))
    floors = tuple(fn.choose(fn.equal(kind, 1), a, b) for a, b in zip(starts, dispatch, strict=True))
    at_now, at_then = fn.variable(0), fn.variable(0)
    with fn.when(fn.less(0, position)):
        fn.set(at_now, fn.load(position))
        fn.set(at_then, fn.load(fn.add(core, position)))
    with fn.counted(size):
        for cursor in (at_now, at_then):  # newest first: the word before the position, cyclically
            at = fn.get(cursor)
            fn.set(cursor, fn.sub(fn.choose(fn.equal(at, 0), size, at), 1))
        now = fn.load(fn.add(values, fn.get(at_now)))
        then = fn.load(fn.add(core, values, fn.get(at_then)))
        moved = fn.equal(fn.sub(now, then), cycles)
        over = fn.both(fn.at_most(now, floors[0]), fn.at_most(then, floors[1]))
        with fn.when(fn.both(fn.less(0, kind), over)):
            fn.finish(1)
        with fn.when(fn.negate(moved)):
            fn.finish(0)
    return fn.end(1)


def _item(fn: Function, index: Value) -> list[Value]:
    row = fn.add(fn.load(ITEMS), fn.mul(index, ITEM_WORDS))
    return [fn.load(fn.add(row, word)) for word in range(ITEM_WORDS)]


def _same_items() -> str:
    fn = Function("same_items", ["snapshot", "cycles"])
    snapshot, cycles = fn.parameters
    with fn.counted(fn.load(ITEM_COUNT)) as index:
        kind, touch, count, values, size, position = _item(fn, index)
        with fn.when(fn.equal(fn.call("touched", snapshot, touch, count), 1)):
            same = fn.call("same_ring", snapshot, cycles, kind, values, size, position)
            with fn.when(fn.equal(same, 0)):
                fn.finish(0)
    return fn.end(1)


def _same_calendars() -> str:
    fn = Function("same_calendars", ["snapshot", "cycles"])
    snapshot, cycles = fn.parameters
    table = fn.load(CALENDARS)
    floors = _floors(fn, snapshot)
    area = fn.variable(_calendar_area(fn, snapshot))
    with fn.counted(fn.load(CALENDAR_COUNT)) as index:
        row, place = fn.add(table, fn.mul(index, 2)), fn.get(area)
        calendar, beats = fn.load(row), fn.load(fn.add(row, 1))
        with fn.when(fn.equal(fn.call("touched", snapshot, beats, 1), 1)):
            head = fn.call("prune", calendar)
            count = fn.sub(fn.load(fn.add(calendar, 1)), head)
            with fn.when(fn.negate(fn.equal(count, fn.load(place)))):
                fn.finish(0)
            first = fn.add(calendar, CALENDAR_HEADER, fn.mul(head, 2))
            with fn.counted(fn.mul(count, 2)) as word:
                now, then = fn.load(fn.add(first, word)), fn.load(fn.add(place, 1, word))
                with fn.when(fn.negate(_same(fn, now, then, cycles, floors))):
                    fn.finish(0)
        fn.set(area, fn.add(place, 1 + 2 * SNAPSHOT_INTERVALS))
    return fn.end(1)


def _same_records() -> str:
    """1 where the live records are the snapshot's, each moved by its region's shift."""
    fn = Function("same_records", ["snapshot", "cycles", "shifts", "iterations"])
    snapshot, cycles, shifts, iterations = fn.parameters
    count = fn.load(LOG_COUNT)
    with fn.when(fn.negate(fn.equal(count, fn.load(fn.add(snapshot, 3))))):
        fn.finish(0)
    floors = _floors(fn, snapshot)
    area, size = _record_area(fn, snapshot), fn.load(RECORD_WORDS)
    with fn.counted(count) as index:
        place = fn.add(area, fn.mul(index, size))
        region = fn.load(fn.add(place, 1))
        row = _region(fn, region)
        record = fn.add(fn.load(place), fn.mul(fn.load(fn.add(shifts, region)), iterations))
        outside = fn.either(fn.less(record, fn.load(fn.add(row, 1))), fn.at_most(fn.load(fn.add(row, 2)), record))
        with fn.when(outside):
            fn.finish(0)
        with fn.counted(fn.load(row)) as column:
            now, then = fn.load(fn.add(record, column)), fn.load(fn.add(place, 2, column))
            with fn.when(fn.negate(_same(fn, now, then, cycles, floors))):
                fn.finish(0)
    return fn.end(1)


def _shift_items() -> str:
    fn = Function("shift_items", ["snapshot", "cycles"])
    snapshot, cycles = fn.parameters
    with fn.counted(fn.load(ITEM_COUNT)) as index:
        _, touch, count, values, size, _ = _item(fn, index)
        with (
            fn.when(fn.equal(fn.call("touched", snapshot, touch, count), 1)),
            fn.counted(size) as word,
        ):
            fn.increase(fn.add(values, word), cycles)
    return fn.end(0)


def _shift_calendars() -> str:
    fn = Function("shift_calendars", ["snapshot", "cycles"])
    snapshot, cycles = fn.parameters
    table = fn.load(CALENDARS)
    with fn.counted(fn.load(CALENDAR_COUNT)) as index:
        row = fn.add(table, fn.mul(index, 2))
        calendar, beats = fn.load(row), fn.load(fn.add(row, 1))
        with fn.when(fn.equal(fn.call("touched", snapshot, beats, 1), 1)):
            head, tail = fn.load(calendar), fn.load(fn.add(calendar, 1))
            first = fn.add(calendar, CALENDAR_HEADER, fn.mul(head, 2))
            with fn.counted(fn.mul(fn.sub(tail, head), 2)) as word:
                fn.increase(fn.add(first, word), cycles)
    return fn.end(0)


def _shift_records() -> str:
    """Moves the live records on by ``iterations`` and ``cycles``; the snapshot is overwritten."""
    fn = Function("shift_records", ["snapshot", "shifts", "iterations", "cycles"])
    snapshot, shifts, iterations, cycles = fn.parameters
    floor, count = fn.load(FLOOR), fn.load(LOG_COUNT)
    _copy_records(fn, snapshot)
    area, size = _record_area(fn, snapshot), fn.load(RECORD_WORDS)
    with fn.counted(count) as index:
        place = fn.add(area, fn.mul(index, size))
        region = fn.load(fn.add(place, 1))
        columns = fn.load(_region(fn, region))
        record = fn.add(fn.load(place), fn.mul(fn.load(fn.add(shifts, region)), iterations))
        with fn.counted(columns) as column:
            time = fn.load(fn.add(place, 2, column))
            fn.store(fn.add(record, column), fn.choose(fn.less(floor, time), fn.add(time, cycles), time))
        mark = fn.add(record, columns)
        with fn.when(fn.equal(fn.load(mark), 0)):
            fn.call("note", record, region, mark)
    return fn.end(0)


def _choose_shifts() -> str:
    """1 where the sites of the period that share a region move alike; their shifts are put into the table.

    Rows are (region, words per iteration, counter of a site's executions).
    """
    fn = Function("choose_shifts", ["snapshot", "shifts", "rows", "count"])
    snapshot, shifts, rows, count = fn.parameters
    unknown = 1 << 62
    with fn.counted(count) as index:
        region = fn.load(fn.add(rows, fn.mul(index, 3)))
        fn.store(fn.add(shifts, region), unknown)
    with fn.counted(count) as index:
        row = fn.add(rows, fn.mul(index, 3))
        place, moved = fn.add(shifts, fn.load(row)), fn.load(fn.add(row, 1))
        with fn.when(fn.equal(fn.call("touched", snapshot, fn.load(fn.add(row, 2)), 1), 1)):
            known = fn.load(place)
            other = fn.negate(fn.either(fn.equal(known, unknown), fn.equal(known, moved)))
            with fn.when(other):
                fn.finish(0)
            fn.store(place, moved)
    with fn.counted(count) as index:
        place = fn.add(shifts, fn.load(fn.add(rows, fn.mul(index, 3))))
        with fn.when(fn.equal(fn.load(place), unknown)):
            fn.store(place, 0)
    return fn.end(1)


def _clock_moves() -> str:
    """1 where the dispatch clock moved on with everything else; 2 where it may fall behind; else 0."""
    fn = Function("clock_moves", ["snapshot", "cycles"])
    snapshot, cycles = fn.parameters
    core = _core(fn, snapshot)
    moved = fn.sub(fn.load(CLOCK), fn.load(fn.add(core, CLOCK)))
    in_cycle = fn.equal(fn.load(IN_CYCLE), fn.load(fn.add(core, IN_CYCLE)))
    with fn.when(fn.both(in_cycle, fn.equal(moved, cycles))):
        fn.finish(1)
    on_time = fn.equal(fn.load(LATE), fn.load(fn.add(core, LATE)))
    now, then = _floors(fn, snapshot)
    along = fn.equal(fn.sub(now, then), cycles)
    behind = fn.both(fn.equal(fn.load(UNBOUNDED), 1), fn.less(moved, cycles))
    return fn.end(fn.choose(fn.both(behind, fn.both(on_time, along)), 2, 0))


def _advance_clock() -> str:
    """Moves the clock by so many periods; where it falls behind, by as many dispatches as they had."""
    fn = Function("advance_clock", ["snapshot", "mode", "cycles", "periods"])
    snapshot, mode, cycles, periods = fn.parameters
    core, clock, rate = _core(fn, snapshot), fn.load(CLOCK), fn.load(PER_CYCLE)
    with fn.when(fn.equal(mode, 1)):
        fn.store(CLOCK, fn.add(clock, cycles))
        fn.finish(0)
    slots = fn.add(fn.mul(clock, rate), fn.load(IN_CYCLE))
    before = fn.add(fn.mul(fn.load(fn.add(core, CLOCK)), rate), fn.load(fn.add(core, IN_CYCLE)))
    with fn.when(fn.equal(slots, before)):
        fn.finish(0)
    last = fn.sub(fn.add(slots, fn.mul(fn.sub(slots, before), periods)), 1)
    reached = fn.floor_divide(last, rate)
    fn.store(CLOCK, reached)
    fn.store(IN_CYCLE, fn.add(fn.sub(last, fn.mul(reached, rate)), 1))
    # The first statistic, cycles lost to the rate, is how far the clock went by itself.
    first = fn.load(STATISTICS)
    moved = fn.mul(fn.sub(clock, fn.load(fn.add(core, CLOCK))), periods)
    fn.increase(first, fn.sub(fn.sub(reached, clock), moved))
    return fn.end(0)


def _attempt() -> str:
    """Jumps over whole periods where the state repeats; the iteration to go on with."""
    fn = Function("attempt", ["snapshot", "shifts", "rows", "count", "iteration", "period"])
    snapshot, shifts, rows, count, iteration, period = fn.parameters
    passed = fn.sub(iteration, fn.load(fn.add(snapshot, 1)))
    periods = fn.floor_divide(fn.sub(fn.load(fn.add(snapshot, 2)), iteration), fn.maximum(passed, 1))
    core = _core(fn, snapshot)
    cycles = fn.sub(fn.load(LAST_END), fn.load(fn.add(core, LAST_END)))
    moved = fn.sub(fn.load(CLOCK), fn.load(fn.add(core, CLOCK)))
    bounded = fn.equal(fn.load(UNBOUNDED), 0)
    for wrong in (fn.less(periods, 1), fn.both(bounded, fn.negate(fn.equal(moved, cycles)))):
        with fn.when(wrong):
            fn.finish(iteration)
    with fn.when(fn.negate(fn.equal(fn.modulo(passed, period), 0))):
        fn.finish(iteration)
    for check in (("same_items", (cycles,)), ("choose_shifts", (shifts, rows, count))):
        with fn.when(fn.equal(fn.call(check[0], snapshot, *check[1]), 0)):
            fn.finish(iteration)
    fn.call("compact")
    mode = fn.call("clock_moves", snapshot, cycles)
    with fn.when(fn.equal(mode, 0)):
        fn.finish(iteration)
    with fn.when(fn.equal(fn.call("same_calendars", snapshot, cycles), 0)):
        fn.finish(iteration)
    with fn.when(fn.equal(fn.call("same_records", snapshot, cycles, shifts, passed), 0)):
        fn.finish(iteration)
    total, further = fn.mul(cycles, periods), fn.mul(passed, periods)
    fn.call("shift_items", snapshot, total)
    fn.call("shift_calendars", snapshot, total)
    first = fn.load(STATISTICS)
    with fn.counted(fn.load(STATISTIC_COUNT)) as word:
        at = fn.add(first, word)
        fn.increase(at, fn.mul(fn.sub(fn.load(at), fn.load(fn.add(core, at))), periods))
    fn.increase(STEPS, fn.mul(fn.sub(fn.load(STEPS), fn.load(fn.add(core, STEPS))), periods))
    fn.call("shift_records", snapshot, shifts, further, total)
    fn.call("advance_clock", snapshot, mode, total, periods)
    fn.increase(fn.add(snapshot, 5), further)
    fn.store(snapshot, 0)
    return fn.end(fn.add(iteration, further))
