"""One nest as program nodes: loops, fills, the call, drains.

    for enclosing loops { [fill] for inner loops { [part of the next fill] call [...] } [drain] }

Rules of this file:
- no search and no choice: everything comes from the nest;
- a prefetched fill is issued one iteration ahead, in the body of the loops inside it, and un-prefetched only where no
  iteration precedes it; a delayed drain symmetrically one iteration behind, with a last one after the loops;
- a part that a clipped host loop would leave out is issued right after that loop.
"""

from __future__ import annotations

import itertools
from collections import abc
from dataclasses import dataclass

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.model import Instruction, Machine
from isamapper.ir.affine import Affine, Extent, constant, variable
from isamapper.ir.nodes import Constraint, Guard, Loop, Node
from isamapper.plan.emit import Chunk, Stop, call_node, copy_nodes
from isamapper.plan.layout import Layout, loop_trips
from isamapper.plan.needle import copy_shape, operand_spec
from isamapper.plan.nest import Buffer, Copy, Nest, depth_of, divides_exactly, valid_extent
from isamapper.plan.padding import needs_padding, pad_value


@dataclass(frozen=True, slots=True)
class Move:
    """One fill or drain: which buffer, from where to where, and whether it is shifted to a neighbour iteration."""

    access: int
    buffer: Buffer
    copy: Copy
    stops: tuple[Stop, Stop]
    drain: bool
    shifted: bool
    outer: Stop


class NestLowering:
    """Emits the nodes of one nest; ``stops`` lists per access the home tensor and its placed buffers."""

    def __init__(self, machine: Machine, nest: Nest, stops: abc.Mapping[int, tuple[Stop, ...]]) -> None:
        self.machine, self.nest, self.stops = machine, nest, stops
        self.depth = len(nest.order)
        self.fills: list[Move] = []
        self.drains: list[Move] = []
        self._collect()
        self.active: dict[tuple[str, bool], tuple[Chunk, ...]] = {}

    def nodes(self) -> tuple[Node, ...]:
        """The whole nest."""
        return (*self._level(0), *self._last_drains())

    # which moves there are

    def _collect(self) -> None:
        for stops in self.stops.values():
            for outer, inner in itertools.pairwise(stops):
                buffer = inner.buffer
                assert buffer is not None
                access = buffer.access
                if buffer.fill is not None and not buffer.prepared:
                    shifted = buffer.prefetch and self._shift_level(buffer, outer) is not None
                    self.fills.append(Move(access, buffer, buffer.fill, (outer, inner), False, shifted, outer))
                if buffer.drain is not None:
                    shifted = buffer.delay and self._constant_trips(depth_of(self.nest, buffer.loop))
                    shifted = shifted and depth_of(self.nest, buffer.loop) > 0
                    self.drains.insert(0, Move(access, buffer, buffer.drain, (inner, outer), True, shifted, outer))

    def _constant_trips(self, depth: int) -> bool:
        return all(self._constant_trip(name) for name in self.nest.order[:depth])

    def _constant_trip(self, name: str) -> bool:
        return len(self._trip(name).bounds) == 1

    def _trip(self, name: str) -> Extent:
        return valid_extent(self.nest, self.nest.digit(name), {})

    def _shift_level(self, buffer: Buffer, outer: Stop) -> int | None:
        """The outermost loop (index) whose step may prefetch; None where no loop can."""
        depth = depth_of(self.nest, buffer.loop)
        floor = 0 if outer.buffer is None else depth_of(self.nest, outer.buffer.loop)
        lowest = None
        for level in range(depth - 1, floor - 1, -1):
            lowest = level
            if not self._constant_trip(self.nest.order[level]):
                break
        return lowest

    # the loops

    def _level(self, depth: int) -> tuple[Node, ...]:
        before = [node for move in self.fills if self._at(move, depth) for node in self._fill_here(move, depth)]
        early = [node for move in self.drains if self._at(move, depth) for node in self._early_drain(move)]
        inner = self._loop(depth) if depth < self.depth else self._call()
        after = [node for move in self.drains if self._at(move, depth) for node in self._drain_here(move)]
        return (*before, *early, *inner, *after)

    def _at(self, move: Move, depth: int) -> bool:
        return depth_of(self.nest, move.buffer.loop) == depth

    def _loop(self, depth: int) -> tuple[Node, ...]:
        name = self.nest.order[depth]
        hosted = [move for move in (*self.drains, *self.fills) if self._hosts(move, name, depth)]
        saved = dict(self.active)
        body: list[Node] = []
        for move in hosted:
            body.extend(self._enter(move, name))
        body.extend(self._level(depth + 1))
        self.active = saved
        loop = Loop(name, self._trip(name), tuple(body))
        rest = [node for move in hosted for node in self._catch_up(move, name)]
        return (loop, *rest)

    def _hosts(self, move: Move, name: str, depth: int) -> bool:
        inside = depth >= depth_of(self.nest, move.buffer.loop)
        return move.shifted and inside and any(loop == name for loop, _ in move.buffer.spread)

    def _enter(self, move: Move, name: str) -> tuple[Node, ...]:
        coordinate, size = self._share(move, name)
        chunk = Chunk(coordinate, variable(name) * size, size)
        key = (move.stops[0].tensor.name, move.drain)
        self.active[key] = (*self.active.get(key, ()), chunk)
        if move.buffer.spread[-1][0] != name:
            return ()
        return self._shifted(move, self.active[key])

    def _share(self, move: Move, name: str) -> tuple[str, int]:
        coordinate = next(c for loop, c in move.buffer.spread if loop == name)
        walked = self._walked(move)
        size = next((size for _, bound, size in move.copy.binds if bound == coordinate), 1)
        extent = next(c.extent for c in walked.coordinates if c.name == coordinate)
        blocks = -(-extent // size)
        return coordinate, -(-blocks // loop_trips(self.nest, name))

    def _walked(self, move: Move) -> Layout:
        layout = (move.stops[0] if move.drain else move.stops[1]).layout
        assert layout is not None
        return layout

    def _catch_up(self, move: Move, name: str) -> tuple[Node, ...]:
        trip = self._trip(name)
        if len(trip.bounds) == 1:
            return ()
        coordinate, size = self._share(move, name)
        most, clipped = trip.bounds[0].constant, trip.bounds[1]
        key = (move.stops[0].tensor.name, move.drain)
        chunks = (*self.active.get(key, ()), Chunk(coordinate, clipped * size, None))
        return (Guard((Constraint(constant(most - 1) - clipped),), self._shifted(move, chunks)),)

    # moves

    def _fill_here(self, move: Move, depth: int) -> tuple[Node, ...]:
        present = {name: variable(name) for name in self.nest.order[:depth]}
        nodes = self._copy(move, present, ())
        if move.access == 0:
            return self._refill(nodes, depth)
        if not move.shifted:
            return nodes
        lowest = self._shift_level(move.buffer, move.outer)
        assert lowest is not None
        fresh = tuple(Constraint(variable(name), True) for name in self.nest.order[lowest:depth])
        ahead = self._shifted(move, ()) if not self._is_spread(move) else ()
        return (Guard(fresh, nodes), *ahead)

    def _is_spread(self, move: Move) -> bool:
        return bool(move.buffer.spread)

    def _refill(self, nodes: tuple[Node, ...], depth: int) -> tuple[Node, ...]:
        """Partial sums come back, except where none exist yet."""
        if self.nest.first is None and self.nest.init is None:
            return nodes
        outer = [name for name in self.nest.order[:depth] if self._reduces(name)]
        if not outer:
            return ()
        return (Guard(tuple(Constraint(variable(name), True) for name in outer), (), nodes),)

    def _early_drain(self, move: Move) -> tuple[Node, ...]:
        return self._shifted(move, ()) if move.shifted and not self._is_spread(move) else ()

    def _drain_here(self, move: Move) -> tuple[Node, ...]:
        if move.shifted:
            return ()
        depth = depth_of(self.nest, move.buffer.loop)
        return self._copy(move, {name: variable(name) for name in self.nest.order[:depth]}, ())

    def _last_drains(self) -> tuple[Node, ...]:
        nodes: list[Node] = []
        for move in self.drains:
            if move.shifted:
                names = self.nest.order[: depth_of(self.nest, move.buffer.loop)]
                last = {name: constant(loop_trips(self.nest, name) - 1) for name in names}
                nodes.extend(self._copy(move, last, ()))
        return tuple(nodes)

    def _shifted(self, move: Move, chunks: tuple[Chunk, ...]) -> tuple[Node, ...]:
        return self._previous(move, chunks) if move.drain else self._next(move, chunks)

    def _next(self, move: Move, chunks: tuple[Chunk, ...]) -> tuple[Node, ...]:
        depth = depth_of(self.nest, move.buffer.loop)
        lowest = self._shift_level(move.buffer, move.outer)
        assert lowest is not None
        nodes: tuple[Node, ...] = ()
        for level in range(lowest, depth):
            name = self.nest.order[level]
            if loop_trips(self.nest, name) == 1:
                continue
            values = {outer: variable(outer) for outer in self.nest.order[:level]}
            values[name] = variable(name) + 1
            values.update({inner: constant(0) for inner in self.nest.order[level + 1 : depth]})
            conditions = tuple(Constraint(bound - variable(name) - 2) for bound in self._trip(name).bounds)
            nodes = (Guard(conditions, self._copy(move, values, chunks), nodes),)
        return nodes

    def _previous(self, move: Move, chunks: tuple[Chunk, ...]) -> tuple[Node, ...]:
        depth = depth_of(self.nest, move.buffer.loop)
        nodes: tuple[Node, ...] = ()
        for level in range(depth):
            name = self.nest.order[level]
            if loop_trips(self.nest, name) == 1:
                continue
            values = {outer: variable(outer) for outer in self.nest.order[:level]}
            values[name] = variable(name) - 1
            deeper = self.nest.order[level + 1 : depth]
            values.update({inner: constant(loop_trips(self.nest, inner) - 1) for inner in deeper})
            nodes = (Guard((Constraint(variable(name) - 1),), self._copy(move, values, chunks), nodes),)
        return nodes

    def _copy(self, move: Move, values: dict[str, Affine], chunks: tuple[Chunk, ...]) -> tuple[Node, ...]:
        instruction = self._mover(move)
        shape = copy_shape(instruction)
        assert shape is not None
        pad = None
        if not move.drain and needs_padding(self.nest, move.access):
            pad = pad_value(self.nest, move.access)
            if move.outer.buffer is None and not operand_spec(instruction, shape.source).pads:
                pad = None
        outside = {name: variable(name) for name in self._skeleton()}
        prefix = f"{move.stops[0].tensor.name if move.drain else move.stops[1].tensor.name}_"
        return copy_nodes(
            self.nest,
            move.copy,
            instruction,
            move.stops,
            self._walked(move),
            {**outside, **values},
            chunks,
            prefix,
            pad,
        )

    def _mover(self, move: Move) -> Instruction:
        """The instruction of a move; the last hop of a fused drain is the consumer's, immediates set."""
        if self.nest.epilogue is not None and move.drain and move.outer.buffer is None:
            return self.nest.epilogue.instruction
        return self.machine.instruction(move.copy.instruction)

    def _skeleton(self) -> tuple[str, ...]:
        """Digits that are loops around the whole nest."""
        return tuple(d.name for d in self.nest.digits if d.bound is None and d.name not in self.nest.order)

    # the call

    def _reduces(self, name: str) -> bool:
        iterator = self.nest.digit(name).iterator
        return all(not result.coefficient(iterator) for result in self.nest.statement.assign.target.map.results)

    def _call(self) -> tuple[Node, ...]:
        last = {access: stops[-1] for access, stops in self.stops.items()}
        main = call_node(self.nest, self.nest.call, last)
        fresh = tuple(Constraint(variable(name), True) for name in self.nest.order if self._reduces(name))
        if self.nest.first is not None:
            start = call_node(self.nest, self.nest.first, last)
            return (Guard(fresh, (start,), (main,)),) if fresh else (start,)
        if self.nest.init is not None:
            clear = call_node(self.nest, self.nest.init, last)
            return (Guard(fresh, (clear,)), main) if fresh else (clear, main)
        return (main,)


def check_nest(nest: Nest) -> Rejection | None:
    """Why the nest cannot be lowered, or None: digits must cover every iterator and fixed operand axes be whole."""
    from isamapper.plan.needle import iterator_sizes, parameter_of

    for iterator in nest.statement.iterators:
        total = 1
        for digit in nest.digits:
            total *= digit.extent if digit.iterator == iterator.name else 1
        if total < iterator.extent:
            return Rejection("SCH001", iterator.name, f"its digits cover {total} of {iterator.extent} iterations")
    sizes = iterator_sizes(nest.call.instruction.semantics)
    for name, size in sizes.items():
        whole = 1
        for member in nest.call.members(name):
            whole *= nest.digit(member).extent
        control = parameter_of(nest.call.instruction, name)
        if whole > size or (control is None and nest.call.members(name) and whole != size):
            return Rejection("SCH002", name, f"its digits span {whole} of the instruction's {size} steps")
    for name in nest.order:
        if not divides_exactly(nest, nest.digit(name)) and nest.digit(name).extent < 1:
            return Rejection("SCH003", name, "an empty loop")
    return None
