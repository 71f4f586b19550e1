"""The levels of one frame: which operand is tiled where, what its copies cost, which memory bounds the tile."""

from __future__ import annotations

import math
from collections import abc
from dataclasses import replace
from functools import lru_cache
from typing import Protocol

from isamapper.costmodels.limits import accumulate_cycles, cycles_ahead, port_beats
from isamapper.costmodels.shapes import level_count
from isamapper.hwdesc.bind import timing
from isamapper.hwdesc.model import Instruction, Machine, Memory, MemoryKind
from isamapper.ir.nodes import Access, Role, Tensor
from isamapper.ir.types import DType
from isamapper.plan.copies import copies_between
from isamapper.plan.needle import copy_shape, operand_tensor, required_strides
from isamapper.plan.work import call_parameters
from isamapper.scheduler.space.tiling import Hop, Level, Tiled
from isamapper.scheduler.statements.frames import Frame
from isamapper.scheduler.statements.routes import boundaries

__all__ = ["best_hop", "copy_hop", "level_count", "make_level"]

Routes = abc.Mapping[int, tuple[str, ...]]
Dims = tuple[tuple[tuple[int, int], ...], ...]


@lru_cache(maxsize=4096)
def copy_hop(
    instruction: Instruction, source: Memory, target: Memory, servers: int, run_bytes: float, most_bytes: float
) -> Hop:
    """Cycles per byte of a copy whose contiguous runs are ``run_bytes`` long and that moves ``most_bytes`` at most."""
    shape = copy_shape(instruction)
    assert shape is not None
    tensor = operand_tensor(instruction.semantics, shape.source)
    total = max(1.0, math.prod(tensor.shape) * tensor.dtype.bits / 8)
    total = min(total * min(1.0, run_bytes / _dense_bytes(instruction, shape.source)), most_bytes)
    occupies, latency = timing(instruction, {})
    longest = float(max(occupies, 1))
    resources: dict[str, float] = {}
    for memory, write in ((source, False), (target, True)):
        found = port_beats(memory, write, total)
        if found is not None:
            resources[found[0]] = resources.get(found[0], 0.0) + found[1] / total
            longest = max(longest, found[1])
    resources[f"unit.{instruction.unit}"] = longest / servers / total
    latency += source.latency_cycles + target.latency_cycles
    return Hop(tuple(sorted(resources.items())), latency)


def _dense_bytes(instruction: Instruction, operand: str) -> float:
    """Bytes of the source that must lie side by side for the copy to move all it can."""
    tensor = operand_tensor(instruction.semantics, operand)
    strides = required_strides(instruction, operand)
    size = math.prod(extent for extent, stride in zip(tensor.shape, strides, strict=True) if stride is not None)
    return max(1.0, size * tensor.dtype.bits / 8)


def best_hop(
    machine: Machine,
    source: str,
    target: str,
    dtype: DType,
    run_bytes: float = math.inf,
    most_bytes: float = math.inf,
) -> Hop | None:
    """The cheapest copy between two memories, or None where there is none."""
    hops = [
        copy_hop(
            instruction,
            machine.memory(source),
            machine.memory(target),
            machine.unit(instruction.unit).count,
            run_bytes,
            most_bytes,
        )
        for instruction in copies_between(machine, source, target, dtype, dtype)
    ]
    return min(hops, key=lambda hop: hop.slowest, default=None)


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
    machine = around.machine
    operands: list[Tiled] = []
    for access, route in routes.items():
        stops = (around.home, *route)
        for place, level in enumerate(boundaries(machine, access, route)):
            if level is not None and level > boundary:
                continue
            inner = level is None
            if inner and boundary > 0:
                continue
            nested = level is not None and level < boundary
            operands.append(_tiled(around, frame, access, stops[place], route[place], inner, nested))
    used = sorted({str(operand.memory) for operand in operands if not operand.nested})
    known = ((name, machine.memory(name).capacity_bytes) for name in used)
    capacity = tuple((name, size) for name, size in known if size is not None)
    unit = machine.unit(frame.call.instruction.unit)
    base = ((f"unit.{unit.name}", frame.cost_cycles / unit.count),)
    extents = tuple(1 if i.name in around.shared else i.extent for i in frame.statement.iterators)
    renamed = frozenset(name for name in used if machine.memory(name).renamed)
    calls = math.prod(frame.blocks(i.name) for i in frame.statement.iterators if i.name not in around.shared)
    values = call_parameters(frame.call, frame.bound, {})
    chain = float(calls * accumulate_cycles(frame.call, values)) if boundary == 0 and _accumulates(frame) else 0.0
    return Level(
        extents, block, tuple(operands), capacity, base, renamed, chain, cycles_ahead(machine, frame.call, values)
    )


def _accumulates(frame: Frame) -> bool:
    """Whether several calls add to one target."""
    target = frame.statement.assign.target.map.results
    return any(
        frame.blocks(iterator.name) > 1 and not any(result.coefficient(iterator.name) for result in target)
        for iterator in frame.statement.iterators
    )


def _tiled(
    around: Surroundings, frame: Frame, access: int, source: str, memory: str, inner: bool, nested: bool
) -> Tiled:
    machine = around.machine
    found = frame.statement.accesses[access]
    tensor = around.tensors[found.tensor]
    dims = _dims(frame, found)
    size = tensor.dtype.bits / 8
    cached = machine.memory(memory).kind is MemoryKind.CACHE
    ports = (port for name in (source, memory) for port in machine.memory(name).ports)
    request = max((port.request_bytes for port in ports), default=1) if cached and not inner else 1
    run_bytes = math.inf if cached or tensor.role is Role.CONST else _run(frame, found) * size
    most_bytes = _block_elements(frame, found) * size if inner else math.inf
    inward = best_hop(machine, source, memory, tensor.dtype, run_bytes, most_bytes)
    tiled = Tiled(size, dims, memory, inward or Hop(()), inner=inner, nested=nested, request_bytes=request)
    tiled = replace(tiled, padding=_padding(frame, access, machine.memory(memory), size))
    if access not in frame.statement.written:
        return tiled
    outward = best_hop(machine, memory, source, tensor.dtype, run_bytes, most_bytes)
    return replace(tiled, hop=outward or Hop(()), target=True, refill=inward)


def _padding(frame: Frame, access: int, memory: Memory, element_bytes: float) -> float:
    """Bytes of a register file that one call's operand takes, per byte of the tensor in it."""
    operand = frame.call.operand(access)
    if memory.kind is not MemoryKind.REGISTERS or operand is None or not memory.row_bytes:
        return 1.0
    tensor = operand_tensor(frame.call.instruction.semantics, operand)
    rows = -(-math.prod(tensor.shape) * tensor.dtype.bits // (8 * memory.row_bytes))
    return rows * memory.row_bytes / (_block_elements(frame, frame.statement.accesses[access]) * element_bytes)


def _dims(frame: Frame, access: Access) -> Dims:
    places = {iterator.name: place for place, iterator in enumerate(frame.statement.iterators)}
    dims = (tuple((places[name], step) for name, step in r.terms if name in places) for r in access.map.results)
    return tuple(dim for dim in dims if dim)


def _run(frame: Frame, access: Access) -> int:
    """Elements that one call's digits take side by side in the tensor."""
    if not access.map.results:
        return 1
    last = access.map.results[-1]
    return max([1, *(frame.block(name) for name, step in last.terms if abs(step) == 1)])


def _block_elements(frame: Frame, access: Access) -> int:
    """Distinct elements of the access in one call."""
    names = {name for result in access.map.results for name, _ in result.terms}
    return math.prod(frame.block(name) for name in names)
