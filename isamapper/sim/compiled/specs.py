"""Step specifications: what is the same in all invocations that one piece of compiled code can serve.

A step is code for one invocation. What is a number in the program's text becomes a number in the code; what varies
becomes an argument (None here). Sites with equal specifications share a step.
"""

from __future__ import annotations

from dataclasses import dataclass

from isamapper.sim.compiled.atoms import Atoms, Dim, Unsuited
from isamapper.sim.sites import Model, OperandUse, Site, bank_count
from isamapper.sim.traffic import constant_extent, flat_steps, joined_axes, run_axis


@dataclass(frozen=True, slots=True)
class OperandSpec:
    """One operand of a step. ``region`` is None where nothing writes it; ``offsets`` are needed by padding windows.

    ``steps`` are flat element steps per operand axis, all 0 where runs do not matter; ``axis_steps`` the same per
    tensor axis. Only windows that pad have these, ``shape``, and ``dims`` of one atom. ``groups`` are axes that are one
    where bytes are counted, innermost first; None where a padding window's runs are cut one by one along ``run_axis``.
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
    groups: tuple[tuple[int, ...], ...] | None
    run_axis: int | None
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
    footprint, padded, groups = found.footprints.get(use), window.otherwise is not None, _groups(use)
    dims = footprint.dims if footprint else ()
    memories = [memory.name for memory in model.machine.memories]
    return OperandSpec(
        use.reads,
        use.writes,
        use.accumulates,
        use.memory.renamed,
        memories.index(use.memory.name),
        use.region.index if footprint else None,
        dims if padded else tuple(dim for dim in dims if dim.axis is not None or dim.factor > dim.tile),
        tuple(constant_extent(axis.extent) for axis in window.axes),
        tensor.shape if padded else (),
        (0,) * len(window.axes) if _runs_are_one(use) else flat_steps(window, tensor.shape),
        tuple(axis.steps if padded else () for axis in window.axes),
        groups,
        run_axis(window, tensor.shape) if groups is None else None,
        padded,
        tensor.dtype.bits,
        (tensor.block.block, tensor.block.exponent_bits) if tensor.block else None,
        bank_count(use.memory) > 1 and bool(use.read_ports or use.write_ports),
        tuple(port.index for port in use.read_ports),
        tuple(port.index for port in use.write_ports),
    )


def _runs_are_one(use: OperandUse) -> bool:
    """Whether a window moves its elements' bytes and no more, wherever they lie: programs of many sizes share steps."""
    if use.window.otherwise is not None or use.tensor.dtype.bits % 8 or use.tensor.block is not None:
        return False
    ports = (*use.read_ports, *use.write_ports)
    rounded = any(each.port.request_bytes != 1 or each.port.burst_bytes != 1 for each in ports)
    return not rounded and (not ports or bank_count(use.memory) == 1)


def _groups(use: OperandUse) -> tuple[tuple[int, ...], ...] | None:
    """Each axis by itself, but where the window pads; Unsuited where runs of many lengths meet many banks."""
    if use.window.otherwise is None:
        return tuple((axis,) for axis in range(len(use.window.axes)))
    found = joined_axes(use.window)
    if found is None and bank_count(use.memory) > 1 and (use.read_ports or use.write_ports):
        raise Unsuited(f"operand '{use.name}' pads along a tensor axis that two of its axes move along, in banks")
    return found
