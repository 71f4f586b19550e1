"""Compiled comparison of the machine's state with a snapshot. The same for all programs.

Where the state after iteration ``v`` is that after an earlier one, all times that matter moved on by the same number of
cycles and hazard records moved along by the windows' strides. Units and ports that did nothing since do not count.
"""

from __future__ import annotations

from isamapper.sim.compiled.layout import (
    CALENDAR_COUNT,
    CALENDAR_HEADER,
    CALENDARS,
    CLOCK,
    FLOOR,
    ITEM_COUNT,
    ITEMS,
    LOG_COUNT,
    RECORD_WORDS,
    SNAPSHOT_INTERVALS,
)
from isamapper.sim.compiled.live import ITEM_WORDS, calendar_area, core_of, record_area, region_row
from isamapper.sim.compiled.text import Function, Truth, Value


def touched_function() -> str:
    """1 where any of ``count`` words of the core differs from the snapshot's, or there are none."""
    fn = Function("touched", ["snapshot", "address", "count"])
    snapshot, address, count = fn.parameters
    with fn.when(fn.equal(count, 0)):
        fn.finish(1)
    before = fn.add(core_of(fn, snapshot), address)
    with fn.counted(count) as word:
        same = fn.equal(fn.load(fn.add(address, word)), fn.load(fn.add(before, word)))
        with fn.when(fn.negate(same)):
            fn.finish(1)
    return fn.end(0)


def _same(fn: Function, now: Value, then: Value, cycles: Value, floors: tuple[Value, Value]) -> Truth:
    """Whether a time moved on by ``cycles``, or holds nothing now as then."""
    over = fn.both(fn.at_most(now, floors[0]), fn.at_most(then, floors[1]))
    return fn.either(over, fn.equal(fn.sub(now, then), cycles))


def floors_of(fn: Function, snapshot: Value) -> tuple[Value, Value]:
    return fn.load(FLOOR), fn.load(fn.add(snapshot, 4))


def _same_ring() -> str:
    """1 where a ring's times moved on by ``cycles``, as far as they matter.

    Kind 0: all do; 1: those after the floor, which hold starts; 2: those after the clock, which hold dispatch.
    """
    fn = Function("same_ring", ["snapshot", "cycles", "kind", "values", "size", "position"])
    snapshot, cycles, kind, values, size, position = fn.parameters
    core = core_of(fn, snapshot)
    starts, dispatch = floors_of(fn, snapshot), (fn.load(CLOCK), fn.load(fn.add(core, CLOCK)))
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


def item_row(fn: Function, index: Value) -> list[Value]:
    row = fn.add(fn.load(ITEMS), fn.mul(index, ITEM_WORDS))
    return [fn.load(fn.add(row, word)) for word in range(ITEM_WORDS)]


def _same_items() -> str:
    fn = Function("same_items", ["snapshot", "cycles"])
    snapshot, cycles = fn.parameters
    with fn.counted(fn.load(ITEM_COUNT)) as index:
        kind, touch, count, values, size, position = item_row(fn, index)
        with fn.when(fn.equal(fn.call("touched", snapshot, touch, count), 1)):
            same = fn.call("same_ring", snapshot, cycles, kind, values, size, position)
            with fn.when(fn.equal(same, 0)):
                fn.finish(0)
    return fn.end(1)


def _same_calendars() -> str:
    fn = Function("same_calendars", ["snapshot", "cycles"])
    snapshot, cycles = fn.parameters
    table = fn.load(CALENDARS)
    floors = floors_of(fn, snapshot)
    area = fn.variable(calendar_area(fn, snapshot))
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
    floors = floors_of(fn, snapshot)
    area, size = record_area(fn, snapshot), fn.load(RECORD_WORDS)
    with fn.counted(count) as index:
        place = fn.add(area, fn.mul(index, size))
        region = fn.load(fn.add(place, 1))
        row = region_row(fn, region)
        record = fn.add(fn.load(place), fn.mul(fn.load(fn.add(shifts, region)), iterations))
        outside = fn.either(fn.less(record, fn.load(fn.add(row, 1))), fn.at_most(fn.load(fn.add(row, 2)), record))
        with fn.when(outside):
            fn.finish(0)
        with fn.counted(fn.load(row)) as column:
            now, then = fn.load(fn.add(record, column)), fn.load(fn.add(place, 2, column))
            with fn.when(fn.negate(_same(fn, now, then, cycles, floors))):
                fn.finish(0)
    return fn.end(1)


def compare_functions() -> str:
    """``touched``, and ``same_items``, ``same_calendars``, ``same_records``: 1 where nothing differs."""
    return touched_function() + _same_ring() + _same_items() + _same_calendars() + _same_records()
