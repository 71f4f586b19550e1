"""What a copy takes at the very least, whichever instruction does it: the numbers that bounds are made of.

Every number is the least over all instructions that may do the copy and over all their parameters, so that it holds
for the one that is built. What does not belong here: how much is copied (``floors.py``), and what a copy is likely to
take (``shapes.py``).
"""

from __future__ import annotations

import itertools
import math
import operator
from collections import abc
from functools import lru_cache

from isamapper.costmodels.limits import in_flight_limit, port_group
from isamapper.costmodels.shape import Rates
from isamapper.hwdesc.bind import controls, timing
from isamapper.hwdesc.model import Instruction, Machine, Memory
from isamapper.ir.sizes import SizeBinary, SizeConstant, SizeExpression, SizeName, SizeOp, evaluate_size
from isamapper.plan.needle import copy_shape, iterator_sizes, lone_axes, operand_spec, operand_tensor

POINTS = 1024
"""Up to so many values of its parameters an instruction is timed at one by one."""


def rates(machine: Machine, movers: abc.Iterable[Instruction], source: str, target: str) -> Rates:
    """The least that any of ``movers`` takes from ``source`` to ``target``; nothing where there are none."""
    every = [_of_one(machine, mover, source, target) for mover in movers]
    if not every:
        return Rates((), (), math.inf, 0.0)
    return Rates(
        _common([each.per_element for each in every]),
        _common([each.per_call for each in every]),
        max(each.piece for each in every),
        min(each.latency for each in every),
        min(each.lead for each in every),
        max(each.spare for each in every),
    )


def _common(columns: abc.Sequence[tuple[tuple[str, float], ...]]) -> tuple[tuple[str, float], ...]:
    """What all use, at the least that any of them does."""
    tables = [dict(each) for each in columns]
    names = set(tables[0]).intersection(*tables[1:])
    return tuple((name, min(table[name] for table in tables)) for name in sorted(names))


@lru_cache(maxsize=4096)
def _of_one(machine: Machine, mover: Instruction, source: str, target: str) -> Rates:
    ends = (machine.memory(source), False), (machine.memory(target), True)
    sizes = _element_bytes(mover)
    unit = machine.unit(mover.unit)
    points = _points(mover)
    ports = [port_rates(memory, write, size) for (memory, write), size in zip(ends, sizes, strict=True)]
    beats = max((each[2] for each in ports if each is not None), default=0.0)
    longest = min(max(occupies / elements, beats) for occupies, _, elements in points)
    per_element: dict[str, float] = {f"unit.{unit.name}": longest / unit.count}
    for found in ports:
        if found is not None:
            per_element[found[0]] = per_element.get(found[0], 0.0) + found[1]
    ported = {memory.name: memory.latency_cycles for memory, write in ends if port_group(memory, write)}
    latency = float(min(latency for _, latency, _ in points) + sum(ported.values()))
    per_call = {} if mover.implicit else {"dispatch": 1.0 / machine.dispatch.per_cycle}
    limit = in_flight_limit(unit)
    if limit is not None:
        per_call[f"flight.{unit.name}"] = latency / limit
        per_element[f"flight.{unit.name}"] = beats / limit
    if machine.dispatch.window is not None and not mover.implicit:
        per_call["flight.window"] = latency / machine.dispatch.window
    piece = float(max(elements for _, _, elements in points))
    spare = max(0.0, *(occupies - latency for occupies, latency, _ in points))
    lead = _lead(mover, float(sum(ported.values())), latency)
    return Rates(tuple(sorted(per_element.items())), tuple(sorted(per_call.items())), piece, latency, lead, spare)


def _lead(mover: Instruction, beyond: float, latency: float) -> float:
    """From when an invocation reads until what it brings is ready, ``beyond`` what its memories add."""
    shape = copy_shape(mover)
    if shape is None:
        return -math.inf
    source, target = (operand_spec(mover, name) for name in (shape.source, shape.target))
    ready = mover.latency_cycles if target.ready_at is None else target.ready_at
    late = 0.0 if source.read_at is None else extreme(mover, source.read_at, {}, max)
    return min(latency, extreme(mover, ready, {}, min) + beyond) - late


def extreme(
    instruction: Instruction,
    cycles: SizeExpression,
    values: abc.Mapping[str, int],
    pick: abc.Callable[[float, float], float],
) -> float:
    """The least or greatest of ``cycles`` between the least parameters and ``values`` (missing: the greatest).

    Unknown, which is infinite, where the expression may have it in between.
    """
    if _names_once(cycles) is None:
        return pick(math.inf, -math.inf)
    lows = {each.name: each.low for each in instruction.parameters}
    highs = {each.name: values.get(each.name, each.high) for each in instruction.parameters}
    return pick(float(evaluate_size(cycles, lows)), float(evaluate_size(cycles, highs)))


def _element_bytes(mover: Instruction) -> tuple[float, float]:
    shape = copy_shape(mover)
    if shape is None:
        return 0.0, 0.0
    first, second = (operand_tensor(mover.semantics, name).dtype.bits / 8 for name in (shape.source, shape.target))
    return first, second


def port_rates(memory: Memory, write: bool, element_bytes: float) -> tuple[str, float, float] | None:
    """The ports of one direction: their name, cycles of all together per element, and of the fastest alone.

    All banks may work at once.
    """
    ports = port_group(memory, write)
    if not ports:
        return None
    widths = [size / cycles * max(1, memory.banks) for cycles, size in (port.byte_cycles for port in ports)]
    name = "+".join(port.name for port in ports)
    return f"{memory.name}.{name}", element_bytes / sum(widths), element_bytes / max(widths)


def _points(mover: Instruction) -> list[tuple[float, float, float]]:
    """Occupancy, latency and elements of one invocation, for all parameters or where an element takes least."""
    ranges = [range(each.low, each.high + 1, each.step) for each in mover.parameters]
    names = [each.name for each in mover.parameters]
    if math.prod(len(each) for each in ranges) <= POINTS:
        return [_point(mover, dict(zip(names, values, strict=True))) for values in itertools.product(*ranges)]
    lows, highs = ({name: each[end] for name, each in zip(names, ranges, strict=True)} for end in (0, -1))
    least = min(timing(mover, values)[1] for values in (lows, highs))
    return [(_long_runs(mover, lows, highs), float(max(0, least)), _point(mover, highs)[2])]


def _long_runs(mover: Instruction, lows: dict[str, int], highs: dict[str, int]) -> float:
    """Occupancy of the largest invocation such that none takes less per element.

    That is its own where nothing in it grows faster than a parameter of the elements; rounding up is left out.
    """
    shape = copy_shape(mover)
    if shape is None or _names_once(mover.occupies_cycles) is None:
        return 1.0
    lanes = {each for each in lone_axes(mover.semantics, shape.source) if each is not None}
    moving = {controls(mover)[lane][0] for lane in lanes if lane in controls(mover)}
    return _unrounded(mover.occupies_cycles, {**lows, **{name: highs[name] for name in moving}})


def _names_once(cycles: SizeExpression) -> frozenset[str] | None:
    """Names in sums, least and greatest of products in which each stands once; None for anything else."""
    match cycles:
        case SizeConstant(value):
            return frozenset() if value >= 0 else None
        case SizeName(name):
            return frozenset((name,))
        case SizeBinary(SizeOp.ADD | SizeOp.MIN | SizeOp.MAX | SizeOp.MUL | SizeOp.CEILDIV as op, left, right):
            one, other = _names_once(left), _names_once(right)
            if one is None or other is None or (op is SizeOp.MUL and one & other):
                return None
            return None if op is SizeOp.CEILDIV and not isinstance(right, SizeConstant) else one | other
        case _:
            return None


def _unrounded(cycles: SizeExpression, values: abc.Mapping[str, int]) -> float:
    if isinstance(cycles, SizeBinary):
        left, right = _unrounded(cycles.left, values), _unrounded(cycles.right, values)
        return _APPLIED[cycles.op](left, right)
    return float(evaluate_size(cycles, values))


_APPLIED: dict[SizeOp, abc.Callable[[float, float], float]] = {
    SizeOp.ADD: operator.add,
    SizeOp.MUL: operator.mul,
    SizeOp.CEILDIV: operator.truediv,
    SizeOp.MIN: min,
    SizeOp.MAX: max,
}


def _point(mover: Instruction, values: dict[str, int]) -> tuple[float, float, float]:
    occupies, latency = timing(mover, values)
    shape = copy_shape(mover)
    if shape is None:
        return float(max(1, occupies)), float(max(0, latency)), math.inf
    elements = 1
    sizes = iterator_sizes(mover.semantics)
    for lane in {each for each in lone_axes(mover.semantics, shape.source) if each is not None}:
        control = controls(mover).get(lane)
        elements *= sizes[lane] if control is None else control[1] * values[control[0]]
    return float(max(1, occupies)), float(max(0, latency)), float(elements)
