"""From tiles and orders to a nest: digits, attachments, layouts, copies and overlap, all derived.

The search decides a :class:`Choice`; this file works out what follows: each buffer is attached as far out as its tile
allows without growing, laid out so that the widest copy instruction fits, doubled where the memory has room, and its
copies are spread over the loops inside.
"""

from __future__ import annotations

import itertools
import math
from collections import abc
from dataclasses import dataclass, replace

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.model import Instruction, Machine, MemoryKind
from isamapper.ir.nodes import Kernel, Role, Tensor
from isamapper.plan.addresses import tensor_bytes
from isamapper.plan.copies import Walk, copies_between, copy_options
from isamapper.plan.emit import Stop, axis_along, stop_steps
from isamapper.plan.emit_copy import cuts_the_edge
from isamapper.plan.homes import all_tensors, consumer_access
from isamapper.plan.lanes import padded_lanes
from isamapper.plan.layout import Coordinate, Layout, buffer_layout, inner_digits, loop_trips, row_major, window_dims
from isamapper.plan.needle import copy_shape, lone_axes, operand_spec, parameter_of, required_strides
from isamapper.plan.nest import Buffer, Call, Copy, Digit, Epilogue, Nest, depth_of, valid_extent
from isamapper.scheduler.frames import Frame
from isamapper.scheduler.routes import boundaries

LAYOUTS = 6
"""How many layouts of a buffer are tried where the next hop cannot use the first."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the search decides about one statement.

    ``groups`` holds, outermost first, the loops of each level as (iterator, trip count) in order; ``routes`` the
    memories each access passes (home left out); ``relaid`` the accesses that are re-laid out at home first; ``shared`` the
    iterators whose loops stand around the whole nest.
    """

    frame: Frame
    groups: tuple[tuple[tuple[str, int], ...], ...]
    routes: tuple[tuple[int, tuple[str, ...]], ...]
    relaid: frozenset[int] = frozenset()
    shared: frozenset[str] = frozenset()
    epilogue: Epilogue | None = None


def build_nest(machine: Machine, kernel: Kernel, home: str, choice: Choice) -> Nest | Rejection:
    """The nest of ``choice``, or why there is none (a memory too small, no copy that fits)."""
    return _Builder(machine, kernel, home, choice).build()


class _Builder:
    def __init__(self, machine: Machine, kernel: Kernel, home: str, choice: Choice) -> None:
        self.machine, self.kernel, self.home, self.choice = machine, kernel, home, choice
        self.frame = choice.frame
        self.tensors = all_tensors(kernel)
        self.padded: frozenset[str] = frozenset()

    def build(self) -> Nest | Rejection:
        nest, ends = self._loops()
        self.padded = frozenset(padded_lanes(nest, nest.call))
        for access, route in self.choice.routes:
            if not self._relays(access) and not route:
                continue
            result = self._buffers(nest, access, route, ends)
            if isinstance(result, Rejection):
                return result
            nest = replace(nest, buffers=(*nest.buffers, *result))
        misfit = self._misfit(nest)
        if misfit is not None:
            return misfit
        return self._slots(nest)

    # loops

    def _loops(self) -> tuple[Nest, tuple[int, ...]]:
        digits: list[Digit] = []
        names: dict[tuple[int, str], str] = {}
        known = {iterator.name for iterator in self.frame.statement.iterators}
        for iterator in self.frame.statement.iterators:
            for level, group in enumerate(self.choice.groups):
                for name, trip in group:
                    if name == iterator.name and trip > 1:
                        label = f"{name}_{level}"
                        while label in known:
                            label += "_"
                        known.add(label)
                        names[level, name] = label
                        digits.append(Digit(label, name, trip))
            if iterator.name in self.choice.shared:
                digits.append(Digit(iterator.name, iterator.name, iterator.extent))
            digits.extend(digit for digit in self.frame.bound if digit.iterator == iterator.name)
        order: list[str] = []
        ends: list[int] = []
        for level, group in enumerate(self.choice.groups):
            order.extend(names[level, name] for name, trip in group if trip > 1)
            ends.append(len(order))
        frame = self.frame
        nest = Nest(
            frame.statement, frame.call, frame.first, frame.init, tuple(digits), tuple(order), (), self.choice.epilogue
        )
        return nest, tuple(ends)

    # buffers

    def _needs_padding(self, nest: Nest, access: int) -> bool:
        """Whether calls look at elements of ``access`` beyond the kernel's own."""
        operand = nest.call.operand(access)
        if operand is None or not self.padded:
            return False
        return not self.padded.isdisjoint(lone_axes(nest.call.instruction.semantics, operand))

    def _relays(self, access: int) -> bool:
        return access in self.choice.relaid

    def _buffers(
        self, nest: Nest, access: int, route: tuple[str, ...], ends: tuple[int, ...]
    ) -> tuple[Buffer, ...] | Rejection:
        memories = ((self.home, 0),) if self._relays(access) else ()
        plan = [*memories, *zip(route, self._depths(nest, route, access, ends), strict=True)]
        return self._path(nest, access, plan, self._home_stop(nest, access))

    def _path(
        self, nest: Nest, access: int, plan: list[tuple[str, int]], outer: Stop
    ) -> tuple[Buffer, ...] | Rejection:
        """Buffers for the rest of a route, best copies first; a layout that the next hop cannot use is given up."""
        (memory, depth), rest = plan[0], plan[1:]
        depth = self._hoisted(nest, access, depth)
        loop = nest.order[depth - 1] if depth else None
        relay = outer.buffer is None and self._relays(access)
        buffers = [
            Buffer(access, memory, loop, layout=layout, row=self._row(access, memory, layout))
            for layout in self._layouts(access, memory)
        ]
        options = self._fitted(nest, buffers, outer, relay)
        if isinstance(options, Rejection):
            return options
        failure: Rejection | None = None
        for made, stop in options[:LAYOUTS]:
            if not rest:
                misfit = self._access_misfit(replace(nest, buffers=(*nest.buffers, made)), access, stop)
                if misfit is None:
                    return (made,)
                failure = failure or misfit
                continue
            inside = self._path(nest, access, rest, stop)
            if not isinstance(inside, Rejection):
                return (made, *inside)
            failure = failure or inside
        assert failure is not None
        return failure

    def _row(self, access: int, memory: str, layout: str) -> int:
        """Elements of the access's tensor in one row or register of a memory that is read in whole ones."""
        row_bytes = self.machine.memory(memory).row_bytes
        if not row_bytes or layout != "digits":
            return 1
        tensor = self.tensors[self.frame.statement.accesses[access].tensor]
        return max(1, row_bytes * 8 // tensor.dtype.bits)

    def _depths(self, nest: Nest, route: tuple[str, ...], access: int, ends: tuple[int, ...]) -> tuple[int, ...]:
        """Loops around each buffer of a route before hoisting."""
        depths = []
        for memory, level in zip(route, boundaries(self.machine, access, route), strict=True):
            if level is None:
                depths.append(self._register_depth(nest, access, memory, ends))
            else:
                depths.append(ends[len(ends) - 2 - level] if len(ends) >= 2 + level else 0)
        return tuple(depths)

    def _register_depth(self, nest: Nest, access: int, memory: str, ends: tuple[int, ...]) -> int:
        """Where a register buffer is attached: as far out as a loop that reuses it, while its tile still fits."""
        left = self._registers_left(nest, access, memory, ends)
        results = nest.statement.accesses[access].map.results
        floor = ends[-2] if len(ends) > 1 else 0
        best = depth = ends[-1]
        while depth:
            moving = any(r.coefficient(nest.digit(nest.order[depth - 1]).iterator) for r in results)
            if not moving:
                best = depth - 1
            elif depth == floor:
                break
            depth -= 1
            loop = nest.order[depth - 1] if depth else None
            if moving and self._bytes(nest, self._register(access, memory, loop)) > left:
                break
        return best

    def _register(self, access: int, memory: str, loop: str | None) -> Buffer:
        return Buffer(access, memory, loop, row=self._row(access, memory, "digits"))

    def _registers_left(self, nest: Nest, access: int, memory: str, ends: tuple[int, ...]) -> int:
        """Bytes for a slot of one operand: what the target's tile, placed operands and one block of the others leave."""
        described = self.machine.memory(memory)
        slots = 1 if described.renamed else 2
        used = sum(self._bytes(nest, b) * slots for b in nest.buffers if b.memory == memory)
        placed = {b.access for b in nest.buffers if b.memory == memory}
        innermost = nest.order[ends[-1] - 1] if ends[-1] else None
        for other, route in self.choice.routes:
            if other not in (0, access) and other not in placed and route and route[-1] == memory:
                used += self._bytes(nest, self._register(other, memory, innermost)) * slots
        return (int(described.capacity_bytes or 0) - used) // slots

    def _hoisted(self, nest: Nest, access: int, depth: int) -> int:
        results = nest.statement.accesses[access].map.results
        while depth and not any(r.coefficient(nest.digit(nest.order[depth - 1]).iterator) for r in results):
            depth -= 1
        return depth

    def _home_stop(self, nest: Nest, access: int) -> Stop:
        own = nest.statement.accesses[access]
        if access == 0 and nest.epilogue is not None:
            own = consumer_access(nest)
        return Stop(self.tensors[own.tensor], own)

    def _layouts(self, access: int, memory: str) -> tuple[str, ...]:
        """Layouts to try: a cache keeps what it caches, rows are filled by digits, elsewhere both may do."""
        described = self.machine.memory(memory)
        if described.kind is MemoryKind.CACHE:
            return ("digits",) if self._relays(access) else ("dims",)
        if described.kind is MemoryKind.ADDRESSED and not described.row_bytes:
            return ("digits", "dims")
        return ("digits",)

    def _fitted(
        self, nest: Nest, buffers: abc.Sequence[Buffer], outer: Stop, relay: bool
    ) -> tuple[tuple[Buffer, Stop], ...] | Rejection:
        """``buffers`` with every order and expansion that some copy fits, fewest invocations first."""
        found: list[tuple[float, int, Buffer, Stop]] = []
        failure: Rejection | None = None
        for buffer in buffers:
            for expand in self._expansions(nest, buffer):
                for order in self._orders(nest, replace(buffer, expand=expand), outer):
                    trial = replace(buffer, expand=expand, order=order)
                    result = self._with_copies(nest, trial, outer, relay)
                    if isinstance(result, Rejection):
                        failure = failure or result
                    else:
                        found.append((result[0], len(found), result[1], result[2]))
        if not found:
            assert failure is not None
            return failure
        found.sort(key=lambda one: one[:2])
        return tuple((made, stop) for _, _, made, stop in found)

    def _expansions(self, nest: Nest, buffer: Buffer) -> abc.Iterator[tuple[int, ...]]:
        """Tensor axes to expand: none, then each sliding window alone, then all of them."""
        yield ()
        if buffer.layout != "digits" or self._cached(buffer.memory):
            return
        access = nest.statement.accesses[buffer.access]
        dims = sorted(window_dims(nest, access, inner_digits(nest, depth_of(nest, buffer.loop))))
        yield from ((dim,) for dim in dims)
        if len(dims) > 1:
            yield tuple(dims)

    def _cached(self, memory: str) -> bool:
        return self.machine.memory(memory).kind is MemoryKind.CACHE

    def _orders(self, nest: Nest, buffer: Buffer, outer: Stop) -> abc.Iterator[tuple[str, ...]]:
        """Orders of the axes outside the operand's own; a cache keeps the order of what it caches."""
        if self._cached(buffer.memory):
            yield () if outer.layout is None else tuple(c.name for c in outer.layout.coordinates)
            return
        layout = buffer_layout(nest, buffer)
        if isinstance(layout, Rejection):
            yield ()
            return
        shown = len(layout.axes) - len(layout.operand_axes)
        names = [c.name for c in layout.coordinates if c.axis < shown]
        yield tuple(names)
        for last in names[:-1]:
            yield (*(name for name in names if name != last), last)

    def _with_copies(
        self, nest: Nest, buffer: Buffer, outer: Stop, relay: bool
    ) -> tuple[float, Buffer, Stop] | Rejection:
        layout = buffer_layout(nest, buffer)
        if isinstance(layout, Rejection):
            return layout
        tensor = self.tensors[nest.statement.accesses[buffer.access].tensor]
        placed = Tensor("", tensor.dtype, tuple(axis.extent for axis in layout.axes), buffer.memory)
        stop = Stop(placed, nest.statement.accesses[buffer.access], buffer, layout)
        if relay and tensor.role is Role.CONST and buffer.access != 0:
            made = replace(buffer, prepared=True)
            return 0.0, made, replace(stop, buffer=made)
        fill = drain = None
        score = 0.0
        if buffer.access != 0 or self._reads_target(nest, buffer):
            found = self._best_copy(nest, buffer.access, outer, stop, layout)
            if isinstance(found, Rejection):
                return found
            score, fill = found
        if buffer.access == 0:
            found = self._best_copy(nest, 0, stop, outer, layout)
            if isinstance(found, Rejection):
                return found
            score, drain = found
        made = replace(buffer, fill=fill, drain=drain)
        return score, made, replace(stop, buffer=made)

    def _reads_target(self, nest: Nest, buffer: Buffer) -> bool:
        """Whether the target's former value is needed: it is not fresh, or partial sums come back."""
        if nest.statement.assign.reduction is None:
            return False
        if nest.first is None and nest.init is None and not self.frame.fresh:
            return True
        depth = depth_of(nest, buffer.loop)
        results = nest.statement.assign.target.map.results
        outer = [nest.digit(name).iterator for name in nest.order[:depth]]
        return any(not any(r.coefficient(iterator) for r in results) for iterator in outer)

    def _best_copy(
        self, nest: Nest, access: int, source: Stop, target: Stop, walked: Layout
    ) -> tuple[float, Copy] | Rejection:
        home_source = source.buffer is None
        declared = source.access.otherwise
        needs_pad = home_source and access != 0 and (declared is not None or self._needs_padding(nest, access))
        best: tuple[float, Copy] | None = None
        for instruction in self._movers(nest, source, target):
            shape = copy_shape(instruction)
            assert shape is not None
            spec = operand_spec(instruction, shape.source)
            pads = spec.pads and (spec.pad_value is None or declared is None or spec.pad_value == declared)
            if needs_pad and not pads:
                continue
            units = (self._unit(instruction, shape.source, source), self._unit(instruction, shape.target, target))
            if not all(self._whole_steps(nest, s, u) for s, u in zip((source, target), units, strict=True)):
                continue
            walks = tuple(self._walk(nest, access, c, source, target, units, pads) for c in walked.coordinates)
            for copy in copy_options(instruction, walks, needs_pad):
                if cuts_the_edge(nest, copy, walked) and not (pads and home_source and access != 0):
                    continue
                rounding = self._rounding(copy, walks, source, target)
                cost = self._invocations(copy, walked) * rounding
                if best is None or cost < best[0]:
                    best = (cost, copy)
                if rounding == 1:
                    break
        if best is None:
            names = (source.tensor.memory or self.home, target.tensor.memory or self.home)
            tensor = nest.statement.accesses[access].tensor
            return Rejection(
                "SCH030",
                f"'{tensor}'",
                f"no copy from '{names[0]}' to '{names[1]}' fits the layouts",
                edit="a layout copy",
            )
        return best

    def _rounding(self, copy: Copy, walks: tuple[Walk, ...], source: Stop, target: Stop) -> float:
        """Bytes that whole requests move per byte wanted, given the runs that one invocation finds in the source."""
        memories = (stop.tensor.memory or self.home for stop in (source, target))
        request = max((port.request_bytes for name in memories for port in self.machine.memory(name).ports), default=1)
        sizes = {name: size for _, name, size in copy.binds}
        run = 1
        for walk in sorted((w for w in walks if w.source_stride), key=lambda w: w.source_stride):
            if request == 1 or walk.source_stride != run:
                break
            run *= sizes.get(walk.name, 1)
            if sizes.get(walk.name, 1) < walk.extent:
                break
        run_bytes = max(1, run * source.tensor.dtype.bits // 8)
        return -(-run_bytes // request) * request / run_bytes

    def _invocations(self, copy: Copy, walked: Layout) -> float:
        """Invocations that walk the whole buffer once."""
        sizes: dict[str, int] = {}
        for _, name, size in copy.binds:
            sizes[name] = sizes.get(name, 1) * size
        return math.prod(-(-c.extent // sizes.get(c.name, 1)) for c in walked.coordinates)

    def _movers(self, nest: Nest, source: Stop, target: Stop) -> tuple[Instruction, ...]:
        if nest.epilogue is not None and target.buffer is None and source.access == nest.statement.assign.target:
            return (nest.epilogue.instruction,)
        memories = (source.tensor.memory or self.home, target.tensor.memory or self.home)
        return copies_between(self.machine, *memories, source.tensor.dtype, target.tensor.dtype)

    def _walk(
        self,
        nest: Nest,
        access: int,
        coordinate: Coordinate,
        source: Stop,
        target: Stop,
        units: tuple[int, int],
        pads: bool,
    ) -> Walk:
        padded = pads or source.buffer is not None
        clipped = self._clipped(nest, access, coordinate, padded)
        return Walk(
            coordinate.name,
            coordinate.extent,
            stride_along(nest, source, coordinate),
            stride_along(nest, target, coordinate),
            clipped,
            room=access != 0,
            source_unit=units[0],
            target_unit=units[1],
            axes=(axis_along(nest, source, coordinate), axis_along(nest, target, coordinate)),
        )

    def _unit(self, instruction: Instruction, operand: str, stop: Stop) -> int:
        """Elements that windows of an operand must start at multiples of."""
        memory = self.machine.memory(stop.tensor.memory or self.home)
        total = max(memory.alignment_bytes, operand_spec(instruction, operand).alignment_bytes)
        if memory.kind is MemoryKind.REGISTERS:
            total = max(total, memory.row_bytes or 1)
        return max(1, total * 8 // stop.tensor.dtype.bits)

    def _clipped(self, nest: Nest, access: int, coordinate: Coordinate, pads: bool) -> bool:
        if coordinate.digit is None:
            return not (pads and access != 0 and self._needs_padding(nest, access))
        if (
            access != 0
            and pads
            and self._needs_padding(nest, access)
            and nest.digit(coordinate.digit).bound in self.padded
        ):
            return False
        value = valid_extent(nest, nest.digit(coordinate.digit), {})
        return len(value.bounds) > 1 or value.bounds[0].constant < coordinate.extent

    # fit

    def _misfit(self, nest: Nest) -> Rejection | None:
        """The first operand that lies at home and does not lie there as its instruction demands."""
        for _, access in nest.call.sigma:
            if not nest.path(access):
                misfit = self._access_misfit(nest, access, self._home_stop(nest, access))
                if misfit is not None:
                    return misfit
        return None

    def _access_misfit(self, nest: Nest, access: int, stop: Stop) -> Rejection | None:
        """Why the calls cannot take the access from ``stop``: memory, rows or strides."""
        for call in (nest.call, nest.first, nest.init):
            operand = None if call is None else call.operand(access)
            if call is not None and operand is not None:
                misfit = self._operand_misfit(nest, call, operand, stop)
                if misfit is not None:
                    return misfit
        return None

    def _operand_misfit(self, nest: Nest, call: Call, operand: str, stop: Stop) -> Rejection | None:
        memory = stop.tensor.memory or self.home
        if memory not in operand_spec(call.instruction, operand).memories:
            return Rejection("SCH031", f"'{operand}'", f"'{call.instruction.name}' takes it from elsewhere")
        if not self._whole_steps(nest, stop, self._unit(call.instruction, operand, stop)):
            return Rejection("SCH035", f"'{operand}'", f"'{call.instruction.name}' takes whole rows only")
        axes = lone_axes(call.instruction.semantics, operand)
        for axis, stride in zip(axes, required_strides(call.instruction, operand), strict=True):
            if axis is None:
                continue
            if not call.members(axis):
                if self._fixed_and_direct(call.instruction, axis, stop):
                    return Rejection("SCH032", f"'{operand}'", f"'{axis}' cannot be narrowed without a buffer")
                continue
            actual = self._axis_stride(nest, call.members(axis), stop)
            if actual is None or (stride is not None and actual != stride):
                return Rejection("SCH033", f"'{operand}'", f"is not laid out as '{call.instruction.name}' reads it")
        return None

    def _whole_steps(self, nest: Nest, stop: Stop, unit: int) -> bool:
        """Whether every loop moves windows of a buffer by whole rows."""
        if unit == 1:
            return True
        strides = (stride_along(nest, stop, Coordinate(name, 1, -1, 1, (), digit=name)) for name in nest.order)
        return all(stride % unit == 0 for stride in strides)

    def _fixed_and_direct(self, instruction: Instruction, axis: str, stop: Stop) -> bool:
        control = parameter_of(instruction, axis)
        return stop.buffer is None and (control is None or control.low > 1)

    def _axis_stride(self, nest: Nest, members: tuple[str, ...], stop: Stop) -> int | None:
        """Elements between neighbours along an operand axis; None where its digits do not lie in one line."""
        expected: int | None = None
        first = 0
        if stop.buffer is None or stop.buffer.layout == "dims":
            members = tuple(name for name in members if nest.digit(name).extent > 1)
            if len(members) > 1:
                return None
        for name in reversed(members):
            stride = stride_along(nest, stop, Coordinate(name, 1, -1, 1, (), digit=name))
            if expected is None:
                first = stride
            elif stride != expected:
                return None
            expected = stride * nest.digit(name).extent
        return first

    # slots and overlap

    def _slots(self, nest: Nest) -> Nest | Rejection:
        used: dict[str, int] = {}
        sizes = [self._bytes(nest, buffer) for buffer in nest.buffers]
        for buffer, size in zip(nest.buffers, sizes, strict=True):
            used[buffer.memory] = used.get(buffer.memory, 0) + size
        for name, total in used.items():
            capacity = self.machine.memory(name).capacity_bytes
            if capacity is not None and total > capacity:
                return Rejection("SCH034", f"'{name}'", f"the tiles need {total} bytes of {capacity}")
        buffers = []
        for buffer, size in zip(nest.buffers, sizes, strict=True):
            memory = self.machine.memory(buffer.memory)
            trips = 1
            for loop in nest.order[: depth_of(nest, buffer.loop)]:
                trips *= loop_trips(nest, loop)
            room = memory.capacity_bytes is None or used[buffer.memory] + size <= memory.capacity_bytes
            doubles = memory.kind is not MemoryKind.HOST and not memory.renamed and not buffer.prepared
            if trips > 1 and room and doubles:
                used[buffer.memory] += size
                buffer = self._overlapped(nest, replace(buffer, slots=2))
            buffers.append(buffer)
        return replace(nest, buffers=tuple(buffers))

    def _bytes(self, nest: Nest, buffer: Buffer) -> int:
        layout = buffer_layout(nest, buffer)
        if isinstance(layout, Rejection):
            return 1 << 62
        dtype = self.tensors[nest.statement.accesses[buffer.access].tensor].dtype
        memory = self.machine.memory(buffer.memory)
        tensor = Tensor("", dtype, tuple(axis.extent for axis in layout.axes))
        unit = max(memory.alignment_bytes, memory.row_bytes or 1)
        return -(-tensor_bytes(memory, tensor) // unit) * unit

    def _overlapped(self, nest: Nest, buffer: Buffer) -> Buffer:
        depth = depth_of(nest, buffer.loop)
        inner = [name for name in nest.order[depth:] if loop_trips(nest, name) > 1]
        if self.machine.memory(buffer.memory).kind is MemoryKind.REGISTERS and buffer.access != 0:
            return buffer
        if buffer.access == 0:
            if buffer.fill is not None:
                return buffer
            return replace(buffer, delay=True, spread=spread_over(nest, buffer, buffer.drain, inner))
        return replace(buffer, prefetch=True, spread=spread_over(nest, buffer, buffer.fill, inner))


def spread_over(nest: Nest, buffer: Buffer, copy: Copy | None, hosts: list[str]) -> tuple[tuple[str, str], ...]:
    """Which inner loop carries which coordinate of a copy, so that its invocations come as evenly as they can."""
    layout = buffer_layout(nest, buffer)
    if copy is None or isinstance(layout, Rejection) or not hosts:
        return ()
    bound = {name: size for _, name, size in copy.binds}
    blocks = {c.name: -(-c.extent // bound.get(c.name, 1)) for c in layout.coordinates}
    movable = [name for name, count in blocks.items() if count > 1]
    total = 1
    for count in blocks.values():
        total *= count
    best: tuple[float, tuple[tuple[str, str], ...]] = (float(total), ())
    for count in range(1, min(len(hosts), len(movable), 3) + 1):
        for loops in itertools.combinations(hosts, count):
            for names in itertools.permutations(movable, count):
                score = _burst(nest, loops, names, blocks, total)
                if score < best[0]:
                    best = (score, tuple(zip(loops, names, strict=True)))
    return best[1]


def _burst(nest: Nest, loops: abc.Sequence[str], names: abc.Sequence[str], blocks: dict[str, int], total: int) -> float:
    """Peak density of a spread copy relative to an even one, with a little weight on what comes at once."""
    together, density = total, 1.0
    for loop, name in zip(loops, names, strict=True):
        trips = loop_trips(nest, loop)
        share = -(-blocks[name] // trips)
        used = -(-blocks[name] // share)
        together = together // blocks[name] * share
        density *= trips / used
    return density + together / 4


def stride_along(nest: Nest, stop: Stop, coordinate: Coordinate) -> int:
    """Elements of ``stop``'s tensor that one step of ``coordinate`` moves."""
    shape = stop.tensor.shape
    shift = 1 if stop.buffer is not None and stop.buffer.slots > 1 else 0
    strides = row_major(shape)
    return sum(step * strides[axis - shift] for axis, step in stop_steps(nest, stop, coordinate))
