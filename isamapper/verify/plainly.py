"""Kernels and programs executed one scalar at a time, in any domain of Python values: slow, and in need of no library.

The order and the rules are the interpreter's (``ir/interpreter.py``); None is undefined and spreads.
"""

from __future__ import annotations

from collections import abc
from typing import Any, Protocol, assert_never

import numpy as np

from isamapper.hwdesc.bind import bind_instruction
from isamapper.hwdesc.model import Machine
from isamapper.ir.affine import evaluate, evaluate_extent
from isamapper.ir.interpreter import holds
from isamapper.ir.nodes import (
    Access,
    Allocate,
    Assign,
    Binary,
    BinaryOp,
    Cast,
    Clamp,
    CompareOp,
    Constant,
    Direction,
    Expression,
    Guard,
    Invoke,
    Kernel,
    Load,
    Loop,
    Node,
    Prepare,
    Reduction,
    Select,
    Tensor,
    Unary,
    UnaryOp,
    Window,
)
from isamapper.ir.numeric import REDUCTION_OPERATOR
from isamapper.ir.types import DType
from isamapper.ir.walk import first_write, unfold
from isamapper.ir.windows import Elements, elements
from isamapper.sim.functional.errors import ExecutionError, execution_error

Array = np.ndarray[Any, Any]


class Scalars(Protocol):
    """Values of a domain; no argument is None."""

    def meaning(self, kernel: Kernel) -> Kernel:
        """What is executed for an instruction that means ``kernel``."""
        return kernel

    def literal(self, value: int | float, dtype: DType) -> int: ...

    def identity(self, reduction: Reduction, dtype: DType) -> int: ...

    def unary(self, op: UnaryOp, operand: int, dtype: DType) -> int: ...

    def binary(self, op: BinaryOp, left: int, right: int, dtype: DType) -> int: ...

    def select(self, op: CompareOp, left: int, right: int, yes: int, no: int) -> int: ...

    def cast(self, operand: int, source: DType, target: DType) -> int: ...


def execute_plainly(
    body: Kernel, machine: Machine | None, scalars: Scalars, inputs: abc.Mapping[str, Array]
) -> dict[str, Array]:
    """The results by name, as arrays of Python values; ``inputs`` are such arrays and are not changed."""
    run = _Run(machine, scalars)
    memory = {t.name: (t, run.start(t, body.body, inputs)) for t in body.tensors}
    run.block(body.body, memory, {})
    results = (Direction.OUT, Direction.INOUT)
    return {t.name: memory[t.name][1] for t in body.tensors if t.direction in results}


_Memory = dict[str, tuple[Tensor, Array]]
_Point = dict[str, int]


class _Run:
    def __init__(self, machine: Machine | None, scalars: Scalars) -> None:
        self.machine, self.scalars = machine, scalars

    def start(self, tensor: Tensor, rest: tuple[Node, ...], inputs: abc.Mapping[str, Array]) -> Array:
        """A tensor as it is before ``rest``."""
        if tensor.direction in (Direction.IN, Direction.INOUT):
            return inputs[tensor.name].copy()
        first = first_write(rest, tensor.name)
        filler = None
        if first is not None and first.reduction is not None:
            filler = self.scalars.identity(first.reduction, tensor.dtype)
        return np.full(tensor.shape, filler, object)

    def block(self, body: tuple[Node, ...], memory: _Memory, point: _Point) -> None:
        nodes = unfold(body)
        for position, node in enumerate(nodes):
            if isinstance(node, Allocate):
                memory[node.tensor.name] = node.tensor, self.start(node.tensor, nodes[position:], {})
            else:
                self.node(node, memory, point)

    def node(self, node: Node, memory: _Memory, point: _Point) -> None:
        match node:
            case Assign():
                self.assign(node, memory, point)
            case Loop(iterator, extent, body):
                for value in range(evaluate_extent(extent, point)):
                    self.block(body, dict(memory), {**point, iterator: value})
            case Guard(conditions, body, otherwise):
                chosen = body if all(holds(condition, point) for condition in conditions) else otherwise
                self.block(chosen, dict(memory), point)
            case Invoke():
                self.invoke(node, memory, point)
            case Allocate() | Prepare():
                raise ValueError(f"not a node of a block: {node}")
            case _:
                assert_never(node)

    def assign(self, assign: Assign, memory: _Memory, point: _Point) -> None:
        value, dtype = self.value(assign.value, memory, point)
        if assign.reduction is not None:
            old = self.read(assign.target, memory, point)
            op = REDUCTION_OPERATOR[assign.reduction]
            value = None if old is None or value is None else self.scalars.binary(op, old, value, dtype)
        memory[assign.target.tensor][1][_index(assign.target, point)] = value

    def read(self, access: Access, memory: _Memory, point: _Point) -> int | None:
        tensor, array = memory[access.tensor]
        index = _index(access, point)
        if access.otherwise is not None and not all(0 <= i < n for i, n in zip(index, tensor.shape, strict=True)):
            return self.scalars.literal(access.otherwise, tensor.dtype)
        found: int | None = array[index]
        return found

    def value(self, expression: Expression, memory: _Memory, point: _Point) -> tuple[int | None, DType]:
        """The value with its data type."""
        match expression:
            case Constant(value, dtype):
                return self.scalars.literal(value, dtype), dtype
            case Load(access):
                return self.read(access, memory, point), memory[access.tensor][0].dtype
            case Cast(dtype, operand):
                one, source = self.value(operand, memory, point)
                return None if one is None else self.scalars.cast(one, source, dtype), dtype
            case Unary(op, operand):
                one, dtype = self.value(operand, memory, point)
                return None if one is None else self.scalars.unary(op, one, dtype), dtype
            case Clamp(operand, low, high):
                one, dtype = self.value(operand, memory, point)
                for op2, bound in ((BinaryOp.MAX, low), (BinaryOp.MIN, high)):
                    limit = self.scalars.literal(bound, dtype)
                    one = None if one is None else self.scalars.binary(op2, one, limit, dtype)
                return one, dtype
            case Binary(op2, left, right):
                (one, dtype), (two, _) = self.value(left, memory, point), self.value(right, memory, point)
                return None if one is None or two is None else self.scalars.binary(op2, one, two, dtype), dtype
            case Select(op3):
                return self.select(expression, op3, memory, point)
            case _:
                assert_never(expression)

    def select(self, select: Select, op: CompareOp, memory: _Memory, point: _Point) -> tuple[int | None, DType]:
        parts = (select.left, select.right, select.if_true, select.if_false)
        left, right, yes, no = (self.value(part, memory, point)[0] for part in parts)
        dtype = self.value(select.if_true, memory, point)[1]
        if left is None or right is None or yes is None or no is None:
            return None, dtype
        return self.scalars.select(op, left, right, yes, no), dtype

    def invoke(self, invoke: Invoke, memory: _Memory, point: _Point) -> None:
        """Reads all operands, computes, writes what was written."""
        if self.machine is None:
            raise ValueError("a program cannot be executed without its machine")
        parameters = {name: evaluate_extent(value, point) for name, value in invoke.parameters}
        kernel = self.scalars.meaning(bind_instruction(self.machine.instruction(invoke.instruction), parameters))
        places = {name: elements(window, memory[window.tensor][0], point) for name, window in invoke.windows}
        windows = dict(invoke.windows)
        given = {name: self.gathered(window, places[name], memory, invoke, point) for name, window in windows.items()}
        for name, result in execute_plainly(kernel, None, self.scalars, given).items():
            array, seen = memory[windows[name].tensor][1], places[name]
            if not seen.inside.all():
                raise _outside(invoke, windows[name], point)
            array[seen.index] = np.where(_missing(result), array[seen.index], result)

    def gathered(self, window: Window, seen: Elements, memory: _Memory, invoke: Invoke, point: _Point) -> Array:
        """What an operand holds."""
        tensor, array = memory[window.tensor]
        if seen.inside.all():
            return np.asarray(array[seen.index], object)
        if window.otherwise is None:
            raise _outside(invoke, window, point)
        clipped = tuple(np.where(seen.inside, one, 0) for one in seen.index)
        return np.where(seen.inside, array[clipped], self.scalars.literal(window.otherwise, tensor.dtype))


def _outside(invoke: Invoke, window: Window, point: _Point) -> ExecutionError:
    place = (f"'{invoke.instruction}'", point, window.span or invoke.span)
    return execution_error("IR306", f"the window of '{window.tensor}' leaves its tensor", [place])


def _missing(values: Array) -> Array:
    """Where nothing was written."""
    return np.array([value is None for value in values.ravel()], bool).reshape(values.shape)


def _index(access: Access, point: _Point) -> tuple[int, ...]:
    return tuple(evaluate(function, point) for function in access.map.results)
