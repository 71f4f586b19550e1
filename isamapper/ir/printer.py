"""Nodes to canonical text: ``parse(print_kernel(k)) == k`` at every level, and equal nodes print alike.

Perfectly nested loops share one ``for``; every loop is written; numbers have no needless fraction.
"""

from __future__ import annotations

import hashlib
import re
from collections import abc
from typing import assert_never

from isamapper.ir.literals import print_number
from isamapper.ir.nodes import (
    Allocate,
    Assign,
    Direction,
    Expression,
    Guard,
    Invoke,
    Kernel,
    Loop,
    Node,
    Prepare,
    Reduction,
    Role,
    Tensor,
    Window,
)
from isamapper.ir.print_expression import print_access, print_affine, print_constraint, print_extent, print_value
from isamapper.ir.types import DType
from isamapper.ir.words import RESERVED

_INDENT = "  "
_UPDATES = {None: "=", Reduction.ADD: "+=", Reduction.MUL: "*=", Reduction.MIN: "min=", Reduction.MAX: "max="}
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_WIDTH = 110


def print_kernel(kernel: Kernel) -> str:
    """The text of a kernel, an instruction's meaning (``kernel.name`` empty) or a program; ends with a newline."""
    dtypes = {tensor.name: tensor.dtype for tensor in kernel.tensors}
    dtypes |= _allocated(kernel.body)
    lines = [*_header(kernel), "{"]
    lines += [f"{_INDENT}local {_declaration(each)}" for each in kernel.tensors if each.direction is Direction.LOCAL]
    lines += [line for node in kernel.body for line in _node(node, 1, dtypes)]
    return "\n".join([*lines, "}"]) + "\n"


def print_node(node: Node, dtypes: abc.Mapping[str, DType] | None = None) -> str:
    """The text of one statement, without a final newline.

    ``dtypes`` gives the data types of tensors declared outside; literals whose type is then unknown are written out.
    """
    return "\n".join(_node(node, 0, {**(dtypes or {}), **_allocated((node,))}))


def print_expression(expression: Expression, dtypes: abc.Mapping[str, DType] | None = None) -> str:
    """The text of a value; without ``dtypes`` every literal is written with its data type."""
    return print_value(expression, None, dtypes or {})


def digest(kernel: Kernel) -> str:
    """The sha256 of the printed kernel, in hexadecimal."""
    return hashlib.sha256(print_kernel(kernel).encode()).hexdigest()


def _allocated(body: tuple[Node, ...]) -> dict[str, DType]:
    """Data types of everything allocated in ``body``."""
    found: dict[str, DType] = {}
    for node in body:
        match node:
            case Allocate(tensor):
                found[tensor.name] = tensor.dtype
            case Loop(_, _, inner) | Prepare(inner):
                found |= _allocated(inner)
            case Guard(_, inner, otherwise):
                found |= _allocated(inner + otherwise)
            case Assign() | Invoke():
                continue
            case _:
                assert_never(node)
    return found


# Headers and declarations


def _header(kernel: Kernel) -> list[str]:
    parameters = [each for each in kernel.tensors if each.direction in (Direction.IN, Direction.INOUT)]
    results = [each for each in kernel.tensors if each.direction is Direction.OUT]
    if kernel.name:
        first = f"kernel {kernel.name}"
    else:
        first = f"({', '.join(f'{name} in {size}..{size}' for name, size in kernel.sizes)}) " if kernel.sizes else ""
    first += _list(parameters)
    if results:
        first += f" -> {_list(results)}"
    lines = [first]
    if kernel.sizes and kernel.name:
        lines.append(f"{_INDENT}sizes " + ", ".join(f"{name}={size}" for name, size in kernel.sizes))
    if kernel.types:
        lines.append(f"{_INDENT}types " + ", ".join(f"{name}={dtype}" for name, dtype in kernel.types))
    return lines


def _list(tensors: list[Tensor]) -> str:
    return f"({', '.join(_declaration(tensor) for tensor in tensors)})"


def _declaration(tensor: Tensor) -> str:
    role = "" if tensor.role is Role.PLAIN else f"{tensor.role.value} "
    inout = "inout " if tensor.direction is Direction.INOUT else ""
    dtype = str(tensor.dtype)
    if tensor.block is not None:
        dtype = f"block({dtype}, {tensor.block.block}, {tensor.block.exponent_bits})"
    shape = f"[{', '.join(map(str, tensor.shape))}]" if tensor.shape else ""
    memory = "" if tensor.memory is None else f" @{tensor.memory}"
    address = "" if tensor.address is None else f" at {tensor.address}"
    return f"{role}{tensor.name}: {inout}{dtype}{shape}{memory}{address}"


# Statements


def _node(node: Node, depth: int, dtypes: abc.Mapping[str, DType]) -> list[str]:
    """The lines of ``node``, indented ``depth`` times."""
    pad = _INDENT * depth
    match node:
        case Assign(target, value, reduction):
            text = print_value(value, dtypes.get(target.tensor), dtypes)
            return [f"{pad}{print_access(target)} {_UPDATES[reduction]} {text}"]
        case Loop():
            heads, body = _nest(node)
            return [f"{pad}for {', '.join(heads)} {{", *_block(body, depth, dtypes), f"{pad}}}"]
        case Guard(conditions, body, otherwise):
            first = f"{pad}if {', '.join(print_constraint(condition) for condition in conditions)} {{"
            last = [f"{pad}}} else {{", *_block(otherwise, depth, dtypes), f"{pad}}}"] if otherwise else [f"{pad}}}"]
            return [first, *_block(body, depth, dtypes), *last]
        case Allocate(tensor):
            return [f"{pad}allocate {_declaration(tensor)}"]
        case Prepare(body):
            return [f"{pad}prepare {{", *_block(body, depth, dtypes), f"{pad}}}"]
        case Invoke():
            return _invocation(node, pad)
        case _:
            assert_never(node)


def _block(body: tuple[Node, ...], depth: int, dtypes: abc.Mapping[str, DType]) -> list[str]:
    return [line for node in body for line in _node(node, depth + 1, dtypes)]


def _nest(loop: Loop) -> tuple[list[str], tuple[Node, ...]]:
    """Heads of the perfectly nested loops, and the body of the innermost."""
    heads = []
    body: tuple[Node, ...] = (loop,)
    while len(body) == 1 and isinstance(body[0], Loop):
        inner = body[0]
        claim = f" {inner.kind.value}" if inner.kind else ""
        across = f" across {inner.across}" if inner.across else ""
        heads.append(f"{inner.iterator} < {print_extent(inner.extent)}{claim}{across}")
        body = inner.body
    return heads, body


def _invocation(invoke: Invoke, pad: str) -> list[str]:
    plain = _WORD.match(invoke.instruction) and invoke.instruction not in RESERVED
    name = invoke.instruction if plain else f'"{invoke.instruction}"'
    parameters = ", ".join(f"{parameter} = {print_extent(value)}" for parameter, value in invoke.parameters)
    first = f"{pad}invoke {name}({parameters})" if parameters else f"{pad}invoke {name}"
    windows = [f"{operand}: {print_window(window)}" for operand, window in invoke.windows]
    line = f"{first} {', '.join(windows)}"
    if len(line) <= _WIDTH:
        return [line]
    inner = pad + 2 * _INDENT
    return [first, *(f"{inner}{window}," for window in windows[:-1]), f"{inner}{windows[-1]}"]


def print_window(window: Window) -> str:
    """``tensor[offset + step*$axis, …] over [extents] else otherwise``."""
    indices = ", ".join(_index(window, axis) for axis in range(len(window.offsets)))
    text = f"{window.tensor}[{indices}]"
    if window.axes:
        text += f" over [{', '.join(print_extent(axis.extent) for axis in window.axes)}]"
    return text if window.otherwise is None else f"{text} else {print_number(window.otherwise)}"


def _index(window: Window, axis: int) -> str:
    steps = [
        (f"${position}", step)
        for position, each in enumerate(window.axes)
        for tensor_axis, step in each.steps
        if tensor_axis == axis
    ]
    return print_affine(window.offsets[axis], steps)
