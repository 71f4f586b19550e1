"""Baseline ``unfused-steps``: a recurrence as frameworks ran it on BLAS, a library call per statement and step."""

from __future__ import annotations

from dataclasses import replace

from isamapper.bench.baselines.protocol import Baseline, Case, Parts
from isamapper.bench.baselines.search import searched
from isamapper.diagnostics.source import Rejection
from isamapper.ir.affine import AccessMap, constant, extent, substitute
from isamapper.ir.analysis import Iterator, Statement, statements
from isamapper.ir.nodes import Access, Assign, Direction, IteratorKind, Kernel, Load, Loop, Node, Role, Tensor
from isamapper.ir.rewrite import map_loads
from isamapper.ir.walk import walk
from isamapper.plan.homes import all_tensors
from isamapper.result import NoMapping


def unfused(case: Case) -> Parts:
    """Every statement a kernel of its own, started once for every iteration of the sequential loops around it."""
    found = statements(case.kernel)
    claimed = any(isinstance(node, Loop) and node.kind is IteratorKind.SEQUENTIAL for node, _ in walk(case.kernel))
    if not claimed and not any(_sequential(statement) for statement in found):
        return Rejection("SCH040", case.kernel.name, "it has no sequential loop")
    tensors = all_tensors(case.kernel)
    parts = []
    for statement in found:
        if statement.conditions or statement.exclusions:
            return Rejection("SCH040", case.kernel.name, "a statement under a condition is no library call")
        calls = 1
        for iterator in _sequential(statement):
            calls *= iterator.extent
        kernel = _alone(statement, tensors)
        try:
            parts.append(searched(kernel, case.machine, calls, f"statement {statement.index}"))
        except NoMapping as refusal:
            return Rejection("SCH040", case.kernel.name, str(refusal))
    return tuple(parts)


def _sequential(statement: Statement) -> list[Iterator]:
    return [each for each in statement.iterators if each.kind is IteratorKind.SEQUENTIAL]


def _alone(statement: Statement, tensors: dict[str, Tensor]) -> Kernel:
    """The statement with its sequential loops at their first iteration; its target is read where it is added to."""
    first = {each.name: constant(0) for each in _sequential(statement)}

    def moved(access: Access) -> Access:
        return replace(access, map=AccessMap(tuple(substitute(result, first) for result in access.map.results)))

    assign = statement.assign
    target = assign.target.tensor
    used: dict[str, Tensor] = {}
    for access in statement.accesses:
        own = access.tensor == target
        reads = own and (assign.reduction is not None or target in {load.tensor for load in statement.accesses[1:]})
        direction = Direction.INOUT if reads else Direction.OUT if own else Direction.IN
        role = tensors[access.tensor].role if direction is Direction.IN else Role.PLAIN
        used[access.tensor] = replace(tensors[access.tensor], direction=direction, role=role, memory=None, address=None)
    value = map_loads(assign.value, lambda load: Load(moved(load.access)))
    node: Node = Assign(moved(assign.target), value, assign.reduction)
    for iterator in reversed(statement.iterators):
        if iterator.kind is not IteratorKind.SEQUENTIAL:
            node = Loop(iterator.name, extent(iterator.extent), (node,))
    return Kernel(f"statement{statement.index}", (), (), tuple(used.values()), (node,))


STEPS = Baseline(
    "one library call per statement and time step, weights fetched again for each: recurrences on BLAS before "
    "persistent kernels (Diamos et al., ICML 2016, section 2), as the official benchmark's CPU versions run them",
    unfused,
)
