"""Compiled code that walks the table of any program: its loops, guards and invocations. The same for all programs.

It does what the code that ``nest.py`` writes does, reading from the state what stands in that code. What does not
belong here: what a table holds (``table.py``).
"""

from __future__ import annotations

from functools import partial

from isamapper.sim.compiled.layout import ARGUMENTS, BUDGET, CODE, FLOOR_COUNT, FLOOR_UNITS, LONG, STATUS, STEPS
from isamapper.sim.compiled.limits import FOREVER
from isamapper.sim.compiled.table import MOST_ARGUMENTS, Walked
from isamapper.sim.compiled.text import Function, Value

CHECK_WORDS = 8
WALKED = Walked()


def value_function() -> str:
    """The value that a node of the table describes."""
    fn = Function("value", ["at"])
    (at,) = fn.parameters
    kind = fn.load(at)
    with fn.when(fn.equal(kind, 0)):
        total = fn.variable(fn.load(fn.add(at, 1)))
        with fn.counted(fn.load(fn.add(at, 2))) as index:
            term = fn.add(at, 3, fn.mul(index, 2))
            iterator = fn.load(fn.load(term))
            fn.set(total, fn.add(fn.get(total), fn.mul(iterator, fn.load(fn.add(term, 1)))))
        fn.finish(fn.get(total))
    with fn.when(fn.equal(kind, 1)):
        least = fn.variable(FOREVER)
        with fn.counted(fn.load(fn.add(at, 1))) as index:
            bound = fn.call("value", fn.load(fn.add(at, 2, index)))
            fn.set(least, fn.minimum(fn.get(least), bound))
        fn.finish(fn.maximum(fn.get(least), 0))
    turned = fn.variable(fn.call("value", fn.load(fn.add(at, 1))))
    with fn.counted(fn.load(fn.add(at, 2))) as index:
        row = fn.add(at, 3, fn.mul(index, 3))
        slot = fn.modulo(fn.call("value", fn.load(fn.add(row, 2))), fn.load(fn.add(row, 1)))
        fn.set(turned, fn.add(fn.get(turned), fn.mul(slot, fn.load(row))))
    return fn.end(fn.get(turned))


def _site() -> str:
    """One invocation, where its windows have any element; 1 where the walk is to end."""
    fn = Function("site", ["at"])
    (at,) = fn.parameters
    extents, arguments = fn.load(fn.add(at, 4)), fn.load(fn.add(at, 5))
    first = fn.add(at, 6)
    with fn.counted(extents) as index:
        extent = fn.call("value", fn.load(fn.add(first, index)))
        with fn.when(fn.at_most(extent, 0)):
            fn.finish(0)
    given = fn.load(ARGUMENTS)
    with fn.counted(arguments) as index:
        fn.store(fn.add(given, index), fn.call("value", fn.load(fn.add(first, extents, index))))
    fn.increase(fn.load(fn.add(at, 2)), 1)
    counter = fn.load(fn.add(at, 3))
    with fn.when(fn.less(0, counter)):
        fn.increase(counter, 1)
    step = fn.load(fn.add(at, 1))

    def call(count: int) -> None:
        fn.call_at(step, *(fn.load(fn.add(given, place)) for place in range(count)))

    fn.cases(arguments, [partial(call, count) for count in range(MOST_ARGUMENTS + 1)])
    return fn.end(fn.call("spend"))


def _spend() -> str:
    """Takes one from the budget; 1 where the walk is to end."""
    fn = Function("spend")
    left = fn.sub(fn.load(BUDGET), 1)
    fn.store(BUDGET, left)
    with fn.when(fn.less(left, 0)):
        fn.store(STATUS, LONG)
    return fn.end(fn.choose(fn.equal(fn.load(STATUS), 0), 0, 1))


def _branch() -> str:
    fn = Function("branch", ["at"])
    (at,) = fn.parameters
    with fn.counted(fn.load(fn.add(at, 3))) as index:
        row = fn.add(at, 4, fn.mul(index, 2))
        value = fn.call("value", fn.load(fn.add(row, 1)))
        exact = fn.equal(fn.load(row), 1)
        wrong = fn.either(fn.less(value, 0), fn.both(exact, fn.less(0, value)))
        with fn.when(wrong):
            fn.finish(fn.call("block", fn.load(fn.add(at, 2))))
    return fn.end(fn.call("block", fn.load(fn.add(at, 1))))


def _block() -> str:
    """Nodes one after the other; 1 where the walk is to end."""
    fn = Function("block", ["at"])
    (at,) = fn.parameters
    with fn.counted(fn.load(at)) as index:
        node, ended = fn.load(fn.add(at, 1, index)), fn.variable(0)

        def inner(name: str) -> None:
            fn.set(ended, fn.call(name, node))

        def floor() -> None:
            fn.store(FLOOR_UNITS, fn.load(fn.add(node, 1)))
            fn.store(FLOOR_COUNT, fn.load(fn.add(node, 2)))

        fn.cases(fn.load(node), [*(partial(inner, name) for name in ("site", "loop", "branch")), floor])
        with fn.when(fn.equal(fn.get(ended), 1)):
            fn.finish(1)
    return fn.end(0)


def _limit() -> str:
    """The first iteration from ``now`` on that may differ in control."""
    fn = Function("limit", ["at", "now", "trips"])
    at, now, trips = fn.parameters
    least, group = fn.variable(trips), fn.variable(fn.add(at, 1))
    with fn.counted(fn.load(at)):
        head = fn.get(group)
        count, latest = fn.load(head), fn.variable(0)
        with fn.counted(count) as index:
            row = fn.add(head, 1, fn.mul(index, CHECK_WORDS))
            kind, outer, low, high, slope, unit, up, down = (fn.load(fn.add(row, n)) for n in range(CHECK_WORDS))
            moved, zone = fn.call("value", outer), fn.variable(0)
            span = fn.add(low, moved), fn.add(high, moved)
            with fn.when(fn.equal(kind, 0)):
                fn.set(zone, fn.call("zone", now, *span, slope, unit, up, down))
            with fn.when(fn.equal(kind, 1)):
                fn.set(zone, fn.call("block_zone", now, *span, slope, unit))
            fn.set(latest, fn.maximum(fn.get(latest), fn.get(zone)))
        fn.set(least, fn.minimum(fn.get(least), fn.get(latest)))
        fn.set(group, fn.add(head, 1, fn.mul(count, CHECK_WORDS)))
    return fn.end(fn.get(least))


def _loop() -> str:
    """A loop, with skipping where it has a snapshot; 1 where the walk is to end."""
    fn = Function("loop", ["at"])
    (at,) = fn.parameters

    def word(place: int) -> Value:
        return fn.load(fn.add(at, place))

    trips, iterator, body = fn.call("value", word(WALKED.extent)), word(WALKED.iterator), word(WALKED.body)
    snapshot, entered = word(WALKED.snapshot), fn.load(STEPS)
    counter, due = fn.variable(0), fn.variable(FOREVER)
    skips = fn.less(0, snapshot)
    with fn.when(skips):
        fn.store(snapshot, 0)
        with fn.when(fn.at_most(word(WALKED.trips), trips)):
            fn.set(due, fn.add(entered, word(WALKED.first)))
    with fn.loop() as code:
        now = fn.get(counter)
        code.leave_unless(fn.less(now, trips))
        fn.store(iterator, now)
        with fn.when(fn.equal(fn.call("block", body), 1)):
            fn.finish(1)
        with fn.when(fn.equal(fn.call("spend"), 1)):
            fn.finish(1)
        fn.set(counter, fn.add(now, 1))
        with fn.when(skips):
            fn.set(counter, fn.call("ahead", at, fn.add(now, 1)))
            later = fn.get(counter)
            steps = fn.add(fn.load(STEPS), later)
            with fn.when(fn.at_most(fn.get(due), steps)):
                fn.call("snapshot", snapshot, later, fn.call("limit", word(WALKED.checks), later, trips))
                fn.set(due, fn.add(steps, fn.maximum(word(WALKED.first), fn.sub(steps, entered))))
    return fn.end(0)


def _ahead() -> str:
    """Compares with a loop's snapshot, where there is one; the iteration to go on with."""
    fn = Function("ahead", ["at", "iteration"])
    at, iteration = fn.parameters
    snapshot = fn.load(fn.add(at, WALKED.snapshot))
    with fn.when(fn.equal(fn.load(snapshot), 0)):
        fn.finish(iteration)
    words = (WALKED.shifts, WALKED.rows, WALKED.row_count)
    shifts, rows, count = (fn.load(fn.add(at, place)) for place in words)
    period = fn.load(fn.add(at, WALKED.period))
    return fn.end(fn.call("attempt", snapshot, shifts, rows, count, iteration, period))


def walker_functions() -> str:
    """``walk``, the whole program, with all that it calls but the steps and what looks for repetition."""
    fn = Function("walk", internal=False)
    fn.call("block", fn.load(CODE))
    parts = (value_function(), _spend(), _site(), _branch(), _limit(), _ahead(), _loop(), _block())
    return "".join(parts) + fn.end(0)
