"""Values of the text, bound to typed expressions: no data type is ever converted silently.

A part made of literals and sizes alone has no data type of its own; it takes that of its sibling, of a cast around
it, or of the tensor it is assigned to. Every function reports to the scope and answers None where the text is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from isamapper.diagnostics.names import did_you_mean
from isamapper.diagnostics.source import Span
from isamapper.ir import syntax
from isamapper.ir.affine import AccessMap, Affine
from isamapper.ir.bind_index import INTEGER_FUNCTIONS, affine_index
from isamapper.ir.literals import literal_of, print_number, spelled_dtype
from isamapper.ir.nodes import (
    Access,
    Binary,
    BinaryOp,
    Cast,
    Clamp,
    CompareOp,
    Constant,
    Expression,
    Load,
    Select,
    Tensor,
    Unary,
    UnaryOp,
)
from isamapper.ir.scope import Scope
from isamapper.ir.types import DTYPES, DType

UNARY_FUNCTIONS = {op.value: op for op in UnaryOp}
OTHER_FUNCTIONS = ("min", "max", "relu", "clamp", "select", "shr_round")
_ANY_DTYPE = (UnaryOp.NEG, UnaryOp.ABS)
_SHIFTS = (BinaryOp.SHL, BinaryOp.SHR, BinaryOp.SHR_ROUND)


@dataclass(frozen=True, slots=True)
class Typed:
    """A bound expression and its data type."""

    node: Expression
    dtype: DType


@dataclass(frozen=True, slots=True)
class Literal:
    """A part made of literals and sizes alone, not yet of any data type."""

    text: syntax.Expression


Value: TypeAlias = Typed | Literal


def bound_value(expression: syntax.Expression, dtype: DType, scope: Scope) -> Typed | None:
    """The value of a statement whose target holds ``dtype``, which literals take where nothing nearer decides."""
    value = _value(expression, dtype, scope)
    assert not isinstance(value, Literal)
    return value


def bound_access(element: syntax.Element, scope: Scope) -> Access | None:
    """The access an element names."""
    name = element.tensor.name
    tensor = scope.tensors.get(name)
    if tensor is None:
        scope.error("IR012", f"unknown tensor '{name}'", element.tensor.span, did_you_mean(name, scope.tensors))
        return None
    results = [affine_index(index, scope) for index in element.indices]
    if name in scope.broken:
        return None
    if len(results) != len(tensor.shape):
        _wrong_rank(element, tensor, scope)
        return None
    known: list[Affine] = [result for result in results if result is not None]
    if len(known) < len(results):
        return None
    otherwise = None
    if element.otherwise is not None:
        otherwise = bound_literal(element.otherwise, tensor.dtype, scope)
        if otherwise is None:
            return None
    return Access(name, AccessMap(tuple(known)), otherwise, element.span)


def _wrong_rank(element: syntax.Element, tensor: Tensor, scope: Scope) -> None:
    given = "1 index" if len(element.indices) == 1 else f"{len(element.indices)} indices"
    shape = ", ".join(map(str, tensor.shape))
    hint = f"'{tensor.name}' is declared as {tensor.dtype}[{shape}]"
    scope.error("IR013", f"'{tensor.name}' has {_axes(tensor)} but is indexed with {given}", element.span, hint)


def _axes(tensor: Tensor) -> str:
    return "1 axis" if len(tensor.shape) == 1 else f"{len(tensor.shape)} axes"


def bound_literal(expression: syntax.Expression, dtype: DType, scope: Scope) -> int | float | None:
    """A number of ``dtype``: a literal or a size, with a sign."""
    number = _number(expression, scope)
    if number is None:
        message = f"expected a literal, found '{_quoted(expression)}'"
        scope.error("IR034", message, expression.span, "a number, a size, inf or -inf")
        return None
    return _fitting(number, dtype, expression.span, scope)


def _fitting(number: int | float, dtype: DType, span: Span, scope: Scope) -> int | float | None:
    value = literal_of(number, dtype)
    if value is None:
        scope.error("IR032", f"{print_number(number)} is no value of {dtype}", span)
    return value


def _number(expression: syntax.Expression, scope: Scope) -> int | float | None:
    """The number an expression denotes, None where it is no plain number; reports nothing."""
    match expression:
        case syntax.Number(value):
            return value
        case syntax.Name("inf"):
            return float("inf")
        case syntax.Negation(syntax.Number() | syntax.Name("inf") as operand):
            number = _number(operand, scope)
            return None if number is None else -number
    if not _is_integer(expression, scope):
        return None
    silent = Scope(False, scope.sizes)
    function = affine_index(expression, silent)
    return None if function is None else function.constant


def _is_integer(expression: syntax.Expression, scope: Scope) -> bool:
    """Whether only integer literals, sizes and integer operators occur."""
    match expression:
        case syntax.Number(value):
            return isinstance(value, int)
        case syntax.Name(name):
            return name in scope.sizes
        case syntax.Negation(operand):
            return _is_integer(operand, scope)
        case syntax.Operation(op, left, right):
            return op in ("+", "-", "*", "//", "%") and _is_integer(left, scope) and _is_integer(right, scope)
        case syntax.Call(name, arguments):
            return name.name in INTEGER_FUNCTIONS and all(_is_integer(argument, scope) for argument in arguments)
    return False


# Values. ``default`` is the data type that literals take where no sibling decides; without one they stay literals.


def _value(expression: syntax.Expression, default: DType | None, scope: Scope) -> Value | None:
    if default is not None:
        number = _number(expression, scope)
        if number is not None:
            return _constant(number, default, expression.span, scope)
    match expression:
        case syntax.Number():
            return Literal(expression)
        case syntax.Name():
            return _name(expression, scope)
        case syntax.Element():
            access = bound_access(expression, scope)
            return None if access is None else _load(access, scope)
        case syntax.Negation(operand, span):
            value = _value(operand, default, scope)
            if isinstance(value, Typed):
                return Typed(Unary(UnaryOp.NEG, value.node, span), value.dtype)
            return None if value is None else Literal(expression)
        case syntax.Operation():
            return _operation(expression, default, scope)
        case syntax.Call():
            return _call(expression, default, scope)
        case syntax.Comparison(_, _, _, span):
            scope.error("IR023", "a comparison is no value", span, "write select(a < b, x, y)")
            return None
        case syntax.AxisStep(_, span):
            scope.error("IR022", "'$' stands only in the windows of 'invoke'", span)
            return None


def _resolved(value: Value, dtype: DType, scope: Scope) -> Typed | None:
    """``value`` itself where it has a data type, else its literals as ``dtype``."""
    if isinstance(value, Typed):
        return value
    found = _value(value.text, dtype, scope)
    assert not isinstance(found, Literal)
    return found


def _constant(number: int | float, dtype: DType, span: Span, scope: Scope) -> Typed | None:
    value = _fitting(number, dtype, span, scope)
    return None if value is None else Typed(Constant(value, dtype, span), dtype)


def _load(access: Access, scope: Scope) -> Typed:
    return Typed(Load(access, access.span), scope.tensors[access.tensor].dtype)


def _name(name: syntax.Name, scope: Scope) -> Value | None:
    if name.name in scope.sizes or (name.name == "inf" and "inf" not in scope.tensors):
        return Literal(name)
    if name.name in scope.broken:
        return None
    if name.name in scope.tensors:
        tensor = scope.tensors[name.name]
        if tensor.shape:
            indices = ", ".join("…" for _ in tensor.shape)
            hint = f"write {name.name}[{indices}]"
            scope.error("IR013", f"'{name.name}' has {_axes(tensor)} but no index", name.span, hint)
            return None
        return _load(Access(name.name, AccessMap(()), None, name.span), scope)
    if name.name in scope.iterators:
        hint = "values are tensors, sizes and literals; `if` may compare iterators"
        scope.error("IR038", f"iterator '{name.name}' is not a value", name.span, hint)
        return None
    known = [*scope.tensors, *scope.sizes]
    scope.error("IR012", f"unknown tensor or size '{name.name}'", name.span, did_you_mean(name.name, known))
    return None


def _operation(expression: syntax.Operation, default: DType | None, scope: Scope) -> Value | None:
    if expression.op not in ("//", "%"):
        return _pair(BinaryOp(expression.op), expression.left, expression.right, expression, default, scope)
    if not _is_integer(expression, scope):
        hint = "'/' divides, of integers towards zero; '#' starts a comment" if expression.op == "//" else None
        scope.error("IR026", f"'{expression.op}' is defined for sizes, not for values", expression.span, hint)
    elif affine_index(expression, scope) is not None:
        return Literal(expression)
    return None


def _pair(
    op: BinaryOp,
    left: syntax.Expression,
    right: syntax.Expression,
    whole: syntax.Operation | syntax.Call,
    default: DType | None,
    scope: Scope,
) -> Value | None:
    """``left op right``; a literal side takes the data type of the other."""
    first, second = _value(left, None, scope), _value(right, None, scope)
    if first is None or second is None:
        return None
    if isinstance(first, Literal) and (isinstance(second, Literal) or op in _SHIFTS):
        if default is None:
            return Literal(whole)
        first = _resolved(first, default, scope)
    if op in _SHIFTS:
        return _shift(op, first, right, whole, scope) if isinstance(first, Typed) else None
    sides = _siblings(first, second, f"'{op.value}'", (left, right), whole.span, scope)
    return None if sides is None else Typed(Binary(op, sides[0].node, sides[1].node, whole.span), sides[0].dtype)


def _siblings(
    left: Value | None,
    right: Value | None,
    what: str,
    texts: tuple[syntax.Expression, syntax.Expression],
    span: Span,
    scope: Scope,
) -> tuple[Typed, Typed] | None:
    """Both sides with one data type, which a literal takes from the other side."""
    if left is None or right is None:
        return None
    dtype = left.dtype if isinstance(left, Typed) else right.dtype if isinstance(right, Typed) else None
    if dtype is None:
        scope.error("IR039", "the data type of these literals cannot be told", span, "write f32(1) or i32(1)")
        return None
    one, two = _resolved(left, dtype, scope), _resolved(right, dtype, scope)
    if one is None or two is None:
        return None
    if one.dtype != two.dtype:
        casts = f"{two.dtype}({_quoted(texts[0])}) or {one.dtype}({_quoted(texts[1])})"
        hint = f"nothing is converted silently: write {casts}"
        scope.error("IR030", f"{what} mixes {one.dtype} and {two.dtype}", span, hint)
        return None
    return one, two


def _quoted(expression: syntax.Expression) -> str:
    span = expression.span
    return " ".join(span.source.text[span.start : span.end].split())


def _shift(
    op: BinaryOp, value: Typed, count: syntax.Expression, whole: syntax.Operation | syntax.Call, scope: Scope
) -> Typed | None:
    number = _number(count, scope)
    if not isinstance(number, int) or number < 0:
        scope.error("IR037", f"the count of '{op.value}' must be a whole number", count.span, "a literal or a size")
        return None
    if not value.dtype.is_integer:
        scope.error("IR033", f"'{op.value}' shifts integers, not {value.dtype}", whole.span)
        return None
    if number >= value.dtype.bits:
        scope.error("IR037", f"'{op.value}' by {number} leaves nothing of {value.dtype}", count.span)
        return None
    return Typed(Binary(op, value.node, Constant(number, value.dtype, count.span), whole.span), value.dtype)


# Functions


def _call(call: syntax.Call, default: DType | None, scope: Scope) -> Value | None:
    name = call.name.name
    dtype = scope.types.get(name) or DTYPES.get(name)
    if dtype is not None:
        return _cast(call, dtype, scope) if _takes(call, 1, scope) else None
    if name in UNARY_FUNCTIONS or name == "relu":
        return _unary(call, default, scope) if _takes(call, 1, scope) else None
    if name == "shr_round":
        return _shifted(call, default, scope) if _takes(call, 2, scope) else None
    if name in ("min", "max"):
        return _extremum(call, default, scope)
    if name == "clamp":
        return _clamp(call, default, scope) if _takes(call, 3, scope) else None
    if name == "select":
        return _select(call, default, scope) if _takes(call, 3, scope) else None
    if _is_integer(call, scope):
        return Literal(call) if affine_index(call, scope) is not None else None
    known = [*UNARY_FUNCTIONS, *OTHER_FUNCTIONS, *DTYPES, *scope.types]
    hint = f"elements are written {name}[…]" if name in scope.tensors else _habit(name) or did_you_mean(name, known)
    scope.error("IR031", f"unknown function '{name}'", call.name.span, hint)
    return None


def _habit(name: str) -> str | None:
    """What replaces functions of other languages."""
    if name in ("pow", "power", "square"):
        return "a power is written as a product"
    if name in ("sum", "dot", "matmul", "mean", "reduce"):
        return "a sum over a loop is an update: y[i] += …"
    if name in ("where", "cond", "ifelse"):
        return "a choice is written select(a < b, x, y)"
    near = spelled_dtype(name)
    return f"did you mean '{near}'?" if near else None


def _takes(call: syntax.Call, count: int, scope: Scope) -> bool:
    if len(call.arguments) == count:
        return True
    noun = "1 argument" if count == 1 else f"{count} arguments"
    scope.error("IR035", f"'{call.name.name}' takes {noun}, not {len(call.arguments)}", call.span)
    return False


def _cast(call: syntax.Call, dtype: DType, scope: Scope) -> Typed | None:
    """A cast; one to the data type the operand has already is the operand itself."""
    operand = _value(call.arguments[0], None, scope)
    if operand is None:
        return None
    if isinstance(operand, Literal):
        return _resolved(operand, dtype, scope)
    return operand if operand.dtype == dtype else Typed(Cast(dtype, operand.node, call.span), dtype)


def _unary(call: syntax.Call, default: DType | None, scope: Scope) -> Value | None:
    operand = _value(call.arguments[0], default, scope)
    if not isinstance(operand, Typed):
        return None if operand is None else Literal(call)
    if call.name.name == "relu":
        zero = Constant(literal_of(0, operand.dtype) or 0, operand.dtype, call.span)
        return Typed(Binary(BinaryOp.MAX, operand.node, zero, call.span), operand.dtype)
    op = UNARY_FUNCTIONS[call.name.name]
    if op not in _ANY_DTYPE and operand.dtype.is_integer:
        hint = f"cast the argument, e.g. f32({_quoted(call.arguments[0])})"
        scope.error("IR033", f"'{op.value}' is defined for floats, not {operand.dtype}", call.span, hint)
        return None
    return Typed(Unary(op, operand.node, call.span), operand.dtype)


def _shifted(call: syntax.Call, default: DType | None, scope: Scope) -> Value | None:
    return _pair(BinaryOp.SHR_ROUND, call.arguments[0], call.arguments[1], call, default, scope)


def _extremum(call: syntax.Call, default: DType | None, scope: Scope) -> Value | None:
    """``min`` or ``max`` of two or more: nested from the left."""
    if len(call.arguments) < 2:
        scope.error("IR035", f"'{call.name.name}' takes at least 2 arguments, not {len(call.arguments)}", call.span)
        return None
    left, right = call.arguments[0], call.arguments[-1]
    if len(call.arguments) > 2:
        left = syntax.Call(call.name, call.arguments[:-1], call.span)
    return _pair(BinaryOp(call.name.name), left, right, call, default, scope)


def _clamp(call: syntax.Call, default: DType | None, scope: Scope) -> Value | None:
    operand = _value(call.arguments[0], default, scope)
    if not isinstance(operand, Typed):
        return None if operand is None else Literal(call)
    low = bound_literal(call.arguments[1], operand.dtype, scope)
    high = bound_literal(call.arguments[2], operand.dtype, scope)
    if low is None or high is None:
        return None
    if low > high:
        scope.error("IR036", f"the bounds of 'clamp' are {print_number(low)} > {print_number(high)}", call.span)
        return None
    return Typed(Clamp(operand.node, low, high, call.span), operand.dtype)


def _select(call: syntax.Call, default: DType | None, scope: Scope) -> Value | None:
    condition, yes, no = call.arguments
    if not isinstance(condition, syntax.Comparison):
        scope.error("IR023", "the first argument of 'select' is a comparison", condition.span, "select(a < b, x, y)")
        return None
    left, right = _value(condition.left, None, scope), _value(condition.right, None, scope)
    texts = (condition.left, condition.right)
    compared = _siblings(left, right, f"'{condition.op}'", texts, condition.span, scope)
    first, second = _value(yes, None, scope), _value(no, None, scope)
    if first is None or second is None or compared is None:
        return None
    if isinstance(first, Literal) and isinstance(second, Literal):
        if default is None:
            return Literal(call)
        resolved = _resolved(first, default, scope)
        if resolved is None:
            return None
        first = resolved
    chosen = _siblings(first, second, "'select'", (yes, no), call.span, scope)
    if chosen is None:
        return None
    op = CompareOp(condition.op)
    node = Select(op, compared[0].node, compared[1].node, chosen[0].node, chosen[1].node, call.span)
    return Typed(node, chosen[0].dtype)
