"""Compiled calendars of ports: the code that ``calendar.py`` defines, and the spreading of a window over banks.

The same for all programs. A calendar is ``head, tail, size`` and then pairs (start, end) of taken intervals, sorted and
never touching; those before ``head`` are over. What ends by the dispatch clock, or the floor, cannot be asked for any
more.
"""

from __future__ import annotations

from isamapper.sim.compiled.layout import CALENDAR_HEADER, CLOCK, FLOOR, OVERFLOW, STATUS
from isamapper.sim.compiled.text import Function, Value

OFTEN, APART, SHORT, SELDOM = "alwaysinline", "noinline", "noinline optsize", "noinline cold"
"""Attributes in code for long runs: functions that all invocations pass, and others, which would take their registers.

Loops of ``SHORT`` functions have few rounds: neither wide registers nor what decides about them pay.
"""


def port_functions() -> str:
    """``take``, ``last``, ``prune`` and their banked forms."""
    return "".join(
        (
            prune_function(),
            _make_room(),
            _take(),
            _take_between(),
            _take_gaps(),
            _last(),
            _spread(),
            _banks("take"),
            _banks("last"),
        )
    )


def _pair(fn: Function, calendar: Value, index: Value) -> Value:
    return fn.add(calendar, CALENDAR_HEADER, fn.mul(index, 2))


def prune_function() -> str:
    """Moves ``head`` over what is over; returns it."""
    fn = Function("prune", ["calendar"])
    calendar = fn.parameters[0]
    clock, tail = fn.maximum(fn.load(CLOCK), fn.load(FLOOR)), fn.load(fn.add(calendar, 1))
    head = fn.variable(fn.load(calendar))
    with fn.loop() as loop:
        now = fn.get(head)
        loop.leave_unless(fn.less(now, tail))
        loop.leave_unless(fn.at_most(fn.load(fn.add(_pair(fn, calendar, now), 1)), clock))
        fn.set(head, fn.add(now, 1))
    fn.store(calendar, fn.get(head))
    return fn.end(fn.get(head))


def _make_room() -> str:
    """Moves what is left of a full calendar to the front; where nothing is over, the run has failed."""
    fn = Function("make_room", ["calendar"], attributes=SELDOM)
    calendar = fn.parameters[0]
    tail = fn.load(fn.add(calendar, 1))
    head = fn.call("prune", calendar)
    count = fn.sub(tail, head)
    with fn.counted(fn.mul(count, 2)) as word:
        fn.store(fn.add(calendar, CALENDAR_HEADER, word), fn.load(fn.add(_pair(fn, calendar, head), word)))
    full = fn.equal(head, 0)
    with fn.when(full):
        fn.store(STATUS, OVERFLOW)
    fn.store(calendar, 0)
    fn.store(fn.add(calendar, 1), fn.choose(full, 0, count))
    return fn.end(0)


def _take() -> str:
    """Books the first ``beats`` free cycles from ``start`` on; the end of the last."""
    fn = Function("take", ["calendar", "start", "beats"], attributes=OFTEN)
    calendar, start, beats = fn.parameters
    with fn.when(fn.equal(beats, 0)):
        fn.finish(start)
    with fn.when(fn.equal(fn.load(fn.add(calendar, 1)), fn.load(fn.add(calendar, 2)))):
        fn.call("make_room", calendar)
    head, tail = fn.load(calendar), fn.load(fn.add(calendar, 1))
    end = fn.add(start, beats)
    last = fn.sub(_pair(fn, calendar, tail), 2)
    with fn.when(fn.less(head, tail)):
        taken = fn.load(fn.add(last, 1))
        with fn.when(fn.at_most(start, taken)):
            with fn.when(fn.less(start, fn.load(last))):
                fn.finish(fn.call("take_between", calendar, start, beats))
            longer = fn.add(taken, beats)
            fn.store(fn.add(last, 1), longer)
            fn.finish(longer)
    pair = _pair(fn, calendar, tail)
    fn.store(pair, start)
    fn.store(fn.add(pair, 1), end)
    fn.store(fn.add(calendar, 1), fn.add(tail, 1))
    return fn.end(end)


def _take_between() -> str:
    """``take`` where a later interval is there already: one gap holds all, or ``take_gaps``."""
    fn = Function("take_between", ["calendar", "start", "beats"], attributes=SHORT)
    calendar, start, beats = fn.parameters
    head, tail = fn.load(calendar), fn.load(fn.add(calendar, 1))
    found = _first_from(fn, calendar, head, tail, start)
    pair = _pair(fn, calendar, found)
    begins, following = fn.load(pair), fn.add(found, 1)
    with fn.when(fn.less(start, begins)):
        end = fn.add(start, beats)
        with fn.when(fn.equal(end, begins)):
            fn.store(pair, start)
            fn.finish(end)
        with fn.when(fn.less(end, begins)):
            _shift_up(fn, calendar, found, tail)
            fn.store(pair, start)
            fn.store(fn.add(pair, 1), end)
            fn.finish(end)
        fn.finish(fn.call("take_gaps", calendar, start, beats))
    end = fn.add(fn.load(fn.add(pair, 1)), beats)
    begins = fn.load(fn.add(pair, 2))  # of the interval after it, which is there: the last one begins after ``start``
    with fn.when(fn.less(end, begins)):
        fn.store(fn.add(pair, 1), end)
        fn.finish(end)
    with fn.when(fn.equal(end, begins)):
        fn.store(fn.add(pair, 1), fn.load(fn.add(pair, 3)))
        _shift_down(fn, calendar, following, tail)
        fn.finish(end)
    return fn.end(fn.call("take_gaps", calendar, start, beats))


def _shift_up(fn: Function, calendar: Value, first: Value, tail: Value) -> None:
    """Makes room for an interval before ``first``."""
    place = fn.variable(tail)
    with fn.loop() as loop:
        now = fn.get(place)
        loop.leave_unless(fn.less(first, now))
        pair = _pair(fn, calendar, now)
        fn.store(pair, fn.load(fn.sub(pair, 2)))
        fn.store(fn.add(pair, 1), fn.load(fn.sub(pair, 1)))
        fn.set(place, fn.sub(now, 1))
    fn.store(fn.add(calendar, 1), fn.add(tail, 1))


def _shift_down(fn: Function, calendar: Value, first: Value, tail: Value) -> None:
    """Drops the interval ``first``."""
    last = fn.sub(tail, 1)
    with fn.counted(last, first) as place:
        pair = _pair(fn, calendar, place)
        fn.store(pair, fn.load(fn.add(pair, 2)))
        fn.store(fn.add(pair, 1), fn.load(fn.add(pair, 3)))
    fn.store(fn.add(calendar, 1), last)


def _take_gaps() -> str:
    """``take_between`` in general: fills gaps, joins what touches."""
    fn = Function("take_gaps", ["calendar", "start", "beats"], attributes=SELDOM)
    calendar, start, beats = fn.parameters
    tail = fn.load(fn.add(calendar, 1))
    found = _first_from(fn, calendar, fn.call("prune", calendar), tail, start)
    index, begin = fn.variable(found), fn.variable(start)
    cursor, left = fn.variable(start), fn.variable(beats)
    joined = fn.variable(0)  # end of an interval that is touched from below
    pair = _pair(fn, calendar, found)
    with fn.when(fn.both(fn.less(found, tail), fn.at_most(fn.load(pair), start))):
        fn.set(begin, fn.load(pair))
        fn.set(cursor, fn.load(fn.add(pair, 1)))
        fn.set(index, fn.add(found, 1))
    with fn.loop() as loop:
        now = fn.get(index)
        loop.leave_unless(fn.less(now, tail))
        pair = _pair(fn, calendar, now)
        begins, done = fn.load(pair), fn.add(fn.get(cursor), fn.get(left))
        loop.leave_if(fn.less(done, begins))
        fn.set(index, fn.add(now, 1))
        touched = fn.equal(done, begins)
        with fn.when(touched):
            fn.set(joined, fn.load(fn.add(pair, 1)))
        loop.leave_if(touched)
        fn.set(left, fn.sub(fn.get(left), fn.sub(begins, fn.get(cursor))))
        fn.set(cursor, fn.load(fn.add(pair, 1)))
    end = fn.add(fn.get(cursor), fn.get(left))
    _replace(fn, calendar, tail, found, fn.get(index))
    pair = _pair(fn, calendar, found)
    fn.store(pair, fn.get(begin))
    fn.store(fn.add(pair, 1), fn.maximum(end, fn.get(joined)))
    return fn.end(end)


def _first_from(fn: Function, calendar: Value, head: Value, tail: Value, start: Value) -> Value:
    """The first interval that ends at ``start`` or later; from the end, where most asking is done."""
    first = fn.variable(tail)
    with fn.loop() as loop:
        now = fn.get(first)
        loop.leave_unless(fn.less(head, now))
        loop.leave_if(fn.less(fn.load(fn.sub(_pair(fn, calendar, now), 1)), start))
        fn.set(first, fn.sub(now, 1))
    return fn.get(first)


def _replace(fn: Function, calendar: Value, tail: Value, first: Value, after: Value) -> None:
    """Makes the intervals ``[first, after)`` one: what follows moves up or down."""
    moved = fn.sub(tail, after)
    with fn.when(fn.equal(first, after)), fn.counted(fn.mul(moved, 2)) as word:
        source = fn.sub(fn.sub(_pair(fn, calendar, tail), 1), word)
        fn.store(fn.add(source, 2), fn.load(source))
    with fn.when(fn.less(fn.add(first, 1), after)), fn.counted(fn.mul(moved, 2)) as word:
        fn.store(fn.add(_pair(fn, calendar, first), 2, word), fn.load(fn.add(_pair(fn, calendar, after), word)))
    fn.store(fn.add(calendar, 1), fn.add(first, 1, moved))


def _last() -> str:
    """What ``take`` would return, without booking."""
    fn = Function("last", ["calendar", "start", "beats"])
    calendar, start, beats = fn.parameters
    tail = fn.load(fn.add(calendar, 1))
    index = fn.variable(_first_from(fn, calendar, fn.call("prune", calendar), tail, start))
    cursor, left = fn.variable(start), fn.variable(beats)
    with fn.loop() as loop:
        now = fn.get(index)
        loop.leave_unless(fn.less(now, tail))
        pair = _pair(fn, calendar, now)
        ends, at = fn.load(fn.add(pair, 1)), fn.get(cursor)
        with fn.when(fn.less(start, ends)):
            gap = fn.maximum(0, fn.sub(fn.load(pair), at))
            with fn.when(fn.at_most(fn.get(left), gap)):
                fn.finish(fn.add(at, fn.get(left)))
            fn.set(left, fn.sub(fn.get(left), gap))
            fn.set(cursor, ends)
        fn.set(index, fn.add(now, 1))
    return fn.end(fn.add(fn.get(cursor), fn.get(left)))


def _spread() -> str:
    """Beats per bank of a window's runs, written to ``out``; the greatest of them.

    ``rows`` is a table of ``axes`` pairs (count, step in bits), with a word of counter each behind it.
    """
    names = ["rows", "axes", "start", "size", "unit", "banks", "request", "burst", "sharers", "rate", "out"]
    fn = Function("spread", names, attributes=APART)
    rows, axes, start, size, unit, banks, request, burst, sharers, rate, out = fn.parameters
    counters = fn.add(rows, fn.mul(axes, 2))
    with fn.counted(banks) as bank:
        fn.store(fn.add(out, bank), 0)
    total = fn.variable(1)
    with fn.counted(axes) as axis:
        fn.store(fn.add(counters, axis), 0)
        fn.set(total, fn.mul(fn.get(total), fn.load(fn.add(rows, fn.mul(axis, 2)))))
    position = fn.variable(start)
    with fn.counted(fn.get(total)):
        _pieces(fn, fn.floor_divide(fn.get(position), 8), size, unit, banks, request, out)
        carry = fn.variable(1)
        with fn.counted(axes) as axis, fn.when(fn.equal(fn.get(carry), 1)):
            row, counter = fn.add(rows, fn.mul(axis, 2)), fn.add(counters, axis)
            count, step = fn.load(row), fn.load(fn.add(row, 1))
            following = fn.add(fn.load(counter), 1)
            wraps = fn.equal(following, count)
            fn.store(counter, fn.choose(wraps, 0, following))
            back = fn.sub(step, fn.mul(count, step))
            fn.set(position, fn.add(fn.get(position), fn.choose(wraps, back, step)))
            fn.set(carry, fn.choose(wraps, 1, 0))
    greatest = fn.variable(0)
    with fn.counted(banks) as bank:
        bursts = fn.mul(fn.ceil_divide(fn.load(fn.add(out, bank)), burst), burst)
        beats = fn.ceil_divide(fn.mul(bursts, sharers), rate)
        fn.store(fn.add(out, bank), beats)
        fn.set(greatest, fn.maximum(fn.get(greatest), beats))
    return fn.end(fn.get(greatest))


def _pieces(fn: Function, start: Value, size: Value, unit: Value, banks: Value, request: Value, out: Value) -> None:
    """Adds one run's bytes to its banks, each piece whole requests."""
    at = fn.variable(start)
    end = fn.add(start, size)
    with fn.loop() as loop:
        now = fn.get(at)
        loop.leave_unless(fn.less(now, end))
        block = fn.floor_divide(now, unit)
        stop = fn.minimum(end, fn.mul(fn.add(block, 1), unit))
        requests = fn.mul(fn.ceil_divide(fn.sub(stop, now), request), request)
        fn.increase(fn.add(out, fn.modulo(block, banks)), requests)
        fn.set(at, stop)


def _banks(name: str) -> str:
    """``take`` or ``last`` in every bank that has beats; the latest end. ``taken`` counts the beats of each bank."""
    fn = Function(f"{name}_banks", ["out", "banks", "calendar", "words", "taken", "start"], attributes=APART)
    out, banks, calendar, words, taken, start = fn.parameters
    end = fn.variable(start)
    with fn.counted(banks) as bank:
        beats = fn.load(fn.add(out, bank))
        with fn.when(fn.less(0, beats)):
            done = fn.call(name, fn.add(calendar, fn.mul(bank, words)), start, beats)
            fn.set(end, fn.maximum(fn.get(end), done))
            if name == "take":
                fn.increase(fn.add(taken, bank), beats)
    return fn.end(fn.get(end))
