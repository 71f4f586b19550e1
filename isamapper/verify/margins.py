"""Inputs with margins: what is read outside a tensor becomes part of it, whatever stands there.

    y[p] += (x[p + r - 1] else 0) * w[r]    x of 8        y[p] += x[p + r] * w[r]    x of 10

Kernel and program are changed alike. What holds for every content of the margins holds for the number that reads
outside give, so a proof for inputs with margins is one for those without; it needs no cases at the edges, which take
most of the time. There may be none although the program is right: padding that keeps a sum as it is, say.
What does not belong here: the proof (``proof.py``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace
from typing import assert_never

from isamapper.ir.affine import AccessMap, Affine
from isamapper.ir.expressions import loads
from isamapper.ir.nodes import (
    Access,
    Allocate,
    Assign,
    Direction,
    Guard,
    Invoke,
    Kernel,
    Load,
    Loop,
    Node,
    Prepare,
    Tensor,
    Window,
)
from isamapper.ir.rewrite import map_loads
from isamapper.ir.walk import greatest_extent, value_range, walk

Ranges = tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class _Reach:
    """Where a tensor is read: least and greatest index along every axis, and the number that stands outside."""

    tensor: str
    ranges: Ranges
    otherwise: int | float | None


def with_margins(kernel: Kernel, program: Kernel) -> tuple[Kernel, Kernel] | None:
    """Both with margins around every input that is read outside; None where no such input is."""
    reaches = [*_reaches(kernel), *_reaches(program)]
    offsets: dict[str, tuple[int, ...]] = {}
    shapes: dict[str, tuple[int, ...]] = {}
    for tensor in kernel.tensors:
        own = [each for each in reaches if each.tensor == tensor.name]
        numbers = {each.otherwise for each in own if each.otherwise is not None}
        if tensor.direction is not Direction.IN or len(numbers) != 1 or _declared_inside(program, tensor.name):
            continue
        if any(each.otherwise is None and not _inside(each, tensor) for each in own):
            continue  # a mistake, perhaps, that margins would hide
        whole = [each.ranges for each in own] + [tuple((0, size - 1) for size in tensor.shape)]
        least = [min(low for low, _ in axis) for axis in zip(*whole, strict=True)]
        most = [max(high for _, high in axis) for axis in zip(*whole, strict=True)]
        offsets[tensor.name] = tuple(-low for low in least)
        shapes[tensor.name] = tuple(high - low + 1 for low, high in zip(least, most, strict=True))
    if not offsets:
        return None
    return _widened(kernel, offsets, shapes), _widened(program, offsets, shapes)


def _inside(reach: _Reach, tensor: Tensor) -> bool:
    return all(low >= 0 and high < size for (low, high), size in zip(reach.ranges, tensor.shape, strict=True))


def _declared_inside(program: Kernel, name: str) -> bool:
    return any(isinstance(node, Allocate) and node.tensor.name == name for node, _ in walk(program))


def _reaches(kernel: Kernel) -> abc.Iterator[_Reach]:
    for node, place in walk(kernel):
        box = dict(zip(place.iterators, place.extents, strict=True))
        if isinstance(node, Assign):
            for access in (node.target, *loads(node.value)):
                ranges = tuple(value_range(index, box) for index in access.map.results)
                yield _Reach(access.tensor, ranges, access.otherwise)
        elif isinstance(node, Invoke):
            for _, window in node.windows:
                yield _Reach(window.tensor, _window_ranges(window, box), window.otherwise)


def _window_ranges(window: Window, box: abc.Mapping[str, int]) -> Ranges:
    found = [list(value_range(offset, box)) for offset in window.offsets]
    for axis in window.axes:
        last = max(0, greatest_extent(axis.extent, box) - 1)
        for dimension, step in axis.steps:
            found[dimension][0] += min(0, last * step)
            found[dimension][1] += max(0, last * step)
    return tuple((low, high) for low, high in found)


def _widened(
    kernel: Kernel, offsets: abc.Mapping[str, tuple[int, ...]], shapes: abc.Mapping[str, tuple[int, ...]]
) -> Kernel:
    tensors = tuple(_wide(tensor, shapes) for tensor in kernel.tensors)
    return replace(kernel, tensors=tensors, body=tuple(_moved(node, offsets) for node in kernel.body))


def _wide(tensor: Tensor, shapes: abc.Mapping[str, tuple[int, ...]]) -> Tensor:
    return replace(tensor, shape=shapes[tensor.name]) if tensor.name in shapes else tensor


def _moved(node: Node, offsets: abc.Mapping[str, tuple[int, ...]]) -> Node:
    match node:
        case Assign(_, value):
            return replace(node, value=map_loads(value, lambda load: Load(_access(load.access, offsets))))
        case Invoke(_, windows):
            return replace(node, windows=tuple((name, _window(window, offsets)) for name, window in windows))
        case Loop(_, _, body) | Prepare(body):
            return replace(node, body=tuple(_moved(each, offsets) for each in body))
        case Guard(_, body, otherwise):
            return replace(
                node,
                body=tuple(_moved(each, offsets) for each in body),
                otherwise=tuple(_moved(each, offsets) for each in otherwise),
            )
        case Allocate():
            return node
        case _:
            assert_never(node)


def _access(access: Access, offsets: abc.Mapping[str, tuple[int, ...]]) -> Access:
    if access.tensor not in offsets:
        return access
    return replace(access, map=AccessMap(_plus(access.map.results, offsets[access.tensor])), otherwise=None)


def _window(window: Window, offsets: abc.Mapping[str, tuple[int, ...]]) -> Window:
    if window.tensor not in offsets:
        return window
    return replace(window, offsets=_plus(window.offsets, offsets[window.tensor]), otherwise=None)


def _plus(indices: tuple[Affine, ...], more: tuple[int, ...]) -> tuple[Affine, ...]:
    return tuple(index + offset for index, offset in zip(indices, more, strict=True))
