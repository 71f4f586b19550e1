"""One statement against one needle: every mapping, lazily, in a stable order.

What does not belong here: machines and whole kernels (``find.py``), labels (``labels.py``).
"""

from __future__ import annotations

from collections import abc
from functools import cache, partial
from itertools import combinations, count, product
from math import prod

from isamapper.ir.nodes import Constraint, IteratorKind
from isamapper.mapper.matching.criteria import criteria_of
from isamapper.mapper.matching.delta import Digit, Role, agree, injective, is_simple, pair_class, sound
from isamapper.mapper.matching.fit import fills, holds, meets_exactly
from isamapper.mapper.matching.invalid import harmless
from isamapper.mapper.matching.needle import Needle
from isamapper.mapper.matching.padding import masks, split_is_harmless
from isamapper.mapper.matching.placement import placements
from isamapper.mapper.matching.relation import Judge, Relation, Row, Space
from isamapper.mapper.matching.shared import shared_relations
from isamapper.mapper.matching.sigma import Match, Subject, matches
from isamapper.mapper.matching.together import may_meet, meet_inside, meetings
from isamapper.mapper.matching.twins import canonical
from isamapper.plan.mapping import Mapping, MappingClass


def enumerate_mappings(
    subject: Subject,
    needle: Needle,
    *,
    criterion: str | None = None,
    every: bool = False,
    symbolic: bool = False,
    twins: bool = False,
) -> abc.Iterator[Mapping]:
    """Every mapping of the statement onto the instruction, of the classes exact and broadcast.

    ``criterion`` keeps those that satisfy it. ``every``: the unsaturated ones too. ``symbolic``: extents are taken as
    large as need be, unit axes are kept, and extents that must be met exactly are no obstacle. ``twins``: images under
    symmetries of either side are kept.
    """
    kernel, index = subject.kernel, subject.statement.index
    keep = None if twins else canonical(subject, needle)
    for match in matches(subject, needle):
        units = {} if symbolic else unit_choices(subject, needle, match)
        space = space_of(subject, needle, match, symbolic=symbolic)
        for relation, kind in shared_relations(space, subject, needle, match, every=every, symbolic=symbolic):
            if keep is not None and not keep(match.sigma, relation):
                continue
            if criterion is None or criterion in criteria_of(subject.statement, relation, kind, units):
                yield Mapping(
                    kernel, index, needle.instruction, match.sigma, relation, kind, parameters=match.parameters
                )


def match_of(mapping: Mapping, subject: Subject, needle: Needle) -> Match:
    """The match that ``mapping`` came from; ValueError where it is none of this statement and instruction."""
    for match in matches(subject, needle):
        if (match.sigma, match.parameters) == (mapping.sigma, mapping.parameters):
            return match
    raise ValueError(f"sigma of '{mapping.instruction}' does not pair statement {mapping.statement}")


def unit_choices(subject: Subject, needle: Needle, match: Match) -> dict[str, tuple[str, ...]]:
    """Per instruction iterator the unit axes that a twin of a canonical mapping may put there."""
    extents = _extents(subject)
    units = [name for name in bindable(subject, match, unit_axes=True) if extents[name] <= 1]
    return {
        lane.name: tuple(name for name in units if pair_class(match.roles, name, lane.name) is MappingClass.EXACT)
        for lane in needle.iterators
        if lane.extent > 1
    }


def space_of(subject: Subject, needle: Needle, match: Match, *, symbolic: bool = False) -> Space:
    """The relations that are sound for one sigma."""
    iterators = bindable(subject, match, unit_axes=symbolic)
    table: dict[str, Row] = {}
    for lane in needle.iterators:
        if lane.extent > 1:
            kinds = {name: pair_class(match.roles, name, lane.name) for name in iterators}
            table[lane.name] = {name: kind for name, kind in kinds.items() if kind is not None}
    lanes = {lane.name: lane for lane in needle.iterators}
    unbounded = len(iterators)
    room = {
        name: unbounded if symbolic else max(n for n in range(unbounded + 1) if n == 0 or holds(lanes[name], n))
        for name in table
    }
    return Space(table, room, _judge(subject, needle, match, table, symbolic=symbolic))


def bindable(subject: Subject, match: Match, *, unit_axes: bool) -> tuple[str, ...]:
    """Kernel iterators that may have digits inside an instruction."""
    return tuple(
        each.name
        for each in subject.statement.iterators
        if each.kind is not IteratorKind.SEQUENTIAL
        and each.name not in match.outside
        and (unit_axes or each.extent > 1)
    )


def _judge(
    subject: Subject, needle: Needle, match: Match, table: abc.Mapping[str, Row], *, symbolic: bool
) -> Judge | None:
    """What decides whole relations; None where single pairs decide everything."""
    judges: list[Judge | None] = [_guard_judge(subject, needle, match)]
    if not symbolic:
        judges.append(_room_judge(subject, table))
    if is_separable(needle, match):
        judges.append(_target_judge(subject, needle, match))
        judges.append(None if symbolic else _exact_judge(subject, needle, match))
        judges.append(None if symbolic else _split_judge(subject, needle, match, table))
    else:
        judges.append(_compound_judge(subject, needle, match, symbolic=symbolic))
    found = [judge for judge in judges if judge is not None]
    if not found:
        return None
    return lambda relation: all(judge(relation) for judge in found)


def is_separable(needle: Needle, match: Match) -> bool:
    """Whether the delta-test falls apart into single pairs: injective operand maps, each operand read one way."""
    lanes = {lane.name: lane.extent for lane in needle.iterators}
    return not repeated_reads(match) and all(injective(role.needle, lanes) for role in match.roles)


def repeated_reads(match: Match) -> tuple[tuple[Role, Role], ...]:
    """Two reads of one operand at different indices."""
    return tuple(
        (one, other)
        for one, other in combinations(match.roles, 2)
        if one.needle.tensor == other.needle.tensor
        and one.subject.tensor == other.subject.tensor
        and one.needle.map != other.needle.map
    )


def _room_judge(subject: Subject, table: abc.Mapping[str, Row]) -> Judge | None:
    """Kernel iterators too short for as many digits as instruction iterators would take them."""
    extents = _extents(subject)
    options = {name: sum(name in row for row in table.values()) for name in extents}
    short = {name: extents[name] for name, most in options.items() if not fills(most, extents[name])}
    if not short:
        return None

    def judge(relation: Relation) -> bool:
        return all(fills(sum(name == other for other, _ in relation), extent) for name, extent in short.items())

    return judge


def _compound_judge(subject: Subject, needle: Needle, match: Match, *, symbolic: bool) -> Judge:
    """Some placement passes the delta-test at real extents, and its invalid points are harmless.

    Pairs that share no iterator and no index are placed apart: what passes in each group passes together.
    """
    lanes = {lane.name: lane.extent for lane in needle.iterators}
    extents, repeated, constants = _extents(subject), repeated_reads(match), dict(match.constants)
    links = [] if repeated else _links(match)
    met = meetings(match.roles, tuple(lanes), tuple(extents))

    def passing(group: Relation) -> abc.Iterator[tuple[Digit, ...]]:
        for digits in placements(group, extents, lanes, partial(meet_inside, met)):
            if all(sound(role, digits, extents) for role in match.roles) and all(
                agree(one, other, digits) for one, other in repeated
            ):
                yield digits

    @cache
    def placed(group: Relation) -> _Known:
        return _Known(passing(group))

    def judge(relation: Relation) -> bool:
        if not may_meet(relation, met):
            return False
        groups = _apart(relation, links) if not repeated else [relation]
        ways = [placed(group) for group in groups]
        if any(way.at(0) is None for way in ways):
            return False
        return symbolic or any(harmless(needle, match.roles, constants, digits, extents) for digits in _combined(ways))

    return judge


class _Known:
    """Placements of a group that pass, taken from their generator as they are asked for."""

    def __init__(self, passing: abc.Iterator[tuple[Digit, ...]]) -> None:
        self._passing, self._known = passing, list[tuple[Digit, ...]]()

    def at(self, place: int) -> tuple[Digit, ...] | None:
        """The placement at ``place``, None beyond the last."""
        while len(self._known) <= place:
            following = next(self._passing, None)
            if following is None:
                return None
            self._known.append(following)
        return self._known[place]


def _combined(ways: abc.Sequence[_Known]) -> abc.Iterator[tuple[Digit, ...]]:
    """A placement of every group, in all combinations."""
    if not ways:
        yield ()
        return
    for place in count():
        first = ways[0].at(place)
        if first is None:
            return
        yield from ((*first, *rest) for rest in _combined(ways[1:]))


def _links(match: Match) -> list[frozenset[tuple[int, str]]]:
    """What shares an index: instruction iterators (1) in an operand, kernel iterators (0) in the target."""
    lanes = [(1, index.names) for role in match.roles for index in role.needle.map.results]
    own = [(0, index.names) for index in match.roles[0].subject.map.results]
    return [frozenset((side, name) for name in names) for side, names in (*lanes, *own) if len(names) > 1]


def _apart(relation: Relation, links: abc.Sequence[frozenset[tuple[int, str]]]) -> list[Relation]:
    """The pairs in groups that share neither iterators nor links."""
    groups: list[tuple[frozenset[tuple[int, str]], Relation]] = []
    for pair in relation:
        ends = frozenset(enumerate(pair))
        near = ends.union(*(link for link in links if link & ends))
        linked = [group for group in groups if near & group[0]]
        groups = [group for group in groups if not near & group[0]]
        members = (*(each for _, those in linked for each in those), pair)
        groups.append((near.union(*(reach for reach, _ in linked)), tuple(sorted(members))))
    return [members for _, members in groups]


def _target_judge(subject: Subject, needle: Needle, match: Match) -> Judge | None:
    """Kernel targets with compound indices: the bound digits must not meet in one element."""
    role, extents = match.roles[0], _extents(subject)
    moving = frozenset(name for name, extent in extents.items() if extent > 1)
    if is_simple(role.subject, moving):
        return None
    lanes = {lane.name: lane.extent for lane in needle.iterators}

    def judge(relation: Relation) -> bool:
        if injective(role.subject, {name: extents[name] for name, _ in relation}):
            return True
        return any(sound(role, digits, extents) for digits in placements(relation, extents, lanes))

    return judge


def _split_judge(subject: Subject, needle: Needle, match: Match, table: abc.Mapping[str, Row]) -> Judge | None:
    """Kernel iterators that are split over several lanes: their tails are harmless, or there are none."""
    extents, lanes = _extents(subject), {lane.name: lane.extent for lane in needle.iterators}
    splits = [frozenset(lane for lane, row in table.items() if name in row) for name in extents]
    if all(len(own) < 2 or split_is_harmless(needle, match.padding, match.constants, own) for own in splits):
        return None

    def judge(relation: Relation) -> bool:
        for name in dict.fromkeys(name for name, _ in relation):
            own = [lane for other, lane in relation if other == name]
            if len(own) < 2 or split_is_harmless(needle, match.padding, match.constants, frozenset(own)):
                continue
            divisors = [size for size in range(2, extents[name] + 1) if extents[name] % size == 0]
            sizes = product(*([size for size in divisors if size <= lanes[lane]] for lane in own))
            if not any(extents[name] % prod(each) == 0 for each in sizes):
                return False
        return True

    return judge


def _exact_judge(subject: Subject, needle: Needle, match: Match) -> Judge | None:
    """Instruction iterators whose invalid points nothing makes harmless."""
    exact_only = match.padding.exact_only & {lane.name for lane in needle.iterators if lane.extent > 1}
    if not exact_only:
        return None
    lanes, extents = {lane.name: lane for lane in needle.iterators}, _extents(subject)
    return lambda relation: meets_exactly(relation, lanes, exact_only, extents)


def _guard_judge(subject: Subject, needle: Needle, match: Match) -> Judge | None:
    """Points that a guard cuts out of a call: not written back, or masked by one operand that holds them all."""
    cuts = _cuts(subject)
    if not cuts:
        return None
    harmless = (match.padding.cells, *masks(needle, match.constants))

    def judge(relation: Relation) -> bool:
        cut = [frozenset(lane for name, lane in relation if name in names) for names in cuts]
        return all(any(lanes <= group for group in harmless) for lanes in cut)

    return judge


def _cuts(subject: Subject) -> tuple[frozenset[str], ...]:
    """The iterators of every condition; a disjunction counts as one."""
    statement = subject.statement
    groups: list[tuple[Constraint, ...]] = [(condition,) for condition in statement.conditions]
    groups += statement.exclusions
    return tuple(frozenset().union(*(each.function.names for each in group)) for group in groups)


def _extents(subject: Subject) -> dict[str, int]:
    return {each.name: each.extent for each in subject.statement.iterators}
