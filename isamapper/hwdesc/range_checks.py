"""Whether a meaning is legal for every parameter value, not only for the greatest.

Where every loop around an access runs exactly as far as the axis it indexes is long, in the same words
(``for i < m`` over ``a: i8[m, 16]``), nothing can go wrong for other values. Anything else is bound once more with all
parameters at their least, and verified again.
"""

from __future__ import annotations

from collections import abc

from isamapper.diagnostics.source import Diagnostic, SourceError
from isamapper.hwdesc.classify import meaning, operand_axes
from isamapper.hwdesc.model import Instruction
from isamapper.ir.nodes import Direction
from isamapper.ir.sizes import SizeExpression
from isamapper.ir.symbolic import size_expression
from isamapper.ir.template import bind, iterator_extent
from isamapper.ir.verifier import check_semantics


def check_least(instruction: Instruction) -> tuple[Diagnostic, ...]:
    """What is wrong with the meaning at the least parameters."""
    if not instruction.parameters or _follows_shapes(instruction):
        return ()
    least = {parameter.name: parameter.low for parameter in instruction.parameters}
    at = ", ".join(f"{name} = {value}" for name, value in least.items())
    try:
        check_semantics(bind(instruction.template, sizes=least, types=dict(instruction.semantics.types)))
    except SourceError as error:
        return tuple(_noted(finding, at) for finding in error.diagnostics)
    return ()


def _noted(finding: Diagnostic, at: str) -> Diagnostic:
    return Diagnostic(finding.code, f"{finding.message} (for {at})", finding.span, finding.help, finding.notes)


def _follows_shapes(instruction: Instruction) -> bool:
    """Whether each access is by lone iterators that run as far as the axes are long."""
    shapes = dict(_shapes(instruction))
    if any(tensor.direction is Direction.LOCAL for tensor in instruction.semantics.tensors):
        return False
    if any(statement.conditions or statement.exclusions for statement in meaning(instruction)):
        return False
    for operand in instruction.operands:
        axes = operand_axes(instruction, operand)
        if not all(_same(instruction, *pair) for pair in zip(axes, shapes[operand.name], strict=True)):
            return False
    return True


def _same(instruction: Instruction, iterator: str | None, length: SizeExpression) -> bool:
    return iterator is not None and iterator_extent(instruction.template, iterator) == length


def _shapes(instruction: Instruction) -> abc.Iterator[tuple[str, tuple[SizeExpression, ...]]]:
    """Every operand with the lengths of its axes as written."""
    text = instruction.template.text
    for declaration in (*text.parameters, *text.results):
        yield declaration.name.name, tuple(size_expression(length) for length in declaration.shape)
