"""Compiled walk over a program's table that stops at every invocation and can be gone on with.

The loops that are open stand in state, one frame each: the block, the place in it, the loop's node (0: none) and its
trips. So cores can be walked side by side. What a table holds says ``compiled/table.py``; loops do not skip here.
"""

from __future__ import annotations

from functools import partial

from isamapper.sim.compiled.layout import ARGUMENTS, CODE
from isamapper.sim.compiled.table import MOST_ARGUMENTS, Walked
from isamapper.sim.compiled.text import Function, Value
from isamapper.sim.compiled.walker import value_function
from isamapper.sim.walk.fields import get, put
from isamapper.sim.walk.words import DEPTH, FRAMES, PENDING

FRAME_WORDS = 4
WALKED = Walked()


def resume_functions() -> str:
    """``first_job`` and ``next_job``: both put the next job into ``PENDING``, 0 where there is none."""
    parts = (value_function(), _push(), _site(), _loop(), _branch(), _floor(), _next(), _first(), _hold())
    return "".join(parts).replace(" nounwind {", ' nounwind "no-jump-tables"="true" {')


def _hold() -> str:
    """What a step does with a job that it has described."""
    fn = Function("hold", ["slot"])
    (slot,) = fn.parameters
    fn.store(PENDING, slot)
    return fn.end(0)


def _push() -> str:
    """Opens a block: a loop's body, from its first iteration on, or a branch."""
    fn = Function("open_block", ["block", "node", "trips"])
    block, node, trips = fn.parameters
    depth = fn.load(DEPTH)
    frame = fn.add(fn.load(FRAMES), fn.mul(depth, FRAME_WORDS))
    known: tuple[Value, ...] = (block, 0, node, trips)
    for word, value in enumerate(known):
        put(fn, frame, word, value)
    fn.store(DEPTH, fn.add(depth, 1))
    return fn.end(0)


def _site() -> str:
    fn = Function("visit_site", ["at"])
    (at,) = fn.parameters
    extents, arguments = get(fn, at, 4), get(fn, at, 5)  # steps of the walk count themselves
    first = fn.add(at, 6)
    with fn.counted(extents) as index:
        extent = fn.call("value", get(fn, first, index))
        with fn.when(fn.at_most(extent, 0)):
            fn.finish(0)
    given = fn.load(ARGUMENTS)
    with fn.counted(arguments) as index:
        put(fn, given, index, fn.call("value", fn.load(fn.add(first, extents, index))))
    step = get(fn, at, 1)

    def call(count: int) -> None:
        fn.call_at(step, *(get(fn, given, place) for place in range(count)))

    fn.cases(arguments, [partial(call, count) for count in range(MOST_ARGUMENTS + 1)])
    return fn.end(0)


def _loop() -> str:
    fn = Function("visit_loop", ["at"])
    (at,) = fn.parameters
    trips = fn.call("value", get(fn, at, WALKED.extent))
    with fn.when(fn.less(0, trips)):
        fn.store(get(fn, at, WALKED.iterator), 0)
        fn.call("open_block", get(fn, at, WALKED.body), at, trips)
    return fn.end(0)


def _branch() -> str:
    fn = Function("visit_branch", ["at"])
    (at,) = fn.parameters
    with fn.counted(get(fn, at, 3)) as index:
        row = fn.add(at, 4, fn.mul(index, 2))
        value = fn.call("value", get(fn, row, 1))
        exact = fn.equal(fn.load(row), 1)
        wrong = fn.either(fn.less(value, 0), fn.both(exact, fn.less(0, value)))
        with fn.when(wrong):
            fn.call("open_block", get(fn, at, 2), 0, 0)
            fn.finish(0)
    fn.call("open_block", get(fn, at, 1), 0, 0)
    return fn.end(0)


def _floor() -> str:
    """Nothing: the walk knows what is still on its way."""
    fn = Function("visit_floor", ["at"])
    return fn.end(0)


def _next() -> str:
    fn = Function("next_job")
    fn.store(PENDING, 0)
    with fn.loop():
        depth = fn.load(DEPTH)
        with fn.when(fn.equal(depth, 0)):
            fn.finish(0)
        frame = fn.add(fn.load(FRAMES), fn.mul(fn.sub(depth, 1), FRAME_WORDS))
        block, place = get(fn, frame, 0), get(fn, frame, 1)
        inside = fn.less(place, fn.load(block))
        with fn.when(fn.negate(inside)):
            _round(fn, frame, depth)
        with fn.when(inside):
            put(fn, frame, 1, fn.add(place, 1))
            node = fn.load(fn.add(block, place, 1))
            names = ("visit_site", "visit_loop", "visit_branch", "visit_floor")
            fn.cases(fn.load(node), [partial(_visit, fn, name, node) for name in names])
            with fn.when(fn.negate(fn.equal(fn.load(PENDING), 0))):
                fn.finish(0)
    return fn.end(0)


def _visit(fn: Function, name: str, node: Value) -> None:
    fn.call(name, node)


def _round(fn: Function, frame: Value, depth: Value) -> None:
    """The next iteration of the loop, or the end of the block."""
    node = get(fn, frame, 2)
    ends = fn.variable(1)
    with fn.when(fn.negate(fn.equal(node, 0))):
        word = get(fn, node, WALKED.iterator)
        following = fn.add(fn.load(word), 1)
        with fn.when(fn.less(following, get(fn, frame, 3))):
            fn.store(word, following)
            put(fn, frame, 1, 0)
            fn.set(ends, 0)
    with fn.when(fn.equal(fn.get(ends), 1)):
        fn.store(DEPTH, fn.sub(depth, 1))


def _first() -> str:
    fn = Function("first_job")
    fn.store(DEPTH, 0)
    fn.call("open_block", fn.load(CODE), 0, 0)
    fn.call("next_job")
    return fn.end(0)
