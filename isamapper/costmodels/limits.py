"""What a machine says about one call, one unit or one port: the numbers that all cost models share."""

from __future__ import annotations

import math
from collections import abc

from isamapper.hwdesc.bind import timing
from isamapper.hwdesc.model import Machine, Memory, Port, PortDirection, Unit
from isamapper.ir.sizes import evaluate_size
from isamapper.plan.nest import Call


def accumulate_cycles(call: Call, values: abc.Mapping[str, int]) -> int:
    """Cycles from one call to the next that adds to the same target: 0 where the write port accumulates.

    ``values`` are the parameters of a whole call.
    """
    name = call.operand(0)
    operand = next(each for each in call.instruction.operands if each.name == name)
    if operand.accumulates:
        return 0
    latency = timing(call.instruction, values)[1]
    ready = latency if operand.ready_at is None else evaluate_size(operand.ready_at, values)
    start = 0 if operand.read_at is None else evaluate_size(operand.read_at, values)
    return ready - start


def cycles_ahead(machine: Machine, call: Call, values: abc.Mapping[str, int]) -> float:
    """Cycles of calls, each with ``values``, that can be queued up at most: what follows is not dispatched earlier."""
    unit = machine.unit(call.instruction.unit)
    limits = [limit for limit in (unit.queue_depth, machine.dispatch.window) if limit is not None]
    return min(limits) * max(1, timing(call.instruction, values)[0]) / unit.count if limits else math.inf


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

    Every contiguous run of ``run_bytes`` (None: all of it) is rounded up to whole requests.
    """
    ports = port_group(memory, write)
    if not ports:
        return None
    port = ports[0]
    piece = size_bytes if run_bytes is None else min(run_bytes, size_bytes)
    whole = -(-piece // port.request_bytes) * port.request_bytes if port.request_bytes > 1 else piece
    rounded = size_bytes / max(piece, 1e-9) * whole
    name = "+".join(each.name for each in ports)
    return f"{memory.name}.{name}", float(-(-rounded // port.bytes_per_cycle)) / len(ports)
