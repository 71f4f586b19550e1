"""The iterators of statements that are done together: which are one, and how every operand is indexed by them.

    s[m, n] += x[m, k] * w[k, n]                 m, n of both are joint iterators, k is one of its own
    y[p, q] = max(s[p, q] + b[q], 0)             x[m, k], w[k, n], b[n], y[m, n]

Loops that both statements stand in are one; so are iterators that stand alone at one axis of one tensor. What does not
belong here: which relations to the instruction's lanes are right (``relate.py``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace

from isamapper.ir.affine import AccessMap, Affine, constant, substitute, variable
from isamapper.ir.analysis import Iterator
from isamapper.ir.nodes import Access, IteratorKind, Kernel, Tensor
from isamapper.ir.walk import value_range
from isamapper.mapper.compound.match import Injection, Link, Pair
from isamapper.mapper.compound.variants import Piece
from isamapper.mapper.matching.delta import Role
from isamapper.plan.facade import Facade, Groups, Member
from isamapper.plan.needle import lone_axes
from isamapper.plan.skeleton import shared_iterators

_KINDS = (IteratorKind.PARALLEL, IteratorKind.REDUCTION, IteratorKind.SEQUENTIAL)


@dataclass(frozen=True, slots=True)
class Whole:
    """The joint iterator must be the lane, position by position: something else indexes the same axis of a tensor."""

    iterator: str
    lane: str


@dataclass(frozen=True, slots=True)
class United:
    """An injection in joint iterators.

    ``iterators`` come outermost first, ``members`` says what each stands for, ``shared`` which are loops around the
    call. ``roles`` has for every link its accesses in lanes and joint iterators, targets first; ``inside`` for every
    link its lanes, ``outside`` its joint iterators. ``operands`` is how the kernel's tensors are indexed by operands,
    ``made`` the joint iterators that stand for positions of an operand's axis, with lane and extent.
    """

    links: tuple[Link, ...]
    iterators: tuple[Iterator, ...]
    members: tuple[tuple[str, tuple[Member, ...]], ...]
    shared: frozenset[str]
    roles: tuple[tuple[Role, ...], ...]
    inside: tuple[frozenset[str], ...]
    outside: tuple[frozenset[str], ...]
    operands: tuple[tuple[str, Access], ...]
    wholes: tuple[Whole, ...]
    made: tuple[tuple[str, str, int], ...]

    @property
    def extents(self) -> dict[str, int]:
        """Extent of every joint iterator, in their order."""
        return {each.name: each.extent for each in self.iterators}


def unite(
    kernel: Kernel,
    injection: Injection,
    front: Facade,
    inside: abc.Mapping[str, Tensor],
    known: abc.Mapping[str, Tensor],
) -> United | None:
    """The injection in joint iterators; None where its tensors are not indexed alike throughout.

    ``inside`` are the instruction's tensors, ``known`` the kernel's.
    """
    return _united(kernel, injection, front, inside, known, ())


def _united(
    kernel: Kernel,
    injection: Injection,
    front: Facade,
    inside: abc.Mapping[str, Tensor],
    known: abc.Mapping[str, Tensor],
    same: tuple[tuple[str, Member], ...],
) -> United | None:
    """The injection, iterators that have the same name in ``same`` being one."""
    groups = _joined(kernel, injection.links, same)
    named = None if groups is None else _named(kernel, injection.links, groups)
    if named is None:
        return None
    iterators, names, shared = named
    extents = {each.name: each.extent for each in iterators}
    roles = tuple(tuple(_roles(link, names, front)) for link in injection.links)
    uses: dict[str, list[Pair]] = {}
    for found in roles:
        for role in found:
            uses.setdefault(role.needle.tensor, []).append((role.needle, role.subject))
    lanes = tuple(_lanes(link.piece, front) for link in injection.links)
    walk = _Walk(front, {name for those in lanes for name in those}, extents)
    alike = {tensor: _alike(pairs) for tensor, pairs in uses.items()}
    for found_alike in alike.values():
        if found_alike is None:
            return None
        walk.wholes.update(dict.fromkeys(found_alike[1]))
    for name, axis, lane in front.fixed:
        if name in dict(injection.constants):
            walk.walker(lane, inside[name].shape[axis])
    more = _one_lane(walk.wholes, names, extents)
    if not set(more) <= set(same):
        return _united(kernel, injection, front, inside, known, (*same, *more))
    operands: list[tuple[str, Access]] = []
    for tensor, found_alike in alike.items():
        if inside[tensor].direction.value != "local" and found_alike is not None:
            access = walk.operand(inside[tensor], found_alike[0], found_alike[2], known)
            if access is None:
                return None
            operands.append((tensor, access))
    members: dict[str, list[Member]] = {each.name: [] for each in iterators}
    for member, name in sorted(names.items()):
        members[name].append(member)
    return United(
        injection.links,
        iterators,
        tuple((name, tuple(those)) for name, those in members.items()),
        shared,
        roles,
        lanes,
        tuple(
            frozenset(names[link.part.index, each.name] for each in link.part.iterators if each.extent > 1)
            for link in injection.links
        ),
        tuple(operands),
        tuple(walk.wholes),
        tuple(walk.made),
    )


def _one_lane(
    wholes: abc.Iterable[Whole], names: abc.Mapping[Member, str], extents: abc.Mapping[str, int]
) -> tuple[tuple[str, Member], ...]:
    """Iterators of different statements that are the same lane, position by position: they are one."""
    lanes: dict[str, dict[str, None]] = {}
    for whole in wholes:
        lanes.setdefault(whole.lane, {})[whole.iterator] = None
    return tuple(
        (lane, member)
        for lane, those in lanes.items()
        if len(those) > 1 and len({extents[name] for name in those}) == 1
        for member, name in sorted(names.items())
        if name in those
    )


def _lanes(piece: Piece, front: Facade) -> frozenset[str]:
    index = piece.statement.index
    return frozenset(front.lane(index, each.name) for each in piece.statement.iterators if each.extent > 1)


def _joined(
    kernel: Kernel, links: abc.Sequence[Link], same: tuple[tuple[str, Member], ...]
) -> tuple[tuple[Member, ...], ...] | None:
    """The kernel's iterators by joint iterator; None where two of one statement would be one.

    Loops that statements could as well have for themselves do not make their iterators one.
    """
    written = {link.piece.target for link in links}
    groups = Groups([(link.part.index, each.name) for link in links for each in link.part.iterators])
    for link in links:
        around = shared_iterators(kernel, link.part)
        for each, loop in zip(link.part.iterators, link.part.loops, strict=True):
            if each.name in around and not groups.join(loop, (link.part.index, each.name)):
                return None
    for lane, member in same:
        groups.join(lane, member)
    for inputs in (False, True):
        for link in links:
            for wanted, found in link.pairs:
                still = not any(each.terms for each in wanted.map.results)
                if (wanted.tensor in written) is inputs or (inputs and still):
                    continue
                for axis, index in enumerate(found.map.results):
                    if len(index.terms) == 1:
                        ((name, factor),) = index.terms
                        groups.join((wanted.tensor, axis, factor), (link.part.index, name))
    return groups.all()


def _named(
    kernel: Kernel, links: abc.Sequence[Link], groups: tuple[tuple[Member, ...], ...]
) -> tuple[tuple[Iterator, ...], dict[Member, str], frozenset[str]] | None:
    """Joint iterators with names of their own, those of shared loops as they are; None where extents differ."""
    around = {link.part.index: set(shared_iterators(kernel, link.part)) for link in links}
    own = {(k.part.index, each.name): each for k in links for each in k.part.iterators}
    depth = {(k.part.index, each.name): place for k in links for place, each in enumerate(k.part.iterators)}
    order = sorted(groups, key=lambda group: (max(depth[member] for member in group), min(group)))
    order.sort(key=lambda group: not any(name in around[part] for part, name in group))
    iterators: list[Iterator] = []
    names: dict[Member, str] = {}
    shared: set[str] = set()
    for group in order:
        is_shared = any(name in around[part] for part, name in group)
        if is_shared and not all(name in around[part] for part, name in group):
            return None
        if len({own[member].extent for member in group}) > 1:
            return None
        name = group[0][1]
        while name in {each.name for each in iterators}:
            name += "_"
        kind = max((own[member].kind for member in group), key=_KINDS.index)
        iterators.append(Iterator(name, own[group[0]].extent, kind))
        names.update(dict.fromkeys(group, name))
        if is_shared:
            shared.add(name)
    return tuple(iterators), names, frozenset(shared)


def _roles(link: Link, names: abc.Mapping[Member, str], front: Facade) -> abc.Iterator[Role]:
    own = link.piece.statement
    lanes = {each.name: variable(front.lane(own.index, each.name)) for each in own.iterators}
    lanes |= {each.name: constant(0) for each in own.iterators if each.extent == 1}
    joint = {each.name: variable(names[link.part.index, each.name]) for each in link.part.iterators}
    joint |= {each.name: constant(0) for each in link.part.iterators if each.extent == 1}
    for place, (wanted, found) in enumerate(link.pairs):
        yield Role(_moved(wanted, lanes), _moved(found, joint), place == 0)


def _moved(access: Access, values: abc.Mapping[str, Affine]) -> Access:
    return replace(access, map=AccessMap(tuple(substitute(index, values) for index in access.map.results)), span=None)


def _alike(pairs: abc.Sequence[Pair]) -> tuple[Pair, tuple[Whole, ...], dict[int, int]] | None:
    """The pair that moves most, what must be whole for the others, and axes of the two along which constants go."""
    master = max(pairs, key=lambda pair: sum(bool(index.terms) for access in pair for index in access.map.results))
    wholes: list[Whole] = []
    axes: dict[int, int] = {}
    for pair in pairs:
        left = _differing(master[1], pair[1])
        for axis in _differing(master[0], pair[0]):
            facing = next((other for other in left if _faces(master, pair, axis, other)), None)
            if facing is None or axes.setdefault(axis, facing) != facing:
                return None
            left.remove(facing)
            for inside, outside in (master, pair):
                lone = inside.map.results[axis].terms
                if lone:
                    wholes.append(Whole(outside.map.results[facing].terms[0][0], lone[0][0]))
        if left:
            return None
    return master, tuple(wholes), axes


def _differing(one: Access, other: Access) -> list[int]:
    pairs = enumerate(zip(one.map.results, other.map.results, strict=True))
    return [axis for axis, (a, b) in pairs if a != b]


def _faces(master: Pair, pair: Pair, axis: int, other: int) -> bool:
    """Whether the instruction's axis and the kernel's differ between the two pairs in the same way."""
    inside, here = master[0].map.results[axis], pair[0].map.results[axis]
    outside, there = master[1].map.results[other], pair[1].map.results[other]
    if here.terms:
        return _is_lone(inside) and _is_lone(here) and _is_lone(outside) and _is_lone(there)
    if not inside.terms:
        return outside.terms == there.terms and there.constant - outside.constant == here.constant - inside.constant
    return _is_lone(outside) and not there.terms and there.constant == here.constant


def _is_lone(index: Affine) -> bool:
    return len(index.terms) == 1 and index.terms[0][1] == 1 and index.constant == 0


class _Walk:
    """How operands' tensors are indexed, positions of axes that no statement walks whole walked as well."""

    def __init__(self, front: Facade, lanes: abc.Set[str], extents: abc.Mapping[str, int]) -> None:
        self.front, self.lanes, self.extents = front, lanes, extents
        self.wholes: dict[Whole, None] = {}
        self.made: list[tuple[str, str, int]] = []

    def operand(
        self, tensor: Tensor, master: Pair, axes: abc.Mapping[int, int], known: abc.Mapping[str, Tensor]
    ) -> Access | None:
        """How the operand's tensor is indexed; None where not all of the operand has a place in it."""
        wanted, found = master
        results, shape = list(found.map.results), known[found.tensor].shape
        for axis, lane in enumerate(lone_axes(self.front.instruction.semantics, tensor.name)):
            index = wanted.map.results[axis]
            size = tensor.shape[axis]
            if lane is None or index.names == {lane} or (size == 1 and not index.terms):
                continue
            starts = {n: self._start(results[n], index) for n in ([axes[axis]] if axis in axes else range(len(shape)))}
            fitting = [n for n, at in starts.items() if at is not None and _has_room(at, size, shape[n], self.extents)]
            walker = self.walker(lane, size) if fitting else None
            if walker is not None:
                start = starts[fitting[0]]
                assert start is not None
                results[fitting[0]] = start + variable(walker)
            elif fitting or axis in axes or index.terms or tensor.direction.value != "in":
                return None
        return replace(found, map=AccessMap(tuple(results)))

    def _start(self, outside: Affine, inside: Affine) -> Affine | None:
        """Where the operand's first position lies along an axis of the kernel's tensor; None where it does not move."""
        if not inside.terms:
            return None if outside.terms else outside - inside.constant
        if not _is_lone(inside) or len(outside.terms) != 1 or outside.terms[0][1] != 1:
            return None
        (name, _), lane = outside.terms[0], inside.terms[0][0]
        return outside - variable(name) if Whole(name, lane) in self.wholes else None

    def walker(self, lane: str, size: int) -> str | None:
        """The iterator that goes with the lane, or a new one where none does; None where it cannot be told."""
        if lane in self.lanes:
            names = {whole.iterator for whole in self.wholes if whole.lane == lane}
            return next(iter(names)) if len(names) == 1 and self.extents[min(names)] == size else None
        known = next((name for name, other, _ in self.made if other == lane), None)
        if known is not None:
            return known
        label = lane
        while label in self.extents or label in {each for each, _, _ in self.made}:
            label += "_"
        self.made.append((label, lane, size))
        return label


def _has_room(start: Affine, size: int, whole: int, extents: abc.Mapping[str, int]) -> bool:
    low, high = value_range(start, extents)
    return low >= 0 and high + size <= whole
