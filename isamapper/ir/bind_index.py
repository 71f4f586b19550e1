"""Integers of the text: sizes, shapes, indices, extents and conditions, bound to numbers and affine functions.

Every function reports to the scope and answers None where the text is wrong.
"""

from __future__ import annotations

from isamapper.diagnostics.names import did_you_mean
from isamapper.ir import syntax
from isamapper.ir.affine import Affine, Extent, constant, extent, rotate, variable
from isamapper.ir.nodes import Constraint
from isamapper.ir.scope import Scope

INTEGER_FUNCTIONS = ("min", "max", "ceildiv")
"""Functions of integers that fold when their arguments are known."""

_WORDS = {"%": "remainder", "//": "quotient", "*": "product"}


def affine_index(expression: syntax.Expression, scope: Scope) -> Affine | None:
    """An affine function of the iterators in scope, sizes being numbers."""
    match expression:
        case syntax.Number(value, span):
            if isinstance(value, int):
                return constant(value)
            scope.error("IR020", f"{value!r} is no integer", span, "indices and sizes are integers")
            return None
        case syntax.Name():
            return _named(expression, scope)
        case syntax.Negation(operand):
            function = affine_index(operand, scope)
            return None if function is None else -function
        case syntax.Operation():
            return _operation(expression, scope)
        case syntax.Call():
            return _call(expression, scope)
        case syntax.Element(tensor, _, _, span):
            hint = "indices are affine in iterators; data-dependent indices are not part of the language"
            scope.error("IR021", f"an index cannot read tensor '{tensor.name}'", span, hint)
            return None
        case syntax.AxisStep(_, span):
            scope.error("IR022", "'$' stands only in the windows of 'invoke'", span)
            return None
        case syntax.Comparison(_, _, _, span):
            scope.error("IR023", "a comparison is no integer", span, "comparisons stand in 'if' and 'select'")
            return None


def integer(expression: syntax.Expression, scope: Scope, what: str) -> int | None:
    """The value of an expression over sizes alone; ``what`` names its place in messages."""
    before = len(scope.found)
    function = affine_index(expression, scope)
    if function is None:
        return None
    if not function.is_constant:
        names = ", ".join(f"'{name}'" for name in sorted(function.names))
        scope.error("IR024", f"{what} must be known before the loops run, but depends on {names}", expression.span)
        return None
    return function.constant if len(scope.found) == before else None


def bound_extent(expression: syntax.Expression, scope: Scope) -> Extent | None:
    """A trip count or window size: the minimum of affine functions."""
    bounds = _minimum(expression)
    functions = [affine_index(bound, scope) for bound in bounds]
    known = [function for function in functions if function is not None]
    if len(known) < len(functions):
        return None
    return extent(*known)


def _minimum(expression: syntax.Expression) -> tuple[syntax.Expression, ...]:
    if isinstance(expression, syntax.Call) and expression.name.name == "min":
        return tuple(bound for argument in expression.arguments for bound in _minimum(argument))
    return (expression,)


def bound_constraint(condition: syntax.Comparison, scope: Scope) -> Constraint | None:
    """``function >= 0`` or ``function == 0`` for one comparison."""
    left, right = affine_index(condition.left, scope), affine_index(condition.right, scope)
    if left is None or right is None:
        return None
    match condition.op:
        case "<=":
            return Constraint(right - left)
        case "<":
            return Constraint(right - left - 1)
        case ">=":
            return Constraint(left - right)
        case ">":
            return Constraint(left - right - 1)
        case "==":
            return Constraint(left - right, equality=True)
    hint = "write `if a == b { } else { … }`"
    scope.error("IR025", "'!=' is not a condition of 'if'", condition.span, hint)
    return None


def _named(name: syntax.Name, scope: Scope) -> Affine | None:
    if name.name in scope.sizes:
        return constant(scope.sizes[name.name])
    if name.name in scope.iterators:
        return variable(name.name)
    hint: str | None
    if name.name in scope.tensors:
        hint = "indices are affine in iterators; data-dependent indices are not part of the language"
        scope.error("IR021", f"an index cannot read tensor '{name.name}'", name.span, hint)
    else:
        known = [each for each in (*scope.sizes, *scope.iterators) if not each.startswith("$")]
        what = "size or iterator" if scope.iterators else "size"
        hint = did_you_mean(name.name, known)
        if not scope.iterators and not (hint or "").startswith("did you mean"):
            loop = f"iterators are declared by loops: for {name.name} < … {{ }}"
            hint = loop if scope.tensors else f"declare it: sizes {name.name}=64"
        scope.error("IR010", f"unknown {what} '{name.name}'", name.span, hint)
    return None


def _operation(expression: syntax.Operation, scope: Scope) -> Affine | None:
    left, right = affine_index(expression.left, scope), affine_index(expression.right, scope)
    if left is None or right is None:
        return None
    match expression.op:
        case "+":
            return left + right
        case "-":
            return left - right
        case "*" if right.is_constant:
            return left * right.constant
        case "*" if left.is_constant:
            return right * left.constant
        case "//" | "%" if left.is_constant and right.is_constant:
            return _division(expression, left.constant, right.constant, scope)
        case "/" | "<<" | ">>":
            hint = "use '//' for whole quotients" if expression.op == "/" else None
            scope.error("IR026", f"'{expression.op}' is not defined for sizes and indices", expression.span, hint)
        case _:
            names = ", ".join(f"'{name}'" for name in sorted(left.names | right.names))
            message = f"not affine: a {_WORDS[expression.op]} of {names}"
            hint = "indices are sums of iterators times sizes; " + (
                "a loop for each digit replaces '//' and '%'" if expression.op != "*" else "only sizes may multiply"
            )
            scope.error("IR027", message, expression.span, hint)
    return None


def _division(expression: syntax.Operation, left: int, right: int, scope: Scope) -> Affine | None:
    if right == 0:
        scope.error("IR028", "division by zero", expression.span)
        return None
    return constant(left // right if expression.op == "//" else left % right)


def _call(call: syntax.Call, scope: Scope) -> Affine | None:
    name = call.name.name
    if name == "rotate":
        return _rotate(call, scope)
    if name not in INTEGER_FUNCTIONS:
        hint = did_you_mean(name, [*INTEGER_FUNCTIONS, "rotate"])
        scope.error("IR029", f"'{name}' is not a function of sizes and indices", call.name.span, hint)
        return None
    values = [integer(argument, scope, f"an argument of '{name}'") for argument in call.arguments]
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return None
    if name == "ceildiv":
        if len(known) != 2:
            scope.error("IR035", f"'ceildiv' takes 2 arguments, not {len(known)}", call.span)
            return None
        if known[1] == 0:
            scope.error("IR028", "division by zero", call.span)
            return None
        return constant(-(-known[0] // known[1]))
    if not known:
        scope.error("IR035", f"'{name}' takes at least 1 argument", call.span)
        return None
    return constant(min(known) if name == "min" else max(known))


def _rotate(call: syntax.Call, scope: Scope) -> Affine | None:
    if not scope.program:
        scope.error("IR050", "'rotate' belongs to programs", call.span, "kernels index with affine functions")
        return None
    if len(call.arguments) != 2:
        scope.error("IR035", f"'rotate' takes 2 arguments, not {len(call.arguments)}", call.span)
        return None
    value = affine_index(call.arguments[0], scope)
    modulus = integer(call.arguments[1], scope, "the number of slots")
    if value is None or modulus is None:
        return None
    if modulus < 1:
        scope.error("IR011", f"'rotate' over {modulus} slots", call.arguments[1].span)
        return None
    return rotate(value, modulus)
