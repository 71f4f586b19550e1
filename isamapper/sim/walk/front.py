"""Compiled dispatch, and the walk from one cycle in which something can happen to the next."""

from __future__ import annotations

from isamapper.sim.compiled.layout import CLOCK, IN_CYCLE, PER_CYCLE, STATISTICS, STATUS, STEPS
from isamapper.sim.compiled.text import Function, Value
from isamapper.sim.walk.fields import get, put, slot_of
from isamapper.sim.walk.words import (
    HELD,
    J_BOUNDS,
    J_DISPATCHED,
    J_END,
    J_FRONT,
    J_IMPLICIT,
    J_ISSUE,
    J_NEXT,
    J_NUMBER,
    J_TICKET,
    J_UNIT,
    NEVER,
    NOW,
    Q_DEPTH,
    Q_HEAD,
    Q_HELD_TO_END,
    Q_TAIL,
    Q_TAKEN,
    Q_TAKEN_COUNT,
    Q_WAITING,
    STUCK,
    TAIL,
    TICKET,
    WINDOW,
    WINDOW_ANY,
    WINDOW_COUNT,
    WINDOW_SIZE,
)


def front_functions() -> str:
    """``offer`` a job to the front end and walk until it is dispatched; ``drain`` what is left."""
    return "".join((_ended(), _retire(), _blocked(), _dispatch(), _book(), _advance(), _offer(), _drain()))


def _ended() -> str:
    """Whether the job with this ticket has ended; slots that others have taken belonged to jobs that had."""
    fn = Function("ended", ["ticket"])
    (ticket,) = fn.parameters
    with fn.when(fn.less(ticket, fn.load(TAIL))):
        fn.finish(1)
    return fn.end(fn.choose(fn.at_most(get(fn, slot_of(fn, ticket), J_END), fn.load(NOW)), 1, 0))


def _retire() -> str:
    """Takes tickets of ended jobs out of a list: all, or those before the first that has not; how many are left."""
    fn = Function("retire", ["list", "count", "any"])
    first, count, order = fn.parameters
    kept, open_ = fn.variable(0), fn.variable(1)
    with fn.counted(count) as index:
        ticket = fn.load(fn.add(first, index))
        over = fn.equal(fn.call("ended", ticket), 1)
        leaves = fn.both(over, fn.equal(fn.get(open_), 1))
        with fn.when(fn.negate(leaves)):
            fn.store(fn.add(first, fn.get(kept)), ticket)
            fn.set(kept, fn.add(fn.get(kept), 1))
            fn.set(open_, fn.choose(fn.equal(order, 1), fn.get(open_), 0))
    return fn.end(fn.get(kept))


def _blocked() -> str:
    """Why the front end cannot dispatch now: 1 its rate, 2 a full queue, 3 a full window; 0 if it can."""
    fn = Function("blocked", ["unit"])
    (unit,) = fn.parameters
    now, clock = fn.load(NOW), fn.load(CLOCK)
    with fn.when(fn.both(fn.at_most(now, clock), fn.equal(fn.load(IN_CYCLE), fn.load(PER_CYCLE)))):
        fn.call("push", fn.maximum(fn.add(now, 1), clock))
        fn.finish(1)
    depth, to_end = get(fn, unit, Q_DEPTH), fn.equal(get(fn, unit, Q_HELD_TO_END), 1)
    with fn.when(fn.at_most(0, depth)):
        with fn.when(fn.both(to_end, fn.equal(get(fn, unit, Q_TAKEN_COUNT), depth))):
            left = fn.call("retire", get(fn, unit, Q_TAKEN), depth, 1)
            put(fn, unit, Q_TAKEN_COUNT, left)
        held = fn.choose(to_end, get(fn, unit, Q_TAKEN_COUNT), get(fn, unit, Q_WAITING))
        with fn.when(fn.at_most(depth, held)):
            fn.finish(2)
    size = fn.load(WINDOW_SIZE)
    with fn.when(fn.equal(fn.load(WINDOW_COUNT), size)):
        left = fn.call("retire", fn.load(WINDOW), size, fn.load(WINDOW_ANY))
        fn.store(WINDOW_COUNT, left)
        with fn.when(fn.equal(left, size)):
            fn.finish(3)
    return fn.end(0)


def _dispatch() -> str:
    """Puts a job into its queue, where the front end can; whether it did."""
    fn = Function("dispatch", ["slot"])
    (slot,) = fn.parameters
    unit = get(fn, slot, J_UNIT)
    explicit = fn.equal(get(fn, slot, J_IMPLICIT), 0)
    with fn.when(explicit), fn.when(fn.negate(fn.equal(fn.call("blocked", unit), 0))):
        fn.finish(0)
    front = fn.variable(fn.load(CLOCK))
    put(fn, slot, J_FRONT, fn.get(front))
    for reason in range(3):
        fn.set(front, fn.add(fn.get(front), fn.choose(explicit, fn.load(HELD + reason), 0)))
        put(fn, slot, J_FRONT + 1 + reason, fn.get(front))
        fn.store(HELD + reason, 0)
    with fn.when(explicit):
        _take(fn, slot, unit)
    dispatched = fn.load(CLOCK)
    put(fn, slot, J_DISPATCHED, dispatched)
    for index in range(3):
        put(fn, slot, J_BOUNDS + index, fn.add(dispatched, 1))
    with fn.when(explicit):
        _keep(fn, slot)
    last = get(fn, unit, Q_TAIL)
    fn.store(fn.choose(fn.equal(last, 0), fn.add(unit, Q_HEAD), fn.add(last, J_NEXT)), slot)
    put(fn, unit, Q_TAIL, slot)
    put(fn, slot, J_NEXT, 0)
    put(fn, slot, J_NUMBER, fn.load(STEPS))
    fn.increase(STEPS, 1)
    fn.increase(TICKET, 1)
    fn.call("push", fn.add(dispatched, 1))
    return fn.end(1)


def _take(fn: Function, slot: Value, unit: Value) -> None:
    """A dispatch slot of this cycle, an entry of the queue, a place in the window."""
    now, ticket = fn.load(NOW), get(fn, slot, J_TICKET)
    same = fn.equal(now, fn.load(CLOCK))
    fn.store(IN_CYCLE, fn.choose(same, fn.add(fn.load(IN_CYCLE), 1), 1))
    fn.store(CLOCK, now)
    put(fn, unit, Q_WAITING, fn.add(get(fn, unit, Q_WAITING), 1))
    bounded = fn.at_most(0, get(fn, unit, Q_DEPTH))
    with fn.when(fn.both(bounded, fn.equal(get(fn, unit, Q_HELD_TO_END), 1))):
        count = get(fn, unit, Q_TAKEN_COUNT)
        fn.store(fn.add(get(fn, unit, Q_TAKEN), count), ticket)
        put(fn, unit, Q_TAKEN_COUNT, fn.add(count, 1))
    with fn.when(fn.at_most(0, fn.load(WINDOW_SIZE))):
        count = fn.load(WINDOW_COUNT)
        fn.store(fn.add(fn.load(WINDOW), count), ticket)
        fn.store(WINDOW_COUNT, fn.add(count, 1))


def _keep(fn: Function, slot: Value) -> None:
    """What was dispatched keeps the front end for its issue cycles, alone where they are more than one."""
    cycles = get(fn, slot, J_ISSUE)
    with fn.when(fn.less(1, cycles)):
        fn.increase(CLOCK, fn.sub(cycles, 1))
        fn.store(IN_CYCLE, fn.load(PER_CYCLE))
        fn.increase(fn.load(STATISTICS), fn.sub(cycles, 1))


def _book() -> str:
    """Books the cycles until ``following`` that the front end stands still with a job."""
    fn = Function("book_front", ["slot", "following"])
    slot, following = fn.parameters
    now = fn.load(NOW)
    with fn.when(fn.either(fn.equal(get(fn, slot, J_IMPLICIT), 1), fn.less(now, fn.load(CLOCK)))):
        fn.finish(0)
    reason = fn.call("blocked", get(fn, slot, J_UNIT))
    with fn.when(fn.equal(reason, 0)):
        fn.finish(0)
    cycles = fn.choose(fn.equal(reason, 1), 1, fn.sub(following, now))
    fn.increase(fn.add(reason, HELD - 1), cycles)
    fn.increase(fn.add(fn.load(STATISTICS), reason, -1), cycles)
    return fn.end(0)


def _advance() -> str:
    """Serves the ports and goes to the next cycle in which something can happen; 0 where there is none."""
    fn = Function("advance", ["slot"])
    (slot,) = fn.parameters
    now = fn.load(NOW)
    limit = fn.call("drop", now)
    taken = fn.call("serve", limit)
    following = fn.variable(limit)
    with fn.when(fn.less(0, taken)):
        reached = fn.add(now, taken)
        fn.set(following, fn.minimum(reached, fn.call("drop", fn.sub(reached, 1))))
    at = fn.get(following)
    with fn.when(fn.equal(at, NEVER)):
        fn.finish(0)
    with fn.when(fn.negate(fn.equal(slot, 0))):
        fn.call("book_front", slot, at)
    fn.store(NOW, at)
    return fn.end(1)


def _offer() -> str:
    """Walks on until a job is dispatched."""
    fn = Function("offer", ["slot"])
    (slot,) = fn.parameters
    with fn.loop() as loop:
        loop.leave_unless(fn.equal(fn.load(STATUS), 0))
        with fn.loop() as again:
            again.leave_unless(fn.equal(fn.call("start_all"), 1))
        loop.leave_if(fn.equal(fn.call("dispatch", slot), 1))
        with fn.when(fn.equal(fn.call("advance", slot), 0)):
            fn.store(STATUS, STUCK)
    return fn.end(0)


def _drain() -> str:
    """Walks on until nothing can happen any more."""
    fn = Function("drain")
    with fn.loop() as loop:
        loop.leave_unless(fn.equal(fn.load(STATUS), 0))
        with fn.loop() as again:
            again.leave_unless(fn.equal(fn.call("start_all"), 1))
        loop.leave_unless(fn.equal(fn.call("advance", 0), 1))
    return fn.end(0)
