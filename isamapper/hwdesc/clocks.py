"""Clock domains: cycles that a machine file counts in a part's own clock, in cycles of the machine.

The machine's clock is the fastest; ``n`` cycles of a slower one take ``n`` times the ratio, rounded up. What does not
belong here: ports, whose bandwidth is scaled as it is used (``Port.byte_cycles``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import replace

from isamapper.hwdesc.model import Instruction, Unit
from isamapper.hwdesc.parts import machine_cycles
from isamapper.ir.sizes import SizeBinary, SizeConstant, SizeExpression, SizeOp


def in_machine_cycles(instruction: Instruction, units: abc.Iterable[Unit], clock_hz: int) -> Instruction:
    """``instruction`` with its unit's cycles as the machine's."""
    unit = next((each for each in units if each.name == instruction.unit), None)
    cycles, own = machine_cycles(None if unit is None else unit.clock_hz, clock_hz)
    if cycles == own:
        return instruction

    def scaled(value: SizeExpression) -> SizeExpression:
        longer = SizeBinary(SizeOp.MUL, value, SizeConstant(cycles))
        return SizeBinary(SizeOp.CEILDIV, longer, SizeConstant(own))

    def when_given(value: SizeExpression | None) -> SizeExpression | None:
        return None if value is None else scaled(value)

    operands = tuple(
        replace(
            each,
            read_at=when_given(each.read_at),
            read_until=when_given(each.read_until),
            ready_at=when_given(each.ready_at),
        )
        for each in instruction.operands
    )
    occupies, latency = scaled(instruction.occupies_cycles), scaled(instruction.latency_cycles)
    return replace(instruction, occupies_cycles=occupies, latency_cycles=latency, operands=operands)
