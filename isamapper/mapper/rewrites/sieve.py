"""Sieves: a copy that takes every so many elements becomes a product with a matrix of zeros and ones.

Before:
    t[c, j] = x[c, 2*j]                                       j < 32
After ``sieve statement 0: j by 16``:
    e[u, l] = 0;  e[2*l, l] = 1                               u < 31, l < 16; offline
    t[c, 16*b + l] += (x[c, 32*b + u] else 0) * e[u, l]
After ``sieve statement 0: j by 16 in i32 scaled by 1``, where products add up in a wider type and drains halve:
    z[c, 16*b + l] += i32(x[c, 32*b + u] else 0) * i32(e[u, l])     with e of zeros and twos
    t[c, j] = i8(clamp(shr_round(z[c, j], 1), -128, 127))

Phases that stand beside the stride, ``t[i, c, j] = x[c, 2*j + i]``, have a matrix each and read the same run. A matrix
instruction does a block at once where a host gathers element by element. Legal where the copied value is one load, read
as zero outside or not read there, and blocks divide the extent; where they do not, the wider tensor is as much longer
than what is narrowed, or an axis of a local tensor that the statement alone writes is made so. Exact for integers;
floats as long as they are finite.
What does not belong here: which blocks and types pay on a machine (``sieves.py``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace

from isamapper.diagnostics.source import Rejection
from isamapper.ir.affine import AccessMap, Affine, substitute, variable
from isamapper.ir.analysis import statements
from isamapper.ir.nodes import (
    Access,
    Assign,
    Direction,
    Expression,
    Kernel,
    Load,
    Node,
    Reduction,
    Role,
    Tensor,
)
from isamapper.ir.types import DType
from isamapper.ir.walk import value_range
from isamapper.mapper.algebra.polynomial import literal
from isamapper.mapper.rewrites.blocks import blocks_text, holds, multiplied, narrowed, read_blocks
from isamapper.mapper.rewrites.edit import (
    Names,
    Nest,
    element,
    lone,
    loops_around,
    own_nest,
    reindexed,
    replaced,
    spans,
    tensors_at,
)
from isamapper.mapper.rewrites.product import zero_outside
from isamapper.plan.step_reader import StepReader


@dataclass(frozen=True, slots=True)
class Sieve:
    """The step: ``iterator`` goes in blocks of ``block``, each a product with zeros and ones.

    ``wide``: sums are made in that data type (None: the target's own) and narrowed afterwards, by a cast or, with a
    ``shift``, as so many bits less of as many bits more.
    """

    statement: int
    iterator: str
    block: int
    wide: DType | None = None
    shift: int | None = None

    def apply(self, kernel: Kernel) -> Kernel | Rejection:
        """The equal kernel, or why there is none."""
        subject = f"sieve of statement {self.statement}"
        copy = strided_copy(kernel, self.statement, self.iterator)
        if isinstance(copy, Rejection):
            return replace(copy, subject=subject)
        where = spans(copy.nest.statement.assign)
        dtype = copy.tensor.dtype
        if self.block < 2:
            return Rejection("RW131", subject, "a block has two elements or more", where)
        if copy.nest.extents[self.iterator] % self.block and not copy.grows and self.wide is None:
            reason = f"blocks of {self.block} do not divide the {copy.nest.extents[self.iterator]} of '{self.iterator}'"
            return Rejection("RW131", subject, reason, where)
        if self.shift is not None and dtype.is_float:
            return Rejection("RW131", subject, "only integers are shifted", where)
        if self.wide is not None and not holds(self.wide, dtype, self.shift or 0):
            reason = f"'{self.wide}' does not hold every '{dtype}'" + (f" shifted by {self.shift}" * bool(self.shift))
            return Rejection("RW131", subject, reason, where)
        return _sieved(kernel, copy, self)

    def text(self, kernel: Kernel) -> str:
        """``sieve statement 0: j by 16 in i32 scaled by 1``."""
        del kernel
        return f"sieve {blocks_text(self.statement, self.iterator, self.block, self.wide, self.shift)}"


def read(words: StepReader, kernel: Kernel) -> Sieve:
    """The step after its first word."""
    return Sieve(*read_blocks(words, kernel))


@dataclass(frozen=True, slots=True)
class StridedCopy:
    """A copy whose load moves by ``stride`` along ``axis`` where its iterator moves by one.

    ``phase`` is an iterator that takes what lies between, if there is one. ``grows``: the target may be made longer.
    """

    nest: Nest
    iterator: str
    load: Access
    axis: int
    stride: int
    phase: str | None
    tensor: Tensor
    grows: bool

    @property
    def phases(self) -> int:
        """How many neighbours are taken."""
        return 1 if self.phase is None else self.nest.extents[self.phase]

    def run(self, block: int) -> int:
        """Elements of the source that a block of the target is chosen from."""
        return self.stride * (block - 1) + self.phases


def strided_copy(kernel: Kernel, statement: int, iterator: str) -> StridedCopy | Rejection:
    """The statement as a copy with a stride along ``iterator``, or why it is none."""
    nest = own_nest(kernel, statement, "sieve")
    if isinstance(nest, Rejection):
        return nest
    assign = nest.statement.assign
    where = spans(assign)
    if assign.reduction is not None or not isinstance(assign.value, Load) or nest.statement.conditions:
        return Rejection("RW130", "sieve", "it copies no tensor as it is", where)
    load, tensors = assign.value.access, tensors_at(kernel, statement)
    if load.tensor == assign.target.tensor or load.otherwise not in (None, 0):
        return Rejection("RW130", "sieve", f"'{load.tensor}' is its target, or not 0 outside", where)
    axes = [axis for axis, index in enumerate(load.map.results) if index.coefficient(iterator)]
    if iterator not in nest.own or len(axes) != 1 or load.map.results[axes[0]].rotations:
        return Rejection("RW130", "sieve", f"'{iterator}' runs along no one axis of '{load.tensor}'", where)
    index = load.map.results[axes[0]]
    stride = index.coefficient(iterator)
    if stride < 2 or not any(each.coefficient(iterator) for each in assign.target.map.results):
        return Rejection("RW130", "sieve", f"'{iterator}' takes no stride of two or more", where)
    tensor = tensors[assign.target.tensor]
    return StridedCopy(
        nest,
        iterator,
        load,
        axes[0],
        stride,
        _phase(nest, load, index, stride),
        tensor,
        _grows(kernel, nest, tensor, iterator),
    )


def _phase(nest: Nest, load: Access, index: Affine, stride: int) -> str | None:
    """An iterator that walks the elements within a stride, and nothing else of the load."""
    for name, step in index.terms:
        elsewhere = sum(name in each.names for each in load.map.results) > 1
        if step == 1 and name in nest.own and 1 < nest.extents[name] <= stride and not elsewhere:
            return name
    return None


def _grows(kernel: Kernel, nest: Nest, tensor: Tensor, iterator: str) -> bool:
    """Whether the target is a local tensor that nothing else writes, with an axis for the iterator alone."""
    if tensor.direction is not Direction.LOCAL or tensor not in kernel.tensors:
        return False
    if [each for each in statements(kernel) if each.assign.target.tensor == tensor.name] != [nest.statement]:
        return False
    results = nest.statement.assign.target.map.results
    along = [axis for axis, index in enumerate(results) if iterator in index.names]
    if len(along) != 1 or lone(results[along[0]]) != iterator or tensor.shape[along[0]] != nest.extents[iterator]:
        return False
    return not read_outside(kernel, tensor, along[0])


def read_outside(kernel: Kernel, tensor: Tensor, axis: int) -> bool:
    """Whether some statement counts on what is read beyond an axis."""
    for each in statements(kernel):
        box = {iterator.name: iterator.extent for iterator in each.iterators}
        for access in each.accesses[1:]:
            if access.tensor == tensor.name and value_range(access.map.results[axis], box)[1] >= tensor.shape[axis]:
                return True
    return False


def _sieved(kernel: Kernel, copy: StridedCopy, step: Sieve) -> Kernel:
    names, own = Names(kernel), copy.nest.extents
    block, lane, run = (names.fresh(f"{step.iterator}{part}") for part in ("_block", "_lane", "_run"))
    blocks = -(-own[step.iterator] // step.block)
    long = {**own, step.iterator: blocks * step.block}
    dtype = copy.tensor.dtype
    matrix, filled = _matrix(copy, step, names, (lane, run))
    placed = variable(block, step.block) + variable(lane)
    target, nodes, tensors = copy.nest.statement.assign.target, list[Node](), [matrix]
    if step.wide is not None:
        wide = Tensor(names.fresh("z"), step.wide, tuple(long.values()))
        tensors.append(wide)
        narrow = Assign(target, narrowed(Load(element(wide.name, long)), step.wide, dtype, step.shift))
        nodes.append(loops_around(long if copy.grows else own, narrow))
        target = element(wide.name, long)
    extents: dict[str, int] = {}
    for name, size in own.items():
        extents.update({block: blocks, lane: step.block} if name == step.iterator else {name: size})
    extents[run] = copy.run(step.block)
    product = Assign(
        reindexed(target, {step.iterator: placed}),
        _product(kernel, copy, step, element(matrix.name, _axes(copy, run, lane)), {block: blocks, run: extents[run]}),
        Reduction.ADD,
        copy.nest.statement.assign.span,
    )
    made = replaced(kernel, copy.nest.path, [*filled, loops_around(extents, product), *nodes], tensors)
    return _grown(made, copy, long[step.iterator], step.iterator) if copy.grows else made


def _axes(copy: StridedCopy, run: str, lane: str) -> tuple[str, ...]:
    return (run, lane) if copy.phase is None else (copy.phase, run, lane)


def _matrix(copy: StridedCopy, step: Sieve, names: Names, inside: tuple[str, str]) -> tuple[Tensor, list[Node]]:
    """The matrix, made offline, and what fills it."""
    lane, run = inside
    sizes = {run: copy.run(step.block), lane: step.block}
    chosen = variable(lane, copy.stride)
    if copy.phase is not None:
        sizes = {copy.phase: copy.phases, **sizes}
        chosen = chosen + variable(copy.phase)
    dtype = copy.tensor.dtype
    made = Tensor(names.fresh("e"), dtype, tuple(sizes.values()), role=Role.CONST)
    place = [chosen if name == run else variable(name) for name in sizes]
    ones = Assign(Access(made.name, AccessMap(tuple(place))), literal(1 << (step.shift or 0), dtype))
    picked = {name: size for name, size in sizes.items() if name != run}
    return made, [
        loops_around(sizes, Assign(element(made.name, sizes), literal(0, dtype))),
        loops_around(picked, ones),
    ]


def _product(
    kernel: Kernel, copy: StridedCopy, step: Sieve, factor: Access, inner: abc.Mapping[str, int]
) -> Expression:
    """The run of the source times the matrix."""
    block, run = inner
    moved: dict[str, Affine] = {step.iterator: variable(block, step.block)}
    results = []
    for axis, index in enumerate(copy.load.map.results):
        if axis == copy.axis:
            rest = index if copy.phase is None else index - variable(copy.phase)
            index = substitute(rest, moved) + variable(run)
        results.append(index)
    source = tensors_at(kernel, step.statement)[copy.load.tensor]
    box = {**copy.nest.around, **copy.nest.extents, **inner}
    read = zero_outside(replace(copy.load, map=AccessMap(tuple(results))), source, box)
    assert read is not None, "what is read outside counts as zero, or there is nothing outside"
    return multiplied(Load(read), Load(factor), step.wide)


def _grown(kernel: Kernel, copy: StridedCopy, size: int, iterator: str) -> Kernel:
    """The kernel with the target's axis as long as all blocks."""
    results = copy.nest.statement.assign.target.map.results
    if size == copy.nest.extents[iterator]:
        return kernel
    shape = tuple(
        max(extent, size) if iterator in index.names else extent
        for index, extent in zip(results, copy.tensor.shape, strict=True)
    )
    tensors = (replace(each, shape=shape) if each == copy.tensor else each for each in kernel.tensors)
    return replace(kernel, tensors=tuple(tensors))
