"""What a simulation found: cycles, where they went, and what was moved.

A timeline is a value: the same program gives an equal timeline whichever engine timed it. Text for people is
``bars.py``; the trace file is ``trace.py``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from isamapper.hwdesc.model import Machine
from isamapper.sim.counters import NO_WORK, REASONS, Counters, Event
from isamapper.sim.sites import Model


@dataclass(frozen=True, slots=True)
class UnitUse:
    """Cycles of a unit's servers: ``busy + stalls + idle = servers * cycles`` of the program.

    ``busy_cycles`` is what the invocations need by themselves; ``stalls`` holds what was lost, per reason; idle is the
    time in which the front end had nothing for the unit, the time after its last invocation included.
    """

    name: str
    servers: int
    instructions: int
    busy_cycles: int
    stalls: tuple[tuple[str, int], ...]
    idle_cycles: int

    @property
    def stalled_cycles(self) -> int:
        return sum(cycles for _, cycles in self.stalls)


@dataclass(frozen=True, slots=True)
class FrontEndUse:
    """Dispatch: how many invocations in how many slots, and how many cycles it stood still for what."""

    per_cycle: int
    dispatched: int
    rate_cycles: int
    queue_full_cycles: int
    window_full_cycles: int


@dataclass(frozen=True, slots=True)
class PortLoad:
    """Beats served by one port, all banks together, and the bytes they moved, before any rounding."""

    memory: str
    port: str
    banks: int
    busy_cycles: int
    moved_bytes: int


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes of operands read from and written to one memory, before any rounding by its ports."""

    memory: str
    read_bytes: int
    written_bytes: int


@dataclass(frozen=True, slots=True)
class Timeline:
    """The cycles of one program on one machine.

    ``events`` holds the first invocations where a trace was asked for, and ``names`` the instruction and unit of each
    site that they refer to; they are no part of equality.
    """

    machine: str
    clock_hz: int
    cycles: int
    instructions: tuple[tuple[str, int], ...]
    units: tuple[UnitUse, ...]
    front_end: FrontEndUse
    ports: tuple[PortLoad, ...]
    traffic: tuple[Traffic, ...]
    energy_pj: float | None
    events: tuple[Event, ...] = field(default=(), repr=False, compare=False)
    names: tuple[tuple[str, str], ...] = field(default=(), repr=False, compare=False)

    @property
    def invocations(self) -> int:
        """Instructions executed."""
        return sum(count for _, count in self.instructions)

    @property
    def utilization(self) -> tuple[tuple[str, float], ...]:
        """Share of the program's cycles in which each resource worked: units, ports, dispatch slots."""
        cycles = max(1, self.cycles)
        front = self.front_end
        return (
            *((unit.name, unit.busy_cycles / (unit.servers * cycles)) for unit in self.units),
            *((f"{load.memory}.{load.port}", load.busy_cycles / (load.banks * cycles)) for load in self.ports),
            ("dispatch", front.dispatched / (front.per_cycle * cycles)),
        )

    @property
    def critical_resource(self) -> str:
        """The resource that worked the greatest share of the time; the first of several."""
        return max(self.utilization, key=lambda item: item[1])[0]

    def to_dict(self) -> dict[str, object]:
        """The timeline as JSON values; every key names its unit."""
        front = self.front_end
        return {
            "machine": self.machine,
            "clock_hz": self.clock_hz,
            "cycles": self.cycles,
            "seconds": self.cycles / self.clock_hz,
            "instructions": dict(self.instructions),
            "critical_resource": self.critical_resource,
            "utilization": {name: round(share, 6) for name, share in self.utilization},
            "units": {
                unit.name: {
                    "servers": unit.servers,
                    "instructions": unit.instructions,
                    "busy_cycles": unit.busy_cycles,
                    "stall_cycles": dict(unit.stalls),
                    "idle_cycles": unit.idle_cycles,
                }
                for unit in self.units
            },
            "dispatch": {
                "instructions": front.dispatched,
                "stall_cycles": {
                    "rate": front.rate_cycles,
                    "queue_full": front.queue_full_cycles,
                    "window_full": front.window_full_cycles,
                },
            },
            "ports": {
                f"{load.memory}.{load.port}": {"busy_cycles": load.busy_cycles, "bytes": load.moved_bytes}
                for load in self.ports
            },
            "bytes": {each.memory: {"read": each.read_bytes, "write": each.written_bytes} for each in self.traffic},
            "energy_pj": self.energy_pj,
        }


def timeline(model: Model, counters: Counters) -> Timeline:
    """The timeline that an engine's totals amount to."""
    machine = model.machine
    counts = zip(machine.instructions, counters.invocations, strict=True)
    instructions = tuple((each.name, count) for each, count in counts if count)
    traffic = tuple(
        Traffic(memory.name, *moved) for memory, moved in zip(machine.memories, counters.bytes, strict=True)
    )
    return Timeline(
        machine.name,
        machine.clock_hz,
        counters.cycles,
        instructions,
        _units(model, counters),
        _front_end(model, counters),
        tuple(
            PortLoad(
                use.memory.name,
                use.port.name,
                use.banks,
                sum(counters.beats[use.first : use.first + use.banks]),
                sum(counters.port_bytes[each.index] for each in model.ports if each.first == use.first),
            )
            for use in model.ports
            if use.cores == 1
        ),
        traffic,
        _energy_pj(machine, dict(instructions), traffic),
        tuple(counters.events),
        tuple((site.instruction.name, machine.units[site.unit].name) for site in model.sites),
    )


def _units(model: Model, counters: Counters) -> tuple[UnitUse, ...]:
    executed = {unit.name: 0 for unit in model.machine.units}
    for instruction, count in zip(model.machine.instructions, counters.invocations, strict=True):
        executed[instruction.unit] += count
    found = []
    for index, unit in enumerate(model.machine.units):
        busy = counters.busy[index] - counters.overhang[index]
        lost = zip(REASONS[NO_WORK + 1 :], counters.stalls[index][NO_WORK + 1 :], strict=True)
        stalls = tuple((reason, cycles) for reason, cycles in lost if cycles)
        idle = unit.count * counters.cycles - busy - sum(cycles for _, cycles in stalls)
        found.append(UnitUse(unit.name, unit.count, executed[unit.name], busy, stalls, idle))
    return tuple(found)


def _front_end(model: Model, counters: Counters) -> FrontEndUse:
    counts = zip(model.machine.instructions, counters.invocations, strict=True)
    dispatched = sum(count for instruction, count in counts if not instruction.implicit)
    return FrontEndUse(model.machine.dispatch.per_cycle, dispatched, *counters.front_end)


def _energy_pj(machine: Machine, instructions: dict[str, int], traffic: tuple[Traffic, ...]) -> float | None:
    """Picojoules of instructions and bytes; None unless the machine gives a figure for all that was used."""
    total = 0.0
    for name, count in instructions.items():
        energy = machine.instruction(name).energy_pj
        if energy is None:
            return None
        total += energy * count
    for each in traffic:
        per_byte = machine.memory(each.memory).energy_pj_per_byte
        moved = each.read_bytes + each.written_bytes
        if moved and per_byte is None:
            return None
        total += (per_byte or 0.0) * moved
    return total
