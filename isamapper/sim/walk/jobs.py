"""Compiled jobs: slots taken in turn, and which older jobs a new one has to wait for, atom by atom.

An atom has a list of the operands on their way that touch it. A new job notes every older operand that conflicts, with
the word in which its time will stand; a slot that has been taken by another job since holds nobody any more.
"""

from __future__ import annotations

from isamapper.sim.compiled.layout import STATUS
from isamapper.sim.compiled.text import Function, Truth, Value
from isamapper.sim.counters import ORDER, RAW, WAR, WAW
from isamapper.sim.walk.fields import get, put, slot_of
from isamapper.sim.walk.words import (
    ACCUMULATES,
    D_AT,
    D_KIND,
    D_LESS,
    D_SLOT,
    D_TICKET,
    DEPENDENCIES,
    DEPENDENCY_WORDS,
    FULL,
    FULL_DEPENDENCIES,
    FULL_JOBS,
    FULL_NODES,
    J_DELAY,
    J_DEPENDENCIES,
    J_END,
    J_FOLLOW,
    J_HELD,
    J_LAST,
    J_LATEST,
    J_NEEDED,
    J_NODES,
    J_PENDING,
    J_PHASE,
    J_RELEASED,
    J_SERVER,
    J_START,
    J_TICKET,
    J_UNIT,
    MOST_DEPENDENCIES,
    N_ATOM,
    N_BEFORE,
    N_NEXT,
    N_REGION,
    N_SIBLING,
    N_USE,
    NEVER,
    NODE_END,
    NODE_FREE,
    NODE_NEXT,
    NODE_WORDS,
    NOW,
    OVERFLOW,
    READS,
    RENAMED,
    SLOT_MASK,
    TAIL,
    TICKET,
    U_FLAGS,
    U_LEAST_READY,
    U_READ,
    U_READ_AT,
    U_READY,
    U_SLOT,
    U_STAMP,
    WRITES,
)


def job_functions() -> str:
    """``open_job``, ``conflict`` and ``link``, with what they call."""
    return _unlink() + _insert() + _forget() + _open() + _note() + _conflict() + _link()


def _unlink() -> str:
    fn = Function("unlink", ["node"])
    (node,) = fn.parameters
    before, following = get(fn, node, N_BEFORE), get(fn, node, N_NEXT)
    with fn.when(fn.equal(before, 0)):
        fn.finish(0)
    fn.store(before, following)
    with fn.when(fn.negate(fn.equal(following, 0))):
        put(fn, following, N_BEFORE, before)
    put(fn, node, N_BEFORE, 0)
    return fn.end(0)


def _insert() -> str:
    """Puts a node at the front of an atom's list."""
    fn = Function("insert", ["node", "atom"])
    node, atom = fn.parameters
    first = fn.load(atom)
    put(fn, node, N_ATOM, atom)
    put(fn, node, N_NEXT, first)
    put(fn, node, N_BEFORE, fn.add(atom, 0))
    with fn.when(fn.negate(fn.equal(first, 0))):
        put(fn, first, N_BEFORE, fn.add(node, N_NEXT))
    fn.store(atom, node)
    return fn.end(0)


def _forget() -> str:
    """Gives the nodes of a job back."""
    fn = Function("forget", ["slot"])
    (slot,) = fn.parameters
    cursor = fn.variable(get(fn, slot, J_NODES))
    with fn.loop() as loop:
        node = fn.get(cursor)
        loop.leave_if(fn.equal(node, 0))
        fn.call("unlink", node)
        fn.set(cursor, get(fn, node, N_SIBLING))
        put(fn, node, N_SIBLING, fn.load(NODE_FREE))
        fn.store(NODE_FREE, node)
    put(fn, slot, J_NODES, 0)
    return fn.end(0)


def _open() -> str:
    """The slot of the next job; a spare one where all are taken, and then the run has failed."""
    fn = Function("open_job")
    with fn.loop() as loop:
        tail = fn.load(TAIL)
        loop.leave_unless(fn.less(tail, fn.load(TICKET)))
        slot = slot_of(fn, tail)
        loop.leave_unless(fn.at_most(get(fn, slot, J_LATEST), fn.load(NOW)))
        fn.call("forget", slot)
        fn.store(TAIL, fn.add(tail, 1))
    ticket = fn.load(TICKET)
    with fn.when(fn.less(fn.load(SLOT_MASK), fn.sub(ticket, fn.load(TAIL)))):
        fn.store(STATUS, OVERFLOW)
        fn.store(FULL, FULL_JOBS)
    slot = slot_of(fn, ticket)
    put(fn, slot, J_TICKET, ticket)
    for word in (J_START, J_RELEASED, J_END, J_LATEST, J_FOLLOW, J_LAST):
        put(fn, slot, word, NEVER)
    for word in (J_DEPENDENCIES, J_NODES, J_PENDING, J_PHASE, J_DELAY, J_HELD, J_NEEDED, J_SERVER):
        put(fn, slot, word, 0)
    return fn.end(slot)


def _note() -> str:
    """Notes that a job waits for the time at ``at``, less some cycles."""
    fn = Function("depend", ["slot", "kind", "older", "at", "less"])
    slot, kind, older, at, less = fn.parameters
    count = get(fn, slot, J_DEPENDENCIES)
    with fn.when(fn.equal(count, fn.load(MOST_DEPENDENCIES))):
        fn.store(STATUS, OVERFLOW)
        fn.store(FULL, FULL_DEPENDENCIES)
        fn.finish(0)
    row = fn.add(slot, fn.load(DEPENDENCIES), fn.mul(count, DEPENDENCY_WORDS))
    put(fn, row, D_KIND, kind)
    put(fn, row, D_AT, at)
    put(fn, row, D_SLOT, older)
    put(fn, row, D_TICKET, get(fn, older, J_TICKET))
    put(fn, row, D_LESS, less)
    put(fn, slot, J_DEPENDENCIES, fn.add(count, 1))
    return fn.end(0)


def _has(fn: Function, flags: Value, bit: int) -> Truth:
    return fn.negate(fn.equal(fn.bits(flags, bit), 0))


def _conflict() -> str:
    """Notes the conflicts of a use with older ones on an atom."""
    fn = Function("conflict", ["slot", "use", "atom", "stamp"])
    slot, use, atom, stamp = fn.parameters
    flags, now = get(fn, use, U_FLAGS), fn.load(NOW)
    cursor = fn.variable(fn.load(atom))
    with fn.loop() as loop:
        node = fn.get(cursor)
        loop.leave_if(fn.equal(node, 0))
        fn.set(cursor, get(fn, node, N_NEXT))
        other = get(fn, node, N_USE)
        older = get(fn, other, U_SLOT)
        alive = fn.less(now, get(fn, older, J_LATEST))
        fresh = fn.negate(fn.equal(get(fn, other, U_STAMP), stamp))
        with fn.when(fn.both(fn.both(alive, fresh), fn.negate(fn.equal(older, slot)))):
            put(fn, other, U_STAMP, stamp)
            _hazards(fn, slot, use, flags, older, other)
    return fn.end(0)


def _hazards(fn: Function, slot: Value, use: Value, flags: Value, older: Value, other: Value) -> None:
    """The rules of ``event_jobs.hazards``."""
    before = get(fn, other, U_FLAGS)
    reads, writes = _has(fn, flags, READS), _has(fn, flags, WRITES)
    same_unit = fn.equal(get(fn, slot, J_UNIT), get(fn, older, J_UNIT))
    both_add = fn.both(_has(fn, flags, ACCUMULATES), _has(fn, before, ACCUMULATES))
    follows = fn.both(fn.both(both_add, same_unit), fn.either(writes, _has(fn, before, WRITES)))
    apart = fn.negate(follows)
    overwrites = fn.both(apart, fn.both(writes, fn.negate(_has(fn, flags, RENAMED))))
    with fn.when(follows):
        fn.call("depend", slot, ORDER, older, fn.add(older, J_FOLLOW), 0)
    with fn.when(fn.both(apart, fn.both(reads, _has(fn, before, WRITES)))):
        fn.call("depend", slot, RAW, older, fn.add(other, U_READY), get(fn, use, U_READ_AT))
    with fn.when(fn.both(overwrites, _has(fn, before, READS))):
        fn.call("depend", slot, WAR, older, fn.add(other, U_READ), 0)
    with fn.when(fn.both(overwrites, _has(fn, before, WRITES))):
        fn.call("depend", slot, WAW, older, fn.add(other, U_READY), get(fn, use, U_LEAST_READY))


def _link() -> str:
    """Puts a use into an atom's list; a write to a renamed register takes all others out."""
    fn = Function("link", ["slot", "use", "atom", "region"])
    slot, use, atom, region = fn.parameters
    flags = get(fn, use, U_FLAGS)
    with fn.when(fn.both(_has(fn, flags, RENAMED), _has(fn, flags, WRITES))), fn.loop() as loop:
        first = fn.load(atom)
        loop.leave_if(fn.equal(first, 0))
        fn.call("unlink", first)
    node = fn.variable(fn.load(NODE_FREE))
    with fn.when(fn.equal(fn.get(node), 0)):
        fresh = fn.load(NODE_NEXT)
        with fn.when(fn.equal(fresh, fn.load(NODE_END))):
            fn.store(STATUS, OVERFLOW)
            fn.store(FULL, FULL_NODES)
            fn.finish(0)
        fn.store(NODE_NEXT, fn.add(fresh, NODE_WORDS))
        put(fn, fresh, N_SIBLING, 0)
        fn.set(node, fresh)
    taken = fn.get(node)
    with fn.when(fn.equal(taken, fn.load(NODE_FREE))):
        fn.store(NODE_FREE, get(fn, taken, N_SIBLING))
    put(fn, taken, N_USE, use)
    put(fn, taken, N_REGION, region)
    put(fn, taken, N_SIBLING, get(fn, slot, J_NODES))
    put(fn, slot, J_NODES, taken)
    fn.call("insert", taken, atom)
    return fn.end(0)
