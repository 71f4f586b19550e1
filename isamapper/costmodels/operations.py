"""Least cycles for a kernel's operations: at the peak of all units, and in whole instructions of chosen mappings.

Rules of this file:
- a statement instance is one operation, and an instruction does as many as its own statement has instances;
- a statement that no instruction can do is not counted;
- all numbers are exact fractions of a cycle; rounding up is the caller's.
"""

from __future__ import annotations

from collections import abc
from fractions import Fraction
from functools import lru_cache
from itertools import islice, product
from math import prod

from isamapper.hwdesc.bind import timing
from isamapper.hwdesc.model import Instruction, Machine
from isamapper.ir.affine import evaluate
from isamapper.ir.analysis import Statement, statements
from isamapper.ir.nodes import Constraint, Kernel
from isamapper.mapper import find_mappings
from isamapper.plan.needle import iterator_sizes, parameter_of
from isamapper.plan.nest import Nest

COUNTED_POINTS = 1_000_000
"""Domains with conditions are counted point by point up to this size; larger ones count as their smallest box: none."""
TRIED_PARAMETERS = 4096
TRIED_MAPPINGS = 200


def operation_cycles(kernel: Kernel, machine: Machine) -> dict[str, Fraction]:
    """Per set of units (their names joined by ``+``) the cycles that the statements only they can do take at least."""
    work: dict[frozenset[str], list[tuple[int, dict[str, Fraction]]]] = {}
    for statement in statements(kernel):
        rates = unit_rates(kernel, machine, statement)
        if rates:
            work.setdefault(frozenset(rates), []).append((instance_count(statement), rates))
    return {"+".join(sorted(units)): _least(units, work) for units in work}


def _least(units: frozenset[str], work: abc.Mapping[frozenset[str], list[tuple[int, dict[str, Fraction]]]]) -> Fraction:
    """The greater of: the longest statement alone on all its units; all that only ``units`` can do, shared evenly."""
    inside = [entry for some, entries in work.items() if some <= units for entry in entries]
    alone = max(Fraction(count) / sum(rates.values()) for count, rates in inside)
    shared = sum((Fraction(count) / max(rates.values()) for count, rates in inside), Fraction(0)) / len(units)
    return max(alone, shared)


def unit_rates(kernel: Kernel, machine: Machine, statement: Statement) -> dict[str, Fraction]:
    """Operations of ``statement`` per cycle at the peak of each unit that can do it, its copies together."""
    rates: dict[str, Fraction] = {}
    for instruction in machine.instructions:
        found = find_mappings(kernel, machine, statement=statement.index, instruction=instruction.name)
        if next(found, None) is None:
            continue
        rate = peak_rate(instruction) * servers(machine, instruction.unit)
        rates[instruction.unit] = max(rates.get(instruction.unit, Fraction(0)), rate)
    return rates


def servers(machine: Machine, unit: str) -> int:
    """Servers of a unit, the copies of every grid around it counted."""
    return machine.unit(unit).count * copies(machine, unit)


def copies(machine: Machine, name: str) -> int:
    """How many copies of a memory, unit or grid there are."""
    return prod(grid.count * copies(machine, grid.name) for grid in machine.grids if name in grid.holds)


@lru_cache(maxsize=4096)
def peak_rate(instruction: Instruction) -> Fraction:
    """Operations of one server per cycle at the best parameter values."""
    lanes = iterator_sizes(instruction.semantics)
    fixed = prod(size for lane, size in lanes.items() if parameter_of(instruction, lane) is None)
    return fixed / _cycles_per_step(instruction, frozenset(lanes))


@lru_cache(maxsize=4096)
def _cycles_per_step(instruction: Instruction, lanes: frozenset[str]) -> Fraction:
    """Least occupied cycles over steps of those ``lanes`` that parameters set, over all parameter values."""
    sizes = iterator_sizes(instruction.semantics)
    ranges = {parameter.name: parameter for parameter in instruction.parameters}
    ruled = [(lane, control.name) for lane in sizes if lane in lanes and (control := parameter_of(instruction, lane))]
    choices = [range(each.low, each.high + 1, each.step) for each in ranges.values()]
    if prod(map(len, choices)) > TRIED_PARAMETERS:
        choices = [range(each.low, each.high + 1, max(1, each.high - each.low)) for each in ranges.values()]
    best: Fraction | None = None
    for values in product(*choices):
        point = dict(zip(ranges, values, strict=True))
        steps = prod(point[name] * sizes[lane] // ranges[name].high for lane, name in ruled)
        cycles = Fraction(max(1, timing(instruction, point)[0]), max(1, steps))
        best = cycles if best is None else min(best, cycles)
    return best if best is not None else Fraction(1)


def call_cycles(kernel: Kernel, machine: Machine, nests: abc.Sequence[Nest]) -> dict[str, Fraction]:
    """Per unit the cycles that the nests' instructions take at least when only whole ones are issued."""
    busy: dict[str, Fraction] = {}
    for nest in nests:
        instruction = nest.call.instruction
        inside = {digit.name: digit.iterator for digit in nest.digits}
        rho = frozenset((inside[name], lane) for lane, names in nest.call.axes for name in names)
        cycles = min(
            least_call_cycles(nest.statement, instruction, relation)
            for relation in _roles(kernel, machine, nest.statement, instruction.name, rho)
        )
        share = cycles / servers(machine, instruction.unit)
        busy[instruction.unit] = busy.get(instruction.unit, Fraction(0)) + share
    return busy


def _roles(
    kernel: Kernel, machine: Machine, statement: Statement, instruction: str, rho: frozenset[tuple[str, str]]
) -> tuple[frozenset[tuple[str, str]], ...]:
    """``rho`` and every other relation of the instruction that binds the same kernel iterators."""
    bound = {iterator for iterator, _ in rho}
    found = find_mappings(kernel, machine, statement=statement.index, instruction=instruction)
    others = (frozenset(mapping.rho) for mapping in islice(found, TRIED_MAPPINGS))
    return (rho, *(other for other in others if {iterator for iterator, _ in other} == bound))


def least_call_cycles(statement: Statement, instruction: Instruction, rho: frozenset[tuple[str, str]]) -> Fraction:
    """Occupied cycles of the fewest whole calls that do ``statement`` under ``rho``.

    Iterators and lanes that are linked share their extents freely: their calls are the quotient of the products,
    rounded up where no parameter narrows a lane. A domain cut by conditions is taken at the peak.
    """
    if statement.conditions or statement.exclusions:
        return instance_count(statement) / peak_rate(instruction)
    extents = {iterator.name: iterator.extent for iterator in statement.iterators}
    sizes = iterator_sizes(instruction.semantics)
    calls = Fraction(1)
    narrowed: set[str] = set()
    for iterators, lanes in _components(rho):
        steps = prod(extents[name] for name in iterators)
        ruled = {lane for lane in lanes if parameter_of(instruction, lane)}
        narrowed |= ruled
        room = prod(sizes[lane] for lane in lanes - ruled)
        calls *= Fraction(steps, room) if ruled else Fraction(-(-steps // room))
    outside = prod(extent for name, extent in extents.items() if name not in {iterator for iterator, _ in rho})
    return calls * outside * _cycles_per_step(instruction, frozenset(narrowed))


def _components(rho: frozenset[tuple[str, str]]) -> abc.Iterator[tuple[frozenset[str], frozenset[str]]]:
    """Iterators and lanes that hang together."""
    left = set(rho)
    while left:
        iterators, lanes = {min(left)[0]}, set[str]()
        grown = True
        while grown:
            part = {pair for pair in left if pair[0] in iterators or pair[1] in lanes}
            grown = not {i for i, _ in part} <= iterators or not {j for _, j in part} <= lanes
            iterators |= {i for i, _ in part}
            lanes |= {j for _, j in part}
        left -= {pair for pair in left if pair[0] in iterators}
        yield frozenset(iterators), frozenset(lanes)


def instance_count(statement: Statement) -> int:
    """Points of the statement's domain; none where it is too large to count with its conditions."""
    extents = [iterator.extent for iterator in statement.iterators]
    if not statement.conditions and not statement.exclusions:
        return prod(extents)
    if prod(extents) > COUNTED_POINTS:
        return 0
    names = [iterator.name for iterator in statement.iterators]
    points = (dict(zip(names, point, strict=True)) for point in product(*map(range, extents)))
    return sum(_inside(statement, point) for point in points)


def _inside(statement: Statement, point: abc.Mapping[str, int]) -> bool:
    return all(_holds(condition, point) for condition in statement.conditions) and not any(
        all(_holds(condition, point) for condition in excluded) for excluded in statement.exclusions
    )


def _holds(condition: Constraint, point: abc.Mapping[str, int]) -> bool:
    value = evaluate(condition.function, point)
    return value == 0 if condition.equality else value >= 0
