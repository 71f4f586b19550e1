"""Compiled description of everything under way, relative to the present: what must be equal for a period to repeat."""

from __future__ import annotations

from collections import abc

from isamapper.sim.compiled.layout import CLOCK, IN_CYCLE, LAST_END
from isamapper.sim.compiled.text import Function, Value
from isamapper.sim.walk.fields import alternatives, get, jobs, put, streams, uses
from isamapper.sim.walk.words import (
    ALTERNATIVE_WORDS,
    C_HEAD,
    C_SERVED,
    D_AT,
    D_KIND,
    D_LESS,
    D_SLOT,
    D_TICKET,
    DEPENDENCIES,
    DEPENDENCY_WORDS,
    HELD,
    J_BOUNDS,
    J_DELAY,
    J_DEPENDENCIES,
    J_DISPATCHED,
    J_END,
    J_FOLLOW,
    J_FRONT,
    J_HELD,
    J_IMPLICIT,
    J_ISSUE,
    J_LAST,
    J_LATENCY,
    J_LATEST,
    J_MEMORY_LATENCY,
    J_NEEDED,
    J_NODES,
    J_OCCUPIES,
    J_PENDING,
    J_PHASE,
    J_RELEASED,
    J_SERVER,
    J_SITE,
    J_START,
    J_STEP,
    J_TICKET,
    J_TRANSFER,
    N_ATOM,
    N_BEFORE,
    N_REGION,
    N_SIBLING,
    NEVER,
    NOW,
    PAIRS,
    PORT_COUNT,
    PORT_WORDS,
    PORTS,
    Q_TAKEN,
    Q_TAKEN_COUNT,
    REST_WORDS,
    S_BEGINS,
    S_DONE,
    S_LEFT,
    S_NEXT,
    S_PORT,
    S_USE,
    SLOT_WORDS,
    STREAM_WORDS,
    TICKET,
    U_ASKED,
    U_BYTES,
    U_DONE,
    U_FLAGS,
    U_LEAST_READY,
    U_PENDING,
    U_READ,
    U_READ_AT,
    U_READ_PORTS,
    U_READ_UNTIL,
    U_READY,
    U_READY_AT,
    U_SLOT,
    U_WRITE_PORTS,
    UNIT_COUNT,
    UNIT_WORDS,
    UNITS,
    WINDOW,
    WINDOW_ANY,
    WINDOW_COUNT,
    WORKSPACE_SIZE,
    WRITTEN,
)

_JOB_WORDS = (
    *(J_STEP, J_SITE, J_OCCUPIES, J_LATENCY, J_MEMORY_LATENCY, J_TRANSFER, J_ISSUE, J_IMPLICIT, J_SERVER, J_NEEDED),
    *(J_PENDING, J_PHASE, J_DELAY, J_HELD),
)
JOB_TIMES = (
    *(J_DISPATCHED, J_FRONT, J_FRONT + 1, J_FRONT + 2, J_FRONT + 3, J_START, J_FOLLOW, J_RELEASED, J_END, J_LATEST),
    *(J_BOUNDS, J_BOUNDS + 1, J_BOUNDS + 2, J_LAST),
)
_USE_WORDS = (
    *(U_FLAGS, U_READ_AT, U_READ_UNTIL, U_READY_AT, U_LEAST_READY, U_READ_PORTS, U_WRITE_PORTS, U_BYTES),
    *(U_PENDING, U_PENDING + 1, U_ASKED, U_ASKED + 1),
)
USE_TIMES = (U_READ, U_READY, U_DONE, U_DONE + 1)


def state_functions() -> str:
    """``write_state`` with what it calls; it returns how many words it wrote, -1 where there is no room."""
    return _put() + _pair() + _put_stream() + _put_use() + _put_waits() + _put_job() + _put_rest() + _write_state()


def _put() -> str:
    """Writes a word."""
    fn = Function("word", ["area", "value"])
    area, value = fn.parameters
    count = fn.load(WRITTEN)
    put(fn, area, count, value)
    fn.store(WRITTEN, fn.add(count, 1))
    return fn.end(0)


def _pair() -> str:
    """Writes an atom with its region; beyond the room for them they are only counted."""
    fn = Function("pair", ["area", "region", "atom"])
    area, region, atom = fn.parameters
    count, size = fn.load(PAIRS), fn.load(WORKSPACE_SIZE)
    fn.store(PAIRS, fn.add(count, 1))
    place = fn.mul(count, 2)
    with fn.when(fn.less(fn.add(place, 1), size)):
        put(fn, fn.add(area, size), place, region)
        put(fn, fn.add(area, size), fn.add(place, 1), atom)
    return fn.end(0)


def _words(fn: Function, area: Value, values: abc.Iterable[Value]) -> None:
    for value in values:
        fn.call("word", area, value)


def _since(fn: Function, time: Value) -> Value:
    """A time relative to the present."""
    return fn.choose(fn.equal(time, NEVER), NEVER, fn.sub(time, fn.load(NOW)))


def _behind(fn: Function, ticket: Value) -> Value:
    return fn.sub(fn.load(TICKET), ticket)


def _put_stream() -> str:
    fn = Function("put_stream", ["area", "stream"])
    area, stream = fn.parameters
    values = [get(fn, stream, S_PORT), get(fn, stream, S_LEFT)]
    _words(fn, area, [*values, *(_since(fn, get(fn, stream, word)) for word in (S_BEGINS, S_DONE))])
    return fn.end(0)


def _put_use() -> str:
    """An operand with its beats, those asked for and those that will be."""
    fn = Function("put_use", ["area", "use"])
    area, use = fn.parameters
    _words(fn, area, [get(fn, use, word) for word in _USE_WORDS])
    _words(fn, area, [_since(fn, get(fn, use, word)) for word in USE_TIMES])
    for side in range(2):
        first = alternatives(fn, use, side)
        with fn.counted(get(fn, use, U_READ_PORTS + side)) as index:
            way = fn.add(first, fn.mul(index, fn.load(ALTERNATIVE_WORDS)))
            pairs = fn.mul(get(fn, way, 1), 2)
            fn.call("word", area, pairs)
            with fn.counted(pairs) as word:
                fn.call("word", area, get(fn, fn.add(way, 2), word))
        stream = streams(fn, use, side)
        with fn.counted(get(fn, use, U_ASKED + side)) as index:
            fn.call("put_stream", area, fn.add(stream, fn.mul(index, STREAM_WORDS)))
    return fn.end(0)


def _put_waits() -> str:
    """What a job still waits for; what is over, and what it touches."""
    fn = Function("put_waits", ["area", "slot"])
    area, slot = fn.parameters
    first = fn.add(slot, fn.load(DEPENDENCIES))
    with fn.counted(get(fn, slot, J_DEPENDENCIES)) as index:
        row = fn.add(first, fn.mul(index, DEPENDENCY_WORDS))
        older = get(fn, row, D_SLOT)
        same = fn.equal(get(fn, older, J_TICKET), get(fn, row, D_TICKET))
        with fn.when(fn.both(same, fn.less(fn.load(NOW), get(fn, older, J_LATEST)))):
            place = fn.sub(get(fn, row, D_AT), older)
            ticket = _behind(fn, get(fn, row, D_TICKET))
            _words(fn, area, [get(fn, row, D_KIND), get(fn, row, D_LESS), place, ticket])
    cursor = fn.variable(get(fn, slot, J_NODES))
    with fn.loop() as loop:
        node = fn.get(cursor)
        loop.leave_if(fn.equal(node, 0))
        fn.set(cursor, get(fn, node, N_SIBLING))
        with fn.when(fn.negate(fn.equal(get(fn, node, N_BEFORE), 0))):
            fn.call("pair", area, get(fn, node, N_REGION), get(fn, node, N_ATOM))
    fn.call("word", area, fn.load(PAIRS))
    return fn.end(0)


def _put_job() -> str:
    fn = Function("put_job", ["area", "slot"])
    area, slot = fn.parameters
    fn.call("word", area, _behind(fn, get(fn, slot, J_TICKET)))
    _words(fn, area, [get(fn, slot, word) for word in _JOB_WORDS])
    _words(fn, area, [_since(fn, get(fn, slot, word)) for word in JOB_TIMES])
    with uses(fn, slot) as use:
        fn.call("put_use", area, use)
    fn.call("put_waits", area, slot)
    return fn.end(0)


def _tickets(fn: Function, area: Value, first: Value, count: Value) -> None:
    fn.call("word", area, count)
    with fn.counted(count) as index:
        fn.call("word", area, _behind(fn, get(fn, first, index)))


def _put_rest() -> str:
    """The front end with its window, entries held to the end, and the calendars with who waits there, in order."""
    fn = Function("put_rest", ["area"])
    (area,) = fn.parameters
    _words(fn, area, [_since(fn, fn.load(CLOCK)), _since(fn, fn.load(LAST_END)), fn.load(IN_CYCLE)])
    _words(fn, area, [fn.load(HELD + reason) for reason in range(3)])
    left = fn.call("retire", fn.load(WINDOW), fn.load(WINDOW_COUNT), fn.load(WINDOW_ANY))
    fn.store(WINDOW_COUNT, left)
    _tickets(fn, area, fn.load(WINDOW), left)
    with fn.counted(fn.load(UNIT_COUNT)) as index:
        unit = fn.add(fn.load(UNITS), fn.mul(index, UNIT_WORDS))
        taken = fn.call("retire", get(fn, unit, Q_TAKEN), get(fn, unit, Q_TAKEN_COUNT), 1)
        put(fn, unit, Q_TAKEN_COUNT, taken)
        _tickets(fn, area, get(fn, unit, Q_TAKEN), taken)
    with fn.counted(fn.load(PORT_COUNT)) as index:
        calendar = fn.add(fn.load(PORTS), fn.mul(index, PORT_WORDS))
        fn.call("word", area, get(fn, calendar, C_SERVED))
        cursor = fn.variable(get(fn, calendar, C_HEAD))
        with fn.loop() as loop:
            stream = fn.get(cursor)
            loop.leave_if(fn.equal(stream, 0))
            slot = get(fn, get(fn, stream, S_USE), U_SLOT)
            _words(fn, area, [_behind(fn, get(fn, slot, J_TICKET)), fn.sub(stream, slot)])
            fn.set(cursor, get(fn, stream, S_NEXT))
    return fn.end(0)


def _write_state() -> str:
    fn = Function("write_state", ["area"])
    (area,) = fn.parameters
    fn.store(WRITTEN, 0)
    fn.store(PAIRS, 0)
    size, one = fn.load(WORKSPACE_SIZE), fn.mul(fn.load(SLOT_WORDS), 2)
    with jobs(fn) as slot, fn.when(fn.less(fn.load(NOW), get(fn, slot, J_LATEST))):
        with fn.when(fn.less(size, fn.add(fn.load(WRITTEN), one))):
            fn.finish(-1)
        fn.call("put_job", area, slot)
    with fn.when(fn.less(size, fn.add(fn.load(WRITTEN), fn.load(REST_WORDS)))):
        fn.finish(-1)
    fn.call("put_rest", area)
    with fn.when(fn.less(size, fn.mul(fn.load(PAIRS), 2))):
        fn.finish(-1)
    return fn.end(fn.load(WRITTEN))
