"""What else than cycles a schedule can be chosen for: bytes, energy, room on chip, and products of powers of them.

    cycles                   the default
    energy                   picojoule, where the machine gives energies
    edp                      energy times cycles
    bytes                    through the home memory
    footprint                bytes of all tensors on chip

Two objectives at once are searched as ``one ** w * other ** (1 - w)`` for several w: what none of the others beats in
both is the front.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass

import numpy as np

from isamapper.costmodels.batch import Prices
from isamapper.costmodels.geometry import Column
from isamapper.diagnostics.names import did_you_mean
from isamapper.diagnostics.source import Diagnostic, SourceError
from isamapper.hwdesc.model import Machine
from isamapper.plan.addresses import tensor_bytes
from isamapper.plan.homes import home_memory, local_tensors
from isamapper.plan.lower import lower
from isamapper.plan.steps import Schedule
from isamapper.sim.timing import simulate

Weights = tuple[tuple[str, float], ...]

OBJECTIVES: dict[str, Weights] = {
    "cycles": (("cycles", 1.0),),
    "energy": (("energy", 1.0),),
    "edp": (("energy", 1.0), ("cycles", 1.0)),
    "bytes": (("bytes", 1.0),),
    "footprint": (("footprint", 1.0),),
}


def objective_weights(name: str) -> Weights:
    """The powers of an objective by its name; SourceError OBJ001 where there is none of that name."""
    if name not in OBJECTIVES:
        raise SourceError(
            Diagnostic("OBJ001", f"unknown objective '{name}'", help=did_you_mean(name, tuple(OBJECTIVES)))
        )
    return OBJECTIVES[name]


def check_energies(machine: Machine, weights: Weights) -> None:
    """SourceError OBJ002 where an objective needs energies and the machine gives none."""
    given = [each.energy_pj for each in machine.instructions] + [each.energy_pj_per_byte for each in machine.memories]
    if any(name == "energy" for name, _ in weights) and all(each is None for each in given):
        message = f"machine '{machine.name}' gives no energies"
        raise SourceError(
            Diagnostic("OBJ002", message, help="'energy_pj' of instructions, 'energy_pj_per_byte' of memories")
        )


def between(one: str, other: str, share: float) -> Weights:
    """``one`` to the power ``share`` times ``other`` to the rest."""
    parts = [(n, w * share) for n, w in objective_weights(one)] + [
        (n, w * (1 - share)) for n, w in objective_weights(other)
    ]
    return tuple((name, weight) for name, weight in parts if weight)


def measured(schedule: Schedule) -> dict[str, float]:
    """Every quantity of the lowered program, simulated; energy only where the machine gives it."""
    program = lower(schedule)
    timeline, machine = simulate(program), schedule.machine
    home = home_memory(machine)
    moved = sum(each.read_bytes + each.written_bytes for each in timeline.traffic if each.memory == home)
    held = (tensor for tensor in local_tensors(program.body) if tensor.memory not in (None, home))
    room = sum(tensor_bytes(machine.memory(str(tensor.memory)), tensor) for tensor in held)
    found = {"cycles": float(timeline.cycles), "bytes": float(moved), "footprint": float(room)}
    return found if timeline.energy_pj is None else {**found, "energy": float(timeline.energy_pj)}


def value_of(quantities: abc.Mapping[str, float], weights: Weights) -> float:
    """The product of powers; SourceError OBJ002 where the machine gives no energies."""
    total = 1.0
    for name, weight in weights:
        if name not in quantities:
            raise SourceError(
                Diagnostic("OBJ002", "not every instruction has an energy", help="'energy_pj' of instructions")
            )
        total *= max(quantities[name], 1.0) ** weight
    return total


@dataclass(slots=True)
class Objective:
    """A cost model for other objectives; a thousandth of a thousandth of the cycles decides between equals."""

    weights: Weights
    name: str = "objective"

    def cycles(self, schedule: Schedule) -> float:
        """What the schedule costs, in the objective's own unit."""
        found = measured(schedule)
        return value_of(found, self.weights) * (1 + 1e-9 * min(found["cycles"], 1e6) / 1e6)


def priced_for(found: Prices, weights: Weights) -> Column:
    """Prices of rows as the objective has them; energy is taken to follow the bytes."""
    columns = {"cycles": found.cycles, "bytes": found.bytes_moved, "energy": found.bytes_moved}
    columns["footprint"] = found.footprint_bytes
    total: Column = np.where(np.isfinite(found.cycles), 1.0, np.inf)
    for name, weight in weights:
        total = total * np.maximum(columns[name], 1.0) ** weight
    return total
