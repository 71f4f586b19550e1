"""Compiled skip-ahead of the event engine: is the machine where it was, and the jump over whole periods.

The state is written out relative to the present cycle, the next ticket and the iteration: everything under way, with
all that is known of it. Where it is word for word what it was, whatever follows repeats, as long as control does. Units
that did nothing in the period must be as they were; they do not move. What has ended holds nobody and is left out.
"""

from __future__ import annotations

from isamapper.sim.compiled.compare import touched_function
from isamapper.sim.compiled.layout import (
    CLOCK,
    CORE_COUNT,
    IN_CYCLE,
    LAST_END,
    STATISTIC_COUNT,
    STATISTICS,
    STEPS,
)
from isamapper.sim.compiled.live import core_of
from isamapper.sim.compiled.skip import choose_shifts_function
from isamapper.sim.compiled.text import Function, Truth, Value
from isamapper.sim.walk.fields import get, jobs, put, streams, uses
from isamapper.sim.walk.state import JOB_TIMES, USE_TIMES, state_functions
from isamapper.sim.walk.words import (
    HEAP,
    HEAP_COUNT,
    J_LATEST,
    J_NODES,
    N_ATOM,
    N_BEFORE,
    N_REGION,
    N_SIBLING,
    NEVER,
    NOW,
    PAIRS,
    Q_END_COUNT,
    Q_ENDED,
    Q_ENDS,
    Q_PUSHED,
    Q_SERVERS,
    Q_STARTED,
    Q_TIMES,
    Q_TOUCH,
    Q_TOUCH_COUNT,
    S_BEGINS,
    S_DONE,
    STREAM_WORDS,
    U_ASKED,
    UNIT_COUNT,
    UNIT_WORDS,
    UNITS,
    WORKSPACE,
    WORKSPACE_SIZE,
)


def repeat_functions() -> str:
    """``remember`` the state, and ``repeat`` where it is the same."""
    units = _same_units() + _shift_units()
    parts = touched_function() + choose_shifts_function() + state_functions() + units
    return parts + _same_atoms() + _same_words() + _shift_jobs() + _shift_atoms() + _remember() + _jump() + _repeat()


def _area(fn: Function, snapshot: Value) -> Value:
    return fn.add(core_of(fn, snapshot), fn.load(CORE_COUNT))


def _remember() -> str:
    fn = Function("remember", ["snapshot", "iteration", "limit"])
    snapshot, iteration, limit = fn.parameters
    fn.store(snapshot, 0)
    count = fn.call("write_state", _area(fn, snapshot))
    with fn.when(fn.less(count, 0)):
        fn.finish(0)
    header: tuple[Value, ...] = (1, iteration, limit, count, fn.load(PAIRS))
    for word, value in enumerate(header):
        put(fn, snapshot, word, value)
    fn.copy(core_of(fn, snapshot), 0, fn.load(CORE_COUNT))
    return fn.end(0)


def _moved(fn: Function, core: Value, word: int) -> Value:
    return fn.sub(fn.load(word), get(fn, core, word))


def _repeat() -> str:
    """Jumps over whole periods where the state repeats; the iteration to go on with."""
    fn = Function("repeat", ["snapshot", "shifts", "rows", "count", "iteration", "period"])
    snapshot, shifts, rows, count, iteration, period = fn.parameters
    passed = fn.sub(iteration, get(fn, snapshot, 1))
    periods = fn.floor_divide(fn.sub(get(fn, snapshot, 2), iteration), fn.maximum(passed, 1))
    core = core_of(fn, snapshot)
    cycles = _moved(fn, core, NOW)
    wrong: list[Truth] = [fn.less(periods, 1), fn.negate(fn.equal(fn.modulo(passed, period), 0))]
    wrong += [fn.negate(fn.equal(_moved(fn, core, word), cycles)) for word in (CLOCK, LAST_END)]
    wrong += [fn.negate(fn.equal(_moved(fn, core, IN_CYCLE), 0))]
    for each in wrong:
        with fn.when(each):
            fn.finish(iteration)
    for name, *given in (
        ("same_units", snapshot, cycles),
        ("choose_shifts", snapshot, shifts, rows, count),
        ("same_words", snapshot),
        ("same_atoms", snapshot, shifts, passed),
    ):
        with fn.when(fn.equal(fn.call(str(name), *given), 0)):
            fn.finish(iteration)
    further = fn.mul(passed, periods)
    fn.call("jump", snapshot, shifts, further, fn.mul(cycles, periods), periods)
    return fn.end(fn.add(iteration, further))


def _jump() -> str:
    fn = Function("jump", ["snapshot", "shifts", "iterations", "cycles", "periods"])
    snapshot, shifts, iterations, cycles, periods = fn.parameters
    core = core_of(fn, snapshot)
    fn.call("shift_units", snapshot, cycles)
    fn.call("shift_jobs", shifts, iterations, cycles)
    with fn.counted(fn.load(HEAP_COUNT)) as index:
        fn.increase(fn.add(fn.load(HEAP), index), cycles)
    first = fn.load(STATISTICS)
    with fn.counted(fn.load(STATISTIC_COUNT)) as word:
        at = fn.add(first, word)
        fn.increase(at, fn.mul(fn.sub(fn.load(at), get(fn, core, at)), periods))
    fn.increase(STEPS, fn.mul(_moved(fn, core, STEPS), periods))
    for word in (NOW, CLOCK, LAST_END):
        fn.increase(word, cycles)
    fn.increase(fn.add(snapshot, 5), iterations)
    fn.store(snapshot, 0)
    return fn.end(0)


def _same_words() -> str:
    """1 where what is written out now is what was written out then."""
    fn = Function("same_words", ["snapshot"])
    (snapshot,) = fn.parameters
    work, area = fn.load(WORKSPACE), _area(fn, snapshot)
    count = fn.call("write_state", work)
    other = fn.either(
        fn.negate(fn.equal(count, get(fn, snapshot, 3))), fn.negate(fn.equal(fn.load(PAIRS), get(fn, snapshot, 4)))
    )
    with fn.when(other):
        fn.finish(0)
    with fn.counted(count) as index, fn.when(fn.negate(fn.equal(get(fn, work, index), get(fn, area, index)))):
        fn.finish(0)
    return fn.end(1)


def _same_atoms() -> str:
    """1 where all touch the atoms of then, moved along."""
    fn = Function("same_atoms", ["snapshot", "shifts", "iterations"])
    snapshot, shifts, iterations = fn.parameters
    size = fn.load(WORKSPACE_SIZE)
    work, area = fn.add(fn.load(WORKSPACE), size), fn.add(_area(fn, snapshot), size)
    with fn.counted(fn.load(PAIRS)) as index:
        place = fn.mul(index, 2)
        now, then = fn.add(work, place), fn.add(area, place)
        region = fn.load(now)
        moved = fn.mul(get(fn, shifts, region), iterations)
        same = fn.both(fn.equal(region, fn.load(then)), fn.equal(fn.sub(get(fn, now, 1), get(fn, then, 1)), moved))
        with fn.when(fn.negate(same)):
            fn.finish(0)
    return fn.end(1)


def _same_time(fn: Function, now: Value, then: Value, cycles: Value) -> Truth:
    moved = fn.equal(fn.sub(now, then), cycles)
    return fn.either(fn.both(fn.equal(now, NEVER), fn.equal(then, NEVER)), moved)


def _same_units() -> str:
    """1 where units moved on, or stayed as they were where they had nothing to do."""
    fn = Function("same_units", ["snapshot", "cycles"])
    snapshot, cycles = fn.parameters
    core = core_of(fn, snapshot)

    def demand(address: Value, shift: Value) -> None:
        with fn.when(fn.negate(_same_time(fn, fn.load(address), get(fn, core, address), shift))):
            fn.finish(0)

    with fn.counted(fn.load(UNIT_COUNT)) as index:
        unit = fn.add(fn.load(UNITS), fn.mul(index, UNIT_WORDS))
        with fn.when(fn.less(0, get(fn, unit, Q_TOUCH_COUNT))):
            busy = fn.call("touched", snapshot, get(fn, unit, Q_TOUCH), get(fn, unit, Q_TOUCH_COUNT))
            shift = fn.mul(cycles, busy)
            for word in (Q_STARTED, Q_ENDED):
                demand(fn.add(unit, word), shift)
            demand(fn.add(unit, Q_END_COUNT), 0)
            servers, times = get(fn, unit, Q_SERVERS), get(fn, unit, Q_TIMES)
            with fn.counted(servers) as server:
                at = fn.add(times, server)
                pending = fn.add(at, servers)
                taken = fn.negate(fn.equal(fn.load(pending), 0))
                before = fn.negate(fn.equal(get(fn, core, pending), 0))
                with fn.when(fn.either(fn.both(taken, fn.negate(before)), fn.both(before, fn.negate(taken)))):
                    fn.finish(0)
                with fn.when(fn.negate(taken)):
                    demand(at, shift)
            with fn.counted(get(fn, unit, Q_END_COUNT)) as place:
                demand(fn.add(get(fn, unit, Q_ENDS), place), shift)
    return fn.end(1)


def _later(fn: Function, base: Value, word: Value, cycles: Value) -> None:
    """Moves a time on, where it is known."""
    at = fn.add(base, word)
    time = fn.load(at)
    fn.store(at, fn.choose(fn.equal(time, NEVER), time, fn.add(time, cycles)))


def _shift_units() -> str:
    fn = Function("shift_units", ["snapshot", "cycles"])
    snapshot, cycles = fn.parameters
    with fn.counted(fn.load(UNIT_COUNT)) as index:
        unit = fn.add(fn.load(UNITS), fn.mul(index, UNIT_WORDS))
        put(fn, unit, Q_PUSHED, -1)
        with fn.when(fn.less(0, get(fn, unit, Q_TOUCH_COUNT))):
            busy = fn.call("touched", snapshot, get(fn, unit, Q_TOUCH), get(fn, unit, Q_TOUCH_COUNT))
            with fn.when(fn.equal(busy, 1)):
                for word in (Q_STARTED, Q_ENDED):
                    _later(fn, unit, word, cycles)
                for word, count in ((Q_TIMES, Q_SERVERS), (Q_ENDS, Q_END_COUNT)):
                    with fn.counted(get(fn, unit, count)) as place:
                        _later(fn, get(fn, unit, word), place, cycles)
    return fn.end(0)


def _shift_jobs() -> str:
    fn = Function("shift_jobs", ["shifts", "iterations", "cycles"])
    shifts, iterations, cycles = fn.parameters
    with jobs(fn) as slot, fn.when(fn.less(fn.load(NOW), get(fn, slot, J_LATEST))):
        for word in JOB_TIMES:
            _later(fn, slot, word, cycles)
        with uses(fn, slot) as use:
            for word in USE_TIMES:
                _later(fn, use, word, cycles)
            for side in range(2):
                first = streams(fn, use, side)
                with fn.counted(get(fn, use, U_ASKED + side)) as index:
                    stream = fn.add(first, fn.mul(index, STREAM_WORDS))
                    for word in (S_BEGINS, S_DONE):
                        _later(fn, stream, word, cycles)
        fn.call("shift_atoms", slot, shifts, iterations)
    return fn.end(0)


def _shift_atoms() -> str:
    fn = Function("shift_atoms", ["slot", "shifts", "iterations"])
    slot, shifts, iterations = fn.parameters
    cursor = fn.variable(get(fn, slot, J_NODES))
    with fn.loop() as loop:
        node = fn.get(cursor)
        loop.leave_if(fn.equal(node, 0))
        fn.set(cursor, get(fn, node, N_SIBLING))
        moved = fn.mul(get(fn, shifts, get(fn, node, N_REGION)), iterations)
        stays = fn.either(fn.equal(moved, 0), fn.equal(get(fn, node, N_BEFORE), 0))
        with fn.when(fn.negate(stays)):
            atom = fn.add(get(fn, node, N_ATOM), moved)
            fn.call("unlink", node)
            fn.call("insert", node, atom)
    return fn.end(0)
