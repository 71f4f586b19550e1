"""One statement's nest: digits, loop order and buffers, and the integer geometry that follows from them.

Rules of this file:
- a kernel iterator is a mixed-radix number: its digits are listed outermost first, ``extent`` each, and the weight of a
  digit is the product of the extents inside it; the product of all may exceed the iterator's extent (the last tile is
  then clipped);
- a digit is either a loop of the program (``bound`` is None) or bound to an instruction iterator;
- loops only ever visit blocks that hold at least one valid iteration, so clipped extents are at least 1;
- ``span`` is where the step that says so stands, if in a file.

What does not belong here: making nodes (``emit.py``) and choosing numbers (the scheduler).
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, field

from isamapper.diagnostics.source import Span
from isamapper.hwdesc.model import Instruction
from isamapper.ir.affine import Affine, Extent, constant, extent, variable
from isamapper.ir.analysis import Statement


@dataclass(frozen=True, slots=True)
class Digit:
    """One digit of a kernel iterator; ``bound`` is the instruction iterator it lies in, or None for a loop."""

    name: str
    iterator: str
    extent: int
    bound: str | None = None
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Copy:
    """How a buffer is filled or drained: an instruction and, per instruction iterator, the coordinates it walks.

    ``binds`` holds (instruction iterator, coordinate, extent): ``extent`` consecutive steps of the coordinate; the
    rest of the coordinate becomes a loop. One iterator may walk several coordinates that lie in one line, outermost
    first, all but the outermost whole. Coordinates named nowhere are loops of their own.
    """

    instruction: str
    binds: tuple[tuple[str, str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class KeptAxis:
    """One axis of a kept tensor: ``extent`` blocks of ``weight`` elements along axis ``dim`` of the kernel's tensor.

    An axis that ``rolls`` holds the last ``extent`` of them only, each in the place of the one ``extent`` before it.
    """

    dim: int
    weight: int
    extent: int
    rolls: bool = False


@dataclass(frozen=True, slots=True)
class Buffer:
    """One stop of an access's elements on their way between home and instruction.

    ``access`` counts the statement's accesses (0: the target, 1, 2, ...: the loads).
    ``loop`` names the loop digit in whose body the buffer is filled and drained (None: before all loops).
    ``layout`` is ``digits`` (one axis per digit, as instructions want it) or ``dims`` (one axis per tensor axis).
    ``order`` lists the coordinates outermost first; the instruction's own axes come last in operand order.
    ``expand`` names the tensor axes on which every digit of a compound index has its own axis (a gather) instead of
    sharing a window.
    ``prefetch`` issues the next fill inside the present iteration's loops; ``delay`` does so for the previous drain.
    ``spread`` pairs inner loops with coordinates: each iteration of the loop carries its share of the coordinate, of
    the next tile with ``prefetch``, else of the present one, just before it is used first.
    ``prepared`` buffers hold const tensors re-laid out offline; ``resident`` ones are filled once, before the loops
    that statements share. ``row`` is how many elements a row (or register) of the memory holds: what an instruction
    reads starts and ends at whole rows.
    ``kept`` are the axes of the tensor itself, outermost first, where it lives in ``memory`` from statement to
    statement instead of at home: one place for all statements that keep it, the first stop of their paths. Nothing
    fills it but what writes the tensor; a ``drain`` also brings home what this statement has written.
    A buffer that ``adds`` starts every tile afresh, and its drain adds the tile to what is outside. One that is
    ``shared`` across loops is one for all cores that differ in nothing else, as far as the access does not follow them.
    """

    access: int
    memory: str
    loop: str | None
    slots: int = 1
    layout: str = "digits"
    order: tuple[str, ...] = ()
    expand: tuple[int, ...] = ()
    fill: Copy | None = None
    drain: Copy | None = None
    prefetch: bool = False
    delay: bool = False
    spread: tuple[tuple[str, str], ...] = ()
    prepared: bool = False
    row: int = 1
    resident: bool = False
    kept: tuple[KeptAxis, ...] = ()
    span: Span | None = field(default=None, compare=False)
    adds: bool = False
    shared: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Call:
    """An instruction laid over the statement.

    ``sigma`` holds (operand, access number): 0 is the statement's target, 1, 2, ... its loads. ``axes`` lists per
    instruction iterator the bound digits inside it, outermost first; iterators without a digit are left out. ``values``
    are the immediates that ``instruction`` has been specialised to; ``constants`` the operands that are fed a constant.
    """

    instruction: Instruction
    sigma: tuple[tuple[str, int], ...]
    axes: tuple[tuple[str, tuple[str, ...]], ...]
    values: tuple[tuple[str, int], ...] = ()
    constants: tuple[tuple[str, int | float], ...] = ()
    span: Span | None = field(default=None, compare=False)

    def operand(self, access: int) -> str | None:
        """The operand that stands for access number ``access``, if any."""
        return next((name for name, index in self.sigma if index == access), None)

    def members(self, iterator: str | None) -> tuple[str, ...]:
        """Names of the digits inside an instruction iterator, outermost first."""
        return next((names for name, names in self.axes if name == iterator), ())


@dataclass(frozen=True, slots=True)
class Epilogue:
    """An elementwise consumer of the target that is done by the drain itself.

    ``statement`` reads the nest's target once and writes its own; ``instruction`` does it on the way from the target's
    last buffer to the consumer's home. The nest's own target then exists in buffers only.
    """

    statement: Statement
    instruction: Instruction
    values: tuple[tuple[str, int], ...] = ()
    span: Span | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Nest:
    """Everything decided about one statement.

    ``call`` does the statement; where the target accumulates over several calls, ``first`` is the overwriting form used
    by the first of them, or ``init`` a call that fills the target with the reduction's identity before it.
    ``buffers`` are listed per access from home to instruction. ``distributed`` pairs the outermost loops with the grids
    across whose copies they run.
    """

    statement: Statement
    call: Call
    first: Call | None
    init: Call | None
    digits: tuple[Digit, ...]
    order: tuple[str, ...]
    buffers: tuple[Buffer, ...]
    epilogue: Epilogue | None = None
    distributed: tuple[tuple[str, str], ...] = ()
    order_span: Span | None = field(default=None, compare=False)
    distributed_span: Span | None = field(default=None, compare=False)

    def digit(self, name: str) -> Digit:
        """The digit called ``name``; KeyError where there is none."""
        for digit in self.digits:
            if digit.name == name:
                return digit
        raise KeyError(name)

    def path(self, access: int) -> tuple[Buffer, ...]:
        """Buffers of an access from home to instruction."""
        return tuple(buffer for buffer in self.buffers if buffer.access == access)


def digits_of(nest: Nest, iterator: str) -> tuple[Digit, ...]:
    """Digits of a kernel iterator, outermost first."""
    return tuple([digit for digit in nest.digits if digit.iterator == iterator])  # a list is filled in half the time


def weight(nest: Nest, digit: Digit) -> int:
    """How far the kernel iterator moves when ``digit`` moves by one."""
    total, seen, iterator, name = 1, False, digit.iterator, digit.name
    for other in nest.digits:
        if other.iterator == iterator:
            if seen:
                total *= other.extent
            elif other.name == name:
                seen = True
    return total


def iterator_extent(nest: Nest, name: str) -> int:
    """Extent of a kernel iterator."""
    for iterator in nest.statement.iterators:
        if iterator.name == name:
            return iterator.extent
    raise KeyError(name)


def steps_in(nest: Nest, digit: Digit) -> int:
    """How many steps of ``digit``'s weight cover the whole iterator."""
    return -(-iterator_extent(nest, digit.iterator) // weight(nest, digit))


def valid_extent(nest: Nest, digit: Digit, names: abc.Mapping[str, Affine]) -> Extent:
    """Steps of ``digit`` that start inside the iterator, given the values of the digits outside it.

    ``names`` gives the value of an outer digit where it is not its own loop variable.
    """
    digits = digits_of(nest, digit.iterator)
    if digits[0].name == digit.name:
        return extent(min(digit.extent, steps_in(nest, digit)))
    own, steps = weight(nest, digit), steps_in(nest, digit)
    remaining, clipped = constant(steps), False
    for outer in digits:
        if outer.name == digit.name:
            break
        value = names.get(outer.name)
        remaining = remaining - (variable(outer.name) if value is None else value) * (weight(nest, outer) // own)
        clipped = clipped or steps_in(nest, outer) > 1
    most = min(digit.extent, steps)
    return extent(most, remaining) if clipped and not divides_exactly(nest, digit) else extent(most)


def divides_exactly(nest: Nest, digit: Digit) -> bool:
    """Whether every visit of ``digit`` runs its full extent: the blocks around it divide the iterator."""
    steps = steps_in(nest, digit)
    return steps >= digit.extent and (
        digits_of(nest, digit.iterator)[0].name == digit.name or steps % digit.extent == 0
    )


def depth_of(nest: Nest, loop: str | None) -> int:
    """Number of loops around the body of ``loop`` (0 for None)."""
    return 0 if loop is None else nest.order.index(loop) + 1


def shares(nest: Nest, buffer: Buffer) -> tuple[str, ...]:
    """The loops across whose cores a shared buffer has a part for each: those that its access follows."""
    results = nest.statement.accesses[buffer.access].map.results
    return tuple(loop for loop in buffer.shared if any(r.coefficient(nest.digit(loop).iterator) for r in results))


def filled_as_needed(nest: Nest, buffer: Buffer) -> bool:
    """Whether the loops inside a buffer bring its present tile, piece by piece, before they use it first."""
    ahead = buffer.prefetch or buffer.delay or buffer.resident
    return bool(buffer.spread) and not ahead and buffer.access not in nest.statement.written
