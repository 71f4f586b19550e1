"""Feeding: a number in a statement's value comes from a const tensor that is filled with it offline.

Before:
    y[b, j] = 1 - z[b, j]
After ``feed statement 0 along j: f16(1)``:
    local const k: f16[64]
    for j < 64 { k[j] = 1 }              (in front of everything, offline)
    y[b, j] = k[j] - z[b, j]

so that an operand that takes no numbers of its own reads the number from memory, as it reads everything else. Legal
always: the tensor holds nothing but the number. Numbers are those of the value's normal form, in which ``x - 1`` is
``x + -1``. What does not belong here: whether an operand takes numbers (``covers/feeding.py``).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from isamapper.diagnostics.source import Diagnostic, Rejection, SourceError
from isamapper.ir.analysis import statements
from isamapper.ir.bind_value import bound_value
from isamapper.ir.nodes import Assign, Constant, Direction, Expression, IteratorKind, Kernel, Load, Role, Tensor
from isamapper.ir.printer import print_expression
from isamapper.ir.reader import read_expression
from isamapper.ir.scope import Scope
from isamapper.ir.types import DTYPES, DType
from isamapper.ir.walk import sites
from isamapper.mapper.algebra.terms import Leaf, Literal, Node, Term, term_of
from isamapper.mapper.matching.unify import narrowed, number_before
from isamapper.mapper.rewrites.edit import Names, element, loops_around, replaced, spans, tensors_at
from isamapper.mapper.rewrites.reader import iterator_of, statement_of
from isamapper.mapper.rewrites.rebuild import expression_of, replaced_literal
from isamapper.plan.step_reader import StepReader


@dataclass(frozen=True, slots=True)
class Feed:
    """The step: wherever the value of ``statement`` holds ``number``, a tensor of ``dtype`` along ``axes`` is read.

    Where ``dtype`` is not the number's own, what is read is cast; where it is ``negated``, its negative lies there.
    """

    statement: int
    axes: tuple[str, ...]
    number: Literal
    dtype: DType
    negated: bool = False

    def apply(self, kernel: Kernel) -> Kernel | Rejection:
        """The equal kernel, the filled tensor's statement in front of all others, or why there is none."""
        found = statements(kernel)[self.statement]
        subject, where = f"feed of statement {self.statement}", spans(found.assign)
        known = {each.name: each for each in found.iterators}
        if any(known[axis].kind is IteratorKind.SEQUENTIAL for axis in self.axes):
            return Rejection("RW120", subject, "the tensor would have an axis for each step of a recurrence", where)
        number = _constant(self.number)
        own = Leaf(len(found.accesses), self.dtype)
        read, held_number = self._reading(own)
        if held_number is None:
            reason = f"{self.dtype} has no {print_expression(number)}"
            return Rejection("RW122", subject, reason, where)
        term = term_of(found.assign.value, tensors_at(kernel, self.statement))
        fed = replaced_literal(term, self.number, read)
        if fed is term:
            return Rejection("RW121", subject, f"its value holds no {print_expression(number)}", where)
        names, shape = Names(kernel), tuple(known[axis].extent for axis in self.axes)
        held = Tensor(names.fresh("k"), self.dtype, shape, direction=Direction.LOCAL, role=Role.CONST)
        leaves: dict[int, Expression] = {place: Load(access) for place, access in enumerate(found.accesses) if place}
        leaves[own.access] = Load(element(held.name, self.axes))
        assign = replace(found.assign, value=expression_of(fed, leaves))
        made = replaced(kernel, sites(kernel)[self.statement].place.path, [assign], [held])
        loops = {names.fresh(axis): size for axis, size in zip(self.axes, shape, strict=True)}
        fill = loops_around(loops, Assign(element(held.name, loops), _constant(held_number)))
        return replace(made, body=(fill, *made.body))

    def _reading(self, own: Leaf) -> tuple[Term, Literal | None]:
        """What stands for the number, and what the tensor then holds; None where it cannot."""
        read: Term = own
        held: Literal | None = self.number
        if self.negated:
            held = number_before(Node("neg", self.number.dtype, (own,)), self.number)
        if self.dtype != self.number.dtype:
            read = Node("cast", self.number.dtype, (own,))
            held = None if held is None else narrowed(read, held)
        return Node("neg", self.number.dtype, (read,)) if self.negated else read, held

    def text(self, kernel: Kernel) -> str:
        """``feed statement 0 along j: f16(1)``, or ``feed statement 0 as i8 along j: i32(1)``."""
        del kernel
        sign = " negated" if self.negated else ""
        kind = "" if self.dtype == self.number.dtype else f" as {self.dtype.name}"
        along = f" along {', '.join(self.axes)}" if self.axes else ""
        return f"feed statement {self.statement}{sign}{kind}{along}: {print_expression(_constant(self.number))}"


def _constant(number: Literal) -> Constant:
    return Constant(number.value, number.dtype)


def read(words: StepReader, kernel: Kernel) -> Feed:
    """The step after its first word."""
    statement = statement_of(words, kernel)
    negated = words.accept("negated")
    dtype: DType | None = None
    if words.accept("as"):
        name = words.word("a data type")
        if name not in DTYPES:
            raise words.wrong(f"'{name}' is no data type", f"one of {', '.join(DTYPES)}")
        dtype = DTYPES[name]
    axes: list[str] = []
    if words.accept("along"):
        axes.append(iterator_of(words, kernel, statement))
        while words.accept(","):
            axes.append(iterator_of(words, kernel, statement))
    words.expect(":")
    start, end = words.rest()
    found = statements(kernel)[statement].assign
    tensors = tensors_at(kernel, statement)
    scope = Scope(False)
    value = bound_value(read_expression(words.source, start, end), tensors[found.target.tensor].dtype, scope)
    if value is None:
        raise SourceError(*scope.found)
    term = term_of(value.node, {})
    if not isinstance(term, Literal) or (isinstance(term.value, float) and math.isnan(term.value)):
        raise SourceError(Diagnostic("SCH041", "expected a number", words.span))
    return Feed(statement, tuple(axes), term, dtype or term.dtype, negated)
