"""What the calls of a statement take at the very least, and its layout copies: what no tiles change.

The instruction that starts a sum may be another, and cheaper, one: such calls count only where it is known to take as
long. Latencies count for whole calls alone. What does not belong here: copies of tiles (``floors.py``).
"""

from __future__ import annotations

import math
from collections import abc
from typing import Protocol

from isamapper.costmodels.floors import call_elements
from isamapper.costmodels.limits import accumulate_cycles, in_flight_limit
from isamapper.costmodels.rates import extreme, port_rates
from isamapper.costmodels.shape import Dims, Floor, Rates
from isamapper.hwdesc.bind import timing
from isamapper.hwdesc.model import Instruction, Machine
from isamapper.ir.analysis import Statement
from isamapper.ir.nodes import Access, Tensor
from isamapper.plan.nest import Call, Digit
from isamapper.plan.work import call_parameters

Operand = tuple[str, bool, float, Dims, tuple[int, ...]]
"""Memory, whether it is written, bytes per element, dims and indices outside of what calls take from a memory."""


class Called(Protocol):
    """A statement with its calls; ``first`` starts a sum, or ``init`` fills its target before it."""

    @property
    def statement(self) -> Statement: ...
    @property
    def call(self) -> Call: ...
    @property
    def first(self) -> Call | None: ...
    @property
    def init(self) -> Call | None: ...
    @property
    def bound(self) -> tuple[Digit, ...]: ...
    @property
    def cost_cycles(self) -> int: ...


def call_floor(
    machine: Machine,
    frame: Called,
    extents: tuple[int, ...],
    block: tuple[int, ...],
    target: Dims,
    operands: abc.Iterable[Operand],
    relays: tuple[tuple[Dims, tuple[int, ...], Rates], ...],
) -> Floor:
    """The floor of a frame whose iterators have ``extents``, ``block`` of them in a call."""
    statement, call = frame.statement, frame.call
    if statement.conditions or statement.exclusions:
        return Floor(guarded=True)
    unit = machine.unit(call.instruction.unit)
    occupies, latency = timing(call.instruction, call_parameters(call, frame.bound, {}))
    starts = _starts(frame, extents, block, target)
    calls = math.prod(-(-extent // size) for extent, size in zip(extents, block, strict=True))
    whole = max(0, math.prod(extent // size for extent, size in zip(extents, block, strict=True)) - starts)
    busy = {"dispatch": calls / machine.dispatch.per_cycle}
    busy[f"unit.{unit.name}"] = max(0, frame.cost_cycles - starts * max(1, occupies)) / unit.count
    limit = in_flight_limit(unit)
    if limit is not None:
        busy[f"flight.{unit.name}"] = whole * latency / limit
    if machine.dispatch.window is not None:
        busy["flight.window"] = whole * latency / machine.dispatch.window
    longest = 0.0
    for memory, write, size, dims, outside in operands:
        found = port_rates(machine.memory(memory), write, size)
        if found is not None:
            elements = call_elements(dims, outside, extents, block)
            busy[found[0]] = busy.get(found[0], 0.0) + found[1] * elements
            if not starts:
                longest = max(longest, found[2] * elements / unit.count)
    busy[f"unit.{unit.name}"] = max(busy[f"unit.{unit.name}"], longest)
    cycles = max(0, frame.cost_cycles - starts * max(1, occupies)) / unit.count
    pairs = _pair_cycles(frame), int(frame.first is not None)
    return Floor(tuple(sorted(busy.items())), relays, *pairs, cycles, *_edges(frame, latency))


def _edges(frame: Called, latency: int) -> tuple[float, float, float]:
    """How late a call may read, its start to its result less the longest call, and its unit's work beyond its end."""
    instruction = frame.call.instruction
    values = call_parameters(frame.call, frame.bound, {})
    reads = [operand.read_at for operand in instruction.operands if operand.read_at is not None]
    wait = max((extreme(instruction, each, values, max) for each in reads), default=0.0)
    longest = max(1.0, extreme(instruction, instruction.occupies_cycles, values, max))
    target = next(each for each in instruction.operands if each.name == frame.call.operand(0))
    ready = instruction.latency_cycles if target.ready_at is None else target.ready_at
    shortest = extreme(instruction, instruction.latency_cycles, values, min)
    last = min(extreme(instruction, ready, values, min), shortest, float(latency)) - longest
    return max(0.0, wait), last, max(0.0, longest - max(0.0, shortest))


def _starts(frame: Called, extents: tuple[int, ...], block: tuple[int, ...], target: Dims) -> int:
    """Calls that start a sum by an instruction that may take less."""
    if frame.first is None or _alike(frame.call.instruction, frame.first.instruction):
        return 0
    moved = {place for dim in target for place, _ in dim}
    return math.prod(-(-extents[place] // block[place]) for place in moved)


def _alike(one: Instruction, other: Instruction) -> bool:
    """Whether two instructions of the same operands take the same time, whatever their parameters."""
    same = one.unit == other.unit and one.parameters == other.parameters
    times = (one.occupies_cycles, one.latency_cycles) == (other.occupies_cycles, other.latency_cycles)
    return same and times


def _pair_cycles(frame: Called) -> float:
    """From one call to the next that adds to the same target, be they whole or short."""
    if frame.statement.assign.reduction is None:
        return 0.0
    lows = {each.name: each.low for each in frame.call.instruction.parameters}
    found = (accumulate_cycles(frame.call, each) for each in (call_parameters(frame.call, frame.bound, {}), lows))
    return float(max(0, min(found)))


def beyond(access: Access, tensor: Tensor, extents: abc.Mapping[str, int], own: abc.Container[str]) -> tuple[int, ...]:
    """Per axis that an iterator in ``own`` moves along, the indices that lie outside the tensor."""
    found = []
    for result, size in zip(access.map.results, tensor.shape, strict=True):
        if any(name in own for name, _ in result.terms):
            reach = [step * (extents[name] - 1) for name, step in result.terms]
            low = result.constant + sum(each for each in reach if each < 0)
            high = result.constant + sum(each for each in reach if each > 0)
            found.append(max(0, -low) + max(0, high - size + 1))
    return tuple(found)
