"""Loops left out: ``c[m, n] += a[m, k] * b[k, n]`` stands for the loops its indices imply.

Before, with a: [4, 8] and b: [8, 2]:      c[m, n] += a[m, k] * b[k, n]
After:       for m < 4, n < 2, k < 8 { c[m, n] += a[m, k] * b[k, n] }

Iterators come in the order of their first occurrence. Each must stand alone in some index of a tensor, whose axis
gives its extent.
"""

from __future__ import annotations

from collections import abc

from isamapper.diagnostics.names import did_you_mean
from isamapper.diagnostics.source import Span
from isamapper.ir import syntax
from isamapper.ir.affine import Extent, extent
from isamapper.ir.scope import Scope


def implied_loops(statement: syntax.Assign, scope: Scope) -> list[tuple[str, Extent, Span]] | None:
    """Name, extent and first place of each iterator; None (reported) where one is not bounded."""
    elements = [statement.target, *elements_of(statement.value)]
    names: dict[str, syntax.Name] = {}
    for element in elements:
        for index in element.indices:
            for name in _free_names(index, scope):
                names.setdefault(name.name, name)
    loops = []
    for name in names.values():
        bound = _extent(name, elements, scope)
        if bound is not None:
            loops.append((name.name, extent(bound), name.span))
    return loops if len(loops) == len(names) else None


def _extent(name: syntax.Name, elements: abc.Sequence[syntax.Element], scope: Scope) -> int | None:
    """The extent of the axes that ``name`` indexes alone; padded accesses count only where there is no other."""
    plain = _axes(name.name, [element for element in elements if element.otherwise is None], scope)
    axes = plain or _axes(name.name, elements, scope)
    if not axes:
        if all(element.tensor.name in scope.tensors.keys() - scope.broken for element in elements):
            near = did_you_mean(name.name, scope.sizes) or ""
            hint = near if near.startswith("did you mean") else f"write the loops: for {name.name} < … {{ }}"
            message = f"the extent of iterator '{name.name}' cannot be told: it never stands alone in an index"
            scope.error("IR045", message, name.span, hint)
        return None
    first_tensor, first = axes[0]
    for tensor, length in axes[1:]:
        if length != first:
            message = f"iterator '{name.name}' runs to {first} in '{first_tensor}' but to {length} in '{tensor}'"
            scope.error("IR046", message, name.span, "write the loops, or make the shapes agree")
            return None
    return first


def _axes(name: str, elements: abc.Iterable[syntax.Element], scope: Scope) -> list[tuple[str, int]]:
    found = []
    for element in elements:
        tensor = scope.tensors.get(element.tensor.name)
        if tensor is None or tensor.name in scope.broken or len(tensor.shape) != len(element.indices):
            continue
        for index, length in zip(element.indices, tensor.shape, strict=True):
            if isinstance(index, syntax.Name) and index.name == name:
                found.append((tensor.name, length))
    return found


def elements_of(expression: syntax.Expression) -> list[syntax.Element]:
    """Elements in ``expression``, left to right."""
    match expression:
        case syntax.Element():
            return [expression]
        case syntax.Negation(operand):
            return elements_of(operand)
        case syntax.Operation(_, left, right) | syntax.Comparison(_, left, right):
            return elements_of(left) + elements_of(right)
        case syntax.Call(_, arguments):
            return [element for argument in arguments for element in elements_of(argument)]
    return []


def _free_names(index: syntax.Expression, scope: Scope) -> list[syntax.Name]:
    """Names in an index that can only be iterators."""
    match index:
        case syntax.Name(name):
            return [] if name in scope.sizes or name in scope.tensors else [index]
        case syntax.Negation(operand):
            return _free_names(operand, scope)
        case syntax.Operation(_, left, right):
            return _free_names(left, scope) + _free_names(right, scope)
        case syntax.Call(_, arguments):
            return [name for argument in arguments for name in _free_names(argument, scope)]
    return []
