"""A quick figure for how long a statement keeps an instruction busy, from what could lie in it at best.

Used to put alternatives in order and to tell a host's work from an array's; schedules are judged by cost models.
"""

from __future__ import annotations

from collections import abc
from functools import lru_cache
from math import ceil
from typing import TypeAlias

from isamapper.hwdesc.bind import bind_instruction, controls, timing
from isamapper.hwdesc.model import Instruction, Machine, MemoryKind, PortDirection
from isamapper.ir.nodes import BlockFormat, Direction
from isamapper.ir.types import DType, storage_bytes
from isamapper.mapper.matching.match import enumerate_mappings, space_of
from isamapper.mapper.matching.needle import Needle, needle_of
from isamapper.mapper.matching.sigma import Subject, is_plain, matches, target_tensor
from isamapper.plan.mapping import Pairing

Usable: TypeAlias = abc.Callable[[tuple[Pairing, ...]], bool]
"""Whether a way to pair operands and accesses may be used."""


def least_cycles(
    subject: Subject, machine: Machine, instruction: Instruction, usable: Usable | None = None
) -> float | None:
    """About the fewest busy cycles over all mappings on ``instruction``; None where there is no ``usable`` mapping."""
    written, target = _written(instruction), target_tensor(subject.statement, subject.tensors)
    if written is None or written[1:] != (target.dtype, target.block):
        return None
    needle = written[0]
    mappings = enumerate_mappings(subject, needle, twins=True)
    if next((each for each in mappings if usable is None or usable(each.sigma)), None) is None:
        return None
    points = 1
    for iterator in subject.statement.iterators:
        points *= iterator.extent
    return min(_cycles(machine, instruction, fill, points) for fill in _fills(subject, needle, usable))


@lru_cache(maxsize=4096)
def _written(instruction: Instruction) -> tuple[Needle, DType, BlockFormat | None] | None:
    """The instruction as a needle, and the type of what it writes; None where it is no plain box of points."""
    needle = needle_of(instruction)
    if needle is None or not is_plain(needle):
        return None
    target = target_tensor(needle.statement, needle.tensors)
    return needle, target.dtype, target.block


def _fills(subject: Subject, needle: Needle, usable: Usable | None) -> abc.Iterator[dict[str, int]]:
    """Per sigma how many kernel iterations each instruction iterator can hold."""
    extents = {each.name: each.extent for each in subject.statement.iterators}
    for match in matches(subject, needle):
        if usable is not None and not usable(match.sigma):
            continue
        space = space_of(subject, needle, match)
        fill = {lane.name: 1 for lane in needle.iterators}
        lanes = {lane.name: lane.extent for lane in needle.iterators}
        for lane, row in space.table.items():
            most = 1
            for name in row:
                most *= extents[name]
            fill[lane] = min(lanes[lane], most)
        yield fill


def _cycles(machine: Machine, instruction: Instruction, fill: abc.Mapping[str, int], points: int) -> float:
    """Calls of ``fill`` iterations each, at the instruction's time or that of its ports, whichever is longer."""
    held = 1
    for size in fill.values():
        held *= size
    return ceil(points / held) * busy_cycles(machine, instruction, fill)


def busy_cycles(machine: Machine, instruction: Instruction, fill: abc.Mapping[str, int]) -> int:
    """Cycles of one call with ``fill`` iterations in each lane: its own time, or that of its ports where longer."""
    ranges = {parameter.name: parameter for parameter in instruction.parameters}
    parameters = {name: each.low for name, each in ranges.items()}
    for lane, (name, factor) in controls(instruction).items():
        each = ranges[name]
        size = max(each.low, ceil(fill[lane] / factor))
        parameters[name] = min(each.high, each.low + ceil((size - each.low) / each.step) * each.step)
    return max(1, timing(instruction, parameters)[0], _beats(machine, instruction, parameters))


def _beats(machine: Machine, instruction: Instruction, parameters: abc.Mapping[str, int]) -> int:
    """Cycles on the busiest port that one call needs."""
    tensors = {tensor.name: tensor for tensor in bind_instruction(instruction, parameters).tensors}
    most = 0
    for operand in instruction.operands:
        tensor = tensors[operand.name]
        elements = 1
        for size in tensor.shape:
            elements *= size
        wanted = PortDirection.READ if tensor.direction is Direction.IN else PortDirection.WRITE
        ports = [
            port for port in machine.memory(operand.memories[0]).ports if port.direction in (wanted, PortDirection.BOTH)
        ]
        if ports:
            width = sum(port.bytes_per_cycle for port in ports)
            most = max(most, ceil(storage_bytes(tensor.dtype, elements) / width))
    return most


def is_host(machine: Machine, instruction: Instruction) -> bool:
    """Whether everything the instruction touches may lie in host memory: work of a host, not of an accelerator."""
    return all(
        any(machine.memory(name).kind is MemoryKind.HOST for name in operand.memories)
        for operand in instruction.operands
    )
