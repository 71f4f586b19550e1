"""One statement as a kernel of its own, so that its nest can be lowered and simulated alone."""

from __future__ import annotations

from collections import abc
from dataclasses import replace

from isamapper.ir.affine import AccessMap, constant, extent, substitute
from isamapper.ir.analysis import Statement, statements
from isamapper.ir.nodes import Access, Allocate, Assign, Direction, Kernel, Load, Loop, Node, Role, Tensor
from isamapper.ir.rewrite import map_loads
from isamapper.plan.nest import Epilogue, Nest


def isolated(tensors: abc.Mapping[str, Tensor], nest: Nest, shared: abc.Set[str], fresh: bool) -> tuple[Kernel, Nest]:
    """A kernel of the nest's statement (and its fused consumer), and the nest moved onto it.

    Loops around the whole nest stand at their first iteration. Tensors become parameters and results.
    """
    fused = () if nest.epilogue is None else (nest.epilogue.statement,)
    members = (nest.statement, *fused)
    last = members[-1].assign.target.tensor
    used: dict[str, Tensor] = {}
    for member in members:
        for access in member.accesses:
            direction = Direction.OUT if fresh or fused else Direction.INOUT
            if access.tensor != last:
                direction = Direction.IN
            role = tensors[access.tensor].role if direction is Direction.IN else Role.PLAIN
            used[access.tensor] = replace(
                tensors[access.tensor], direction=direction, role=role, memory=None, address=None
            )
    body: list[Node] = []
    if fused:
        local = used.pop(nest.statement.assign.target.tensor)
        body.append(Allocate(replace(local, direction=Direction.LOCAL, role=Role.PLAIN)))
    body += [_nest_of(member, shared) for member in members]
    kernel = Kernel("statement", (), (), tuple(used.values()), tuple(body))
    found = statements(kernel)
    epilogue = None if nest.epilogue is None else Epilogue(found[1], nest.epilogue.instruction)
    digits = tuple(digit for digit in nest.digits if digit.iterator not in shared)
    return kernel, replace(nest, statement=found[0], epilogue=epilogue, digits=digits)


def _nest_of(statement: Statement, shared: abc.Set[str]) -> Node:
    zero = {name: constant(0) for name in shared}

    def moved(access: Access) -> Access:
        return replace(access, map=AccessMap(tuple(substitute(result, zero) for result in access.map.results)))

    assign = statement.assign
    value = map_loads(assign.value, lambda load: Load(moved(load.access)))
    node: Node = Assign(moved(assign.target), value, assign.reduction)
    for iterator in reversed(statement.iterators):
        if iterator.name not in shared:
            node = Loop(iterator.name, extent(iterator.extent), (node,))
    return node
