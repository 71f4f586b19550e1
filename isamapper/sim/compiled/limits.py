"""Compiled limits: the first iteration of a loop in which a check of control may fail. The same for all programs.

A check looks at ``slope * iteration + [low, high]``; what it demands is in ``zones.py``.
"""

from __future__ import annotations

from isamapper.sim.compiled.text import Function

FOREVER = 1 << 62


def _zone() -> str:
    """While the interval stays at ``above`` or more, or below 0, as far as each counts; ``now`` where neither holds."""
    fn = Function("zone", ["now", "low", "high", "slope", "above", "up", "down"])
    now, low, high, slope, above, up, down = fn.parameters
    step = fn.mul(now, slope)
    with fn.when(fn.both(fn.equal(up, 1), fn.at_most(above, fn.add(low, step)))):
        with fn.when(fn.at_most(0, slope)):
            fn.finish(FOREVER)
        fn.finish(fn.add(fn.floor_divide(fn.sub(low, above), fn.sub(0, slope)), 1))
    with fn.when(fn.both(fn.equal(down, 1), fn.less(fn.add(high, step), 0))):
        with fn.when(fn.at_most(slope, 0)):
            fn.finish(FOREVER)
        fn.finish(fn.ceil_divide(fn.sub(0, high), slope))
    return fn.end(now)


def _block_zone() -> str:
    """While the interval stays in the block of ``unit`` in which it is; ``now`` where it is in several."""
    fn = Function("block_zone", ["now", "low", "high", "slope", "unit"])
    now, low, high, slope, unit = fn.parameters
    step = fn.mul(now, slope)
    block = fn.floor_divide(fn.add(low, step), unit)
    with fn.when(fn.negate(fn.equal(block, fn.floor_divide(fn.add(high, step), unit)))):
        fn.finish(now)
    start = fn.mul(block, unit)
    with fn.when(fn.less(0, slope)):
        fn.finish(fn.add(fn.floor_divide(fn.sub(fn.add(start, unit, -1), high), slope), 1))
    return fn.end(fn.add(fn.floor_divide(fn.sub(low, start), fn.sub(0, slope)), 1))


def limit_functions() -> str:
    """``zone`` and ``block_zone``."""
    return _zone() + _block_zone()
