"""Compiled times of a job: filled in as soon as its beats are over; then its server, queue and totals are told."""

from __future__ import annotations

from isamapper.sim.compiled.layout import (
    EVENT_COUNT,
    EVENT_SIZE,
    EVENT_WORDS,
    EVENTS,
    LAST_END,
)
from isamapper.sim.compiled.text import Function, Value
from isamapper.sim.counters import PORT, REASONS
from isamapper.sim.walk.fields import bump, get, is_never, put, uses
from isamapper.sim.walk.words import (
    BUSY,
    J_DELAY,
    J_DISPATCHED,
    J_END,
    J_FREE,
    J_HELD,
    J_LAST,
    J_LATENCY,
    J_LATEST,
    J_MEMORY_LATENCY,
    J_NEEDED,
    J_NUMBER,
    J_OCCUPIES,
    J_PENDING,
    J_PHASE,
    J_RELEASED,
    J_SERVER,
    J_SITE,
    J_START,
    J_TICKET,
    J_TRANSFER,
    J_UNIT,
    J_WAITS,
    Q_END_COUNT,
    Q_ENDED,
    Q_ENDS,
    Q_FLYING,
    Q_IN_FLIGHT,
    Q_LAST,
    Q_NUMBER,
    Q_SERVERS,
    STALLS,
    U_DONE,
    U_PENDING,
    U_READ,
    U_READ_AT,
    U_READ_PORTS,
    U_READ_UNTIL,
    U_READY,
    U_READY_AT,
    U_WRITE_PORTS,
)


def settle_functions() -> str:
    """``settle`` a job as far as its times are known."""
    return _keep() + _event() + _close() + _transfer() + _stream() + _settle()


def _settle() -> str:
    fn = Function("settle", ["slot"])
    (slot,) = fn.parameters
    over = fn.negate(is_never(fn, get(fn, slot, J_END)))
    waiting = fn.negate(fn.equal(get(fn, slot, J_PENDING), 0))
    streaming = fn.equal(get(fn, slot, J_PHASE), 1)
    with fn.when(fn.either(over, fn.both(waiting, fn.negate(streaming)))):
        fn.finish(0)
    with fn.when(fn.equal(get(fn, slot, J_TRANSFER), 1)):
        fn.call("settle_transfer", slot)
        fn.finish(0)
    fn.call("settle_stream", slot)
    return fn.end(0)


def _transfer() -> str:
    """All beats are over: everything is known."""
    fn = Function("settle_transfer", ["slot"])
    (slot,) = fn.parameters
    start = get(fn, slot, J_START)
    last = fn.variable(start)
    with uses(fn, slot) as use:
        fn.set(last, fn.maximum(fn.get(last), get(fn, use, U_DONE), get(fn, use, U_DONE + 1)))
    over = fn.get(last)
    arrival = fn.add(over, get(fn, slot, J_MEMORY_LATENCY))
    with uses(fn, slot) as use:
        put(fn, use, U_READ, fn.maximum(fn.add(start, get(fn, use, U_READ_UNTIL)), over))
        put(fn, use, U_READY, fn.add(arrival, get(fn, use, U_READY_AT)))
    released = fn.maximum(fn.add(start, get(fn, slot, J_OCCUPIES)), over)
    fn.call("close", slot, released, fn.add(arrival, get(fn, slot, J_LATENCY)))
    return fn.end(0)


def _stream() -> str:
    """Once all is read, writes are asked for; each result is ready when its own beats are over."""
    fn = Function("settle_stream", ["slot"])
    (slot,) = fn.parameters
    start = get(fn, slot, J_START)
    with fn.when(fn.equal(get(fn, slot, J_PHASE), 0)):
        _all_read(fn, slot, start)
    held, last = fn.variable(get(fn, slot, J_HELD)), fn.variable(get(fn, slot, J_LAST))
    with uses(fn, slot) as use:
        over = fn.equal(get(fn, use, U_PENDING + 1), 0)
        with fn.when(fn.both(over, fn.less(0, get(fn, use, U_WRITE_PORTS)))):
            ready = get(fn, use, U_DONE + 1)
            put(fn, use, U_READY, ready)
            fn.set(held, fn.maximum(fn.get(held), fn.sub(fn.sub(ready, start), get(fn, use, U_READY_AT))))
            fn.set(last, fn.maximum(fn.get(last), ready))
    with fn.when(fn.negate(fn.equal(get(fn, slot, J_PENDING), 0))):
        fn.finish(0)
    finished = fn.add(start, get(fn, slot, J_DELAY), get(fn, slot, J_LATENCY))
    fn.call("close", slot, fn.add(start, fn.get(held)), fn.maximum(finished, fn.get(last)))
    return fn.end(0)


def _all_read(fn: Function, slot: Value, start: Value) -> None:
    delay, last = fn.variable(0), fn.variable(start)
    occupies = get(fn, slot, J_OCCUPIES)
    held = fn.variable(occupies)
    with uses(fn, slot) as use, fn.when(fn.less(0, get(fn, use, U_READ_PORTS))):
        read_at, end = get(fn, use, U_READ_AT), get(fn, use, U_DONE)
        allowed = fn.maximum(fn.add(read_at, occupies), get(fn, use, U_READ_UNTIL))
        used = fn.sub(end, start)
        fn.set(delay, fn.maximum(fn.get(delay), fn.sub(used, allowed)))
        fn.set(last, fn.maximum(fn.get(last), end))
        fn.set(held, fn.maximum(fn.get(held), fn.sub(used, read_at)))
    late = fn.get(delay)
    put(fn, slot, J_DELAY, late)
    put(fn, slot, J_HELD, fn.get(held))
    put(fn, slot, J_LAST, fn.get(last))
    put(fn, slot, J_PHASE, 1)
    with uses(fn, slot) as use:
        until = fn.add(start, late, get(fn, use, U_READ_UNTIL))
        put(fn, use, U_READ, fn.maximum(until, get(fn, use, U_DONE)))
        begins = fn.add(start, late, get(fn, use, U_READY_AT))
        put(fn, use, U_DONE + 1, begins)
        with fn.when(fn.equal(get(fn, use, U_WRITE_PORTS), 0)):
            put(fn, use, U_READY, begins)
        with fn.when(fn.less(0, get(fn, use, U_WRITE_PORTS))):
            fn.call("ask", slot, use, 1, begins)


def _close() -> str:
    fn = Function("close", ["slot", "released", "end"])
    slot, released, end = fn.parameters
    put(fn, slot, J_RELEASED, released)
    put(fn, slot, J_END, end)
    unit = get(fn, slot, J_UNIT)
    server = get(fn, slot, J_SERVER)
    pending = fn.add(server, get(fn, unit, Q_SERVERS))
    with fn.when(fn.equal(fn.load(pending), slot)):  # not where another has it already
        fn.store(server, released)
        fn.store(pending, 0)
    bump(fn, unit, Q_FLYING, -1)
    with fn.when(fn.equal(get(fn, unit, Q_LAST), get(fn, slot, J_TICKET))):
        put(fn, unit, Q_ENDED, end)
    with fn.when(fn.less(0, get(fn, unit, Q_IN_FLIGHT))):
        fn.call("keep_end", unit, end)
    latest = fn.variable(fn.maximum(released, end))
    fn.call("push", released)
    fn.call("push", end)
    with uses(fn, slot) as use:
        read, ready = get(fn, use, U_READ), get(fn, use, U_READY)
        fn.set(latest, fn.maximum(fn.get(latest), read, ready))
        fn.call("push", read)
        fn.call("push", ready)
    put(fn, slot, J_LATEST, fn.get(latest))
    fn.store(LAST_END, fn.maximum(fn.load(LAST_END), end))
    needed = get(fn, slot, J_NEEDED)
    stalled = fn.sub(fn.sub(released, get(fn, slot, J_START)), needed)
    number = get(fn, unit, Q_NUMBER)
    fn.increase(fn.add(fn.load(BUSY), number), needed)
    fn.increase(fn.add(fn.load(STALLS), fn.mul(number, len(REASONS)), PORT), stalled)
    fn.call("keep_event", slot)
    return fn.end(0)


def _keep() -> str:
    """Puts an end among the greatest of its unit, ascending."""
    fn = Function("keep_end", ["unit", "end"])
    unit, end = fn.parameters
    size, first, count = get(fn, unit, Q_IN_FLIGHT), get(fn, unit, Q_ENDS), get(fn, unit, Q_END_COUNT)
    full = fn.equal(count, size)
    with fn.when(full):
        with fn.when(fn.at_most(end, fn.load(first))):
            fn.finish(0)
        with fn.counted(fn.sub(count, 1)) as index:
            fn.store(fn.add(first, index), get(fn, fn.add(first, index), 1))
    place = fn.variable(fn.choose(full, fn.sub(count, 1), count))
    with fn.loop() as loop:
        at = fn.get(place)
        loop.leave_if(fn.equal(at, 0))
        before = get(fn, fn.add(first, at), -1)
        loop.leave_if(fn.at_most(before, end))
        fn.store(fn.add(first, at), before)
        fn.set(place, fn.sub(at, 1))
    fn.store(fn.add(first, fn.get(place)), end)
    put(fn, unit, Q_END_COUNT, fn.choose(full, count, fn.add(count, 1)))
    return fn.end(0)


def _event() -> str:
    """Keeps a job, where events are kept: each in the row of its number."""
    fn = Function("keep_event", ["slot"])
    (slot,) = fn.parameters
    number = get(fn, slot, J_NUMBER)
    with fn.when(fn.at_most(fn.load(EVENT_SIZE), number)):
        fn.finish(0)
    row = fn.add(fn.load(EVENTS), fn.mul(number, EVENT_WORDS))
    for index, word in enumerate((J_SITE, J_DISPATCHED, J_FREE, J_START, J_RELEASED, J_END, J_NUMBER)):
        put(fn, row, index, get(fn, slot, word))
    for reason in range(len(REASONS)):
        put(fn, row, 7 + reason, get(fn, slot, J_WAITS + reason))
    fn.increase(EVENT_COUNT, 1)
    return fn.end(0)
