"""Running programs and kernels on true data types: the entry points of this room.

The compiled engine is used where llvmlite is installed and the body is of a form that it takes; the interpreter, which
defines the results, does the rest. Both give the same bits.
"""

from __future__ import annotations

from collections import abc
from functools import cache
from importlib import import_module
from typing import Any, TypeAlias

import numpy as np

from isamapper.diagnostics.source import Diagnostic, SourceError
from isamapper.hwdesc.bind import bind_instruction
from isamapper.hwdesc.model import Machine
from isamapper.ir.interpreter import interpret
from isamapper.ir.nodes import Direction, Kernel, Tensor
from isamapper.ir.numeric import cast_array
from isamapper.plan.check import check_program
from isamapper.plan.program import Program
from isamapper.sim.functional.errors import ExecutionError

Array: TypeAlias = np.ndarray[Any, Any]
Meaning: TypeAlias = abc.Callable[[str, abc.Mapping[str, int]], Kernel]


def meaning_on(machine: Machine) -> Meaning:
    """What each instruction of ``machine`` computes at given parameter values."""
    return lambda name, parameters: bind_instruction(machine.instruction(name), parameters)


def execute(program: Program, inputs: abc.Mapping[str, Array], *, checked: bool = True) -> dict[str, Array]:
    """The results of ``program`` by name: bit for bit those of the interpreter on ``program.body``.

    Raises :class:`ExecutionError`, naming the instruction and the values of the loops around it, where an undefined
    element is read or a window leaves its tensor, and where a tensor has no room in its memory. Without ``checked``
    only windows are looked at, and undefined elements give anything.
    """
    if checked and (found := check_program(program)):
        raise ExecutionError(*found)
    return run_body(program.body, program.machine, inputs, checked=checked)


def evaluate(kernel: Kernel, inputs: abc.Mapping[str, Array], *, checked: bool = True) -> dict[str, Array]:
    """The results of a KERNEL-level loop nest by name, bit for bit those of the interpreter."""
    return run_body(kernel, None, inputs, checked=checked)


def run_body(
    body: Kernel, machine: Machine | None, inputs: abc.Mapping[str, Array], *, checked: bool
) -> dict[str, Array]:
    """As :func:`execute`, of a body of any level."""
    given = {tensor.name: _given(tensor, inputs) for tensor in body.tensors if _is_given(tensor)}
    if compiled_is_available():
        engine = import_module("isamapper.sim.functional.native_run")
        results: dict[str, Array] | None = engine.run_native(body, machine, given, checked=checked)
        if results is not None:
            return results
    return interpret(body, given, meaning=meaning_on(machine) if machine else None)


@cache
def compiled_is_available() -> bool:
    """Whether the library that the compiled engine needs is installed."""
    try:
        import_module("llvmlite")
    except ImportError:
        return False
    return True


def _is_given(tensor: Tensor) -> bool:
    return tensor.direction in (Direction.IN, Direction.INOUT)


def _given(tensor: Tensor, inputs: abc.Mapping[str, Array]) -> Array:
    if tensor.name not in inputs:
        raise SourceError(Diagnostic("IR301", f"no value is given for '{tensor.name}'", tensor.span))
    values = cast_array(inputs[tensor.name], tensor.dtype)
    if values.shape != tensor.shape:
        what = f"the value given for '{tensor.name}' has shape {list(values.shape)}, expected {list(tensor.shape)}"
        raise SourceError(Diagnostic("IR302", what, tensor.span))
    return values
