"""Contraction trees: a product of several factors under a reduction becomes a tree of two-factor reductions.

Before:
    y[n, k, h, w] += x[n, c, h+r, w+s] * d[c, r, s] * p[k, c]
After ``((x d) p)``:
    t[n, c, h, w] += x[n, c, h+r, w+s] * d[c, r, s]
    y[n, k, h, w] += t[n, c, h, w] * p[k, c]

A tree is unordered and binary over the factors; an iterator is summed out at the lowest node that holds all its uses.
Legal iff the product distributes over the reduction: ``*`` over ``+``; for floats also ``+`` over ``min`` and ``max``;
``min`` over ``max`` and ``max`` over ``min``. Intermediates have the expression's dtype. n factors have (2n-3)!! trees;
two have one, which changes something where a factor alone has an iterator that is summed.
"""

from __future__ import annotations

import math
from collections import abc
from dataclasses import dataclass
from itertools import combinations

from isamapper.diagnostics.source import Rejection
from isamapper.ir.expressions import dtype_of, loads
from isamapper.ir.nodes import (
    Assign,
    Binary,
    BinaryOp,
    Expression,
    Kernel,
    Load,
    Reduction,
)
from isamapper.ir.types import DType
from isamapper.mapper.rewrites.contraction_order import Tree, cheapest_tree
from isamapper.mapper.rewrites.edit import (
    Names,
    Nest,
    Temporary,
    loops_around,
    nest_of,
    replaced,
    spans,
    temporary,
    tensors_at,
    uses,
    why_not_own,
)
from isamapper.mapper.rewrites.reader import statement_of
from isamapper.plan.step_reader import StepReader

EVERY_TREE = 7
"""Factors up to which every tree is looked at: 10,395 trees of seven."""

_ALWAYS = {
    (Reduction.ADD, BinaryOp.MUL),
    (Reduction.MIN, BinaryOp.MAX),
    (Reduction.MAX, BinaryOp.MIN),
}
_FLOATS = {(Reduction.MIN, BinaryOp.ADD), (Reduction.MAX, BinaryOp.ADD)}


@dataclass(frozen=True, slots=True)
class Contract:
    """The step: contract statement ``statement`` as ``tree``."""

    statement: int
    tree: Tree

    def apply(self, kernel: Kernel) -> Kernel | Rejection:
        """The equal kernel of several statements, or why there is none."""
        product = product_of(kernel, self.statement)
        if isinstance(product, Rejection):
            return product
        return _contracted(kernel, product, self.tree)

    def text(self, kernel: Kernel) -> str:
        """``contract statement 0 as ((x d) p)``."""
        product = product_of(kernel, self.statement)
        names = () if isinstance(product, Rejection) else factor_names(product.factors)
        return f"contract statement {self.statement} as {_tree_text(self.tree, names)}"


@dataclass(frozen=True, slots=True)
class Product:
    """A statement ``target reduction= factor op factor op ...`` in loops of its own."""

    nest: Nest
    operator: BinaryOp
    reduction: Reduction
    factors: tuple[Expression, ...]
    dtype: DType


def contraction_steps(kernel: Kernel, statement: int) -> abc.Iterator[tuple[Contract, int]]:
    """A step for every tree that changes something, none where none is legal; with the iterations it makes.

    Of products of more than ``EVERY_TREE`` factors the tree with the fewest iterations alone.
    """
    product = product_of(kernel, statement)
    if isinstance(product, Rejection) or (len(product.factors) == 2 and not _has_private(product)):
        return
    if len(product.factors) > EVERY_TREE:
        target = product.nest.statement.assign.target
        kept = frozenset(name for index in target.map.results for name in index.names)
        used_by = [uses(factor) & product.nest.extents.keys() for factor in product.factors]
        best, _ = cheapest_tree(used_by, kept, product.nest.extents)
        yield Contract(statement, best), _iterations(product, best)
        return
    for tree in trees(tuple(range(len(product.factors)))):
        yield Contract(statement, tree), _iterations(product, tree)


def _has_private(product: Product) -> bool:
    """Whether a factor alone has an iterator that is summed: its sum comes first."""
    target = product.nest.statement.assign.target
    kept = frozenset(name for index in target.map.results for name in index.names)
    one, other = (uses(factor) & product.nest.extents.keys() for factor in product.factors)
    return bool((one ^ other) - kept)


def _iterations(product: Product, tree: Tree) -> int:
    """Iterations of all statements that the tree makes."""
    used_by = [uses(factor) & product.nest.extents.keys() for factor in product.factors]
    target = product.nest.statement.assign.target
    kept = frozenset(name for index in target.map.results for name in index.names)
    extents = product.nest.extents

    def visit(node: Tree, needed: frozenset[str]) -> tuple[int, frozenset[str]]:
        """Iterations below and at ``node``, and the iterators that its value has."""
        if isinstance(node, int):
            used, total = used_by[node], 0
            if used <= needed:
                return 0, used
        else:
            one, other = (frozenset(_members(part)) for part in node)
            left = visit(node[0], needed.union(*(used_by[number] for number in other)))
            right = visit(node[1], needed.union(*(used_by[number] for number in one)))
            used, total = left[1] | right[1], left[0] + right[0]
        return total + math.prod(extents[name] for name in used), used & needed

    total, _ = visit(tree, kept)
    return total


def trees(factors: tuple[int, ...]) -> abc.Iterator[Tree]:
    """All unordered binary trees over ``factors``: (2n-3)!! of them."""
    if len(factors) == 1:
        yield factors[0]
        return
    first, rest = factors[0], factors[1:]
    for size in range(len(rest) - 1, -1, -1):
        for chosen in combinations(rest, size):
            right = tuple(factor for factor in rest if factor not in chosen)
            for one in trees((first, *chosen)):
                for other in trees(right):
                    yield (one, other)


def product_of(kernel: Kernel, statement: int) -> Product | Rejection:
    """The statement as a product under a reduction, or why it is none."""
    subject = f"contraction of statement {statement}"
    nest = nest_of(kernel, statement)
    assign = nest.statement.assign
    if assign.reduction is None:
        return Rejection("RW010", subject, "the statement reduces nothing", spans(assign))
    obstacle = why_not_own(kernel, nest, subject)
    if obstacle is not None:
        return obstacle
    if any(access.tensor == assign.target.tensor for access in loads(assign.value)):
        return Rejection("RW011", subject, f"it reads its own target '{assign.target.tensor}'", spans(assign))
    dtypes = {name: tensor.dtype for name, tensor in tensors_at(kernel, statement).items()}
    dtype = dtype_of(assign.value, dtypes)
    if not isinstance(assign.value, Binary):
        return Rejection("RW012", subject, "its value is no product", spans(assign))
    operator = assign.value.op
    pair = (assign.reduction, operator)
    if pair not in _ALWAYS and not (dtype.is_float and pair in _FLOATS):
        reason = f"'{operator.value}' does not distribute over '{assign.reduction.value}' on {dtype}"
        return Rejection("RW013", subject, reason, spans(assign))
    return Product(nest, operator, assign.reduction, tuple(_factors(assign.value, operator)), dtype)


def _factors(value: Expression, operator: BinaryOp) -> abc.Iterator[Expression]:
    if isinstance(value, Binary) and value.op is operator:
        yield from _factors(value.left, operator)
        yield from _factors(value.right, operator)
    else:
        yield value


def _as_stored(value: Expression) -> tuple[str, ...]:
    """Iterators in the order in which the value's tensors store them: intermediates then lie like their sources."""
    names = (name for access in loads(value) for index in access.map.results for name, _ in index.terms)
    return tuple(dict.fromkeys(names))


def _contracted(kernel: Kernel, product: Product, tree: Tree) -> Kernel:
    builder = _Builder(kernel, product)
    value = builder.root(tree)
    assign = product.nest.statement.assign
    left = {name: size for name, size in product.nest.extents.items() if name not in builder.summed}
    last = loops_around(left, Assign(assign.target, value, product.reduction, assign.span))
    nodes = (*(made.nest for made in builder.made), last)
    return replaced(kernel, product.nest.path, nodes, [made.tensor for made in builder.made])


class _Builder:
    """Makes the intermediates of one tree, lowest first."""

    def __init__(self, kernel: Kernel, product: Product) -> None:
        self.product, self.names = product, Names(kernel)
        self.made: list[Temporary] = []
        self.summed: set[str] = set()
        target = product.nest.statement.assign.target
        self.kept = frozenset(name for index in target.map.results for name in index.names)

    def root(self, tree: Tree) -> Expression:
        """The value of the last statement."""
        if isinstance(tree, int):
            return self.product.factors[tree]
        return self._pair(tree)

    def _pair(self, tree: tuple[Tree, Tree]) -> Expression:
        one, other = tree
        return Binary(self.product.operator, self._part(one), self._part(other))

    def _part(self, tree: Tree) -> Expression:
        """The value of a subtree as an operand: a factor, or an intermediate's element."""
        value = self.product.factors[tree] if isinstance(tree, int) else self._pair(tree)
        inside = frozenset(_members(tree))
        outside = [factor for number, factor in enumerate(self.product.factors) if number not in inside]
        needed = self.kept.union(*map(uses, outside))
        used = frozenset().union(*(uses(self.product.factors[number]) for number in inside)) - self.summed
        extents = {name: size for name, size in self.product.nest.extents.items() if name in used}
        summed = {name: size for name, size in extents.items() if name not in needed}
        if isinstance(tree, int) and not summed:
            return value
        held = {name: extents[name] for name in _as_stored(value) if name in extents and name in needed}
        name = self.names.fresh("t"), self.product.dtype
        made = temporary(name, value, held, summed, self.product.reduction, self.product.nest.around)
        self.made.append(made)
        self.summed.update(summed)
        return made.load


def _members(tree: Tree) -> abc.Iterator[int]:
    if isinstance(tree, int):
        yield tree
    else:
        for part in tree:
            yield from _members(part)


def _tree_text(tree: Tree, names: tuple[str, ...]) -> str:
    if isinstance(tree, int):
        return names[tree] if tree < len(names) else str(tree)
    return f"({_tree_text(tree[0], names)} {_tree_text(tree[1], names)})"


def factor_names(factors: abc.Sequence[Expression]) -> tuple[str, ...]:
    """A name for each factor: its tensors; ``.2`` for the second factor of that name."""
    stems = [_name(factor) for factor in factors]
    times = [stems[: place + 1].count(stem) for place, stem in enumerate(stems)]
    return tuple(stem if time == 1 else f"{stem}.{time}" for stem, time in zip(stems, times, strict=True))


def _name(factor: Expression) -> str:
    """The tensor of a factor, or its tensors."""
    if isinstance(factor, Load):
        return factor.access.tensor
    return ".".join(dict.fromkeys(access.tensor for access in loads(factor))) or "constant"


def read(words: StepReader, kernel: Kernel) -> Contract:
    """The step after its first word."""
    statement = statement_of(words, kernel)
    words.expect("as")
    product = product_of(kernel, statement)
    names = () if isinstance(product, Rejection) else factor_names(product.factors)
    tree = _read_tree(words, names)
    if sorted(_members(tree)) != list(range(len(names))) and names:
        raise words.wrong(f"the tree must hold each factor once: {', '.join(names)}")
    return Contract(statement, tree)


def _read_tree(words: StepReader, names: tuple[str, ...]) -> Tree:
    if words.accept("("):
        one = _read_tree(words, names)
        other = _read_tree(words, names)
        words.expect(")")
        return one, other
    name = words.name("a factor")
    if names and name not in names:
        raise words.wrong(f"the statement has no factor '{name}'", f"it has {', '.join(names)}")
    return names.index(name) if names else 0


def steps(kernel: Kernel, statement: int) -> abc.Iterator[Contract]:
    """Every tree."""
    yield from (step for step, _ in contraction_steps(kernel, statement))
