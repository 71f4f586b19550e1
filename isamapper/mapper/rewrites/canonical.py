"""Canonical text and digest of a kernel: equal for kernels that differ in names and operand order alone.

Operands of ``+ * min max`` may change places, iterators are named by first occurrence, local tensors by first write;
the loops around one statement that carry no order are a set. Of all such texts the digest is that of the least.

Operands are put in order by what they are apart from their iterators; where some look alike every order of them is
tried, up to a bound, beyond which equal kernels may have different digests (never the other way round).
"""

from __future__ import annotations

import hashlib
from collections import abc
from itertools import groupby, islice, permutations, product
from typing import TypeAlias, assert_never

from isamapper.ir.affine import Affine
from isamapper.ir.analysis import Statement, statements
from isamapper.ir.expressions import loads, operands
from isamapper.ir.nodes import (
    Access,
    Allocate,
    Assign,
    Binary,
    BinaryOp,
    Cast,
    Clamp,
    Constant,
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
    Select,
    Tensor,
    Unary,
)
from isamapper.ir.walk import walk

ORDERS = 720
"""Orders of operands that are tried for one statement."""

_COMMUTATIVE = frozenset((BinaryOp.ADD, BinaryOp.MUL, BinaryOp.MIN, BinaryOp.MAX))

Tree: TypeAlias = "tuple[str, tuple[Tree | Access, ...]]"
"""An operator with its operands in an order; a load is an access."""


def kernel_digest(kernel: Kernel) -> str:
    """sha256 of :func:`canonical_text`."""
    return hashlib.sha256(canonical_text(kernel).encode()).hexdigest()


def canonical_text(kernel: Kernel) -> str:
    """The least text: for comparing, not for reading back."""
    order = dict.fromkeys(node.target.tensor for node, _ in walk(kernel) if isinstance(node, Assign))
    local = {each.name for each in kernel.tensors if each.direction is Direction.LOCAL}
    local |= {node.tensor.name for node, _ in walk(kernel) if isinstance(node, Allocate)}
    tensors = {name: f"${number}" for number, name in enumerate(name for name in order if name in local)}
    lines = sorted(
        f"{tensors.get(each.name, each.name)} {each.direction.value} {each.role.value} {each.dtype} {each.shape}"
        for each in kernel.tensors
        if each.name in order or each.direction is not Direction.LOCAL
    )
    found = iter(statements(kernel))
    return "\n".join([*lines, *(line for node in kernel.body for line in _node(node, {}, tensors, found))])


def statement_key(statement: Statement, tensors: abc.Iterable[Tensor]) -> str | None:
    """Equal for statements that differ in names and operand order alone, whatever kernel they stand in.

    None for those with conditions or an order, which are not told apart here.
    """
    if statement.conditions or any(each.kind is IteratorKind.SEQUENTIAL for each in statement.iterators):
        return None
    used = dict.fromkeys(access.tensor for access in statement.accesses)
    known = {tensor.name: tensor for tensor in tensors}
    names = {name: f"${number}" for number, name in enumerate(used) if known[name].direction is Direction.LOCAL}
    text = _least(statement.assign, {each.name: each.extent for each in statement.iterators}, {}, names)
    lines = sorted(
        f"{names.get(name, name)} {known[name].dtype} {known[name].shape} {known[name].role.value}" for name in used
    )
    return "\n".join([text, *lines])


def _node(
    node: Node, names: dict[str, str], tensors: abc.Mapping[str, str], found: abc.Iterator[Statement]
) -> abc.Iterator[str]:
    """Lines of a node; ``names`` are the iterators around it, renamed."""
    match node:
        case Assign():
            yield _least(next(found).assign, {}, names, tensors)
        case Loop():
            own = _own_loops(node)
            if own is not None:
                statement = next(found)
                ordered = any(each.kind is IteratorKind.SEQUENTIAL for each in statement.iterators if each.name in own)
                yield _least(statement.assign, own, names, tensors) + (f" in order {tuple(own.values())}" * ordered)
                return
            inside = {**names, node.iterator: f"i{len(names)}"}
            yield f"for {'min'.join(_affine(bound, names) for bound in node.extent.bounds)} {{"
            yield from (line for each in node.body for line in _node(each, inside, tensors, found))
            yield "}"
        case Guard():
            yield "if " + " and ".join(f"{_affine(t.function, names)} {t.equality}" for t in node.conditions) + " {"
            yield from (line for each in node.body for line in _node(each, names, tensors, found))
            yield "} else {"
            yield from (line for each in node.otherwise for line in _node(each, names, tensors, found))
            yield "}"
        case Allocate():
            yield f"local {tensors.get(node.tensor.name, '')} {node.tensor.dtype} {node.tensor.shape}"
        case Invoke() | Prepare():
            raise ValueError("no kernel, but a program")
        case _:
            assert_never(node)


def _own_loops(node: Loop) -> dict[str, int] | None:
    """Extents of loops of constant extents around one assign and nothing else; None where there is more."""
    extents: dict[str, int] = {}
    inner: Node = node
    while isinstance(inner, Loop):
        if not inner.extent.is_constant or len(inner.body) != 1:
            return None
        extents[inner.iterator] = inner.extent.bounds[0].constant
        inner = inner.body[0]
    return extents if isinstance(inner, Assign) else None


def _least(assign: Assign, own: dict[str, int], names: dict[str, str], tensors: abc.Mapping[str, str]) -> str:
    """The least text of a statement over the orders of its operands."""
    op = assign.reduction.value if assign.reduction else ""
    texts = []
    marks = _marks(assign, own, tensors)
    for tree in islice(_orders(assign.value, tensors), ORDERS):
        here = dict(names)
        target = _access(assign.target, here, marks, tensors)
        value = _text(tree, here, marks, tensors)
        for name in sorted(own, key=own.__getitem__):
            here.setdefault(name, f"i{len(here)}")
        loops = sorted(f"{here[name]}<{size}" for name, size in own.items())
        texts.append(f"{target} {op}= {value} {loops}")
    return min(texts)


def _orders(value: Expression, tensors: abc.Mapping[str, str]) -> abc.Iterator[Tree | Access]:
    """The value with its operands in every order that keeps unlike ones in the order of what they are."""
    if isinstance(value, Load):
        yield value.access
        return
    if not isinstance(value, Binary) or value.op not in _COMMUTATIVE:
        for parts in product(*(tuple(_orders(part, tensors)) for part in operands(value))):
            yield _name(value), parts
        return
    ranked = sorted(_chain(value, value.op), key=lambda part: _blind(part, tensors))
    alike = [tuple(group) for _, group in groupby(ranked, key=lambda part: _blind(part, tensors))]
    for groups in product(*(permutations(group) for group in alike)):
        for parts in product(*(tuple(_orders(part, tensors)) for group in groups for part in group)):
            yield value.op.value, parts


def _chain(value: Expression, op: BinaryOp) -> abc.Iterator[Expression]:
    if isinstance(value, Binary) and value.op is op:
        yield from _chain(value.left, op)
        yield from _chain(value.right, op)
    else:
        yield value


def _name(value: Expression) -> str:
    """The operator at the root, with what it has beside its operands."""
    match value:
        case Constant(number, dtype):
            return f"{dtype}({number})"
        case Unary(op):
            return op.value
        case Binary(binary):
            return binary.value
        case Cast(dtype):
            return str(dtype)
        case Clamp(_, low, high):
            return f"clamp {low} {high}"
        case Select(compare):
            return f"select {compare.value}"
        case Load():
            return "load"
        case _:
            assert_never(value)


def _blind(value: Expression, tensors: abc.Mapping[str, str]) -> str:
    """What an operand is, apart from its iterators and the order of its own operands."""
    if isinstance(value, Load):
        steps = [(tuple(sorted(c for _, c in index.terms)), index.constant) for index in value.access.map.results]
        return f"{tensors.get(value.access.tensor, value.access.tensor)}{steps}{value.access.otherwise}"
    if isinstance(value, Binary) and value.op in _COMMUTATIVE:
        return f"{value.op.value}{sorted(_blind(part, tensors) for part in _chain(value, value.op))}"
    return f"{_name(value)}{[_blind(part, tensors) for part in operands(value)]}"


def _marks(assign: Assign, own: abc.Mapping[str, int], tensors: abc.Mapping[str, str]) -> dict[str, str]:
    """What tells iterators apart whatever they are called: their extents and where they stand."""
    places: dict[str, list[str]] = {name: [str(size)] for name, size in own.items()}
    for position, access in enumerate((assign.target, *loads(assign.value))):
        for axis, index in enumerate(access.map.results):
            for name, step in index.terms:
                place = f"{position == 0} {tensors.get(access.tensor, access.tensor)} {axis} {step}"
                places.setdefault(name, []).append(place)
    return {name: str(sorted(found)) for name, found in places.items()}


def _text(
    tree: Tree | Access, names: dict[str, str], marks: abc.Mapping[str, str], tensors: abc.Mapping[str, str]
) -> str:
    """The text of a value; iterators met for the first time are named."""
    if isinstance(tree, Access):
        return _access(tree, names, marks, tensors)
    op, parts = tree
    return f"{op}({', '.join(_text(part, names, marks, tensors) for part in parts)})"


def _access(access: Access, names: dict[str, str], marks: abc.Mapping[str, str], tensors: abc.Mapping[str, str]) -> str:
    """The text of an access; of the iterators of one index those with names go first, then by what they are."""
    for index in access.map.results:
        for name, _ in sorted(index.terms, key=lambda term: (names.get(term[0], "j"), -term[1], marks[term[0]])):
            names.setdefault(name, f"i{len(names)}")
    indices = ",".join(_affine(index, names) for index in access.map.results)
    return f"{tensors.get(access.tensor, access.tensor)}[{indices}]{access.otherwise}"


def _affine(function: Affine, names: abc.Mapping[str, str]) -> str:
    return f"{sorted((names.get(name, name), step) for name, step in function.terms)}+{function.constant}"
