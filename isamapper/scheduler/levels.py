"""The levels of one frame: which operand is tiled where, what its copies cost, which memory bounds the tile."""

from __future__ import annotations

from collections import abc
from functools import lru_cache
from typing import Protocol

from isamapper.hwdesc.bind import timing
from isamapper.hwdesc.model import Instruction, Machine, Memory, PortDirection
from isamapper.ir.nodes import Tensor
from isamapper.ir.types import DType
from isamapper.plan.copies import copies_between
from isamapper.plan.needle import copy_shape, operand_tensor
from isamapper.scheduler.frames import Frame
from isamapper.scheduler.routes import boundaries
from isamapper.scheduler.tiling import Hop, Level, Tiled

Routes = abc.Mapping[int, tuple[str, ...]]


def port_cycles_per_byte(memory: Memory, write: bool) -> tuple[str, float] | None:
    """The resource name and cycles per byte of the port a transfer would use; None where the memory has none."""
    wanted = PortDirection.WRITE if write else PortDirection.READ
    for port in memory.ports:
        if port.direction in (wanted, PortDirection.BOTH):
            return f"{memory.name}.{port.name}", 1.0 / port.bytes_per_cycle
    return None


@lru_cache(maxsize=4096)
def copy_hop(instruction: Instruction, source: Memory, target: Memory) -> Hop:
    """Cycles per byte of a copy at its largest size."""
    shape = copy_shape(instruction)
    assert shape is not None
    tensor = operand_tensor(instruction.semantics, shape.target)
    elements = 1
    for size in tensor.shape:
        elements *= size
    total = max(1.0, elements * tensor.dtype.bits / 8)
    occupies, _ = timing(instruction, {})
    resources: dict[str, float] = {f"unit.{instruction.unit}": occupies / total}
    for memory, write in ((source, False), (target, True)):
        port = port_cycles_per_byte(memory, write)
        if port is not None:
            resources[port[0]] = resources.get(port[0], 0.0) + port[1]
            unit = f"unit.{instruction.unit}"
            resources[unit] = max(resources[unit], port[1])
    return Hop(tuple(sorted(resources.items())))


def best_hop(machine: Machine, source: str, target: str, dtype: DType) -> Hop | None:
    """The cheapest copy between two memories, or None where there is none."""
    hops = [
        copy_hop(instruction, machine.memory(source), machine.memory(target))
        for instruction in copies_between(machine, source, target, dtype, dtype)
    ]
    return min(hops, key=lambda hop: hop.slowest, default=None)


def level_count(machine: Machine, routes: Routes) -> int:
    """How many boundaries the deepest route needs."""
    levels = [level for access, route in routes.items() for level in boundaries(machine, access, route)]
    return max((1 if level is None else level + 1 for level in levels), default=0)


class Surroundings(Protocol):
    """What a level must know of the statement's surroundings."""

    @property
    def machine(self) -> Machine: ...
    @property
    def tensors(self) -> dict[str, Tensor]: ...
    @property
    def home(self) -> str: ...
    @property
    def shared(self) -> frozenset[str]: ...


def make_level(around: Surroundings, frame: Frame, routes: Routes, boundary: int, block: tuple[int, ...]) -> Level:
    """The question at ``boundary`` (0 is the innermost), given the iterations of one block there.

    Iterators whose loops stand around the whole nest count as one iteration.
    """
    machine, home = around.machine, around.home
    iterators = [iterator.name for iterator in frame.statement.iterators]
    places = {name: place for place, name in enumerate(iterators)}
    operands: list[Tiled] = []
    used: set[str] = set()
    for access, route in routes.items():
        found = frame.statement.accesses[access]
        dtype = around.tensors[found.tensor].dtype
        dims = tuple(
            tuple((places[name], coefficient) for name, coefficient in result.terms if name in places)
            for result in found.map.results
        )
        dims = tuple(dim for dim in dims if dim)
        size = dtype.bits / 8
        stops = (home, *route)
        for place, level in enumerate(boundaries(machine, access, route)):
            source, memory = stops[place], route[place]
            if level == boundary:
                operands.append(_tiled(machine, access, size, dims, memory, source, dtype))
                used.add(memory)
            elif level is None and boundary == 0:
                hop = best_hop(machine, source, memory, dtype) or Hop(())
                operands.append(Tiled(size, dims, memory, hop, inner=True))
                used.add(memory)
    capacity = tuple(
        (name, int(machine.memory(name).capacity_bytes or 0))
        for name in sorted(used)
        if machine.memory(name).capacity_bytes
    )
    reductions = frozenset(
        place
        for name, place in places.items()
        if all(not result.coefficient(name) for result in frame.statement.assign.target.map.results)
    )
    base = (
        (f"unit.{frame.call.instruction.unit}", frame.cost_cycles / machine.unit(frame.call.instruction.unit).count),
    )
    extents = tuple(1 if i.name in around.shared else i.extent for i in frame.statement.iterators)
    renamed = frozenset(name for name in used if machine.memory(name).renamed)
    return Level(extents, block, tuple(operands), capacity, base, reductions, renamed)


def _tiled(
    machine: Machine,
    access: int,
    size: float,
    dims: tuple[tuple[tuple[int, int], ...], ...],
    memory: str,
    source: str,
    dtype: DType,
) -> Tiled:
    inward = best_hop(machine, source, memory, dtype)
    if access != 0:
        return Tiled(size, dims, memory, inward or Hop(()))
    outward = best_hop(machine, memory, source, dtype)
    return Tiled(size, dims, memory, outward or Hop(()), target=True, refill=inward)
