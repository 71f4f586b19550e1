"""A machine as lanes, before it is drawn: memories side by side, units below one another, and their instructions as
links between memories.

Instructions of one unit that read and write the same memories are one link. What does not belong here: characters
(``machine_text.py``) and coordinates (``machine_svg.py``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass

from isamapper.hwdesc.classify import Work, classify, reads_and_writes
from isamapper.hwdesc.model import Grid, Instruction, Machine, Memory, MemoryKind, Unit


@dataclass(frozen=True, slots=True)
class Link:
    """Instructions of one unit that go the same way: read from memories and written to memories, by lane."""

    work: Work
    reads: tuple[int, ...]
    writes: tuple[int, ...]
    names: tuple[str, ...]
    implicit: bool


@dataclass(frozen=True, slots=True)
class Row:
    """A unit with its links, in the order of the machine's instructions, and the grids around it, outermost first."""

    unit: Unit
    links: tuple[Link, ...]
    inside: tuple[Grid, ...]


@dataclass(frozen=True, slots=True)
class Copies:
    """Neighbouring lanes ``first..last`` that a grid holds; ``depth`` counts the grids around it."""

    grid: Grid
    first: int
    last: int
    depth: int


@dataclass(frozen=True, slots=True)
class Lanes:
    """``grids`` are around neighbouring memories; those that hold units alone are known by the rows."""

    memories: tuple[Memory, ...]
    rows: tuple[Row, ...]
    grids: tuple[Copies, ...]


def lanes(machine: Machine) -> Lanes:
    """Hosts first, units that know nothing but hosts last; what grids hold stands together, inner grids last; otherwise
    the order of the file.
    """
    nesting = _nesting(machine)
    memories = tuple(sorted(machine.memories, key=lambda each: _place(each.kind, nesting.get(each.name, ()))))
    hosts = {memory.name for memory in machine.memories if memory.kind is MemoryKind.HOST}
    inside = {each.unit for each in machine.instructions for one in each.operands if not hosts.issuperset(one.memories)}
    units = tuple(sorted(machine.units, key=lambda each: (each.name not in inside, nesting.get(each.name, ()))))
    index = {memory.name: number for number, memory in enumerate(memories)}
    grids = machine.grids
    rows = tuple(
        Row(unit, tuple(_links(machine, unit, index)), tuple(grids[each] for each in nesting.get(unit.name, ())))
        for unit in units
    )
    columns = [nesting.get(memory.name, ()) for memory in memories]
    return Lanes(memories, rows, tuple(_copies(machine, columns)))


def points_left(link: Link, lane: int) -> bool:
    """Whether what is written at ``lane`` comes from lanes right of it alone."""
    return bool(link.reads) and min(link.reads) > lane


def _nesting(machine: Machine) -> dict[str, tuple[int, ...]]:
    """By name of a memory or unit: the numbers of the grids around it, outermost first."""
    numbers = {grid.name: number for number, grid in enumerate(machine.grids)}
    holder = {name: numbers[grid.name] for grid in machine.grids for name in grid.holds}
    found = {}
    for name in (*(memory.name for memory in machine.memories), *(unit.name for unit in machine.units)):
        around: list[int] = []
        inner = holder.get(name)
        while inner is not None and inner not in around:
            around.insert(0, inner)
            inner = holder.get(machine.grids[inner].name)
        if around:
            found[name] = tuple(around)
    return found


def _place(kind: MemoryKind, around: tuple[int, ...]) -> tuple[bool, tuple[int, ...]]:
    return (kind is not MemoryKind.HOST or bool(around), around)


def _copies(machine: Machine, nesting: abc.Sequence[tuple[int, ...]]) -> abc.Iterator[Copies]:
    """The extent of every grid over the parts in their order."""
    for number, grid in enumerate(machine.grids):
        held = [place for place, around in enumerate(nesting) if number in around]
        if held:
            depth = nesting[held[0]].index(number)
            yield Copies(grid, held[0], held[-1], depth)


def _links(machine: Machine, unit: Unit, index: abc.Mapping[str, int]) -> abc.Iterator[Link]:
    found: dict[tuple[Work, tuple[int, ...], tuple[int, ...], bool], list[str]] = {}
    for instruction in machine.instructions:
        if instruction.unit == unit.name:
            reads, writes = _ends(instruction, index)
            work = classify(instruction)
            found.setdefault((work, reads, writes, instruction.implicit), []).append(instruction.name)
    for (work, reads, writes, implicit), names in found.items():
        yield Link(work, reads, writes, tuple(names), implicit)


def _ends(instruction: Instruction, index: abc.Mapping[str, int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    reads, writes = reads_and_writes(instruction)

    def places(names: abc.Set[str]) -> tuple[int, ...]:
        held = {memory for operand in instruction.operands if operand.name in names for memory in operand.memories}
        return tuple(sorted(index[memory] for memory in held))

    return places(reads), places(writes)
