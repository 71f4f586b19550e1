"""What a machine says about one call, one unit or one port: the numbers that all cost models share."""

from __future__ import annotations

import math
from collections import abc

from isamapper.hwdesc.bind import timing
from isamapper.hwdesc.model import Dispatch, Instruction, Machine, Memory, Operand, Port, PortDirection, Unit
from isamapper.ir.sizes import evaluate_size
from isamapper.plan.nest import Call


def accumulate_cycles(call: Call, values: abc.Mapping[str, int]) -> int:
    """Cycles from one call to the next that adds to the same target: 0 where the write port accumulates.

    ``values`` are the parameters of a whole call.
    """
    if _target(call).accumulates:
        return 0
    return ready_cycles(call, values) - read_cycles(call, values)


def ready_cycles(call: Call, values: abc.Mapping[str, int]) -> int:
    """Cycles from the start of a call until its result is ready."""
    ready = _target(call).ready_at
    return timing(call.instruction, values)[1] if ready is None else evaluate_size(ready, values)


def read_cycles(call: Call, values: abc.Mapping[str, int]) -> int:
    """Cycles from the start of a call until it reads its target."""
    start = _target(call).read_at
    return 0 if start is None else evaluate_size(start, values)


def _target(call: Call) -> Operand:
    name = call.operand(0)
    return next(each for each in call.instruction.operands if each.name == name)


def cycles_ahead(machine: Machine, call: Call, values: abc.Mapping[str, int]) -> float:
    """Cycles of calls, each with ``values``, that can be queued up at most: what follows is not dispatched earlier."""
    return places_ahead(machine.unit(call.instruction.unit), machine.dispatch) * max(
        1, timing(call.instruction, values)[0]
    )


def places_ahead(unit: Unit, dispatch: Dispatch) -> float:
    """Invocations, per server, that can be queued up at most."""
    limits = [limit for limit in (unit.queue_depth, dispatch.window) if limit is not None]
    return min(limits) / unit.count if limits else math.inf


def keeps_places(unit: Unit, dispatch: Dispatch) -> bool:
    """Whether invocations give back the places that they wait in no sooner than at their ends."""
    shorter = dispatch.window is not None and dispatch.window < (unit.queue_depth or math.inf)
    return shorter or unit.held == "end"


def cycles_of_lead(machine: Machine, call: Call, values: abc.Mapping[str, int]) -> float:
    """How long before a call starts what stands right before it in the program is dispatched, while calls never wait.

    The call before it had to find a place, which others give back when they start, or not until they end.
    """
    unit = machine.unit(call.instruction.unit)
    occupies, latency = timing(call.instruction, values)
    pace = max(1, occupies) / unit.count
    limits = []
    if unit.queue_depth is not None:
        limits.append((unit.queue_depth + 1) * pace - (latency if unit.held == "end" else 0))
    if machine.dispatch.window is not None:
        limits.append((machine.dispatch.window + 1) * pace - latency)
    return max(0.0, min(limits)) if limits else math.inf


def front_end_cycles(machine: Machine, instruction: Instruction) -> float:
    """How long an invocation keeps the front end, which dispatches several a cycle where none takes longer."""
    return machine.front_end_cycles(instruction) - 1 + 1 / machine.dispatch.per_cycle


def in_flight_limit(unit: Unit) -> int | None:
    """How many invocations of a unit may be started and not ended (None: no limit but the window)."""
    limits = [unit.in_flight] if unit.in_flight is not None else []
    if unit.held == "end" and unit.queue_depth is not None:
        limits.append(unit.queue_depth)
    if unit.serial:
        limits.append(1)
    return min(limits, default=None)


def port_group(memory: Memory, write: bool) -> tuple[Port, ...]:
    """Ports of a memory that serve one direction; an access takes whichever is free."""
    wanted = PortDirection.WRITE if write else PortDirection.READ
    return tuple(port for port in memory.ports if port.direction in (wanted, PortDirection.BOTH))


def port_beats(
    memory: Memory, write: bool, size_bytes: float, run_bytes: float | None = None
) -> tuple[str, float] | None:
    """The name of the ports that serve one direction, and their beats for one access; None where there are none.

    Every contiguous run of ``run_bytes`` (None: all of it) is rounded up to whole requests, all of them to bursts.
    """
    ports = port_group(memory, write)
    if not ports:
        return None
    port = ports[0]
    piece = size_bytes if run_bytes is None else min(run_bytes, size_bytes)
    whole = -(-piece // port.request_bytes) * port.request_bytes if port.request_bytes > 1 else piece
    rounded = size_bytes / max(piece, 1e-9) * whole
    if port.burst_bytes > 1:
        rounded = -(-rounded // port.burst_bytes) * port.burst_bytes
    cycles, width = port.byte_cycles
    name = "+".join(each.name for each in ports)
    return f"{memory.name}.{name}", float(-(-rounded * cycles // width)) / len(ports)
