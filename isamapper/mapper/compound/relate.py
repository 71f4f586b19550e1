"""Relations between joint iterators and lanes: one for all statements of a call.

Rules of this file:
- a pair is possible where every statement has both or neither, and passes the delta-test with it;
- statements without an iterator that has iterations outside the call are repeated in every call: they must overwrite,
  must not start what a statement with the iterator adds to, and must not read what lives in one call only;
- a reduction goes on over several calls only in an operand that lives on between them;
- an iterator that shares an axis with constants or with another is its lane, position by position;
- a lane that must not run beyond the kernel's iterations is met exactly.
"""

from __future__ import annotations

import math
from collections import abc
from dataclasses import dataclass

from isamapper.hwdesc.bind import controls
from isamapper.hwdesc.model import Instruction
from isamapper.ir.nodes import Direction, IteratorKind, Tensor
from isamapper.mapper.compound.beyond import Beyond
from isamapper.mapper.compound.unite import United
from isamapper.mapper.matching.delta import injective, is_simple, pair_class
from isamapper.mapper.matching.fit import holds, meets_exactly
from isamapper.mapper.matching.needle import NeedleIterator
from isamapper.mapper.matching.relation import Relation, Row, Space
from isamapper.plan.mapping import MappingClass
from isamapper.plan.needle import iterator_sizes


@dataclass(frozen=True, slots=True)
class Setting:
    """What relations are judged by: the injection, the instruction's tensors and lanes, what may run beyond."""

    united: United
    inside: abc.Mapping[str, Tensor]
    lanes: abc.Mapping[str, NeedleIterator]
    beyond: Beyond


def lanes_of(front: Instruction) -> dict[str, NeedleIterator]:
    """The lanes of a facade with the extents that they can have."""
    ranges = {parameter.name: parameter for parameter in front.parameters}
    found = {}
    for name, extent in iterator_sizes(front.semantics).items():
        low, step = extent, 1
        if name in controls(front):
            parameter, factor = controls(front)[name]
            low, step = ranges[parameter].low * factor, ranges[parameter].step * factor
        found[name] = NeedleIterator(name, extent, low, step)
    return found


def space_of(setting: Setting) -> Space:
    """The relations that are right for the injection; those of ``made`` iterators are no part of them."""
    united = setting.united
    made = {lane for _, lane, _ in united.made}
    bindable = [
        each.name
        for each in united.iterators
        if each.extent > 1 and each.kind is not IteratorKind.SEQUENTIAL and each.name not in united.shared
    ]
    table: dict[str, Row] = {}
    for lane in setting.lanes.values():
        if lane.extent > 1 and lane.name not in made:
            kinds = {name: _class_of(united, name, lane.name) for name in bindable}
            table[lane.name] = {name: kind for name, kind in kinds.items() if kind is not None}
    most = len(bindable)
    room = {name: max(n for n in range(most + 1) if n == 0 or holds(setting.lanes[name], n)) for name in table}
    return Space(table, room, lambda relation: _is_right(setting, relation))


def _class_of(united: United, iterator: str, lane: str) -> MappingClass | None:
    """The class of a pair over all statements; None where some statement forbids it."""
    kinds = []
    for roles, inside, outside in zip(united.roles, united.inside, united.outside, strict=True):
        if (lane in inside) != (iterator in outside):
            return None
        if lane in inside:
            kind = pair_class(roles, iterator, lane)
            if kind is None:
                return None
            kinds.append(kind)
    if not kinds:
        return None
    return MappingClass.BROADCAST if MappingClass.BROADCAST in kinds else MappingClass.EXACT


def _is_right(setting: Setting, relation: Relation) -> bool:
    united = setting.united
    return (
        _wholes_are(setting, relation)
        and all(may_go_on(setting, name) for name in outer_iterators(setting, relation))
        and _targets_are_injective(setting, relation)
        and meets_exactly(
            relation,
            setting.lanes,
            frozenset(
                lane.name
                for lane in setting.lanes.values()
                if lane.extent > 1
                and lane.name not in setting.beyond.lanes
                and lane.name not in {made for _, made, _ in united.made}
            ),
            united.extents,
        )
    )


def _wholes_are(setting: Setting, relation: Relation) -> bool:
    for whole in setting.united.wholes:
        lane, extent = setting.lanes[whole.lane], setting.united.extents[whole.iterator]
        if extent != 1 or lane.extent != 1:
            members = [name for name, other in relation if other == whole.lane]
            alone = sum(name == whole.iterator for name, _ in relation) == 1
            if members != [whole.iterator] or not alone or extent > lane.extent:
                return False
    return True


def outer_iterators(setting: Setting, relation: Relation) -> tuple[str, ...]:
    """Joint iterators that cannot be shown to lie wholly inside one call."""
    return tuple(
        name
        for name, extent in setting.united.extents.items()
        if extent > 1 and not _lies_inside(setting, relation, name)
    )


def _lies_inside(setting: Setting, relation: Relation, name: str) -> bool:
    """Whether the iterator's lanes hold all of it, beside those that must lie inside them as well."""
    extents = setting.united.extents
    own = [lane for other, lane in relation if other == name]
    others = {other for other, lane in relation if lane in own and other != name}
    if not others:
        return math.prod(setting.lanes[lane].extent for lane in own) >= extents[name] if own else False
    if len(own) != 1 or any(sum(other == each for each, _ in relation) != 1 for other in others):
        return False
    beside = math.prod(2 if may_go_on(setting, other) else extents[other] for other in others)
    return extents[name] * beside <= setting.lanes[own[0]].extent


def may_go_on(setting: Setting, name: str) -> bool:
    """Whether the statements may be called again for further iterations of ``name``."""
    united = setting.united
    if name in united.shared:
        return True
    targets = [roles[0].needle.tensor for roles in united.roles]
    outside = [name in those for those in united.outside]
    for number, link in enumerate(united.links):
        target = targets[number]
        lives_on = setting.inside[target].direction is Direction.INOUT
        if not outside[number]:
            adds = link.piece.view.reduction is not None and lives_on
            starts = any(other == target and outside[place] for place, other in enumerate(targets))
            if adds or starts or _reads_partial(setting, number, outside, targets):
                return False
            continue
        sums = not any(index.coefficient(name) for index in united.roles[number][0].subject.map.results)
        if sums and (link.piece.view.reduction is None or not lives_on):
            return False
    return True


def _reads_partial(setting: Setting, number: int, outside: abc.Sequence[bool], targets: abc.Sequence[str]) -> bool:
    """Whether a repeated statement reads what only one call holds of it."""
    read = {role.needle.tensor for role in setting.united.roles[number][1:]}
    return any(
        target in read and outside[place] and setting.inside[target].direction is not Direction.INOUT
        for place, target in enumerate(targets)
    )


def _targets_are_injective(setting: Setting, relation: Relation) -> bool:
    """Whether no two points of a call meet in one element of what it writes, compound indices included."""
    extents = setting.united.extents
    bound = {name: extents[name] for name, _ in relation}
    for roles in setting.united.roles:
        target = roles[0].subject
        if not is_simple(target, frozenset(bound)) and not injective(target, bound):
            return False
    return True
