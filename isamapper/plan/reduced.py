"""The same schedule on a small kernel: every loop cut to a few trips, remainders and buffer phases kept.

A program of 10^10 operations cannot be executed to check its values; the program of its reduced schedule can, and has
the same nests, buffers, copies and edges. Instructions keep their sizes.
"""

from __future__ import annotations

from collections import abc
from dataclasses import replace
from typing import TypeAlias

from isamapper.diagnostics.source import Rejection, SourceError
from isamapper.ir.analysis import Statement, statements
from isamapper.ir.nodes import Direction, Kernel
from isamapper.plan.joint import Join, joint_statement
from isamapper.plan.layout import buffer_layout
from isamapper.plan.lower import lower
from isamapper.plan.nest import Copy, Digit, Nest, digits_of
from isamapper.plan.program import Program
from isamapper.plan.shrink import shrunk, unwritten
from isamapper.plan.steps import Place, Schedule, Split, Step, replay

MOST_TRIPS = 3


def reduced_program(schedule: Schedule, most: int = MOST_TRIPS) -> Program | None:
    """The program of the reduced schedule; None where there is none of the same form."""
    found = reduced_forms(schedule, most)
    return None if found is None else found[0]


def reduced_forms(schedule: Schedule, most: int = MOST_TRIPS) -> tuple[Program, Kernel] | None:
    """The program of the reduced schedule with the kernel that it covers; None where there is none of the same form.

    Where cores would not divide the small kernel evenly, whatever runs along what they divide stays whole.
    """
    found = _lowered(schedule, most)
    if found is None and any(nest.distributed for nest in replay(schedule)):
        return _lowered(schedule, most, divided=False)
    return found


def _lowered(schedule: Schedule, most: int, divided: bool = True) -> tuple[Program, Kernel] | None:
    try:
        small = reduced(schedule, most, divided)
        return None if small is None else (lower(small), small.covered)
    except SourceError:
        return None


def reduced(schedule: Schedule, most: int = MOST_TRIPS, divided: bool = True) -> Schedule | None:
    """``schedule`` with at most ``most`` trips of every loop digit, on kernels of the same form.

    Unless ``divided``, iterators that cores divide keep their extents and digits.
    """
    nests = replay(schedule)
    classes = _Classes()
    for form in (schedule.kernel, schedule.covered):
        classes.add(form)
    wanted: dict[_Class, int] = {}
    for nest in nests:
        for iterator, number in zip(nest.statement.iterators, nest.statement.loops, strict=True):
            key = classes.of((schedule.covered, number))
            trips = _wanted(digits_of(nest, iterator.name), iterator.extent, most)
            wanted[key] = max(trips, wanted.get(key, 1))
    if not divided:
        shared = {classes.of((schedule.covered, number)) for nest in nests for number in _divided(nest)}
        wanted = {key: extent for key, extent in wanted.items() if key not in shared}
    forms = _small(schedule, classes, wanted)
    if forms is None:
        return None
    kernel, covered = forms
    digits: dict[tuple[int, str], Digit] = {}
    small = {statement.index: statement for statement in statements(covered)}
    joins = (step for step in schedule.steps if isinstance(step, Join))
    small.update({join.statement: joint_statement(covered, schedule.machine, join) for join in joins})
    for nest in nests:
        index = nest.statement.index
        digits.update({(index, digit.name): digit for digit in _digits(nest, small[index], most, divided)})
    steps = tuple(_step(step, digits) for step in schedule.steps)
    return _within_windows(replace(schedule, kernel=kernel, covered=covered, steps=steps))


def _small(schedule: Schedule, classes: _Classes, wanted: dict[_Class, int]) -> tuple[Kernel, Kernel] | None:
    """Kernel and covered kernel on the extents ``wanted``, with parameters alike; None where there are none.

    Where along an axis the forms would touch other parts of a parameter, or more of a local tensor would be read than
    is written, whatever runs along it stays whole.
    """
    both = (schedule.kernel, schedule.covered)
    while True:
        extents = [classes.extents(form, wanted) for form in both]
        kernel, covered = (shrunk(form, own) for form, own in zip(both, extents, strict=True))
        short = {axis for form, own in zip(both, extents, strict=True) for axis in unwritten(form, own)}
        if kernel is not None and covered is not None:
            short |= _differing(kernel, covered)
            if not short:
                return (kernel, covered) if set(kernel.tensors) <= set(covered.tensors) else None
        running = {classes.of((form, number)) for form in both for axis in short for number in _along(form, *axis)}
        if not running & wanted.keys():
            return None
        wanted = {key: extent for key, extent in wanted.items() if key not in running}


def _differing(one: Kernel, other: Kernel) -> set[tuple[str, int]]:
    """Axes of the tensors of ``one`` that are not as long in ``other``."""
    shapes = {tensor.name: tensor.shape for tensor in other.tensors}
    return {
        (tensor.name, axis)
        for tensor in one.tensors
        if tensor.name in shapes
        for axis, sizes in enumerate(zip(tensor.shape, shapes[tensor.name], strict=True))
        if len(set(sizes)) > 1
    }


def _along(form: Kernel, tensor: str, axis: int) -> abc.Iterator[int]:
    """Loops that move along an axis of a tensor."""
    for statement in statements(form):
        for access in statement.accesses:
            if access.tensor == tensor:
                names = access.map.results[axis].names
                numbered = zip(statement.iterators, statement.loops, strict=True)
                yield from (number for iterator, number in numbered if iterator.name in names)


_Loop: TypeAlias = tuple[Kernel, int]
_Axis: TypeAlias = tuple[Kernel | None, str, int, int]
_Class: TypeAlias = _Loop | _Axis


class _Classes:
    """Loops that must keep equal extents: they run over the same axis of a tensor, in one form or in both."""

    def __init__(self) -> None:
        self.parent: dict[_Class, _Class] = {}
        self.loops: dict[Kernel, set[int]] = {}
        self.phases: dict[_Loop, int] = {}

    def add(self, kernel: Kernel) -> None:
        """Joins the loops of ``kernel`` with the axes that they alone index; parameters are the same in every form.

        Statements that write phases of an axis, ``y[2*p]`` and ``y[2*p + 1]``, write all of it only if both go as far
        as they did, or one of them one step less.
        """
        crossing = {tensor.name for tensor in kernel.tensors if tensor.direction is not Direction.LOCAL}
        for statement in statements(kernel):
            names = [iterator.name for iterator in statement.iterators]
            self.loops.setdefault(kernel, set()).update(statement.loops)
            for access in statement.accesses:
                for axis, function in enumerate(access.map.results):
                    if len(function.terms) == 1 and (function.terms[0][1] == 1 or access == statement.assign.target):
                        name, step = function.terms[0]
                        owner = None if access.tensor in crossing else kernel
                        loop = (kernel, statement.loops[names.index(name)])
                        self.join(loop, (owner, access.tensor, axis, step))
                        if step != 1:
                            self.phases[loop] = statement.iterators[names.index(name)].extent

    def of(self, item: _Class) -> _Class:
        """The representative of an item's class."""
        while item in self.parent:
            item = self.parent[item]
        return item

    def join(self, one: _Class, other: _Class) -> None:
        """Makes one class of two."""
        first, second = self.of(one), self.of(other)
        if first != second:
            self.parent[first] = second

    def extents(self, kernel: Kernel, wanted: dict[_Class, int]) -> dict[int, int]:
        """New extents of a form's loops; loops that no nest says anything of are left out."""
        found = ((number, wanted.get(self.of((kernel, number)))) for number in self.loops.get(kernel, ()))
        return {number: max(1, extent - self._less((kernel, number))) for number, extent in found if extent is not None}

    def _less(self, loop: _Loop) -> int:
        """Trips by which a phase of an axis stays behind the longest."""
        if loop not in self.phases:
            return 0
        return max(size for each, size in self.phases.items() if self.of(each) == self.of(loop)) - self.phases[loop]


def _wanted(digits: tuple[Digit, ...], whole: int, most: int) -> int:
    """The extent of an iterator whose last digits stand as they stood: first, middle or last of their loop.

    With the digits of ``whole - 1``: one that is the last of its loop stays the last, another one stays before it.
    """
    rest, last, weight = whole - 1, 0, 1
    for digit in reversed(digits):
        value = rest if digit is digits[0] else rest % digit.extent
        rest //= digit.extent
        if digit.bound is None and digit.extent > most:
            value = most - 1 if value == digit.extent - 1 else min(value, most - 2)
        last += weight * value
        weight *= digit.extent if digit.bound is not None else min(digit.extent, most)
    return min(whole, last + 1)


def _divided(nest: Nest) -> abc.Iterator[int]:
    """Loops of the kernel that cores divide."""
    names = {digit.iterator for digit in nest.digits for loop, _ in nest.distributed if digit.name == loop}
    numbered = zip(nest.statement.iterators, nest.statement.loops, strict=True)
    yield from (number for iterator, number in numbered if iterator.name in names)


def _digits(nest: Nest, small: Statement, most: int, divided: bool) -> abc.Iterator[Digit]:
    """The nest's digits for the statement on new extents: loops of at most ``most`` trips, but for the outermost."""
    before = {iterator.name: iterator.extent for iterator in nest.statement.iterators}
    for iterator in small.iterators:
        inside = 1
        digits = digits_of(nest, iterator.name)
        if not divided and before.get(iterator.name) == iterator.extent:
            yield from digits
            continue
        for digit in reversed(digits):
            extent = digit.extent
            if digit.bound is None:
                extent = -(-iterator.extent // inside) if digit is digits[0] else min(extent, most)
            inside *= extent
            yield replace(digit, extent=extent)


def _step(step: Step, digits: dict[tuple[int, str], Digit]) -> Step:
    match step:
        case Split(statement, _, old):
            return replace(step, digits=tuple(digits[statement, digit.name] for digit in old))
        case _:
            return step


def _within_windows(schedule: Schedule) -> Schedule:
    """``schedule`` with no copy longer than the buffer that it fills or drains."""
    nests = {nest.statement.index: nest for nest in replay(schedule)}
    return replace(schedule, steps=tuple(_within(step, nests) for step in schedule.steps))


def _within(step: Step, nests: abc.Mapping[int, Nest]) -> Step:
    if not isinstance(step, Place):
        return step
    buffer = step.buffer
    layout = buffer_layout(nests[step.statement], buffer)
    if isinstance(layout, Rejection):
        return step
    extents = {coordinate.name: coordinate.extent for coordinate in layout.coordinates}
    fill, drain = (_copy(copy, extents) for copy in (buffer.fill, buffer.drain))
    return replace(step, buffer=replace(buffer, fill=fill, drain=drain))


def _copy(copy: Copy | None, extents: abc.Mapping[str, int]) -> Copy | None:
    """The copy with no coordinate longer than it is in the buffer."""
    if copy is None:
        return None
    binds = ((iterator, name, min(size, extents.get(name, size))) for iterator, name, size in copy.binds)
    return replace(copy, binds=tuple(binds))
