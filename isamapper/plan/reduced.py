"""The same schedule on a small kernel: every loop cut to a few trips, remainders and buffer phases kept.

A program of 10^10 operations cannot be executed to check its values; the program of its reduced schedule can, and has
the same nests, buffers, copies and edges. Instructions keep their sizes.
"""

from __future__ import annotations

from dataclasses import replace

from isamapper.diagnostics.source import SourceError
from isamapper.plan.lower import lower
from isamapper.plan.nest import Copy, Digit, Nest, digits_of
from isamapper.plan.program import Program
from isamapper.plan.shrink import shrunk
from isamapper.plan.steps import Place, Schedule, Split, Step, replay

MOST_TRIPS = 3


def reduced_program(schedule: Schedule, most: int = MOST_TRIPS) -> Program | None:
    """The program of the reduced schedule; None where there is none of the same form."""
    small = reduced(schedule, most)
    if small is None:
        return None
    try:
        return lower(small)
    except SourceError:
        return None


def reduced(schedule: Schedule, most: int = MOST_TRIPS) -> Schedule | None:
    """``schedule`` with at most ``most`` trips of every loop digit, on kernels of the same form."""
    nests = replay(schedule)
    extents: dict[int, int] = {}
    for nest in nests:
        for iterator in nest.statement.iterators:
            wanted = _wanted(digits_of(nest, iterator.name), iterator.extent, most)
            extents[iterator.extent] = max(wanted, extents.get(iterator.extent, 1))
    kernel, covered = shrunk(schedule.kernel, extents), shrunk(schedule.covered, extents)
    if kernel is None or covered is None or not _agree(kernel.tensors, covered.tensors):
        return None
    digits = {(nest.statement.index, digit.name): digit for nest in nests for digit in _digits(nest, extents, most)}
    steps = tuple(_step(step, digits) for step in schedule.steps)
    return replace(schedule, kernel=kernel, covered=covered, steps=steps)


def _agree(some: tuple[object, ...], others: tuple[object, ...]) -> bool:
    """Whether the parameters and results of two forms of a kernel are still the same."""
    return set(some) <= set(others)


def _wanted(digits: tuple[Digit, ...], whole: int, most: int) -> int:
    """The extent of an iterator whose last digits stand as they stood: first, middle or last of their loop.

    With the digits of ``whole - 1``: one that is the last of its loop stays the last, another one stays before it.
    """
    rest, last, weight = whole - 1, 0, 1
    for digit in reversed(digits):
        value = rest if digit is digits[0] else rest % digit.extent
        rest //= digit.extent
        if digit.bound is None and digit.extent > most:
            value = most - 1 if value == digit.extent - 1 else min(value, most - 2)
        last += weight * value
        weight *= digit.extent if digit.bound is not None else min(digit.extent, most)
    return min(whole, last + 1)


def _digits(nest: Nest, extents: dict[int, int], most: int) -> tuple[Digit, ...]:
    """The nest's digits on the new extents: loops of at most ``most`` trips, the outermost as many as it takes."""
    found: list[Digit] = []
    for iterator in nest.statement.iterators:
        inside = 1
        digits = digits_of(nest, iterator.name)
        for digit in reversed(digits):
            extent = digit.extent
            if digit.bound is None:
                extent = -(-extents[iterator.extent] // inside) if digit is digits[0] else min(extent, most)
            inside *= extent
            found.append(replace(digit, extent=extent))
    return tuple(found)


def _step(step: Step, digits: dict[tuple[int, str], Digit]) -> Step:
    match step:
        case Split(statement, _, old):
            return replace(step, digits=tuple(digits[statement, digit.name] for digit in old))
        case Place(statement, buffer):
            fill, drain = (_copy(statement, copy, digits) for copy in (buffer.fill, buffer.drain))
            return replace(step, buffer=replace(buffer, fill=fill, drain=drain))
        case _:
            return step


def _copy(statement: int, copy: Copy | None, digits: dict[tuple[int, str], Digit]) -> Copy | None:
    """The copy with no coordinate longer than its digit."""
    if copy is None:
        return None
    binds = []
    for iterator, coordinate, size in copy.binds:
        digit = digits.get((statement, coordinate))
        binds.append((iterator, coordinate, size if digit is None else min(size, digit.extent)))
    return replace(copy, binds=tuple(binds))
