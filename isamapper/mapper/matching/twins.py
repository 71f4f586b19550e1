"""Twins: mappings that a symmetry of the instruction or of the kernel turns into each other.

A symmetry permutes accesses and iterators so that nothing else changes: expression, index order (layout), extents,
memories, demands of the operands and parameters. Of every set of twins the least is kept, by operand roles and then by
pairs, so no mapping needs to be remembered.

What does not belong here: unit axes, which never enter a canonical relation (``match.py``).
"""

from __future__ import annotations

import math
from collections import abc
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import islice, permutations, product
from typing import TypeAlias

from isamapper.ir.analysis import Statement, statements
from isamapper.ir.nodes import Access, Tensor
from isamapper.mapper.algebra.terms import Leaf
from isamapper.mapper.matching.needle import Needle
from isamapper.mapper.matching.relation import Relation
from isamapper.mapper.matching.sigma import Subject
from isamapper.mapper.matching.unify import unify
from isamapper.mapper.matching.views import natural_view
from isamapper.plan.mapping import Pairing

Keep: TypeAlias = abc.Callable[[tuple[Pairing, ...], Relation], bool]
Names: TypeAlias = abc.Mapping[str, str]


_MOST = 5040
"""Of greater groups of interchangeable iterators one order is used: more twins are listed then."""

_ORDERS = 720
"""Of longer products of interchangeable factors not every order is looked at: more twins are listed then."""

_LAST = 1 << 30
"""Constants come after every access, so that the first operands play accesses."""


@dataclass(frozen=True, slots=True)
class Symmetry:
    """What each access number, each tensor and each iterator becomes."""

    accesses: tuple[int, ...]
    tensors: tuple[tuple[str, str], ...]
    iterators: tuple[tuple[str, str], ...]


def canonical(subject: Subject, needle: Needle) -> Keep | None:
    """Decides whether a mapping is the least of its twins; None where no mapping has any."""
    inside, outside = needle_symmetries(needle), subject_symmetries(subject)
    if len(inside) == 1 and len(outside) == 1:
        return None
    order = {tensor.name: place for place, tensor in enumerate(needle.tensors)}
    images = tuple(product(inside, outside))

    def keep(sigma: tuple[Pairing, ...], relation: Relation) -> bool:
        own = _key(sigma, relation, order)
        return all(own <= _key(*_image(sigma, relation, one, other), order) for one, other in images)

    return keep


def _image(
    sigma: tuple[Pairing, ...], relation: Relation, inside: Symmetry, outside: Symmetry
) -> tuple[tuple[Pairing, ...], Relation]:
    tensors, lanes, names = dict(inside.tensors), dict(inside.iterators), dict(outside.iterators)
    moved = tuple(
        replace(
            pairing,
            operand=tensors[pairing.operand],
            access=None if pairing.access is None else outside.accesses[pairing.access],
            initial=None if pairing.initial is None else outside.accesses[pairing.initial],
        )
        for pairing in sigma
    )
    return moved, tuple(sorted((names[name], lanes[lane]) for name, lane in relation))


def _key(
    sigma: tuple[Pairing, ...], relation: Relation, order: abc.Mapping[str, int]
) -> tuple[tuple[tuple[int, int, float, int], ...], Relation]:
    roles = sorted(
        (
            order[pairing.operand],
            _LAST if pairing.access is None else pairing.access,
            0.0 if pairing.neutral is None else float(pairing.neutral),
            -1 if pairing.initial is None else pairing.initial,
        )
        for pairing in sigma
    )
    return tuple(roles), relation


@lru_cache(maxsize=4096)
def needle_symmetries(needle: Needle) -> tuple[Symmetry, ...]:
    """The symmetries of an instruction, the identity first."""
    fixed = frozenset(lane.name for lane in needle.iterators if lane.low != lane.extent)
    extents = {lane.name: (lane.extent, lane.name if lane.name in fixed else "") for lane in needle.iterators}
    return tuple(
        symmetry
        for symmetry in _symmetries(needle.statement, needle.tensors, extents, _alike)
        if _keeps_demands(needle, symmetry)
    )


@lru_cache(maxsize=4096)
def subject_symmetries(subject: Subject) -> tuple[Symmetry, ...]:
    """The symmetries of a kernel's statement that leave the rest of the kernel alone, the identity first."""
    elsewhere = frozenset(
        access.tensor
        for statement in statements(subject.kernel)
        if statement.index != subject.statement.index
        for access in statement.accesses
    )
    guarded = subject.statement.conditions or subject.statement.exclusions
    extents = {
        each.name: (each.extent, each.name if guarded else each.kind.value) for each in subject.statement.iterators
    }

    def exchange(one: Tensor, other: Tensor) -> bool:
        alike = replace(one, name="", span=None) == replace(other, name="", span=None)
        return alike and not {one.name, other.name} & elsewhere

    return tuple(_symmetries(subject.statement, subject.tensors, extents, exchange))


def _alike(one: Tensor, other: Tensor) -> bool:
    return replace(one, name="", span=None) == replace(other, name="", span=None)


def _symmetries(
    statement: Statement,
    tensors: abc.Sequence[Tensor],
    extents: abc.Mapping[str, tuple[int, str]],
    exchange: abc.Callable[[Tensor, Tensor], bool],
) -> abc.Iterator[Symmetry]:
    """All symmetries of one statement; ``extents`` must be kept by iterators, ``exchange`` by tensors."""
    by_name = {tensor.name: tensor for tensor in tensors}
    accesses = statement.accesses
    term = natural_view(statement, tensors).term
    colours = _colours(accesses, by_name, extents)
    alike = islice(unify(term, term, lambda one, other: colours[one] == colours[other]), _ORDERS)
    for binding in alike:
        if not all(isinstance(value, Leaf) for value in binding.values()):
            continue
        moved = {number: value.access for number, value in binding.items() if isinstance(value, Leaf)}
        image = tuple(moved.get(number, number) for number in range(len(accesses)))
        renamed = _renamed(accesses, image, by_name, exchange)
        if renamed is not None:
            for iterators in _iterator_maps(accesses, image, extents):
                yield Symmetry(image, renamed, iterators)


def _colours(
    accesses: tuple[Access, ...], tensors: abc.Mapping[str, Tensor], extents: abc.Mapping[str, tuple[int, str]]
) -> tuple[int, ...]:
    """A number for each access: different where no symmetry can exchange them.

    Accesses are told apart by their iterators, iterators by the accesses they stand in, until nothing changes.
    """
    known = _numbered(
        (replace(tensors[a.tensor], name="", span=None), a.otherwise, not n, tuple(i.constant for i in a.map.results))
        for n, a in enumerate(accesses)
    )
    while True:
        uses: dict[str, list[tuple[int, int, int]]] = {name: [] for name in extents}
        for colour, access in zip(known, accesses, strict=True):
            for axis, index in enumerate(access.map.results):
                for name, step in index.terms:
                    uses.setdefault(name, []).append((colour, axis, step))
        names = dict(zip(uses, _numbered((extents.get(n), tuple(sorted(u))) for n, u in uses.items()), strict=True))
        refined = _numbered(
            (colour, tuple(tuple(sorted((names[n], step) for n, step in index.terms)) for index in access.map.results))
            for colour, access in zip(known, accesses, strict=True)
        )
        if len(set(refined)) == len(set(known)):
            return refined
        known = refined


def _numbered(things: abc.Iterable[abc.Hashable]) -> tuple[int, ...]:
    """Equal things by equal numbers, in the order of their first occurrence."""
    numbers: dict[abc.Hashable, int] = {}
    return tuple(numbers.setdefault(thing, len(numbers)) for thing in things)


def _renamed(
    accesses: tuple[Access, ...],
    image: tuple[int, ...],
    tensors: abc.Mapping[str, Tensor],
    exchange: abc.Callable[[Tensor, Tensor], bool],
) -> tuple[tuple[str, str], ...] | None:
    """The permutation of tensors that follows from that of accesses, None where there is none."""
    names: dict[str, str] = {}
    for number, access in enumerate(accesses):
        other = accesses[image[number]]
        if names.setdefault(access.tensor, other.tensor) != other.tensor or access.otherwise != other.otherwise:
            return None
        if access.tensor != other.tensor and not exchange(tensors[access.tensor], tensors[other.tensor]):
            return None
    if len(set(names.values())) < len(names):
        return None
    return tuple(sorted(names.items()))


def _iterator_maps(
    accesses: tuple[Access, ...], image: tuple[int, ...], extents: abc.Mapping[str, tuple[int, str]]
) -> abc.Iterator[tuple[tuple[str, str], ...]]:
    """The permutations of iterators under which every access becomes its image: equal columns, equal extents."""
    if any(
        [index.constant for index in access.map.results]
        != [index.constant for index in accesses[image[number]].map.results]
        for number, access in enumerate(accesses)
    ):
        return
    plain: dict[object, list[str]] = {}
    moved: dict[object, list[str]] = {}
    for name, extent in extents.items():
        columns = [tuple(index.coefficient(name) for index in access.map.results) for access in accesses]
        plain.setdefault((extent, tuple(columns)), []).append(name)
        moved.setdefault((extent, tuple(columns[number] for number in image)), []).append(name)
    if any(len(moved.get(key, ())) != len(names) for key, names in plain.items()):
        return
    keys = list(plain)
    most = None if math.prod(math.factorial(len(names)) for names in plain.values()) <= _MOST else 1
    for orders in islice(product(*(permutations(moved[key]) for key in keys)), most):
        pairs = {
            name: other
            for key, order in zip(keys, orders, strict=True)
            for name, other in zip(plain[key], order, strict=True)
        }
        yield tuple(sorted(pairs.items()))


def _keeps_demands(needle: Needle, symmetry: Symmetry) -> bool:
    """Whether what the hardware demands of each operand is demanded of its image."""
    tensors, lanes = dict(symmetry.tensors), dict(symmetry.iterators)
    stated = {name: (demand, axes) for name, demand, axes in needle.demands}
    for name, (demand, axes) in stated.items():
        moved = None if axes is None else tuple(lanes.get(axis, axis) for axis in axes)
        if stated[tensors.get(name, name)] != (demand, moved):
            return False
    return True
