"""How much work a kernel or a program is: statement instances, counted without running anything."""

from __future__ import annotations

from collections import abc
from math import prod

from isamapper.hwdesc.bind import bind_instruction
from isamapper.hwdesc.model import Instruction, Machine
from isamapper.ir.nodes import Assign, Invoke, Kernel
from isamapper.ir.walk import greatest_extent, walk


def instances(body: Kernel, machine: Machine | None = None) -> int:
    """Statement instances executed, at most: loops and parameters at the greatest values that they take."""
    total = 0
    for node, place in walk(body):
        if isinstance(node, Assign):
            total += prod(place.extents)
        elif isinstance(node, Invoke) and machine is not None:
            box = dict(zip(place.iterators, place.extents, strict=True))
            total += prod(place.extents) * _of_invocation(node, machine.instruction(node.instruction), box)
    return total


def _of_invocation(invoke: Invoke, instruction: Instruction, box: abc.Mapping[str, int]) -> int:
    """Statement instances of one invocation at the greatest parameter values that it can have."""
    given = dict(invoke.parameters)
    values: dict[str, int] = {}
    for parameter in instruction.parameters:
        reach = greatest_extent(given[parameter.name], box) if parameter.name in given else parameter.high
        steps = (min(reach, parameter.high) - parameter.low) // parameter.step
        values[parameter.name] = parameter.low + max(0, steps) * parameter.step
    return instances(bind_instruction(instruction, values))


def invocations(body: Kernel) -> int:
    """Instructions executed, at most."""
    return sum(prod(place.extents) for node, place in walk(body) if isinstance(node, Invoke))
