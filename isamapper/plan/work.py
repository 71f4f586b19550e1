"""How long the calls of a statement keep their unit busy: exact counts, clipped calls at their own size."""

from __future__ import annotations

from collections import abc

from isamapper.hwdesc.bind import timing
from isamapper.hwdesc.model import Instruction
from isamapper.ir.analysis import Statement
from isamapper.plan.needle import iterator_sizes, parameter_of
from isamapper.plan.nest import Call, Digit


def call_cycles(statement: Statement, call: Call, bound: tuple[Digit, ...], shared: abc.Set[str] = frozenset()) -> int:
    """Busy cycles of the instruction's unit over all calls of one run of the nest.

    ``bound`` are the digits inside the instruction; ``shared`` iterators are loops around the nest and count once.
    O(2^iterators) at most, one case per combination of clipped iterators.
    """
    cases: list[tuple[int, dict[str, int]]] = [(1, {})]
    for iterator in statement.iterators:
        lanes = [digit for digit in bound if digit.iterator == iterator.name]
        block = _product(digit.extent for digit in lanes)
        blocks = 1 if iterator.name in shared else -(-iterator.extent // block)
        tail = iterator.extent % block
        control = parameter_of(call.instruction, str(lanes[0].bound)) if len(lanes) == 1 else None
        if control is None or not tail:
            cases = [(count * blocks, values) for count, values in cases]
            continue
        whole = [(count * (blocks - 1), values) for count, values in cases if blocks > 1]
        cases = whole + [(count, {**values, str(lanes[0].bound): tail}) for count, values in cases]
    return sum(
        count * max(1, timing(call.instruction, call_parameters(call, bound, clipped))[0]) for count, clipped in cases
    )


def call_parameters(call: Call, bound: abc.Iterable[Digit], clipped: abc.Mapping[str, int]) -> dict[str, int]:
    """Parameter values of a call whose instruction iterators in ``clipped`` run that many steps, the others whole."""
    extents = {digit.name: digit.extent for digit in bound}
    instruction: Instruction = call.instruction
    values = {parameter.name: parameter.low for parameter in instruction.parameters}
    for lane in iterator_sizes(instruction.semantics):
        control = parameter_of(instruction, lane)
        if control is None:
            continue
        size = clipped.get(lane, _product(extents[name] for name in call.members(lane)))
        values[control.name] = max(control.low, size + (control.low - size) % control.step)
    return values


def _product(numbers: abc.Iterable[int]) -> int:
    total = 1
    for number in numbers:
        total *= number
    return total
