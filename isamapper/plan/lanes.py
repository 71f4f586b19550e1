"""How many steps of each instruction iterator (a *lane*) a call runs: narrowed at the edge, or whole and padded.

Rules of this file:
- a lane is narrowed where a parameter is its extent, the edge is a box and its size a value of the parameter;
- any other lane runs its whole extent everywhere; steps beyond the kernel's own iterations work on padding.
"""

from __future__ import annotations

from isamapper.ir.affine import Extent, extent
from isamapper.plan.needle import iterator_sizes, parameter_of
from isamapper.plan.nest import Call, Digit, Nest, digits_of, iterator_extent, steps_in, valid_extent, weight


def lane_size(nest: Nest, call: Call, lane: str) -> int:
    """Steps of ``lane`` in a call that nothing narrows: its digits' steps, rounded up to what the parameter can be."""
    control = parameter_of(call.instruction, lane)
    if control is None:
        return iterator_sizes(call.instruction.semantics)[lane]
    whole = _steps(_members(nest, call, lane))
    return max(control.low, whole + (control.low - whole) % control.step)


def digit_steps(nest: Nest, digit: Digit) -> int:
    """Steps of a digit that calls look at: the outermost of a lane may be rounded up."""
    members = nest.call.members(digit.bound)
    if digit.bound is None or not members or members[0] != digit.name:
        return digit.extent
    inside = _steps(_members(nest, nest.call, digit.bound)[1:])
    return max(digit.extent, lane_size(nest, nest.call, digit.bound) // inside)


def lane_extent(nest: Nest, call: Call, lane: str) -> Extent:
    """Steps of ``lane`` in the call at the present loop values."""
    members = _members(nest, call, lane)
    if not members or not narrows(nest, call, lane):
        return extent(lane_size(nest, call, lane))
    inside = _steps(members[1:])
    return extent(*(bound * inside for bound in valid_extent(nest, members[0], {}).bounds))


def narrows(nest: Nest, call: Call, lane: str) -> bool:
    """Whether calls run exactly the kernel's own iterations along ``lane``, at every edge."""
    control = parameter_of(call.instruction, lane)
    members = _members(nest, call, lane)
    if control is None or not members or not _boxed(nest, members):
        return False
    outer, inside = members[0], _steps(members[1:])
    total = steps_in(nest, outer)
    sizes = {min(outer.extent, total) * inside, (total % outer.extent or outer.extent) * inside}
    return all(control.low <= size <= control.high and (size - control.low) % control.step == 0 for size in sizes)


def padded_lanes(nest: Nest, call: Call) -> tuple[str, ...]:
    """Lanes that run past the kernel's iterations in some call."""
    return tuple(lane for lane in iterator_sizes(call.instruction.semantics) if _padded(nest, call, lane))


def _padded(nest: Nest, call: Call, lane: str) -> bool:
    members = _members(nest, call, lane)
    if not members:
        return lane_size(nest, call, lane) > 1
    if narrows(nest, call, lane):
        return False
    return lane_size(nest, call, lane) > _steps(members) or any(ragged(nest, digit) for digit in members)


def ragged(nest: Nest, digit: Digit) -> bool:
    """Whether some visit of ``digit`` ends before its extent does."""
    return iterator_extent(nest, digit.iterator) % (weight(nest, digit) * digit.extent) != 0


def _members(nest: Nest, call: Call, lane: str) -> tuple[Digit, ...]:
    return tuple(nest.digit(name) for name in call.members(lane))


def _steps(digits: tuple[Digit, ...]) -> int:
    total = 1
    for digit in digits:
        total *= digit.extent
    return total


def _boxed(nest: Nest, members: tuple[Digit, ...]) -> bool:
    """Whether clipping only shortens the outermost digit, so that the valid part is a box."""
    if any(ragged(nest, digit) for digit in members[1:]):
        return False
    if not ragged(nest, members[0]):
        return True
    around = digits_of(nest, members[0].iterator)
    place = [digit.name for digit in around].index(members[0].name)
    return not any(digit.bound is not None and digit.extent > 1 for digit in around[:place])
