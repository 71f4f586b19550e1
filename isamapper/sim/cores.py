"""Programs whose loops run across the copies of a grid: one core at a time, phase after phase.

What this promises:
- every copy runs its iteration with a front end, queues and memories of its own; copies meet at the end of every loop
  across a grid, so phases follow one another and each takes as long as its slowest core;
- of a port or unit that cores share each of them has an equal share, whether the others use theirs or not; so cores do
  not disturb each other, and one is timed by itself;
- cores that differ in their values of the loop only where nothing ends early take the same time: the first stands for
  all but the last. Where a condition, or an extent that grows, depends on the value, every core is timed.

What does not belong here: the timing of a core (``timing.py``), what loops may run across grids (``check_cores.py``).
"""

from __future__ import annotations

import itertools
import math
from collections import abc
from dataclasses import dataclass, replace
from typing import assert_never

from isamapper.hwdesc.model import Machine
from isamapper.ir.affine import constant
from isamapper.ir.nodes import Allocate, Assign, Guard, Invoke, Loop, Node, Prepare, Window
from isamapper.ir.replacing import with_values
from isamapper.plan.alike import between
from isamapper.plan.cores import Across, across_chain, part_of, parts_of, share, sharers
from isamapper.plan.program import Program
from isamapper.sim.contention import Place, at_full_rate, places, scale_of
from isamapper.sim.counters import Event
from isamapper.sim.network import together
from isamapper.sim.repeats import alike
from isamapper.sim.step import in_step
from isamapper.sim.timeline import FrontEndUse, PortLoad, Timeline, Traffic, UnitUse


@dataclass(frozen=True, slots=True)
class Phase:
    """What runs between two meetings: programs of one core each, with how many cores run alike.

    ``times`` says how often it runs, where loops around it come back to it and take as long each time; ``shared`` is
    what each of several programs uses together with others.
    """

    across: Across
    programs: tuple[tuple[Program, int], ...]
    times: int = 1
    shared: tuple[tuple[Place, ...], ...] = ()

    @property
    def cores(self) -> int:
        return math.prod(count for _, count in self.across)


def runs_across(program: Program) -> bool:
    """Whether some loop of ``program`` runs across a grid."""
    return any(_crosses(node) for node in program.body.body)


def _crosses(node: Node) -> bool:
    return isinstance(node, Loop) and (node.across is not None or any(_crosses(each) for each in node.body))


MOST_WALKED = 200_000
"""Invocations of cores that are walked side by side; of longer phases every core is timed at its even share."""

Jointly = abc.Callable[[abc.Sequence[Program], abc.Sequence[tuple[Place, ...]], int], abc.Sequence[Timeline]]
"""Times programs of cores that contend, measured in so many fractions of the cycles of the ports that they share."""


def simulate_cores(program: Program, alone: abc.Callable[[Program], Timeline], jointly: Jointly) -> Timeline:
    """The timeline of ``program``; ``alone`` times a program of one core, ``jointly`` several side by side."""
    return _joined(program.machine, [(phase, _timed(phase, alone, jointly)) for phase in phases(program)])


def _timed(phase: Phase, alone: abc.Callable[[Program], Timeline], jointly: Jointly) -> list[tuple[Timeline, int]]:
    programs, counts = [each for each, _ in phase.programs], [count for _, count in phase.programs]
    apart = [(alone(each), count) for each, count in phase.programs]
    if not any(phase.shared) or sum(each.invocations for each, _ in apart) > MOST_WALKED:
        return apart
    scale = scale_of(programs)
    measured = [at_full_rate(each, own, scale) for each, own in zip(programs, phase.shared, strict=True)]
    return list(zip(jointly(measured, phase.shared, scale), counts, strict=True))


def phases(program: Program) -> tuple[Phase, ...]:
    """The program cut where cores meet; what runs on no grid is a phase of one core.

    A loop around loops across grids is taken apart: of its iterations that take as long, the first stands for all.
    """
    parts = parts_of(program.body, program.machine)
    held = tuple(_of_core(node, parts) for node in program.body.body if isinstance(node, (Prepare, Allocate)))
    work = [_of_core(node, parts) for node in program.body.body if not isinstance(node, (Prepare, Allocate))]
    return tuple(_phases(program, held, work, 1))


def _phases(program: Program, held: tuple[Node, ...], work: abc.Sequence[Node], times: int) -> abc.Iterator[Phase]:
    """The phases of ``work``, all of which is done so many ``times``."""
    for crosses, group in itertools.groupby(work, _crosses):
        if not crosses:
            yield _phase(program, held, list(group), times)
            continue
        for node in group:
            if across_chain(node)[0]:
                yield _phase(program, held, [node], times)
            elif isinstance(node, Loop):
                for value, count in alike(program, held, node):
                    body = [with_values(each, {node.iterator: constant(value)}) for each in node.body]
                    yield from _phases(program, held, body, times * count)


def _phase(program: Program, held: tuple[Node, ...], nodes: abc.Sequence[Node], times: int) -> Phase:
    chain, inside = across_chain(nodes[0])
    if not chain:
        return Phase((), ((_alone(program, program.machine, (*held, *nodes)), 1),), times)
    across = tuple((str(loop.across), loop.extent.bounds[0].constant) for loop in chain)
    machine = share(program.machine, across)
    choices = [_classes(loop.iterator, count, inside) for loop, (_, count) in zip(chain, across, strict=True)]
    outside = (*program.body.tensors, *(node.tensor for node in held if isinstance(node, Allocate)))
    served = together(program.machine, chain, inside, [*((0, each) for each in outside), *between(nodes[0])])
    programs: list[tuple[Program, int]] = []
    shared: list[tuple[Place, ...]] = []
    for chosen in itertools.product(*(tuple(enumerate(classes)) for classes in choices)):
        values = {loop.iterator: constant(value) for loop, (_, (value, _)) in zip(chain, chosen, strict=True)}
        body = tuple(with_values(node, values) for node in inside)
        core = replace(_alone(program, machine, (*held, *body)), together=served)
        programs.append((core, math.prod(count for _, (_, count) in chosen)))
        numbers = tuple((number, count) for number, (_, count) in chosen)
        shared.append(places(program.machine, across, numbers))
    if all(in_step(programs[0][0], core) for core, _ in programs[1:]):
        return Phase(across, ((programs[0][0], math.prod(count for _, count in across)),), times)
    return Phase(across, tuple(programs), times, tuple(shared))


def _alone(program: Program, machine: Machine, body: tuple[Node, ...]) -> Program:
    return Program(program.kernel, machine, replace(program.body, body=body))


def _classes(iterator: str, count: int, body: tuple[Node, ...]) -> tuple[tuple[int, int], ...]:
    """Values of an iterator that stand for all, with how many each stands for."""
    if count <= 2 or _decides(iterator, body):
        return tuple((value, 1) for value in range(count))
    return (0, count - 1), (count - 1, 1)


def _decides(iterator: str, body: tuple[Node, ...]) -> bool:
    """Whether the iterator stands in a condition, or in an extent that grows with it."""
    for node in body:
        match node:
            case Loop(_, extent, inner):
                if any(bound.coefficient(iterator) > 0 for bound in extent.bounds) or _decides(iterator, inner):
                    return True
            case Guard(conditions, inner, otherwise):
                if any(iterator in each.function.names for each in conditions) or _decides(iterator, inner + otherwise):
                    return True
            case Invoke(_, windows, parameters):
                extents = [value for _, value in parameters]
                extents += [axis.extent for _, window in windows for axis in window.axes]
                if any(bound.coefficient(iterator) > 0 for extent in extents for bound in extent.bounds):
                    return True
            case Allocate() | Prepare() | Assign():
                pass
            case _:
                assert_never(node)
    return False


def _of_core(node: Node, parts: abc.Mapping[str, int]) -> Node:
    """``node`` as one core sees it: of tensors that lie in parts there is its own."""
    match node:
        case Allocate():
            return replace(node, tensor=part_of(node.tensor, parts)) if node.tensor.name in parts else node
        case Loop():
            return replace(node, body=tuple(_of_core(each, parts) for each in node.body)) if parts else node
        case Guard():
            body, otherwise = (tuple(_of_core(each, parts) for each in part) for part in (node.body, node.otherwise))
            return replace(node, body=body, otherwise=otherwise)
        case Invoke():
            windows = tuple((name, _of_part(window, parts.get(window.tensor, 0))) for name, window in node.windows)
            return replace(node, windows=windows)
        case Prepare() | Assign():
            return node
        case _:
            assert_never(node)


def _of_part(window: Window, axes: int) -> Window:
    if not axes:
        return window
    moved = tuple(replace(each, steps=tuple((axis - axes, step) for axis, step in each.steps)) for each in window.axes)
    return replace(window, offsets=window.offsets[axes:], axes=moved)


# joining timelines

Timed = list[tuple[Phase, list[tuple[Timeline, int]]]]


def _joined(machine: Machine, found: Timed) -> Timeline:
    """All cores of all phases as one timeline; units and private ports count once per core that is used at all."""
    cores = max(phase.cores for phase, _ in found)
    cycles = sum(phase.times * max(each.cycles for each, _ in timed) for phase, timed in found)
    every = [(each, count * phase.times) for phase, timed in found for each, count in timed]
    counts: dict[str, int] = {}
    for each, count in every:
        for name, executed in each.instructions:
            counts[name] = counts.get(name, 0) + executed * count
    order = [instruction.name for instruction in machine.instructions]
    events, names = _events(found)
    energies = [None if each.energy_pj is None else each.energy_pj * count for each, count in every]
    known = [energy for energy in energies if energy is not None]
    return Timeline(
        machine.name,
        machine.clock_hz,
        cycles,
        tuple((name, counts[name]) for name in order if name in counts),
        tuple(_unit(machine, index, cores, cycles, found) for index in range(len(machine.units))),
        _front_end(cores, every),
        tuple(_port(machine, index, cores, found) for index in range(len(every[0][0].ports))),
        tuple(_traffic(index, every) for index in range(len(machine.memories))),
        sum(known) if len(known) == len(energies) else None,
        events,
        names,
    )


def _events(found: Timed) -> tuple[tuple[Event, ...], tuple[tuple[str, str], ...]]:
    """What the slowest core of every phase did, one phase after the other, once each, and the names of all sites."""
    events: list[Event] = []
    names: list[tuple[str, str]] = []
    start = before = 0
    for _, timed in found:
        slowest = max((each for each, _ in timed), key=lambda each: each.cycles)
        events += [_later(event, start, len(names), before) for event in slowest.events]
        names += slowest.names
        start, before = start + slowest.cycles, before + slowest.invocations
    return tuple(events), tuple(names)


def _later(event: Event, start: int, sites: int, before: int) -> Event:
    return Event(
        event.site + sites,
        event.dispatched + start,
        event.free + start,
        event.waits,
        event.start + start,
        event.released + start,
        event.end + start,
        event.number + before,
    )


def _unit(machine: Machine, index: int, cores: int, cycles: int, found: Timed) -> UnitUse:
    """A shared unit is busy for what all its sharers do, in their shares of its time."""
    stalls: dict[str, int] = {}
    busy, executed, shared = 0, 0, 1
    for phase, timed in found:
        sharing = sharers(machine, machine.units[index].name, phase.across)
        shared = max(shared, sharing)
        for use, count in ((each.units[index], count * phase.times) for each, count in timed):
            busy += use.busy_cycles * count // sharing
            executed += use.instructions * count
            for reason, lost in use.stalls:
                stalls[reason] = stalls.get(reason, 0) + lost * count // sharing
    first = found[0][1][0][0].units[index]
    servers = first.servers * max(1, cores // shared)
    idle = servers * cycles - busy - sum(stalls.values())
    return UnitUse(first.name, servers, executed, busy, tuple(stalls.items()), idle)


def _front_end(cores: int, every: list[tuple[Timeline, int]]) -> FrontEndUse:
    fronts = [(each.front_end, count) for each, count in every]
    return FrontEndUse(
        fronts[0][0].per_cycle * cores,
        sum(front.dispatched * count for front, count in fronts),
        sum(front.rate_cycles * count for front, count in fronts),
        sum(front.queue_full_cycles * count for front, count in fronts),
        sum(front.window_full_cycles * count for front, count in fronts),
    )


def _port(machine: Machine, index: int, cores: int, found: Timed) -> PortLoad:
    """A shared port is busy for what all its sharers move; private ones count once per core."""
    first = found[0][1][0][0].ports[index]
    busy, moved, shared = 0, 0, 1
    for phase, timed in found:
        sharing = sharers(machine, first.memory, phase.across)
        busy += sum(each.ports[index].busy_cycles * count for each, count in timed) * phase.times // sharing
        moved += sum(each.ports[index].moved_bytes * count for each, count in timed) * phase.times
        shared = max(shared, sharing)
    return PortLoad(first.memory, first.port, first.banks * max(1, cores // shared), busy, moved)


def _traffic(index: int, every: list[tuple[Timeline, int]]) -> Traffic:
    loads = [(each.traffic[index], count) for each, count in every]
    read = sum(load.read_bytes * count for load, count in loads)
    return Traffic(loads[0][0].memory, read, sum(load.written_bytes * count for load, count in loads))
