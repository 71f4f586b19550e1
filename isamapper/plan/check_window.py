"""Does a window fit its operand: shape, data type, memory, strides, alignment, bounds and padding."""

from __future__ import annotations

from collections import abc
from functools import lru_cache
from itertools import count

from isamapper.diagnostics.source import Diagnostic
from isamapper.hwdesc.model import Instruction, Machine, MemoryKind
from isamapper.ir.affine import Affine, Extent, constant, extent, variable
from isamapper.ir.nodes import Constraint, Invoke, Tensor, Window
from isamapper.ir.print_expression import print_extent
from isamapper.ir.sizes import SizeBinary, SizeConstant, SizeExpression, SizeName, SizeOp, evaluate_size, size_names
from isamapper.ir.symbolic import size_expression
from isamapper.plan.domain import Domain
from isamapper.plan.layout import row_major
from isamapper.plan.needle import has_lone_axes, operand_spec, operand_tensor, required_strides, writes


def misfits(
    invoke: Invoke, instruction: Instruction, machine: Machine, name: str, tensor: Tensor, domain: Domain
) -> abc.Iterator[Diagnostic]:
    """Every way in which the window of operand ``name`` does not fit; ``tensor`` is what it looks at."""
    judge = _Judge(invoke, instruction, machine, name, tensor, domain)
    yield from judge.place()
    shape = tuple(judge.shape())
    yield from shape
    if not shape:
        yield from judge.strides()
        yield from judge.alignment()
        yield from judge.bounds()
        yield from judge.padding()


class _Judge:
    def __init__(
        self, invoke: Invoke, instruction: Instruction, machine: Machine, name: str, tensor: Tensor, domain: Domain
    ) -> None:
        self.invoke, self.instruction, self.machine = invoke, instruction, machine
        self.name, self.tensor, self.domain = name, tensor, domain
        self.window: Window = dict(invoke.windows)[name]
        self.spec = operand_spec(instruction, name)
        self.operand = operand_tensor(instruction.semantics, name)
        self.element_strides = row_major(tensor.shape)

    def _wrong(self, code: str, message: str, help: str | None = None) -> Diagnostic:
        text = f"operand '{self.name}' of '{self.instruction.name}' {message}"
        return Diagnostic(code, text, self.window.span or self.invoke.span, help)

    def place(self) -> abc.Iterator[Diagnostic]:
        """The right memory and data type."""
        if self.tensor.memory not in self.spec.memories:
            where = f"'{self.tensor.name}' lies in '{self.tensor.memory}'"
            yield self._wrong("SCH105", f"must lie in {' or '.join(self.spec.memories)}; {where}")
        if self.tensor.dtype != self.operand.dtype:
            yield self._wrong("SCH106", f"is {self.operand.dtype}; '{self.tensor.name}' is {self.tensor.dtype}")

    def shape(self) -> abc.Iterator[Diagnostic]:
        """As many indices and axes as the tensor and the operand have, and their extents."""
        window, tensor = self.window, self.tensor
        if len(window.offsets) != len(tensor.shape):
            yield self._wrong("SCH104", f"indexes '{tensor.name}' {len(window.offsets)} times, not {len(tensor.shape)}")
            return
        sizes = operand_shapes(self.instruction)[self.name]
        if len(window.axes) != len(sizes):
            yield self._wrong("SCH104", f"has {len(sizes)} axes; the window has {len(window.axes)}")
            return
        values = dict(self.invoke.parameters)
        for parameter in self.instruction.parameters:
            values.setdefault(parameter.name, extent(parameter.high))
        for place, (axis, size) in enumerate(zip(window.axes, sizes, strict=True)):
            wanted = extent_value(size, {**_fixed_sizes(self.instruction), **values})
            if wanted is not None and self.domain.ever_differ(axis.extent, wanted):
                found = f"its window has {print_extent(axis.extent)}"
                yield self._wrong("SCH104", f"has {print_extent(wanted)} elements along axis {place}; {found}")

    def strides(self) -> abc.Iterator[Diagnostic]:
        """Axes that the operand wants dense are; a written window never names an element twice."""
        demanded = _demanded(self.instruction, self.name)
        written = self.name in writes(self.instruction)
        for place, (axis, wanted) in enumerate(zip(self.window.axes, demanded, strict=True)):
            if self.domain.most(axis.extent) < 2:
                continue
            actual = sum(self.element_strides[dim] * step for dim, step in axis.steps)
            if wanted is not None and actual != wanted:
                found = f"'{self.tensor.name}' has stride {actual} there"
                yield self._wrong("SCH107", f"must have stride {wanted} along axis {place}; {found}")
            elif written and not axis.steps:
                yield self._wrong("SCH107", f"is written, but its window stands still along axis {place}")

    def alignment(self) -> abc.Iterator[Diagnostic]:
        """The first element's address is a multiple of what operand and memory demand."""
        memory = next((known for known in self.machine.memories if known.name == self.tensor.memory), None)
        if memory is None or self.tensor.address is None:
            return
        unit, start = self.spec.alignment_bytes, self.tensor.address
        if memory.kind is MemoryKind.ADDRESSED:
            unit = max(unit, memory.alignment_bytes)
        if memory.kind is MemoryKind.REGISTERS and memory.row_bytes:
            unit, start = max(unit, memory.row_bytes), start * memory.row_bytes
        position = constant(start * 8)
        for offset, stride in zip(self.window.offsets, self.element_strides, strict=True):
            position = position + offset * (stride * self.tensor.dtype.bits)
        if self.domain.ever_remains(Extent((position,)), unit * 8):
            whole = memory.kind is MemoryKind.REGISTERS and unit == memory.row_bytes
            what = "register" if whole else f"multiple of {unit} bytes"
            yield self._wrong("SCH108", f"must start at a whole {what}; its window of '{self.tensor.name}' does not")

    def bounds(self) -> abc.Iterator[Diagnostic]:
        """The window stays inside its tensor, or says what is read outside."""
        if self.window.otherwise is not None:
            return
        for dim, size in enumerate(self.tensor.shape):
            index, inside, extents = self._index(dim)
            below = (Constraint(-index - 1), *inside)
            above = (Constraint(index - size), *inside)
            if self.domain.ever(*below, extra=extents) or self.domain.ever(*above, extra=extents):
                yield self._wrong("SCH109", f"leaves '{self.tensor.name}' along axis {dim} of {size} elements")

    def _index(self, dim: int) -> tuple[Affine, list[Constraint], dict[str, int]]:
        """Index along a tensor axis as a function of the loops and of positions in the window, and their bounds."""
        index, inside, extents = self.window.offsets[dim], [], {}
        names = (f"${number}" for number in count())
        for name, axis in zip(names, self.window.axes, strict=False):
            step = dict(axis.steps).get(dim)
            if step is not None:
                index = index + variable(name, step)
                extents[name] = self.domain.most(axis.extent)
                inside += [Constraint(b - variable(name) - 1) for b in axis.extent.bounds if not b.is_constant]
        return index, inside, extents

    def padding(self) -> abc.Iterator[Diagnostic]:
        """Only operands that pad have a value outside, and only the one they can read there."""
        otherwise = self.window.otherwise
        if otherwise is None:
            return
        if not self.spec.pads or self.name in writes(self.instruction):
            yield self._wrong("SCH110", "does not pad, but its window has an 'else'")
        elif self.spec.pad_value is not None and self.spec.pad_value != otherwise:
            yield self._wrong("SCH110", f"reads {self.spec.pad_value} outside its tensor, not {otherwise}")


@lru_cache(maxsize=4096)
def operand_shapes(instruction: Instruction) -> abc.Mapping[str, tuple[SizeExpression, ...]]:
    """The shape of every operand as formulas of the parameters."""
    text = instruction.template.text
    return {
        declaration.name.name: tuple(size_expression(size) for size in declaration.shape)
        for declaration in (*text.parameters, *text.results)
    }


def _fixed_sizes(instruction: Instruction) -> dict[str, Extent]:
    return {name: extent(value) for name, value in instruction.semantics.sizes}


def extent_value(size: SizeExpression, values: abc.Mapping[str, Extent]) -> Extent | None:
    """``size`` where its names are minima; None where the result is no minimum of affine functions."""
    if all(values[name].is_constant for name in size_names(size)):
        point = {name: values[name].bounds[0].constant for name in size_names(size)}
        return extent(evaluate_size(size, point))
    match size:
        case SizeName(name):
            return values[name]
        case SizeBinary(SizeOp.MUL, SizeConstant(factor), inner) | SizeBinary(SizeOp.MUL, inner, SizeConstant(factor)):
            found = extent_value(inner, values)
            return None if found is None or factor < 0 else extent(*(bound * factor for bound in found.bounds))
        case SizeBinary(SizeOp.ADD, SizeConstant(term), inner) | SizeBinary(SizeOp.ADD, inner, SizeConstant(term)):
            found = extent_value(inner, values)
            return None if found is None else extent(*(bound + term for bound in found.bounds))
        case _:
            return None


@lru_cache(maxsize=4096)
def _demanded(instruction: Instruction, operand: str) -> tuple[int | None, ...]:
    if has_lone_axes(instruction.semantics, operand):
        return required_strides(instruction, operand)
    tensor, spec = operand_tensor(instruction.semantics, operand), operand_spec(instruction, operand)
    return row_major(tensor.shape) if spec.contiguous is None else (None,) * len(tensor.shape)
