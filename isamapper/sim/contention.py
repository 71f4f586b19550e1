"""Which cores contend for which ports, and how much of one each gets: a port is fair in every cycle.

In a cycle a port that cores share divides its bandwidth evenly among those of them that have something waiting there;
what one leaves, the others have. So cores that run alike are in step for ever, and each of n of them is a core by
itself at a port n times as slow: one is timed. Cores that run differently (a last one with less to do) are timed side
by side, one for all that run alike.

A core's part of a cycle is counted in fractions, ``SCALE`` or more to a cycle of the port, rounded up: n alike cores
take exactly the cycles that one takes at an n-th of the bandwidth, as long as a transfer is of less than ``SCALE`` / n²
bytes. What does not belong here: the walk through time (``joint.py``).
"""

from __future__ import annotations

import math
from collections import abc
from dataclasses import dataclass, replace

from isamapper.hwdesc.model import Machine
from isamapper.plan.cores import Across, held, sharers
from isamapper.plan.program import Program
from isamapper.sim.counters import Counters
from isamapper.sim.sites import Model

SCALE = 1 << 36

Chosen = tuple[tuple[int, int], ...]
"""Per loop across a grid the number of a class of values, and how many values it has."""


@dataclass(frozen=True, slots=True)
class Place:
    """What a core uses together with others: a copy of a memory, told apart by ``key``, and for how many it stands."""

    memory: str
    key: tuple[int, ...]
    weight: int


@dataclass(frozen=True, slots=True)
class Contention:
    """A calendar of a port: ``(core, its number of the calendar, for how many cores it stands)``."""

    members: tuple[tuple[int, int, int], ...]


def places(machine: Machine, across: Across, chosen: Chosen) -> tuple[Place, ...]:
    """What a core of these classes shares with others that have ports there."""
    found = []
    for memory in machine.memories:
        if memory.ports and sharers(machine, memory.name, across) > 1:
            own = [memory.name in held(machine, grid) for grid, _ in across]
            key = tuple(number for (number, _), mine in zip(chosen, own, strict=True) if mine)
            weight = math.prod(count for (_, count), mine in zip(chosen, own, strict=True) if not mine)
            found.append(Place(memory.name, key, weight))
    return tuple(found)


def scale_of(programs: abc.Iterable[Program]) -> int:
    """Fractions of a port's cycle: some power of two times what transfers that serve several cores divide it by."""
    return math.lcm(*(cores for program in programs for _, _, cores in program.together)) * SCALE


def at_full_rate(program: Program, shared: abc.Iterable[Place], scale: int) -> Program:
    """The program of a core that measures its transfers at shared ports in fractions of the whole port's cycles."""
    names = {place.memory for place in shared}
    memories = tuple(
        replace(memory, ports=tuple(replace(port, sharers=scale) for port in memory.ports))
        if memory.name in names
        else memory
        for memory in program.machine.memories
    )
    return replace(program, machine=replace(program.machine, memories=memories))


def contentions(models: abc.Sequence[Model], shared: abc.Sequence[tuple[Place, ...]]) -> tuple[Contention, ...]:
    """The calendars of shared ports, with the cores that ask there."""
    found: dict[tuple[str, tuple[int, ...], int], list[tuple[int, int, int]]] = {}
    for core, (model, own) in enumerate(zip(models, shared, strict=True)):
        for place in own:
            for use in model.ports:
                if use.memory.name == place.memory and use.cores == 1:
                    for bank in range(use.banks):
                        calendar = use.first + bank
                        found.setdefault((place.memory, place.key, calendar), []).append((core, calendar, place.weight))
    return tuple(Contention(tuple(members)) for members in found.values())


def credit(scale: int, weight: int) -> int:
    """What each of so many cores does in a cycle."""
    return -(-scale // weight)


def in_port_cycles(found: abc.Sequence[Counters], contended: abc.Sequence[Contention]) -> None:
    """Beats at shared ports, counted as if each core had the port for itself, as what they take at even shares."""
    for each in contended:
        total = sum(weight for _, _, weight in each.members)
        for core, calendar, weight in each.members:
            found[core].beats[calendar] = -(-found[core].beats[calendar] * total // weight)
