"""Where statements that an instruction does together may stand, and what their tensors must be to the rest.

Rules of this file:
- the call stands where the first or the last of its statements does, and no dependence on a statement between may be
  turned round; all of its statements stand in the same shared loops;
- what the instruction keeps to itself nothing else may touch;
- an instruction that overwrites cannot go on with an earlier value; one that adds to an operand which holds nothing yet
  needs what a sum starts from there first.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass

from isamapper.ir.analysis import Statement, statements
from isamapper.ir.dependence import Dependence, dependences
from isamapper.ir.nodes import Direction, Kernel, Reduction, Tensor
from isamapper.ir.walk import sites
from isamapper.mapper.compound.match import Injection
from isamapper.mapper.compound.value_graph import ValueGraph
from isamapper.plan.skeleton import shared_loops


@dataclass(frozen=True, slots=True)
class Stand:
    """The statements that the call does, the one in whose place it stands, and what it accumulates in, if anything.

    ``fresh``: what it accumulates in holds nothing before.
    """

    members: tuple[int, ...]
    place: int
    accumulator: str | None
    reduction: Reduction | None
    fresh: bool


def stand(injection: Injection, graph: ValueGraph, inside: abc.Mapping[str, Tensor]) -> Stand | str:
    """Where the call may stand, or why nowhere."""
    members = members_of(injection, graph)
    found = statements(graph.kernel)
    reason = _hidden(injection, found, members, inside) or _together(graph.kernel, found, members)
    if reason is not None:
        return reason
    place = _place(injection, graph, members)
    if place is None:
        return "a statement between them depends on one and is needed by another"
    accumulation = _accumulation(injection, graph, members, inside)
    if isinstance(accumulation, str):
        return accumulation
    return Stand(members, place, *accumulation)


def members_of(injection: Injection, graph: ValueGraph) -> tuple[int, ...]:
    """The kernel's statements that are done by the call: its parts, and what they replace for everybody."""
    members = {link.part.index for link in injection.links}
    written = {link.part.assign.target.tensor for link in injection.links}
    members |= {index for tensor, index in graph.fills if tensor in written or _renamed(graph, tensor) in written}
    members |= {index for _, new, index in graph.renamed if new in written}
    found = statements(graph.kernel)
    while True:
        more = {
            index
            for name, index in graph.replaced
            if index not in members
            and all(s.index in members for s in found if any(a.tensor == name for a in s.accesses[1:]))
        }
        if not more:
            return tuple(sorted(members))
        members |= more


def _renamed(graph: ValueGraph, name: str) -> str:
    return next((new for old, new, _ in graph.renamed if old == name), name)


def _hidden(
    injection: Injection, found: tuple[Statement, ...], members: tuple[int, ...], inside: abc.Mapping[str, Tensor]
) -> str | None:
    """What the instruction keeps to itself is dead outside."""
    for name, outside in injection.tensors:
        if inside[name].direction is not Direction.LOCAL:
            continue
        users = {s.index for s in found if any(access.tensor == outside for access in s.accesses)}
        if not users <= set(members):
            return f"'{outside}' would stay inside the instruction, but other statements use it"
    return None


def _together(kernel: Kernel, found: tuple[Statement, ...], members: tuple[int, ...]) -> str | None:
    shared = shared_loops(kernel)
    around = {tuple(loop for loop in found[member].loops if loop in shared) for member in members}
    return None if len(around) == 1 else "its statements stand in different loops that must be shared"


def _place(injection: Injection, graph: ValueGraph, members: tuple[int, ...]) -> int | None:
    """The member in whose place the call may stand, the last rather than the first; None where neither does."""
    binding = [each for each in dependences(graph.kernel) if binds(graph.kernel, each)]
    order = {link.part.index: place for place, link in enumerate(injection.links)}
    for each in binding:
        turned = each.source in order and each.sink in order and order[each.source] > order[each.sink]
        if turned and not each.reorderable:
            return None
    group = set(members) | {index for _, index in graph.replaced if _feeds(injection, graph, index)}
    between = [each for each in binding if (each.source in group) != (each.sink in group)]
    first, last = min(members), max(members)
    if not any(each.source in group and first < each.sink < last for each in between):
        return last
    if not any(each.sink in group and first < each.source < last for each in between):
        return first
    return None


def binds(kernel: Kernel, dependence: Dependence) -> bool:
    """Whether a dependence orders two nests: it is not carried by a loop that both stand in."""
    found, shared = sites(kernel), shared_loops(kernel)
    loops = found[dependence.source].place.loops[dependence.level : dependence.level + 1]
    others = found[dependence.sink].place.loops[dependence.level : dependence.level + 1]
    carried = loops and loops == others and loops[0] in shared
    return not carried and dependence.source != dependence.sink


def _feeds(injection: Injection, graph: ValueGraph, statement: int) -> bool:
    """Whether the value of a replaced statement stands in one of the parts."""
    found = statements(graph.kernel)
    name = found[statement].assign.target.tensor
    readers = {s.index for s in found if any(access.tensor == name for access in s.accesses[1:])}
    parts = {link.part.index for link in injection.links}
    replaced = {index for _, index in graph.replaced}
    return any(
        reader in parts or (reader in replaced and reader != statement and _feeds(injection, graph, reader))
        for reader in readers
    )


def _accumulation(
    injection: Injection, graph: ValueGraph, members: tuple[int, ...], inside: abc.Mapping[str, Tensor]
) -> tuple[str | None, Reduction | None, bool] | str:
    """The operand that lives on between calls and is added to, its reduction, and whether it holds nothing before."""
    found = statements(graph.kernel)
    played = dict(injection.tensors)
    lasting: list[tuple[str, Reduction, bool]] = []
    started: set[str] = set()
    for link in injection.links:
        target, reduction = link.piece.target, link.piece.view.reduction
        outside = graph.tensor(played[target])
        earlier = any(
            s.assign.target.tensor in _names(graph, outside.name)
            for s in found
            if s.index not in members and s.index < max(members)
        )
        fresh = outside.direction in (Direction.OUT, Direction.LOCAL) and not earlier
        if target in started:
            continue
        started.add(target)
        if inside[target].direction is Direction.INOUT:
            if reduction is not None:
                lasting.append((target, reduction, fresh))
        elif reduction is not None and not fresh:
            return f"it overwrites '{target}', where '{outside.name}' has an earlier value"
    if not lasting:
        return None, None, False
    inouts = [name for name, tensor in inside.items() if tensor.direction is Direction.INOUT]
    if len(lasting) > 1 or (lasting[0][2] and len(inouts) > 1):
        return "it adds to several operands that live on between calls"
    return lasting[0]


def _names(graph: ValueGraph, name: str) -> set[str]:
    """A tensor's name with those of the local tensors that go by it."""
    return {name, *(old for old, new, _ in graph.renamed if new == name)}
