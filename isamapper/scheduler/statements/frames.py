"""Frames: a statement with its instruction and bound digits chosen, everything else still open.

A frame fixes what the mapping decides (which instruction, which iterator digits lie inside it, which form overwrites
and which accumulates) and leaves tiles, orders and buffers to the search.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice, product

from isamapper.hwdesc.bind import specialised
from isamapper.hwdesc.model import Instruction, Machine
from isamapper.ir.analysis import Statement, statements
from isamapper.ir.expressions import operands
from isamapper.ir.nodes import Constant, Direction, Expression, Reduction, Tensor
from isamapper.ir.types import DType, integer_range
from isamapper.mapper.algebra.terms import term_of
from isamapper.mapper.matching.delta import injective
from isamapper.mapper.matching.needle import Effect, effect_of, needle_of
from isamapper.plan.homes import home_memory
from isamapper.plan.mapping import Mapping
from isamapper.plan.needle import (
    fill_value,
    has_lone_axes,
    iterator_sizes,
    lone_axes,
    operand_spec,
    operand_tensor,
    parameter_of,
    writes,
)
from isamapper.plan.nest import Call, Digit, Nest
from isamapper.plan.walkers import Walkers, fits, has_walkers, is_lone, walkers
from isamapper.plan.work import call_cycles
from isamapper.scheduler.statements.lying import lies_right, only_copies

IDENTITY = {Reduction.ADD: 0, Reduction.MUL: 1, Reduction.MIN: float("inf"), Reduction.MAX: float("-inf")}


@dataclass(frozen=True, slots=True)
class Frame:
    """One way to do a statement: calls, bound digits, and how many blocks of them each iterator has.

    ``bound`` lists per iterator its bound digits, outermost first. ``fresh``: the target has no earlier value, so
    partial sums start here. ``cost_cycles`` is the busy time of the instruction's unit over all calls.
    """

    statement: Statement
    mapping: Mapping
    call: Call
    first: Call | None
    init: Call | None
    bound: tuple[Digit, ...]
    fresh: bool
    cost_cycles: int

    def unit_cycles(self, machine: Machine) -> float:
        """Cycles that all servers of the instruction's unit together need at least."""
        return self.cost_cycles / machine.unit(self.call.instruction.unit).count

    def foreign(self, numbers: abc.Set[int | float]) -> int:
        """How many of the numbers that operands are fed are not in ``numbers``: ``x - -0.1`` for ``x + 0.1``."""
        return sum(value not in numbers for _, value in self.call.constants)

    def block(self, iterator: str) -> int:
        """Iterations of a kernel iterator inside one call."""
        total = 1
        for digit in self.bound:
            if digit.iterator == iterator:
                total *= digit.extent
        return total

    def blocks(self, iterator: str) -> int:
        """Calls along a kernel iterator."""
        size = next(known.extent for known in self.statement.iterators if known.name == iterator)
        return -(-size // self.block(iterator))


def frames_of(
    machine: Machine,
    statement: Statement,
    mappings: abc.Iterable[Mapping],
    fresh: bool,
    shared: abc.Set[str],
    tensors: abc.Mapping[str, Tensor] | None = None,
) -> tuple[Frame, ...]:
    """Every frame that the mappings of one statement give, cheapest unit time first, then numbers as they are written.

    ``fresh``: no statement before this one writes the target and it is no ``inout``. ``shared`` iterators are loops
    around the whole nest. Where ``tensors`` are given, a statement that only copies has no frames for which they would
    have to be copied first, unless it has no others.
    """
    found: list[Frame] = []
    turned: list[tuple[Mapping, Instruction, tuple[Digit, ...]]] = []
    copied = tensors if tensors is not None and only_copies(statement) else None
    seen: set[tuple[object, ...]] = set()  # many mappings of many iterators fill the lanes alike
    home = home_memory(machine)
    if statement.assign.reduction is not None and not injective(statement.assign.target, _extents(statement)):
        return ()  # tiles would overlap in the target, as in y[p + r]: rewrites gather such sums
    for mapping in mappings:
        instruction = specialised(machine.instruction(mapping.instruction), mapping.parameters)
        if not _schedulable(instruction, mapping, home):
            continue
        for bound in bound_digits(instruction, statement, mapping, shared):
            key = (mapping.instruction, mapping.parameters, mapping.sigma, bound)
            if key in seen:
                continue
            seen.add(key)
            if copied is not None and not lies_right(instruction, statement, mapping, bound, copied, home):
                turned.append((mapping, instruction, bound))
                continue
            frame = _frame(machine, statement, mapping, instruction, bound, fresh, shared)
            if frame is not None:
                found.append(frame)
    if not found:
        frames = (_frame(machine, statement, *each, fresh, shared) for each in turned)
        found = [frame for frame in frames if frame is not None]
    unique = {(f.call, f.bound): f for f in reversed(found)}
    numbers = _numbers(statement.assign.value)
    return tuple(sorted(unique.values(), key=lambda frame: (frame.unit_cycles(machine), frame.foreign(numbers))))


def _numbers(expression: Expression) -> frozenset[int | float]:
    """The literals of an expression."""
    own = (expression.value,) if isinstance(expression, Constant) else ()
    return frozenset(own).union(*map(_numbers, operands(expression)))


def _extents(statement: Statement) -> dict[str, int]:
    return {iterator.name: iterator.extent for iterator in statement.iterators}


def _schedulable(instruction: Instruction, mapping: Mapping, home: str) -> bool:
    written = writes(instruction)
    for pairing in mapping.sigma:
        if pairing.initial is not None:
            return False
        if pairing.access is None:
            if pairing.neutral is None or pairing.operand in written:
                return False
            if home not in operand_spec(instruction, pairing.operand).memories:
                return False
        elif pairing.neutral is not None or (pairing.access == 0) != (pairing.operand in written):
            return False
    semantics = instruction.semantics
    return all(
        (has_lone_axes if tensor.name in written else has_walkers)(semantics, tensor.name)
        for tensor in semantics.tensors
    )


def bound_digits(
    instruction: Instruction, statement: Statement, mapping: Mapping, shared: abc.Set[str]
) -> abc.Iterator[tuple[Digit, ...]]:
    """Ways to choose the extents of the digits that ``mapping`` binds: a greedy fill per instruction iterator."""
    seen = set()
    left = {iterator.name: iterator.extent for iterator in statement.iterators}
    lanes = _members(instruction, statement, mapping, shared)
    for picked in ({}, *_picks(instruction, mapping)):
        for largest_first in (True, False):
            for alone in (False, True):
                digits = _filled(instruction, lanes, dict(left), largest_first, alone, picked)
                if digits is not None and digits not in seen:
                    seen.add(digits)
                    yield digits


PICKS = 64
"""How many choices of one iterator for each lane of a window are looked at."""


def _picks(instruction: Instruction, mapping: Mapping) -> abc.Iterator[dict[str, str]]:
    """One iterator for each lane that walks an axis together with others: a window slides along one tensor axis."""
    semantics = instruction.semantics
    together = [
        lane
        for tensor in semantics.tensors
        for along in walkers(semantics, tensor.name)
        if not is_lone(along)
        for lane, _ in along
    ]
    choices = {lane: [name for name, other in mapping.rho if other == lane] for lane in together}
    filled = {lane: names for lane, names in choices.items() if names}
    if any(len(names) > 1 for names in filled.values()):
        for chosen in islice(product(*filled.values()), PICKS):
            if len(set(chosen)) == len(chosen):
                yield dict(zip(filled, chosen, strict=True))


def _members(
    instruction: Instruction, statement: Statement, mapping: Mapping, shared: abc.Set[str]
) -> tuple[tuple[str, int, tuple[str, ...]], ...]:
    """Lanes with their extents and the iterators that may fill them, in the order of the loops."""
    tests = (*statement.conditions, *(test for tests in statement.exclusions for test in tests))
    guarded = {name for test in tests for name in test.function.names}  # conditions are tested around calls
    place = {iterator.name: rank for rank, iterator in enumerate(statement.iterators)}
    held: dict[str, list[str]] = {}
    for name, lane in mapping.rho:
        if name not in shared and name not in guarded:
            held.setdefault(lane, []).append(name)
    return tuple(
        (lane, size, tuple(sorted(held.get(lane, ()), key=place.__getitem__)))
        for lane, size in _inner_first(instruction)
    )


def _filled(
    instruction: Instruction,
    lanes: tuple[tuple[str, int, tuple[str, ...]], ...],
    left: dict[str, int],
    largest_first: bool,
    alone: bool,
    picked: abc.Mapping[str, str],
) -> tuple[Digit, ...] | None:
    """Bound digits with every lane filled from one end of its members; ``alone`` takes a single member per lane.

    ``left`` are the iterators' extents, used up here. The lanes in ``picked`` take that member alone.
    """
    digits: list[Digit] = []
    for lane, extent, members in lanes:
        members = tuple(name for name in members if picked.get(lane, name) == name) if picked else members
        room = extent
        chosen: list[Digit] = []
        ordered = sorted(reversed(members) if largest_first else members, key=left.__getitem__, reverse=largest_first)
        for member in ordered:
            size = min(room, left[member])
            if size > 1:
                chosen.append(Digit(f"{member}.{lane}", member, size, lane))
                left[member] = -(-left[member] // size)
                room //= size
                if alone or room < 2:
                    break
        if chosen:
            whole = _whole(instruction, lane, extent, chosen)
            if whole is None:
                return None
            digits.extend(whole)
    return tuple(reversed(digits))


@lru_cache(maxsize=1024)
def _inner_first(instruction: Instruction) -> tuple[tuple[str, int], ...]:
    """Instruction iterators and extents, those that stand last in operands first: a split's inner digit goes there."""
    sizes = iterator_sizes(instruction.semantics)
    rank: dict[str, int] = dict.fromkeys(sizes, 0)
    for tensor in instruction.semantics.tensors:
        axes = walkers(instruction.semantics, tensor.name)
        for place, along in enumerate(reversed(axes)):
            for axis, _ in along:
                rank[axis] += place * 2 + (0 if place else -1)
    names = sorted(sizes, key=lambda name: (parameter_of(instruction, name) is not None, rank[name]))
    return tuple((name, sizes[name]) for name in names)


def _whole(instruction: Instruction, lane: str, size: int, chosen: list[Digit]) -> list[Digit] | None:
    """Digits whose product is a value the lane can take: the outermost grows to fill a lane of fixed extent."""
    control = parameter_of(instruction, lane)
    product = 1
    for digit in chosen:
        product *= digit.extent
    target = size if control is None else max(control.low, product + (control.low - product) % control.step)
    last = chosen[-1]
    rest = product // last.extent
    if target % rest:
        return None
    return [*chosen[:-1], Digit(last.name, last.iterator, target // rest, last.bound)]


def _frame(
    machine: Machine,
    statement: Statement,
    mapping: Mapping,
    instruction: Instruction,
    bound: tuple[Digit, ...],
    fresh: bool,
    shared: abc.Set[str],
) -> Frame | None:
    call = Call(
        instruction,
        tuple((pairing.operand, pairing.access) for pairing in mapping.sigma if pairing.access is not None),
        axes_of(bound),
        mapping.parameters,
        tuple((p.operand, p.neutral) for p in mapping.sigma if p.access is None and p.neutral is not None),
    )
    if not fits(Nest(statement, call, None, None, bound, (), ())):
        return None
    needle = needle_of(instruction)
    assert needle is not None
    accumulates = effect_of(needle) is Effect.ACCUMULATES
    probe = Frame(statement, mapping, call, None, None, bound, fresh, 0)
    reduces = [i.name for i in statement.iterators if _reduces(statement, i.name)]
    outside = [name for name in reduces if probe.blocks(name) > 1]
    first = init = None
    if statement.assign.reduction is None:
        if accumulates:
            return None
    elif accumulates and fresh:
        first = overwriting_twin(machine, call)
        init = None if first else filling_call(machine, call, statement)
        if first is None and init is None:
            return None
    elif not accumulates and (outside or not fresh):
        return None
    return Frame(statement, mapping, call, first, init, bound, fresh, call_cycles(statement, call, bound, shared))


def _reduces(statement: Statement, iterator: str) -> bool:
    return all(not result.coefficient(iterator) for result in statement.assign.target.map.results)


def axes_of(bound: tuple[Digit, ...]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Per lane the bound digits inside it, outermost first."""
    lanes: dict[str, list[str]] = {}
    for digit in bound:
        lanes.setdefault(str(digit.bound), []).append(digit.name)
    return tuple((lane, tuple(names)) for lane, names in sorted(lanes.items()))


def overwriting_twin(machine: Machine, call: Call) -> Call | None:
    """The form of ``call``'s instruction that overwrites its target: same expression, extents and memories."""
    needle = needle_of(call.instruction)
    assert needle is not None
    for other in machine.instructions:
        twin = needle_of(other)
        if twin is None or other.name == call.instruction.name or effect_of(twin) is not Effect.OVERWRITES:
            continue
        renamed = _renaming(call.instruction, other)
        if renamed is None:
            continue
        operands, lanes = renamed
        sigma = {operands[name]: access for name, access in call.sigma}
        return Call(
            other,
            tuple((tensor.name, sigma[tensor.name]) for tensor in other.semantics.tensors if tensor.name in sigma),
            tuple(sorted((lanes[lane], members) for lane, members in call.axes)),
            constants=tuple((operands[name], value) for name, value in call.constants),
        )
    return None


@lru_cache(maxsize=65536)
def _renaming(one: Instruction, other: Instruction) -> tuple[dict[str, str], dict[str, str]] | None:
    """Operands and iterators of ``one`` in ``other``, where both differ in what the target held before only."""
    mine, theirs = statements(one.semantics)[0], statements(other.semantics)[0]
    if mine.assign.reduction != theirs.assign.reduction or len(mine.accesses) != len(theirs.accesses):
        return None
    operands: dict[str, str] = {}
    lanes: dict[str, str] = {}
    for left, right in zip(mine.accesses, theirs.accesses, strict=True):
        if operands.setdefault(left.tensor, right.tensor) != right.tensor:
            return None
        if not has_walkers(other.semantics, right.tensor):
            return None
        axes = (walkers(one.semantics, left.tensor), walkers(other.semantics, right.tensor))
        if len(axes[0]) != len(axes[1]):
            return None
        for mine_along, theirs_along in sorted(zip(*axes, strict=True), key=lambda pair: len(pair[0])):
            if not _same_walk(mine_along, theirs_along, lanes):
                return None
    if len(lanes) != len(iterator_sizes(other.semantics)) or not _same_shape(one, other, operands, lanes):
        return None
    return operands, lanes


def _same_walk(one: Walkers, other: Walkers, lanes: dict[str, str]) -> bool:
    """Whether the axes are walked alike, iterators renamed as in ``lanes``, which a lone one adds to."""
    if len(one) == 1 == len(other):
        return one[0][1] == other[0][1] and lanes.setdefault(one[0][0], other[0][0]) == other[0][0]
    return sorted((lanes.get(lane, ""), step) for lane, step in one) == sorted(other)


def _same_shape(one: Instruction, other: Instruction, operands: dict[str, str], lanes: dict[str, str]) -> bool:
    for left, right in operands.items():
        mine, theirs = operand_tensor(one.semantics, left), operand_tensor(other.semantics, right)
        if mine.shape != theirs.shape or mine.dtype != theirs.dtype:
            return False
        if not set(operand_spec(one, left).memories) & set(operand_spec(other, right).memories):
            return False
    for left, right in lanes.items():
        a, b = parameter_of(one, left), parameter_of(other, right)
        if (a is None) != (b is None) or (a and b and (a.low, a.high, a.step) != (b.low, b.high, b.step)):
            return False
    return _same_value(one, other, operands, lanes)


def _same_value(one: Instruction, other: Instruction, operands: dict[str, str], lanes: dict[str, str]) -> bool:
    mine, theirs = statements(one.semantics)[0], statements(other.semantics)[0]
    left = {tensor.name: tensor for tensor in one.semantics.tensors}
    right = {tensor.name: tensor for tensor in other.semantics.tensors}
    return term_of(mine.assign.value, left) == term_of(theirs.assign.value, right)


def identity_of(reduction: Reduction, dtype: DType) -> int | float:
    """What a sum, product, least or greatest of nothing is; whole numbers have no infinities, but ends."""
    if dtype.is_integer and reduction in (Reduction.MIN, Reduction.MAX):
        least, greatest = integer_range(dtype)
        return greatest if reduction is Reduction.MIN else least
    return IDENTITY[reduction]


def filling_call(machine: Machine, call: Call, statement: Statement) -> Call | None:
    """A fill that writes the reduction's identity wherever ``call`` writes."""
    assert statement.assign.reduction is not None
    target = call.operand(0)
    assert target is not None
    wanted = operand_tensor(call.instruction.semantics, target)
    identity = identity_of(statement.assign.reduction, wanted.dtype)
    axes = lone_axes(call.instruction.semantics, target)
    for other in machine.instructions:
        if fill_value(other) != identity or len(other.semantics.tensors) != 1:
            continue
        tensor = other.semantics.tensors[0]
        if tensor.dtype != wanted.dtype or not has_lone_axes(other.semantics, tensor.name):
            continue
        if not set(operand_spec(other, tensor.name).memories) & set(operand_spec(call.instruction, target).memories):
            continue
        members = _laid_over(other, lone_axes(other.semantics, tensor.name), call, axes)
        if members is not None:
            return Call(other, ((tensor.name, 0),), tuple(sorted((lane, names) for lane, names in members if names)))
    return None


def _laid_over(
    fill: Instruction, lanes: tuple[str | None, ...], call: Call, axes: tuple[str | None, ...]
) -> tuple[tuple[str, tuple[str, ...]], ...] | None:
    """The call's digits on the fill's lanes, last axis on last lane; None where the fill would reach further."""
    if len(lanes) < len(axes):
        return None
    spare, used = lanes[: len(lanes) - len(axes)], lanes[len(lanes) - len(axes) :]
    sizes = iterator_sizes(fill.semantics)
    for lane in spare:
        control = None if lane is None else parameter_of(fill, lane)
        if lane is not None and (control.low if control else sizes[lane]) > 1:
            return None
    if any(not _reaches(fill, str(lane), call, str(axis)) for lane, axis in zip(used, axes, strict=True)):
        return None
    return tuple((str(lane), call.members(axis)) for lane, axis in zip(used, axes, strict=True))


def _reaches(fill: Instruction, lane: str, call: Call, axis: str) -> bool:
    """Whether the fill covers, along one axis, exactly what the call writes there."""
    size = iterator_sizes(call.instruction.semantics).get(axis, 1)
    own = iterator_sizes(fill.semantics).get(lane, 1)
    narrow = parameter_of(fill, lane)
    wide = parameter_of(call.instruction, axis)
    if narrow is None:
        return wide is None and own == size
    return narrow.low <= (1 if wide else size) and narrow.high >= size and narrow.step == 1


def target_is_fresh(direction: Direction, written_before: bool) -> bool:
    """Whether a reduction into the target starts from its identity."""
    return direction is not Direction.INOUT and not written_before
