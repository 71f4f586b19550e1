"""One nest as program nodes: loops, fills, the call, drains.

    for enclosing loops { [fill] for inner loops { [part of the next fill] call [...] } [drain] }

Rules of this file:
- no search and no choice: everything comes from the nest, which ``check_nest.py`` has found sound;
- a prefetched fill is issued one iteration ahead, in the body of the loops inside it, and un-prefetched only where no
  iteration precedes it; a delayed drain symmetrically one iteration behind, with a last one after the loops; where one
  buffer does both, the tile before leaves a slot before the next one enters it;
- a part that a clipped host loop would leave out is issued right after that loop;
- a fill that is spread but not prefetched brings the present tile as the loops come to need it.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace
from itertools import pairwise

from isamapper.hwdesc.model import Instruction, Machine
from isamapper.ir.affine import Affine, Extent, constant, substitute, variable
from isamapper.ir.nodes import Constraint, Guard, Loop, Node, Tensor
from isamapper.plan.emit import Stop, call_node, loop_values
from isamapper.plan.emit_copy import Chunk, Transfer, copy_nodes, walked
from isamapper.plan.layout import loop_trips
from isamapper.plan.nest import Buffer, Nest, depth_of, digits_of, filled_as_needed, valid_extent, weight
from isamapper.plan.sums import added_depth


@dataclass(frozen=True, slots=True)
class Move:
    """One fill or drain; ``shifted`` to a neighbour iteration of the loops from number ``lowest`` to ``depth``.

    A ``needed`` one is of the present tile, and issued by the loops inside it just before they use it first.
    """

    buffer: Buffer
    transfer: Transfer
    depth: int
    shifted: bool = False
    lowest: int = 0
    needed: bool = False

    @property
    def key(self) -> tuple[str, bool]:
        """Tells the moves of a nest apart."""
        return self.transfer.inner.tensor.name, self.transfer.drain


class NestLowering:
    """Emits the nodes of one nest; ``stops`` lists per access the home tensor and its placed buffers.

    ``constants`` are the tensors that feed operands which stand for no access.
    """

    def __init__(
        self,
        machine: Machine,
        nest: Nest,
        stops: abc.Mapping[int, tuple[Stop, ...]],
        constants: abc.Mapping[str, Tensor],
    ) -> None:
        self.machine, self.nest, self.stops, self.constants = machine, nest, stops, constants
        self.cores = len(nest.distributed)
        self.added = added_depth(nest)
        self.fills: list[Move] = []
        self.stays: list[Move] = []
        self.drains: list[Move] = []
        self._collect()
        self.active: dict[tuple[str, bool], tuple[Chunk, ...]] = {}

    def nodes(self) -> tuple[Node, ...]:
        """The whole nest, apart from what :meth:`before` gives."""
        return self._level(0)

    def before(self) -> tuple[Node, ...]:
        """The fills of buffers that stay: to be done once, before the loops around the nest; a core fills its part."""
        return tuple(self._by_cores(move, node) for move in self.stays for node in self._copy(move, {}))

    def _by_cores(self, move: Move, node: Node) -> Node:
        """A fill of what lies in parts, its loops over the parts across the grids."""
        filled = move.transfer.inner.tensor.name
        grids = {f"{filled}_{loop}": grid for loop, grid in self.nest.distributed}

        def across(inner: Node) -> Node:
            if not isinstance(inner, Loop) or inner.iterator not in grids:
                return inner
            return replace(inner, across=grids[inner.iterator], body=tuple(across(each) for each in inner.body))

        return across(node)

    # which moves there are

    def _collect(self) -> None:
        written = self.nest.statement.written
        for stops in self.stops.values():
            for outer, inner in pairwise(stops):
                buffer = inner.buffer
                assert buffer is not None
                depth = depth_of(self.nest, buffer.loop)
                if buffer.fill is not None and not buffer.prepared:
                    transfer = Transfer(buffer.fill, self._mover(buffer.fill.instruction), outer, inner, False)
                    ahead = buffer.prefetch and (buffer.access not in written or filled_ahead(self.nest, buffer))
                    lowest = self._lowest(depth, outer) if ahead else None
                    moves = self.stays if buffer.resident else self.fills
                    needed = filled_as_needed(self.nest, buffer)
                    moves.append(Move(buffer, transfer, depth, lowest is not None, lowest or 0, needed))
                if buffer.drain is not None:
                    depth = max(depth, self.cores) if buffer.kept else depth  # a core brings home its own part
                    mover = self._mover(buffer.drain.instruction, last=outer.buffer is None)
                    transfer = Transfer(buffer.drain, mover, inner, outer, True)
                    start = self._lagging(depth, outer) if buffer.delay else None
                    self.drains.insert(0, Move(buffer, transfer, depth, start is not None, start or 0))

    def _mover(self, name: str, last: bool = False) -> Instruction:
        """The instruction of a move; the last hop of a fused drain is the consumer's, immediates set."""
        if self.nest.epilogue is not None and last:
            return self.nest.epilogue.instruction
        return self.machine.instruction(name)

    def _lowest(self, depth: int, outer: Stop) -> int | None:
        """The outermost loop (index) whose step may prefetch; None where no loop can.

        Slots follow the running count of iterations, which has gaps where a clipped loop ends early: nothing is
        prefetched across such a gap, nor beyond the tile that the next memory out holds.
        """
        floor = self._outermost(outer)
        lowest = None
        for level in range(depth - 1, floor - 1, -1):
            lowest = level
            if not self._trips_are_constant(self.nest.order[level]):
                break
        return lowest

    def _lagging(self, depth: int, outer: Stop) -> int | None:
        """The outermost loop (index) over which drains are one iteration late; None where they may not be.

        Nobody may read the result in between, and the last tile must be known: it is drained after those loops, before
        the next memory out drains its own.
        """
        start = self._outermost(outer)
        loops = self.nest.order[start:depth]
        steady = all(self._trips_are_constant(name) and not self._repeats(name) for name in loops)
        return start if loops and steady else None

    def _outermost(self, outer: Stop) -> int:
        """The outermost loop (index) that may move copies from or to ``outer``: its tile is the same, and the core."""
        return max(self.cores, 0 if outer.buffer is None else depth_of(self.nest, outer.buffer.loop))

    def _trips_are_constant(self, name: str) -> bool:
        return len(self._trip(name).bounds) == 1

    def _trip(self, name: str) -> Extent:
        return valid_extent(self.nest, self.nest.digit(name), {})

    # the loops

    def _level(self, depth: int) -> tuple[Node, ...]:
        written = self.nest.statement.written
        here = [move for move in self.fills if move.depth == depth]
        before = [node for move in here if move.buffer.access not in written for node in self._fill_here(move)]
        early = [node for move in self.drains if move.depth == depth for node in self._whole_shift(move)]
        early += [node for move in here if move.buffer.access in written for node in self._fill_here(move)]
        inner = self._loop(depth) if depth < len(self.nest.order) else self._call()
        after = [node for move in self.drains for node in self._drains_after(move, depth)]
        return (*before, *early, *inner, *after)

    def _loop(self, depth: int) -> tuple[Node, ...]:
        name = self.nest.order[depth]
        hosted = [move for move in (*self.drains, *self.fills) if self._hosts(move, name)]
        hosted.sort(key=lambda move: not move.needed)
        saved = dict(self.active)
        body: list[Node] = []
        for move in hosted:
            body.extend(self._enter(move, name))
        body.extend(self._level(depth + 1))
        self.active = saved
        loop = Loop(name, self._trip(name), tuple(body), across=dict(self.nest.distributed).get(name))
        rest = [node for move in hosted for node in self._catch_up(move, name)]
        return (loop, *rest)

    def _hosts(self, move: Move, name: str) -> bool:
        return (move.shifted or move.needed) and any(loop == name for loop, _ in move.buffer.spread)

    def _enter(self, move: Move, name: str) -> tuple[Node, ...]:
        coordinate, size = self._share(move, name)
        self.active[move.key] = (
            *self.active.get(move.key, ()),
            self._chunk(coordinate, variable(name) * size, size, name),
        )
        if move.buffer.spread[-1][0] != name:
            return ()
        return self._once(move, name, self._shifted(move, self.active[move.key]))

    def _chunk(self, coordinate: str, start: Affine, size: int | None, host: str) -> Chunk:
        last = (loop_trips(self.nest, host) - 1) * (size or 1)
        return Chunk(coordinate, start, size, last)

    def _once(self, move: Move, host: str, nodes: tuple[Node, ...]) -> tuple[Node, ...]:
        """``nodes`` in the first iteration of the loops between the buffer and ``host`` that carry no share of it."""
        hosts = {loop for loop, _ in move.buffer.spread}
        between = self.nest.order[move.depth : self.nest.order.index(host)]
        idle = tuple(name for name in between if name not in hosts and loop_trips(self.nest, name) > 1)
        return self._where(self._at_zero(idle), nodes)

    def _share(self, move: Move, name: str) -> tuple[str, int]:
        """The coordinate that host loop ``name`` carries, and how many blocks of it per iteration."""
        coordinate = next(c for loop, c in move.buffer.spread if loop == name)
        size = next((size for _, bound, size in move.transfer.copy.binds if bound == coordinate), 1)
        extent = next(c.extent for c in walked(move.transfer).coordinates if c.name == coordinate)
        blocks = -(-extent // size)
        return coordinate, -(-blocks // loop_trips(self.nest, name))

    def _catch_up(self, move: Move, name: str) -> tuple[Node, ...]:
        trip = self._trip(name)
        if len(trip.bounds) == 1 or move.needed:
            return ()
        coordinate, size = self._share(move, name)
        most, clipped = trip.bounds[0].constant, trip.bounds[1]
        chunks = (*self.active.get(move.key, ()), self._chunk(coordinate, clipped * size, None, name))
        rest = Guard((Constraint(constant(most - 1) - clipped),), self._shifted(move, chunks))
        return self._once(move, name, (rest,))

    # moves

    def _fill_here(self, move: Move) -> tuple[Node, ...]:
        if move.needed:
            return ()
        if not move.shifted:
            nodes = self._copy(move, {})
            return self._refill(nodes, move.depth) if move.buffer.access in self.nest.statement.written else nodes
        loops = [name for name in self.nest.order[move.lowest : move.depth] if loop_trips(self.nest, name) > 1]
        nodes = self._copy(move, dict.fromkeys(loops, constant(0)))
        return (*self._where(self._at_zero(loops), nodes), *self._whole_shift(move))

    def _refill(self, nodes: tuple[Node, ...], depth: int) -> tuple[Node, ...]:
        """Partial sums come back, except where none exist yet."""
        if self.nest.first is None and self.nest.init is None:
            return nodes
        outer = tuple(name for name in self._going_on(depth) if self._repeats(name))
        return (Guard(self._at_zero(outer), (), nodes),) if outer else ()

    def _going_on(self, depth: int) -> tuple[str, ...]:
        """Loops around the body at ``depth`` whose iterations go on with partial sums: inside what is added up."""
        outer = self._around() if self.added is None else ()
        return (*outer, *self.nest.order[self.added or 0 : depth])

    def _whole_shift(self, move: Move) -> tuple[Node, ...]:
        """All of a shifted move at once, where no inner loop carries it."""
        return self._shifted(move, ()) if move.shifted and not move.buffer.spread else ()

    def _drains_after(self, move: Move, depth: int) -> tuple[Node, ...]:
        """What a drain does after the body at ``depth``: its tile, or the last of those that were late."""
        if not move.shifted:
            return self._copy(move, {}) if move.depth == depth else ()
        if move.lowest != depth:
            return ()
        loops = self.nest.order[depth : move.depth]
        return self._copy(move, {name: constant(loop_trips(self.nest, name) - 1) for name in loops})

    def _shifted(self, move: Move, chunks: tuple[Chunk, ...]) -> tuple[Node, ...]:
        if move.needed:
            return self._copy(move, {}, chunks)
        return self._previous(move, chunks) if move.transfer.drain else self._next(move, chunks)

    def _next(self, move: Move, chunks: tuple[Chunk, ...]) -> tuple[Node, ...]:
        nodes: tuple[Node, ...] = ()
        for level in range(move.lowest, move.depth):
            name = self.nest.order[level]
            if loop_trips(self.nest, name) == 1:
                continue
            values = {name: variable(name) + 1}
            values.update({inner: constant(0) for inner in self.nest.order[level + 1 : move.depth]})
            conditions = tuple(Constraint(bound - variable(name) - 2) for bound in self._trip(name).bounds)
            nodes = (Guard(conditions, self._copy(move, values, chunks), nodes),)
        return nodes

    def _previous(self, move: Move, chunks: tuple[Chunk, ...]) -> tuple[Node, ...]:
        nodes: tuple[Node, ...] = ()
        for level in range(move.lowest, move.depth):
            name = self.nest.order[level]
            if loop_trips(self.nest, name) == 1:
                continue
            values = {name: variable(name) - 1}
            deeper = self.nest.order[level + 1 : move.depth]
            values.update({inner: constant(loop_trips(self.nest, inner) - 1) for inner in deeper})
            nodes = (Guard((Constraint(variable(name) - 1),), self._copy(move, values, chunks), nodes),)
        return nodes

    def _copy(self, move: Move, shifts: abc.Mapping[str, Affine], chunks: tuple[Chunk, ...] = ()) -> tuple[Node, ...]:
        """The copy for the tile at the present loop values, those in ``shifts`` replaced."""
        around = (*self._around(), *self.nest.order[: move.depth])
        values = {name: value for name, value in loop_values(self.nest).items() if name in around}
        return copy_nodes(self.nest, move.transfer, {**values, **shifts}, chunks)

    def _around(self) -> tuple[str, ...]:
        """Digits that are loops around the whole nest."""
        return tuple(d.name for d in self.nest.digits if d.bound is None and d.name not in self.nest.order)

    # the call

    def _repeats(self, name: str) -> bool:
        """Whether later iterations of a loop come back to the same elements of the target."""
        return comes_back(self.nest, name) and (name not in self.nest.order or loop_trips(self.nest, name) > 1)

    def _at_zero(self, loops: abc.Iterable[str]) -> tuple[Constraint, ...]:
        return tuple(Constraint(variable(name), equality=True) for name in loops)

    def _where(self, conditions: tuple[Constraint, ...], nodes: tuple[Node, ...]) -> tuple[Node, ...]:
        return (Guard(conditions, nodes),) if conditions and nodes else nodes

    def _conditions(self) -> tuple[Constraint, ...]:
        """The statement's conditions in loop digits."""
        iterators = {
            iterator.name: sum(
                (
                    variable(d.name, weight(self.nest, d))
                    for d in digits_of(self.nest, iterator.name)
                    if d.bound is None
                ),
                constant(0),
            )
            for iterator in self.nest.statement.iterators
        }
        return tuple(
            Constraint(substitute(condition.function, iterators), condition.equality)
            for condition in self.nest.statement.conditions
        )

    def _call(self) -> tuple[Node, ...]:
        last = {access: stops[-1] for access, stops in self.stops.items()}
        main = call_node(self.nest, self.nest.call, last, self.constants)
        fresh = self._at_zero(name for name in self._going_on(len(self.nest.order)) if self._repeats(name))
        if self.nest.first is not None:
            start = call_node(self.nest, self.nest.first, last, self.constants)
            return (Guard(fresh, (start,), (main,)),) if fresh else (start,)
        if self.nest.init is not None:
            clear = call_node(self.nest, self.nest.init, last)
            return (*self._where(fresh, (clear,)), *self._where(self._conditions(), (main,)))
        return self._where(self._conditions(), (main,))


def comes_back(nest: Nest, name: str) -> bool:
    """Whether all iterations of a loop digit write the same elements of the target."""
    iterator = nest.digit(name).iterator
    return all(not result.coefficient(iterator) for result in nest.statement.assign.target.map.results)


def filled_ahead(nest: Nest, buffer: Buffer) -> bool:
    """Whether a target's buffer may be filled while the tile before is still in work, and drained after it.

    Each tile has a value of its own before the statement, and is visited once; what is drained of the tile before is
    drained by the same pieces as the next is filled, piece by piece.
    """
    if nest.first is not None or nest.init is not None or buffer.fill is None or buffer.drain is None:
        return False
    around = nest.order[: depth_of(nest, buffer.loop)]
    if any(comes_back(nest, name) and loop_trips(nest, name) > 1 for name in around):
        return False
    pieces = ({name: size for _, name, size in copy.binds} for copy in (buffer.fill, buffer.drain))
    filled, drained = pieces
    return all(filled.get(name, 1) == drained.get(name, 1) for _, name in buffer.spread)
