"""Editing kernels: where a statement stands, what replaces it, names that are free.

What does not belong here: when an edit is legal (each rewrite says that for itself).
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace
from itertools import count
from types import MappingProxyType

from isamapper.diagnostics.source import Rejection, SourceError, Span
from isamapper.ir.affine import AccessMap, Affine, extent, substitute, substitute_extent, variable
from isamapper.ir.analysis import Statement, statements
from isamapper.ir.expressions import loads
from isamapper.ir.nodes import (
    Access,
    Allocate,
    Assign,
    Direction,
    Expression,
    Guard,
    Invoke,
    IteratorKind,
    Kernel,
    Load,
    Loop,
    Node,
    Prepare,
    Reduction,
    Tensor,
)
from isamapper.ir.rewrite import map_loads
from isamapper.ir.types import DTYPES, DType
from isamapper.ir.verifier import check_kernel
from isamapper.ir.walk import sites, walk


@dataclass(frozen=True, slots=True)
class Nest:
    """A statement with the loops that are its own: ``path`` leads to the outermost node that holds nothing else."""

    statement: Statement
    path: tuple[int, ...]
    own: tuple[str, ...]

    @property
    def extents(self) -> dict[str, int]:
        """Extents of the statement's own iterators, outermost first."""
        return {each.name: each.extent for each in self.statement.iterators if each.name in self.own}

    @property
    def around(self) -> dict[str, int]:
        """Extents of the loops that it shares with others, outermost first."""
        return {each.name: each.extent for each in self.statement.iterators if each.name not in self.own}


def nest_of(kernel: Kernel, index: int) -> Nest:
    """Statement ``index`` with its own loops: those around no other statement and inside all sequential ones."""
    statement = statements(kernel)[index]
    shared = {
        loop for other in statements(kernel) if other.index != index for loop in other.loops if loop in statement.loops
    }
    for depth, each in enumerate(statement.iterators, 1):
        if each.kind is IteratorKind.SEQUENTIAL:
            shared.update(statement.loops[:depth])
    own = tuple(
        each.name for each, loop in zip(statement.iterators, statement.loops, strict=True) if loop not in shared
    )
    path = sites(kernel)[index].place.path
    for node, place in walk(kernel):
        if isinstance(node, Loop) and node.iterator in own and place.path == path[: len(place.path)]:
            return Nest(statement, place.path, own)
    return Nest(statement, path, own)


def own_nest(kernel: Kernel, index: int, subject: str) -> Nest | Rejection:
    """:func:`nest_of`, or the obstacle to writing it anew."""
    nest = nest_of(kernel, index)
    return why_not_own(kernel, nest, subject) or nest


def why_not_own(kernel: Kernel, nest: Nest, subject: str) -> Rejection | None:
    """The obstacle to writing the nest anew from its iterators: a guard or a varying extent inside it."""
    for node, place in walk(kernel):
        if place.path[: len(nest.path)] != nest.path:
            continue
        if isinstance(node, Guard):
            return Rejection("RW001", subject, "a guard stands inside the statement's loops", spans(node))
        if isinstance(node, Loop) and not node.extent.is_constant:
            return Rejection("RW002", subject, f"the extent of '{node.iterator}' varies", spans(node))
    for each in nest.statement.iterators:
        if each.name in nest.own and each.kind is IteratorKind.SEQUENTIAL:
            reason = f"'{each.name}' carries a dependence from one iteration to the next"
            return Rejection("RW003", subject, reason, spans(nest.statement.assign))
    return None


def tensors_at(kernel: Kernel, index: int) -> dict[str, Tensor]:
    """Every tensor that statement ``index`` sees, by name."""
    return {each.tensor.name: each.tensor for each in sites(kernel)[index].place.scope}


def names_in(access: Access) -> tuple[str, ...]:
    """Iterators of an access, in the order of its axes."""
    return tuple(dict.fromkeys(name for index in access.map.results for name, _ in index.terms))


def uses(value: Expression) -> frozenset[str]:
    """Iterators that the value depends on."""
    return frozenset(name for access in loads(value) for name in names_in(access))


def lone(index: Affine) -> str | None:
    """The iterator that is the whole index, or None."""
    is_lone = len(index.terms) == 1 and index.terms[0][1] == 1 and not index.constant and not index.rotations
    return index.terms[0][0] if is_lone else None


def reindexed(access: Access, replacements: abc.Mapping[str, Affine]) -> Access:
    """``access`` with iterators replaced by functions."""
    return replace(access, map=AccessMap(tuple(substitute(each, replacements) for each in access.map.results)))


def moved(assign: Assign, replacements: abc.Mapping[str, Affine]) -> Assign:
    """``assign`` with iterators replaced by functions, on both sides."""
    value = map_loads(assign.value, lambda load: replace(load, access=reindexed(load.access, replacements)))
    return replace(assign, target=reindexed(assign.target, replacements), value=value)


def writes_whole(kernel: Kernel, nest: Nest) -> bool:
    """Whether the statement is the first to write its target, and gives every element of it its value.

    Then ``target = total`` says the same as ``target += total``.
    """
    target = nest.statement.assign.target
    tensor = tensors_at(kernel, nest.statement.index)[target.tensor]
    if tensor.direction not in (Direction.OUT, Direction.LOCAL):
        return False
    earlier = statements(kernel)[: nest.statement.index]
    if any(access.tensor == target.tensor for each in earlier for access in each.accesses):
        return False  # what is read before it is written starts at an identity, and must go on doing so
    names = [lone(index) for index in target.map.results]
    extents = {**nest.around, **nest.extents}
    known = [extents[name] for name in names if name is not None]
    return len(set(names)) == len(known) == len(tensor.shape) and (
        tuple(known) == tensor.shape and nest.around.keys() <= set(names)
    )


def spans(node: Node) -> tuple[Span, ...]:
    """Where a node was written, if anywhere."""
    return () if node.span is None else (node.span,)


def checked(kernel: Kernel, subject: str, where: tuple[Span, ...]) -> Kernel | Rejection:
    """``kernel``, refused where it reads what nothing wrote before: for rewrites that compute more than was asked."""
    try:
        check_kernel(kernel)
    except SourceError as error:
        return Rejection("RW045", subject, f"over its whole box, {error.diagnostics[0].message}", where)
    return kernel


def replaced(
    kernel: Kernel, path: tuple[int, ...], nodes: abc.Sequence[Node], tensors: abc.Sequence[Tensor] = ()
) -> Kernel:
    """``kernel`` with the node at ``path`` replaced by ``nodes``, and with more local ``tensors``."""
    return replace(kernel, tensors=(*kernel.tensors, *tensors), body=_replaced(kernel.body, path, tuple(nodes)))


def _replaced(body: tuple[Node, ...], path: tuple[int, ...], nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    position, rest = path[0], path[1:]
    if not rest:
        return (*body[:position], *nodes, *body[position + 1 :])
    return (*body[:position], _inside(body[position], rest, nodes), *body[position + 1 :])


def _inside(node: Node, path: tuple[int, ...], nodes: tuple[Node, ...]) -> Node:
    match node:
        case Loop() | Prepare():
            return replace(node, body=_replaced(node.body, path, nodes))
        case Guard():
            if path[0] < len(node.body):
                return replace(node, body=_replaced(node.body, path, nodes))
            moved = (path[0] - len(node.body), *path[1:])
            return replace(node, otherwise=_replaced(node.otherwise, moved, nodes))
        case Assign() | Allocate() | Invoke():
            raise ValueError(f"no node inside {type(node).__name__}")


def loops_around(extents: abc.Mapping[str, int], node: Node) -> Node:
    """``node`` inside one loop per entry, the first outermost."""
    for name, size in reversed(tuple(extents.items())):
        node = Loop(name, extent(size), (node,))
    return node


class Names:
    """Names not yet used in a kernel."""

    def __init__(self, kernel: Kernel) -> None:
        self.taken = {tensor.name for tensor in kernel.tensors} | {name for name, _ in kernel.sizes}
        self.taken |= {name for name, _ in kernel.types} | DTYPES.keys()
        for node, _ in walk(kernel):
            if isinstance(node, Allocate):
                self.taken.add(node.tensor.name)
            elif isinstance(node, Loop):
                self.taken.add(node.iterator)

    def fresh(self, stem: str) -> str:
        """``stem``, or ``stem`` with the first number that makes it new; taken from now on."""
        for number in count():
            name = f"{stem}{number or ''}"
            if name not in self.taken:
                self.taken.add(name)
                return name
        raise AssertionError("count() ended")


@dataclass(frozen=True, slots=True)
class Temporary:
    """A local tensor with one axis per iterator, and the nest that computes it."""

    tensor: Tensor
    iterators: tuple[str, ...]
    nest: Node

    @property
    def load(self) -> Load:
        """Its element at the present iteration."""
        return Load(element(self.tensor.name, self.iterators))


def element(tensor: str, iterators: abc.Iterable[str]) -> Access:
    """``tensor[i, j, ...]``."""
    return Access(tensor, AccessMap(tuple(variable(name) for name in iterators)))


def temporary(
    tensor: tuple[str, DType],
    value: Expression,
    held: abc.Mapping[str, int],
    summed: abc.Mapping[str, int] = MappingProxyType({}),
    reduction: Reduction | None = None,
    around: abc.Mapping[str, int] = MappingProxyType({}),
) -> Temporary:
    """The tensor (name, dtype) whose elements are ``value``, reduced over the iterators in ``summed``.

        local t: dtype[around..., held...]
        for held..., summed... { t[around..., held...] += value }

    ``around`` are loops that already stand around the nest: a sum must start anew in each of their iterations.
    """
    name, dtype = tensor
    axes = {**around, **held} if summed else dict(held)
    made = Tensor(name, dtype, tuple(axes.values()), direction=Direction.LOCAL)
    assign = Assign(element(name, axes), value, reduction if summed else None)
    return Temporary(made, tuple(axes), loops_around({**held, **summed}, assign))


def renamed(node: Node, names: abc.Mapping[str, str], fresh: Names) -> Node:
    """``node`` with iterators renamed; inner loops that bear one of the new names get another first."""
    match node:
        case Assign():
            replacements = {old: variable(new) for old, new in names.items()}
            value = map_loads(node.value, lambda load: replace(load, access=reindexed(load.access, replacements)))
            return replace(node, target=reindexed(node.target, replacements), value=value)
        case Loop():
            inside = dict(names)
            if node.iterator in names.values() and node.iterator not in names:
                inside[node.iterator] = fresh.fresh(node.iterator)
            size = substitute_extent(node.extent, {old: variable(new) for old, new in names.items()})
            body = tuple(renamed(each, inside, fresh) for each in node.body)
            return replace(node, iterator=inside.get(node.iterator, node.iterator), extent=size, body=body)
        case Guard():
            replacements = {old: variable(new) for old, new in names.items()}
            tests = tuple(replace(test, function=substitute(test.function, replacements)) for test in node.conditions)
            body = tuple(renamed(each, names, fresh) for each in node.body)
            otherwise = tuple(renamed(each, names, fresh) for each in node.otherwise)
            return replace(node, conditions=tests, body=body, otherwise=otherwise)
        case Allocate():
            return node
        case Invoke() | Prepare():
            raise ValueError("no kernel, but a program")
