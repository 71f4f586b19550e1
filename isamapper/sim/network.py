"""What is done at once for several copies of a grid: one transfer that serves them all.

A grid's network may bring what all its copies read of a shared memory to all of them (``multicast``), and add up what
all of them add to one (``reduces``). That is so where the copies' loop decides neither whether an invocation is
executed nor what its window is, and the tensor is one for all. What all copies write alike into a tensor that is one
for them on chip is written once, and read once for that.
"""

from __future__ import annotations

from collections import abc

from isamapper.hwdesc.classify import reads_and_writes
from isamapper.hwdesc.model import Grid, Machine
from isamapper.ir.nodes import Invoke, Loop, Node, Tensor
from isamapper.plan.alike import done_alike, invokes, window_names
from isamapper.plan.cores import grid_named, is_divided, reduction_of

Together = tuple[tuple[int, str, int], ...]


def together(
    machine: Machine,
    chain: abc.Sequence[Loop],
    inside: abc.Sequence[Node],
    tensors: abc.Sequence[tuple[int, Tensor]],
) -> Together:
    """Invokes in ``inside``, counted in textual order, with operands and how many cores one transfer of them serves.

    ``tensors`` are those that cores share, with how many of the loops across grids stand around each.
    """
    grids = [(grid_named(machine, str(loop.across)), loop.iterator, loop.extent.bounds[0].constant) for loop in chain]
    homes = {tensor.name: (depth, str(tensor.memory)) for depth, tensor in tensors}
    found: list[tuple[int, str, int]] = []
    for number, (invoke, deciding) in enumerate(invokes(inside)):
        served = dict.fromkeys((name for name, _ in invoke.windows), 1)
        for place, (grid, iterator, count) in enumerate(grids):
            outside = {name: homes[window.tensor] for name, window in invoke.windows if window.tensor in homes}
            common = {name: memory for name, (depth, memory) in outside.items() if depth <= place}
            once = _once(machine, invoke, common) and done_alike(invoke, deciding, iterator)
            for operand, window in invoke.windows:
                alike = operand in common and iterator not in deciding | window_names(window)
                network = grid is not None and alike and _serves(machine, grid, invoke, operand, common[operand])
                served[operand] *= count if once or network else 1
        found += [(number, operand, cores) for operand, cores in served.items() if cores > 1]
    return tuple(found)


def _once(machine: Machine, invoke: Invoke, common: abc.Mapping[str, str]) -> bool:
    """Whether an invocation only touches what cores share, and writes on chip."""
    _, writes = reads_and_writes(machine.instruction(invoke.instruction))
    return len(common) == len(invoke.windows) and all(is_divided(machine.memory(common[name])) for name in writes)


def _serves(machine: Machine, grid: Grid, invoke: Invoke, operand: str, memory: str) -> bool:
    """Whether the network of ``grid`` does for all what one of them does with an operand in ``memory``."""
    instruction = machine.instruction(invoke.instruction)
    reads, writes = reads_and_writes(instruction)
    if operand in writes:
        return memory in grid.reduces and reduction_of(instruction, operand) is not None
    return operand in reads and memory in grid.multicast
