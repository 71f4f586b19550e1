"""The price of one nest: its shape and its row are read off, and priced as the rows of a search are.

order m_0 k_0 | k_1 n_1 m_1, buffers of tiles at m_0 and k_0    tiles {m: 4, k: 11}, orders (m k), (k n m)
"""

from __future__ import annotations

import math
from collections import abc
from dataclasses import dataclass

import numpy as np

from isamapper.costmodels.batch import prices
from isamapper.costmodels.shape import Shape
from isamapper.costmodels.shapes import ShapeMaker, boundaries, level_count, own_iterators
from isamapper.hwdesc.model import Machine
from isamapper.ir.analysis import Statement
from isamapper.ir.nodes import Tensor
from isamapper.plan.layout import loop_trips
from isamapper.plan.nest import Buffer, Call, Digit, Nest, depth_of


@dataclass(frozen=True, slots=True)
class _Laid:
    """What a nest says about its calls."""

    statement: Statement
    call: Call
    first: Call | None
    init: Call | None
    bound: tuple[Digit, ...]
    cost_cycles: int

    def block(self, iterator: str) -> int:
        return math.prod(digit.extent for digit in self.bound if digit.iterator == iterator)

    def blocks(self, iterator: str) -> int:
        size = next(known.extent for known in self.statement.iterators if known.name == iterator)
        return -(-size // self.block(iterator))


def nest_price(
    machine: Machine, tensors: abc.Mapping[str, Tensor], home: str, nest: Nest, call_cycles: int
) -> float | None:
    """Cycles of a nest with one level of tiles or none; None for others. ``call_cycles`` is what its calls occupy."""
    routes = {access: _route(nest, access, home) for _, access in nest.call.sigma}
    levels = level_count(machine, routes)
    if levels > 1:
        return None
    bound = tuple(digit for digit in nest.digits if digit.bound is not None)
    shared = frozenset(d.iterator for d in nest.digits if d.bound is None and d.name not in nest.order)
    laid = _Laid(nest.statement, nest.call, nest.first, nest.init, bound, call_cycles)
    relaid = frozenset(access for access in routes if nest.path(access) and nest.path(access)[0].memory == home)
    fine = frozenset(access for access in routes if _fine(nest, access))
    names = [each.name for each in own_iterators(nest.statement, shared)]
    depth = max((depth_of(nest, each.loop) for each in _tiles(machine, nest, home)), default=0)
    whole = frozenset(access for access in routes if levels and _whole(nest, access, home, nest.order[:depth]))
    shape = ShapeMaker(machine, tensors, home, shared, nest.epilogue).shape(laid, routes, relaid, fine, whole)
    tiles = np.array([[[_inside(nest, name, depth) for name in names]] * levels], dtype=np.int64)
    tiles = tiles.reshape(1, levels, len(names))
    cuts = (nest.order[:depth], nest.order[depth:]) if levels else (nest.order,)
    orders = tuple(_order(nest, loops, names) for loops in cuts)
    found = prices(shape, tiles, orders, np.array([_slots(shape, nest)], dtype=np.int64))
    return float(found.cycles[0]) if np.isfinite(found.cycles[0]) else None


def _route(nest: Nest, access: int, home: str) -> tuple[str, ...]:
    return tuple(buffer.memory for buffer in nest.path(access) if buffer.memory != home)


def _tiles(machine: Machine, nest: Nest, home: str) -> abc.Iterator[Buffer]:
    """Buffers that hold tiles: not what is loaded inside them, nor what lies at home."""
    for _, access in nest.call.sigma:
        route = _route(nest, access, home)
        levels = dict(zip(route, boundaries(machine, access, route), strict=True))
        yield from (each for each in nest.path(access) if levels.get(each.memory) is not None)


def _fine(nest: Nest, access: int) -> bool:
    """Whether an operand's tiles come call by call: no copy from home carries what loops walk."""
    path = [buffer for buffer in nest.path(access) if not buffer.prepared and buffer.fill is not None]
    if access in nest.statement.written or not path or path[0].fill is None:
        return False
    loops, results = set(nest.order), nest.statement.accesses[access].map.results
    names = {name for result in results for name in result.names}
    block = math.prod(digit.extent for digit in nest.digits if digit.bound is not None and digit.iterator in names)
    moved = math.prod(size for _, _, size in path[0].fill.binds)
    walks = path[0].layout == "dims" and moved > block
    return not walks and not any(name in loops for _, name, _ in path[0].fill.binds)


def _whole(nest: Nest, access: int, home: str, around: abc.Sequence[str]) -> bool:
    """Whether all of an operand that the loops ``around`` tiles move lies on chip before them."""
    held = next((buffer for buffer in nest.path(access) if buffer.memory != home), None)
    results = nest.statement.accesses[access].map.results
    moved = any(r.coefficient(nest.digit(loop).iterator) for loop in around for r in results)
    return moved and held is not None and held.loop is None


def _inside(nest: Nest, iterator: str, depth: int) -> int:
    """Calls along an iterator inside ``depth`` loops."""
    return math.prod(loop_trips(nest, name) for name in nest.order[depth:] if nest.digit(name).iterator == iterator)


def _order(nest: Nest, loops: abc.Sequence[str], names: abc.Sequence[str]) -> tuple[int, ...]:
    """Positions of the loops' iterators, outermost first; those without a loop come last, where they do nothing."""
    found = [names.index(nest.digit(name).iterator) for name in loops]
    return tuple(dict.fromkeys([*found, *range(len(names))]))


def _slots(shape: Shape, nest: Nest) -> list[int]:
    held = {(buffer.access, buffer.memory): buffer.slots for buffer in nest.buffers}
    return [min(2, held.get((stop.access, stop.memory), 1)) for stop in shape.buffers]
