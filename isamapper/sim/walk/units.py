"""Compiled queues: when the first of a queue may start, and what starting it does."""

from __future__ import annotations

from isamapper.sim.compiled.layout import VIOLATION_KIND, VIOLATION_SITE, VIOLATION_START
from isamapper.sim.compiled.text import Function, Value, Variable
from isamapper.sim.counters import (
    DISPATCH,
    IN_FLIGHT,
    NO_WORK,
    ORDER,
    QUEUE_FULL,
    RAW,
    REASONS,
    SERIAL,
    WAR,
    WAW,
    WINDOW_FULL,
)
from isamapper.sim.walk.fields import bump, get, is_never, put, streams, uses
from isamapper.sim.walk.streams import least_cycles
from isamapper.sim.walk.words import (
    D_AT,
    D_KIND,
    D_LESS,
    D_SLOT,
    D_TICKET,
    DEPENDENCIES,
    DEPENDENCY_WORDS,
    EXPLICIT,
    J_BOUNDS,
    J_DEPENDENCIES,
    J_DISPATCHED,
    J_FOLLOW,
    J_FREE,
    J_FRONT,
    J_IMPLICIT,
    J_NEEDED,
    J_NEXT,
    J_OCCUPIES,
    J_SERVER,
    J_SITE,
    J_START,
    J_TICKET,
    J_TRANSFER,
    J_WAITS,
    NEVER,
    NOW,
    Q_END_COUNT,
    Q_ENDED,
    Q_ENDS,
    Q_FLYING,
    Q_HEAD,
    Q_IN_FLIGHT,
    Q_LAST,
    Q_NUMBER,
    Q_PUSHED,
    Q_SERIAL,
    Q_SERVERS,
    Q_STARTED,
    Q_TAIL,
    Q_TIMES,
    Q_WAITING,
    S_BEGINS,
    S_DONE,
    STALLS,
    STREAM_WORDS,
    U_ASKED,
    U_DONE,
    U_PENDING,
    U_READ_AT,
    U_READ_PORTS,
    U_READY_AT,
    U_WRITE_PORTS,
    UNIT_COUNT,
    UNIT_WORDS,
    UNITS,
)


def unit_functions() -> str:
    """``start_all``, with what it calls."""
    return _release() + _room() + _poll() + _wait() + _begin() + _start() + _start_all()


def _release() -> str:
    """When a server is free, as far as can be seen: ``event_jobs.release_time``."""
    fn = Function("release", ["server", "slot"])
    server, slot = fn.parameters
    with fn.when(fn.equal(slot, 0)):
        fn.finish(fn.load(server))
    with fn.when(fn.equal(get(fn, slot, J_TRANSFER), 1)):
        fn.finish(NEVER)
    now, start = fn.load(NOW), get(fn, slot, J_START)
    found = fn.variable(get(fn, slot, J_OCCUPIES))
    with uses(fn, slot) as use:
        with fn.when(fn.less(0, get(fn, use, U_PENDING))):
            fn.finish(NEVER)
        with fn.when(fn.less(0, get(fn, use, U_ASKED))):
            used = fn.sub(fn.sub(get(fn, use, U_DONE), start), get(fn, use, U_READ_AT))
            fn.set(found, fn.maximum(fn.get(found), used))
        first, allowed = streams(fn, use, 1), fn.add(start, get(fn, use, U_READY_AT))
        with fn.counted(get(fn, use, U_ASKED + 1)) as index:
            stream = fn.add(first, fn.mul(index, STREAM_WORDS))
            done = get(fn, stream, S_DONE)
            coming = fn.add(fn.maximum(get(fn, stream, S_BEGINS), now), least_cycles(fn, stream))
            soonest = fn.choose(fn.equal(done, NEVER), coming, done)
            fn.set(found, fn.maximum(fn.get(found), fn.sub(soonest, allowed)))
    return fn.end(fn.add(start, fn.get(found)))


def _room() -> str:
    """When one more of a unit may be under way."""
    fn = Function("room", ["unit"])
    (unit,) = fn.parameters
    most, known = get(fn, unit, Q_IN_FLIGHT), get(fn, unit, Q_END_COUNT)
    left = fn.sub(most, get(fn, unit, Q_FLYING))
    with fn.when(fn.equal(most, -1)):
        fn.finish(0)
    with fn.when(fn.at_most(left, 0)):
        fn.finish(NEVER)
    with fn.when(fn.less(known, left)):
        fn.finish(0)
    return fn.end(fn.load(fn.add(get(fn, unit, Q_ENDS), fn.sub(known, left))))


def _poll() -> str:
    """Takes what has become known into a job's bounds; 1 where something is not known yet."""
    fn = Function("poll", ["slot"])
    (slot,) = fn.parameters
    first, kept = fn.add(slot, fn.load(DEPENDENCIES)), fn.variable(0)
    with fn.counted(get(fn, slot, J_DEPENDENCIES)) as index:
        row = fn.add(first, fn.mul(index, DEPENDENCY_WORDS))
        with fn.when(fn.equal(get(fn, get(fn, row, D_SLOT), J_TICKET), get(fn, row, D_TICKET))):
            kind, time = get(fn, row, D_KIND), fn.load(get(fn, row, D_AT))
            unknown = is_never(fn, time)
            with fn.when(unknown):
                other = fn.add(first, fn.mul(fn.get(kept), DEPENDENCY_WORDS))
                for word in range(DEPENDENCY_WORDS):
                    put(fn, other, word, get(fn, row, word))
                fn.set(kept, fn.add(fn.get(kept), 1))
            with fn.when(fn.negate(unknown)):
                reason = fn.choose(fn.equal(kind, ORDER), RAW, kind)
                at = fn.add(slot, J_BOUNDS, fn.sub(reason, RAW))
                fn.store(at, fn.maximum(fn.load(at), fn.sub(time, get(fn, row, D_LESS))))
    put(fn, slot, J_DEPENDENCIES, fn.get(kept))
    return fn.end(fn.choose(fn.less(0, fn.get(kept)), 1, 0))


def _wait() -> str:
    """Books what a job waited for by a reason; the cycle that it has reached."""
    fn = Function("wait", ["slot", "stalls", "reason", "at", "bound"])
    slot, stalls, reason, at, bound = fn.parameters
    later = fn.maximum(at, bound)
    with fn.when(fn.less(at, bound)):
        cycles = fn.sub(bound, at)
        bump(fn, fn.add(slot, reason), J_WAITS, cycles)
        fn.increase(fn.add(stalls, reason), cycles)
    return fn.end(later)


def _start() -> str:
    """Starts the first of a unit's queue where it may; whether it did."""
    fn = Function("start", ["unit"])
    (unit,) = fn.parameters
    slot = get(fn, unit, Q_HEAD)
    with fn.when(fn.equal(slot, 0)):
        fn.finish(0)
    free, server = _free_server(fn, unit)
    room = fn.call("room", unit)
    unknown = fn.call("poll", slot)
    serial = fn.choose(fn.equal(get(fn, unit, Q_SERIAL), 1), get(fn, unit, Q_ENDED), 0)
    known = fn.negate(fn.either(fn.equal(unknown, 1), fn.at_most(NEVER, fn.maximum(free, room, serial))))
    with fn.when(fn.negate(known)):
        fn.finish(0)
    hazards = fn.maximum(*(get(fn, slot, J_BOUNDS + index) for index in range(3)))
    hazards = fn.choose(fn.equal(fn.load(EXPLICIT), 1), 0, hazards)
    own = fn.maximum(free, room, serial, get(fn, unit, Q_STARTED), fn.add(get(fn, slot, J_DISPATCHED), 1))
    latest = fn.maximum(own, hazards)
    with fn.when(fn.less(fn.load(NOW), latest)):
        with fn.when(fn.negate(fn.equal(latest, get(fn, unit, Q_PUSHED)))):
            put(fn, unit, Q_PUSHED, latest)
            fn.call("push", latest)
        fn.finish(0)
    fn.call("begin", slot, unit, server, free, serial, room)
    return fn.end(1)


def _free_server(fn: Function, unit: Value) -> tuple[Value, Value]:
    """When the first of a unit's servers is free, and its address."""
    count, times = get(fn, unit, Q_SERVERS), get(fn, unit, Q_TIMES)
    free, server = fn.variable(NEVER + 1), fn.variable(times)
    with fn.counted(count) as index:
        at = fn.add(times, index)
        time = fn.call("release", at, fn.load(fn.add(at, count)))
        with fn.when(fn.less(time, fn.get(free))):
            fn.set(free, time)
            fn.set(server, at)
    return fn.get(free), fn.get(server)


def _begin() -> str:
    fn = Function("begin", ["slot", "unit", "server", "free", "serial", "room"])
    slot, unit, server, free, serial, room = fn.parameters
    now = fn.load(NOW)
    _book(fn, slot, unit, free, serial, room)
    put(fn, slot, J_START, now)
    put(fn, slot, J_FREE, free)
    put(fn, slot, J_FOLLOW, fn.add(now, get(fn, slot, J_OCCUPIES)))
    put(fn, slot, J_SERVER, server)
    fn.store(fn.add(server, get(fn, unit, Q_SERVERS)), slot)
    put(fn, unit, Q_LAST, get(fn, slot, J_TICKET))
    put(fn, unit, Q_STARTED, now)
    put(fn, unit, Q_ENDED, NEVER)
    bump(fn, unit, Q_FLYING, 1)
    bump(fn, unit, Q_WAITING, fn.sub(get(fn, slot, J_IMPLICIT), 1))
    following = get(fn, slot, J_NEXT)
    put(fn, unit, Q_HEAD, following)
    with fn.when(fn.equal(following, 0)):
        put(fn, unit, Q_TAIL, 0)
    put(fn, unit, Q_PUSHED, -1)
    _open(fn, slot, now)
    fn.call("settle", slot)
    return fn.end(0)


def _book(fn: Function, slot: Value, unit: Value, free: Value, serial: Value, room: Value) -> None:
    """What the server waited for since it was free; a hazard that a machine does not wait for is a violation."""
    for reason in range(len(REASONS)):
        put(fn, slot, J_WAITS + reason, 0)
    stalls = fn.add(fn.load(STALLS), fn.mul(get(fn, unit, Q_NUMBER), len(REASONS)))
    front = zip((NO_WORK, DISPATCH, QUEUE_FULL, WINDOW_FULL), range(4), strict=True)
    asked: list[tuple[int, Value]] = [(reason, get(fn, slot, J_FRONT + index)) for reason, index in front]
    asked += [(DISPATCH, fn.add(get(fn, slot, J_DISPATCHED), 1)), (ORDER, get(fn, unit, Q_STARTED))]
    asked += [(SERIAL, serial), (IN_FLIGHT, room)]
    at = fn.variable(free)
    for reason, bound in asked:
        _advance(fn, at, slot, stalls, reason, bound)
    explicit = fn.equal(fn.load(EXPLICIT), 1)
    now = fn.load(NOW)
    for index, reason in enumerate((RAW, WAR, WAW)):
        bound = get(fn, slot, J_BOUNDS + index)
        with fn.when(fn.negate(explicit)):
            _advance(fn, at, slot, stalls, reason, bound)
        first = fn.equal(fn.load(VIOLATION_SITE), 0)
        with fn.when(fn.both(fn.both(explicit, first), fn.less(now, bound))):
            fn.store(VIOLATION_SITE, fn.add(get(fn, slot, J_SITE), 1))
            fn.store(VIOLATION_START, now)
            fn.store(VIOLATION_KIND, reason)


def _advance(fn: Function, at: Variable, slot: Value, stalls: Value, reason: int, bound: Value) -> None:
    fn.set(at, fn.call("wait", slot, stalls, reason, fn.get(at), bound))


def _open(fn: Function, slot: Value, now: Value) -> None:
    """Asks for the beats that begin with the start, or at ``read_at``."""
    put(fn, slot, J_NEEDED, get(fn, slot, J_OCCUPIES))
    transfer = fn.equal(get(fn, slot, J_TRANSFER), 1)
    with uses(fn, slot) as use:
        for side in range(2):
            put(fn, use, U_DONE + side, now)
        with fn.when(fn.less(0, get(fn, use, U_READ_PORTS))):
            late = fn.choose(transfer, 0, get(fn, use, U_READ_AT))
            fn.call("ask", slot, use, 0, fn.add(now, late))
        with fn.when(fn.both(transfer, fn.less(0, get(fn, use, U_WRITE_PORTS)))):
            fn.call("ask", slot, use, 1, now)


def _start_all() -> str:
    """Starts every first of a queue that may; whether any did."""
    fn = Function("start_all")
    any_started = fn.variable(0)
    with fn.counted(fn.load(UNIT_COUNT)) as index:
        unit = fn.add(fn.load(UNITS), fn.mul(index, UNIT_WORDS))
        with fn.loop() as loop:
            loop.leave_unless(fn.equal(fn.call("start", unit), 1))
            fn.set(any_started, 1)
    return fn.end(fn.get(any_started))
