"""Decisions that a person has taken: which families remain, and which columns of a row are given (``--fix FILE``).

    statement: 0                    # the first if left out
    instruction: compute
    operands: {a: 1, w: 2}          # the number of the access that an operand stands for
    axes: {j: n, p: [c, r]}         # kernel iterators along an iterator of the instruction
    memories: {1: [spad]}           # the memories an access passes, home left out
    relaid: [2]                     # accesses that are re-laid out at home first
    whole: [1]                      # the access that lies on chip as a whole; [] for none
    copies: fine                    # call by call, or 'coarse'
    tiles: {m: 4, k: 8}             # calls in a tile; a list of them, innermost first, where there are several levels
    outside: [n, m, k]              # order of the loops around tiles, outermost first; those not named go anywhere
    inside: [k, n, m]               # and inside them
    orders: {1: [k, m]}             # of any group of loops, 0 the outermost; there is one more than levels of tiles
    slots: {spad.1: 2}              # memory and access
    across: {m: {core: 4}}          # how often an iterator is cut over which grids; all else is about a core's part

What does not belong here: reading the file (``fix_file.py``).
"""

from __future__ import annotations

import itertools
from collections import abc
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from isamapper.plan.fixed import Pin
from isamapper.scheduler.space.family import Family


@dataclass(frozen=True)
class Columns:
    """Where the parts of a row begin: after the family's number come tiles, then orders, then slots."""

    orders: int
    slots: int


def allows(family: Family, pins: abc.Iterable[Pin]) -> bool:
    """Whether a family agrees with what is fixed."""
    return all(_agrees(family, pin) for pin in pins)


def _agrees(family: Family, pin: Pin) -> bool:
    match pin.kind:
        case "instruction":
            return family.frame.call.instruction.name == pin.value
        case "operands":
            return dict(family.frame.call.sigma).get(pin.name) == pin.value
        case "axes":
            return _along(family, pin.name) == frozenset(pin.value if isinstance(pin.value, tuple) else (pin.value,))
        case "orders":
            named = set(pin.value if isinstance(pin.value, tuple) else ())
            return int(pin.name) <= family.shape.levels and named <= set(family.names)
        case "memories":
            return dict(family.routes).get(int(pin.name)) == pin.value
        case "relaid":
            return family.relaid == frozenset(pin.value if isinstance(pin.value, tuple) else (pin.value,))
        case "whole":
            return family.whole == frozenset(pin.value if isinstance(pin.value, tuple) else (pin.value,))
        case "copies":
            return bool(family.fine) == (pin.value == "fine")
        case "tiles":
            sizes = pin.value if isinstance(pin.value, tuple) else (pin.value,)
            if pin.name not in family.names or len(sizes) > family.shape.levels:
                return False
            blocks = family.shape.blocks[family.names.index(pin.name)]
            return all(isinstance(size, int) and 1 <= size <= blocks for size in sizes)
        case "slots":
            return any(f"{stop.memory}.{stop.access}" == pin.name for stop in family.shape.buffers)
        case _:
            return set(pin.value if isinstance(pin.value, tuple) else ()) <= set(family.names)


def _along(family: Family, axis: str) -> frozenset[str]:
    """Kernel iterators along an iterator of the instruction."""
    iterators = {digit.name: digit.iterator for digit in family.frame.bound}
    return frozenset(iterators[name] for name in family.frame.call.members(axis))


def project(
    families: abc.Sequence[Family], columns: Columns, rows: NDArray[np.int64], pins: abc.Sequence[Pin]
) -> NDArray[np.int64]:
    """``rows`` of ``families`` with the fixed columns set to what they are fixed to."""
    found = rows.copy()
    for number in np.unique(rows[:, 0]):
        members, own = np.flatnonzero(rows[:, 0] == number), families[int(number)]
        for pin in pins:
            _project(columns, found, members, own, pin)
    return found


def _project(columns: Columns, rows: NDArray[np.int64], members: NDArray[np.int64], own: Family, pin: Pin) -> None:
    if pin.kind == "tiles" and own.names.index(pin.name) in own.moving:
        place = own.moving.index(own.names.index(pin.name))
        for level, size in enumerate(pin.value if isinstance(pin.value, tuple) else (pin.value,)):
            rows[members, 1 + level * len(own.moving) + place] = size
    elif pin.kind == "slots":
        names = [f"{stop.memory}.{stop.access}" for stop in own.shape.buffers]
        rows[members, columns.slots + names.index(pin.name)] = pin.value
    elif pin.kind in ("outside", "inside", "orders") and isinstance(pin.value, tuple):
        group = int(pin.name) if pin.kind == "orders" else 0 if pin.kind == "outside" else own.shape.levels
        column = columns.orders + group
        rows[members, column] = _nearest(own, pin.value)[rows[members, column] % len(own.orders)]


def _nearest(own: Family, wanted: tuple[object, ...]) -> NDArray[np.int64]:
    """Per order its number with the named loops put in the wanted sequence, the others where they were."""
    numbers = {order: number for number, order in enumerate(own.orders)}
    named = [own.names.index(str(name)) for name in wanted]
    sequence = [place for place in named if place in own.moving]
    found = []
    for order in own.orders:
        left = iter(sequence)
        found.append(numbers[tuple(next(left) if place in sequence else place for place in order)])
    return np.array(found, dtype=np.int64)


def smallest_conflict(
    pins: abc.Sequence[Pin], satisfiable: abc.Callable[[tuple[Pin, ...]], bool]
) -> tuple[Pin, ...] | None:
    """The fewest decisions that cannot be met together; None where all can."""
    if satisfiable(tuple(pins)):
        return None
    for count in range(len(pins) + 1):
        for chosen in itertools.combinations(pins, count):
            if not satisfiable(chosen):
                return chosen
    return tuple(pins)
