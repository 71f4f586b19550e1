"""Shapes that differ in the names and the order of their iterators alone: rows and columns of a square image.

Prices are sums and maxima over operands, whatever iterators are called, so shapes alike have the same prices for tiles
alike. Iterators are told apart by what they move and with what, a few rounds of it. What does not belong here: which of
several shapes alike is used (the scheduler).
"""

from __future__ import annotations

from collections import abc
from dataclasses import replace
from typing import Any, TypeAlias

from isamapper.costmodels.shape import Dims, Shape, Stop

ROUNDS = 3
Group: TypeAlias = tuple[Dims, tuple[int, ...], bool]
"""What iterators move, how much of every axis lies outside, and whether the last axis stands out."""


def likeness(shape: Shape) -> tuple[object, ...]:
    """Equal for shapes that are alike, and for hardly any others."""
    groups = tuple(_groups(shape))
    found: list[Any] = list(zip(shape.extents, shape.block, strict=True))
    colours, history = _ranks(found), [sorted(found)]
    for _ in range(ROUNDS):
        seen = _seen(groups, colours)
        found = [(colour, tuple(sorted(each))) for colour, each in zip(colours, seen, strict=True)]
        colours = _ranks(found)
        history.append(sorted(found))
    return _nameless(shape), tuple(tuple(each) for each in history)


def _groups(shape: Shape) -> abc.Iterator[Group]:
    yield shape.target, (), False
    yield from ((stop.dims, stop.outside, stop.request_bytes != 1) for stop in shape.stops)
    yield from ((dims, (), False) for _, _, dims in shape.relays)
    yield from ((dims, outside, False) for dims, outside, _ in shape.floor.relays)


def _ranks(found: list[Any]) -> list[int]:
    """Numbers in the order of what was found, the same for equals."""
    order = {each: number for number, each in enumerate(sorted(set(found)))}
    return [order[each] for each in found]


def _seen(groups: tuple[Group, ...], colours: list[int]) -> list[list[tuple[object, ...]]]:
    """Per iterator what it moves, and with which others."""
    found: list[list[tuple[object, ...]]] = [[] for _ in colours]
    for number, (dims, outside, ordered) in enumerate(groups):
        for axis, dim in enumerate(dims):
            others = tuple(sorted((colours[place], factor) for place, factor in dim))
            last = ordered and axis == len(dims) - 1
            for place, factor in dim:
                found[place].append((number, factor, outside[axis] if outside else 0, last, others))
    return found


def _nameless(shape: Shape) -> Shape:
    """The shape without what names iterators."""
    stops: tuple[Stop, ...] = tuple(replace(stop, dims=(), outside=()) for stop in shape.stops)
    relays = tuple((cycles, moved, ()) for cycles, moved, _ in shape.relays)
    floor = replace(shape.floor, relays=tuple(((), (), rates) for _, _, rates in shape.floor.relays))
    return replace(shape, extents=(), block=(), stops=stops, target=(), relays=relays, floor=floor)
