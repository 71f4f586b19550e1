"""Nests by hand for tests: digits, loops and buffers are given, copies are chosen among those that fit."""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import assume, event

from isamapper.diagnostics.source import Rejection, SourceError
from isamapper.hwdesc.bind import bind_instruction
from isamapper.hwdesc.model import Machine, MemoryKind
from isamapper.ir import verifier
from isamapper.ir.analysis import statements
from isamapper.ir.interpreter import interpret
from isamapper.ir.nodes import Direction, Kernel, Tensor
from isamapper.ir.numeric import numpy_dtype
from isamapper.ir.types import DType
from isamapper.plan.check import check_program
from isamapper.plan.copies import Walk, copies_between, copy_options
from isamapper.plan.emit import Stop, axis_along, stop_steps
from isamapper.plan.homes import consumer_access, home_memory
from isamapper.plan.layout import Coordinate, Layout, buffer_layout, row_major
from isamapper.plan.lower import lower
from isamapper.plan.needle import copy_shape, operand_spec
from isamapper.plan.nest import Buffer, Call, Copy, Digit, Epilogue, Nest, depth_of, valid_extent
from isamapper.plan.padding import must_fill, needs_padding
from isamapper.plan.program import Program
from isamapper.plan.steps import Place as PlaceStep
from isamapper.plan.steps import Schedule, steps_of

REFUSALS = {"SCH003", "SCH005", "SCH008", "SCH009", "SCH010"}
"""Codes with which lowering may refuse a random nest: loops, lanes and copies that cannot be cut at the edge."""


def call_of(machine: Machine, name: str, digits: abc.Sequence[Digit], sigma: abc.Mapping[str, int]) -> Call:
    """A call with the bound digits in the order given."""
    lanes: dict[str, list[str]] = {}
    for digit in digits:
        if digit.bound is not None:
            lanes.setdefault(digit.bound, []).append(digit.name)
    axes = tuple((lane, tuple(names)) for lane, names in sorted(lanes.items()))
    return Call(machine.instruction(name), tuple(sigma.items()), axes)


@dataclass(frozen=True)
class Place:
    """A buffer without its copies."""

    access: int
    memory: str
    loop: str | None = None
    slots: int = 1
    layout: str = "digits"
    order: tuple[str, ...] = ()
    expand: tuple[int, ...] = ()
    overlap: bool = False
    spread: tuple[tuple[str, str], ...] = ()
    prepared: bool = False
    choice: int = 0


def nest_of(
    machine: Machine,
    kernel: Kernel,
    statement: int,
    call: Call,
    digits: abc.Sequence[Digit],
    order: abc.Sequence[str],
    places: abc.Sequence[Place],
    *,
    first: Call | None = None,
    init: Call | None = None,
    epilogue: Epilogue | None = None,
) -> Nest | Rejection:
    """The nest with the first copies that fit, or why none does."""
    nest = Nest(statements(kernel)[statement], call, first, init, tuple(digits), tuple(order), (), epilogue)
    for access in sorted({place.access for place in places}):
        outer = _home(machine, kernel, nest, access)
        for place in (each for each in places if each.access == access):
            dtype = outer.tensor.dtype if access else _dtype(kernel, nest)
            buffer = Buffer(
                access, place.memory, place.loop, place.slots, place.layout, place.order,
                place.expand,
                prefetch=place.overlap and access != 0, delay=place.overlap and access == 0,
                spread=place.spread, prepared=place.prepared, row=row_elements(machine, place.memory, dtype),
            )  # fmt: skip
            layout = buffer_layout(nest, buffer)
            if isinstance(layout, Rejection):
                return layout
            shape = tuple(axis.extent for axis in layout.axes)
            tensor = Tensor("", dtype, shape, place.memory)
            inner = Stop(tensor, nest.statement.accesses[access], buffer, layout)
            for drain in (False, True):
                wanted = (access == 0) if drain else (access != 0 or comes_back(nest, buffer))
                if not wanted or place.prepared:
                    continue
                stops = (inner, outer) if drain else (outer, inner)
                copy = _copy(machine, nest, access, stops, layout, place.choice)
                if isinstance(copy, Rejection):
                    return copy
                buffer = replace(buffer, **{"drain" if drain else "fill": copy})
            nest = replace(nest, buffers=(*nest.buffers, buffer))
            outer = replace(inner, buffer=buffer)
    return nest


def _dtype(kernel: Kernel, nest: Nest) -> Any:
    return next(t.dtype for t in kernel.tensors if t.name == nest.statement.assign.target.tensor)


def _home(machine: Machine, kernel: Kernel, nest: Nest, access: int) -> Stop:
    own = nest.statement.accesses[access]
    if access == 0 and nest.epilogue is not None:
        own = consumer_access(nest)
    tensor = next(tensor for tensor in kernel.tensors if tensor.name == own.tensor)
    return Stop(replace(tensor, memory=home_memory(machine)), own)


def _copy(
    machine: Machine, nest: Nest, access: int, stops: tuple[Stop, Stop], layout: Layout, choice: int
) -> Copy | Rejection:
    source, target = stops
    needs = source.buffer is None and access != 0
    needs = needs and (source.access.otherwise is not None or needs_padding(nest, access))
    found: list[Copy] = []
    if nest.epilogue is not None and target.buffer is None and access == 0:
        movers: tuple[Any, ...] = (nest.epilogue.instruction,)
    else:
        memories = str(source.tensor.memory), str(target.tensor.memory)
        movers = copies_between(machine, *memories, source.tensor.dtype, target.tensor.dtype)
    for instruction in movers:
        shape = copy_shape(instruction)
        assert shape is not None
        pads = operand_spec(instruction, shape.source).pads
        walks = tuple(walk_of(machine, nest, access, source, target, c, pads) for c in layout.coordinates)
        found += copy_options(instruction, walks, needs)
    if not found:
        return Rejection("TEST", f"access {access}", f"no copy from {source.tensor.memory} to {target.tensor.memory}")
    return found[choice % len(found)]


def comes_back(nest: Nest, buffer: Buffer) -> bool:
    """Whether the target's former value is needed in ``buffer``."""
    if nest.first is None and nest.init is None:
        return True
    results = nest.statement.assign.target.map.results
    outer = nest.order[: depth_of(nest, buffer.loop)]
    return any(not any(r.coefficient(nest.digit(name).iterator) for r in results) for name in outer)


def walk_of(
    machine: Machine, nest: Nest, access: int, source: Stop, target: Stop, coordinate: Coordinate, pads: bool
) -> Walk:
    name, extent = coordinate.name, coordinate.extent
    strides = stride(nest, source, coordinate), stride(nest, target, coordinate)
    axes = axis_along(nest, source, coordinate), axis_along(nest, target, coordinate)
    units = [row_elements(machine, str(stop.tensor.memory), stop.tensor.dtype) for stop in (source, target)]
    return Walk(name, extent, *strides, clipped(nest, access, source, coordinate, pads), access != 0, *units, axes)


def row_elements(machine: Machine, name: str, dtype: DType) -> int:
    """Elements in a register of a register memory; 1 elsewhere."""
    memory = machine.memory(name)
    return (memory.row_bytes or 1) * 8 // dtype.bits if memory.kind is MemoryKind.REGISTERS else 1


def clipped(nest: Nest, access: int, source: Stop, coordinate: Coordinate, pads: bool) -> bool:
    padded = access != 0 and (pads or source.buffer is not None)
    if coordinate.digit is None:
        return coordinate.dim is not None or not padded
    if padded and must_fill(nest, coordinate.digit):
        return False
    value = valid_extent(nest, nest.digit(coordinate.digit), {})
    return len(value.bounds) > 1 or value.bounds[0].constant < coordinate.extent


def stride(nest: Nest, stop: Stop, coordinate: Coordinate) -> int:
    strides = row_major(stop.tensor.shape if stop.buffer is None or stop.buffer.slots == 1 else (1, *stop.tensor.shape))
    return sum(strides[axis] * step for axis, step in stop_steps(nest, stop, coordinate))


def schedule_of(machine: Machine, kernel: Kernel, *nests: Nest) -> Schedule:
    return Schedule(kernel, kernel, machine, tuple(step for nest in nests for step in steps_of(nest)))


def inputs_of(kernel: Kernel, seed: int = 0) -> dict[str, Any]:
    """Small integers for every input, zero included."""
    random = np.random.default_rng(seed)
    return {
        tensor.name: random.integers(-3, 4, tensor.shape).astype(numpy_dtype(tensor.dtype))
        for tensor in kernel.tensors
        if tensor.direction in (Direction.IN, Direction.INOUT)
    }


def meaning(machine: Machine) -> Any:
    return lambda name, parameters: bind_instruction(machine.instruction(name), parameters)


def lower_and_compare(schedule: Schedule, seed: int = 0) -> Program:
    """Lowers, checks the program, and compares its results with the kernel's, exactly."""
    program = lower(schedule)
    found = check_program(program)
    assert not found, [diagnostic.message for diagnostic in found]
    compare(schedule, program, seed)
    return program


def random_compare(schedule: Schedule) -> Program:
    """As :func:`lower_and_compare`; what lowering may refuse in a random nest is passed over."""
    try:
        program = lower(schedule)
    except SourceError as error:
        event(error.diagnostics[0].message)
        assume(error.diagnostics[0].code not in REFUSALS)
        raise
    found = check_program(program)
    dims = any(isinstance(step, PlaceStep) and step.buffer.layout == "dims" for step in schedule.steps)
    assume(not (found and dims and all(diagnostic.code == "SCH107" for diagnostic in found)))
    assert not found, [diagnostic.message for diagnostic in found]
    compare(schedule, program)
    return program


def compare(schedule: Schedule, program: Program, seed: int = 0) -> None:
    """The program is legal, and its results are the kernel's."""
    verifier.check_program(program.body)
    given = inputs_of(schedule.kernel, seed)
    expected = interpret(schedule.kernel, given)
    actual = interpret(program.body, given, meaning=meaning(schedule.machine))
    assert expected.keys() == actual.keys()
    for name in expected:
        np.testing.assert_array_equal(actual[name], expected[name], err_msg=name)
