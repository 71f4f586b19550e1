"""Is there room: every tensor has a memory and an address inside it, and no two live tensors overlap.

A tensor lives from its allocation to its last use in the block that allocates it (uses inside loops count for the whole
loop); parameters, results and prepared tensors live throughout. Of a tensor that lies in parts a core holds its own.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass

from isamapper.diagnostics.source import Diagnostic
from isamapper.hwdesc.model import Machine, MemoryKind
from isamapper.ir.expressions import loads
from isamapper.ir.nodes import Allocate, Assign, Guard, Invoke, Kernel, Loop, Node, Prepare, Tensor
from isamapper.plan.addresses import tensor_bytes
from isamapper.plan.cores import Across, is_divided, part_of, parts_of, sharers


def misplaced(body: Kernel, machine: Machine) -> abc.Iterator[Diagnostic]:
    """Every tensor of the program without a proper place, in textual order."""
    space = _Space(machine, parts_of(body, machine))
    active: tuple[_Extent, ...] = ()
    for tensor in body.tensors:
        yield from space.add(tensor, active)
        active += space.extent(tensor)
    prepared = tuple(node for node in body.body if isinstance(node, Prepare))
    for tensor in (inner.tensor for node in prepared for inner in node.body if isinstance(inner, Allocate)):
        yield from space.add(tensor, active)
        active += space.extent(tensor)
    yield from space.block(tuple(node for node in body.body if not isinstance(node, Prepare)), active)


@dataclass(frozen=True, slots=True)
class _Extent:
    """Bytes ``start`` to ``end`` of a memory, taken by ``tensor``."""

    tensor: Tensor
    start: int
    end: int


class _Space:
    def __init__(self, machine: Machine, parts: dict[str, int]) -> None:
        self.machine, self.parts = machine, parts
        self.memories = {memory.name: memory for memory in machine.memories}

    def extent(self, tensor: Tensor, across: Across = ()) -> tuple[_Extent, ...]:
        """Where ``tensor`` lies, with those of all cores ``across`` grids; nothing where it has no place."""
        memory = self.memories.get(tensor.memory or "")
        if memory is None or tensor.address is None:
            return ()
        start = tensor.address
        if memory.kind is MemoryKind.REGISTERS:
            start *= memory.row_bytes or 1
        copies = sharers(self.machine, memory.name, across) if is_divided(memory) else 1
        return (_Extent(tensor, start, start + copies * tensor_bytes(memory, part_of(tensor, self.parts))),)

    def add(self, tensor: Tensor, active: tuple[_Extent, ...], across: Across = ()) -> abc.Iterator[Diagnostic]:
        """What is wrong with the place of ``tensor`` beside those ``active``."""
        memory = self.memories.get(tensor.memory or "")
        if memory is None:
            where = "has no memory" if tensor.memory is None else f"lies in '{tensor.memory}', which is no memory"
            yield Diagnostic("SCH113", f"tensor '{tensor.name}' {where}", tensor.span)
            return
        if tensor.address is None:
            yield Diagnostic("SCH113", f"tensor '{tensor.name}' has no address", tensor.span)
            return
        (own,) = self.extent(tensor, across)
        if memory.capacity_bytes is not None and own.end > memory.capacity_bytes:
            message = f"tensor '{tensor.name}' ends at byte {own.end} of memory '{memory.name}', which has"
            yield Diagnostic("SCH111", f"{message} {memory.capacity_bytes}", tensor.span)
        for other in active:
            if other.tensor.memory == tensor.memory and own.start < other.end and other.start < own.end:
                message = f"tensors '{tensor.name}' and '{other.tensor.name}' overlap in memory '{memory.name}'"
                yield Diagnostic("SCH112", message, tensor.span)

    def block(
        self, nodes: tuple[Node, ...], active: tuple[_Extent, ...], across: Across = ()
    ) -> abc.Iterator[Diagnostic]:
        """Allocations of a block and of the blocks inside it, beside those ``active`` around it."""
        last = {}
        for place, node in enumerate(nodes):
            for name in _used(node):
                last[name] = place
        live: list[tuple[int, _Extent]] = []
        for place, node in enumerate(nodes):
            live = [(end, extent) for end, extent in live if end >= place]
            around = active + tuple(extent for _, extent in live)
            match node:
                case Allocate(tensor):
                    yield from self.add(tensor, around, across)
                    live += [(last.get(tensor.name, place), extent) for extent in self.extent(tensor, across)]
                case Loop(_, extents, inner):
                    grid = () if node.across is None else ((node.across, extents.bounds[0].constant),)
                    yield from self.block(inner, around, across + grid)
                case Guard(_, inner, otherwise):
                    yield from self.block(inner, around, across)
                    yield from self.block(otherwise, around, across)
                case Assign() | Invoke() | Prepare():
                    pass


def _used(node: Node) -> abc.Iterator[str]:
    """Names of the tensors that ``node`` touches."""
    match node:
        case Assign(target, value):
            yield target.tensor
            yield from (access.tensor for access in loads(value))
        case Invoke(_, windows):
            yield from (window.tensor for _, window in windows)
        case Loop(_, _, inner) | Prepare(inner):
            for each in inner:
                yield from _used(each)
        case Guard(_, inner, otherwise):
            for each in (*inner, *otherwise):
                yield from _used(each)
        case Allocate():
            pass
