"""Kernel and program as graphs of values, by integer sets: what each statement instance reads, seen through copies.

A *value* is a point of a named space (``ir/dataflow.py``): ``D0[e]`` what a tensor was given, ``S1W[i]`` what an assign
wrote, ``V5S0W[loops, i]`` what statement 0 of invocation 5 wrote, ``V2R0[loops, e]`` a window read outside its tensor.
What does not belong here: comparing the two (``proof.py``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace

from isamapper.ir import relations
from isamapper.ir.dataflow import Flow, InnerFlow, Invoked, Start, inner_flow, instance_sources, kernel_flow
from isamapper.ir.nodes import Assign, Kernel
from isamapper.ir.numeric import identity
from isamapper.ir.relations import Map, Set
from isamapper.ir.types import DType
from isamapper.verify.matching import accesses, constant_value, is_copy


@dataclass(frozen=True, slots=True)
class Group:
    """The instances of one statement: its assign, the types of the tensors it names, and its name in spaces."""

    name: str
    assign: Assign
    types: abc.Mapping[str, DType]

    @property
    def values(self) -> str:
        """The space of what it writes."""
        return f"{self.name}W"

    def read(self, position: int) -> str:
        """The space of its reads of one access (0: what it accumulates on)."""
        return f"{self.name}R{position}"


@dataclass(frozen=True, slots=True)
class Side:
    """A kernel or a program. ``reads``: read -> the value behind it; ``finals``: element of a result -> its value.

    ``given`` and ``fresh`` name the spaces of what tensors were given and of what starts at an identity.
    """

    flow: Flow
    inner: InnerFlow
    groups: tuple[Group, ...]
    reads: Map
    finals: Map

    def reads_of(self, group: Group, position: int) -> Map:
        """Value of ``group`` -> the value that it was computed from at one access."""
        return relations.renamed(self.reads, {group.read(position): group.values}, None)


def side_of(flow: Flow) -> Side:
    """The graph of a kernel's or a program's flow."""
    inner = inner_flow(flow)
    groups = tuple(group for group in _groups(flow) if not is_copy(group.assign))
    reads, finals = instance_sources(flow, inner), _follow(flow.finals, inner.writes)
    return _traced(Side(flow, inner, groups, reads, finals), inner.copies)


def seen_through(side: Side, passing: Map) -> Side:
    """``side`` where further values only pass on another: ``passing`` maps such values to the read that gives them."""
    return _traced(side, passing)


def _traced(side: Side, copies: Map) -> Side:
    """Reads and finals with ``copies`` seen through: first chains of them, twice as far each time, then their users."""
    behind = relations.simpler(copies.apply_range(side.reads))
    while not behind.domain().is_disjoint(behind.range()):
        behind = _follow(behind, behind)
    return replace(side, reads=_follow(side.reads, behind), finals=_follow(side.finals, behind))


def _follow(relation: Map, further: Map) -> Map:
    """``relation`` with every end that ``further`` leads on from replaced by where it leads."""
    return relations.simpler(relation.subtract_range(further.domain()).union(relation.apply_range(further)))


def _executed(flow: Flow) -> abc.Iterator[Invoked]:
    """Invocations that happen at all; the others have no meaning to speak of."""
    return (invoked for invoked in flow.invokes if invoked.meanings)


def _groups(flow: Flow) -> abc.Iterator[Group]:
    tensors = {declared.number: declared.tensor for declared in flow.declared}
    for made in flow.assigns:
        names = (access.tensor for access in accesses(made.assign))
        types = {name: tensors[n].dtype for name, n in zip(names, made.tensors, strict=True)}
        yield Group(f"S{made.number}", made.assign, types)
    for invoked in _executed(flow):
        kernel: Kernel = invoked.meanings[0][0]
        inner = kernel_flow(kernel)
        types = {declared.tensor.name: declared.tensor.dtype for declared in inner.declared}
        for statement in inner.assigns:
            yield Group(f"V{invoked.number}S{statement.number}", statement.assign, types)


def written(side: Side, group: Group) -> Set:
    """Every value that ``group`` writes."""
    found = relations.no_set()
    for made in side.flow.assigns:
        if f"S{made.number}" == group.name:
            found = found.union(relations.instances(group.values, made.place))
    for invoked in side.flow.invokes:
        if not group.name.startswith(f"V{invoked.number}S"):
            continue
        for kernel, points in invoked.meanings:
            inner = kernel_flow(kernel)
            for statement in inner.assigns:
                if f"V{invoked.number}S{statement.number}" == group.name:
                    own = relations.instances("E", statement.place)
                    found = found.union(relations.product(points, own, group.values))
    return found


def starts(side: Side, kind: Start) -> dict[str, str]:
    """Spaces of values that tensors start with in the way of ``kind``, each with its tensor's name."""
    found = {f"D{d.number}": d.tensor.name for d in side.flow.declared if d.start is kind}
    for invoked in _executed(side.flow):
        for declared in kernel_flow(invoked.meanings[0][0]).declared if invoked.meanings else ():
            if declared.start is kind and kind is not Start.GIVEN:
                found[f"V{invoked.number}D{declared.number}"] = declared.tensor.name
    return found


def constants(side: Side) -> dict[float, Set]:
    """The values that are a known number: literals written, and what is read outside tensors."""
    found: dict[float, Set] = {}

    def add(value: float, points: Set) -> None:
        found[value] = found.get(value, relations.no_set()).union(points)

    for group in side.groups:
        value = constant_value(group.assign)
        if value is not None:
            add(value, written(side, group))
    ends = side.reads.range().union(side.finals.range())
    for space, value in _identities(side):
        add(value, relations.renamed_set(ends, {space: space}))
    for invoked in side.flow.invokes:
        for position, (_, window) in enumerate(invoked.invoke.windows):
            if window.otherwise is not None:
                name = f"V{invoked.number}R{position}"
                add(float(window.otherwise), relations.renamed_set(ends, {name: name}))
    for made in side.flow.assigns:
        outside = accesses(made.assign)[-1].otherwise
        if is_copy(made.assign) and outside is not None:
            name = f"S{made.number}W"
            add(float(outside), relations.renamed_set(ends, {name: name}))
    return found


def _identities(side: Side) -> abc.Iterator[tuple[str, float]]:
    """Spaces of values that tensors start with because a reduction writes them first, and that number."""
    yield from ((f"D{number}", value) for number, value in _identities_of(side.flow))
    for invoked in _executed(side.flow):
        inner = kernel_flow(invoked.meanings[0][0])
        yield from ((f"V{invoked.number}D{number}", value) for number, value in _identities_of(inner))


def _identities_of(flow: Flow) -> abc.Iterator[tuple[int, float]]:
    for declared in flow.declared:
        if declared.start is Start.IDENTITY:
            first = next(made.assign for made in flow.assigns if made.tensors[0] == declared.number)
            if first.reduction is not None:
                yield declared.number, float(identity(first.reduction, declared.tensor.dtype))
