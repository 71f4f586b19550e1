"""A kernel of the same form on small extents: what a schedule too large to execute is checked on.

    c[m, n] += a[m, k] * b[k, n]  over 5124 x 700 x 2048      becomes the same over, say, 36 x 44 x 48

Loops are numbered in textual order, as :class:`isamapper.ir.analysis.Statement` numbers them. Every tensor keeps as
much beyond its greatest index as it had, so padding stays padding. What does not belong here: which extents are enough
(``reduced.py``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import replace
from itertools import count

from isamapper.diagnostics.source import SourceError
from isamapper.ir.affine import Affine, Extent, extent
from isamapper.ir.analysis import Statement, statements
from isamapper.ir.nodes import Allocate, Assign, Direction, Guard, Kernel, Loop, Node, Tensor
from isamapper.ir.verifier import check_kernel

Extents = abc.Mapping[int, int]
"""New extents by the number of the loop; loops that are not named keep theirs."""

Shapes = abc.Mapping[str, tuple[int, ...]]


def shrunk(kernel: Kernel, extents: Extents) -> Kernel | None:
    """``kernel`` on smaller extents; None where its form depends on them (conditions, extents that vary)."""
    if any(statement.conditions or statement.exclusions for statement in statements(kernel)):
        return None
    shapes = _shapes(kernel, extents)
    tensors = tuple(replace(tensor, shape=shapes.get(tensor.name, tensor.shape)) for tensor in kernel.tensors)
    numbers = count()
    body = tuple(_node(node, extents, shapes, numbers) for node in kernel.body)
    small = replace(kernel, sizes=(), tensors=tensors, body=body)
    try:
        check_kernel(small)
    except SourceError:
        return None
    return small


def unwritten(kernel: Kernel, extents: Extents) -> frozenset[tuple[str, int]]:
    """Axes of local tensors along which more would be read than is written, and is not as ``kernel`` stands."""
    reach: dict[tuple[str, int], list[int]] = {}
    for statement in statements(kernel):
        for place, access in enumerate(statement.accesses):
            for axis, function in enumerate(access.map.results):
                own = reach.setdefault((access.tensor, axis), [-1, -1, -1, -1])  # written and read, before and after
                for after, cut in enumerate(({}, extents)):
                    at = 2 * after + bool(place)
                    own[at] = max(own[at], _greatest(function, statement, cut))
    local = {tensor.name for tensor in kernel.tensors if tensor.direction is Direction.LOCAL}
    return frozenset(
        key
        for key, (written, read, now, wanted) in reach.items()
        if key[0] in local and wanted > now and read <= written
    )


def _node(node: Node, extents: Extents, shapes: Shapes, numbers: abc.Iterator[int]) -> Node:
    match node:
        case Loop():
            number = next(numbers)
            body = tuple(_node(inner, extents, shapes, numbers) for inner in node.body)
            return replace(node, extent=_cut(node.extent, extents.get(number)), body=body)
        case Allocate(tensor):
            return replace(node, tensor=replace(tensor, shape=shapes.get(tensor.name, tensor.shape)))
        case Guard():
            raise AssertionError("statements under guards have conditions")
        case _:
            assert isinstance(node, Assign)
            return node


def _cut(value: Extent, new: int | None) -> Extent:
    return value if new is None else extent(new)


def _shapes(kernel: Kernel, extents: Extents) -> dict[str, tuple[int, ...]]:
    """The new shape of every tensor that some statement touches."""
    known = {tensor.name: tensor for tensor in _tensors(kernel)}
    sizes: dict[str, list[int]] = {}
    for statement in statements(kernel):
        for access in statement.accesses:
            axes = sizes.setdefault(access.tensor, [0] * len(known[access.tensor].shape))
            for axis, function in enumerate(access.map.results):
                overhang = known[access.tensor].shape[axis] - 1 - _greatest(function, statement, {})
                if function.terms:
                    axes[axis] = max(axes[axis], 1, _greatest(function, statement, extents) + 1 + overhang)
    return {
        name: tuple(new or old for new, old in zip(axes, known[name].shape, strict=True))
        for name, axes in sizes.items()
    }


def _greatest(function: Affine, statement: Statement, extents: Extents) -> int:
    """The greatest value of an index over the statement's box, its loops cut to ``extents``."""
    numbered = zip(statement.iterators, statement.loops, strict=True)
    last = {iterator.name: extents.get(number, iterator.extent) - 1 for iterator, number in numbered}
    return function.constant + sum(max(0, coefficient * last[name]) for name, coefficient in function.terms)


def _tensors(kernel: Kernel) -> abc.Iterator[Tensor]:
    yield from kernel.tensors
    pending = list(kernel.body)
    while pending:
        node = pending.pop()
        if isinstance(node, Allocate):
            yield node.tensor
        elif isinstance(node, Loop):
            pending.extend(node.body)
