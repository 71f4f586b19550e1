"""A brute-force oracle of what a mapping is: every sigma, every relation and every placement is tried and executed.

It knows nothing of the mapper, only of statements as the analysis of the IR gives them. Values are numbers of a large
prime field for sums and products; for minima and maxima they are sets of formal terms, so that nothing wrong is hidden
by a greater value.
"""

from __future__ import annotations

import random
from collections import abc
from dataclasses import dataclass
from functools import cache
from itertools import permutations, product
from typing import Any

from isamapper.ir.analysis import Iterator, Statement, statements
from isamapper.ir.nodes import Access, Binary, BinaryOp, Constant, Expression, IteratorKind, Kernel, Load, Reduction

PRIME = 2**61 - 1
NOTHING: frozenset[Any] = frozenset()
"""The identity of an idempotent reduction; it absorbs in sums."""

ONE: frozenset[Any] = frozenset((("1",),))
"""The number one, which changes nothing in products."""

Relation = tuple[tuple[str, str], ...]
Placement = dict[tuple[str, str], tuple[int, int, int]]
"""Pair to (extent, weight in the iterator, weight in the lane)."""


@dataclass(frozen=True)
class Side:
    """The only statement of a kernel or of an instruction."""

    statement: Statement

    @property
    def iterators(self) -> tuple[Iterator, ...]:
        return self.statement.iterators


@dataclass(frozen=True)
class Case:
    """One statement and one instruction, ready to execute."""

    subject: Side
    needle: Side
    idempotent: bool


def case_of(kernel: Kernel, instruction: Kernel) -> Case | None:
    """The case; None where the instruction has an order or a guard of its own, so that nothing maps."""
    (subject,), (needle,) = statements(kernel), statements(instruction)
    ordered = any(each.extent > 1 and each.kind is IteratorKind.SEQUENTIAL for each in needle.iterators)
    if ordered or needle.conditions or needle.exclusions:
        return None
    idempotent = needle.assign.reduction in (Reduction.MIN, Reduction.MAX)
    return Case(Side(subject), Side(needle), idempotent)


def sound_relations(case: Case) -> dict[tuple[int, ...], set[Relation]]:
    """Per sigma (the kernel access of each load of the instruction) every sound relation, saturated or not."""
    reads = range(1, len(case.subject.statement.accesses))
    found: dict[tuple[int, ...], set[Relation]] = {}
    for sigma in permutations(reads, len(case.needle.statement.accesses) - 1):
        if len(reads) != len(sigma):
            continue
        relations = {relation for relation in _all_relations(case) if is_sound(case, sigma, relation)}
        if relations:
            found[sigma] = relations
    return found


def saturated(case: Case, sigma: tuple[int, ...], relations: set[Relation]) -> set[tuple[Relation, str]]:
    """The saturated ones of ``relations`` with their class, exact or broadcast."""
    lanes = [lane.name for lane in case.needle.iterators if lane.extent > 1]
    names = [each.name for each in case.subject.statement.iterators]
    found = set()
    for relation in relations:
        kind = relation_class(case, sigma, relation)
        filled = {lane for _, lane in relation}
        grown = (tuple(sorted((*relation, (name, lane)))) for lane in lanes if lane not in filled for name in names)
        if kind is not None and not any(
            each in relations and (kind == "broadcast" or relation_class(case, sigma, each) == "exact")
            for each in grown
        ):
            found.add((relation, kind))
    return found


def relation_class(case: Case, sigma: tuple[int, ...], relation: Relation) -> str | None:
    needles, subjects = case.needle.statement.accesses, case.subject.statement.accesses
    pairs = [(needles[0], subjects[0]), *((needles[1 + n], subjects[access]) for n, access in enumerate(sigma))]
    same = all(
        (lane in _names(inside)) == (name in _names(outside)) for name, lane in relation for inside, outside in pairs
    )
    return "exact" if same else "broadcast"


def is_sound(case: Case, sigma: tuple[int, ...], relation: Relation) -> bool:
    """Whether some placement and some pad values compute what the kernel computes."""
    return any(
        consistent(case, sigma, placement) and any(executes(case, sigma, placement, pads) for pads in _pads(case))
        for placement in _placements(case, relation)
    )


def _names(access: Access) -> set[str]:
    return {name for index in access.map.results for name, _ in index.terms}


def _all_relations(case: Case) -> abc.Iterator[Relation]:
    pairs = [
        (each.name, lane.name)
        for each in case.subject.statement.iterators
        for lane in case.needle.iterators
        if each.extent > 1 and lane.extent > 1 and each.kind is not IteratorKind.SEQUENTIAL
    ]
    for mask in range(1 << len(pairs)):
        yield tuple(sorted(pair for bit, pair in enumerate(pairs) if mask >> bit & 1))


def _placements(case: Case, relation: Relation) -> abc.Iterator[Placement]:
    """Every placement; a digit that is alone on both sides is as long as possible."""
    extents = {each.name: each.extent for each in case.subject.statement.iterators}
    lanes = {lane.name: lane.extent for lane in case.needle.iterators}
    groups = (
        [[p for p in relation if p[1] == lane] for lane in lanes],
        [[p for p in relation if p[0] == n] for n in extents],
    )

    def lone(pair: tuple[str, str]) -> bool:
        return sum(pair[1] == other for _, other in relation) == 1 == sum(pair[0] == other for other, _ in relation)

    most = {pair: min(extents[pair[0]], lanes[pair[1]]) for pair in relation}
    for sizes in product(*([most[p]] if lone(p) else range(2, most[p] + 1) for p in relation)):
        size = dict(zip(relation, sizes, strict=True))
        if any(_size(group, size) > lanes[group[0][1]] for group in groups[0] if group):
            continue
        for orders in product(*(permutations(group) for side in groups for group in side)):
            if any(_size(order[:-1], size) >= extents[order[0][0]] for order in orders[len(groups[0]) :] if order):
                continue
            lane_weights, weights = _weights(orders[: len(groups[0])], size), _weights(orders[len(groups[0]) :], size)
            yield {pair: (size[pair], weights[pair], lane_weights[pair]) for pair in relation}


def _size(group: abc.Iterable[Any], size: abc.Mapping[Any, int]) -> int:
    total = 1
    for pair in group:
        total *= size[pair]
    return total


def _weights(orders: abc.Iterable[abc.Sequence[Any]], size: abc.Mapping[Any, int]) -> dict[Any, int]:
    found: dict[Any, int] = {}
    for order in orders:
        weight = 1
        for pair in order:
            found[pair] = weight
            weight *= size[pair]
    return found


def _pads(case: Case) -> abc.Iterator[dict[str, Any] | None]:
    """Pad values of each operand that is only read; None: repeat a valid point."""
    operands = list(dict.fromkeys(a.tensor for a in case.needle.statement.accesses[1:]))
    values = [NOTHING, ONE, None] if case.idempotent else [0, 1, None]
    for chosen in product(values, repeat=len(operands)):
        yield dict(zip(operands, chosen, strict=True))
    if case.idempotent or case.needle.statement.assign.reduction is None:
        yield None


def consistent(case: Case, sigma: tuple[int, ...], placement: Placement) -> bool:
    """Whether every cell stands for one element and every target element has one cell, in the fullest call."""
    execution = _Execution(case, sigma, placement, {})
    return execution.fills_consistently()


def executes(case: Case, sigma: tuple[int, ...], placement: Placement, pads: dict[str, Any] | None) -> bool:
    """Whether the calls compute the kernel; a pad of None is an arbitrary value."""
    return _Execution(case, sigma, placement, pads).agrees()


class _Execution:
    def __init__(self, case: Case, sigma: tuple[int, ...], placement: Placement, pads: dict[str, Any] | None) -> None:
        self.case, self.placement, self.pads = case, placement, pads
        self.subject, self.needle = case.subject.statement, case.needle.statement
        self.roles = [(0, 0), *((1 + n, access) for n, access in enumerate(sigma))]
        self.extents = {each.name: each.extent for each in self.subject.iterators}
        self.lanes = {lane.name: lane.extent for lane in case.needle.iterators}
        self.former = self.subject.assign.reduction is not None

    def agrees(self) -> bool:
        state: dict[Any, Any] = {}
        for outer in product(*(range(self._outer(name)) for name in self.extents)):
            if not self._call(dict(zip(self.extents, outer, strict=True)), state):
                return False
        return state == self._reference()

    def fills_consistently(self) -> bool:
        cells: dict[Any, Any] = {}
        homes: dict[Any, Any] = {}
        for lane_point, point in self._points(dict.fromkeys(self.extents, 0)):
            for inside, outside in self.roles:
                cell = _element(self.needle.accesses[inside], lane_point)
                element = _element(self.subject.accesses[outside], point)
                if cells.setdefault(cell, element) != element:
                    return False
                if inside == 0 and homes.setdefault(element, cell) != cell:
                    return False
        return True

    def _reference(self) -> dict[Any, Any]:
        state: dict[Any, Any] = {}
        for values in product(*(range(extent) for extent in self.extents.values())):
            point = dict(zip(self.extents, values, strict=True))
            key = _element(self.subject.accesses[0], point)
            loads = [_value(self.case, _element(access, point)) for access in self.subject.accesses[1:]]
            value = _compute(self.subject.assign.value, loads, self.case.idempotent)
            before = state.get(key, _value(self.case, key))
            state[key] = _reduce(self.subject.assign.reduction, before, value)
        return state

    def _outer(self, name: str) -> int:
        inner = _size([p for p in self.placement if p[0] == name], {p: d[0] for p, d in self.placement.items()})
        return -(-self.extents[name] // inner)

    def _call(self, outer: dict[str, int], state: dict[Any, Any]) -> bool:
        cells: list[dict[Any, Any]] = [{} for _ in self.roles]
        points = list(self._points(outer))
        for lane_point, point in points:
            for (inside, outside), filled in zip(self.roles, cells, strict=True):
                cell = _element(self.needle.accesses[inside], lane_point)[1]
                element = _element(self.subject.accesses[outside], point)
                value = state.get(element, _value(self.case, element)) if inside == 0 else _value(self.case, element)
                if inside == 0 and not self.former:
                    value = _identity(self.needle.assign.reduction)
                if filled.setdefault(cell, value) != value:
                    return False
        merged = self._merge(cells)
        if merged is None:
            return False
        if self.pads is None:
            self._repeat(merged, outer)
        results = self._run(merged)
        homes: dict[Any, Any] = {}
        for lane_point, point in points:
            cell = _element(self.needle.accesses[0], lane_point)[1]
            if homes.setdefault(_element(self.subject.accesses[0], point), cell) != cell:
                return False  # two partial results of one element: equal only by chance
        if len(set(homes.values())) < len(homes):
            return False
        state.update((element, results[cell]) for element, cell in homes.items())
        return True

    def _merge(self, cells: list[dict[Any, Any]]) -> dict[str, dict[Any, Any]] | None:
        merged: dict[str, dict[Any, Any]] = {}
        for (inside, _), filled in zip(self.roles, cells, strict=True):
            operand = merged.setdefault(self.needle.accesses[inside].tensor, {})
            for cell, value in filled.items():
                if operand.setdefault(cell, value) != value:
                    return None
        return merged

    def _points(self, outer: dict[str, int]) -> abc.Iterator[tuple[dict[str, int], dict[str, int]]]:
        """The valid points of a call: instruction iterators and kernel iterators."""
        pairs = list(self.placement)
        for digits in product(*(range(self.placement[pair][0]) for pair in pairs)):
            point = {
                name: value * _size([p for p in pairs if p[0] == name], {p: d[0] for p, d in self.placement.items()})
                for name, value in outer.items()
            }
            lane_point = dict.fromkeys(self.lanes, 0)
            for pair, digit in zip(pairs, digits, strict=True):
                point[pair[0]] += digit * self.placement[pair][1]
                lane_point[pair[1]] += digit * self.placement[pair][2]
            if all(point[name] < extent for name, extent in self.extents.items()):
                yield lane_point, point

    def _repeat(self, merged: dict[str, dict[Any, Any]], outer: dict[str, int]) -> None:
        """Fills what no valid point fills from the first valid point."""
        goal = self.needle.accesses[0]
        cells = {_element(goal, lane_point) for lane_point, _ in self._points(outer)}
        lane_points = [
            dict(zip(self.lanes, values, strict=True))
            for values in product(*(range(extent) for extent in self.lanes.values()))
        ]
        for lane_point in sorted(lane_points, key=lambda each: _element(goal, each) not in cells):
            nearest = self._clamped(lane_point, outer)
            for inside, outside in self.roles[1:]:
                cell = _element(self.needle.accesses[inside], lane_point)[1]
                value = _value(self.case, _element(self.subject.accesses[outside], nearest))
                merged[self.needle.accesses[inside].tensor].setdefault(cell, value)

    def _clamped(self, lane_point: dict[str, int], outer: dict[str, int]) -> dict[str, int]:
        """The valid point whose digits are those of ``lane_point``, each as large as validity allows."""
        sizes = {pair: digit[0] for pair, digit in self.placement.items()}
        point = {name: value * _size([p for p in sizes if p[0] == name], sizes) for name, value in outer.items()}
        for pair in sorted(self.placement, key=lambda pair: -self.placement[pair][1]):
            extent, weight, lane_weight = self.placement[pair]
            digit = lane_point[pair[1]] // lane_weight
            digit = digit % extent if self._inner(pair) else min(digit, extent - 1)
            while point[pair[0]] + digit * weight >= self.extents[pair[0]]:
                digit -= 1
            point[pair[0]] += digit * weight
        return point

    def _inner(self, pair: tuple[str, str]) -> bool:
        return any(p[1] == pair[1] and self.placement[p][2] > self.placement[pair][2] for p in self.placement)

    def _run(self, merged: dict[str, dict[Any, Any]]) -> dict[Any, Any]:
        accesses, assign = self.needle.accesses, self.needle.assign
        target = merged[accesses[0].tensor]
        for lane_values in product(*(range(extent) for extent in self.lanes.values())):
            lane_point = dict(zip(self.lanes, lane_values, strict=True))
            loads = []
            for access in accesses[1:]:
                key = _element(access, lane_point)
                loads.append(merged[access.tensor][key[1]] if key[1] in merged[access.tensor] else self._pad(key))
            cell = _element(accesses[0], lane_point)
            before = target.get(cell[1], _value(self.case, ("garbage", cell)))
            target[cell[1]] = _reduce(assign.reduction, before, _compute(assign.value, loads, self.case.idempotent))
        return target

    def _pad(self, key: Any) -> Any:
        value = None if self.pads is None else self.pads.get(key[0])
        return _value(self.case, ("garbage", key)) if value is None else value


def _element(access: Access, point: dict[str, int]) -> tuple[str, tuple[int, ...]]:
    return access.tensor, tuple(
        sum(factor * point[name] for name, factor in index.terms) + index.constant for index in access.map.results
    )


def _value(case: Case, key: Any) -> Any:
    return _number(key) if not case.idempotent else frozenset(((repr(key),),))


@cache
def _number(key: Any) -> int:
    return random.Random(repr(key)).randrange(PRIME)


def _identity(reduction: Reduction | None) -> Any:
    return {Reduction.ADD: 0, Reduction.MUL: 1}.get(reduction, NOTHING) if reduction else 0


def _reduce(reduction: Reduction | None, before: Any, value: Any) -> Any:
    match reduction:
        case None:
            return value
        case Reduction.ADD:
            return (before + value) % PRIME
        case Reduction.MUL:
            return before * value % PRIME
        case _:
            return before | value


def _compute(expression: Expression, loads: list[Any], idempotent: bool) -> Any:
    return _evaluate(expression, iter(loads), idempotent)


def _evaluate(expression: Expression, loads: abc.Iterator[Any], idempotent: bool) -> Any:
    match expression:
        case Constant(value):
            return frozenset(((repr(value),),)) if idempotent else int(value)
        case Load():
            return next(loads)
        case Binary(op, left, right):
            one = _evaluate(left, loads, idempotent)
            other = _evaluate(right, loads, idempotent)
            return _operate(op, one, other, idempotent)
        case _:
            raise AssertionError(expression)


def _operate(op: BinaryOp, one: Any, other: Any, idempotent: bool) -> Any:
    if idempotent and op is BinaryOp.ADD:
        return frozenset(tuple(sorted(a + b)) for a in one for b in other)
    if idempotent and op is BinaryOp.MUL and ONE in (one, other):
        return other if one == ONE else one
    if idempotent:
        sides = sorted((sorted(one), sorted(other))) if op is BinaryOp.MUL else (sorted(one), sorted(other))
        return frozenset(((repr((op.value, sides)),),))
    if op is BinaryOp.ADD:
        return (one + other) % PRIME
    if op is BinaryOp.SUB:
        return (one - other) % PRIME
    assert op is BinaryOp.MUL
    return one * other % PRIME
