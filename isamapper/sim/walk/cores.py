"""Compiled walk of several cores side by side: every one has a state of its own; shared ports divide their cycles.

The driver has a state, too: the cores' states by their addresses, and per shared calendar who asks there. The rules are
those of ``sim/joint.py``.
"""

from __future__ import annotations

from isamapper.sim.compiled.layout import STATUS
from isamapper.sim.compiled.text import Function, Value
from isamapper.sim.walk.fields import bump, get, put, raise_to
from isamapper.sim.walk.words import (
    C_BACKLOG,
    C_CHOSEN,
    C_HEAD,
    C_SERVED,
    C_SHARED,
    J_PENDING,
    J_UNIT,
    NEVER,
    NOW,
    PENDING,
    PORT_COUNT,
    PORT_WORDS,
    PORTS,
    Q_NUMBER,
    S_DONE,
    S_LEFT,
    S_SIDE,
    S_USE,
    U_DONE,
    U_PENDING,
    U_SLOT,
)

# The driver's state
(
    D_CORES,  # how many
    D_STATES,  # table of their addresses
    D_SCALE,
    D_CONTENDED,  # how many calendars
    D_ROWS,  # table: number of members, then for each core, calendar, weight, and whether it asks now
    D_NOW,
) = range(6)
DRIVER_WORDS = 6
MEMBER_WORDS = 4


def core_functions() -> str:
    """``run_cores``, with what it calls."""
    own = _act() + _beats() + _choose_own() + _pass_own() + _settle_done() + _leave() + _later()
    return own + _ask_shared() + _pass_shared() + _least() + _run()


# of one core


def _act() -> str:
    """Starts and dispatches what can be; the status."""
    fn = Function("act")
    with fn.loop() as loop:
        with fn.loop() as again:
            again.leave_unless(fn.equal(fn.call("start_all"), 1))
        slot = fn.load(PENDING)
        loop.leave_if(fn.equal(slot, 0))
        loop.leave_unless(fn.equal(fn.call("dispatch", slot), 1))
        fn.call("next_job")
    return fn.end(fn.load(STATUS))


def _beats() -> str:
    """Serves the stream that a calendar has chosen: so much of it is done, by ``end``."""
    fn = Function("beats", ["calendar", "amount", "end"])
    calendar, amount, end = fn.parameters
    stream = get(fn, calendar, C_CHOSEN)
    use, side = get(fn, stream, S_USE), get(fn, stream, S_SIDE)
    slot = get(fn, use, U_SLOT)
    put(fn, calendar, C_SERVED, get(fn, get(fn, slot, J_UNIT), Q_NUMBER))
    before = get(fn, stream, S_LEFT)
    done = fn.minimum(amount, before)
    bump(fn, calendar, C_BACKLOG, fn.sub(0, done))
    left = fn.sub(before, done)
    put(fn, stream, S_LEFT, left)
    with fn.when(fn.equal(left, 0)):
        put(fn, stream, S_DONE, end)
        raise_to(fn, fn.add(use, side), U_DONE, end)
        bump(fn, fn.add(use, side), U_PENDING, -1)
        bump(fn, slot, J_PENDING, -1)
        fn.call("leave", calendar, stream)
    return fn.end(0)


def _choose_own() -> str:
    """Lets every calendar choose that is the core's own; for how many cycles that stands, ``NEVER`` where none asks."""
    fn = Function("choose_own")
    first, cycles = fn.load(PORTS), fn.variable(NEVER)
    with fn.counted(fn.load(PORT_COUNT)) as index:
        calendar = fn.add(first, fn.mul(index, PORT_WORDS))
        put(fn, calendar, C_CHOSEN, 0)
        asked = fn.negate(fn.equal(get(fn, calendar, C_HEAD), 0))
        with fn.when(fn.both(asked, fn.equal(get(fn, calendar, C_SHARED), 0))):
            fn.set(cycles, fn.minimum(fn.get(cycles), fn.call("choose", calendar)))
    return fn.end(fn.get(cycles))


def _pass_own() -> str:
    """Every calendar of the core's own serves so many beats."""
    fn = Function("pass_own", ["taken"])
    (taken,) = fn.parameters
    first, end = fn.load(PORTS), fn.add(fn.load(NOW), taken)
    with fn.counted(fn.load(PORT_COUNT)) as index:
        calendar = fn.add(first, fn.mul(index, PORT_WORDS))
        chosen = fn.negate(fn.equal(get(fn, calendar, C_CHOSEN), 0))
        with fn.when(fn.both(chosen, fn.equal(get(fn, calendar, C_SHARED), 0))):
            fn.call("beats", calendar, taken, end)
    return fn.end(0)


def _settle_done() -> str:
    """Only after all have been served: what ends may ask for more."""
    fn = Function("settle_done")
    first = fn.load(PORTS)
    with fn.counted(fn.load(PORT_COUNT)) as index:
        stream = get(fn, fn.add(first, fn.mul(index, PORT_WORDS)), C_CHOSEN)
        with fn.when(fn.negate(fn.equal(stream, 0))), fn.when(fn.equal(get(fn, stream, S_LEFT), 0)):
            fn.call("settle", get(fn, get(fn, stream, S_USE), U_SLOT))
    return fn.end(0)


def _leave() -> str:
    """Books the cycles until ``following``, and goes there."""
    fn = Function("leave_cycle", ["following"])
    (following,) = fn.parameters
    slot = fn.load(PENDING)
    with fn.when(fn.negate(fn.equal(slot, 0))):
        fn.call("book_front", slot, following)
    fn.store(NOW, following)
    return fn.end(0)


def _later() -> str:
    """For how many cycles shares of ``credit`` go to whom the calendar has chosen; ``NEVER`` where nobody asks."""
    fn = Function("shares", ["calendar", "credit"])
    calendar, credit = fn.parameters
    with fn.when(fn.equal(get(fn, calendar, C_HEAD), 0)):
        fn.finish(NEVER)
    stands = fn.call("choose", calendar)
    with fn.when(fn.equal(stands, NEVER)):
        fn.finish(NEVER)
    return fn.end(fn.ceil_divide(stands, credit))


# of the driver


def _core(fn: Function, index: Value) -> str:
    return get(fn, fn.load(D_STATES), index)


def _row(fn: Function, number: Value) -> str:
    return get(fn, fn.load(D_ROWS), number)


def _ask_shared() -> str:
    """Lets shared calendars choose, core by core; for how many cycles that stands."""
    fn = Function("ask_shared")
    cycles = fn.variable(NEVER)
    with fn.counted(fn.load(D_CONTENDED)) as number:
        row, whole = _row(fn, number), fn.variable(0)
        with fn.counted(fn.load(row)) as index:
            member = fn.add(row, 1, fn.mul(index, MEMBER_WORDS))
            core = _core(fn, get(fn, member, 0))
            asks = fn.negate(fn.equal(fn.call_in(core, "shares", get(fn, member, 1), 1), NEVER))
            put(fn, member, 3, fn.choose(asks, 1, 0))
            with fn.when(asks):
                fn.set(whole, fn.add(fn.get(whole), get(fn, member, 2)))
        credit = fn.ceil_divide(fn.load(D_SCALE), fn.maximum(fn.get(whole), 1))
        with fn.counted(fn.load(row)) as index:
            member = fn.add(row, 1, fn.mul(index, MEMBER_WORDS))
            with fn.when(fn.equal(get(fn, member, 3), 1)):
                core = _core(fn, get(fn, member, 0))
                put(fn, member, 3, credit)
                fn.set(cycles, fn.minimum(fn.get(cycles), fn.call_in(core, "shares", get(fn, member, 1), credit)))
    return fn.end(fn.get(cycles))


def _pass_shared() -> str:
    """Every shared calendar serves so many cycles."""
    fn = Function("pass_shared", ["taken"])
    (taken,) = fn.parameters
    end = fn.add(fn.load(D_NOW), taken)
    with fn.counted(fn.load(D_CONTENDED)) as number:
        row = _row(fn, number)
        with fn.counted(fn.load(row)) as index:
            member = fn.add(row, 1, fn.mul(index, MEMBER_WORDS))
            credit = get(fn, member, 3)
            with fn.when(fn.negate(fn.equal(credit, 0))):
                core = _core(fn, get(fn, member, 0))
                fn.call_in(core, "beats", get(fn, member, 1), fn.mul(credit, taken), end)
    return fn.end(0)


def _least() -> str:
    """The least time to come of all cores, after those up to ``time``."""
    fn = Function("least_time", ["time"])
    (time,) = fn.parameters
    least = fn.variable(NEVER)
    with fn.counted(fn.load(D_CORES)) as index:
        fn.set(least, fn.minimum(fn.get(least), fn.call_in(_core(fn, index), "drop", time)))
    return fn.end(fn.get(least))


def _each(fn: Function, name: str, *arguments: Value) -> None:
    with fn.counted(fn.load(D_CORES)) as index:
        fn.call_in(_core(fn, index), name, *arguments)


def _run() -> str:
    fn = Function("run_cores")
    _each(fn, "first_job")
    with fn.loop() as loop:
        failed = fn.variable(0)
        with fn.counted(fn.load(D_CORES)) as index:
            fn.set(failed, fn.maximum(fn.get(failed), fn.call_in(_core(fn, index), "act")))
        loop.leave_if(fn.less(0, fn.get(failed)))
        now = fn.load(D_NOW)
        limit = fn.call("least_time", now)
        cycles = fn.variable(NEVER)
        with fn.counted(fn.load(D_CORES)) as index:
            fn.set(cycles, fn.minimum(fn.get(cycles), fn.call_in(_core(fn, index), "choose_own")))
        fn.set(cycles, fn.minimum(fn.get(cycles), fn.call("ask_shared")))
        following = fn.variable(limit)
        with fn.when(fn.less(fn.get(cycles), NEVER)):
            taken = fn.minimum(fn.get(cycles), fn.sub(limit, now))
            _each(fn, "pass_own", taken)
            fn.call("pass_shared", taken)
            _each(fn, "settle_done")
            reached = fn.add(now, taken)
            fn.set(following, fn.minimum(reached, fn.call("least_time", fn.sub(reached, 1))))
        at = fn.get(following)
        loop.leave_if(fn.equal(at, NEVER))
        _each(fn, "leave_cycle", at)
        fn.store(D_NOW, at)
    return fn.end(0)
