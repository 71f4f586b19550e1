"""Invocations of a program: operand windows and parameter values.

``a: buf[rotate(ko, 2), mi, 2*$0 + 1] over [16]`` is the window whose only axis has extent 16 and moves two elements
along the last axis of ``buf`` per step.
"""

from __future__ import annotations

from isamapper.diagnostics.names import did_you_mean
from isamapper.ir import syntax
from isamapper.ir.affine import Affine
from isamapper.ir.bind_index import affine_index, bound_extent
from isamapper.ir.bind_value import bound_literal
from isamapper.ir.nodes import Invoke, Window, WindowAxis
from isamapper.ir.scope import Scope


def bound_invocation(statement: syntax.Invoke, scope: Scope) -> Invoke | None:
    """The invocation; None (reported) where a part is wrong."""
    parameters = [(each.name.name, bound_extent(each.value, scope)) for each in statement.arguments]
    windows = [(each.name.name, _window(each, scope)) for each in statement.operands]
    for names in ([each.name for each in statement.arguments], [each.name for each in statement.operands]):
        _check_distinct(names, scope)
    known_parameters = tuple((name, value) for name, value in parameters if value is not None)
    known_windows = tuple((name, window) for name, window in windows if window is not None)
    if len(known_parameters) < len(parameters) or len(known_windows) < len(windows):
        return None
    return Invoke(statement.instruction, known_windows, known_parameters, statement.span)


def _check_distinct(names: list[syntax.Name], scope: Scope) -> None:
    seen = set()
    for name in names:
        if name.name in seen:
            scope.error("IR042", f"'{name.name}' is given twice", name.span)
        seen.add(name.name)


def _window(operand: syntax.Operand, scope: Scope) -> Window | None:
    element = operand.window
    name = element.tensor.name
    tensor = scope.tensors.get(name)
    if tensor is None:
        scope.error("IR012", f"unknown tensor '{name}'", element.tensor.span, did_you_mean(name, scope.tensors))
        return None
    if name in scope.broken:
        return None
    if len(element.indices) != len(tensor.shape):
        message = f"'{name}' has {len(tensor.shape)} axes but is indexed with {len(element.indices)}"
        scope.error("IR013", message, element.span)
        return None
    before = len(scope.found)
    steps: list[list[tuple[int, int]]] = [[] for _ in operand.extents]
    offsets = tuple(_offset(index, axis, steps, scope) for axis, index in enumerate(element.indices))
    extents = [bound_extent(each, scope) for each in operand.extents]
    axes = tuple(
        WindowAxis(value, tuple(sorted(step))) for value, step in zip(extents, steps, strict=True) if value is not None
    )
    otherwise = None if operand.otherwise is None else bound_literal(operand.otherwise, tensor.dtype, scope)
    if len(scope.found) > before:
        return None
    return Window(name, offsets, axes, otherwise, operand.span)


def _offset(index: syntax.Expression, axis: int, steps: list[list[tuple[int, int]]], scope: Scope) -> Affine:
    """The affine part of an index; its ``$d`` terms are added to ``steps[d]``."""
    inner = Scope(
        scope.program,
        scope.sizes,
        tensors=scope.tensors,
        iterators={**scope.iterators, **{f"${each.axis}": each.span for each in _axis_steps(index)}},
        found=scope.found,
    )
    function = affine_index(_spelled(index), inner)
    if function is None:
        return Affine()
    for term, step in function.terms:
        if not term.startswith("$"):
            continue
        number = int(term[1:])
        if number < len(steps):
            steps[number].append((axis, step))
        else:
            hint = f"'over' gives {len(steps)} extents; axes are numbered from $0"
            scope.error("IR047", f"the operand has no axis '{term}'", index.span, hint)
    if any(name.startswith("$") for rotation, _ in function.rotations for name in rotation.value.names):
        scope.error("IR047", "'rotate' takes iterators of loops, not '$' axes", index.span)
    return Affine(
        tuple(term for term in function.terms if not term[0].startswith("$")), function.constant, function.rotations
    )


def _axis_steps(index: syntax.Expression) -> list[syntax.AxisStep]:
    match index:
        case syntax.AxisStep():
            return [index]
        case syntax.Negation(operand):
            return _axis_steps(operand)
        case syntax.Operation(_, left, right):
            return _axis_steps(left) + _axis_steps(right)
        case syntax.Call(_, arguments):
            return [step for argument in arguments for step in _axis_steps(argument)]
    return []


def _spelled(index: syntax.Expression) -> syntax.Expression:
    """``index`` with each ``$d`` as an iterator of that name."""
    match index:
        case syntax.AxisStep(axis, span):
            return syntax.Name(f"${axis}", span)
        case syntax.Negation(operand, span):
            return syntax.Negation(_spelled(operand), span)
        case syntax.Operation(op, left, right, span):
            return syntax.Operation(op, _spelled(left), _spelled(right), span)
        case syntax.Call(name, arguments, span):
            return syntax.Call(name, tuple(_spelled(argument) for argument in arguments), span)
    return index
