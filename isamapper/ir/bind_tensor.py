"""The header of a text: sizes, types, parameter ranges and tensor declarations, bound to numbers.

Every function reports to the scope; a declaration with mistakes still yields a tensor, so that its uses are checked.
"""

from __future__ import annotations

import operator
from collections import abc

from isamapper.diagnostics.names import did_you_mean
from isamapper.diagnostics.source import Span
from isamapper.ir import syntax
from isamapper.ir.bind_index import integer
from isamapper.ir.literals import spelled_dtype
from isamapper.ir.nodes import BlockFormat, Direction, Role, Tensor
from isamapper.ir.scope import Scope
from isamapper.ir.types import DTYPES, DType

GREATEST = 2**31 - 1
"""Sizes and parameters stay below what 32 bits hold."""


def bind_header(
    text: syntax.KernelText, sizes: abc.Mapping[str, int], types: abc.Mapping[str, DType], scope: Scope
) -> None:
    """Fills the scope's sizes and types from defaults and overrides."""
    for default in text.sizes:
        _new_name(default.name, "size", scope)
        scope.sizes[default.name.name] = _default_size(default, scope)
    extents = _extents(text)
    for each in text.ranges:
        _new_name(each.name, "parameter", scope)
        _check_range(each, scope, each.name.name in extents)
        scope.sizes[each.name.name] = each.high - (each.high - each.low) % max(1, each.step)
    for default in text.types:
        _new_name(default.name, "type", scope)
        scope.types[default.name.name] = _default_type(default, scope)
    _override(text, sizes, types, scope)
    for condition in text.requires:
        _check_required(condition, scope)


_HOLDS: dict[str, abc.Callable[[int, int], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def _check_required(condition: syntax.Comparison, scope: Scope) -> None:
    left, right = integer(condition.left, scope, "a requirement"), integer(condition.right, scope, "a requirement")
    if left is None or right is None or _HOLDS[condition.op](left, right):
        return
    names = sorted((_names(condition.left) | _names(condition.right)) & scope.sizes.keys())
    values = ", ".join(f"{name} = {scope.sizes[name]}" for name in names)
    span = condition.span
    written = " ".join(span.source.text[span.start : span.end].split())
    scope.error("IR051", f"'{written}' does not hold for {values or 'these numbers'}", span, "choose other sizes")


def _default_size(default: syntax.Default, scope: Scope) -> int:
    value = default.value
    if isinstance(value, syntax.Number) and isinstance(value.value, int) and 0 <= value.value <= GREATEST:
        return value.value
    message = f"the default of size '{default.name.name}' must be a whole number, at least 0"
    if isinstance(value, syntax.Number) and value.value > GREATEST:
        message = f"the default of size '{default.name.name}' must be at most {GREATEST}"
    scope.error("IR011", message, value.span)
    return 1


def _default_type(default: syntax.Default, scope: Scope) -> DType:
    if isinstance(default.value, syntax.Name):
        return _dtype(default.value, scope)
    scope.error("IR041", f"the default of type '{default.name.name}' must be a data type", default.value.span)
    return DTYPES["f32"]


def _extents(text: syntax.KernelText) -> frozenset[str]:
    """Names that are the extent of an axis by themselves."""
    axes = (axis for each in (*text.parameters, *text.results) for axis in each.shape)
    return frozenset(axis.name for axis in axes if isinstance(axis, syntax.Name))


def _check_range(each: syntax.Range, scope: Scope, is_extent: bool) -> None:
    if each.step < 1:
        scope.error("IR043", f"the step of '{each.name.name}' must be at least 1", each.span)
    elif is_extent and each.low < 1 <= each.high:
        message = f"'{each.name.name}' is the extent of an axis and begins at {each.low}"
        scope.error("IR043", message, each.span, "an extent is at least 1")
    elif each.high < each.low:
        message = f"the range of '{each.name.name}' is {each.low}..{each.high}"
        scope.error("IR043", message, each.span, "ranges count upwards")
    elif each.high > GREATEST:
        scope.error("IR043", f"the range of '{each.name.name}' ends above {GREATEST}", each.span)


def _override(
    text: syntax.KernelText, sizes: abc.Mapping[str, int], types: abc.Mapping[str, DType], scope: Scope
) -> None:
    title = f"kernel '{text.name.name}'" if text.name else "the instruction"
    span = text.name.span if text.name else text.span
    ranges = {each.name.name: each for each in text.ranges}
    for name, size in sizes.items():
        if name not in scope.sizes:
            what = "parameter" if ranges and not text.sizes else "size"
            scope.error("IR019", f"{title} has no {what} '{name}'", span, did_you_mean(name, scope.sizes))
        elif name in ranges and not _in_range(size, ranges[name]):
            allowed = f"{ranges[name].low}..{ranges[name].high} step {ranges[name].step}"
            scope.error("IR043", f"parameter '{name}' cannot be {size}", ranges[name].span, f"allowed: {allowed}")
        elif size < 0:
            scope.error("IR011", f"size '{name}' is set to {size}", span, "sizes are at least 0")
        else:
            scope.sizes[name] = size
    for name, dtype in types.items():
        if name not in scope.types:
            scope.error("IR019", f"{title} has no type '{name}'", span, did_you_mean(name, scope.types))
        else:
            scope.types[name] = dtype


def _in_range(value: int, each: syntax.Range) -> bool:
    return each.low <= value <= each.high and (value - each.low) % max(1, each.step) == 0


def bound_tensor(declaration: syntax.Declaration, direction: Direction, scope: Scope) -> Tensor:
    """The tensor of a declaration; axes that are wrong count as 1."""
    name = declaration.name.name
    before = len(scope.found)
    if declaration.inout and direction is not Direction.INOUT:
        scope.error("IR044", f"'inout' stands on parameters, not on '{name}'", declaration.span)
    shape = tuple(_axis(axis, name, position, scope) for position, axis in enumerate(declaration.shape))
    address = None if declaration.address is None else integer(declaration.address, scope, "an address")
    if address is not None and address < 0:
        scope.error("IR011", f"the address of '{name}' is {address}", declaration.span)
    dtype = _dtype(declaration.dtype, scope)
    role = Role(declaration.role) if declaration.role else Role.PLAIN
    block = _block(declaration.block, dtype, scope) if declaration.block else None
    if len(scope.found) > before:
        scope.broken.add(name)
    return Tensor(name, dtype, shape, declaration.memory, direction, role, address, block, declaration.span)


def _axis(axis: syntax.Expression, name: str, position: int, scope: Scope) -> int:
    value = integer(axis, scope, f"axis {position} of '{name}'")
    if value is not None and value < 1:
        message = f"axis {position} of '{name}' has extent {value}"
        scope.error("IR014", message, axis.span, f"an extent is at least 1{_where(axis, scope)}")
    return max(1, value or 1)


def _where(axis: syntax.Expression, scope: Scope) -> str:
    """`` (here M = 0)``: the sizes an extent was computed from."""
    names = sorted(_names(axis) & scope.sizes.keys())
    return f" (here {', '.join(f'{name} = {scope.sizes[name]}' for name in names)})" if names else ""


def _names(expression: syntax.Expression) -> frozenset[str]:
    match expression:
        case syntax.Name(name):
            return frozenset((name,))
        case syntax.Negation(operand):
            return _names(operand)
        case syntax.Operation(_, left, right):
            return _names(left) | _names(right)
        case syntax.Call(_, arguments):
            return frozenset[str]().union(*(_names(argument) for argument in arguments))
    return frozenset()


def _block(block: syntax.Block, dtype: DType, scope: Scope) -> BlockFormat | None:
    elements = integer(block.elements, scope, "the length of a block")
    bits = integer(block.exponent_bits, scope, "the exponent's width")
    if elements is None or bits is None:
        return None
    if elements < 1 or bits < 1:
        scope.error("IR011", f"a block of {elements} elements with {bits} exponent bits", block.span)
        return None
    if dtype.is_float:
        scope.error("IR033", f"a block shares the exponent of integers, not of {dtype}", block.span)
    return BlockFormat(elements, bits)


def _dtype(name: syntax.Name, scope: Scope) -> DType:
    dtype = scope.types.get(name.name) or DTYPES.get(name.name)
    if dtype is None:
        near = spelled_dtype(name.name)
        hint = f"did you mean '{near}'?" if near else did_you_mean(name.name, [*scope.types, *DTYPES])
        scope.error("IR041", f"unknown data type '{name.name}'", name.span, hint)
        return DTYPES["f32"]
    return dtype


def declare(tensor: Tensor, name: syntax.Name, scope: Scope) -> None:
    """Puts ``tensor`` in force; reports a name that is taken."""
    _new_name(name, "tensor", scope)
    scope.tensors[tensor.name] = tensor


def _new_name(name: syntax.Name, what: str, scope: Scope) -> None:
    taken: tuple[tuple[str, abc.Container[str]], ...] = (
        ("size", scope.sizes),
        ("type", scope.types),
        ("tensor", scope.tensors),
        ("iterator", scope.iterators),
    )
    for kind, names in taken:
        if name.name in names:
            first = _declared_at(name.name, kind, scope)
            scope.error("IR042", f"'{name.name}' is already the name of a {kind}{first}", name.span)
            return
    if name.name in DTYPES or name.name == "inf":
        scope.error("IR042", f"'{name.name}' is a word of the language and names no {what}", name.span)


def _declared_at(name: str, kind: str, scope: Scope) -> str:
    span: Span | None = scope.tensors[name].span if kind == "tensor" else scope.iterators.get(name)
    return f", declared in line {span.line}" if span else ""
