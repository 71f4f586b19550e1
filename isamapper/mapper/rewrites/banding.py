"""Banding: a sliding window becomes a small dense product with a banded factor.

Before:
    t[n, c, h, w] += x[n, c, h+r, w+s] * d[c, r, s]
After ``w`` in blocks of 14, ``s < 3`` as ``u < 16``:
    t[n, c, h, 14*w1+w0] += x[n, c, h+r, 14*w1+u] * (d[c, r, u-w0] else 0)

A block of neighbouring results reads one run of ``u``; for each of them the factor without the window is the band of
its own elements, zero outside: a matrix in ``u`` and ``w0`` where there was a vector in ``s``. Points with a zero add
nothing. More points, but a matrix instruction does them at once, and the band, where it is const, is laid out offline.

Legal where the sum is of products, the summed iterator meets the other one in window indices only
(``stride*w + s``) and indexes one other factor alone and whole, and blocks divide the extent. What is read of the
window's tensor stays what it was.

What does not belong here: which block pays on a machine (``bands.py``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace

from isamapper.diagnostics.source import Rejection
from isamapper.ir.affine import AccessMap, Affine, substitute, variable
from isamapper.ir.expressions import loads
from isamapper.ir.nodes import Access, Assign, BinaryOp, Cast, Expression, IteratorKind, Kernel, Load, Reduction
from isamapper.ir.rewrite import map_loads
from isamapper.ir.walk import sites
from isamapper.mapper.rewrites.contraction import Product, product_of
from isamapper.mapper.rewrites.edit import Names, loops_around, replaced, spans
from isamapper.mapper.rewrites.reader import iterator_of, statement_of
from isamapper.plan.step_reader import StepReader


@dataclass(frozen=True, slots=True)
class Band:
    """The step: ``slid`` goes in blocks of ``block``, each of which sums over its window instead of ``summed``."""

    statement: int
    slid: str
    summed: str
    block: int

    def apply(self, kernel: Kernel) -> Kernel | Rejection:
        """The equal kernel, or why there is none."""
        subject = f"banding of statement {self.statement}"
        product = product_of(kernel, self.statement)
        if isinstance(product, Rejection):
            return product
        window = next((each for each in windows(kernel, product) if each.names == (self.slid, self.summed)), None)
        if window is None:
            reason = f"'{self.slid}' and '{self.summed}' make no window that a band can stand for"
            return Rejection("RW040", subject, reason, spans(product.nest.statement.assign))
        if self.block < 2 or product.nest.extents[self.slid] % self.block:
            reason = f"blocks of {self.block} do not divide the {product.nest.extents[self.slid]} of '{self.slid}'"
            return Rejection("RW041", subject, reason, spans(product.nest.statement.assign))
        return self._applied(kernel, product, window)

    def text(self, kernel: Kernel) -> str:
        """``band statement 0: w by 14 over s``."""
        del kernel
        return f"band statement {self.statement}: {self.slid} by {self.block} over {self.summed}"

    def _applied(self, kernel: Kernel, product: Product, window: Window) -> Kernel:
        names = Names(kernel)
        outer, inner, run = (names.fresh(f"{self.slid}{part}") for part in ("_block", "_lane", "_run"))
        slid = {self.slid: variable(outer, self.block) + variable(inner)}
        reached = {self.slid: variable(outer, self.block), self.summed: variable(run)}
        banded = {**slid, self.summed: variable(run) - variable(inner, window.stride)}

        def moved(load: Load) -> Load:
            access = load.access
            if not _uses(access, self.summed):
                return Load(_substituted(access, slid))
            if access == window.band:
                return Load(replace(_substituted(access, banded), otherwise=0))
            results = (substitute(r, reached if r.coefficient(self.summed) else slid) for r in access.map.results)
            return Load(replace(access, map=AccessMap(tuple(results))))

        assign = product.nest.statement.assign
        value = map_loads(assign.value, moved)
        changed = Assign(_substituted(assign.target, slid), value, assign.reduction, assign.span)
        parts = {
            self.slid: {outer: product.nest.extents[self.slid] // self.block, inner: self.block},
            self.summed: {run: window.stride * (self.block - 1) + product.nest.extents[self.summed]},
        }
        extents: dict[str, int] = {}
        for name, size in product.nest.extents.items():
            extents.update(parts.get(name, {name: size}))
        return replaced(kernel, product.nest.path, (loops_around(extents, changed),))


def read(words: StepReader, kernel: Kernel) -> Band:
    """The step after its first word."""
    statement = statement_of(words, kernel)
    words.expect(":")
    slid = iterator_of(words, kernel, statement)
    words.expect("by")
    block = words.number()
    words.expect("over")
    return Band(statement, slid, iterator_of(words, kernel, statement), block)


@dataclass(frozen=True, slots=True)
class Window:
    """Iterators ``(slid, summed)`` that meet as ``stride * slid + summed``; ``band`` is indexed by ``summed`` alone.

    ``inwards``: how many axes of the tensor lie inside the one that the window moves along, least over all uses.
    """

    names: tuple[str, str]
    stride: int
    band: Access
    inwards: int


def windows(kernel: Kernel, product: Product) -> abc.Iterator[Window]:
    """Every window of the product that a band can stand for, in the order of the iterators."""
    if (product.reduction, product.operator) != (Reduction.ADD, BinaryOp.MUL):
        return
    target = product.nest.statement.assign.target
    own = [each for each in product.nest.statement.iterators if each.name in product.nest.own]
    held = [each.name for each in own if _uses(target, each.name) and each.kind is IteratorKind.PARALLEL]
    for summed in (each for each in own if not _uses(target, each.name)):
        band = _band(kernel, product, summed.name, summed.extent)
        if band is None:
            continue
        for slid in held:
            meetings = _meetings(product, band, slid, summed.name)
            strides = {stride for stride, _ in meetings}
            if len(strides) == 1 and min(strides) > 0:
                yield Window((slid, summed.name), min(strides), band, min(inwards for _, inwards in meetings))


def _band(kernel: Kernel, product: Product, summed: str, extent: int) -> Access | None:
    """The one factor that ``summed`` indexes alone and whole, and that reads nothing or 0 beyond its tensor."""
    scope = sites(kernel)[product.nest.statement.index].place.scope
    shapes = {each.tensor.name: each.tensor.shape for each in scope}
    found = [access for factor in product.factors for access in _alone(factor) if _indexes(access, summed) is not None]
    if len(found) != 1 or found[0].otherwise not in (None, 0):
        return None
    axis = _indexes(found[0], summed)
    assert axis is not None
    return found[0] if shapes[found[0].tensor][axis] == extent else None


def _alone(factor: Expression) -> tuple[Access, ...]:
    """The access that a factor is, cast or not; a zero there is a zero of the product."""
    while isinstance(factor, Cast):
        factor = factor.operand
    return (factor.access,) if isinstance(factor, Load) else ()


def _indexes(access: Access, name: str) -> int | None:
    """The axis that ``name`` alone indexes; None where there is none or it stands elsewhere as well."""
    axes = [axis for axis, result in enumerate(access.map.results) if name in result.names]
    lone = len(axes) == 1 and access.map.results[axes[0]] == variable(name)
    return axes[0] if lone else None


def _meetings(product: Product, band: Access, slid: str, summed: str) -> set[tuple[int, int]]:
    """Per index that uses ``summed`` beside the band: coefficient of ``slid`` (0: no window), axes inside it."""
    found: set[tuple[int, int]] = set()
    for access in loads(product.nest.statement.assign.value):
        if access == band:
            continue
        for inwards, result in enumerate(reversed(access.map.results)):
            if summed in result.names:
                found.add((result.coefficient(slid) if result.coefficient(summed) == 1 else 0, inwards))
    return found


def _uses(access: Access, name: str) -> bool:
    return any(name in result.names for result in access.map.results)


def _substituted(access: Access, values: abc.Mapping[str, Affine]) -> Access:
    return replace(access, map=AccessMap(tuple(substitute(result, values) for result in access.map.results)))
