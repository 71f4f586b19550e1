"""Compiled skip-ahead: snapshots of the clipped machine state, their comparison, and the jump.

The same for all programs. State is compared relative to the dispatch clock; what lies at or before the clock cannot
hold anything any more. Where the state after iteration ``v`` is that after iteration ``v - period``, hazard records
moved along by the windows' strides, and control does not depend on the iteration until ``limit``, every whole period up
to there adds the same.

Units and ports that did nothing in the period have no part in it: they stay as they are.
"""

from __future__ import annotations

from isamapper.sim.compiled.layout import (
    CALENDAR_COUNT,
    CALENDAR_HEADER,
    CALENDARS,
    CLOCK,
    CORE_COUNT,
    IN_CYCLE,
    ITEM_COUNT,
    ITEMS,
    LAST_END,
    LOG,
    LOG_COUNT,
    LOG_LOST,
    LOG_SIZE,
    RECORD_WORDS,
    REGIONS,
    SKIPPED,
    SNAPSHOT_HEADER,
    SNAPSHOT_INTERVALS,
    SNAPSHOT_RECORDS,
    STATISTIC_COUNT,
    STATISTICS,
    STEPS,
)
from isamapper.sim.compiled.ports import prune_function
from isamapper.sim.compiled.text import Function, Truth, Value

ITEM_WORDS = 6
REGION_WORDS = 3


def skip_functions() -> str:
    """``note`` (a record becomes live), ``snapshot`` and ``attempt``."""
    compared = _touched() + _same_ring() + _same_items() + _same_calendars() + _same_records()
    shifted = _shift_items() + _shift_calendars() + _shift_records()
    return prune_function() + _compact() + _note() + _snapshot() + compared + shifted + _attempt()


def _region(fn: Function, region: Value) -> Value:
    return fn.add(fn.load(REGIONS), fn.mul(region, REGION_WORDS))


def _note() -> str:
    """Puts a record into the log and marks it."""
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


def _compact() -> str:
    """Drops records that are over from the log; gives up on skipping where too many are left."""
    fn = Function("compact")
    clock, log = fn.load(CLOCK), fn.load(LOG)
    kept = fn.variable(0)
    with fn.counted(fn.load(LOG_COUNT)) as index:
        entry = fn.add(log, fn.mul(index, 2))
        record, region = fn.load(entry), fn.load(fn.add(entry, 1))
        columns = fn.load(_region(fn, region))
        latest = fn.variable(0)
        with fn.counted(columns) as column:
            fn.set(latest, fn.maximum(fn.get(latest), fn.load(fn.add(record, column))))
        live = fn.less(clock, fn.get(latest))
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
    core = _core(fn, snapshot)
    with fn.counted(fn.load(CORE_COUNT)) as word:
        fn.store(fn.add(core, word), fn.load(word))
    area, table = fn.variable(_calendar_area(fn, snapshot)), fn.load(CALENDARS)
    with fn.counted(fn.load(CALENDAR_COUNT)) as index:
        calendar, place = fn.load(fn.add(table, fn.mul(index, 2))), fn.get(area)
        head = fn.call("prune", calendar)
        count = fn.sub(fn.load(fn.add(calendar, 1)), head)
        with fn.when(fn.less(SNAPSHOT_INTERVALS, count)):
            fn.finish(0)
        fn.store(place, count)
        first = fn.add(calendar, CALENDAR_HEADER, fn.mul(head, 2))
        with fn.counted(fn.mul(count, 2)) as word:
            fn.store(fn.add(place, 1, word), fn.load(fn.add(first, word)))
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


def _same_ring() -> str:
    """1 where a ring's times are the snapshot's, relative to the clocks; clipped ones only as far as they matter."""
    fn = Function("same_ring", ["core", "clipped", "values", "size", "position"])
    core, clipped, values, size, position = fn.parameters
    clock, before = fn.load(CLOCK), fn.load(fn.add(core, CLOCK))
    now, then = fn.variable(0), fn.variable(0)
    with fn.when(fn.less(0, position)):
        fn.set(now, fn.load(position))
        fn.set(then, fn.load(fn.add(core, position)))
    with fn.counted(size):
        for cursor in (now, then):  # newest first: the word before the position, cyclically
            at = fn.get(cursor)
            fn.set(cursor, fn.sub(fn.choose(fn.equal(at, 0), size, at), 1))
        left = fn.sub(fn.load(fn.add(values, fn.get(now))), clock)
        right = fn.sub(fn.load(fn.add(core, values, fn.get(then))), before)
        over = fn.both(fn.equal(clipped, 1), fn.both(fn.at_most(left, 0), fn.at_most(right, 0)))
        with fn.when(over):
            fn.finish(1)
        with fn.when(fn.negate(fn.equal(left, right))):
            fn.finish(0)
    return fn.end(1)


def _item(fn: Function, index: Value) -> list[Value]:
    row = fn.add(fn.load(ITEMS), fn.mul(index, ITEM_WORDS))
    return [fn.load(fn.add(row, word)) for word in range(ITEM_WORDS)]


def _same_items() -> str:
    fn = Function("same_items", ["snapshot"])
    snapshot = fn.parameters[0]
    with fn.counted(fn.load(ITEM_COUNT)) as index:
        clipped, touch, count, values, size, position = _item(fn, index)
        with fn.when(fn.equal(fn.call("touched", snapshot, touch, count), 1)):
            same = fn.call("same_ring", _core(fn, snapshot), clipped, values, size, position)
            with fn.when(fn.equal(same, 0)):
                fn.finish(0)
    return fn.end(1)


def _same_calendars() -> str:
    fn = Function("same_calendars", ["snapshot"])
    snapshot = fn.parameters[0]
    table = fn.load(CALENDARS)
    clock, before = fn.load(CLOCK), fn.load(fn.add(_core(fn, snapshot), CLOCK))
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
                left = fn.sub(fn.load(fn.add(first, word)), clock)
                right = fn.sub(fn.load(fn.add(place, 1, word)), before)
                with fn.when(_differs(fn, left, right)):
                    fn.finish(0)
        fn.set(area, fn.add(place, 1 + 2 * SNAPSHOT_INTERVALS))
    return fn.end(1)


def _differs(fn: Function, left: Value, right: Value) -> Truth:
    """Whether two times relative to their clocks differ where it matters."""
    return fn.negate(fn.equal(fn.maximum(left, 0), fn.maximum(right, 0)))


def _same_records() -> str:
    """1 where the live records are the snapshot's, each moved by its region's shift."""
    fn = Function("same_records", ["snapshot", "shifts", "iterations"])
    snapshot, shifts, iterations = fn.parameters
    fn.call("compact")
    count = fn.load(LOG_COUNT)
    with fn.when(fn.negate(fn.equal(count, fn.load(fn.add(snapshot, 3))))):
        fn.finish(0)
    clock, before = fn.load(CLOCK), fn.load(fn.add(_core(fn, snapshot), CLOCK))
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
            left = fn.sub(fn.load(fn.add(record, column)), clock)
            right = fn.sub(fn.load(fn.add(place, 2, column)), before)
            with fn.when(_differs(fn, left, right)):
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
    clock, count = fn.load(CLOCK), fn.load(LOG_COUNT)
    _copy_records(fn, snapshot)
    area, size = _record_area(fn, snapshot), fn.load(RECORD_WORDS)
    with fn.counted(count) as index:
        place = fn.add(area, fn.mul(index, size))
        region = fn.load(fn.add(place, 1))
        columns = fn.load(_region(fn, region))
        record = fn.add(fn.load(place), fn.mul(fn.load(fn.add(shifts, region)), iterations))
        with fn.counted(columns) as column:
            time = fn.load(fn.add(place, 2, column))
            fn.store(fn.add(record, column), fn.choose(fn.less(clock, time), fn.add(time, cycles), time))
        mark = fn.add(record, columns)
        with fn.when(fn.equal(fn.load(mark), 0)):
            fn.call("note", record, region, mark)
    return fn.end(0)


def _attempt() -> str:
    """Jumps over whole periods where the state repeats; the iteration to go on with."""
    fn = Function("attempt", ["snapshot", "shifts", "iteration", "period"])
    snapshot, shifts, iteration, period = fn.parameters
    passed = fn.sub(iteration, fn.load(fn.add(snapshot, 1)))
    periods = fn.floor_divide(fn.sub(fn.load(fn.add(snapshot, 2)), iteration), fn.maximum(passed, 1))
    core = _core(fn, snapshot)
    cycles = fn.sub(fn.load(CLOCK), fn.load(fn.add(core, CLOCK)))
    ended = fn.sub(fn.load(LAST_END), fn.load(fn.add(core, LAST_END)))
    for wrong in (
        fn.less(periods, 1),
        fn.negate(fn.equal(ended, cycles)),
        fn.negate(fn.equal(fn.load(IN_CYCLE), fn.load(fn.add(core, IN_CYCLE)))),
    ):
        with fn.when(wrong):
            fn.finish(iteration)
    with fn.when(fn.negate(fn.equal(fn.modulo(passed, period), 0))):
        fn.finish(iteration)
    for check in (("same_items", ()), ("same_calendars", ()), ("same_records", (shifts, passed))):
        with fn.when(fn.equal(fn.call(check[0], snapshot, *check[1]), 0)):
            fn.finish(iteration)
    total, moved = fn.mul(cycles, periods), fn.mul(passed, periods)
    fn.call("shift_items", snapshot, total)
    fn.call("shift_calendars", snapshot, total)
    first = fn.load(STATISTICS)
    with fn.counted(fn.load(STATISTIC_COUNT)) as word:
        at = fn.add(first, word)
        fn.increase(at, fn.mul(fn.sub(fn.load(at), fn.load(fn.add(core, at))), periods))
    fn.increase(STEPS, fn.mul(fn.sub(fn.load(STEPS), fn.load(fn.add(core, STEPS))), periods))
    fn.call("shift_records", snapshot, shifts, moved, total)
    fn.increase(CLOCK, total)
    fn.increase(SKIPPED, moved)
    fn.store(snapshot, 0)
    return fn.end(fn.add(iteration, moved))
