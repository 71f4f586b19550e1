"""Hypothesis strategies for well-formed nodes of every kind, at all three levels, meaningful or not.

For properties of text and rewriting, where any tree will do: printing, parsing, digests. Kernels that can be run are
in ``kernels.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TypeVar

from hypothesis import strategies as st

from isamapper.ir.affine import AccessMap, Affine, Extent, affine, constant, extent, rotate
from isamapper.ir.literals import greatest
from isamapper.ir.nodes import (
    Access,
    Allocate,
    Assign,
    Binary,
    BinaryOp,
    BlockFormat,
    Cast,
    Clamp,
    CompareOp,
    Constant,
    Constraint,
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
    Role,
    Select,
    Tensor,
    Unary,
    UnaryOp,
    Window,
    WindowAxis,
)
from isamapper.ir.types import DTYPES, DType, integer_range

_T = TypeVar("_T")
_ITERATORS = ("i", "j", "k", "l", "m", "n")
_TENSORS = ("a", "b", "c", "d", "e")
_LOCALS = ("t", "u", "v")
_INSTRUCTIONS = ("compute", "mvin", "vfmadd231ps zmm", "for")
_PLAIN = (BinaryOp.ADD, BinaryOp.SUB, BinaryOp.MUL, BinaryOp.DIV, BinaryOp.MIN, BinaryOp.MAX)
_SHIFTS = (BinaryOp.SHL, BinaryOp.SHR, BinaryOp.SHR_ROUND)


@dataclass(frozen=True, slots=True)
class _Place:
    """What a node may refer to."""

    tensors: tuple[Tensor, ...]
    iterators: tuple[str, ...] = ()
    program: bool = False


# Functions and numbers


def literals(dtype: DType) -> st.SearchStrategy[int | float]:
    """Numbers of ``dtype``."""
    if dtype.is_integer:
        return st.integers(*integer_range(dtype))
    most = greatest(dtype)
    infinities = [] if dtype.name == "fp8_e4m3" else [float("inf"), -float("inf")]
    return st.integers(-8, 8).map(float) | st.floats(-most, most) | st.sampled_from([most, *infinities])


def functions(iterators: tuple[str, ...], rotating: bool = False) -> st.SearchStrategy[Affine]:
    """Affine functions of ``iterators``, with rotations where ``rotating``."""
    if not iterators:
        return st.builds(constant, st.integers(-9, 99))
    terms = st.lists(st.tuples(st.sampled_from(iterators), st.integers(-4, 16)), max_size=3)
    linear = st.builds(affine, terms, st.integers(-9, 99))
    if not rotating:
        return linear
    turned = st.builds(lambda value, slots, offset: rotate(value, slots) + offset, linear, st.integers(1, 4), linear)
    return st.one_of(linear, turned)


def extents(iterators: tuple[str, ...]) -> st.SearchStrategy[Extent]:
    """Trip counts: a number, a function of outer iterators, or a minimum."""
    bound = functions(iterators).filter(lambda function: not function.is_constant) if iterators else None
    number = st.integers(1, 9)
    if bound is None:
        return number.map(extent)
    return st.one_of(number.map(extent), st.builds(extent, number, bound), bound.map(extent))


# Expressions


@st.composite
def _accesses(draw: st.DrawFn, tensor: Tensor, place: _Place) -> Access:
    index = functions(place.iterators, place.program)
    results = tuple(draw(index) for _ in tensor.shape)
    otherwise = draw(st.none() | literals(tensor.dtype))
    return Access(tensor.name, AccessMap(results), otherwise)


@st.composite
def _expressions(draw: st.DrawFn, dtype: DType, place: _Place, depth: int = 3) -> Expression:
    """An expression of ``dtype``."""
    readable = [tensor for tensor in place.tensors if tensor.dtype == dtype]
    kinds = ["constant"] + ["load"] * 3 * bool(readable)
    if depth:
        kinds += ["unary", "binary", "binary", "select", "cast", "clamp"] + ["shift"] * dtype.is_integer
    same = _expressions(dtype, place, depth - 1)
    match draw(st.sampled_from(kinds)):
        case "load":
            tensor = draw(st.sampled_from(readable))
            return Load(draw(_accesses(tensor, place)))
        case "unary":
            ops = list(UnaryOp) if dtype.is_float else [UnaryOp.NEG, UnaryOp.ABS]
            return Unary(draw(st.sampled_from(ops)), draw(same))
        case "binary":
            return Binary(draw(st.sampled_from(_PLAIN)), draw(same), draw(same))
        case "shift":
            count = Constant(draw(st.integers(0, dtype.bits - 1)), dtype)
            return Binary(draw(st.sampled_from(_SHIFTS)), draw(same), count)
        case "select":
            compared = _expressions(draw(st.sampled_from(_dtypes(place))), place, depth - 1)
            return Select(draw(st.sampled_from(CompareOp)), draw(compared), draw(compared), draw(same), draw(same))
        case "cast":
            other = draw(st.sampled_from([each for each in DTYPES.values() if each != dtype]))
            return Cast(dtype, draw(_expressions(other, place, depth - 1)))
        case "clamp":
            low, high = sorted((draw(literals(dtype)), draw(literals(dtype))))
            return Clamp(draw(same), low, high)
    return Constant(draw(literals(dtype)), dtype)


def _dtypes(place: _Place) -> list[DType]:
    return [tensor.dtype for tensor in place.tensors] or [DTYPES["f32"]]


# Statements


@st.composite
def _assigns(draw: st.DrawFn, place: _Place) -> Assign:
    tensor = draw(st.sampled_from([each for each in place.tensors if each.direction is not Direction.IN]))
    target = replace(draw(_accesses(tensor, place)), otherwise=None)
    return Assign(target, draw(_expressions(tensor.dtype, place)), draw(st.none() | st.sampled_from(Reduction)))


@st.composite
def _loops(draw: st.DrawFn, place: _Place, depth: int) -> Node:
    fresh = [name for name in _ITERATORS if name not in place.iterators]
    name = draw(st.sampled_from(fresh))
    inner = replace(place, iterators=(*place.iterators, name))
    kind = draw(st.none() | st.sampled_from(IteratorKind))
    return Loop(name, draw(extents(place.iterators)), draw(_bodies(inner, depth - 1)), kind)


@st.composite
def _guards(draw: st.DrawFn, place: _Place, depth: int) -> Node:
    condition = st.builds(Constraint, functions(place.iterators), st.booleans())
    conditions = tuple(draw(st.lists(condition, min_size=1, max_size=3)))
    otherwise = draw(st.just(()) | _bodies(place, depth - 1))
    return Guard(conditions, draw(_bodies(place, depth - 1)), otherwise)


@st.composite
def _windows(draw: st.DrawFn, place: _Place) -> Window:
    tensor = draw(st.sampled_from(place.tensors))
    offsets = tuple(draw(functions(place.iterators, True)) for _ in tensor.shape)
    axes = []
    for _ in range(draw(st.integers(0, 3))):
        over = draw(st.sets(st.integers(0, len(tensor.shape) - 1), max_size=2)) if tensor.shape else set()
        steps = tuple((axis, draw(st.integers(1, 4) | st.integers(-2, -1))) for axis in sorted(over))
        axes.append(WindowAxis(draw(extents(place.iterators)), steps))
    return Window(tensor.name, offsets, tuple(axes), draw(st.none() | literals(tensor.dtype)))


@st.composite
def _invocations(draw: st.DrawFn, place: _Place) -> Node:
    operands = draw(st.lists(st.sampled_from(("w", "x", "y")), min_size=1, max_size=3, unique=True))
    parameters = draw(st.lists(st.sampled_from(("p", "q")), max_size=2, unique=True))
    return Invoke(
        draw(st.sampled_from(_INSTRUCTIONS)),
        tuple((operand, draw(_windows(place))) for operand in operands),
        tuple((parameter, draw(extents(place.iterators))) for parameter in parameters),
    )


@st.composite
def _bodies(draw: st.DrawFn, place: _Place, depth: int) -> tuple[Node, ...]:
    """Statements of a block; in a program an allocation is in force from its place to the end of the block."""
    nodes: list[Node] = []
    for _ in range(draw(st.integers(0, 3))):
        leaf = _invocations(place) if place.program else _assigns(place)
        node = draw(st.one_of(leaf, _loops(place, depth), _guards(place, depth)) if depth else leaf)
        nodes.append(node)
        unused = [name for name in _LOCALS if name not in {tensor.name for tensor in place.tensors}]
        if place.program and unused and draw(st.booleans()):
            tensor = draw(_tensors(draw(st.sampled_from(unused)), Direction.LOCAL, placed=True))
            nodes.append(Allocate(tensor))
            place = replace(place, tensors=(*place.tensors, tensor))
    return tuple(nodes)


# Kernels


@st.composite
def _tensors(draw: st.DrawFn, name: str, direction: Direction, placed: bool) -> Tensor:
    dtype = draw(st.sampled_from(list(DTYPES.values())))
    blocks = st.builds(BlockFormat, st.integers(1, 32), st.integers(1, 8))
    block = draw(st.none() | blocks) if dtype.is_integer else None
    memory = draw(st.sampled_from(("dram", "spad|acc"))) if placed else None
    return Tensor(
        name,
        dtype,
        tuple(draw(st.lists(st.integers(1, 20), max_size=3))),
        memory,
        direction,
        draw(st.sampled_from(Role)),
        draw(st.none() | st.integers(0, 4096)) if placed else None,
        block,
    )


@st.composite
def _kernels(draw: st.DrawFn, name: str, program: bool, placed: bool) -> Kernel:
    inputs = draw(st.integers(0, 2))
    directions = [draw(st.sampled_from((Direction.IN, Direction.INOUT))) for _ in range(inputs)]
    directions += [Direction.OUT] * draw(st.integers(1, 2))
    directions += [] if program else [Direction.LOCAL] * draw(st.integers(0, 1))
    tensors = tuple(draw(_tensors(word, each, placed)) for word, each in zip(_TENSORS, directions, strict=False))
    sizes = tuple((word, draw(st.integers(0, 99))) for word in draw(_subset(("M", "N", "K"))))
    types = tuple((word, draw(st.sampled_from(list(DTYPES.values())))) for word in draw(_subset(("TA", "TB"))))
    body = draw(_bodies(_Place(tensors, (), program), 2))
    if program and draw(st.booleans()):
        body = (Prepare(draw(_bodies(_Place(tensors), 1))), *body)
    return Kernel(name, sizes, types, tensors, body)


def _subset(words: tuple[_T, ...]) -> st.SearchStrategy[list[_T]]:
    return st.lists(st.sampled_from(words), unique=True)


def kernel_nodes() -> st.SearchStrategy[Kernel]:
    """Kernels: loops, guards and assigns."""
    return _kernels("generated", program=False, placed=False)


def meaning_nodes() -> st.SearchStrategy[Kernel]:
    """Meanings of instructions: kernels without a name, their operands in memories."""
    return _kernels("", program=False, placed=True)


def program_nodes() -> st.SearchStrategy[Kernel]:
    """Programs: loops, guards, allocations and invocations, perhaps with offline preparation."""
    return _kernels("generated", program=True, placed=True)


def expression_nodes(dtype: DType) -> st.SearchStrategy[Expression]:
    """Expressions of ``dtype`` over tensors ``a: f32[4, 4]``, ``b: i8[4]`` and ``c: i32``."""
    tensors = (Tensor("a", DTYPES["f32"], (4, 4)), Tensor("b", DTYPES["i8"], (4,)), Tensor("c", DTYPES["i32"], ()))
    return _expressions(dtype, _Place(tensors, ("i", "j")))
