"""The definition of meaning: what a kernel, an instruction or a program computes, one element at a time.

Rules of this file (docs/reference/ir.md says the same to users):
- loops run in order, statements in textual order; all loads of a statement are read, left to right, before it writes;
- ``target op= value`` is ``target = target op value``, rounded in the target's data type at every step;
- a result or local tensor whose textually first write is a reduction starts, whole, at that reduction's identity;
  any other starts undefined, and reading an undefined element is an error;
- an allocation starts anew each time it is executed and ends with the enclosing block;
- an invocation reads all its operands, then computes, then writes what it wrote; it leaves the rest as it was.

Slow on purpose. What does not belong here: speed, machines, time.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, field, replace
from typing import TypeAlias, assert_never

import numpy as np

from isamapper.diagnostics.source import Diagnostic, SourceError, Span
from isamapper.ir.affine import evaluate, evaluate_extent
from isamapper.ir.expressions import compile_expression, loads
from isamapper.ir.nodes import (
    Access,
    Allocate,
    Assign,
    Constraint,
    Direction,
    Guard,
    Invoke,
    Kernel,
    Loop,
    Node,
    Prepare,
    Tensor,
)
from isamapper.ir.numeric import (
    REDUCTION_OPERATOR,
    Value,
    binary,
    cast_array,
    constant,
    identity,
    numpy_dtype,
    quiet,
)
from isamapper.ir.walk import first_write, unfold
from isamapper.ir.windows import Array, Contents, Elements, elements, gather, names_an_element_twice, scatter

Meaning: TypeAlias = abc.Callable[[str, abc.Mapping[str, int]], Kernel]


def interpret(kernel: Kernel, inputs: abc.Mapping[str, Array], *, meaning: Meaning | None = None) -> dict[str, Array]:
    """The results (OUT and INOUT tensors) of ``kernel`` on ``inputs`` (one array per IN and INOUT tensor).

    Inputs are converted to their tensors' data types; elements of results that were never assigned are 0
    (:func:`execute` tells them apart). ``meaning`` gives an instruction's kernel at parameter values; programs need it.
    """
    given = {name: _given(tensor, inputs) for name, tensor in _parameters(kernel).items()}
    return {name: contents.values for name, contents in execute(kernel, given, meaning=meaning).items()}


def execute(
    kernel: Kernel, inputs: abc.Mapping[str, Contents], *, meaning: Meaning | None = None
) -> dict[str, Contents]:
    """As :func:`interpret`, on contents that may be undefined in part. ``inputs`` are not changed."""
    with quiet():
        return _Code(kernel).run(inputs, _Run(meaning))


def start(tensor: Tensor, first: Assign | None) -> Contents:
    """A tensor as it is before its textually ``first`` write (None: nothing assigns it)."""
    if first is None or first.reduction is None:
        zeros = np.zeros(tensor.shape, numpy_dtype(tensor.dtype))
        return Contents(zeros, np.zeros(tensor.shape, bool))
    filler = identity(first.reduction, tensor.dtype)
    return Contents(np.full(tensor.shape, filler), np.ones(tensor.shape, bool))


def _parameters(kernel: Kernel) -> dict[str, Tensor]:
    return {t.name: t for t in kernel.tensors if t.direction in (Direction.IN, Direction.INOUT)}


def _given(tensor: Tensor, inputs: abc.Mapping[str, Array]) -> Contents:
    if tensor.name not in inputs:
        raise _error("IR301", f"no value is given for '{tensor.name}'", tensor.span)
    values = cast_array(inputs[tensor.name], tensor.dtype)
    if values.shape != tensor.shape:
        what = f"the value given for '{tensor.name}' has shape {list(values.shape)}, expected {list(tensor.shape)}"
        raise _error("IR302", what, tensor.span)
    return Contents(values, np.ones(tensor.shape, bool))


def _error(code: str, message: str, span: Span | None, point: abc.Mapping[str, int] | None = None) -> SourceError:
    where = ", ".join(f"{name} = {value}" for name, value in (point or {}).items())
    return SourceError(Diagnostic(code, message, span, notes=((f"at {where}", None),) if where else ()))


# The kernel is translated once into functions of the run's state; names are resolved to declarations here.


@dataclass(slots=True)
class _Run:
    """The state of one run: where the loops are, what the tensors hold; ``codes`` keeps translated meanings."""

    meaning: Meaning | None
    point: dict[str, int] = field(default_factory=dict)
    contents: dict[int, Contents] = field(default_factory=dict)
    codes: dict[tuple[str, tuple[tuple[str, int], ...]], _Code] = field(default_factory=dict)


_Step: TypeAlias = abc.Callable[[_Run], None]
_Scope: TypeAlias = dict[str, tuple[int, Tensor]]
"""Name to the number and tensor of its declaration."""


class _Code:
    """A kernel translated to steps."""

    def __init__(self, kernel: Kernel) -> None:
        self.kernel = kernel
        self.declared = 0
        scope: _Scope = {}
        for tensor in kernel.tensors:
            scope[tensor.name] = self.declare(tensor)
        self.scope = dict(scope)
        self.step = self.block(kernel.body, scope)

    def run(self, inputs: abc.Mapping[str, Contents], run: _Run) -> dict[str, Contents]:
        for tensor in self.kernel.tensors:
            number, _ = self.scope[tensor.name]
            if tensor.direction in (Direction.IN, Direction.INOUT):
                run.contents[number] = inputs[tensor.name].copy()
            else:
                run.contents[number] = start(tensor, first_write(self.kernel.body, tensor.name))
        self.step(run)
        results = (Direction.OUT, Direction.INOUT)
        return {t.name: run.contents[self.scope[t.name][0]] for t in self.kernel.tensors if t.direction in results}

    def declare(self, tensor: Tensor) -> tuple[int, Tensor]:
        self.declared += 1
        return self.declared, tensor

    def block(self, body: tuple[Node, ...], scope: _Scope) -> _Step:
        """Translates ``body``; declarations made in it are added to ``scope``."""
        nodes = unfold(body)
        steps = [self.node(node, nodes[position:], scope) for position, node in enumerate(nodes)]

        def run_block(run: _Run) -> None:
            for step in steps:
                step(run)

        return run_block

    def node(self, node: Node, rest: tuple[Node, ...], scope: _Scope) -> _Step:
        match node:
            case Assign():
                return self.assign(node, scope)
            case Loop():
                return self.loop(node, dict(scope))
            case Guard(conditions, inner, otherwise):
                yes, no = self.block(inner, dict(scope)), self.block(otherwise, dict(scope))
                return lambda run: (yes if all(holds(c, run.point) for c in conditions) else no)(run)
            case Allocate(tensor):
                scope[tensor.name] = self.declare(tensor)
                number, first = scope[tensor.name][0], first_write(rest, tensor.name)
                return lambda run: run.contents.__setitem__(number, start(tensor, first))
            case Prepare(inner):
                return self.block(inner, scope)
            case Invoke():
                return _invoke(node, {name: scope[window.tensor] for name, window in node.windows})
            case _:
                assert_never(node)

    def loop(self, loop: Loop, scope: _Scope) -> _Step:
        body, name, extent = self.block(loop.body, scope), loop.iterator, loop.extent

        def run_loop(run: _Run) -> None:
            for value in range(evaluate_extent(extent, run.point)):
                run.point[name] = value
                body(run)
            run.point.pop(name, None)

        return run_loop

    def assign(self, assign: Assign, scope: _Scope) -> _Step:
        reads = [_reader(access, scope) for access in loads(assign.value)]
        compute = compile_expression(assign.value, {name: tensor.dtype for name, (_, tensor) in scope.items()})
        number, tensor = scope[assign.target.tensor]
        old, combine = _reader(assign.target, scope), None
        if assign.reduction is not None:
            combine = binary(REDUCTION_OPERATOR[assign.reduction], tensor.dtype)

        def run_assign(run: _Run) -> None:
            values = [read(run) for read in reads]
            try:
                value = compute(values)
            except ZeroDivisionError as error:
                raise _error("IR305", str(error), assign.value.span, run.point) from None
            if combine is not None:
                value = combine(old(run), value)
            index = _index(assign.target, run.point)
            _check_inside(assign.target, tensor, index, run)
            run.contents[number].values[index] = value
            run.contents[number].defined[index] = True

        return run_assign


def holds(condition: Constraint, point: abc.Mapping[str, int]) -> bool:
    """Whether ``condition`` is true at ``point``."""
    value = evaluate(condition.function, point)
    return value == 0 if condition.equality else value >= 0


def _index(access: Access, point: abc.Mapping[str, int]) -> tuple[int, ...]:
    return tuple(evaluate(function, point) for function in access.map.results)


def _inside(index: tuple[int, ...], shape: tuple[int, ...]) -> bool:
    return all(0 <= i < n for i, n in zip(index, shape, strict=True))


def _check_inside(access: Access, tensor: Tensor, index: tuple[int, ...], run: _Run) -> None:
    if not _inside(index, tensor.shape):
        what = f"'{tensor.name}' of shape {list(tensor.shape)} has no element {list(index)}"
        raise _error("IR303", what, access.span, run.point)


def _reader(access: Access, scope: _Scope) -> abc.Callable[[_Run], Value]:
    number, tensor = scope[access.tensor]
    outside = None if access.otherwise is None else constant(access.otherwise, tensor.dtype)

    def read(run: _Run) -> Value:
        index = _index(access, run.point)
        if outside is not None and not _inside(index, tensor.shape):
            return outside
        _check_inside(access, tensor, index, run)
        if not run.contents[number].defined[index]:
            what = f"element {list(index)} of '{tensor.name}' is read before it is written"
            raise _error("IR304", what, access.span, run.point)
        return run.contents[number].values[index]

    return read


# Invocations


def _invoke(invoke: Invoke, operands: dict[str, tuple[int, Tensor]]) -> _Step:
    def run_invoke(run: _Run) -> None:
        code = _code(invoke, run)
        seen = {name: elements(window, operands[name][1], run.point) for name, window in invoke.windows}
        _check_operands(invoke, code.kernel, operands, seen, run)
        given = {
            name: gather(run.contents[operands[name][0]], seen[name], window.otherwise, operands[name][1])
            for name, window in invoke.windows
        }
        try:
            results = code.run(given, _Run(run.meaning, codes=run.codes))
        except SourceError as error:
            raise SourceError(*(_in_invocation(each, invoke, run) for each in error.diagnostics)) from None
        for name, contents in results.items():
            scatter(run.contents[operands[name][0]], seen[name], contents)

    return run_invoke


def _code(invoke: Invoke, run: _Run) -> _Code:
    parameters = tuple((name, evaluate_extent(value, run.point)) for name, value in invoke.parameters)
    key = invoke.instruction, parameters
    if key not in run.codes:
        if run.meaning is None:
            raise ValueError(f"interpreting an invocation of '{invoke.instruction}' needs the machine's meanings")
        run.codes[key] = _Code(run.meaning(invoke.instruction, dict(parameters)))
    return run.codes[key]


def _check_operands(
    invoke: Invoke,
    kernel: Kernel,
    operands: abc.Mapping[str, tuple[int, Tensor]],
    seen: abc.Mapping[str, Elements],
    run: _Run,
) -> None:
    """Every operand has a window of its shape, inside its tensor unless it pads; written ones see no element twice."""
    windows = dict(invoke.windows)
    for tensor in kernel.tensors:
        if tensor.direction is Direction.LOCAL:
            continue
        what = f"operand '{tensor.name}' of '{invoke.instruction}'"
        if tensor.name not in seen or seen[tensor.name].shape != tensor.shape:
            found = list(seen[tensor.name].shape) if tensor.name in seen else "no window"
            raise _error("IR308", f"{what} has shape {list(tensor.shape)}, found {found}", invoke.span, run.point)
        window, target = windows[tensor.name], operands[tensor.name][1]
        span, written = window.span or invoke.span, tensor.direction is not Direction.IN
        if not seen[tensor.name].inside.all() and (written or window.otherwise is None):
            raise _error("IR306", f"the window of {what} leaves '{window.tensor}'", span, run.point)
        if written and names_an_element_twice(seen[tensor.name], target):
            raise _error("IR307", f"the window of {what}, which it writes, names an element twice", span, run.point)


def _in_invocation(diagnostic: Diagnostic, invoke: Invoke, run: _Run) -> Diagnostic:
    where = ", ".join(f"{name} = {value}" for name, value in run.point.items())
    note = (f"in an invocation of '{invoke.instruction}'" + (f" at {where}" if where else ""), invoke.span)
    return replace(diagnostic, notes=(*diagnostic.notes, note))
