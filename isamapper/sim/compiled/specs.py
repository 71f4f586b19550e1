"""Step specifications: what is the same in all invocations that one piece of compiled code can serve.

A step is code for one invocation. What is a number in the program's text becomes a number in the code; what varies
becomes an argument (None here). Sites with equal specifications share a step.
"""

from __future__ import annotations

from dataclasses import dataclass

from isamapper.sim.compiled.atoms import Atoms, Dim, Unsuited, constant_extent
from isamapper.sim.sites import Model, OperandUse, Site, bank_count
from isamapper.sim.traffic import flat_steps


@dataclass(frozen=True, slots=True)
class OperandSpec:
    """One operand of a step. ``region`` is None where nothing writes it; ``offsets`` are needed by padding windows.

    ``steps`` are flat element steps per operand axis, ``axis_steps`` the same per tensor axis.
    """

    reads: bool
    writes: bool
    accumulates: bool
    renamed: bool
    memory: int
    region: int | None
    dims: tuple[Dim, ...]
    extents: tuple[int | None, ...]
    shape: tuple[int, ...]
    steps: tuple[int, ...]
    axis_steps: tuple[tuple[tuple[int, int], ...], ...]
    padded: bool
    element_bits: int
    block: tuple[int, int] | None
    banked: bool
    read_ports: tuple[int, ...]
    write_ports: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class StepSpec:
    """One step. ``parameters`` follow the instruction's; ``operands`` carry their index into its timing demands."""

    instruction: int
    unit: int
    transfer: bool
    parameters: tuple[int | None, ...]
    operands: tuple[tuple[str, OperandSpec], ...]


def step_spec(model: Model, site: Site, found: Atoms) -> StepSpec:
    """The specification that serves ``site``."""
    given = dict(site.invoke.parameters)
    parameters = tuple(
        constant_extent(given[each.name]) if each.name in given else each.high for each in site.instruction.parameters
    )
    names = [instruction.name for instruction in model.machine.instructions]
    operands = tuple((use.name, _operand(model, use, found)) for use in site.operands)
    return StepSpec(names.index(site.instruction.name), site.unit, site.transfer, parameters, operands)


def _operand(model: Model, use: OperandUse, found: Atoms) -> OperandSpec:
    tensor, window = use.tensor, use.window
    footprint = found.footprints.get(use)
    memories = [memory.name for memory in model.machine.memories]
    return OperandSpec(
        use.reads,
        use.writes,
        use.accumulates,
        use.memory.renamed,
        memories.index(use.memory.name),
        use.region.index if footprint else None,
        footprint.dims if footprint else (),
        tuple(constant_extent(axis.extent) for axis in window.axes),
        tensor.shape,
        flat_steps(window, tensor.shape),
        tuple(axis.steps for axis in window.axes),
        window.otherwise is not None,
        tensor.dtype.bits,
        (tensor.block.block, tensor.block.exponent_bits) if tensor.block else None,
        bank_count(use.memory) > 1 and bool(use.read_ports or use.write_ports),
        tuple(port.index for port in use.read_ports),
        tuple(port.index for port in use.write_ports),
    )


def demand_suited(model: Model) -> None:
    """Raises Unsuited where a program pads in ways that the compiled engine does not know."""
    for site in model.sites:
        for use in site.operands:
            if use.window.otherwise is None:
                continue
            moved = [axis for each in use.window.axes for axis, _ in each.steps]
            if len(moved) != len(set(moved)):
                raise Unsuited(f"operand '{use.name}' pads along a tensor axis that two of its axes move along")
            if use.region.flat:
                raise Unsuited(f"operand '{use.name}' pads in storage that tensors of different layout share")
