"""Which parts of a machine a grid copies, and which loops of a program run across its copies."""

from __future__ import annotations

import math
from collections import abc
from dataclasses import replace
from functools import lru_cache

from isamapper.hwdesc.model import Grid, Instruction, Machine, Memory, MemoryKind, Unit
from isamapper.ir.affine import variable
from isamapper.ir.analysis import statements
from isamapper.ir.expressions import loads
from isamapper.ir.nodes import Allocate, Assign, Guard, Invoke, Kernel, Loop, Node, Prepare, Reduction, Tensor, Window
from isamapper.ir.sizes import SizeBinary, SizeConstant, SizeOp

Across = tuple[tuple[str, int], ...]
"""Grids with how many of their copies are used, outermost loop first."""


@lru_cache(maxsize=256)
def held(machine: Machine, grid: str) -> frozenset[str]:
    """Names of the memories and units of which every copy of ``grid`` has its own, those of grids inside it too."""
    inner = {each.name: each for each in machine.grids}
    found: set[str] = set()
    pending = list(inner[grid].holds) if grid in inner else []
    while pending:
        name = pending.pop()
        if name in inner:
            pending.extend(inner[name].holds)
        else:
            found.add(name)
    return frozenset(found)


def grid_named(machine: Machine, name: str) -> Grid | None:
    """The grid called ``name``, if there is one."""
    return next((each for each in machine.grids if each.name == name), None)


def own(machine: Machine, grids: abc.Iterable[str]) -> frozenset[str]:
    """What a core of its own has: held by every one of ``grids``."""
    found = [held(machine, grid) for grid in grids]
    return frozenset.intersection(*found) if found else frozenset()


@lru_cache(maxsize=1024)
def copies(machine: Machine, name: str) -> int:
    """How many of a memory or unit the whole machine has, servers apart: the copies of all grids around it."""
    return math.prod(grid.count for grid in machine.grids if name in held(machine, grid.name))


def sharers(machine: Machine, name: str, across: Across) -> int:
    """How many cores use one copy of the memory or unit ``name`` at the same time."""
    return math.prod(count for grid, count in across if name not in held(machine, grid))


@lru_cache(maxsize=1024)
def reduction_of(instruction: Instruction, operand: str) -> Reduction | None:
    """The reduction that is all that ``instruction`` does to ``operand``: cores may do it in any order."""
    found = statements(instruction.semantics)
    kinds = {each.assign.reduction for each in found if each.assign.target.tensor == operand}
    read = any(access.tensor == operand for each in found for access in loads(each.assign.value))
    return next(iter(kinds)) if len(kinds) == 1 and not read else None


def sharing_loops(machine: Machine, loops: abc.Iterable[tuple[str, str]], memory: str) -> tuple[str, ...]:
    """Of loops across grids those whose copies share one ``memory``."""
    return tuple(loop for loop, grid in loops if memory not in held(machine, grid))


def is_divided(memory: Memory) -> bool:
    """Whether cores that share ``memory`` may have a part of it each: on chip, addressed, of known size."""
    return memory.kind is MemoryKind.ADDRESSED and memory.capacity_bytes is not None


def share(machine: Machine, across: Across) -> Machine:
    """The machine as one core sees it: its part of all that cores share.

    Of a port a part of its bandwidth; of a unit a part of its time, so that every instruction occupies it for as many
    times its cycles as there are sharers, and of its queue and of what it may have under way.
    """
    memories = []
    for memory in machine.memories:
        count = sharers(machine, memory.name, across)
        ports = tuple(replace(port, sharers=port.sharers * count) for port in memory.ports)
        memories.append(replace(memory, ports=ports))
    taken = {unit.name: sharers(machine, unit.name, across) for unit in machine.units}
    units = tuple(_part(unit, taken[unit.name]) for unit in machine.units)
    instructions = tuple(_slower(each, taken[each.unit]) for each in machine.instructions)
    return replace(machine, memories=tuple(memories), units=units, instructions=instructions)


def _part(unit: Unit, count: int) -> Unit:
    if count == 1:
        return unit
    depth, most = (None if size is None else max(1, size // count) for size in (unit.queue_depth, unit.in_flight))
    return replace(unit, queue_depth=depth, in_flight=most)


def _slower(instruction: Instruction, count: int) -> Instruction:
    if count == 1:
        return instruction
    occupies = SizeBinary(SizeOp.MUL, instruction.occupies_cycles, SizeConstant(count))
    return replace(instruction, occupies_cycles=occupies)


def within_cores(nodes: tuple[Node, ...], allocated: tuple[Node, ...], depth: int) -> tuple[Node, ...]:
    """``nodes`` after ``allocated``, which stand inside the ``depth`` outermost loops: every core has its own."""
    if not depth:
        return (*allocated, *nodes)
    (loop,) = nodes
    assert isinstance(loop, Loop)
    return (replace(loop, body=within_cores(loop.body, allocated, depth - 1)),)


def across_chain(node: Node) -> tuple[tuple[Loop, ...], tuple[Node, ...]]:
    """The loops across grids at the top of ``node``, outermost first, and what stands inside them.

    What is allocated between them stands first.
    """
    chain: list[Loop] = []
    held_: list[Node] = []
    body: tuple[Node, ...] = (node,)
    while True:
        allocated = [each for each in body if isinstance(each, Allocate)]
        rest = [each for each in body if not isinstance(each, Allocate)]
        if len(rest) != 1 or not isinstance(rest[0], Loop) or rest[0].across is None:
            return tuple(chain), (*held_, *body)
        held_ += allocated
        chain.append(rest[0])
        body = rest[0].body


# tensors that lie in parts, one on every core


def part_of(tensor: Tensor, parts: abc.Mapping[str, int]) -> Tensor:
    """What one core holds of ``tensor``."""
    return replace(tensor, shape=tensor.shape[parts.get(tensor.name, 0) :])


def parts_of(body: Kernel, machine: Machine) -> dict[str, int]:
    """Tensors in memories of cores of which every core has a part of its own: how many axes tell cores apart.

    Such a tensor is allocated outside all loops, and every window on it starts, along its first axes, where the loops
    across the grids stand: what one core touches no other does.
    """
    owned = {
        node.tensor.name: node.tensor
        for node in body.body
        if isinstance(node, Allocate) and any(str(node.tensor.memory) in held(machine, g.name) for g in machine.grids)
    }
    if not owned:
        return {}
    found: dict[str, Across] = {}
    for window, chain in _windows(body.body, ()):
        tensor = owned.get(window.tensor)
        if tensor is not None:
            own = _own_axes(machine, tensor, window, chain)
            found[tensor.name] = own if found.get(tensor.name, own) == own else ()
    return {name: len(across) for name, across in found.items() if across}


def _own_axes(machine: Machine, tensor: Tensor, window: Window, chain: tuple[Loop, ...]) -> Across:
    """The grids whose loops the first axes of a window follow; nothing where they do not, or the memory is shared."""
    if not chain or tensor.memory not in own(machine, (str(loop.across) for loop in chain)):
        return ()
    moved = {axis for each in window.axes for axis, _ in each.steps}
    for axis, loop in enumerate(chain):
        whole = axis < len(tensor.shape) and loop.extent.is_constant
        if not whole or axis in moved or window.offsets[axis] != variable(loop.iterator):
            return ()
        if loop.extent.bounds[0].constant != tensor.shape[axis]:
            return ()
    return tuple((str(loop.across), loop.extent.bounds[0].constant) for loop in chain)


def _windows(nodes: abc.Iterable[Node], chain: tuple[Loop, ...]) -> abc.Iterator[tuple[Window, tuple[Loop, ...]]]:
    """Windows with the loops across grids around them."""
    for node in nodes:
        match node:
            case Invoke(_, windows):
                yield from ((window, chain) for _, window in windows)
            case Loop(_, _, inner):
                yield from _windows(inner, chain if node.across is None else (*chain, node))
            case Guard(_, inner, otherwise):
                yield from _windows((*inner, *otherwise), chain)
            case Allocate() | Prepare() | Assign():
                pass
