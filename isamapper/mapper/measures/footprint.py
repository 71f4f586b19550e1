"""Elements that an access touches: how many, how far apart, and which iterators are one in memory."""

from __future__ import annotations

from collections import abc
from functools import lru_cache

from isamapper.ir.analysis import Statement
from isamapper.ir.nodes import Access, Tensor


def flat_steps(access: Access, tensor: Tensor) -> dict[str, int]:
    """How many elements of the row-major tensor the access moves when each iterator moves by one."""
    steps: dict[str, int] = {}
    stride = 1
    for index, size in zip(reversed(access.map.results), reversed(tensor.shape), strict=True):
        for name, factor in index.terms:
            steps[name] = steps.get(name, 0) + factor * stride
        stride *= size
    return steps


def distinct_elements(access: Access, extents: abc.Mapping[str, int]) -> int:
    """How many elements the access touches while the iterators in ``extents`` run and all others stand still."""
    rows = tuple(
        tuple((factor, extents[name], name) for name, factor in index.terms if name in extents)
        for index in access.map.results
    )
    total = 1
    for group in _linked([row for row in rows if row]):
        total *= _distinct(tuple(group))
    return total


def _linked(rows: list[tuple[tuple[int, int, str], ...]]) -> list[list[tuple[tuple[int, int, str], ...]]]:
    """Rows grouped by the iterators that they share."""
    groups: list[list[tuple[tuple[int, int, str], ...]]] = []
    for row in rows:
        names = {name for _, _, name in row}
        linked = [group for group in groups if any(name in names for other in group for _, _, name in other)]
        merged = [other for group in linked for other in group]
        groups = [group for group in groups if group not in linked]
        groups.append([*merged, row])
    return groups


@lru_cache(maxsize=16384)
def _distinct(rows: tuple[tuple[tuple[int, int, str], ...], ...]) -> int:
    """Distinct index tuples of linked rows: the values are grown iterator by iterator."""
    names = sorted({(name, extent) for row in rows for _, extent, name in row})
    if len(rows) == 1 and len(names) == 1:
        return names[0][1]
    points = {(0,) * len(rows)}
    for name, extent in names:
        step = tuple(sum(factor for factor, _, other in row if other == name) for row in rows)
        points = {
            tuple(value + at * move for value, move in zip(point, step, strict=True))
            for point in points
            for at in range(extent)
        }
    return len(points)


def mergeable_iterators(statement: Statement, tensors: abc.Sequence[Tensor]) -> tuple[tuple[str, str], ...]:
    """Pairs (outer, inner) that could be one iterator: in every access, outer moves as far as all of inner."""
    return _mergeable(
        statement.accesses, tuple((each.name, each.extent) for each in statement.iterators), tuple(tensors)
    )


@lru_cache(maxsize=1024)
def _mergeable(
    accesses: tuple[Access, ...], iterators: tuple[tuple[str, int], ...], tensors: tuple[Tensor, ...]
) -> tuple[tuple[str, str], ...]:
    shapes = {tensor.name: tensor for tensor in tensors}
    steps = [flat_steps(access, shapes[access.tensor]) for access in accesses]
    padded = any(access.otherwise is not None for access in accesses)
    return tuple(
        (outer, inner)
        for outer, outer_extent in iterators
        for inner, extent in iterators
        if outer != inner
        and not padded
        and extent > 1
        and outer_extent > 1
        and all(step.get(outer, 0) == extent * step.get(inner, 0) for step in steps)
    )
