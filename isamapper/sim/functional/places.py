"""Where an access lies in memory, and what must hold for it to lie there. Pure integer work, no code.

A :class:`View` is a tensor, or an operand laid over one by a window; a :class:`Place` is one access to a view as an
affine number of elements from its base. Names that are no loop iterators (``%0.1``) stand for numbers known only when
the program runs.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from typing import Any

from isamapper.ir.affine import Affine
from isamapper.ir.nodes import Access, Tensor
from isamapper.ir.walk import value_range


@dataclass(frozen=True, slots=True)
class Bound:
    """``0 <= function < size``."""

    function: Affine
    size: int


@dataclass(frozen=True, slots=True)
class Frame:
    """One axis of the tensor under a padded window: where the window starts, and the steps of its axes along it."""

    origin: Affine
    steps: tuple[int, ...]
    size: int


@dataclass(frozen=True, slots=True)
class View:
    """A tensor as code sees it: element ``p`` is ``base[offset + sum(p[d] * strides[d])]``.

    ``frames`` is not empty for a window that may leave its tensor; elements outside read as ``otherwise``.
    """

    tensor: Tensor
    base: Any
    strides: tuple[int, ...]
    offset: Affine = Affine()  # noqa: RUF009 - immutable
    frames: tuple[Frame, ...] = ()
    otherwise: int | float | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """One access: ``base[address]``, unless one of ``outside`` says otherwise.

    ``outside`` holds, outermost first, bounds and the value that is read where one of them fails; ``unproved`` are
    bounds that the program must check because nothing is read in their stead.
    """

    view: View
    address: Affine
    outside: tuple[tuple[tuple[Bound, ...], int | float], ...] = ()
    unproved: tuple[Bound, ...] = ()


def row_major(shape: abc.Sequence[int]) -> tuple[int, ...]:
    """Elements per step of each axis of a dense array."""
    strides = [1]
    for size in reversed(shape[1:]):
        strides.append(strides[-1] * size)
    return tuple(reversed(strides))[: len(shape)] if shape else ()


def dense(tensor: Tensor, base: Any) -> View:
    """A whole tensor, row-major."""
    return View(tensor, base, row_major(tensor.shape))


def locate(access: Access, view: View, box: abc.Mapping[str, int]) -> Place:
    """The place of ``access``; bounds that hold everywhere in ``box`` are not asked for again."""
    index = access.map.results
    address = view.offset
    for function, stride in zip(index, view.strides, strict=True):
        address = address + function * stride
    bounds = _unproved((Bound(f, n) for f, n in zip(index, view.tensor.shape, strict=True)), box)
    outside: list[tuple[tuple[Bound, ...], int | float]] = []
    unproved: tuple[Bound, ...] = ()
    if bounds and access.otherwise is not None:
        outside.append((bounds, access.otherwise))
    else:
        unproved = bounds
    framed = _unproved((_framed(frame, index) for frame in view.frames), box)
    if framed and view.otherwise is not None:
        outside.append((framed, view.otherwise))
    return Place(view, address, tuple(outside), unproved)


def _framed(frame: Frame, index: abc.Sequence[Affine]) -> Bound:
    function = frame.origin
    for one, step in zip(index, frame.steps, strict=True):
        function = function + one * step
    return Bound(function, frame.size)


def _unproved(bounds: abc.Iterable[Bound], box: abc.Mapping[str, int]) -> tuple[Bound, ...]:
    return tuple(bound for bound in bounds if not holds(bound, box))


def holds(bound: Bound, box: abc.Mapping[str, int]) -> bool:
    """Whether ``bound`` holds at every point of ``box`` (names not in it may have any value)."""
    if not bound.function.names <= box.keys():
        return False
    low, high = value_range(bound.function, box)
    return low >= 0 and high < bound.size
