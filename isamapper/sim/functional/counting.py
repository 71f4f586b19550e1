"""How much work a kernel or a program is: statement instances, counted without running anything."""

from __future__ import annotations

from math import prod

from isamapper.hwdesc.model import Machine
from isamapper.ir.nodes import Assign, Invoke, Kernel
from isamapper.ir.walk import walk


def instances(body: Kernel, machine: Machine | None = None) -> int:
    """Statement instances executed, at most: loops at their greatest extents, instructions at greatest parameters."""
    total = 0
    meanings: dict[str, int] = {}
    for node, place in walk(body):
        if isinstance(node, Assign):
            total += prod(place.extents)
        elif isinstance(node, Invoke) and machine is not None:
            name = node.instruction
            if name not in meanings:
                meanings[name] = instances(machine.instruction(name).semantics)
            total += prod(place.extents) * meanings[name]
    return total


def invocations(body: Kernel) -> int:
    """Instructions executed, at most."""
    return sum(prod(place.extents) for node, place in walk(body) if isinstance(node, Invoke))
