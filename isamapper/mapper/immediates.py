"""Parameters that stand in an instruction's expression: immediates such as a shift amount.

    (m in 1..16, s in 1..31) ... dst[i] = shr_round(src[i], s)

Such a parameter is matched like a literal: for every literal of the statement that lies in its range, the instruction is
specialised to that value, and the mapping records it.
"""

from __future__ import annotations

import itertools
from collections import abc
from functools import lru_cache

from isamapper.hwdesc.bind import bind_instruction, specialised
from isamapper.hwdesc.model import Instruction, ParameterRange
from isamapper.ir.analysis import Statement, statements
from isamapper.ir.expressions import operands
from isamapper.ir.nodes import Clamp, Constant, Expression

Values = tuple[tuple[str, int], ...]


@lru_cache(maxsize=4096)
def immediates(instruction: Instruction) -> tuple[ParameterRange, ...]:
    """Parameters whose value changes a literal of the meaning."""
    found = []
    for parameter in instruction.parameters:
        if parameter.low < parameter.high:
            low = bind_instruction(instruction, {parameter.name: parameter.low})
            at_low = [literals(statement.assign.value) for statement in statements(low)]
            at_high = [literals(statement.assign.value) for statement in statements(instruction.semantics)]
            if at_low != at_high:
                found.append(parameter)
    return tuple(found)


def literals(expression: Expression) -> tuple[int | float, ...]:
    """Every literal of an expression, left to right."""
    own: tuple[int | float, ...] = ()
    if isinstance(expression, Constant):
        own = (expression.value,)
    elif isinstance(expression, Clamp):
        own = (expression.low, expression.high)
    return own + tuple(value for operand in operands(expression) for value in literals(operand))


def specialisations(instruction: Instruction, statement: Statement) -> abc.Iterator[tuple[Instruction, Values]]:
    """``instruction`` with its immediates set to literals of ``statement``, in every way; itself where it has none."""
    wanted = immediates(instruction)
    if not wanted:
        yield instruction, ()
        return
    known = sorted({value for value in literals(statement.assign.value) if isinstance(value, int)})
    choices = [[value for value in known if _takes(parameter, value)] for parameter in wanted]
    for values in itertools.product(*choices):
        chosen = tuple((parameter.name, value) for parameter, value in zip(wanted, values, strict=True))
        yield specialised(instruction, chosen), chosen


def _takes(parameter: ParameterRange, value: int) -> bool:
    return parameter.low <= value <= parameter.high and (value - parameter.low) % parameter.step == 0
