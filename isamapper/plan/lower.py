"""From a schedule to a program: placement of tensors, one nest after another, the shared sequential loops around them.

``lower`` never searches: it replays the steps and emits what they say, or raises SourceError where they cannot be.
"""

from __future__ import annotations

from collections import abc
from dataclasses import replace

from isamapper.diagnostics.source import Rejection, SourceError
from isamapper.ir.affine import AccessMap, Affine, constant, extent, variable
from isamapper.ir.analysis import statements
from isamapper.ir.nodes import Access, Allocate, Assign, Constant, Direction, Kernel, Load, Loop, Node, Prepare, Tensor
from isamapper.plan.addresses import Addresses
from isamapper.plan.check_copies import check_copies
from isamapper.plan.check_cores import check_cores
from isamapper.plan.check_nest import check_nest
from isamapper.plan.cores import own, within_cores
from isamapper.plan.emit import Stop, constant_shape, stop_steps
from isamapper.plan.homes import all_tensors, consumer_access, home_memory, local_tensors
from isamapper.plan.joint import join_of
from isamapper.plan.kept import Use, at_home, check_kept, kept_at, kept_uses
from isamapper.plan.layout import Layout, buffer_layout, home_offsets, lies_in_parts, moves
from isamapper.plan.lower_nest import NestLowering
from isamapper.plan.meeting import with_fewer_meetings
from isamapper.plan.needle import operand_tensor
from isamapper.plan.nest import Buffer, Call, Nest, depth_of, shares
from isamapper.plan.offline import is_offline, offline, offline_nodes
from isamapper.plan.padding import inside, pad_value, padding_obstacle
from isamapper.plan.program import Program
from isamapper.plan.refusal import refusal, written_at
from isamapper.plan.resident import check_resident, leaves
from isamapper.plan.skeleton import Leaf, Shared, shared_iterators, skeleton
from isamapper.plan.steps import Schedule, replay


def lower(schedule: Schedule) -> Program:
    """The program that ``schedule`` describes; SourceError where the steps cannot be carried out."""
    return _Lowering(schedule).program()


class _Lowering:
    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule
        self.machine = schedule.machine
        self.home = home_memory(schedule.machine)
        self.addresses = Addresses(schedule.machine)
        self.nests = {nest.statement.index: nest for nest in replay(schedule)}
        self.fused = {n.epilogue.statement.index for n in self.nests.values() if n.epilogue is not None}
        self.joins = [join for nest in self.nests.values() if (join := join_of(nest.statement)) is not None]
        self.fused |= {member for join in self.joins for member in join.members} | offline(schedule.covered)
        self.known = all_tensors(schedule.covered)
        self.names = {*self.known, *(iterator.name for s in statements(schedule.covered) for iterator in s.iterators)}
        self.names |= {digit.name for nest in self.nests.values() for digit in nest.digits}
        self.tensors: dict[str, Tensor] = {}
        self.uses = kept_uses(self.nests.values())
        self.kept: dict[str, Tensor] = {}
        self.residents: dict[tuple[int, Buffer], Tensor] = {}
        self.before: list[Node] = []
        self.prepared: list[Node] = []
        self.allocated: list[Node] = []

    def program(self) -> Program:
        self._covers_everything()
        parameters = tuple(
            self._at_home(tensor) for tensor in self.schedule.kernel.tensors if tensor.direction is not Direction.LOCAL
        )
        constants = {name: value for join in self.joins for name, value in join.constants}
        for tensor in local_tensors(self.schedule.covered):
            if tensor.name in constants:
                self._hold(self._at_home(tensor), constants[tensor.name])
            elif is_offline(tensor):
                self.prepared.append(Allocate(self._at_home(tensor)))
            elif self._is_stored(tensor.name):
                self.allocated.append(Allocate(self._at_home(tensor)))
        self.prepared += offline_nodes(self.schedule.covered)
        self._keep()
        nodes = tuple(node for part in skeleton(self.schedule.covered) for node in self._whole(part))
        prepare: tuple[Node, ...] = (Prepare(tuple(self.prepared)),) if self.prepared else ()
        kernel = self.schedule.kernel
        body = Kernel(kernel.name, kernel.sizes, kernel.types, parameters, (*prepare, *self.allocated, *nodes))
        return Program(kernel, self.machine, with_fewer_meetings(body, self.machine))

    def _keep(self) -> None:
        """Places for the tensors that statements leave on chip."""
        reason = check_kept(self.schedule.covered, tuple(self.nests.values()))
        if reason is not None:
            raise refusal(reason)
        for name, uses in self.uses.items():
            buffer = next(use.buffer for use in uses if use.buffer is not None)
            own, shape = self.known[name], tuple(axis.extent for axis in buffer.kept)
            label = self._new_name(f"{name}_{buffer.memory}")
            placed = Tensor(label, own.dtype, shape, direction=Direction.LOCAL, block=own.block)
            self.kept[name] = self.addresses.place(placed, buffer.memory, buffer.span, self._parts(uses))
            self.allocated.append(Allocate(self.kept[name]))

    def _parts(self, uses: abc.Iterable[Use]) -> int:
        """How many first axes of a kept tensor tell cores apart: those that all who touch it there follow."""
        found = set()
        for nest, buffer in ((use.nest, use.buffer) for use in uses if use.buffer is not None):
            grids = tuple(grid for _, grid in nest.distributed)
            apart = buffer.memory in own(self.machine, grids) and lies_in_parts(nest, buffer)
            found.add(tuple((grid, nest.digit(loop).extent) for loop, grid in nest.distributed) if apart else ())
        return len(found.pop()) if len(found) == 1 else 0

    def _covers_everything(self) -> None:
        for statement in statements(self.schedule.covered):
            if statement.index not in self.nests and statement.index not in self.fused:
                missing = f"statement {statement.index}"
                raise refusal(Rejection("SCH021", missing, "no step applies an instruction to it"))

    def _is_stored(self, name: str) -> bool:
        """Whether a local tensor exists at home: not where a drain or a call hands it straight to its consumer."""
        if any(n.epilogue is not None and n.statement.assign.target.tensor == name for n in self.nests.values()):
            return False
        if name in self.uses and not at_home(self.uses[name]):
            return False
        touched = {access.tensor for nest in self.nests.values() for access in nest.statement.accesses}
        return not self.joins or name in touched

    def _at_home(self, tensor: Tensor) -> Tensor:
        placed = self.addresses.place(tensor, self.home)
        self.tensors[tensor.name] = placed
        return placed

    def _whole(self, part: Leaf | Shared) -> tuple[Node, ...]:
        """A part that stands in no loop, with the buffers that stay throughout it."""
        with self.addresses.scope():
            allocated = [Allocate(tensor) for tensor in self._place_residents(part)]
            nodes = self._part(part)
            before, self.before = self.before, []
            return (*allocated, *before, *nodes)

    def _place_residents(self, part: Leaf | Shared) -> abc.Iterator[Tensor]:
        for nest in (self.nests[number] for number in leaves(part) if number in self.nests):
            for buffer in nest.buffers:
                layout = buffer_layout(nest, buffer) if buffer.resident else None
                if isinstance(layout, Layout):  # what is wrong with another is said where its nest is lowered
                    tensor = self._buffer(nest, buffer, layout)
                    self.residents[nest.statement.index, buffer] = tensor
                    yield tensor

    def _part(self, part: Leaf | Shared) -> tuple[Node, ...]:
        match part:
            case Leaf(statement):
                nest = self.nests.get(statement)
                return () if nest is None else self._nest(nest)
            case Shared(loop, extents, members):
                inner = tuple(node for member in members for node in self._part(member))
                return (Loop(loop, extents, inner),)

    def _nest(self, nest: Nest) -> tuple[Node, ...]:
        """The nodes of a nest; what cannot be carried out is shown at the statement's first step."""
        try:
            return self._sound_nest(nest)
        except SourceError as error:
            first = next(step for step in self.schedule.steps if step.statement == nest.statement.index)
            raise SourceError(*(replace(d, span=d.span or first.span) for d in error.diagnostics)) from None

    def _sound_nest(self, nest: Nest) -> tuple[Node, ...]:
        shapes = {name: tensor.shape for name, tensor in self.known.items()}
        reason = (
            check_cores(nest, self.machine)
            or check_nest(nest)
            or check_resident(self.schedule.covered, nest)
            or check_copies(nest, self.known, self.machine, self.home)
            or padding_obstacle(nest, shapes)
            or self._misnamed(nest)
        )
        if reason is not None:
            raise refusal(reason)
        across = tuple((grid, nest.digit(loop).extent) for loop, grid in nest.distributed)
        with self.addresses.scope(across):
            stops = self._one_by_one(nest, {access: self._stops(nest, access) for _, access in nest.call.sigma})
            placed = [(stop.tensor, stop.buffer) for path in stops.values() for stop in path if stop.buffer is not None]
            own = [each for each in placed if not (each[1].prepared or each[1].resident or each[1].kept)]
            lowering = NestLowering(self.machine, nest, stops, self._constants(nest))
            self.before += lowering.before()
            nodes, depth = lowering.nodes(), len(nest.distributed)
            for shared in sorted({len(buffer.shared) for _, buffer in own}):
                allocated = tuple(Allocate(tensor) for tensor, buffer in own if len(buffer.shared) == shared)
                nodes = within_cores(nodes, allocated, depth - shared)
            return nodes

    def _one_by_one(self, nest: Nest, stops: dict[int, tuple[Stop, ...]]) -> dict[int, tuple[Stop, ...]]:
        """In shared loops the nest's own buffers lie behind those of the nest before, where there is room.

        What a nest brings need not wait then for what the one before still reads.
        """
        if not shared_iterators(self.schedule.covered, nest.statement):
            return stops
        shifts = self.addresses.behind()

        def moved(stop: Stop) -> Stop:
            own = stop.buffer is not None and not (stop.buffer.prepared or stop.buffer.resident or stop.buffer.kept)
            shift = shifts.get(stop.tensor.memory or "", 0) if own else 0
            tensor = stop.tensor
            return replace(stop, tensor=replace(tensor, address=(tensor.address or 0) + shift)) if shift else stop

        return {access: tuple(moved(stop) for stop in path) for access, path in stops.items()}

    def _constants(self, nest: Nest) -> dict[str, Tensor]:
        """A tensor for every operand that is fed a constant, filled offline."""
        found: dict[str, Tensor] = {}
        for call in (each for each in (nest.call, nest.first) if each is not None):
            for operand, value in call.constants:
                if operand not in found:
                    found[operand] = self._constant(nest, call, operand, value)
        return found

    def _constant(self, nest: Nest, call: Call, operand: str, value: int | float) -> Tensor:
        dtype = operand_tensor(call.instruction.semantics, operand).dtype
        name = f"constant_{nest.statement.index}_{operand}"
        placed = self.addresses.place(Tensor(name, dtype, constant_shape(call, operand)), self.home)
        self._hold(placed, value)
        return placed

    def _hold(self, placed: Tensor, value: int | float) -> None:
        """Fills a tensor at home, offline."""
        name, dtype = placed.name, placed.dtype
        loops = [f"{name}_{axis}" for axis in range(len(placed.shape))]
        index = AccessMap(tuple(variable(loop) for loop in loops))
        node: Node = Assign(Access(name, index), Constant(value, dtype))
        for loop, size in zip(reversed(loops), reversed(placed.shape), strict=True):
            node = Loop(loop, extent(size), (node,))
        self.prepared += [Allocate(placed), node]

    def _misnamed(self, nest: Nest) -> Rejection | None:
        """Loops around the nest are whole digits of their own name; no other digit is left out of the order."""
        shared = shared_iterators(self.schedule.covered, nest.statement)
        for digit in nest.digits:
            outside = digit.bound is None and digit.name not in nest.order
            if outside and digit.iterator not in shared and digit.extent > 1:
                reason = "it is neither a loop nor inside the instruction"
                edit = f"add it to 'reorder {nest.statement.index} …', or lay it over an instruction iterator"
                return Rejection("SCH003", f"digit '{digit.name}'", reason, written_at(digit.span), edit)
            if digit.iterator in shared and not (outside and digit.name == digit.iterator):
                reason = f"loop '{digit.iterator}' is shared with other statements and stays as it is"
                extents = {each.name: each.extent for each in nest.statement.iterators}
                edit = (
                    f"'split {nest.statement.index} {digit.iterator} into {digit.iterator}: {extents[digit.iterator]}'"
                )
                return Rejection("SCH003", f"digit '{digit.name}'", reason, written_at(digit.span), edit)
            if digit.name in self.known:
                reason = "it is called like a tensor"
                return Rejection("SCH003", f"digit '{digit.name}'", reason, written_at(digit.span), "another name")
        return None

    def _stops(self, nest: Nest, access: int) -> tuple[Stop, ...]:
        own = nest.statement.accesses[access]
        home = own
        if access == 0 and nest.epilogue is not None:
            home = consumer_access(nest)
        tensor, kept = self.tensors.get(home.tensor), kept_at(nest, access)
        stops: list[Stop] = []
        if kept is None or kept.drain is not None:
            if tensor is None:
                reason = "it exists only between a call and its consumer"
                raise refusal(Rejection("SCH021", f"tensor '{home.tensor}'", reason))
            stops.append(Stop(tensor, inside(nest.statement, home, tensor)))
        for buffer in nest.path(access):
            layout = buffer_layout(nest, buffer)
            if isinstance(layout, Rejection):
                raise refusal(replace(layout, spans=layout.spans or written_at(buffer.span)))
            stops.append(Stop(self._buffer(nest, buffer, layout), own, buffer, layout))
            if buffer.prepared:
                self._prepare(nest, stops[-2], stops[-1])
        return tuple(stops)

    def _buffer(self, nest: Nest, buffer: Buffer, layout: Layout) -> Tensor:
        if buffer.kept:
            return self.kept[nest.statement.accesses[buffer.access].tensor]
        if (nest.statement.index, buffer) in self.residents:
            return self.residents[nest.statement.index, buffer]
        shape = tuple(axis.extent for axis in layout.axes)
        if buffer.slots > 1:
            shape = (buffer.slots, *shape)
        shape = (*(nest.digit(loop).extent for loop in shares(nest, buffer)), *shape)
        tensor = self._tensor_of(nest, buffer.access)
        name = self._new_name(f"{tensor.name}_{buffer.memory}_{nest.statement.index}_{buffer.access}")
        placed = Tensor(name, tensor.dtype, shape, direction=Direction.LOCAL, block=tensor.block)
        if buffer.prepared:
            result = self.addresses.place(placed, buffer.memory, buffer.span)
            self.prepared.append(Allocate(result))
            return result
        grids = tuple(grid for _, grid in nest.distributed)
        parts = len(grids) if buffer.resident and buffer.memory in own(self.machine, grids) else 0
        return self.addresses.place(placed, buffer.memory, buffer.span, parts, one=bool(buffer.shared))

    def _tensor_of(self, nest: Nest, access: int) -> Tensor:
        return self.known[nest.statement.accesses[access].tensor]

    def _new_name(self, wanted: str) -> str:
        while wanted in self.names:
            wanted += "_"
        self.names.add(wanted)
        return wanted

    def _prepare(self, nest: Nest, source: Stop, target: Stop) -> None:
        """Offline relayout of a const tensor: every element of the packed copy, padding included."""
        assert target.layout is not None and target.buffer is not None
        layout = target.layout
        around = nest.order[: depth_of(nest, target.buffer.loop)]
        for digit in nest.digits:
            outside = digit.bound is None and (digit.name in around or digit.name not in nest.order)
            if outside and digit.extent > 1 and moves(nest, source.access, digit.name):
                reason = f"it must hold what all iterations of '{digit.name}' read"
                subject, at = f"prepared copy of '{source.tensor.name}'", written_at(target.buffer.span)
                raise refusal(Rejection("SCH004", subject, reason, at, f"attach it outside '{digit.name}'"))
        values: dict[str, Affine] = {}
        index = [constant(0) for _ in layout.axes]
        loops: list[tuple[str, int]] = []
        shifts: list[tuple[tuple[tuple[int, int], ...], Affine]] = []
        for coordinate in layout.coordinates:
            name = f"{target.tensor.name}_{coordinate.name.replace('.', '_')}"
            loops.append((name, coordinate.extent))
            index[coordinate.axis] = index[coordinate.axis] + variable(name, coordinate.stride)
            if coordinate.digit is not None:
                values[coordinate.digit] = variable(name)
            else:
                shifts.append((stop_steps(nest, source, coordinate), variable(name)))
        offsets = list(home_offsets(nest, source.access, values))
        for targets, value in shifts:
            for dim, step in targets:
                offsets[dim] = offsets[dim] + value * step
        pad = pad_value(nest, target.buffer.access)
        read = Load(Access(source.tensor.name, AccessMap(tuple(offsets)), pad))
        node: Node = Assign(Access(target.tensor.name, AccessMap(tuple(index))), read)
        for name, size in reversed(loops):
            node = Loop(name, extent(size), (node,))
        self.prepared.append(node)
