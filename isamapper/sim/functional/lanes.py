"""A builder of machine code that writes the same operation for one value or for a vector of them.

Every file that generates code imports :mod:`llvmlite.ir` and is itself imported only when something is compiled.
What does not belong here: what operators mean (the domains).
"""

from __future__ import annotations

from collections import abc
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, TypeAlias

from llvmlite import ir

Raw: TypeAlias = Any
"""A value of the generated code (:class:`llvmlite.ir.Value`; the library has no annotations)."""

INDEX = ir.IntType(64)
BIT = ir.IntType(1)
STATUS = ir.IntType(32)
"""What generated functions return: 0, or 1 where the run was stopped."""
FLOAT = ir.FloatType()
DOUBLE = ir.DoubleType()
POINTER = ir.PointerType()


@dataclass(frozen=True, slots=True)
class Lanes:
    """Where code goes (``builder``) and how many values at once (``width``; 1: plain scalars)."""

    builder: ir.IRBuilder
    width: int = 1

    @property
    def module(self) -> Any:
        return self.builder.module

    def scalar(self) -> Lanes:
        """The same place, one value at a time."""
        return self if self.width == 1 else replace(self, width=1)

    def type(self, scalar: Any) -> Any:
        """The type of ``width`` values of type ``scalar``."""
        return scalar if self.width == 1 else ir.VectorType(scalar, self.width)

    def constant(self, scalar: Any, value: int | float) -> Raw:
        """``value`` in every lane."""
        one = ir.Constant(scalar, value)
        return one if self.width == 1 else ir.Constant(self.type(scalar), [one] * self.width)

    def splat(self, value: Raw) -> Raw:
        """A scalar copied to every lane."""
        if self.width == 1:
            return value
        empty = ir.Constant(self.type(value.type), ir.Undefined)
        first = self.builder.insert_element(empty, value, ir.Constant(ir.IntType(32), 0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), self.width), None)
        return self.builder.shuffle_vector(first, empty, zeros)

    def extract(self, value: Raw, lane: int) -> Raw:
        """One lane of ``value``."""
        if self.width == 1:
            return value
        return self.builder.extract_element(value, ir.Constant(ir.IntType(32), lane))

    def gather(self, values: abc.Sequence[Raw]) -> Raw:
        """``width`` scalars as one value."""
        if self.width == 1:
            return values[0]
        vector = ir.Constant(self.type(values[0].type), ir.Undefined)
        for lane, value in enumerate(values):
            vector = self.builder.insert_element(vector, value, ir.Constant(ir.IntType(32), lane))
        return vector

    def intrinsic(self, name: str, scalar: Any, arguments: abc.Sequence[Raw]) -> Raw:
        """Calls the elementwise intrinsic ``llvm.<name>`` over ``scalar``s."""
        suffix = _suffix(scalar) if self.width == 1 else f"v{self.width}{_suffix(scalar)}"
        kinds = [argument.type for argument in arguments]
        return self.builder.call(declare(self.module, f"llvm.{name}.{suffix}", self.type(scalar), kinds), arguments)

    def any(self, condition: Raw) -> Raw:
        """Whether ``condition`` holds in any lane."""
        if self.width == 1:
            return condition
        packed = self.builder.bitcast(condition, ir.IntType(self.width))
        return self.builder.icmp_unsigned("!=", packed, ir.Constant(ir.IntType(self.width), 0))


def _suffix(scalar: Any) -> str:
    if isinstance(scalar, ir.IntType):
        return f"i{scalar.width}"
    return "f64" if isinstance(scalar, ir.DoubleType) else "f32"


def declare(module: Any, name: str, result: Any, arguments: abc.Sequence[Any]) -> Any:
    """The function ``name`` of another module, declared once."""
    known = module.globals.get(name)
    return known if known is not None else ir.Function(module, ir.FunctionType(result, arguments), name)


def index(value: int) -> Raw:
    """An index literal."""
    return ir.Constant(INDEX, value)


@contextmanager
def counted(
    builder: ir.IRBuilder, count: Raw | int, carried: abc.Sequence[Raw] = (), step: int = 1
) -> abc.Iterator[tuple[Raw, list[Raw], list[Raw]]]:
    """A loop ``for i in range(0, count, step)``: yields ``(i, carried, results)``.

    The body reads the values carried in from ``carried`` and replaces those in the list by what goes round; when the
    loop is left ``results`` holds the values that came out. A literal count must be at least 1.
    """
    function, before = builder.function, builder.block
    body = function.append_basic_block("loop")
    after = function.append_basic_block("after")
    bound = index(count) if isinstance(count, int) else count
    if isinstance(count, int):
        builder.branch(body)
    else:
        builder.cbranch(builder.icmp_signed(">", count, index(0)), body, after)
    builder.position_at_end(body)
    number = builder.phi(INDEX)
    number.add_incoming(index(0), before)
    phis = [builder.phi(value.type) for value in carried]
    for phi, value in zip(phis, carried, strict=True):
        phi.add_incoming(value, before)
    going, results = list(phis), []  # type: tuple[list[Raw], list[Raw]]
    yield number, going, results
    following = builder.add(number, index(step), flags=("nsw", "nuw"))
    number.add_incoming(following, builder.block)
    for phi, value in zip(phis, going, strict=True):
        phi.add_incoming(value, builder.block)
    latch = builder.block
    builder.cbranch(builder.icmp_signed("<", following, bound), body, after)
    builder.position_at_end(after)
    for start, value in zip(carried, going, strict=True):
        out = builder.phi(value.type)
        out.add_incoming(value, latch)
        if not isinstance(count, int):
            out.add_incoming(start, before)
        results.append(out)
