"""From a schedule to a program: placement of tensors, one nest after another, the shared sequential loops around them.

``lower`` never searches: it replays the steps and emits what they say, or raises SourceError where they cannot be.
"""

from __future__ import annotations

from isamapper.diagnostics.source import Diagnostic, Rejection, SourceError
from isamapper.ir.affine import AccessMap, Affine, constant, extent, variable
from isamapper.ir.analysis import statements
from isamapper.ir.nodes import Access, Allocate, Assign, Direction, Kernel, Load, Loop, Node, Prepare, Tensor
from isamapper.plan.addresses import Addresses
from isamapper.plan.emit import Stop
from isamapper.plan.homes import all_tensors, consumer_access, home_memory, local_tensors
from isamapper.plan.layout import Layout, buffer_layout, home_offsets
from isamapper.plan.lower_nest import NestLowering, check_nest
from isamapper.plan.nest import Buffer, Nest
from isamapper.plan.padding import pad_value
from isamapper.plan.program import Program
from isamapper.plan.skeleton import Leaf, Shared, skeleton
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
        self.tensors: dict[str, Tensor] = {}
        self.prepared: list[Node] = []
        self.allocated: list[Node] = []

    def program(self) -> Program:
        self._covers_everything()
        parameters = tuple(
            self._at_home(tensor) for tensor in self.schedule.kernel.tensors if tensor.direction is not Direction.LOCAL
        )
        for tensor in local_tensors(self.schedule.covered):
            if self._is_stored(tensor.name):
                self.allocated.append(Allocate(self._at_home(tensor)))
        nodes = tuple(node for part in skeleton(self.schedule.covered) for node in self._part(part))
        prepare: tuple[Node, ...] = (Prepare(tuple(self.prepared)),) if self.prepared else ()
        kernel = self.schedule.kernel
        body = Kernel(kernel.name, kernel.sizes, kernel.types, parameters, (*prepare, *self.allocated, *nodes))
        return Program(kernel, self.machine, body)

    def _covers_everything(self) -> None:
        for statement in statements(self.schedule.covered):
            if statement.index not in self.nests and statement.index not in self.fused:
                missing = f"statement {statement.index}"
                raise _cannot(Rejection("SCH021", missing, "no step applies an instruction to it"))

    def _is_stored(self, name: str) -> bool:
        """Whether a local tensor exists at home: not where a drain hands it straight to its consumer."""
        return not any(
            nest.epilogue is not None and nest.statement.assign.target.tensor == name for nest in self.nests.values()
        )

    def _at_home(self, tensor: Tensor) -> Tensor:
        placed = self.addresses.place(tensor, self.home)
        self.tensors[tensor.name] = placed
        return placed

    def _part(self, part: Leaf | Shared) -> tuple[Node, ...]:
        match part:
            case Leaf(statement):
                nest = self.nests.get(statement)
                return () if nest is None else self._nest(nest)
            case Shared(loop, extents, members):
                inner = tuple(node for member in members for node in self._part(member))
                return (Loop(loop, extents, inner),)

    def _nest(self, nest: Nest) -> tuple[Node, ...]:
        reason = check_nest(nest)
        if reason is not None:
            raise _cannot(reason)
        with self.addresses.scope():
            stops = {access: self._stops(nest, access) for _, access in nest.call.sigma}
            buffers = tuple(
                Allocate(stop.tensor)
                for path in stops.values()
                for stop in path
                if stop.buffer is not None and not stop.buffer.prepared
            )
            return (*buffers, *NestLowering(self.machine, nest, stops).nodes())

    def _stops(self, nest: Nest, access: int) -> tuple[Stop, ...]:
        own = nest.statement.accesses[access]
        home = own
        if access == 0 and nest.epilogue is not None:
            home = consumer_access(nest)
        stops = [Stop(self.tensors[home.tensor], home)]
        for buffer in nest.path(access):
            layout = buffer_layout(nest, buffer)
            if isinstance(layout, Rejection):
                raise _cannot(layout)
            stops.append(Stop(self._buffer(nest, buffer, layout), own, buffer, layout))
            if buffer.prepared:
                self._prepare(nest, stops[-2], stops[-1])
        return tuple(stops)

    def _buffer(self, nest: Nest, buffer: Buffer, layout: Layout) -> Tensor:
        shape = tuple(axis.extent for axis in layout.axes)
        if buffer.slots > 1:
            shape = (buffer.slots, *shape)
        tensor = self._tensor_of(nest, buffer.access)
        name = f"{tensor.name}_{buffer.memory}_{nest.statement.index}_{buffer.access}"
        placed = Tensor(name, tensor.dtype, shape, direction=Direction.LOCAL, block=tensor.block)
        if buffer.prepared:
            result = self.addresses.place(placed, buffer.memory)
            self.prepared.append(Allocate(result))
            return result
        return self.addresses.place(placed, buffer.memory)

    def _tensor_of(self, nest: Nest, access: int) -> Tensor:
        name = nest.statement.accesses[access].tensor
        return all_tensors(self.schedule.covered)[name]

    def _prepare(self, nest: Nest, source: Stop, target: Stop) -> None:
        """Offline relayout of a const tensor: every element of the packed copy, padding included."""
        assert target.layout is not None and target.buffer is not None
        layout = target.layout
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
                shifts.append((coordinate.targets, variable(name)))
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


def _cannot(reason: Rejection) -> SourceError:
    return SourceError(Diagnostic(reason.code, f"{reason.subject}: {reason.reason}", help=reason.edit))
