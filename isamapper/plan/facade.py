"""An instruction of several statements seen from outside: its operands, and the directions in which a call may grow.

    (a: i8[8, 32], w: i8[32, 8]) -> (y: i8[8, 8])                  the facade
      { local t: i32[8, 8]                                           for i < 8, j < 8, k < 32
        for i < 8, j < 8, k < 32 { t[i, j] += ... }                  { y[i, j] = i8(a[i, k]) + i8(w[k, j]) }
        for p < 8, q < 8 { y[p, q] = ... t[p, q] ... } }

Iterators of different statements that stand alone at one axis of one tensor are one *lane* (``i`` and ``p`` above).
The facade's value means nothing: it has one access for every operand, which is all that laying out operands, copying
them and calling the instruction has to know. What does not belong here: what the statements compute.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeAlias

from isamapper.diagnostics.source import Span
from isamapper.hwdesc.bind import bind_instruction
from isamapper.hwdesc.classify import operand_axes
from isamapper.hwdesc.model import Instruction
from isamapper.ir import syntax
from isamapper.ir.analysis import Statement, statements
from isamapper.ir.nodes import Access, Direction, IteratorKind
from isamapper.ir.template import Template, bind
from isamapper.plan.homes import all_tensors

Member: TypeAlias = tuple[int, str]
"""A statement's number and the name of one of its iterators."""


@dataclass(frozen=True, slots=True)
class Facade:
    """``instruction`` has the facade as its meaning.

    ``lanes`` gives the lane of every iterator, ``fixed`` the lanes of operand axes that only constants index, by
    operand and axis.
    """

    instruction: Instruction
    lanes: tuple[tuple[Member, str], ...]
    fixed: tuple[tuple[str, int, str], ...]

    def lane(self, statement: int, iterator: str) -> str:
        """The lane of an iterator."""
        return dict(self.lanes)[statement, iterator]


@lru_cache(maxsize=4096)
def facade(instruction: Instruction) -> Facade | str:
    """The facade of an instruction of any number of statements, or why it has none."""
    found = statements(instruction.semantics)
    obstacle = _obstacle(found)
    if obstacle is not None:
        return obstacle
    local = {each.name for each in all_tensors(instruction.semantics).values() if each.direction is Direction.LOCAL}
    groups = _joined(found, _narrowed(instruction), local)
    if groups is None:
        return "it uses one axis of a tensor along two iterators of one statement"
    names = _named(groups)
    lanes = {member: names[group] for group in groups for member in group}
    extents = {names[group]: _extent(instruction, min(group)) for group in groups}
    if any(extent is None for extent in extents.values()):
        return "an extent is no multiple of one parameter"
    most = {lanes[member]: extent for member, extent in _extents(instruction, {}).items()}
    axes, fixed = _axes(instruction, found, lanes, most)
    heads = {lane: extent for lane, extent in extents.items() if extent is not None}
    heads.update({lane: _Extent(None, size) for _, _, lane, size in fixed})
    made = _with_text(instruction, axes, heads)
    return Facade(made, tuple(sorted(lanes.items())), tuple((operand, axis, lane) for operand, axis, lane, _ in fixed))


def _obstacle(found: tuple[Statement, ...]) -> str | None:
    for statement in found:
        if statement.conditions or statement.exclusions:
            return "it has a guard of its own"
        if any(each.extent > 1 and each.kind is IteratorKind.SEQUENTIAL for each in statement.iterators):
            return "it has an order of its own"
        for access in statement.accesses:
            for index in access.map.results:
                lone = len(index.terms) == 1 and index.terms[0][1] == 1 and index.constant == 0
                if index.rotations or not (lone or not index.terms):
                    return f"'{access.tensor}' has a compound index"
    return None


def _narrowed(instruction: Instruction) -> frozenset[Member]:
    """Iterators whose extents parameters set."""
    most = _extents(instruction, {})
    least = _extents(instruction, {each.name: each.low for each in instruction.parameters})
    return frozenset(member for member, extent in most.items() if least[member] != extent)


def _joined(
    found: tuple[Statement, ...], narrowed: frozenset[Member], local: abc.Set[str]
) -> tuple[tuple[Member, ...], ...] | None:
    """The iterators by lane; None where two iterators of one statement would be one.

    Iterators of one loop are one lane where a parameter sets how far it runs, and could be several elsewhere.
    """
    written = {statement.assign.target.tensor for statement in found}
    shown = written - local
    groups = Groups([(s.index, each.name) for s in found for each in s.iterators])
    for statement in found:
        for each, loop in zip(statement.iterators, statement.loops, strict=True):
            member = statement.index, each.name
            if member in narrowed and not groups.join(loop, member):
                return None
    for inputs in (False, True):
        for statement in found:
            for access in statement.accesses:
                for axis, index in enumerate(access.map.results):
                    if not index.terms or (access.tensor in written) is inputs:
                        continue
                    joined = groups.join((access.tensor, axis), (statement.index, index.terms[0][0]))
                    if not joined and access.tensor in shown:
                        return None
    return groups.all()


class Groups:
    """Iterators that are one, by what they share; never two of one statement."""

    def __init__(self, members: abc.Iterable[Member]) -> None:
        self._group = {member: [member] for member in members}
        self._first: dict[object, Member] = {}

    def join(self, key: object, member: Member) -> bool:
        """Makes ``member`` one with whoever came first with ``key``; False where that cannot be."""
        one, other = self._group[self._first.setdefault(key, member)], self._group[member]
        if one is other:
            return True
        if {statement for statement, _ in one} & {statement for statement, _ in other}:
            return False
        one += other
        for each in other:
            self._group[each] = one
        return True

    def all(self) -> tuple[tuple[Member, ...], ...]:
        """The groups, in order."""
        return tuple(sorted({tuple(sorted(group)) for group in self._group.values()}))


def _named(groups: tuple[tuple[Member, ...], ...]) -> dict[tuple[Member, ...], str]:
    """A name of its own for each lane, that of its first iterator where it can be."""
    names: dict[tuple[Member, ...], str] = {}
    for group in sorted(groups):
        name = group[0][1]
        while name in names.values():
            name += "_"
        names[group] = name
    return names


@dataclass(frozen=True, slots=True)
class _Extent:
    """``factor * parameter``, or ``factor`` where there is no parameter."""

    parameter: str | None
    factor: int


def _extent(instruction: Instruction, member: Member) -> _Extent | None:
    """The extent of a lane, seen by setting parameters to their ends."""
    most = _extents(instruction, {})[member]
    moving: list[_Extent] = []
    for each in instruction.parameters:
        if each.low == each.high:
            continue
        least = _extents(instruction, {each.name: each.low})[member]
        if least != most:
            factor = most // each.high
            if (factor * each.low, factor * each.high) != (least, most):
                return None
            moving.append(_Extent(each.name, factor))
    if len(moving) > 1:
        return None
    return moving[0] if moving else _Extent(None, most)


def _extents(instruction: Instruction, parameters: abc.Mapping[str, int]) -> dict[Member, int]:
    found = statements(bind_instruction(instruction, parameters))
    return {(statement.index, each.name): each.extent for statement in found for each in statement.iterators}


def _axes(
    instruction: Instruction,
    found: tuple[Statement, ...],
    lanes: abc.Mapping[Member, str],
    extents: abc.Mapping[str, int],
) -> tuple[dict[str, tuple[str | None, ...]], list[tuple[str, int, str, int]]]:
    """Per operand the lane of each axis (None: position 0 alone), and lanes made for axes with constant positions.

    An axis that a lane walks in part and constants go beyond has a lane of its own, too.
    """
    taken = set(lanes.values())
    axes: dict[str, tuple[str | None, ...]] = {}
    fixed: list[tuple[str, int, str, int]] = []
    for tensor in instruction.semantics.tensors:
        if tensor.direction is Direction.LOCAL:
            continue
        uses = [(s.index, access) for s in found for access in s.accesses if access.tensor == tensor.name]
        own: list[str | None] = []
        for axis, size in enumerate(tensor.shape):
            lane = _lane_at(uses, axis, lanes)
            constants = any(not access.map.results[axis].terms for _, access in uses)
            if lane is None:
                made = any(access.map.results[axis].constant for _, access in uses)
            else:
                made = constants and extents[lane] < size
            if made:
                lane = f"{tensor.name}{axis}"
                while lane in taken:
                    lane += "_"
                taken.add(lane)
                fixed.append((tensor.name, axis, lane, size))
            own.append(lane)
        axes[tensor.name] = tuple(own)
    return axes, fixed


def _lane_at(uses: abc.Sequence[tuple[int, Access]], axis: int, lanes: abc.Mapping[Member, str]) -> str | None:
    for statement, access in uses:
        index = access.map.results[axis]
        if index.terms:
            return lanes[statement, index.terms[0][0]]
    return None


def _with_text(
    instruction: Instruction, axes: abc.Mapping[str, tuple[str | None, ...]], extents: abc.Mapping[str, _Extent]
) -> Instruction:
    """The instruction with the facade as its text and meaning, dense axes named by lanes."""
    text = instruction.template.text
    span = text.span
    written = [d for d in (*text.results, *text.parameters) if d in text.results or d.inout]
    read = [d for d in text.parameters if not d.inout]
    heads = tuple(syntax.Head(syntax.Name(lane, span), _size(extents[lane], span), None, span) for lane in extents)
    assigns = [_assign(target, read if place == 0 else [], axes, span) for place, target in enumerate(written)]
    body: tuple[syntax.Statement, ...] = tuple(assigns)
    if heads:
        body = (syntax.For(heads, body, span),)
    template: Template = replace(instruction.template, text=replace(text, body=body))
    semantics = replace(bind(template, types=dict(instruction.semantics.types)), name=instruction.name)
    operands = []
    for operand in instruction.operands:
        if operand.contiguous is not None:
            old = operand_axes(instruction, operand)
            dense = [axes[operand.name][old.index(name)] for name in operand.contiguous if name in old]
            operand = replace(operand, contiguous=tuple(lane for lane in dense if lane is not None))
        operands.append(operand)
    return replace(instruction, template=template, semantics=semantics, operands=tuple(operands))


def _size(extent: _Extent, span: Span) -> syntax.Expression:
    factor = syntax.Number(extent.factor, span)
    if extent.parameter is None:
        return factor
    name = syntax.Name(extent.parameter, span)
    return name if extent.factor == 1 else syntax.Operation("*", factor, name, span)


def _assign(
    target: syntax.Declaration,
    read: abc.Sequence[syntax.Declaration],
    axes: abc.Mapping[str, tuple[str | None, ...]],
    span: Span,
) -> syntax.Assign:
    def element(declaration: syntax.Declaration) -> syntax.Element:
        indices = tuple(
            syntax.Number(0, span) if lane is None else syntax.Name(lane, span) for lane in axes[declaration.name.name]
        )
        return syntax.Element(declaration.name, indices, None, span)

    value: syntax.Expression = syntax.Call(target.dtype, (syntax.Number(0, span),), span)
    for place, declaration in enumerate(read):
        cast = syntax.Call(target.dtype, (element(declaration),), span)
        value = cast if place == 0 else syntax.Operation("+", value, cast, span)
    return syntax.Assign(element(target), syntax.Name("=", span), value, span)
