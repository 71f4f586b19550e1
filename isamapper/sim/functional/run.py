"""Running programs and kernels: the entry points of this room."""

from __future__ import annotations

from collections import abc
from typing import Any, TypeAlias

import numpy as np

from isamapper.hwdesc.bind import bind_instruction
from isamapper.hwdesc.model import Machine
from isamapper.ir.interpreter import interpret
from isamapper.ir.nodes import Kernel
from isamapper.plan.program import Program

Array: TypeAlias = np.ndarray[Any, Any]
Meaning: TypeAlias = abc.Callable[[str, abc.Mapping[str, int]], Kernel]


def meaning_on(machine: Machine) -> Meaning:
    """What each instruction of ``machine`` computes at given parameter values."""
    return lambda name, parameters: bind_instruction(machine.instruction(name), parameters)


def execute(program: Program, inputs: abc.Mapping[str, Array]) -> dict[str, Array]:
    """The results of ``program`` by name: bit for bit those of the interpreter on ``program.body``."""
    return interpret(program.body, inputs, meaning=meaning_on(program.machine))


def evaluate(kernel: Kernel, inputs: abc.Mapping[str, Array]) -> dict[str, Array]:
    """The results of a KERNEL-level loop nest by name, bit for bit those of the interpreter."""
    return interpret(kernel, inputs)
