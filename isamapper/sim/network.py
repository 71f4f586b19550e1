"""What the network between the copies of a grid does at once for all: one transfer that serves several cores.

A grid may bring what all its copies read of a shared memory to all of them (``multicast``), and add up what all of them
add to one (``reduces``). That is so where the copies' loop decides neither whether an invocation is executed nor what
its window is, and the tensor is one for all.
"""

from __future__ import annotations

from collections import abc
from typing import assert_never

from isamapper.hwdesc.classify import reads_and_writes
from isamapper.hwdesc.model import Grid, Machine
from isamapper.ir.affine import Affine
from isamapper.ir.nodes import Allocate, Assign, Guard, Invoke, Loop, Node, Prepare, Tensor, Window
from isamapper.plan.cores import grid_named, reduction_of

Together = tuple[tuple[int, str, int], ...]


def together(
    machine: Machine, chain: abc.Sequence[Loop], inside: abc.Sequence[Node], tensors: abc.Sequence[Tensor]
) -> Together:
    """Invokes in ``inside``, counted in textual order, with operands and how many cores one transfer of them serves."""
    grids = {loop.iterator: (grid_named(machine, str(loop.across)), loop.extent.bounds[0].constant) for loop in chain}
    known = {name: (grid, count) for name, (grid, count) in grids.items() if grid is not None and _connects(grid)}
    if not known:
        return ()
    homes = {tensor.name: str(tensor.memory) for tensor in tensors}
    found: list[tuple[int, str, int]] = []
    for number, (invoke, deciding) in enumerate(_invokes(inside, frozenset())):
        for operand, window in invoke.windows:
            memory = homes.get(window.tensor)
            if memory is not None:
                cores = 1
                for iterator, (grid, count) in known.items():
                    alike = iterator not in deciding | _names(window)
                    cores *= count if alike and _serves(machine, grid, invoke, operand, memory) else 1
                found += [(number, operand, cores)] if cores > 1 else []
    return tuple(found)


def _connects(grid: Grid) -> bool:
    return bool(grid.multicast or grid.reduces)


def _serves(machine: Machine, grid: Grid, invoke: Invoke, operand: str, memory: str) -> bool:
    """Whether the network of ``grid`` does for all what one of them does with an operand in ``memory``."""
    instruction = machine.instruction(invoke.instruction)
    reads, writes = reads_and_writes(instruction)
    if operand in writes:
        return memory in grid.reduces and reduction_of(instruction, operand) is not None
    return operand in reads and memory in grid.multicast


def _invokes(nodes: abc.Iterable[Node], deciding: frozenset[str]) -> abc.Iterator[tuple[Invoke, frozenset[str]]]:
    """Invokes in textual order, with the names that decide whether and how often they are executed."""
    for node in nodes:
        match node:
            case Invoke():
                yield node, deciding
            case Loop(_, extent, inner):
                yield from _invokes(inner, deciding | _all(extent.bounds))
            case Guard(conditions, inner, otherwise):
                yield from _invokes((*inner, *otherwise), deciding | _all(each.function for each in conditions))
            case Allocate() | Prepare() | Assign():
                pass
            case _:
                assert_never(node)


def _names(window: Window) -> frozenset[str]:
    return _all((*window.offsets, *(bound for axis in window.axes for bound in axis.extent.bounds)))


def _all(functions: abc.Iterable[Affine]) -> frozenset[str]:
    return frozenset(name for function in functions for name in function.names)
