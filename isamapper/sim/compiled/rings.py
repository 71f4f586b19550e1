"""Compiled ``Greatest``: the greatest times put in, kept ascending in a ring."""

from __future__ import annotations

from isamapper.sim.compiled.layout import Ring
from isamapper.sim.compiled.text import Function, Value


def least(fn: Function, ring: Ring) -> Value:
    """When a place is free: the least of the greatest times."""
    return fn.load(fn.add(ring.values, fn.load(ring.position)) if ring.size > 1 else ring.values)


def put(fn: Function, ring: Ring, time: Value, ascending: bool) -> None:
    """Adds a time; ``ascending`` promises that none put in before was greater."""
    if ring.size == 1:
        fn.store(ring.values, time if ascending else fn.maximum(time, fn.load(ring.values)))
        return
    position = fn.load(ring.position)
    following = fn.add(position, 1)
    following = fn.choose(fn.equal(following, ring.size), 0, following)
    if ascending:
        fn.store(fn.add(ring.values, position), time)
        fn.store(ring.position, following)
        return
    with fn.when(fn.less(fn.load(fn.add(ring.values, position)), time)):
        fn.store(ring.position, following)
        place = fn.variable(position)
        with fn.loop() as loop:  # from the newest back, making room for the time
            now = fn.get(place)
            before = fn.sub(fn.choose(fn.equal(now, 0), ring.size, now), 1)
            loop.leave_if(fn.equal(before, position))
            other = fn.load(fn.add(ring.values, before))
            loop.leave_if(fn.at_most(other, time))
            fn.store(fn.add(ring.values, now), other)
            fn.set(place, before)
        fn.store(fn.add(ring.values, fn.get(place)), time)
