"""Rules of timing expressions: only the instruction's parameters, defined and not negative for all their values."""

from __future__ import annotations

import itertools
from collections import abc

from isamapper.diagnostics.names import did_you_mean
from isamapper.diagnostics.source import Diagnostic, Span
from isamapper.hwdesc.model import Instruction, ParameterRange
from isamapper.hwdesc.places import Places
from isamapper.ir.sizes import SizeExpression, evaluate_size, size_names

_EVERY_VALUE = 2048
"""Combinations of parameter values that are all tried; beyond it, the ends and middles of the ranges are."""

_MOST_CYCLES = 1 << 40


def check_timing(instruction: Instruction, places: Places) -> abc.Iterator[Diagnostic]:
    """Findings about every cycle count of ``instruction``."""
    own = ("instruction", instruction.name)
    yield from _expression(instruction, "occupies_cycles", instruction.occupies_cycles, places.find(*own, "timing"))
    yield from _expression(instruction, "latency_cycles", instruction.latency_cycles, places.find(*own, "timing"))
    for operand in instruction.operands:
        for field in ("read_at", "read_until", "ready_at"):
            expression: SizeExpression | None = getattr(operand, field)
            if expression is not None:
                span = places.find(*own, "operands", operand.name, field)
                yield from _expression(instruction, field, expression, span)


def _expression(
    instruction: Instruction, field: str, expression: SizeExpression, place: Span | None
) -> abc.Iterator[Diagnostic]:
    span = expression.span or place
    names = [parameter.name for parameter in instruction.parameters]
    unknown = sorted(size_names(expression) - set(names))
    for name in unknown:
        help = did_you_mean(name, names) or f"'{instruction.name}' has no parameters"
        yield Diagnostic("HW011", f"unknown parameter '{name}' in '{field}'", span, help)
    if not unknown and (wrong := _wrong_value(instruction, expression)) is not None:
        yield Diagnostic("HW012", f"'{field}' of '{instruction.name}' {wrong}", span)


def _wrong_value(instruction: Instruction, expression: SizeExpression) -> str | None:
    """What is wrong with the value, and at which parameters; None where it is right everywhere."""
    used = size_names(expression)
    for values in _samples([parameter for parameter in instruction.parameters if parameter.name in used]):
        at = " for " + ", ".join(f"{name} = {value}" for name, value in values.items()) if values else ""
        try:
            cycles = evaluate_size(expression, values)
        except ZeroDivisionError:
            return f"divides by zero{at}"
        if cycles < 0:
            return f"is {cycles}{at}; cycles are not negative"
        if cycles > _MOST_CYCLES:
            return f"is {cycles}{at}; no instruction takes more than {_MOST_CYCLES:,} cycles"
    return None


def _samples(parameters: abc.Sequence[ParameterRange]) -> abc.Iterator[dict[str, int]]:
    ranges = [range(each.low, each.high + 1, each.step) for each in parameters]
    total = 1
    for values in ranges:
        total *= len(values)
    chosen: list[abc.Sequence[int]] = list(ranges)
    if total > _EVERY_VALUE:
        chosen = [sorted({values[0], values[len(values) // 2], values[-1]}) for values in ranges]
    for combination in itertools.product(*chosen):
        yield dict(zip((each.name for each in parameters), combination, strict=True))
