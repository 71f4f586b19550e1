"""Complex products by three real ones (Gauss): the real and the imaginary part are computed together.

Before:
    cr[m, n] += ar[m, k] * br[k, n] - ai[m, k] * bi[k, n]
    ci[m, n] += ar[m, k] * bi[k, n] + ai[m, k] * br[k, n]
After ``gauss statements 0 and 1``:
    t[m, n]  += (ar[m, k] + ai[m, k]) * br[k, n]
    t1[m, n] += ar[m, k] * (bi[k, n] - br[k, n])
    t2[m, n] += ai[m, k] * (br[k, n] + bi[k, n])
    cr[m, n] = t[m, n] - t2[m, n]
    ci[m, n] = t[m, n] + t1[m, n]

Legal in the ring of the data type, where both statements run over the same loops, one after the other, and neither
reads what they write. (Four real products come by ``expand``.)
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass

from isamapper.diagnostics.source import Rejection
from isamapper.ir.affine import variable
from isamapper.ir.analysis import statements
from isamapper.ir.expressions import loads
from isamapper.ir.nodes import Access, Assign, Binary, BinaryOp, Expression, Kernel, Load, Reduction
from isamapper.ir.rewrite import map_loads
from isamapper.mapper.algebra.polynomial import Monomial, polynomial_of
from isamapper.mapper.rewrites.edit import (
    Names,
    Temporary,
    loops_around,
    names_in,
    reindexed,
    replaced,
    spans,
    temporary,
    writes_whole,
)
from isamapper.mapper.rewrites.product import Product, product_statement
from isamapper.mapper.rewrites.reader import number_of
from isamapper.plan.step_reader import StepReader


@dataclass(frozen=True, slots=True)
class Gauss:
    """The step: statement ``statement`` is the real part, the one after it the imaginary part of a complex product."""

    statement: int

    def apply(self, kernel: Kernel) -> Kernel | Rejection:
        """The equal kernel, or why there is none."""
        subject = f"complex product of statements {self.statement} and {self.statement + 1}"
        if self.statement + 1 >= len(statements(kernel)):
            return Rejection("RW058", subject, "no statement follows", ())
        real = product_statement(kernel, self.statement, subject)
        imaginary = product_statement(kernel, self.statement + 1, subject)
        for part in (real, imaginary):
            if isinstance(part, Rejection):
                return part
        assert isinstance(real, Product) and isinstance(imaginary, Product)
        return self._parts(kernel, real, imaginary, subject)

    def _parts(self, kernel: Kernel, real: Product, imaginary: Product, subject: str) -> Kernel | Rejection:
        one, other = real.nest.statement.assign, imaginary.nest.statement.assign
        where = (*spans(one), *spans(other))
        renaming = dict(zip(imaginary.nest.own, real.nest.own, strict=False))
        same_loops = [*imaginary.nest.extents.values()] == [*real.nest.extents.values()]
        neighbours = real.nest.path[:-1] == imaginary.nest.path[:-1] and (
            real.nest.path[-1] + 1 == imaginary.nest.path[-1]
        )
        if not same_loops or not neighbours or real.nest.around != imaginary.nest.around:
            return Rejection("RW058", subject, "they do not stand in equal loops one after the other", where)
        if {one.target.tensor, other.target.tensor} & {
            each.tensor for each in (*loads(one.value), *loads(other.value))
        }:
            return Rejection("RW011", subject, "one reads what the other writes", where)
        target, value = _renamed(other.target, renaming), map_loads(other.value, lambda load: _load(load, renaming))
        factors = _complex_factors(polynomial_of(one.value), polynomial_of(value))
        if factors is None or set(names_in(target)) != set(names_in(one.target)):
            reason = "their values are not a*c - b*d and a*d + b*c"
            return Rejection("RW059", subject, reason, where)
        return _three_products(kernel, real, imaginary, target, factors)

    def text(self, kernel: Kernel) -> str:
        """``gauss statements 0 and 1``."""
        return f"gauss statements {self.statement} and {self.statement + 1}"


def read(words: StepReader, kernel: Kernel) -> Gauss:
    """The step after its first word."""
    words.expect("statements")
    first = number_of(words, kernel)
    words.expect("and")
    if number_of(words, kernel) != first + 1:
        raise words.wrong(f"expected statement {first + 1}, the one that follows")
    return Gauss(first)


def steps(kernel: Kernel, statement: int) -> abc.Iterator[Gauss]:
    """The statement with the one after it."""
    yield Gauss(statement)


Factors = tuple[Expression, Expression, Expression, Expression]


def _complex_factors(real: abc.Mapping[Monomial, int], imaginary: abc.Mapping[Monomial, int]) -> Factors | None:
    """``a, b, c, d`` with ``real = a*c - b*d`` and ``imaginary = a*d + b*c``."""
    if sorted(real.values()) != [-1, 1] or sorted(imaginary.values()) != [1, 1]:
        return None
    positive = next(each for each, coefficient in real.items() if coefficient > 0)
    negative = next(each for each, coefficient in real.items() if coefficient < 0)
    if not _two(positive) or not _two(negative):
        return None
    crossed = {frozenset(each) for each in imaginary}
    (a, _), (c, _) = positive
    for b, d in ((negative[0][0], negative[1][0]), (negative[1][0], negative[0][0])):
        if crossed == {frozenset(((a, 1), (d, 1))), frozenset(((b, 1), (c, 1)))}:
            return a, b, c, d
    return None


def _two(monomial: Monomial) -> bool:
    return len(monomial) == 2 and all(power == 1 for _, power in monomial)


def _renamed(access: Access, renaming: abc.Mapping[str, str]) -> Access:
    return reindexed(access, {old: variable(new) for old, new in renaming.items()})


def _load(load: Load, renaming: abc.Mapping[str, str]) -> Load:
    return Load(_renamed(load.access, renaming))


def _three_products(kernel: Kernel, real: Product, imaginary: Product, target: Access, factors: Factors) -> Kernel:
    a, b, c, d = factors
    nest, names, made = real.nest, Names(kernel), list[Temporary]()
    one = nest.statement.assign
    held = {name: size for name, size in nest.extents.items() if name in names_in(one.target)}
    summed = {name: size for name, size in nest.extents.items() if name not in held}
    for left, op, right, factor in ((a, BinaryOp.ADD, b, c), (d, BinaryOp.SUB, c, a), (c, BinaryOp.ADD, d, b)):
        value = Binary(BinaryOp.MUL, Binary(op, left, right), factor)
        name = names.fresh("t"), real.dtype
        made.append(temporary(name, value, held, summed, Reduction.ADD, nest.around))
    first, second, third = (each.load for each in made)
    ends = []
    for part, place, op, right in (
        (real, one.target, BinaryOp.SUB, third),
        (imaginary, target, BinaryOp.ADD, second),
    ):
        reduction = None if writes_whole(kernel, part.nest) else Reduction.ADD
        span = part.nest.statement.assign.span
        ends.append(loops_around(held, Assign(place, Binary(op, first, right), reduction, span)))
    without = replaced(kernel, imaginary.nest.path, [], [each.tensor for each in made])
    return replaced(without, nest.path, (*(each.nest for each in made), *ends))
