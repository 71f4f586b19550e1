"""What dependences allow: may loops be distributed, fused or reordered, and which must statements share.

Rules of this file:
- an obstacle is a :class:`Rejection` that names the tensor and both statements; None means it is legal;
- accumulations with one operator may change places (the rounding of float sums may change; nothing else does);
- loops are named by their number in textual order (``Statement.loops``).

What does not belong here: doing it (``mapper/rewrites``).
"""

from __future__ import annotations

from collections import abc
from itertools import pairwise

from isamapper.diagnostics.source import Rejection
from isamapper.ir.dependence import Dependence, conflicts, dependences, meet, reorderable
from isamapper.ir.nodes import Allocate, Kernel, Loop
from isamapper.ir.walk import Place, Site, sites, walk


def may_distribute(kernel: Kernel, loop: int, position: int) -> bool:
    """Whether :func:`why_not_distribute` finds nothing."""
    return why_not_distribute(kernel, loop, position) is None


def may_fuse(kernel: Kernel, first: int, second: int) -> bool:
    """Whether :func:`why_not_fuse` finds nothing."""
    return why_not_fuse(kernel, first, second) is None


def may_interchange(kernel: Kernel, outer: int) -> bool:
    """Whether ``outer`` may change places with the loop directly inside it."""
    return why_not_reorder(kernel, (outer + 1, outer)) is None


def why_not_distribute(kernel: Kernel, loop: int, position: int) -> Rejection | None:
    """The obstacle to splitting a loop's body in two loops.

    Before: ``for i { first...; second... }`` with ``position`` nodes in the first part.
    After: ``for i { first... } for i { second... }``.
    """
    node, place = _loop(kernel, loop)
    found = sites(kernel)
    depth = len(place.loops)

    def part(site: int) -> int | None:
        path = found[site].place.path
        inside = found[site].place.loops[depth : depth + 1] == (loop,)
        return int(path[len(place.path)] >= position) if inside else None

    shared = _shared_local(node, found, place, position)
    if shared is not None:
        return Rejection("LEG001", "distribution", f"'{shared}' lives in one iteration of '{node.iterator}'")
    for dependence in dependences(kernel):
        backwards = part(dependence.source) == 1 and part(dependence.sink) == 0
        if backwards and dependence.level == depth and not dependence.reorderable:
            return _obstacle("distribution", dependence, found, node.iterator)
    return None


def _shared_local(loop: Loop, found: tuple[Site, ...], place: Place, position: int) -> str | None:
    """A tensor declared before ``position`` in the loop's body and used from there on."""
    declared = {node.tensor.name for node in loop.body[:position] if isinstance(node, Allocate)}
    for site in found:
        path = site.place.path
        if path[: len(place.path)] == place.path and path[len(place.path)] >= position:
            for access in site.accesses:
                declaration = site.place.declaration(access.tensor)
                if access.tensor in declared and declaration and declaration.path[:-1] == place.path:
                    return access.tensor
    return None


def why_not_fuse(kernel: Kernel, first: int, second: int) -> Rejection | None:
    """The obstacle to running two neighbouring loops of one extent as one.

    Before: ``for i < N { a... } for i < N { b... }``. After: ``for i < N { a...; b... }``.
    """
    (one, place), (other, other_place) = _loop(kernel, first), _loop(kernel, second)
    neighbours = place.path[:-1] == other_place.path[:-1] and other_place.path[-1] == place.path[-1] + 1
    if not neighbours or one.extent != other.extent:
        reason = f"'{one.iterator}' and '{other.iterator}' are not neighbours of one extent"
        return Rejection("LEG002", "fusion", reason)
    depth, found = len(place.loops), sites(kernel)
    written = {site.assign.target.tensor for site in found}
    for source in _under(found, depth, first):
        for sink in _under(found, depth, second):
            for pair in conflicts(source, sink, written):
                if not reorderable(source, sink, pair) and meet(source, sink, pair, depth, greater=(depth,)):
                    return _between("fusion", source, sink, source.accesses[pair[0]].tensor, one.iterator)
    return None


def why_not_reorder(kernel: Kernel, order: tuple[int, ...]) -> Rejection | None:
    """The obstacle to giving perfectly nested loops another order; ``order`` is the new one, outermost first.

    Before: ``for i { for j { ... } }``. After ``(1, 0)``: ``for j { for i { ... } }``.
    """
    band = tuple(sorted(order))
    places = [_loop(kernel, loop) for loop in band]
    for (outer, _), (inner, _) in pairwise(places):
        if outer.body != (inner,):
            return Rejection("LEG003", "reordering", f"'{outer.iterator}' holds more than the loop '{inner.iterator}'")
        if inner.extent.names & {node.iterator for node, _ in places}:
            return Rejection("LEG003", "reordering", f"the extent of '{inner.iterator}' depends on an outer loop")
    depth, found = len(places[0][1].loops), sites(kernel)
    written = {site.assign.target.tensor for site in found}
    members = _under(found, depth, band[0])
    for source in members:
        for sink in members:
            for pair in conflicts(source, sink, written):
                if not reorderable(source, sink, pair) and _reversed(source, sink, pair, depth, band, order):
                    tensor = source.accesses[pair[0]].tensor
                    return _between("reordering", source, sink, tensor, places[0][0].iterator)
    return None


def _reversed(
    source: Site, sink: Site, pair: tuple[int, int], depth: int, band: tuple[int, ...], order: tuple[int, ...]
) -> bool:
    """Whether a source instance that is before a sink instance in ``band`` order comes after it in ``order``."""
    for k in range(len(band)):
        for m, later in enumerate(order):
            position = band.index(later)
            equal = {band.index(loop) for loop in order[:m]}
            if k in equal or position <= k:
                continue
            same = tuple(depth + e for e in equal if e > k)
            if meet(source, sink, pair, depth + k, (depth + k,), (depth + position,), same):
                return True
    return False


def shared_groups(kernel: Kernel) -> dict[int, tuple[tuple[int, ...], ...]]:
    """For each loop around several statements: the groups of statements that must stay in one loop together.

    The sequential skeleton: dependences that run in a circle at that loop keep their statements together, any others
    could each have a loop of their own, in the order listed (tensors declared inside the loop would then need one
    element per iteration).
    """
    found, edges = sites(kernel), dependences(kernel)
    result: dict[int, tuple[tuple[int, ...], ...]] = {}
    for loop in sorted({loop for site in found for loop in site.place.loops}):
        members = [site.index for site in found if loop in site.place.loops]
        if len(members) > 1:
            depth = found[members[0]].place.loops.index(loop)
            result[loop] = _circles(members, [e for e in edges if e.level >= depth and not e.reorderable])
    return result


def _circles(members: abc.Sequence[int], edges: abc.Sequence[Dependence]) -> tuple[tuple[int, ...], ...]:
    """Strongly connected members, in an order that respects the edges between them, earlier statements first."""
    after = {member: {e.sink for e in edges if e.source == member and e.sink in members} for member in members}
    reach = {member: _reachable(member, after) for member in members}
    groups = {tuple(m for m in members if m == one or (m in reach[one] and one in reach[m])) for one in members}
    waiting, result = sorted(groups), []
    while waiting:
        ready = next(g for g in waiting if not any(h != g and g[0] in reach[h[0]] for h in waiting))
        waiting.remove(ready)
        result.append(ready)
    return tuple(result)


def _reachable(start: int, after: abc.Mapping[int, set[int]]) -> set[int]:
    seen: set[int] = set()
    waiting = list(after[start])
    while waiting:
        member = waiting.pop()
        if member not in seen:
            seen.add(member)
            waiting += after[member]
    return seen


def live_ranges(kernel: Kernel) -> dict[str, tuple[int, int]]:
    """For each local tensor that is used: the first and the last statement, in textual order, that touches it.

    Widened to whole loops: a tensor declared outside a loop and used in it lives through all of that loop.
    """
    result: dict[str, tuple[int, int]] = {}
    found = sites(kernel)
    results = {tensor.name for tensor in kernel.tensors if tensor.direction.value != "local"}
    for site in found:
        for access in site.accesses:
            if access.tensor in results:
                continue
            declaration = site.place.declaration(access.tensor)
            depth = declaration.depth if declaration else 0
            around = [s.index for s in found if s.place.loops[: depth + 1] == site.place.loops[: depth + 1]]
            span = around if len(site.place.loops) > depth else [site.index]
            first, last = result.get(access.tensor, (span[0], span[-1]))
            result[access.tensor] = min(first, span[0]), max(last, span[-1])
    return result


def _loop(kernel: Kernel, number: int) -> tuple[Loop, Place]:
    loops = [(node, place) for node, place in walk(kernel) if isinstance(node, Loop)]
    return loops[number]


def _under(found: tuple[Site, ...], depth: int, loop: int) -> list[Site]:
    return [site for site in found if site.place.loops[depth : depth + 1] == (loop,)]


def _obstacle(subject: str, dependence: Dependence, found: tuple[Site, ...], iterator: str) -> Rejection:
    return _between(subject, found[dependence.source], found[dependence.sink], dependence.tensor, iterator)


def _between(subject: str, source: Site, sink: Site, tensor: str, iterator: str) -> Rejection:
    spans = tuple(site.assign.span for site in (source, sink) if site.assign.span is not None)
    reason = (
        f"statements {source.index} and {sink.index} meet in '{tensor}' in different iterations of '{iterator}', "
        "in an order that would be reversed"
    )
    return Rejection("LEG004", subject, reason, spans)
