"""Kernels from Python: as text, as an einsum, or statement by statement.

    product = kernel("kernel gemm(a: f32[M, K], b: f32[K, N]) -> (c: f32[M, N]) sizes M=4, N=4, K=4 { … }")
    product = einsum("mk,kn->mn", sizes={"m": 64, "k": 32, "n": 16})

    build = Builder("gemm")
    a, b = build.input("a", "f32", 64, 32), build.input("b", "f32", 32, 16, role="const")
    c = build.output("c", "f32", 64, 16)
    with build.loops({"m": 64, "n": 16, "k": 32}) as (m, n, k):
        c[m, n] += a[m, k] * b[k, n]
    product = build.kernel()

The nodes are those the text form gives, and every kernel is verified before it is returned. Values and indices that
are written with Python's operators are :mod:`isamapper.ir.operators`.
"""

from __future__ import annotations

from collections import abc
from contextlib import contextmanager

from isamapper.diagnostics.source import Source
from isamapper.ir.affine import AccessMap, extent, variable
from isamapper.ir.einsum import einsum as einsum
from isamapper.ir.literals import named_dtype
from isamapper.ir.nodes import (
    Access,
    Assign,
    Constraint,
    Direction,
    Guard,
    IteratorKind,
    Kernel,
    Load,
    Loop,
    Node,
    Reduction,
    Role,
    Tensor,
)
from isamapper.ir.operators import Index, Operand, Value, expression_of, index_of
from isamapper.ir.parser import parse_kernel
from isamapper.ir.types import DType
from isamapper.ir.verifier import check_kernel


def kernel(
    text: str | Source,
    sizes: abc.Mapping[str, int] | None = None,
    types: abc.Mapping[str, DType | str] | None = None,
) -> Kernel:
    """The kernel in ``text``; types may be given by name, such as ``{"TA": "i8"}``."""
    return parse_kernel(text, sizes, {name: named_dtype(dtype) for name, dtype in (types or {}).items()})


class Element(Value):
    """An element of a tensor: a value to read, and a place to update with ``+=`` and ``*=``."""

    def __init__(self, build: Builder, access: Access, dtype: DType) -> None:
        super().__init__(Load(access), dtype)
        self._build = build
        self.access = access

    def __iadd__(self, value: Operand) -> _Done:  # type: ignore[override]
        return self._build.assign(self, value, Reduction.ADD)

    def __imul__(self, value: Operand) -> _Done:  # type: ignore[override]
        return self._build.assign(self, value, Reduction.MUL)


class _Done:
    """What ``c[i] += x`` leaves for Python to store back: nothing to do."""


_DONE = _Done()


class TensorName:
    """A declared tensor; ``t[i, j]`` is an element, ``t[i, j] = value`` an assignment."""

    def __init__(self, build: Builder, tensor: Tensor) -> None:
        self._build = build
        self.tensor = tensor

    def __getitem__(self, indices: Index | int | tuple[Index | int, ...]) -> Element:
        return Element(self._build, self._access(indices), self.tensor.dtype)

    def __setitem__(self, indices: Index | int | tuple[Index | int, ...], value: Operand | _Done) -> None:
        if not isinstance(value, _Done):
            self._build.assign(self[indices], value, None)

    def padded(self, *indices: Index | int, otherwise: int | float = 0) -> Element:
        """An element that reads as ``otherwise`` outside the tensor."""
        access = self._access(indices)
        return Element(self._build, Access(access.tensor, access.map, otherwise), self.tensor.dtype)

    def _access(self, indices: Index | int | tuple[Index | int, ...]) -> Access:
        many = indices if isinstance(indices, tuple) else (indices,)
        return Access(self.tensor.name, AccessMap(tuple(index_of(index) for index in many)))


class Builder:
    """Collects declarations and statements in the order they are written; see the module's example."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._tensors: list[Tensor] = []
        self._blocks: list[list[Node]] = [[]]

    def input(self, name: str, dtype: DType | str, *shape: int, role: str = "plain") -> TensorName:
        """An input; ``role`` is ``plain``, ``const`` (weights) or ``free`` (layout left to the schedule)."""
        return self._declare(name, dtype, shape, Direction.IN, role)

    def inout(self, name: str, dtype: DType | str, *shape: int) -> TensorName:
        """A parameter that is updated in place."""
        return self._declare(name, dtype, shape, Direction.INOUT, "plain")

    def output(self, name: str, dtype: DType | str, *shape: int, role: str = "plain") -> TensorName:
        """A result."""
        return self._declare(name, dtype, shape, Direction.OUT, role)

    def local(self, name: str, dtype: DType | str, *shape: int) -> TensorName:
        """An intermediate tensor."""
        return self._declare(name, dtype, shape, Direction.LOCAL, "plain")

    def _declare(
        self, name: str, dtype: DType | str, shape: tuple[int, ...], direction: Direction, role: str
    ) -> TensorName:
        tensor = Tensor(name, named_dtype(dtype), shape, None, direction, Role(role))
        self._tensors.append(tensor)
        return TensorName(self, tensor)

    @contextmanager
    def loops(
        self, extents: abc.Mapping[str, int | Index], kind: IteratorKind | None = None
    ) -> abc.Iterator[tuple[Index, ...]]:
        """Nested loops, outermost first; what is written inside is their body. ``kind`` is a claim for all."""
        self._blocks.append([])
        yield tuple(Index(variable(name)) for name in extents)
        body = tuple(self._blocks.pop())
        for name, trip in reversed(tuple(extents.items())):
            body = (Loop(name, extent(index_of(trip)), body, kind),)
        self._blocks[-1] += body

    @contextmanager
    def where(self, *conditions: Constraint) -> abc.Iterator[None]:
        """Statements done where all conditions (``i <= j``, ``i.equals(3)``) hold."""
        self._blocks.append([])
        yield
        self._blocks[-2].append(Guard(conditions, tuple(self._blocks.pop())))

    def assign(self, target: Element, value: Operand, reduction: Reduction | None) -> _Done:
        """``target = value`` or an update of it; ``c[i] = x`` and ``c[i] += x`` read better where they do."""
        self._blocks[-1].append(Assign(target.access, expression_of(value, target.dtype), reduction))
        return _DONE

    def kernel(self) -> Kernel:
        """The verified kernel; SourceError where it is not legal."""
        ranks = {Direction.IN: 0, Direction.INOUT: 0, Direction.OUT: 1, Direction.LOCAL: 2}
        tensors = tuple(sorted(self._tensors, key=lambda tensor: ranks[tensor.direction]))
        result = Kernel(self._name, (), (), tensors, tuple(self._blocks[0]))
        check_kernel(result)
        return result
