"""Windows as views: strides of operands, where a window starts, when it stays inside. Pure integer work, no code."""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from itertools import product
from math import prod
from typing import Any, TypeAlias

import numpy as np

from isamapper.ir.affine import Affine, Extent, evaluate_extent
from isamapper.ir.nodes import Window
from isamapper.sim.functional.places import Bound, Frame, View

Array: TypeAlias = np.ndarray[Any, Any]

_MANY_POINTS = 1 << 18


@dataclass(frozen=True, slots=True)
class Laid:
    """An operand of known shape over a tensor's view: what code for the instruction depends on, and where it starts.

    ``strides`` per operand axis, in elements of the tensor's storage; ``offset`` from the tensor's base; ``inside``
    the bounds under which the whole window lies in the tensor; ``steps`` and ``sizes`` describe the tensor's axes.
    """

    strides: tuple[int, ...]
    offset: Affine
    inside: tuple[Bound, ...]
    steps: tuple[tuple[int, ...], ...]
    sizes: tuple[int, ...]
    origins: tuple[Affine, ...]

    def frames(self, origins: abc.Sequence[Affine]) -> tuple[Frame, ...]:
        """The frames of a padded window that starts at ``origins``."""
        return tuple(map(Frame, origins, self.steps, self.sizes))


def lay(window: Window, shape: tuple[int, ...], view: View) -> Laid:
    """``window`` of an operand of ``shape`` over ``view``."""
    sizes = view.tensor.shape
    steps = tuple(tuple(dict(axis.steps).get(d, 0) for axis in window.axes) for d in range(len(sizes)))
    strides = tuple(
        sum(steps[d][axis] * view.strides[d] for d in range(len(sizes))) for axis in range(len(window.axes))
    )
    inside: list[Bound] = []
    for origin, along, size in zip(window.offsets, steps, sizes, strict=True):
        reach = [step * (extent - 1) for step, extent in zip(along, shape, strict=True)]
        low, high = sum(min(0, r) for r in reach), sum(max(0, r) for r in reach)
        inside.append(Bound(origin + low, size))
        if high != low:
            inside.append(Bound(origin + high, size))
    return Laid(strides, window_start(window, view), tuple(inside), steps, sizes, window.offsets)


def window_start(window: Window, view: View) -> Affine:
    """Where a window starts, in elements from the view's base."""
    start = view.offset
    for origin, stride in zip(window.offsets, view.strides, strict=True):
        start = start + origin * stride
    return start


def writes_twice(laid: Laid, shape: tuple[int, ...]) -> bool:
    """Whether two elements of an operand may be one element of the tensor (as for ``injective`` in ``nest.py``)."""
    reach = 0
    for step, extent in sorted((abs(s), n) for s, n in zip(laid.strides, shape, strict=True) if n > 1):
        if step <= reach:
            return True
        reach += step * (extent - 1)
    return False


def possible_values(extents: abc.Sequence[Extent], box: abc.Mapping[str, int]) -> list[tuple[int, ...]] | None:
    """Every combination that ``extents`` can take at points of ``box``, or a superset; None: too many points."""
    names = sorted(frozenset().union(*(extent.names for extent in extents)))
    if not names:
        return [tuple(evaluate_extent(extent, {}) for extent in extents)]
    if any(name not in box for name in names):
        return None
    if prod(box[name] for name in names) > _MANY_POINTS:
        if len(extents) == 1:
            return None
        single = [possible_values([extent], box) for extent in extents]
        found = [one for one in single if one is not None]
        if len(found) < len(single) or prod(map(len, found)) > 1024:
            return None
        return [tuple(value for one in combination for value in one) for combination in product(*found)]
    grid = np.meshgrid(*(np.arange(max(1, box[name])) for name in names), indexing="ij")
    point = dict(zip(names, (axis.ravel() for axis in grid), strict=True))
    values = np.stack([_evaluate(extent, point) for extent in extents], axis=1)
    return [tuple(int(v) for v in row) for row in np.unique(values, axis=0)]


def _evaluate(extent: Extent, point: abc.Mapping[str, Array]) -> Array:
    length = len(next(iter(point.values())))
    values = np.stack([_function(bound, point, length) for bound in extent.bounds])
    least: Array = np.maximum(values.min(axis=0), 0)
    return least


def _function(function: Affine, point: abc.Mapping[str, Array], length: int) -> Array:
    total = np.full(length, function.constant, np.int64)
    for name, coefficient in function.terms:
        total = total + coefficient * point[name]
    for rotation, coefficient in function.rotations:
        total = total + coefficient * (_function(rotation.value, point, length) % rotation.modulus)
    return total
