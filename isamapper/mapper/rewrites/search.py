"""Bounded search over rewrites: what sequences of them make of a statement, equal kernels met once.

Breadth first in a fixed order: shorter sequences come first. Kernels are told apart by their canonical digest.
What does not belong here: which of the kernels a machine does best (``options.py``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from functools import lru_cache

from isamapper.diagnostics.source import Rejection, Span
from isamapper.ir.analysis import statements
from isamapper.ir.expressions import loads
from isamapper.ir.nodes import Kernel, Reduction
from isamapper.mapper.algebra.polynomial import polynomial_of
from isamapper.mapper.rewrites import (
    collect,
    contraction,
    diagonal,
    expand,
    gather,
    identity,
    mask,
    partial,
    polyphase,
    skew,
    stack,
)
from isamapper.mapper.rewrites.canonical import kernel_digest
from isamapper.mapper.rewrites.edit import spans
from isamapper.mapper.rewrites.gauss import Gauss
from isamapper.mapper.rewrites.inline import Inline
from isamapper.mapper.rewrites.replay import Rewrite
from isamapper.mapper.rewrites.stack import Stack

KERNELS = 32
"""Equal kernels that one statement is turned into, at most."""
DEPTH = 2
"""Rewrites one after the other, at most."""

PROPOSED: tuple[abc.Callable[[Kernel, int], abc.Iterable[Rewrite]], ...] = (
    expand.steps,
    mask.steps,
    gather.steps,
    identity.steps,
    contraction.steps,
    skew.steps,
    polyphase.steps,
    diagonal.steps,
    partial.steps,
    collect.steps,
)
"""Rewrites of one statement that the search tries; the others (layouts, padding, flips, fusion) change what a schedule
decides anyway, or several statements."""


@dataclass(frozen=True, slots=True)
class Derivation:
    """An equal kernel and the steps that lead to it, each at the statement number it has by then."""

    kernel: Kernel
    steps: tuple[Rewrite, ...]


@dataclass(frozen=True, slots=True)
class Derivations:
    """The kernels found, shortest sequences first; ``bounded``: there are more than the bound allows."""

    found: tuple[Derivation, ...]
    bounded: bool


def derivations(kernel: Kernel, statement: int, most: int = KERNELS, depth: int = DEPTH) -> Derivations:
    """Kernels that up to ``depth`` rewrites of one statement, and of what becomes of it, make of ``kernel``."""
    return _derivations(kernel, kernel.span, statement, most, depth)


@lru_cache(maxsize=64)
def _derivations(kernel: Kernel, span: Span | None, statement: int, most: int, depth: int) -> Derivations:
    """``span`` keeps equal kernels of different files apart: their statements stand in different places."""
    del span
    found: list[Derivation] = []
    known = {kernel_digest(kernel)}
    level: list[Derivation] = [Derivation(kernel, ())]
    for _ in range(depth):
        following: list[Derivation] = []
        for each in level:
            for derived in _next(kernel, each, statement):
                digest = kernel_digest(derived.kernel)
                if digest in known:
                    continue
                if len(found) == most:
                    return Derivations(tuple(found), True)
                known.add(digest)
                found.append(derived)
                following.append(derived)
        level = following
    return Derivations(tuple(found), False)


def bound_reached(kernel: Kernel, statement: int) -> Rejection | None:
    """What to tell a person where the search over a statement stopped at its bound."""
    if not derivations(kernel, statement).bounded:
        return None
    reason = f"the search over equal kernels stopped at its bound of {KERNELS}"
    return Rejection("RW071", f"statement {statement}", reason, spans(statements(kernel)[statement].assign))


def _next(kernel: Kernel, each: Derivation, statement: int) -> abc.Iterator[Derivation]:
    """What one more rewrite makes of the statements that stand in the place of ``statement``."""
    surplus = len(statements(each.kernel)) - len(statements(kernel))
    for steps in PROPOSED:
        for number in range(statement, statement + surplus + 1):
            for step in steps(each.kernel, number):
                result = step.apply(each.kernel)
                if not isinstance(result, Rejection):
                    yield Derivation(result, (*each.steps, step))


def whole_kernels(kernel: Kernel) -> abc.Iterator[Derivation]:
    """The kernel itself, and equal ones by rewrites of several statements at once: factors that are sums go to where
    they are multiplied (to be expanded there), pairs of statements that are complex products become three products,
    products of one form that share an operand become one.
    """
    yield Derivation(kernel, ())
    inlined = _repeated(kernel, _inlinable)
    if inlined.steps:
        yield inlined
    complex_products = _repeated(kernel, _pairs)
    if complex_products.steps:
        yield complex_products
    stacked = stacks(kernel)
    if stacked.steps:
        yield stacked


def stacks(kernel: Kernel) -> Derivation:
    """The kernel with products of one form that share an operand in one."""
    return _repeated(kernel, _stackable)


def _repeated(kernel: Kernel, propose: abc.Callable[[Kernel], abc.Iterable[Rewrite]]) -> Derivation:
    """The first proposal that is legal, again and again."""
    steps: list[Rewrite] = []
    changed = True
    while changed and len(steps) < KERNELS:
        changed = False
        for step in propose(kernel):
            result = step.apply(kernel)
            if not isinstance(result, Rejection):
                kernel, changed = result, True
                steps.append(step)
                break
    return Derivation(kernel, tuple(steps))


def _inlinable(kernel: Kernel) -> abc.Iterator[Inline]:
    """Statements whose value is a sum and stands as a factor in a sum of products."""
    found = statements(kernel)
    for statement in found:
        name = statement.assign.target.tensor
        readers = [s.assign for s in found if any(access.tensor == name for access in loads(s.assign.value))]
        summed = any(reader.reduction is Reduction.ADD for reader in readers)
        if summed and statement.assign.reduction is None and len(polynomial_of(statement.assign.value)) > 1:
            yield Inline(statement.index)


def _stackable(kernel: Kernel) -> abc.Iterator[Stack]:
    yield from (step for statement in statements(kernel) for step in stack.steps(kernel, statement.index))


def _pairs(kernel: Kernel) -> abc.Iterator[Gauss]:
    yield from (Gauss(statement.index) for statement in statements(kernel)[:-1])
