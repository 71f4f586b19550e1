"""Ways between a tensor's home and the memories an instruction's operand may lie in.

A route is a tuple of memories from home to instruction, home left out; it is empty where the operand may lie at home.
"""

from __future__ import annotations

import itertools

from isamapper.costmodels.shapes import boundaries
from isamapper.hwdesc.graph import routes as memory_routes
from isamapper.hwdesc.model import Instruction, Machine, MemoryKind
from isamapper.ir.types import DType
from isamapper.plan.copies import copies_between
from isamapper.plan.needle import operand_spec

__all__ = ["boundaries", "input_routes", "output_routes"]


def input_routes(
    machine: Machine, instruction: Instruction, operand: str, home: str, dtype: DType
) -> tuple[tuple[str, ...], ...]:
    """Routes for an operand that is read, those through all caches first, then the shortest."""
    return _ranked(machine, _routes(machine, instruction, operand, home, dtype, inward=True))


def output_routes(
    machine: Machine, instruction: Instruction, operand: str, home: str, dtype: DType
) -> tuple[tuple[str, ...], ...]:
    """Routes for an operand that is written (still listed from home to instruction)."""
    return _ranked(machine, _routes(machine, instruction, operand, home, dtype, inward=False))


def _routes(
    machine: Machine, instruction: Instruction, operand: str, home: str, dtype: DType, inward: bool
) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    for memory in operand_spec(instruction, operand).memories:
        if memory == home:
            found.append(())
            continue
        ends = (home, memory) if inward else (memory, home)
        for route in memory_routes(machine, *ends):
            path = route if inward else tuple(reversed(route))
            hops = itertools.pairwise(path)
            if all(copies_between(machine, *(hop if inward else hop[::-1]), dtype, dtype) for hop in hops):
                found.append(path[1:])
    return found


def _ranked(machine: Machine, routes: list[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    def rank(route: tuple[str, ...]) -> tuple[int, int, tuple[str, ...]]:
        kinds = [machine.memory(name).kind for name in route]
        caches = sum(kind is MemoryKind.CACHE for kind in kinds)
        registers = sum(kind is MemoryKind.REGISTERS for kind in kinds)
        return (max(0, registers - 1) * 10 - caches, len(route), route)

    return tuple(sorted(dict.fromkeys(routes), key=rank))
