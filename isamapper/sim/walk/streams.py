"""Compiled ports: streams of beats that wait at calendars, and who is served.

As long as nothing else happens and each port goes on with the one it serves, many beats are served at once.
"""

from __future__ import annotations

from isamapper.sim.compiled.text import Function, Value
from isamapper.sim.walk.fields import alternatives, bump, get, put, raise_to, streams
from isamapper.sim.walk.words import (
    ALTERNATIVE_WORDS,
    C_BACKLOG,
    C_BEATS,
    C_CHOSEN,
    C_CREDIT,
    C_HEAD,
    C_RULE,
    C_SERVED,
    C_TAIL,
    FIFO,
    J_NEEDED,
    J_PENDING,
    J_TICKET,
    J_UNIT,
    NEVER,
    NOW,
    PORT_BYTES,
    PORT_COUNT,
    PORT_WORDS,
    PORTS,
    Q_NUMBER,
    ROUND_ROBIN,
    S_BEGINS,
    S_DONE,
    S_LEFT,
    S_NEXT,
    S_PORT,
    S_SIDE,
    S_USE,
    STREAM_WORDS,
    U_ASKED,
    U_BYTES,
    U_DONE,
    U_PENDING,
    U_READ_PORTS,
    U_SLOT,
    UNIT_COUNT,
)


def stream_functions() -> str:
    """``ask`` and ``serve``, with what they call."""
    return _backlog() + _enter() + _ask() + _choose() + _leave() + _serve()


def _backlog() -> str:
    """Beats that wait at the calendars of an alternative."""
    fn = Function("backlog", ["way"])
    (way,) = fn.parameters
    total = fn.variable(0)
    with fn.counted(get(fn, way, 1)) as index:
        calendar = get(fn, fn.add(way, fn.mul(index, 2)), 2)
        fn.set(total, fn.add(fn.get(total), get(fn, calendar, C_BACKLOG)))
    return fn.end(fn.get(total))


def _enter() -> str:
    """Appends a stream to its calendar."""
    fn = Function("enter", ["stream"])
    (stream,) = fn.parameters
    calendar, left = get(fn, stream, S_PORT), get(fn, stream, S_LEFT)
    last = get(fn, calendar, C_TAIL)
    put(fn, stream, S_NEXT, 0)
    empty = fn.equal(last, 0)
    fn.store(fn.choose(empty, fn.add(calendar, C_HEAD), fn.add(last, S_NEXT)), stream)
    put(fn, calendar, C_TAIL, stream)
    bump(fn, calendar, C_BACKLOG, left)
    fn.increase(get(fn, calendar, C_BEATS), least_cycles(fn, stream))
    return fn.end(0)


def least_cycles(fn: Function, stream: Value) -> Value:
    """Cycles that a stream still takes at least."""
    left, credit = get(fn, stream, S_LEFT), get(fn, get(fn, stream, S_PORT), C_CREDIT)
    return fn.choose(fn.equal(credit, 1), left, fn.ceil_divide(left, credit))


def _ask() -> str:
    """Streams of a use's reads (0) or writes (1) on the port with the least to do."""
    fn = Function("ask", ["slot", "use", "side", "begins"])
    slot, use, side, begins = fn.parameters
    words = fn.load(ALTERNATIVE_WORDS)
    first = alternatives(fn, use, side)
    best, least = fn.variable(first), fn.variable(NEVER)
    with fn.counted(get(fn, fn.add(use, side), U_READ_PORTS)) as index:
        way = fn.add(first, fn.mul(index, words))
        waiting = fn.call("backlog", way)
        with fn.when(fn.less(waiting, fn.get(least))):
            fn.set(best, way)
            fn.set(least, waiting)
    way = fn.get(best)
    fn.increase(fn.add(fn.load(PORT_BYTES), get(fn, way, 0)), get(fn, use, U_BYTES))
    count, stream = get(fn, way, 1), fn.variable(streams(fn, use, side))
    put(fn, fn.add(use, side), U_ASKED, count)
    put(fn, fn.add(use, side), U_PENDING, count)
    bump(fn, slot, J_PENDING, count)
    with fn.counted(count) as index:
        pair, at = fn.add(way, 2, fn.mul(index, 2)), fn.get(stream)
        beats = get(fn, pair, 1)
        put(fn, at, S_PORT, get(fn, pair, 0))
        put(fn, at, S_BEGINS, begins)
        put(fn, at, S_LEFT, beats)
        put(fn, at, S_DONE, NEVER)
        put(fn, at, S_USE, use)
        put(fn, at, S_SIDE, side)
        fn.call("enter", at)
        raise_to(fn, slot, J_NEEDED, least_cycles(fn, at))
        fn.set(stream, fn.add(at, STREAM_WORDS))
    with fn.when(fn.less(0, count)):
        fn.call("push", begins)
    return fn.end(0)


def _choose() -> str:
    """Writes down whom a calendar serves now; for how many cycles that stands, ``NEVER`` where nobody is present."""
    fn = Function("choose", ["calendar"])
    (calendar,) = fn.parameters
    now, rule = fn.load(NOW), get(fn, calendar, C_RULE)
    last, units = get(fn, calendar, C_SERVED), fn.load(UNIT_COUNT)
    chosen, present = fn.variable(0), fn.variable(0)
    key, second = fn.variable(NEVER), fn.variable(NEVER)
    cursor = fn.variable(get(fn, calendar, C_HEAD))
    with fn.loop() as loop:
        stream = fn.get(cursor)
        loop.leave_if(fn.equal(stream, 0))
        fn.set(cursor, get(fn, stream, S_NEXT))
        begins = get(fn, stream, S_BEGINS)
        with fn.when(fn.at_most(begins, now)):
            slot = get(fn, get(fn, stream, S_USE), U_SLOT)
            ticket, unit = get(fn, slot, J_TICKET), get(fn, get(fn, slot, J_UNIT), Q_NUMBER)
            turn = fn.modulo(fn.sub(fn.sub(unit, last), 1), units)
            mine = fn.choose(fn.equal(rule, FIFO), begins, fn.choose(fn.equal(rule, ROUND_ROBIN), turn, 0))
            ties = fn.both(fn.equal(mine, fn.get(key)), fn.less(ticket, fn.get(second)))
            with fn.when(fn.either(fn.less(mine, fn.get(key)), ties)):
                fn.set(chosen, stream)
                fn.set(key, mine)
                fn.set(second, ticket)
            fn.set(present, fn.add(fn.get(present), 1))
    put(fn, calendar, C_CHOSEN, fn.get(chosen))
    with fn.when(fn.equal(fn.get(present), 0)):
        fn.finish(NEVER)
    turns = fn.both(fn.equal(rule, ROUND_ROBIN), fn.less(1, fn.get(present)))
    return fn.end(fn.choose(turns, 1, get(fn, fn.get(chosen), S_LEFT)))


def _leave() -> str:
    """Takes a stream that is done out of its calendar."""
    fn = Function("leave", ["calendar", "stream"])
    calendar, stream = fn.parameters
    place, before = fn.variable(fn.add(calendar, C_HEAD)), fn.variable(0)
    with fn.loop() as loop:
        at = fn.get(place)
        loop.leave_if(fn.equal(fn.load(at), stream))
        fn.set(before, fn.load(at))
        fn.set(place, fn.add(fn.load(at), S_NEXT))
    following = get(fn, stream, S_NEXT)
    fn.store(fn.get(place), following)
    with fn.when(fn.equal(following, 0)):
        put(fn, calendar, C_TAIL, fn.get(before))
    return fn.end(0)


def _serve() -> str:
    """Serves beats up to ``limit`` at most; how many cycles, 0 where nobody is present."""
    fn = Function("serve", ["limit"])
    (limit,) = fn.parameters
    now, first, count = fn.load(NOW), fn.load(PORTS), fn.load(PORT_COUNT)
    cycles = fn.variable(NEVER)
    with fn.counted(count) as index:
        calendar = _row(fn, first, index)
        put(fn, calendar, C_CHOSEN, 0)
        with fn.when(fn.negate(fn.equal(get(fn, calendar, C_HEAD), 0))):
            fn.set(cycles, fn.minimum(fn.get(cycles), fn.call("choose", calendar)))
    with fn.when(fn.equal(fn.get(cycles), NEVER)):
        fn.finish(0)
    taken = fn.minimum(fn.get(cycles), fn.sub(limit, now))
    _pass(fn, first, count, taken)
    with fn.counted(count) as index:  # only now: what ends may ask for more
        calendar = _row(fn, first, index)
        stream = get(fn, calendar, C_CHOSEN)
        with fn.when(fn.negate(fn.equal(stream, 0))), fn.when(fn.equal(get(fn, stream, S_LEFT), 0)):
            fn.call("settle", get(fn, get(fn, stream, S_USE), U_SLOT))
    return fn.end(taken)


def _row(fn: Function, first: Value, index: Value) -> Value:
    return fn.add(first, fn.mul(index, PORT_WORDS))


def _pass(fn: Function, first: Value, count: Value, taken: Value) -> None:
    """Every port serves so many beats of the stream that it has chosen."""
    end = fn.add(fn.load(NOW), taken)
    with fn.counted(count) as index:
        calendar = _row(fn, first, index)
        stream = get(fn, calendar, C_CHOSEN)
        with fn.when(fn.negate(fn.equal(stream, 0))):
            use, side = get(fn, stream, S_USE), get(fn, stream, S_SIDE)
            slot = get(fn, use, U_SLOT)
            put(fn, calendar, C_SERVED, get(fn, get(fn, slot, J_UNIT), Q_NUMBER))
            bump(fn, calendar, C_BACKLOG, fn.sub(0, taken))
            left = fn.sub(get(fn, stream, S_LEFT), taken)
            put(fn, stream, S_LEFT, left)
            with fn.when(fn.equal(left, 0)):
                put(fn, stream, S_DONE, end)
                raise_to(fn, fn.add(use, side), U_DONE, end)
                bump(fn, fn.add(use, side), U_PENDING, -1)
                bump(fn, slot, J_PENDING, -1)
                fn.call("leave", calendar, stream)
