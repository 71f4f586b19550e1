"""Windows of invocations on arrays: which elements an operand sees, reading them all, writing them back.

What does not belong here: the instruction that works on them (``ir/interpreter.py``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from isamapper.ir.affine import evaluate, evaluate_extent
from isamapper.ir.nodes import Tensor, Window
from isamapper.ir.numeric import constant, numpy_dtype

Array: TypeAlias = np.ndarray[Any, Any]


@dataclass(slots=True)
class Contents:
    """The elements of a tensor and which of them are defined; undefined ones hold 0."""

    values: Array
    defined: Array

    def copy(self) -> Contents:
        """The same contents, for another owner to change."""
        return Contents(self.values.copy(), self.defined.copy())


@dataclass(frozen=True, slots=True)
class Elements:
    """What a window sees: for each index of the operand the tensor's index (an array per tensor axis), and whether
    that lies inside the tensor."""

    index: tuple[Array, ...]
    inside: Array

    @property
    def shape(self) -> tuple[int, ...]:
        """The operand's shape."""
        shape: tuple[int, ...] = self.inside.shape
        return shape


def elements(window: Window, tensor: Tensor, point: abc.Mapping[str, int]) -> Elements:
    """The elements of ``tensor`` that ``window`` sees at ``point``."""
    shape = tuple(evaluate_extent(axis.extent, point) for axis in window.axes)
    index = [np.full(shape, evaluate(offset, point)) for offset in window.offsets]
    for position, axis in zip(np.indices(shape), window.axes, strict=True):
        for dimension, step in axis.steps:
            index[dimension] = index[dimension] + step * position
    inside = np.ones(shape, bool)
    for one, size in zip(index, tensor.shape, strict=True):
        inside &= (one >= 0) & (one < size)
    return Elements(tuple(index), inside)


def gather(contents: Contents, seen: Elements, outside: int | float | None, tensor: Tensor) -> Contents:
    """The operand's contents; indices outside the tensor hold ``outside``, or are undefined where that is None."""
    if not seen.index:
        return Contents(np.full(seen.shape, contents.values), np.full(seen.shape, contents.defined))
    if seen.inside.all():
        return Contents(contents.values[seen.index], contents.defined[seen.index])
    clipped = tuple(np.where(seen.inside, one, 0) for one in seen.index)
    filler = np.zeros((), numpy_dtype(tensor.dtype)) if outside is None else constant(outside, tensor.dtype)
    values = np.where(seen.inside, contents.values[clipped], filler).astype(contents.values.dtype)
    defined = np.where(seen.inside, contents.defined[clipped], outside is not None)
    return Contents(values, defined)


def scatter(contents: Contents, seen: Elements, result: Contents) -> None:
    """Writes the operand's defined elements back into the tensor."""
    if not seen.index:  # a tensor without axes: whatever the operand's shape, it is that element
        if result.defined.any():
            contents.values[()], contents.defined[()] = result.values[result.defined].flat[-1], True
        return
    where = tuple(one[result.defined] for one in seen.index)
    contents.values[where] = result.values[result.defined]
    contents.defined[where] = True


def names_an_element_twice(seen: Elements, tensor: Tensor) -> bool:
    """Whether two indices of the operand are one element of the tensor."""
    flat = np.zeros(seen.shape, np.int64)
    for one, size in zip(seen.index, tensor.shape, strict=True):
        flat = flat * size + one
    return int(np.unique(flat).size) < seen.inside.size
