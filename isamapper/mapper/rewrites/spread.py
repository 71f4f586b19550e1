"""Spreading: elements put every so many apart, with zeros between, become a product with a matrix of zeros and ones.

Before:
    t[c, j] = 0                                               j < 32
    t[c, 2*j] = x[c, j]                                       j < 16
After ``spread statement 1: j by 16``:
    e[u, l] = 0;  e[u, 2*u] = 1                               u < 8, l < 16; offline
    t[c, 16*b + l] += (x[c, 8*b + u] else 0) * e[u, l]

The reverse of a sieve (``sieve.py``), with the same data types for sums and ways to narrow them. Legal where the
statement before fills a local tensor with zeros, both are all that write it, the elements put in are all that the
stride can reach, and blocks divide the axis or it may be made longer.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace

from isamapper.diagnostics.source import Rejection
from isamapper.ir.affine import AccessMap, Affine, substitute, variable
from isamapper.ir.analysis import statements
from isamapper.ir.nodes import Access, Assign, Constant, Direction, Kernel, Load, Node, Reduction, Role, Tensor
from isamapper.ir.types import DType
from isamapper.mapper.algebra.polynomial import literal
from isamapper.mapper.rewrites.blocks import blocks_text, holds, multiplied, narrowed, read_blocks
from isamapper.mapper.rewrites.edit import (
    Names,
    Nest,
    element,
    lone,
    loops_around,
    own_nest,
    replaced,
    spans,
    tensors_at,
    writes_whole,
)
from isamapper.mapper.rewrites.product import zero_outside
from isamapper.mapper.rewrites.sieve import read_outside
from isamapper.plan.step_reader import StepReader


@dataclass(frozen=True, slots=True)
class Spread:
    """The step: what ``iterator`` puts apart goes in blocks of ``block`` with zeros; else as a sieve."""

    statement: int
    iterator: str
    block: int
    wide: DType | None = None
    shift: int | None = None

    def apply(self, kernel: Kernel) -> Kernel | Rejection:
        """The equal kernel, or why there is none."""
        subject = f"spreading of statement {self.statement}"
        found = spread_copy(kernel, self.statement, self.iterator)
        if isinstance(found, Rejection):
            return replace(found, subject=subject)
        where = spans(found.nest.statement.assign)
        if self.block < 2 or self.block % found.stride:
            return Rejection("RW131", subject, f"a block is some times the stride of {found.stride}", where)
        if found.size % self.block and read_outside(kernel, found.tensor, found.axis):
            return Rejection("RW131", subject, f"blocks of {self.block} do not divide the {found.size}", where)
        if self.wide is not None and not holds(self.wide, found.tensor.dtype, self.shift or 0):
            return Rejection("RW131", subject, f"'{self.wide}' does not hold every '{found.tensor.dtype}'", where)
        if self.shift is not None and found.tensor.dtype.is_float:
            return Rejection("RW131", subject, "only integers are shifted", where)
        return _spread(kernel, found, self)

    def text(self, kernel: Kernel) -> str:
        """``spread statement 1: j by 16 in i32 scaled by 1``."""
        del kernel
        return f"spread {blocks_text(self.statement, self.iterator, self.block, self.wide, self.shift)}"


def read(words: StepReader, kernel: Kernel) -> Spread:
    """The step after its first word."""
    return Spread(*read_blocks(words, kernel))


@dataclass(frozen=True, slots=True)
class SpreadCopy:
    """A copy that puts elements at ``stride * iterator + first`` along ``axis`` of zeros, ``size`` of them."""

    nest: Nest
    zeros: Nest
    iterator: str
    load: Access
    axis: int
    stride: int
    first: int
    size: int
    tensor: Tensor


def spread_copy(kernel: Kernel, statement: int, iterator: str) -> SpreadCopy | Rejection:
    """The statement as such a copy, or why it is none."""
    nest = own_nest(kernel, statement, "spreading")
    if isinstance(nest, Rejection):
        return nest
    assign, where = nest.statement.assign, spans(nest.statement.assign)
    if assign.reduction is not None or not isinstance(assign.value, Load) or nest.statement.conditions or not statement:
        return Rejection("RW133", "spreading", "it copies no tensor as it is", where)
    load, tensor = assign.value.access, tensors_at(kernel, statement)[assign.target.tensor]
    zeros = own_nest(kernel, statement - 1, "spreading")
    if isinstance(zeros, Rejection) or not _clears(kernel, zeros, tensor, nest):
        return Rejection("RW133", "spreading", f"no statement before it fills '{tensor.name}' with zeros", where)
    axes = [axis for axis, index in enumerate(assign.target.map.results) if index.coefficient(iterator)]
    others = [lone(index) for axis, index in enumerate(assign.target.map.results) if axes != [axis]]
    reads = [index for index in load.map.results if index.coefficient(iterator)]
    if len(axes) != 1 or None in others or len(reads) != 1 or reads[0].coefficient(iterator) != 1:
        return Rejection("RW133", "spreading", f"'{iterator}' runs along no one axis of each side", where)
    index, size = assign.target.map.results[axes[0]], tensor.shape[axes[0]]
    stride, first = index.coefficient(iterator), index.constant
    whole = [nest.extents.get(str(name), 0) for name in others]
    shape = [extent for axis, extent in enumerate(tensor.shape) if axis != axes[0]]
    reached = (
        len(index.terms) == 1
        and 0 <= first < stride
        and nest.extents.get(iterator, 0) == ((size - 1 - first) // stride + 1)
    )
    if stride < 2 or not reached or whole != shape or load.tensor == tensor.name or load.otherwise not in (None, 0):
        return Rejection("RW133", "spreading", f"'{iterator}' does not reach all that its stride can reach", where)
    return SpreadCopy(nest, zeros, iterator, load, axes[0], stride, first, size, tensor)


def _clears(kernel: Kernel, zeros: Nest, tensor: Tensor, nest: Nest) -> bool:
    """Whether a local tensor is filled with zeros, and then by the copy alone, in nests beside each other."""
    assign = zeros.statement.assign
    writers = [each.index for each in statements(kernel) if each.assign.target.tensor == tensor.name]
    local = tensor.direction is Direction.LOCAL and tensor in kernel.tensors
    beside = zeros.path[:-1] == nest.path[:-1] and zeros.path[-1] + 1 == nest.path[-1] and not nest.around
    is_zero = isinstance(assign.value, Constant) and assign.value.value == 0
    own = assign.target.tensor == tensor.name and assign.reduction is None and not zeros.statement.conditions
    both = writers == [zeros.statement.index, nest.statement.index]
    return local and beside and is_zero and own and both and writes_whole(kernel, zeros)


def _spread(kernel: Kernel, copy: SpreadCopy, step: Spread) -> Kernel:
    names, own = Names(kernel), copy.nest.extents
    block, lane, run = (names.fresh(f"{step.iterator}{part}") for part in ("_block", "_lane", "_run"))
    blocks = -(-copy.size // step.block)
    depth = (step.block - 1 - copy.first) // copy.stride + 1
    dtype = copy.tensor.dtype
    matrix = Tensor(names.fresh("e"), dtype, (depth, step.block), role=Role.CONST)
    sizes = {run: depth, lane: step.block}
    entries = AccessMap((variable(run), variable(run, copy.stride) + copy.first))
    one = literal(1 << (step.shift or 0), dtype)
    filled: list[Node] = [
        loops_around(sizes, Assign(element(matrix.name, sizes), literal(0, dtype))),
        loops_around({run: depth}, Assign(Access(matrix.name, entries), one)),
    ]
    long = {**own, step.iterator: blocks * step.block}
    results = list(copy.nest.statement.assign.target.map.results)
    results[copy.axis] = variable(step.iterator)
    target, nodes, tensors = replace(copy.nest.statement.assign.target, map=AccessMap(tuple(results))), [], [matrix]
    if step.wide is not None:
        wide = Tensor(names.fresh("z"), step.wide, tuple(long.values()))
        tensors.append(wide)
        narrow = Assign(target, narrowed(Load(element(wide.name, long)), step.wide, dtype, step.shift))
        nodes.append(loops_around(long, narrow))
        target = element(wide.name, long)
    read = _source(kernel, copy, step, {block: blocks, run: depth})
    extents: dict[str, int] = {}
    for name, size in own.items():
        extents.update({block: blocks, lane: step.block} if name == step.iterator else {name: size})
    placed = {step.iterator: variable(block, step.block) + variable(lane)}
    moved = replace(target, map=AccessMap(tuple(substitute(index, placed) for index in target.map.results)))
    value = multiplied(Load(read), Load(element(matrix.name, (run, lane))), step.wide)
    product = loops_around({**extents, run: depth}, Assign(moved, value, Reduction.ADD))
    path = copy.zeros.path
    made = replaced(kernel, copy.nest.path, [*filled, product, *nodes], tensors)
    made = replaced(made, path, [])
    shape = tuple(long[step.iterator] if a == copy.axis else size for a, size in enumerate(copy.tensor.shape))
    known = tuple(replace(each, shape=shape) if each == copy.tensor else each for each in made.tensors)
    return replace(made, tensors=known)


def _source(kernel: Kernel, copy: SpreadCopy, step: Spread, inner: abc.Mapping[str, int]) -> Access:
    """The run that a block takes its elements from."""
    block, run = inner
    moved: dict[str, Affine] = {step.iterator: variable(block, step.block // copy.stride) + variable(run)}
    results = tuple(substitute(index, moved) for index in copy.load.map.results)
    source = tensors_at(kernel, step.statement)[copy.load.tensor]
    box = {**copy.nest.extents, **inner}
    read = zero_outside(replace(copy.load, map=AccessMap(results)), source, box)
    assert read is not None, "what is read outside counts as zero, or there is nothing outside"
    return read
