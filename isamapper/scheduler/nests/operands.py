"""Whether an instruction can take its operand from where it lies: memory, rows, strides."""

from __future__ import annotations

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.model import Instruction
from isamapper.plan.emit import Stop
from isamapper.plan.layout import Coordinate
from isamapper.plan.needle import operand_spec, parameter_of, required_strides
from isamapper.plan.nest import Call, Nest
from isamapper.plan.walkers import Walkers, is_lone, paces, room, walkers
from isamapper.scheduler.nests.place import (
    Place,
    home_stop,
    moves_by_whole_rows,
    start_unit,
    stride_along,
)


def misfit_at_home(place: Place, nest: Nest) -> Rejection | None:
    """The first operand that lies at home and does not lie there as its instruction demands."""
    for _, access in nest.call.sigma:
        if not nest.path(access):
            misfit = access_misfit(place, nest, access, home_stop(place, nest, access))
            if misfit is not None:
                return misfit
    return None


def access_misfit(place: Place, nest: Nest, access: int, stop: Stop) -> Rejection | None:
    """Why the calls cannot take the access from ``stop``: memory, rows or strides."""
    for call in (nest.call, nest.first, nest.init):
        operand = None if call is None else call.operand(access)
        if call is not None and operand is not None:
            misfit = _operand_misfit(place, nest, call, operand, stop)
            if misfit is not None:
                return misfit
    return None


def _operand_misfit(place: Place, nest: Nest, call: Call, operand: str, stop: Stop) -> Rejection | None:
    memory = stop.tensor.memory or place.home
    if memory not in operand_spec(call.instruction, operand).memories:
        return Rejection("SCH031", f"'{operand}'", f"'{call.instruction.name}' takes it from elsewhere")
    if not moves_by_whole_rows(place, nest, stop, start_unit(place, call.instruction, operand, stop)):
        return Rejection("SCH035", f"'{operand}'", f"'{call.instruction.name}' takes whole rows only")
    axes = walkers(call.instruction.semantics, operand)
    for along, stride in zip(axes, required_strides(call.instruction, operand), strict=True):
        if not along:
            continue
        if not is_lone(along):
            if _stands_still_and_direct(nest, call, along, stop):
                return Rejection("SCH032", f"'{operand}'", "an axis that nothing fills needs a buffer")
            if not _walks_in_line(place, nest, call, along, stop, stride):
                return Rejection("SCH033", f"'{operand}'", f"is not laid out as '{call.instruction.name}' reads it")
            continue
        axis = along[0][0]
        if not call.members(axis):
            if _fixed_and_direct(place, call.instruction, axis, stop):
                return Rejection("SCH032", f"'{operand}'", f"'{axis}' cannot be narrowed without a buffer")
            continue
        actual = _axis_stride(place, nest, call.members(axis), stop)
        if actual is None or (stride is not None and actual != stride):
            return Rejection("SCH033", f"'{operand}'", f"is not laid out as '{call.instruction.name}' reads it")
    return None


def _walks_in_line(place: Place, nest: Nest, call: Call, along: Walkers, stop: Stop, stride: int | None) -> bool:
    """Whether all digits along an axis that several iterators walk move by one stride, the one demanded if any."""
    found = set()
    for name, pace in paces(nest, call, along):
        moved = stride_along(nest, stop, Coordinate(name, 1, -1, 1, (), digit=name))
        if moved % pace:
            return False
        found.add(moved // pace)
    return len(found) <= 1 and (stride is None or found <= {stride})


def _stands_still_and_direct(nest: Nest, call: Call, along: Walkers, stop: Stop) -> bool:
    empty = not any(call.members(lane) for lane, _ in along) and room(nest, along) > 1
    return empty and (stop.buffer is None or stop.buffer.layout == "dims")


def _fixed_and_direct(place: Place, instruction: Instruction, axis: str, stop: Stop) -> bool:
    control = parameter_of(instruction, axis)
    return (stop.buffer is None or stop.buffer.layout == "dims") and (control is None or control.low > 1)


def _axis_stride(place: Place, nest: Nest, members: tuple[str, ...], stop: Stop) -> int | None:
    """Elements between neighbours along an operand axis; None where its digits do not lie in one line."""
    expected: int | None = None
    first = 0
    if stop.buffer is None or stop.buffer.layout == "dims":
        members = tuple(name for name in members if nest.digit(name).extent > 1)
        if len(members) > 1:
            return None
    for name in reversed(members):
        stride = stride_along(nest, stop, Coordinate(name, 1, -1, 1, (), digit=name))
        if expected is None:
            first = stride
        elif stride != expected:
            return None
        expected = stride * nest.digit(name).extent
    return first
