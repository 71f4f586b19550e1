"""The data of a mapping's certificate: one placement of it, with everything that can be checked without the mapper."""

from __future__ import annotations

import math
from collections import abc
from dataclasses import replace
from itertools import product

from isamapper.hwdesc.model import Machine
from isamapper.ir.nodes import Access, Direction, Reduction
from isamapper.mapper.compound.labels import front_of
from isamapper.mapper.compound.relate import lanes_of
from isamapper.mapper.matching.criteria import criteria_of
from isamapper.mapper.matching.delta import Digit, agree, pair_class, sound
from isamapper.mapper.matching.find import subjects
from isamapper.mapper.matching.invalid import remedy
from isamapper.mapper.matching.match import is_separable, match_of, repeated_reads, unit_choices
from isamapper.mapper.matching.needle import Needle, NeedleIterator, needle_of
from isamapper.mapper.matching.padding import Number
from isamapper.mapper.matching.placement import placements
from isamapper.mapper.matching.relation import Relation
from isamapper.mapper.matching.sigma import Match, Subject
from isamapper.mapper.measures.digits import best_sizes
from isamapper.plan.joint import joint_statement
from isamapper.plan.joint_mapping import JointMapping
from isamapper.plan.mapping import Mapping, MappingClass
from isamapper.plan.needle import accesses_of
from isamapper.plan.placement import PlacedAccess, PlacedDigit, Placement


def certificate_of(mapping: Mapping | JointMapping, machine: Machine) -> Placement:
    """The certificate of a mapping on ``machine``; KeyError where its instruction is none of the machine."""
    if isinstance(mapping, JointMapping):
        return _of_joint(mapping, machine)
    needle = needle_of(machine.instruction(mapping.instruction))
    if needle is None:
        raise KeyError(mapping.instruction)
    subject = replace(subjects(mapping.kernel)[mapping.statement], kernel=mapping.kernel)
    match = match_of(mapping, subject, needle)
    extents = {each.name: each.extent for each in subject.statement.iterators}
    accesses = subject.statement.accesses
    starts = tuple(_starts(mapping, accesses))
    roles = [role for role in match.roles if role.is_target or role.needle.tensor not in dict(starts)]
    digits, pads, repeats = _placed_safely(mapping, subject, needle, match)
    exact = all(pair_class(match.roles, *pair) is MappingClass.EXACT for pair in mapping.rho)
    kind = (
        MappingClass.EXACT if exact else MappingClass.BROADCAST
    )  # of the pairs that are left, where a schedule cut some
    return Placement(
        (mapping.statement,),
        mapping.instruction,
        mapping.parameters,
        tuple((name, ((mapping.statement, name),)) for name in extents),
        (),
        tuple(PlacedAccess(role.needle.tensor, _bare(role.needle), _bare(role.subject)) for role in roles),
        starts,
        tuple((p.operand, p.neutral) for p in mapping.sigma if p.access is None and p.neutral is not None),
        digits,
        pads,
        repeats,
        _combined(subject, needle, match),
        kind.value,
        criteria_of(subject.statement, mapping.rho, kind, unit_choices(subject, needle, match)),
    )


def _starts(mapping: Mapping, accesses: tuple[Access, ...]) -> abc.Iterator[tuple[str, Access | int | float]]:
    """Written operands that must hold something else than their target first."""
    for pairing in mapping.sigma:
        if pairing.access == 0 and pairing.initial is not None:
            yield pairing.operand, _bare(accesses[pairing.initial])
        elif pairing.access == 0 and pairing.neutral is not None:
            yield pairing.operand, pairing.neutral


def _combined(subject: Subject, needle: Needle, match: Match) -> Reduction | None:
    """The reduction that combines what calls give, where every call starts afresh."""
    written = next(tensor for tensor in needle.tensors if tensor.name == needle.statement.assign.target.tensor)
    reads_former = any(pairing.access == 0 and pairing.operand != written.name for pairing in match.sigma)
    if written.direction is Direction.OUT and subject.view.reduction is not None and not reads_former:
        return subject.view.reduction
    return None


def _bare(access: Access) -> Access:
    return replace(access, span=None)


def _placed_safely(
    mapping: Mapping, subject: Subject, needle: Needle, match: Match
) -> tuple[tuple[PlacedDigit, ...], tuple[tuple[str, Number], ...], tuple[str, ...]]:
    """The digits of a placement at which the mapping is right, pads, and lanes along which valid points repeat."""
    extents = {each.name: each.extent for each in subject.statement.iterators}
    lanes = {lane.name: lane for lane in needle.iterators}
    if not is_separable(needle, match):
        repeated, constants = repeated_reads(match), dict(match.constants)
        for digits in placements(mapping.rho, extents, {name: lane.extent for name, lane in lanes.items()}):
            fits = all(sound(role, digits, extents) for role in match.roles)
            fits = fits and all(agree(one, other, digits) for one, other in repeated)
            found = remedy(needle, match.roles, constants, digits, extents) if fits else None
            if found is not None:
                placed = tuple(_placed(digit) for digit in digits)
                return placed, found.pads, tuple(sorted(lanes)) if found.repeats else ()
    best = placed_digits(mapping.rho, extents, lanes, match.padding.exact_only)
    return best, match.padding.values, tuple(sorted(match.padding.repeats))


def _placed(digit: Digit) -> PlacedDigit:
    return PlacedDigit(digit.iterator, digit.lane, digit.extent, digit.weight, digit.lane_weight)


def placed_digits(
    relation: Relation,
    extents: abc.Mapping[str, int],
    lanes: abc.Mapping[str, NeedleIterator],
    exact_only: abc.Set[str],
) -> tuple[PlacedDigit, ...]:
    """Digits of a relation with few calls; lanes in ``exact_only`` are met exactly."""
    sizes = dict(zip(relation, best_sizes(relation, extents, lanes).extents, strict=True))
    sizes.update(_exact(relation, extents, lanes, exact_only))
    order, places = list(extents), list(lanes)
    weights: dict[tuple[str, str], int] = {}
    lane_weights: dict[tuple[str, str], int] = {}
    for name in {name for name, _ in relation}:
        total = 1
        for pair in sorted((p for p in relation if p[0] == name), key=lambda p: -places.index(p[1])):
            weights[pair] = total
            total *= sizes[pair]
    for lane in {lane for _, lane in relation}:
        total = 1
        for pair in sorted((p for p in relation if p[1] == lane), key=lambda p: -order.index(p[0])):
            lane_weights[pair] = total
            total *= sizes[pair]
    return tuple(PlacedDigit(*pair, sizes[pair], weights[pair], lane_weights[pair]) for pair in relation)


def _exact(
    relation: Relation,
    extents: abc.Mapping[str, int],
    lanes: abc.Mapping[str, NeedleIterator],
    exact_only: abc.Set[str],
) -> dict[tuple[str, str], int]:
    """Extents of the digits in lanes that must be met, the largest first; empty where there are none."""
    pairs = [pair for pair in relation if pair[1] in exact_only]
    if not pairs:
        return {}
    options = [
        [size for size in range(min(extents[name], lanes[lane].extent), 1, -1) if extents[name] % size == 0]
        for name, lane in pairs
    ]
    for sizes in product(*options):
        chosen = dict(zip(pairs, sizes, strict=True))
        met = all(
            lanes[lane].takes(math.prod(size for (_, other), size in chosen.items() if other == lane))
            for lane in {lane for _, lane in pairs}
        )
        divides = all(
            extents[name] % math.prod(size for (other, _), size in chosen.items() if other == name) == 0
            for name in {name for name, _ in pairs}
        )
        if met and divides:
            return chosen
    return {}


def _of_joint(mapping: JointMapping, machine: Machine) -> Placement:
    join = mapping.join
    front = front_of(mapping, machine)
    statement = joint_statement(mapping.kernel, machine, join)
    extents = {each.name: each.extent for each in statement.iterators}
    lanes = lanes_of(front)
    harmless_lanes = set(join.loose) | {lane for lane, _, _ in join.pads}
    held = dict(join.constants)
    exact = frozenset(name for name in lanes if name not in harmless_lanes)
    return Placement(
        join.members,
        join.instruction,
        join.values,
        join.iterators,
        join.made,
        tuple(
            PlacedAccess(operand, _bare(accesses_of(front.semantics, operand)[0]), _bare(access))
            for operand, access in join.operands
            if access.tensor not in held
        ),
        (),
        tuple((operand, held[access.tensor]) for operand, access in join.operands if access.tensor in held),
        placed_digits(mapping.rho, extents, lanes, exact),
        tuple(dict.fromkeys((operand, value) for _, operand, value in join.pads)),
        (),
        None,
        mapping.kind.value,
        ("full",) if mapping.kind is MappingClass.EXACT else (),
    )
