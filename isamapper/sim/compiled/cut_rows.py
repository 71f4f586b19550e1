"""Compiled runs of padding windows whose axes share a tensor axis: walked one by one, each cut at the border."""

from __future__ import annotations

from collections import abc

from isamapper.sim.compiled.specs import OperandSpec
from isamapper.sim.compiled.text import Function, Truth, Value


def positions_inside(
    fn: Function,
    steps: abc.Iterable[tuple[int, int]],
    shape: abc.Sequence[int],
    index: abc.Sequence[Value],
    extent: Value,
) -> tuple[Value, Value]:
    """First and last position along an axis that the tensor's borders leave, other axes standing at ``index``."""
    low: Value = 0
    high: Value = fn.sub(extent, 1)
    for axis, step in steps:
        below, above = fn.sub(0, index[axis]), fn.sub(shape[axis] - 1, index[axis])
        if step < 0:
            below, above = fn.sub(0, above), fn.sub(0, below)
        low = fn.maximum(low, fn.ceil_divide(below, abs(step)))
        high = fn.minimum(high, fn.floor_divide(above, abs(step)))
    return low, high


def sum_over_rows(
    fn: Function,
    spec: OperandSpec,
    extents: abc.Sequence[Value],
    offsets: abc.Sequence[Value],
    measure: abc.Callable[[Value], Value],
) -> Value:
    """The sum of ``measure(elements)`` over all runs."""
    total = fn.variable(0)
    others = [axis for axis in range(len(extents)) if axis != spec.run_axis]

    def walk(left: list[int], index: list[Value]) -> None:
        if not left:
            count = _elements(fn, spec, extents, index)
            with fn.when(fn.less(0, count)):
                fn.set(total, fn.add(fn.get(total), measure(count)))
            return
        axis, *rest = left
        with fn.counted(extents[axis]) as position:
            steps = dict(spec.axis_steps[axis])
            walk(rest, [fn.add(each, fn.mul(position, steps.get(at, 0))) for at, each in enumerate(index)])

    walk(others, list(offsets))
    return fn.get(total)


def _elements(fn: Function, spec: OperandSpec, extents: abc.Sequence[Value], index: abc.Sequence[Value]) -> Value:
    """Elements of the run at ``index``; none where another axis lies outside."""
    along = spec.axis_steps[spec.run_axis] if spec.run_axis is not None else ()
    extent: Value = extents[spec.run_axis] if spec.run_axis is not None else 1
    inside: Truth = True
    for axis, size in enumerate(spec.shape):
        if axis not in dict(along):
            inside = fn.both(inside, fn.both(fn.at_most(0, index[axis]), fn.less(index[axis], size)))
    low, high = positions_inside(fn, along, spec.shape, index, extent)
    return fn.choose(inside, fn.maximum(0, fn.add(fn.sub(high, low), 1)), 0)
