"""Hypothesis strategies for small kernels that are legal and can be run, and inputs to run them on.

Every kernel passes the verifier, reads only what is written, and takes a few thousand statement instances at most.
Accumulators are wide and :func:`inputs_for` gives small integers, so sums are exact in any order.
What does not belong here: nodes that need not mean anything (``nodes.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from hypothesis import strategies as st

from isamapper.ir.affine import AccessMap, Affine, affine, constant, extent, variable
from isamapper.ir.nodes import (
    Access,
    Assign,
    Binary,
    BinaryOp,
    Cast,
    Clamp,
    CompareOp,
    Constant,
    Constraint,
    Direction,
    Expression,
    Guard,
    Kernel,
    Load,
    Loop,
    Node,
    Reduction,
    Select,
    Tensor,
    Unary,
    UnaryOp,
)
from isamapper.ir.numeric import numpy_dtype
from isamapper.ir.types import DTYPES, DType, Kind
from isamapper.ir.windows import Array

_NARROW = ("i8", "u8", "i16", "bf16", "f16", "f32")
_WIDE = ("i32", "f32", "f64")
_ITERATORS = ("i", "j", "k", "l", "r", "s")
_TARGETS = ("y", "z", "w", "v")


@dataclass(slots=True)
class _Workshop:
    """A kernel being made: tensors and statements so far."""

    inputs: list[Tensor] = field(default_factory=list)
    made: list[Tensor] = field(default_factory=list)
    body: list[Node] = field(default_factory=list)

    def input(self, dtype: DType, shape: tuple[int, ...]) -> Tensor:
        """A new input."""
        tensor = Tensor(f"x{len(self.inputs)}", dtype, shape, None, Direction.IN)
        self.inputs.append(tensor)
        return tensor

    def finish(self) -> Kernel:
        """The kernel; what was made last is its result, the rest is local."""
        *others, last = self.made
        tensors = [*self.inputs, _as(last, Direction.OUT), *(_as(each, Direction.LOCAL) for each in others)]
        return Kernel("generated", (), (), tuple(tensors), tuple(self.body))


def _as(tensor: Tensor, direction: Direction) -> Tensor:
    return Tensor(tensor.name, tensor.dtype, tensor.shape, None, direction)


def inputs_for(kernel: Kernel, seed: int = 0) -> dict[str, Array]:
    """Small whole numbers for every IN and INOUT tensor, the same for the same seed."""
    random = np.random.default_rng(seed)
    given = [tensor for tensor in kernel.tensors if tensor.direction in (Direction.IN, Direction.INOUT)]
    return {
        tensor.name: random.integers(0 if tensor.dtype.kind is Kind.UNSIGNED else -3, 4, tensor.shape).astype(
            numpy_dtype(tensor.dtype)
        )
        for tensor in given
    }


# Reads


@st.composite
def _index(draw: st.DrawFn, extents: dict[str, int]) -> Affine:
    """A lone iterator mostly; else a strided and dilated sum, or a constant."""
    names = list(extents)
    kind = draw(st.sampled_from(("lone", "lone", "lone", "sum", "constant")))
    if not names or kind == "constant":
        return constant(draw(st.integers(0, 2)))
    first = draw(st.sampled_from(names))
    if kind == "lone":
        return variable(first)
    second = draw(st.sampled_from(names))
    steps = draw(st.integers(1, 2)), draw(st.integers(1, 2))
    return affine([(first, steps[0]), (second, steps[1])], draw(st.integers(0, 1)))


def _reach(index: Affine, extents: dict[str, int]) -> int:
    """The greatest value; coefficients are never negative here."""
    return index.constant + sum(step * (extents[name] - 1) for name, step in index.terms)


@st.composite
def _new_read(draw: st.DrawFn, shop: _Workshop, extents: dict[str, int]) -> Load:
    """A read of a new input just large enough, or padded where it is not."""
    indices = draw(st.lists(_index(extents), min_size=1, max_size=3))
    pads = [draw(st.sampled_from((0, 0, 0, 1))) for _ in indices]
    shape = tuple(
        max(1, _reach(index, extents) + 1 - 2 * pad + draw(st.integers(0, 1)))
        for index, pad in zip(indices, pads, strict=True)
    )
    dtype = DTYPES[draw(st.sampled_from(_NARROW))]
    tensor = shop.input(dtype, shape)
    padded = tuple(index - pad for index, pad in zip(indices, pads, strict=True))
    return Load(Access(tensor.name, AccessMap(padded), draw(_padding(dtype)) if any(pads) else None))


def _padding(dtype: DType) -> st.SearchStrategy[int | float]:
    """Mostly zero."""
    values: list[int | float] = [0.0, 0.0, 1.0] if dtype.is_float else [0, 0, 1]
    return st.sampled_from(values)


@st.composite
def _old_read(draw: st.DrawFn, tensor: Tensor, extents: dict[str, int]) -> Load:
    """A read of something made before, by iterators that stay inside it."""
    indices = []
    for length in tensor.shape:
        fitting = [variable(name) for name, trip in extents.items() if trip <= length]
        indices.append(draw(st.sampled_from([*fitting, *fitting, constant(length - 1)])))
    return Load(Access(tensor.name, AccessMap(tuple(indices))))


@st.composite
def _read(draw: st.DrawFn, shop: _Workshop, extents: dict[str, int], dtype: DType) -> Expression:
    """A read as ``dtype``."""
    again = draw(st.booleans())
    if shop.made and again:
        tensor = draw(st.sampled_from(shop.made))
        load, found = draw(_old_read(tensor, extents)), tensor.dtype
    else:
        load, found = draw(_new_read(shop, extents)), shop.inputs[-1].dtype
    return load if found == dtype else Cast(dtype, load)


# Values


@st.composite
def _product(draw: st.DrawFn, shop: _Workshop, extents: dict[str, int], dtype: DType) -> Expression:
    """One to three reads, mostly multiplied."""
    value = draw(_read(shop, extents, dtype))
    for _ in range(draw(st.integers(0, 2))):
        op = draw(st.sampled_from((BinaryOp.MUL,) * 4 + (BinaryOp.ADD, BinaryOp.SUB, BinaryOp.MAX)))
        value = Binary(op, value, draw(_read(shop, extents, dtype)))
    return value


@st.composite
def _pointwise(draw: st.DrawFn, shop: _Workshop, extents: dict[str, int], dtype: DType) -> Expression:
    """A value with the operators of activations and requantisation."""
    value = draw(_product(shop, extents, dtype))
    literal = Constant(float(draw(st.integers(-2, 2))) if dtype.is_float else draw(st.integers(-2, 2)), dtype)
    match draw(st.sampled_from(("plain", "relu", "negate", "clamp", "select", "shift", "narrow"))):
        case "relu":
            return Binary(BinaryOp.MAX, value, Constant(0.0 if dtype.is_float else 0, dtype))
        case "negate":
            return Unary(UnaryOp.NEG, Binary(BinaryOp.ADD, value, literal))
        case "clamp":
            return Clamp(value, -4, 5)
        case "select":
            return Select(draw(st.sampled_from(CompareOp)), value, literal, Unary(UnaryOp.ABS, value), literal)
        case "shift" if dtype.is_integer:
            return Binary(BinaryOp.SHR_ROUND, value, Constant(draw(st.integers(1, 3)), dtype))
        case "narrow" if dtype.is_integer:
            return Cast(dtype, Cast(DTYPES["i8"], Clamp(value, -128, 127)))
    return value


# Statements


@st.composite
def _extents(draw: st.DrawFn, least: int, most: int) -> dict[str, int]:
    names = _ITERATORS[: draw(st.integers(least, most))]
    return {name: draw(st.integers(1, 4)) for name in names}


def _nest(extents: dict[str, int], node: Node) -> Node:
    """``node`` inside loops, in the order given."""
    for name, trip in reversed(tuple(extents.items())):
        node = Loop(name, extent(trip), (node,))
    return node


@st.composite
def _contraction(draw: st.DrawFn, shop: _Workshop) -> None:
    """``y[i, j] += a[…] * b[…]`` with any reduction, perhaps guarded, perhaps scattered over a sum of iterators."""
    extents = draw(_extents(1, 5))
    kept = draw(st.integers(0, min(3, len(extents))))
    dtype = DTYPES[draw(st.sampled_from(_WIDE))]
    indices = [variable(name) for name in list(extents)[:kept]]
    if kept and draw(st.integers(0, 5)) == 0:
        indices[-1] = indices[-1] + variable(list(extents)[-1])
    value = draw(_product(shop, extents, dtype))
    reduction = draw(st.sampled_from((Reduction.ADD,) * 5 + tuple(Reduction)))
    target = Tensor(_TARGETS[len(shop.made)], dtype, tuple(_reach(index, extents) + 1 for index in indices))
    node: Node = Assign(Access(target.name, AccessMap(tuple(indices))), value, reduction)
    if len(extents) > 1 and draw(st.integers(0, 4)) == 0:
        first, second = draw(st.permutations(list(extents)))[:2]
        node = Guard((Constraint(variable(second) - variable(first) + draw(st.integers(0, 1))),), (node,))
    order = draw(st.permutations(list(extents)))
    shop.body.append(_nest({name: extents[name] for name in order}, node))
    shop.made.append(target)


@st.composite
def _map(draw: st.DrawFn, shop: _Workshop) -> None:
    """``y[i, j] = f(…)``, every element once; perhaps split into digits of the first axis."""
    extents = draw(_extents(1, 3))
    dtype = DTYPES[draw(st.sampled_from(_WIDE))]
    names = list(extents)
    indices = [variable(name) for name in names]
    if len(names) > 1 and draw(st.integers(0, 3)) == 0:
        indices = [affine([(names[0], extents[names[1]]), (names[1], 1)]), *indices[2:]]
    value = draw(_pointwise(shop, extents, dtype))
    target = Tensor(_TARGETS[len(shop.made)], dtype, tuple(_reach(index, extents) + 1 for index in indices))
    shop.body.append(_nest(extents, Assign(Access(target.name, AccessMap(tuple(indices))), value)))
    shop.made.append(target)


@st.composite
def _recurrence(draw: st.DrawFn, shop: _Workshop) -> None:
    """``y[t+1, j] = f(y[t, j], …)`` after ``y[0, j] = …``."""
    steps, lanes = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    dtype = DTYPES[draw(st.sampled_from(_WIDE))]
    target = Tensor(_TARGETS[len(shop.made)], dtype, (steps + 1, lanes))
    start = draw(_read(shop, {"j": lanes}, dtype))
    fresh = draw(_read(shop, {"t": steps, "j": lanes}, dtype))
    now, then = variable("t"), variable("t") + 1
    before = Load(Access(target.name, AccessMap((now, variable("j")))))
    op = draw(st.sampled_from((BinaryOp.ADD, BinaryOp.SUB, BinaryOp.MAX, BinaryOp.MIN)))
    first = Assign(Access(target.name, AccessMap((constant(0), variable("j")))), start)
    step = Assign(Access(target.name, AccessMap((then, variable("j")))), Binary(op, before, fresh))
    shop.body += [_nest({"j": lanes}, first), _nest({"t": steps, "j": lanes}, step)]
    shop.made.append(target)


# Kernels


@st.composite
def kernels(draw: st.DrawFn, statements: int = 3) -> Kernel:
    """Legal kernels of up to ``statements`` nests: contractions, convolutions, maps and recurrences that feed on
    each other, with strides, dilation, padding, guards and mixed data types."""
    shop = _Workshop()
    for _ in range(draw(st.integers(1, statements))):
        draw(st.one_of(_contraction(shop), _contraction(shop), _map(shop), _recurrence(shop)))
    return shop.finish()


@st.composite
def contractions(draw: st.DrawFn) -> Kernel:
    """Legal kernels of one reduction statement: what single-statement instructions are matched against."""
    shop = _Workshop()
    draw(_contraction(shop))
    return shop.finish()
