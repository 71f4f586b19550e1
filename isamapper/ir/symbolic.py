"""Sizes that stay symbolic: formulas of machine files, and the extent of a template's loop.

What does not belong here: binding to numbers (``bind_index.py``).
"""

from __future__ import annotations

from collections import abc

from isamapper.diagnostics.source import Diagnostic, SourceError, Span
from isamapper.ir import syntax
from isamapper.ir.shorthand import elements_of
from isamapper.ir.sizes import SizeBinary, SizeConstant, SizeExpression, SizeName, SizeOp

_OPERATORS = {op.value: op for op in SizeOp}


def size_expression(expression: syntax.Expression) -> SizeExpression:
    """``expression`` over named sizes; SourceError where it is no integer formula."""
    match expression:
        case syntax.Number(value, span) if isinstance(value, int):
            return SizeConstant(value, span)
        case syntax.Name(name, span):
            return SizeName(name, span)
        case syntax.Negation(operand, span):
            return SizeBinary(SizeOp.SUB, SizeConstant(0, span), size_expression(operand), span)
        case syntax.Operation(op, left, right, span) if op in _OPERATORS:
            return SizeBinary(_OPERATORS[op], size_expression(left), size_expression(right), span)
        case syntax.Call(syntax.Name("min" | "max" | "ceildiv" as name), arguments, span) if len(arguments) > 1:
            return _nested(_OPERATORS[name], arguments, span)
    hint = "integers, names, + - * // %, ceildiv(a, b), min(a, b) and max(a, b)"
    raise SourceError(Diagnostic("IR020", "not a formula of sizes", expression.span, hint))


def _nested(op: SizeOp, arguments: tuple[syntax.Expression, ...], span: Span) -> SizeExpression:
    if op is SizeOp.CEILDIV and len(arguments) != 2:
        raise SourceError(Diagnostic("IR035", f"'ceildiv' takes 2 arguments, not {len(arguments)}", span))
    result = size_expression(arguments[0])
    for argument in arguments[1:]:
        result = SizeBinary(op, result, size_expression(argument), span)
    return result


def extent_of(text: syntax.KernelText, iterator: str) -> SizeExpression | None:
    """The extent of the first loop called ``iterator``, written or implied; None where there is none."""
    shapes = {each.name.name: each.shape for each in (*text.parameters, *text.results, *_locals(text.body))}
    return _extent(text.body, iterator, shapes)


def _locals(body: tuple[syntax.Statement, ...]) -> list[syntax.Declaration]:
    return [statement.declaration for statement in body if isinstance(statement, syntax.Local)]


def _extent(
    body: tuple[syntax.Statement, ...], iterator: str, shapes: abc.Mapping[str, tuple[syntax.Expression, ...]]
) -> SizeExpression | None:
    for statement in body:
        found: SizeExpression | None = None
        match statement:
            case syntax.For(heads, inner):
                own = [head.extent for head in heads if head.iterator.name == iterator]
                found = size_expression(own[0]) if own else _extent(inner, iterator, shapes)
            case syntax.If(_, inner, otherwise):
                found = _extent(inner + otherwise, iterator, shapes)
            case syntax.Prepare(inner):
                found = _extent(inner, iterator, shapes)
            case syntax.Assign(target, _, value):
                found = _implied([target, *elements_of(value)], iterator, shapes)
            case syntax.Local() | syntax.Allocate() | syntax.Invoke():
                continue
        if found is not None:
            return found
    return None


def _implied(
    elements: list[syntax.Element], iterator: str, shapes: abc.Mapping[str, tuple[syntax.Expression, ...]]
) -> SizeExpression | None:
    for element in sorted(elements, key=lambda element: element.otherwise is not None):
        shape = shapes.get(element.tensor.name, ())
        if len(shape) != len(element.indices):
            continue
        for index, length in zip(element.indices, shape, strict=True):
            if isinstance(index, syntax.Name) and index.name == iterator:
                return size_expression(length)
    return None
