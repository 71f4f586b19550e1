"""Cycles below which no program can come, and what binds.

``bound_cycles`` knows the kernel that is lowered and the machine, not the mapping; ``mapped_bound_cycles`` counts whole
instructions of the chosen mapping. Both are maxima over:

- work: scalar operations of every statement over what all units that can do it reach together. With several statements
  the work of all is weighed against every unit's best use (weak duality of the assignment of work to units), so units
  that run at the same time are never counted twice;
- ports: the bytes every program must move through a home port (each touched element once) over its bandwidth;
- capacity: a matrix product with S elements on chip moves at least 2 m n k / sqrt(S) - 2 S elements
  (Smith, Lowery, Langou, van de Geijn, 'A Tight I/O Lower Bound for Matrix Multiplication', arXiv 1702.02017,
  theorem 1).

No padding, fill or latency enters the first. Cost: one pass over the mappings of every statement.
"""

from __future__ import annotations

import math
from collections import abc
from dataclasses import dataclass

import numpy as np

from isamapper.hwdesc.bind import specialised, timing
from isamapper.hwdesc.model import Instruction, Machine, MemoryKind, PortDirection
from isamapper.ir.analysis import Statement, statements
from isamapper.ir.nodes import Access, Direction, Kernel, Tensor
from isamapper.mapper.compound.find import joint_members
from isamapper.mapper.matching.find import find_mappings
from isamapper.plan.cores import copies
from isamapper.plan.homes import all_tensors, home_memory
from isamapper.plan.needle import iterator_sizes
from isamapper.plan.nest import Nest
from isamapper.plan.offline import offline
from isamapper.plan.steps import Schedule, replay
from isamapper.plan.work import call_cycles


@dataclass(frozen=True, slots=True)
class Bounds:
    """Both bounds in whole cycles and the resource that gives each."""

    bound_cycles: int
    binding_resource: str
    mapped_bound_cycles: int
    mapped_binding_resource: str


def bounds(schedule: Schedule) -> Bounds:
    """Bounds for every program that computes ``schedule.covered`` (the second: with its instructions)."""
    machine, kernel = schedule.machine, schedule.covered
    memory = memory_bounds(machine, schedule.kernel, kernel)
    work = {"work": work_bound(machine, kernel)}
    name, cycles = _largest({**memory, **work})
    mapped_name, mapped = _largest({**memory, **work, **_mapped_units(schedule)})
    return Bounds(math.ceil(cycles), name, math.ceil(mapped), mapped_name)


def _largest(found: abc.Mapping[str, float]) -> tuple[str, float]:
    name = max(found, key=lambda key: (found[key], key))
    return name, found[name]


# work


def peak_rates(machine: Machine, kernel: Kernel, statement: Statement) -> dict[str, float]:
    """Scalar operations of the statement per cycle that each unit can reach, whole instructions all valid."""
    rates: dict[str, float] = {}
    seen: set[tuple[str, tuple[tuple[str, int], ...]]] = set()
    for mapping in find_mappings(kernel, machine, statement=statement.index):
        if (mapping.instruction, mapping.parameters) in seen:
            continue
        seen.add((mapping.instruction, mapping.parameters))
        instruction = specialised(machine.instruction(mapping.instruction), mapping.parameters)
        unit = machine.unit(instruction.unit)
        rates[unit.name] = max(rates.get(unit.name, 0.0), _rate(instruction) * _servers(machine, unit.name))
    return rates


def _rate(instruction: Instruction) -> float:
    """Operations per busy cycle at the greatest parameters."""
    whole = math.prod(iterator_sizes(instruction.semantics).values())
    return whole / max(timing(instruction, {})[0], 1)


def _servers(machine: Machine, unit: str) -> int:
    """Servers of a unit on all copies of the grids around it."""
    return machine.unit(unit).count * copies(machine, unit)


def work_bound(machine: Machine, kernel: Kernel) -> float:
    """Cycles that the statements' operations take at least; 0 where no unit is known for any."""
    jobs: list[tuple[float, dict[str, float]]] = []
    together = joint_members(kernel, machine) | offline(kernel)
    for statement in statements(kernel):
        if statement.conditions or statement.exclusions or statement.index in together:
            continue  # not all of the box is done, or not alone: a bound must not count what may not be
        rates = peak_rates(machine, kernel, statement)
        if rates:
            jobs.append((float(math.prod(iterator.extent for iterator in statement.iterators)), rates))
    best = max((operations / sum(rates.values()) for operations, rates in jobs), default=0.0)
    weights = [1 / sum(rates.values()) for _, rates in jobs]
    units = {unit for _, rates in jobs for unit in rates}
    total = sum(operations * weight for (operations, _), weight in zip(jobs, weights, strict=True))
    share = sum(
        max(rates.get(unit, 0.0) * weight for (_, rates), weight in zip(jobs, weights, strict=True)) for unit in units
    )
    return max(best, total / share if share else 0.0)


def _mapped_units(schedule: Schedule) -> dict[str, float]:
    """Busy cycles of every unit with whole instructions of the chosen mappings and their unavoidable fills."""
    busy: dict[str, float] = {}
    machine = schedule.machine
    for nest in replay(schedule):
        work = [(nest.call.instruction.unit, float(nest_call_cycles(nest))), *_register_fills(machine, nest)]
        for name, cycles in work:
            busy[f"unit.{name}"] = busy.get(f"unit.{name}", 0.0) + cycles / _servers(machine, name)
    return busy


def _register_fills(machine: Machine, nest: Nest) -> abc.Iterator[tuple[str, float]]:
    """Fills of the register files that calls read: every distinct tile of an operand comes in once at least."""
    bound = {digit.name: digit for digit in nest.digits if digit.bound is not None}
    for _, access in nest.call.sigma:
        path = nest.path(access)
        if not path or access in nest.statement.written or path[-1].fill is None:
            continue
        if machine.memory(path[-1].memory).kind is not MemoryKind.REGISTERS:
            continue
        instruction = machine.instruction(path[-1].fill.instruction)
        moving = {name for index in nest.statement.accesses[access].map.results for name in index.names}
        tiles = 1
        for iterator in nest.statement.iterators:
            block = math.prod(digit.extent for digit in bound.values() if digit.iterator == iterator.name)
            tiles *= -(-iterator.extent // block) if iterator.name in moving else 1
        least = min(timing(instruction, {p.name: p.low for p in instruction.parameters})[0], timing(instruction, {})[0])
        if len(path) > 1 and not _shared_by_windows(nest, access):
            yield instruction.unit, float(tiles * least)


def _shared_by_windows(nest: Nest, access: int) -> bool:
    """Whether tiles at different iterations may hold the same elements, so that fewer fills could do."""
    results = nest.statement.accesses[access].map.results
    bound = {digit.iterator for digit in nest.digits if digit.bound is not None}
    return any(len(index.terms) > 1 and not index.names & bound for index in results)


def nest_call_cycles(nest: Nest) -> int:
    """Busy cycles of a nest's calls over all iterations of the loops around it."""
    bound = tuple(digit for digit in nest.digits if digit.bound is not None)
    outer = [digit for digit in nest.digits if digit.bound is None and digit.name not in nest.order]
    shared = frozenset(digit.iterator for digit in outer)
    repeated = math.prod(digit.extent for digit in outer)
    return repeated * call_cycles(nest.statement, nest.call, bound, shared)


# memory


def memory_bounds(machine: Machine, kernel: Kernel, covered: Kernel) -> dict[str, float]:
    """Cycles that the home ports need at least: compulsory bytes, and the capacity bound of matrix products."""
    home = machine.memory(home_memory(machine))
    tensors = all_tensors(covered)
    read = sum(_touched_bytes(covered, tensors[t.name]) for t in kernel.tensors if t.direction is Direction.IN)
    written = sum(_touched_bytes(covered, tensors[t.name]) for t in kernel.tensors if t.direction is Direction.OUT)
    both = sum(_touched_bytes(covered, tensors[t.name]) for t in kernel.tensors if t.direction is Direction.INOUT)
    rates = {PortDirection.READ: 0.0, PortDirection.WRITE: 0.0, PortDirection.BOTH: 0.0}
    for port in home.ports:
        cycles, size = port.byte_cycles
        rates[port.direction] += size / cycles
    found = _port_cycles(read + both, written + both, rates)
    capacity = capacity_bytes_bound(machine, covered)
    total = sum(rates.values())
    if capacity and total:
        found[f"{home.name} (capacity)"] = capacity / total
    return {name if "(" in name else f"{home.name} {name}": cycles for name, cycles in found.items()}


def _port_cycles(read: float, written: float, rates: abc.Mapping[PortDirection, float]) -> dict[str, float]:
    found: dict[str, float] = {}
    inward = rates[PortDirection.READ] + rates[PortDirection.BOTH]
    outward = rates[PortDirection.WRITE] + rates[PortDirection.BOTH]
    if inward:
        found["reads"] = read / inward
    if outward:
        found["writes"] = written / outward
    if inward and outward:
        found["port"] = (read + written) / sum(rates.values())
    return found


def _touched_bytes(kernel: Kernel, tensor: Tensor) -> float:
    """Bytes of a tensor that some statement touches: the most that one access alone reaches."""
    most = 0
    for statement in statements(kernel):
        extents = {iterator.name: iterator.extent for iterator in statement.iterators}
        if statement.conditions or statement.exclusions:
            continue
        for access in statement.accesses:
            if access.tensor == tensor.name:
                most = max(most, touched_elements(access, tensor.shape, extents))
    return most * tensor.dtype.bits / 8


def touched_elements(access: Access, shape: tuple[int, ...], extents: abc.Mapping[str, int]) -> int:
    """Elements of a tensor that an access reaches over a box, those outside the tensor left out.

    Axes that share an iterator are counted as one line: the longest of them.
    """
    groups: list[tuple[set[str], int]] = []
    for result, size in zip(access.map.results, shape, strict=True):
        names = {name for name, _ in result.terms}
        count = _reached(result.terms, result.constant, size, extents)
        joined = [group for group in groups if group[0] & names]
        groups = [group for group in groups if not group[0] & names]
        groups.append((names.union(*(g[0] for g in joined)), max([count, *(g[1] for g in joined)])))
    return math.prod(count for _, count in groups)


def _reached(terms: tuple[tuple[str, int], ...], start: int, size: int, extents: abc.Mapping[str, int]) -> int:
    """Elements of an axis of ``size`` that ``start + sum(coefficient * iterator)`` takes; exact, or less where huge."""
    movers = sorted(((abs(step), extents[name], step) for name, step in terms if step and extents[name] > 1))
    low = start + sum(step * (count - 1) for _, count, step in movers if step < 0)
    gap, length = 1, 0
    for place, (step, count, _) in enumerate(movers):
        if place == 0:
            gap, length = step, step * (count - 1)
        elif step % gap == 0 and step <= length + gap:
            length += step * (count - 1)
        else:
            return _enumerated(movers, low, size)
    first = max(0, -(-(0 - low) // gap))
    last = min(length // gap, (size - 1 - low) // gap)
    return max(0, last - first + 1)


def _enumerated(movers: list[tuple[int, int, int]], low: int, size: int) -> int:
    """The count value by value, up to a million of them; beyond, of the longest mover alone."""
    if math.prod(count for _, count, _ in movers) > 10**6:
        step, count, _ = max(movers, key=lambda mover: mover[1])
        return max(0, min(count, (size - 1 - max(low, 0)) // step + 1))
    values = np.array([low], dtype=np.int64)
    for step, count, _ in movers:
        values = np.unique((values[:, None] + np.arange(count, dtype=np.int64)[None, :] * step).ravel())
    return int(((values >= 0) & (values < size)).sum())


def capacity_bytes_bound(machine: Machine, kernel: Kernel) -> float:
    """Bytes that the largest matrix product among the statements moves at least, given all memory on chip."""
    tensors = all_tensors(kernel)
    most = 0.0
    for statement in statements(kernel):
        size = min((tensors[access.tensor].dtype.bits / 8 for access in statement.accesses), default=1.0)
        on_chip = (m for m in machine.memories if m.kind is not MemoryKind.HOST)
        held = sum((m.capacity_bytes or 0) * copies(machine, m.name) for m in on_chip) / size
        if held and _is_product(statement):
            operations = math.prod(iterator.extent for iterator in statement.iterators)
            most = max(most, (2 * operations / math.sqrt(held) - 2 * held) * size)
    return max(0.0, most)


def _is_product(statement: Statement) -> bool:
    """Whether three accesses share the iterators pairwise, each in exactly two: C[i, j] += A[i, k] * B[k, j]."""
    if len(statement.accesses) != 3 or statement.conditions or statement.assign.reduction is None:
        return False
    names = [frozenset().union(*(result.names for result in a.map.results)) for a in statement.accesses]
    lone = all(len(result.terms) <= 1 for access in statement.accesses for result in access.map.results)
    pairs = [names[0] & names[1], names[0] & names[2], names[1] & names[2]]
    counted = all(sum(iterator.name in group for group in names) == 2 for iterator in statement.iterators)
    return lone and counted and all(pairs)
