"""Compiled skip-ahead: the jump over whole periods of a loop. The same for all programs.

Where the state repeats (``compare.py``), and control does not depend on the iteration until some limit, every whole
period up to there adds the same. The dispatch clock moves on with the rest; or, on machines whose dispatch waits for
nothing, more slowly, if no invocation of the period waited for it: then none will. Units and ports that did nothing in
the period stay as they are.
"""

from __future__ import annotations

from isamapper.sim.compiled.compare import compare_functions, floors_of, item_row
from isamapper.sim.compiled.layout import (
    CALENDAR_COUNT,
    CALENDAR_HEADER,
    CALENDARS,
    CLOCK,
    FLOOR,
    IN_CYCLE,
    ITEM_COUNT,
    LAST_END,
    LATE,
    LOG_COUNT,
    PER_CYCLE,
    RECORD_WORDS,
    STATISTIC_COUNT,
    STATISTICS,
    STEPS,
    UNBOUNDED,
)
from isamapper.sim.compiled.live import copy_records, core_of, live_functions, record_area, region_row
from isamapper.sim.compiled.text import Function


def _shift_items() -> str:
    fn = Function("shift_items", ["snapshot", "cycles"])
    snapshot, cycles = fn.parameters
    with fn.counted(fn.load(ITEM_COUNT)) as index:
        _, touch, count, values, size, _ = item_row(fn, index)
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
    copy_records(fn, snapshot)
    area, size = record_area(fn, snapshot), fn.load(RECORD_WORDS)
    with fn.counted(count) as index:
        place = fn.add(area, fn.mul(index, size))
        region = fn.load(fn.add(place, 1))
        columns = fn.load(region_row(fn, region))
        record = fn.add(fn.load(place), fn.mul(fn.load(fn.add(shifts, region)), iterations))
        with fn.counted(columns) as column:
            time = fn.load(fn.add(place, 2, column))
            fn.store(fn.add(record, column), fn.choose(fn.less(floor, time), fn.add(time, cycles), time))
        mark = fn.add(record, columns)
        with fn.when(fn.equal(fn.load(mark), 0)):
            fn.call("note", record, region, mark)
    return fn.end(0)


def choose_shifts_function() -> str:
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
    core = core_of(fn, snapshot)
    moved = fn.sub(fn.load(CLOCK), fn.load(fn.add(core, CLOCK)))
    in_cycle = fn.equal(fn.load(IN_CYCLE), fn.load(fn.add(core, IN_CYCLE)))
    with fn.when(fn.both(in_cycle, fn.equal(moved, cycles))):
        fn.finish(1)
    on_time = fn.equal(fn.load(LATE), fn.load(fn.add(core, LATE)))
    now, then = floors_of(fn, snapshot)
    along = fn.equal(fn.sub(now, then), cycles)
    behind = fn.both(fn.equal(fn.load(UNBOUNDED), 1), fn.less(moved, cycles))
    return fn.end(fn.choose(fn.both(behind, fn.both(on_time, along)), 2, 0))


def _advance_clock() -> str:
    """Moves the clock by so many periods; where it falls behind, by as many dispatches as they had."""
    fn = Function("advance_clock", ["snapshot", "mode", "cycles", "periods"])
    snapshot, mode, cycles, periods = fn.parameters
    core, clock, rate = core_of(fn, snapshot), fn.load(CLOCK), fn.load(PER_CYCLE)
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
    core = core_of(fn, snapshot)
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


def skip_functions() -> str:
    """``snapshot``, ``attempt`` and ``compact``, with all that they call."""
    shifted = _shift_items() + _shift_calendars() + _shift_records() + choose_shifts_function()
    return live_functions() + compare_functions() + shifted + _clock_moves() + _advance_clock() + _attempt()
