"""Compiled times to come: a binary heap of cycles in which something may happen."""

from __future__ import annotations

from isamapper.sim.compiled.layout import STATUS
from isamapper.sim.compiled.text import Function, Value
from isamapper.sim.walk.words import FULL, FULL_TIMES, HEAP, HEAP_COUNT, HEAP_SIZE, NEVER, OVERFLOW


def heap_functions() -> str:
    """``push`` a time, ``drop`` all up to one; ``drop`` returns the least that is left."""
    return _push() + _pop() + _drop()


def _at(fn: Function, index: Value) -> Value:
    return fn.add(fn.load(HEAP), index)


def _push() -> str:
    fn = Function("push", ["time"])
    (time,) = fn.parameters
    count = fn.load(HEAP_COUNT)
    with fn.when(fn.equal(count, fn.load(HEAP_SIZE))):
        fn.store(STATUS, OVERFLOW)
        fn.store(FULL, FULL_TIMES)
        fn.finish(0)
    with fn.when(fn.equal(time, NEVER)):
        fn.finish(0)
    fn.store(HEAP_COUNT, fn.add(count, 1))
    place = fn.variable(count)
    with fn.loop() as loop:
        now = fn.get(place)
        loop.leave_if(fn.equal(now, 0))
        above = fn.floor_divide(fn.sub(now, 1), 2)
        other = fn.load(_at(fn, above))
        loop.leave_if(fn.at_most(other, time))
        fn.store(_at(fn, now), other)
        fn.set(place, above)
    fn.store(_at(fn, fn.get(place)), time)
    return fn.end(0)


def _pop() -> str:
    """Takes the least time out of a heap that has one."""
    fn = Function("pop")
    count = fn.sub(fn.load(HEAP_COUNT), 1)
    fn.store(HEAP_COUNT, count)
    time = fn.load(_at(fn, count))
    place = fn.variable(0)
    with fn.loop() as loop:
        now = fn.get(place)
        left = fn.add(fn.mul(now, 2), 1)
        loop.leave_unless(fn.less(left, count))
        right = fn.add(left, 1)
        first, second = fn.load(_at(fn, left)), fn.load(_at(fn, fn.choose(fn.less(right, count), right, left)))
        best = fn.choose(fn.less(second, first), right, left)
        least = fn.minimum(first, second)
        loop.leave_if(fn.at_most(time, least))
        fn.store(_at(fn, now), least)
        fn.set(place, best)
    fn.store(_at(fn, fn.get(place)), time)
    return fn.end(0)


def _drop() -> str:
    fn = Function("drop", ["time"])
    (time,) = fn.parameters
    with fn.loop() as loop:
        loop.leave_unless(fn.less(0, fn.load(HEAP_COUNT)))
        loop.leave_unless(fn.at_most(fn.load(_at(fn, 0)), time))
        fn.call("pop")
    with fn.when(fn.equal(fn.load(HEAP_COUNT), 0)):
        fn.finish(NEVER)
    return fn.end(fn.load(_at(fn, 0)))
