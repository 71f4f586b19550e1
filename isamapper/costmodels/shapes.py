"""The shape of a statement: what the analytic model must know of instruction, memories and copies.

Found without building a nest: the copies are the cheapest between two memories for runs as long as the tensor has them.
"""

from __future__ import annotations

import math
from collections import abc
from dataclasses import replace
from functools import lru_cache
from itertools import chain
from typing import Protocol

from isamapper.costmodels.call_floors import Called, Operand, beyond, call_floor
from isamapper.costmodels.limits import (
    accumulate_cycles,
    cycles_of_lead,
    front_end_cycles,
    in_flight_limit,
    keeps_places,
    places_ahead,
    port_beats,
    read_cycles,
    ready_cycles,
)
from isamapper.costmodels.rates import rates
from isamapper.costmodels.shape import Dims, Floor, Rates, Shape, Stop, Transfer
from isamapper.hwdesc.bind import timing
from isamapper.hwdesc.model import Dispatch, Instruction, Machine, Memory, MemoryKind, Unit
from isamapper.ir.analysis import Iterator, Statement
from isamapper.ir.nodes import Access, Direction, Role, Tensor
from isamapper.plan.copies import copies_between
from isamapper.plan.needle import copy_shape, lone_axes, operand_tensor, required_strides
from isamapper.plan.nest import Epilogue
from isamapper.plan.walkers import walkers
from isamapper.plan.work import call_parameters

Routes = abc.Mapping[int, tuple[str, ...]]
"""Per access the memories it passes from home to the instruction, home left out."""


class Laid(Called, Protocol):
    """A statement with an instruction laid over it: ``bound`` are the digits inside a call."""

    def block(self, iterator: str) -> int:
        """Iterations of a kernel iterator inside one call."""
        ...

    def blocks(self, iterator: str) -> int:
        """Calls along a kernel iterator."""
        ...


def boundaries(machine: Machine, access: int, route: tuple[str, ...]) -> tuple[int | None, ...]:
    """Per memory of a route the level its tile belongs to: 0 is the tile next to the instruction, more is further out.

    None: a register file next to the instruction that is loaded inside that tile. Partial results that leave a register
    file pass the next memory at the same level.
    """
    found: list[int | None] = []
    level = 0
    for place, name in enumerate(reversed(route)):
        registers = machine.memory(name).kind is MemoryKind.REGISTERS
        if place == 0 and registers and access != 0:
            found.append(None)
            continue
        found.append(level)
        if not (place == 0 and registers):
            level += 1
    return tuple(reversed(found))


def level_count(machine: Machine, routes: Routes) -> int:
    """How many boundaries the deepest route needs."""
    levels = [level for access, route in routes.items() for level in boundaries(machine, access, route)]
    return max((1 if level is None else level + 1 for level in levels), default=0)


@lru_cache(maxsize=256)
def own_iterators(statement: Statement, shared: frozenset[str]) -> tuple[Iterator, ...]:
    """The iterators of a statement but for those shared, in the order of the axes that they move along, the target's
    first: so nothing depends on the order in which somebody wrote the loops."""
    axes = [result for access in statement.accesses for result in access.map.results]
    first = {
        i.name: next((n for n, r in enumerate(axes) if r.coefficient(i.name)), len(axes)) for i in statement.iterators
    }
    return tuple(sorted((i for i in statement.iterators if i.name not in shared), key=lambda each: first[each.name]))


class ShapeMaker:
    """Makes the shapes of one statement; ``shared`` iterators are loops around the whole nest and count once."""

    def __init__(
        self,
        machine: Machine,
        tensors: abc.Mapping[str, Tensor],
        home: str,
        shared: frozenset[str],
        epilogue: Epilogue | None,
    ) -> None:
        self.machine, self.tensors, self.home, self.shared, self.epilogue = machine, tensors, home, shared, epilogue

    def shape(
        self,
        frame: Laid,
        routes: Routes,
        relaid: frozenset[int],
        fine: frozenset[int],
        whole: frozenset[int] = frozenset(),
    ) -> Shape:
        """The shape of a frame whose operands take ``routes``; of those ``whole`` the first memory holds all."""
        levels = level_count(self.machine, routes)
        found = {
            access: self._stops(frame, access, routes[access], access in relaid, access in fine) for access in routes
        }
        stops = [
            replace(stop, level=levels) if access in whole and not place else stop
            for access, own in found.items()
            for place, stop in enumerate(own)
        ]
        used = sorted({stop.memory for stop in stops})
        known = ((name, self.machine.memory(name).capacity_bytes) for name in used)
        own = own_iterators(frame.statement, self.shared)
        calls = float(math.prod(frame.blocks(i.name) for i in own))
        values = call_parameters(frame.call, frame.bound, {})
        unit = self.machine.unit(frame.call.instruction.unit)
        return Shape(
            tuple(i.extent for i in own),
            tuple(frame.block(i.name) for i in own),
            levels,
            tuple(stops),
            tuple((name, size) for name, size in known if size is not None),
            self._base(frame, routes, calls),
            frozenset(name for name in used if self.machine.memory(name).renamed),
            unit.name,
            self._dims(frame, frame.statement.assign.target),
            calls,
            frame.cost_cycles / unit.count / max(calls, 1.0),
            float(timing(frame.call.instruction, values)[1]),
            calls * accumulate_cycles(frame.call, values) if _accumulates(frame) else 0.0,
            places_ahead(unit, self.machine.dispatch),
            tuple(self._relays(frame, relaid)),
            float(window) if (window := self.machine.dispatch.window) and self._in_order() else math.inf,
            sum(self._direct(frame, access) for access in routes if not routes[access]) * calls,
            self._floor(frame, routes, relaid),
            cycles_of_lead(self.machine, frame.call, values),
            _goes_on(frame),
            _first_cycles(frame, values),
            float(timing(frame.call.instruction, values)[1]) if keeps_places(unit, self.machine.dispatch) else 0.0,
        )

    def _floor(self, frame: Laid, routes: Routes, relaid: frozenset[int]) -> Floor:
        """What every tiling takes at least."""
        own = own_iterators(frame.statement, self.shared)
        target = self._dims(frame, frame.statement.assign.target)
        extents, block = tuple(i.extent for i in own), tuple(frame.block(i.name) for i in own)
        relays = tuple(self._least_relays(frame, relaid))
        return call_floor(self.machine, frame, extents, block, target, self._operands(frame, routes), relays)

    def _operands(self, frame: Laid, routes: Routes) -> abc.Iterator[Operand]:
        for operand, access in frame.call.sigma:
            route, found = routes.get(access, ()), frame.statement.accesses[access]
            size = operand_tensor(frame.call.instruction.semantics, operand).dtype.bits / 8
            written = access in frame.statement.written
            dims, outside = self._dims(frame, found), self._outside(frame, access)
            yield route[-1] if route else self.home, written, size, dims, outside

    def _least_relays(self, frame: Laid, relaid: frozenset[int]) -> abc.Iterator[tuple[Dims, tuple[int, ...], Rates]]:
        for access in sorted(relaid):
            found = frame.statement.accesses[access]
            tensor = self.tensors[found.tensor]
            if tensor.role is not Role.CONST:
                yield self._dims(frame, found), self._outside(frame, access), self._rates(self.home, self.home, tensor)

    def _outside(self, frame: Laid, access: int) -> tuple[int, ...]:
        found = frame.statement.accesses[access]
        extents = {i.name: i.extent for i in frame.statement.iterators}
        return beyond(found, self.tensors[found.tensor], extents, extents.keys() - self.shared)

    def _rates(self, source: str, target: str, tensor: Tensor, *, last: bool = False) -> Rates:
        if last and self.epilogue is not None:
            return rates(self.machine, (self.epilogue.instruction,), source, target)
        movers = copies_between(self.machine, source, target, tensor.dtype, tensor.dtype)
        return rates(self.machine, movers, source, target)

    def _base(self, frame: Laid, routes: Routes, calls: float) -> tuple[tuple[str, float], ...]:
        """Busy cycles of all calls: their unit, the ports they stream through, dispatch, places in the queue."""
        instruction = frame.call.instruction
        unit = self.machine.unit(instruction.unit)
        busy: dict[str, float] = {"dispatch": calls * front_end_cycles(self.machine, instruction)}
        longest = 0.0
        for operand, access in frame.call.sigma:
            route = routes.get(access, ())
            memory = self.machine.memory(route[-1] if route else self.home)
            bits = operand_tensor(instruction.semantics, operand).dtype.bits
            size = _block_elements(frame, frame.statement.accesses[access]) * bits / 8
            found = port_beats(memory, access in frame.statement.written, size)
            if found is not None:
                busy[found[0]] = busy.get(found[0], 0.0) + found[1] * calls
                longest = max(longest, found[1])
        cycles = max(float(frame.cost_cycles), longest * calls)
        busy[f"unit.{unit.name}"] = cycles / unit.count
        values = call_parameters(frame.call, frame.bound, {})
        for name, limit in _places(unit, self.machine.dispatch):
            busy[name] = calls * timing(instruction, values)[1] / limit
        return tuple(sorted(busy.items()))

    def _direct(self, frame: Laid, access: int) -> float:
        """Bytes of one call's operand that lies at home."""
        found = frame.statement.accesses[access]
        return _block_elements(frame, found) * self.tensors[found.tensor].dtype.bits / 8

    def _in_order(self) -> bool:
        return self.machine.dispatch.window_order != "any"

    def _relays(self, frame: Laid, relaid: frozenset[int]) -> abc.Iterator[tuple[float, float, Dims]]:
        for access in sorted(relaid):
            found = frame.statement.accesses[access]
            size = self._touched(frame, found) * self.tensors[found.tensor].dtype.bits / 8
            cycles = self._layout_copy(frame, access, size)
            if cycles:
                yield cycles, 2 * size, self._dims(frame, found)

    def _touched(self, frame: Laid, access: Access) -> int:
        """Elements of an operand that is re-laid out: an iterator alone on its axis brings one a step."""
        extents = {i.name: i.extent for i in frame.statement.iterators if i.extent > 1}
        total = 1
        for result, size in zip(access.map.results, self.tensors[access.tensor].shape, strict=True):
            names = [name for name, _ in result.terms if name in extents]
            reach = 1 + sum(abs(step) * (extents[name] - 1) for name, step in result.terms if name in extents)
            total *= extents[names[0]] if len(names) == 1 else min(size, reach)
        return total

    def _layout_copy(self, frame: Laid, access: int, size: float) -> float:
        """Cycles of a layout copy at home; constants are re-laid out before run time."""
        tensor = self.tensors[frame.statement.accesses[access].tensor]
        if tensor.role is Role.CONST:
            return 0.0
        hop = self._hop(self.home, self.home, tensor, math.inf, math.inf)
        return math.inf if hop is None else size * hop.slowest

    def _stops(self, frame: Laid, access: int, route: tuple[str, ...], relaid: bool, fine: bool) -> abc.Iterator[Stop]:
        found = frame.statement.accesses[access]
        tensor = self.tensors[found.tensor]
        dims, size = self._dims(frame, found), tensor.dtype.bits / 8
        memories, target = (self.home, *route), access in frame.statement.written
        turns = False
        for place, level in enumerate(boundaries(self.machine, access, route)):
            source, memory = memories[place], memories[place + 1]
            cached = self.machine.memory(memory).kind is MemoryKind.CACHE
            dense = cached or relaid or place > 0
            turned = place + 1 < len(route) and self._transposes(memory, memories[place + 2], tensor)
            run = math.inf if dense else _run(frame, access, tensor, turned) * size
            most = _block_elements(frame, found) * size if level is None or fine else math.inf
            times = _copies_in_call(frame, access) if level is None else 1
            inward = self._hop(source, memory, tensor, run, most, turns=turns, times=times)
            turns = not dense and turned and _run(frame, access, tensor, False) * size < run
            outward = self._out(frame, memory, source, tensor, run, most, last=place == 0) if target else None
            ports = (port for name in (source, memory) for port in self.machine.memory(name).ports)
            request = max((port.request_bytes for port in ports), default=1) if cached and level is not None else 1
            if target and self.epilogue is not None:
                inward = None
            padding = self._padding(frame, access, self.machine.memory(memory), size)
            least_in = self._rates(source, memory, tensor) if inward is not None else None
            least_out = self._rates(memory, source, tensor, last=place == 0) if outward is not None else None
            least = least_in, least_out, self._outside(frame, access)
            addressed = self.machine.memory(memory).kind is MemoryKind.ADDRESSED
            needed = addressed and level is not None and not target
            yield Stop(access, memory, level, size, dims, inward, outward, request, padding, target, *least, needed)

    def _transposes(self, source: str, target: str, tensor: Tensor) -> bool:
        """Whether some copy turns what it moves: the buffer that it reads may then lie either way."""
        return any(_turns(mover) for mover in copies_between(self.machine, source, target, tensor.dtype, tensor.dtype))

    def _hop(
        self, source: str, target: str, tensor: Tensor, run: float, most: float, *, turns: bool = False, times: int = 1
    ) -> Transfer | None:
        """The cheapest copy; one that ``turns`` what it moves, where the way before left it the wrong way.

        What is moved is every element so many ``times``.
        """
        movers = copies_between(self.machine, source, target, tensor.dtype, tensor.dtype)
        movers = tuple(mover for mover in movers if not turns or _turns(mover))
        return self._best(movers, source, target, run, most, times)

    def _out(
        self, frame: Laid, source: str, target: str, tensor: Tensor, run: float, most: float, *, last: bool
    ) -> Transfer | None:
        if self.epilogue is not None and last:
            return self._best((self.epilogue.instruction,), source, target, run, most)
        return self._hop(source, target, tensor, run, most)

    def _best(
        self,
        movers: abc.Iterable[Instruction],
        source: str,
        target: str,
        run: float,
        most: float,
        times: int = 1,
    ) -> Transfer | None:
        ends = self.machine.memory(source), self.machine.memory(target)
        dispatch = self.machine.dispatch
        found = [
            transfer(
                mover,
                *ends,
                self.machine.unit(mover.unit),
                dispatch,
                front_end_cycles(self.machine, mover),
                run,
                most,
                times,
            )
            for mover in movers
        ]
        return min(found, key=lambda each: (each.slowest, -each.piece_bytes), default=None)

    def _dims(self, frame: Laid, access: Access) -> Dims:
        places = {i.name: place for place, i in enumerate(own_iterators(frame.statement, self.shared))}
        dims = (tuple((places[name], step) for name, step in r.terms if name in places) for r in access.map.results)
        return tuple(dim for dim in dims if dim)

    def _padding(self, frame: Laid, access: int, memory: Memory, element_bytes: float) -> float:
        """Bytes of a memory of whole rows that one call's operand takes, per byte of the tensor in it."""
        operand = frame.call.operand(access)
        if operand is None or not memory.row_bytes:
            return 1.0
        tensor = operand_tensor(frame.call.instruction.semantics, operand)
        own = _block_elements(frame, frame.statement.accesses[access]) * element_bytes
        if memory.kind is MemoryKind.REGISTERS:
            whole = math.prod(tensor.shape) * tensor.dtype.bits / 8
        else:
            last = max(1, _last_axis(frame, access)) * element_bytes
            whole = own / last * -(-last // memory.row_bytes) * memory.row_bytes
        return float(-(-whole // memory.row_bytes) * memory.row_bytes / own)


@lru_cache(maxsize=4096)
def transfer(
    instruction: Instruction,
    source: Memory,
    target: Memory,
    unit: Unit,
    dispatch: Dispatch,
    front_end: float,
    run_bytes: float,
    most_bytes: float,
    times: int = 1,
) -> Transfer:
    """Costs of a copy whose runs in the outer memory are ``run_bytes`` long and that moves ``most_bytes`` at most.

    Each byte is moved so many ``times``: an operand may hold it more than once.
    """
    shape = copy_shape(instruction)
    assert shape is not None
    tensor = operand_tensor(instruction.semantics, shape.source)
    written = operand_tensor(instruction.semantics, shape.target).dtype.bits / tensor.dtype.bits
    total = max(1.0, math.prod(tensor.shape) * tensor.dtype.bits / 8)
    outer = shape.target if target.kind is MemoryKind.HOST else shape.source
    dense = _dense_bytes(instruction, outer)
    total = total * min(1.0, run_bytes / dense)
    side_by_side = min(run_bytes, dense) if total <= most_bytes and math.isfinite(run_bytes) else 0.0
    total = min(total, most_bytes)
    occupies, latency = timing(instruction, {})
    longest = float(max(occupies, 1))
    busy: dict[str, float] = {}
    if not source.ports and not target.ports:
        latency = max(0, latency - int(longest))  # without ports an invocation ends its latency after its start
    for memory, write in ((source, False), (target, True)):
        found = port_beats(memory, write, total * times * (written if write else 1))
        latency += memory.latency_cycles
        if found is not None:
            busy[found[0]] = busy.get(found[0], 0.0) + found[1] / total
            longest = max(longest, found[1])
    busy[f"unit.{unit.name}"] = longest / unit.count / total
    per_call = {} if instruction.implicit else {"dispatch": front_end}
    for name, limit in _places(unit, dispatch):
        per_call[name] = (longest + latency) / limit
    slowest = max(busy.values())
    held = float(latency) if keeps_places(unit, dispatch) else 0.0
    ratio = written if target.kind is MemoryKind.HOST else 1.0
    busy_items, call_items = tuple(sorted(busy.items())), tuple(sorted(per_call.items()))
    return Transfer(
        busy_items, call_items, total, float(latency), slowest, places_ahead(unit, dispatch), ratio, side_by_side, held
    )


def _places(unit: Unit, dispatch: Dispatch) -> abc.Iterator[tuple[str, int]]:
    """Names and numbers of the places that an invocation takes until its end."""
    limit = in_flight_limit(unit)
    if limit is not None:
        yield f"flight.{unit.name}", limit
    if dispatch.window is not None:
        yield "flight.window", dispatch.window


def _dense_bytes(instruction: Instruction, operand: str) -> float:
    """Bytes of an operand that must lie side by side for the copy to move all it can."""
    tensor = operand_tensor(instruction.semantics, operand)
    strides = required_strides(instruction, operand)
    size = math.prod(extent for extent, stride in zip(tensor.shape, strides, strict=True) if stride is not None)
    return max(1.0, size * tensor.dtype.bits / 8)


def _accumulates(frame: Laid) -> bool:
    """Whether several calls add to one target."""
    target = frame.statement.assign.target.map.results
    return any(
        frame.blocks(iterator.name) > 1 and not any(result.coefficient(iterator.name) for result in target)
        for iterator in frame.statement.iterators
    )


def _first_cycles(frame: Laid, values: abc.Mapping[str, int]) -> float:
    """From the start of a call that begins a sum until one can add to it; 0 where there is none or it is forwarded."""
    begins = frame.first
    if begins is None or not _accumulates(frame):
        return 0.0
    return float(ready_cycles(begins, call_parameters(begins, frame.bound, {})) - read_cycles(frame.call, values))


def _goes_on(frame: Laid) -> bool:
    """Whether calls add to what the target held before the statement."""
    operand = frame.call.operand(0)
    tensors = frame.call.instruction.semantics.tensors
    adds = any(tensor.name == operand and tensor.direction is Direction.INOUT for tensor in tensors)
    return adds and frame.first is None and frame.init is None


@lru_cache(maxsize=1024)
def _turns(mover: Instruction) -> bool:
    """Whether a copy writes the axes that it reads in the opposite order."""
    shape = copy_shape(mover)
    assert shape is not None
    source, target = (lone_axes(mover.semantics, operand) for operand in (shape.source, shape.target))
    return len(source) > 1 and source == target[::-1]


def _run(frame: Laid, access: int, tensor: Tensor, turned: bool) -> float:
    """Elements that lie side by side in the tensor where a tile grows along its last axis, ``turned`` either way."""
    results = frame.statement.accesses[access].map.results
    long = [result for result, size in zip(results, tensor.shape, strict=True) if size > 1]
    if not long:
        return 1
    last = long[-1]
    facing = _facing(frame, access)
    if not turned and facing and facing.isdisjoint(last.names):
        return 1
    if any(abs(step) == 1 and frame.block(name) > 1 for name, step in last.terms):
        return tensor.shape[results.index(last)]
    return max([1, *(frame.block(name) for name, step in last.terms if abs(step) == 1)])


def _copies_in_call(frame: Laid, access: int) -> int:
    """How often a call's operand holds every element: along iterators that do not move it."""
    operand = frame.call.operand(access)
    assert operand is not None
    names = {name for result in frame.statement.accesses[access].map.results for name in result.names}
    digits = {digit.name: digit for digit in frame.bound}
    lanes = {lane for along in walkers(frame.call.instruction.semantics, operand) for lane, _ in along}
    members = [digits[name] for lane in sorted(lanes) for name in frame.call.members(lane)]
    return math.prod(digit.extent for digit in members if digit.iterator not in names)


def _facing(frame: Laid, access: int) -> frozenset[str]:
    """Iterators along the last axis of a call's operand that has any."""
    operand = frame.call.operand(access)
    assert operand is not None
    iterators = {digit.name: digit.iterator for digit in frame.bound}
    for along in reversed(walkers(frame.call.instruction.semantics, operand)):
        members = [name for axis, _ in along for name in frame.call.members(axis)]
        if members:
            return frozenset(iterators[name] for name in members)
    return frozenset()


def _last_axis(frame: Laid, access: int) -> int:
    """Elements of one call's operand along its last axis, of those the statement has."""
    operand = frame.call.operand(access)
    assert operand is not None
    last = walkers(frame.call.instruction.semantics, operand)[-1:]
    extents = {digit.name: digit.extent for digit in frame.bound}
    sizes = [(step, math.prod(extents[name] for name in frame.call.members(lane))) for lane, step in chain(*last)]
    return 1 + sum(step * (size - 1) for step, size in sizes)


def _block_elements(frame: Laid, access: Access) -> int:
    """Distinct elements of the access in one call."""
    names = {name for result in access.map.results for name, _ in result.terms}
    return math.prod(frame.block(name) for name in names)
