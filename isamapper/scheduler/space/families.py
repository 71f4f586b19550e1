"""Which families of schedules a statement has: frames x routes x layouts at home x sizes of copies x what is whole."""

from __future__ import annotations

import itertools
import math
from collections import abc
from dataclasses import replace
from typing import TypeAlias

from isamapper.costmodels.shapes import Routes, ShapeMaker, level_count, own_iterators
from isamapper.hwdesc.model import MemoryKind
from isamapper.ir.nodes import Role
from isamapper.scheduler.space.family import Family
from isamapper.scheduler.statements.frames import Frame
from isamapper.scheduler.statements.routes import input_routes, output_routes
from isamapper.scheduler.statements.subject import Subject

ROUTES = 4
"""Combinations of routes that are tried per frame, the fewest detours first; per operand the best two."""

Passed: TypeAlias = tuple[tuple[int, tuple[str, ...]], ...]
"""The memories that every access passes."""
Wanted: TypeAlias = abc.Callable[[Passed, frozenset[int], frozenset[int]], bool]
"""Told routes, what is re-laid out at home, and what is copied call by call."""


def families_of(
    subject: Subject,
    frame: Frame,
    levels: int | None = None,
    copied: bool | None = None,
    wanted: Wanted | None = None,
) -> abc.Iterator[Family]:
    """Families of one frame in which every operand comes in tiles: plain layouts first, then copies call by call, then
    operands re-laid out at home.

    With ``levels`` those with so many levels of tiles; with ``copied`` those that do, or do not, copy layouts. Those
    that are not ``wanted`` are not worked out.
    """
    maker = ShapeMaker(subject.machine, subject.tensors, subject.home, subject.shared, subject.epilogue)
    names = tuple(each.name for each in own_iterators(frame.statement, subject.shared))
    for routes in route_choices(subject, frame):
        if levels is not None and level_count(subject.machine, routes) != levels:
            continue
        fixed = tuple(sorted(routes.items()))
        for relaid in relayouts(subject, frame, routes):
            if copied is not None and copies_layouts(subject, frame, relaid) is not copied:
                continue
            known = set()
            for fine in (frozenset[int](), frozenset(a for a in routes if a not in frame.statement.written)):
                if wanted is not None and not wanted(fixed, relaid, fine):
                    continue
                shape = maker.shape(frame, routes, relaid, fine)
                if shape not in known:
                    known.add(shape)
                    yield Family(frame, fixed, relaid, fine, subject.shared, subject.epilogue, names, shape)


def with_whole(subject: Subject, family: Family) -> abc.Iterator[Family]:
    """The families like ``family`` in which one operand lies on chip as a whole while the others come in tiles.

    It then comes once, whatever the loops around tiles, and these tiles may be as small as the others want them. So
    may be what fits and would else come again for a loop that does not move it.
    """
    maker = ShapeMaker(subject.machine, subject.tensors, subject.home, subject.shared, subject.epilogue)
    routes = dict(family.routes)
    for access in routes if family.shape.levels == 1 else ():
        if _may_be_whole(subject, family, access):
            whole = frozenset((access,))
            shape = maker.shape(family.frame, routes, family.relaid, family.fine, whole)
            yield replace(family, shape=shape, whole=whole)


def _may_be_whole(subject: Subject, family: Family, access: int) -> bool:
    first = next((stop for stop in family.shape.stops if stop.access == access), None)
    if first is None or first.level is None:
        return False
    if access in family.relaid and copies_layouts(subject, family.frame, frozenset((access,))):
        return False  # its layout is changed tile by tile
    memory = subject.machine.memory(first.memory)
    if memory.kind is not MemoryKind.ADDRESSED or first.movers.issuperset(family.moving):
        return False
    if first.movers.isdisjoint(family.moving) or memory.capacity_bytes is None:
        return False
    extents = family.shape.extents
    spans = (1 + sum(abs(step) * (extents[place] - 1) for place, step in dim) for dim in first.dims)
    return math.prod(spans) * first.element_bytes * first.padding <= memory.capacity_bytes


def copies_layouts(subject: Subject, frame: Frame, relaid: frozenset[int]) -> bool:
    """Whether a layout is changed at run time: constants are re-laid out before."""
    accesses, written = frame.statement.accesses, frame.statement.written
    return any(each in written or subject.tensors[accesses[each].tensor].role is not Role.CONST for each in relaid)


def route_choices(subject: Subject, frame: Frame) -> abc.Iterator[dict[int, tuple[str, ...]]]:
    """Routes for all operands, those through all caches first."""
    options: list[tuple[int, tuple[tuple[str, ...], ...]]] = []
    for operand, access in frame.call.sigma:
        dtype = subject.tensors[frame.statement.accesses[access].tensor].dtype
        finder = output_routes if access in frame.statement.written else input_routes
        options.append((access, finder(subject.machine, frame.call.instruction, operand, subject.home, dtype)[:2]))
    every = sorted(itertools.product(*(enumerate(routes) for _, routes in options)), key=_detours)
    for combination in every[:ROUTES]:
        yield {access: route for (access, _), (_, route) in zip(options, combination, strict=True)}


def _detours(combination: abc.Iterable[tuple[int, object]]) -> int:
    return sum(rank for rank, _ in combination)


def relayouts(subject: Subject, frame: Frame, routes: Routes) -> abc.Iterator[frozenset[int]]:
    """Which operands are re-laid out at home: none, the const ones, then other inputs, then the result as well."""
    inputs = [access for access in routes if access not in frame.statement.written]
    const = frozenset(a for a in inputs if subject.tensors[frame.statement.accesses[a].tensor].role is Role.CONST)
    yield frozenset()
    if const:
        yield const
    for access in inputs:
        if access not in const:
            yield const | {access}
    if len(inputs) - len(const) > 1:
        yield frozenset(inputs)
    if subject.epilogue is None and 0 in routes and routes[0]:
        yield const | {0}
        others = [access for access in inputs if access not in const]
        if len(others) > 1:
            yield from (const | {0, access} for access in others)
        if others:
            yield frozenset({0, *inputs})
