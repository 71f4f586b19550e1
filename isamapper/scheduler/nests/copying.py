"""The copy that fills or drains a buffer: the instruction and the coordinates that move most at a time."""

from __future__ import annotations

import math

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.model import Instruction
from isamapper.plan.copies import Walk, copies_between, copy_options
from isamapper.plan.emit import Stop, axis_along, stop_steps
from isamapper.plan.emit_copy import cut_digits
from isamapper.plan.layout import Coordinate, Layout
from isamapper.plan.needle import copy_shape, operand_spec
from isamapper.plan.nest import Copy, Nest, valid_extent
from isamapper.scheduler.nests.place import (
    Place,
    moves_by_whole_rows,
    needs_padding,
    start_unit,
    stride_along,
)


def best_copy(
    place: Place, nest: Nest, access: int, source: Stop, target: Stop, walked: Layout
) -> tuple[float, Copy] | Rejection:
    apart = _apart(nest, access, walked, source, target)
    if apart is not None:
        return Rejection("SCH030", f"'{apart}'", "one side has no window along it that the other could be copied to")
    home_source = source.buffer is None
    declared = source.access.otherwise
    written = access in nest.statement.written
    needs_pad = home_source and not written and (declared is not None or needs_padding(place, nest, access))
    inside = frozenset(c.digit for c in walked.coordinates if c.digit is not None)
    best: tuple[tuple[bool, float], Copy] | None = None
    for instruction in _movers(place, nest, source, target):
        shape = copy_shape(instruction)
        assert shape is not None
        spec = operand_spec(instruction, shape.source)
        pads = spec.pads and (spec.pad_value is None or declared is None or spec.pad_value == declared)
        if needs_pad and not pads:
            continue
        units = (
            start_unit(place, instruction, shape.source, source),
            start_unit(place, instruction, shape.target, target),
        )
        sides = zip((source, target), units, strict=True)
        if not all(moves_by_whole_rows(place, nest, stop, unit, inside) for stop, unit in sides):
            continue
        walks = tuple(_walk(place, nest, access, c, source, target, units, pads) for c in walked.coordinates)
        for copy in copy_options(instruction, walks, needs_pad):
            cut = cut_digits(nest, copy, walked)
            if cut and (written or not (pads if home_source else _are_padded(place, nest, cut))):
                continue
            rounding = _rounding(place, copy, walks, source, target)
            coarse = access in place.choice.fine and _carries_loops(nest, copy, walked)
            cost = coarse, _invocations(copy, walked) * rounding
            if best is None or cost < best[0]:
                best = (cost, copy)
            if rounding == 1 and not coarse:
                break
    if best is None:
        names = (source.tensor.memory or place.home, target.tensor.memory or place.home)
        tensor = nest.statement.accesses[access].tensor
        return Rejection(
            "SCH030",
            f"'{tensor}'",
            f"no copy from '{names[0]}' to '{names[1]}' fits the layouts",
            edit="a layout copy",
        )
    (_, score), copy = best
    return score, copy


def _are_padded(place: Place, nest: Nest, digits: tuple[str, ...]) -> bool:
    """Whether calls look at these digits in full, so that buffers on the way hold padding where they end early."""
    return all(nest.digit(name).bound in place.padded for name in digits)


def _apart(nest: Nest, access: int, walked: Layout, *stops: Stop) -> str | None:
    """A window that one of ``stops`` does not keep as such: its elements lie apart there, digit by digit.

    What a consumer writes keeps the windows of axes alone that it walks as the statement does.
    """
    own = nest.statement.accesses[access].map.results
    for window in (c for c in walked.coordinates if c.digit is None and c.dim is not None and c.extent > 1):
        for stop in stops:
            there = stop.access.map.results
            along = () if stop.buffer is not None or there == own else [axis for axis, _ in window.targets]
            if not stop_steps(nest, stop, window) or any(
                there[axis : axis + 1] != own[axis : axis + 1] for axis in along
            ):
                return window.name
    return None


def _carries_loops(nest: Nest, copy: Copy, walked: Layout) -> bool:
    """Whether one invocation brings what several calls need."""
    digits = {coordinate.name: coordinate.digit for coordinate in walked.coordinates}
    return any(digit is not None and nest.digit(digit).bound is None for digit in (digits[b[1]] for b in copy.binds))


def _rounding(place: Place, copy: Copy, walks: tuple[Walk, ...], source: Stop, target: Stop) -> float:
    """Bytes that whole requests move per byte wanted, given the runs that one invocation finds in the source."""
    memories = (stop.tensor.memory or place.home for stop in (source, target))
    request = max((port.request_bytes for name in memories for port in place.machine.memory(name).ports), default=1)
    sizes = {name: size for _, name, size in copy.binds}
    run = 1
    for walk in sorted((w for w in walks if w.source_stride), key=lambda w: w.source_stride):
        if request == 1 or walk.source_stride != run:
            break
        run *= sizes.get(walk.name, 1)
        if sizes.get(walk.name, 1) < walk.extent:
            break
    run_bytes = max(1, run * source.tensor.dtype.bits // 8)
    return -(-run_bytes // request) * request / run_bytes


def _invocations(copy: Copy, walked: Layout) -> float:
    """Invocations that walk the whole buffer once."""
    sizes: dict[str, int] = {}
    for _, name, size in copy.binds:
        sizes[name] = sizes.get(name, 1) * size
    return math.prod(-(-c.extent // sizes.get(c.name, 1)) for c in walked.coordinates)


def _movers(place: Place, nest: Nest, source: Stop, target: Stop) -> tuple[Instruction, ...]:
    if nest.epilogue is not None and target.buffer is None and source.access == nest.statement.assign.target:
        return (nest.epilogue.instruction,)
    memories = (source.tensor.memory or place.home, target.tensor.memory or place.home)
    return copies_between(place.machine, *memories, source.tensor.dtype, target.tensor.dtype)


def _walk(
    place: Place,
    nest: Nest,
    access: int,
    coordinate: Coordinate,
    source: Stop,
    target: Stop,
    units: tuple[int, int],
    pads: bool,
) -> Walk:
    padded = pads or source.buffer is not None
    clipped = _clipped(place, nest, access, coordinate, padded)
    return Walk(
        coordinate.name,
        coordinate.extent,
        stride_along(nest, source, coordinate),
        stride_along(nest, target, coordinate),
        clipped,
        room=access not in nest.statement.written,
        source_unit=units[0],
        target_unit=units[1],
        axes=(axis_along(nest, source, coordinate), axis_along(nest, target, coordinate)),
    )


def _clipped(place: Place, nest: Nest, access: int, coordinate: Coordinate, pads: bool) -> bool:
    if coordinate.digit is None:
        return not (pads and access not in nest.statement.written and needs_padding(place, nest, access))
    if (
        access not in nest.statement.written
        and pads
        and needs_padding(place, nest, access)
        and nest.digit(coordinate.digit).bound in place.padded
    ):
        return False
    value = valid_extent(nest, nest.digit(coordinate.digit), {})
    return len(value.bounds) > 1 or value.bounds[0].constant < coordinate.extent
