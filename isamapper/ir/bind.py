"""Binding: surface syntax with numbers for its names becomes nodes.

Rules of this file:
- every mistake is reported to the scope, and the rest of the text is still looked at;
- the parser's shorthand (statements without loops) is written out here, by ``shorthand.py``;
- questions about bound nodes (bounds, claims, reads before writes) are ``verifier.py``.
"""

from __future__ import annotations

from collections import abc

from isamapper.diagnostics.names import did_you_mean
from isamapper.diagnostics.source import Diagnostic
from isamapper.ir import syntax
from isamapper.ir.bind_index import bound_constraint, bound_extent
from isamapper.ir.bind_tensor import bind_header, bound_tensor, declare
from isamapper.ir.bind_value import bound_access, bound_value
from isamapper.ir.bind_window import bound_invocation
from isamapper.ir.nodes import (
    Allocate,
    Assign,
    Direction,
    Guard,
    IteratorKind,
    Kernel,
    Loop,
    Node,
    Prepare,
    Reduction,
    Tensor,
)
from isamapper.ir.scope import Scope
from isamapper.ir.shorthand import implied_loops
from isamapper.ir.types import DType

_REDUCTIONS = {"+=": Reduction.ADD, "*=": Reduction.MUL, "min=": Reduction.MIN, "max=": Reduction.MAX}


def bind_text(
    text: syntax.KernelText, sizes: abc.Mapping[str, int], types: abc.Mapping[str, DType], *, program: bool
) -> tuple[Kernel, tuple[Diagnostic, ...]]:
    """The kernel ``text`` stands for with overrides applied, and every mistake; with one, the kernel is not whole."""
    scope = Scope(program)
    bind_header(text, sizes, types, scope)
    tensors = [
        *(bound_tensor(each, Direction.INOUT if each.inout else Direction.IN, scope) for each in text.parameters),
        *(bound_tensor(each, Direction.OUT, scope) for each in text.results),
    ]
    for tensor, declaration in zip(tensors, (*text.parameters, *text.results), strict=True):
        declare(tensor, declaration.name, scope)
    body = _Body(scope, tensors).statements(text.body, scope, outermost=True)
    name = text.name.name if text.name else ""
    kernel = Kernel(name, tuple(scope.sizes.items()), tuple(scope.types.items()), tuple(tensors), body, text.span)
    return kernel, tuple(scope.found)


class _Body:
    """Binds statements; ``tensors`` receives the kernel's locals."""

    def __init__(self, top: Scope, tensors: list[Tensor]) -> None:
        self._top = top
        self._tensors = tensors

    def statements(self, body: tuple[syntax.Statement, ...], scope: Scope, outermost: bool = False) -> tuple[Node, ...]:
        nodes = (self.statement(each, scope, outermost) for each in body)
        return tuple(node for node in nodes if node is not None)

    def statement(self, statement: syntax.Statement, scope: Scope, outermost: bool) -> Node | None:
        match statement:
            case syntax.Assign():
                return self.assign(statement, scope)
            case syntax.For():
                return self.loops(statement.heads, statement, scope)
            case syntax.If():
                return self.guard(statement, scope)
            case syntax.Local():
                self.local(statement, scope, outermost)
                return None
            case syntax.Allocate():
                return self.allocate(statement, scope)
            case syntax.Invoke():
                return self.invoke(statement, scope)
            case syntax.Prepare():
                if not scope.program:
                    scope.error("IR050", "'prepare' belongs to programs", statement.span)
                return Prepare(self.statements(statement.body, scope), statement.span)

    def loops(self, heads: tuple[syntax.Head, ...], statement: syntax.For, scope: Scope) -> Loop | None:
        """``for heads[0], heads[1], … { body }``, outermost first."""
        head = heads[0]
        known = len(scope.found)
        trip = bound_extent(head.extent, scope)
        if trip is not None and trip.bounds[0].is_constant and trip.bounds[0].constant <= 0:
            message = f"'{head.iterator.name}' runs to {trip.bounds[0].constant}: the loop is empty"
            scope.error("IR014", message, head.extent.span, "an extent is at least 1")
        self.check_iterator(head.iterator, scope)
        inner = scope.within({head.iterator.name: head.iterator.span})
        body: tuple[Node, ...]
        if len(heads) > 1:
            loop = self.loops(heads[1:], statement, inner)
            body = () if loop is None else (loop,)
        else:
            body = self.statements(statement.body, inner)
        if trip is None or len(scope.found) > known:
            return None
        kind = IteratorKind(head.kind) if head.kind else None
        across = None if head.across is None else head.across.name
        if head.across is not None and not scope.program:
            scope.error("IR050", "'across' belongs to programs", head.across.span)
        return Loop(head.iterator.name, trip, body, kind, statement.span, across)

    def check_iterator(self, name: syntax.Name, scope: Scope) -> None:
        if name.name in scope.iterators:
            line = scope.iterators[name.name].line
            message = f"iterator '{name.name}' is already in use by the loop of line {line}"
            scope.error("IR015", message, name.span, "nested loops need different names")
        elif name.name in scope.sizes or name.name in scope.tensors:
            what = "size" if name.name in scope.sizes else "tensor"
            scope.error("IR015", f"iterator '{name.name}' has the name of a {what}", name.span)

    def guard(self, statement: syntax.If, scope: Scope) -> Guard | None:
        conditions = [bound_constraint(condition, scope) for condition in statement.conditions]
        body = self.statements(statement.body, scope.within({}))
        otherwise = self.statements(statement.otherwise, scope.within({}))
        known = tuple(condition for condition in conditions if condition is not None)
        if len(known) < len(conditions):
            return None
        return Guard(known, body, otherwise, statement.span)

    def local(self, statement: syntax.Local, scope: Scope, outermost: bool) -> None:
        declaration = statement.declaration
        tensor = bound_tensor(declaration, Direction.LOCAL, scope)
        if not outermost:
            hint = "move it to the top of the body; give it the loop's axis if each iteration needs its own"
            scope.error("IR016", f"local '{tensor.name}' is declared inside a block", statement.span, hint)
        declare(tensor, declaration.name, scope)
        self._tensors.append(tensor)

    def allocate(self, statement: syntax.Allocate, scope: Scope) -> Allocate:
        declaration = statement.declaration
        if not scope.program:
            hint = f"write 'local {declaration.name.name}'"
            scope.error("IR050", "'allocate' belongs to programs", statement.span, hint)
        tensor = bound_tensor(declaration, Direction.LOCAL, scope)
        declare(tensor, declaration.name, scope)
        return Allocate(tensor, statement.span)

    def invoke(self, statement: syntax.Invoke, scope: Scope) -> Node | None:
        if not scope.program:
            scope.error("IR050", "'invoke' belongs to programs", statement.span, "a kernel is loops and assignments")
        return bound_invocation(statement, scope)

    # Assignments

    def assign(self, statement: syntax.Assign, scope: Scope) -> Node | None:
        if not scope.iterators and not scope.program:
            return self.implied(statement, scope)
        return self.plain_assign(statement, scope)

    def implied(self, statement: syntax.Assign, scope: Scope) -> Node | None:
        """The statement inside the loops its indices imply."""
        heads = implied_loops(statement, scope)
        if heads is None:
            return None
        inner = scope.within({name: span for name, _, span in heads})
        node: Node | None = self.plain_assign(statement, inner)
        for name, trip, _ in reversed(heads):
            node = None if node is None else Loop(name, trip, (node,), None, statement.span)
        return node

    def plain_assign(self, statement: syntax.Assign, scope: Scope) -> Assign | None:
        if statement.op.name != "=" and statement.op.name not in _REDUCTIONS:
            hint = "write += with the negated value" if statement.op.name == "-=" else "updates are += *= min= max="
            scope.error("IR017", f"'{statement.op.name}' is not an update", statement.op.span, hint)
        tensor = scope.tensors.get(statement.target.tensor.name)
        if tensor is None:
            self.unknown_target(statement.target.tensor, scope)
            return None
        target = bound_access(statement.target, scope)
        if tensor.direction is Direction.IN and not (scope.program and tensor.role.value == "const"):
            hint = f"results are declared after '->', updated parameters with 'inout'; '{tensor.name}' is an input"
            scope.error("IR018", f"assignment to input '{tensor.name}'", statement.target.span, hint)
        value = bound_value(statement.value, tensor.dtype, scope)
        if value is None or target is None or tensor.name in scope.broken:
            return None
        if value.dtype != tensor.dtype:
            text = statement.value.span
            written = " ".join(text.source.text[text.start : text.end].split())
            hint = f"nothing is converted silently: write {tensor.dtype}({written})"
            message = f"'{tensor.name}' holds {tensor.dtype} but the value is {value.dtype}"
            scope.error("IR030", message, statement.value.span, hint)
            return None
        return Assign(target, value.node, _REDUCTIONS.get(statement.op.name), statement.span)

    def unknown_target(self, name: syntax.Name, scope: Scope) -> None:
        hint = did_you_mean(name.name, scope.tensors)
        if hint is None or not hint.startswith("did you mean"):
            hint = f"declare it: a result after '->', or 'local {name.name}: f32[…]' at the top of the body"
        scope.error("IR012", f"unknown tensor '{name.name}'", name.span, hint)
