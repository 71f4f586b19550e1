"""Faults as mutations of a program's nodes. Each function gives a mutation: program body to program body."""

from __future__ import annotations

from collections import abc
from dataclasses import replace
from typing import TypeAlias

from isamapper.ir.affine import Affine, Extent, constant, rotate, substitute, substitute_extent, variable
from isamapper.ir.nodes import Allocate, Assign, Constraint, Guard, Invoke, Kernel, Loop, Node, Prepare, Window

Nodes: TypeAlias = tuple[Node, ...]
Mutation: TypeAlias = abc.Callable[[Kernel], Kernel]
Change: TypeAlias = abc.Callable[[Node], Nodes]


def change(matches: abc.Callable[[Node], bool], function: Change, number: int = 0) -> Mutation:
    """The ``number``-th node (textual order) that matches is replaced by what ``function`` makes of it."""

    def mutate(body: Kernel) -> Kernel:
        seen = [0]

        def block(nodes: Nodes) -> Nodes:
            return tuple(new for node in nodes for new in visit(node))

        def visit(node: Node) -> Nodes:
            if matches(node):
                seen[0] += 1
                if seen[0] == number + 1:
                    return function(node)
            match node:
                case Loop() | Prepare():
                    return (replace(node, body=block(node.body)),)
                case Guard():
                    return (replace(node, body=block(node.body), otherwise=block(node.otherwise)),)
                case _:
                    return (node,)

        mutated = replace(body, body=block(body.body))
        assert mutated != body, "the mutation changed nothing"
        return mutated

    return mutate


def together(*mutations: Mutation) -> Mutation:
    """One after another."""

    def mutate(body: Kernel) -> Kernel:
        for mutation in mutations:
            body = mutation(body)
        return body

    return mutate


def _called(name: str) -> abc.Callable[[Node], bool]:
    return lambda node: isinstance(node, Invoke) and node.instruction == name


def _window(operand: str, function: abc.Callable[[Window], Window]) -> Change:
    def apply(node: Node) -> Nodes:
        assert isinstance(node, Invoke)
        return (replace(node, windows=tuple((n, function(w) if n == operand else w) for n, w in node.windows)),)

    return apply


def renamed(instruction: str, other: str, number: int = 0) -> Mutation:
    """Another instruction with the same operands."""
    return change(_called(instruction), lambda node: (replace(node, instruction=other),), number)


def dropped(instruction: str, number: int = 0) -> Mutation:
    return change(_called(instruction), lambda node: (), number)


def doubled(instruction: str, number: int = 0) -> Mutation:
    return change(_called(instruction), lambda node: (node, node), number)


def offset(instruction: str, operand: str, axis: int, new: abc.Callable[[Affine], Affine], number: int = 0) -> Mutation:
    """One coordinate of where a window starts."""

    def move(window: Window) -> Window:
        offsets = list(window.offsets)
        offsets[axis] = new(offsets[axis])
        return replace(window, offsets=tuple(offsets))

    return change(_called(instruction), _window(operand, move), number)


def shifted(instruction: str, operand: str, axis: int, by: int, number: int = 0) -> Mutation:
    return offset(instruction, operand, axis, lambda old: old + by, number)


def without(name: str) -> abc.Callable[[Affine], Affine]:
    """An offset that forgot an iterator."""
    return lambda old: substitute(old, {name: constant(0)})


def instead(**names: str) -> abc.Callable[[Affine], Affine]:
    """An offset with other iterators."""
    return lambda old: substitute(old, {name: variable(other) for name, other in names.items()})


def slot(function: Affine, modulus: int = 2) -> abc.Callable[[Affine], Affine]:
    """An offset that is ``function`` modulo ``modulus``."""
    return lambda _: rotate(function, modulus)


def padded_with(instruction: str, operand: str, value: int, number: int = 0) -> Mutation:
    return change(_called(instruction), _window(operand, lambda w: replace(w, otherwise=value)), number)


def stepped(instruction: str, operand: str, axis: int, steps: tuple[tuple[int, int], ...], number: int = 0) -> Mutation:
    """One axis of a window walks differently."""

    def walk(window: Window) -> Window:
        axes = list(window.axes)
        axes[axis] = replace(axes[axis], steps=steps)
        return replace(window, axes=tuple(axes))

    return change(_called(instruction), _window(operand, walk), number)


def exchanged(instruction: str, one: str, other: str, number: int = 0) -> Mutation:
    """Two operands have each other's windows."""

    def swap(node: Node) -> Nodes:
        assert isinstance(node, Invoke)
        windows = dict(node.windows)
        windows[one], windows[other] = windows[other], windows[one]
        return (replace(node, windows=tuple((name, windows[name]) for name, _ in node.windows)),)

    return change(_called(instruction), swap, number)


def at_point(instruction: str, number: int = 0, **values: Affine) -> Mutation:
    """A whole invocation as if iterators had other values."""

    def move(node: Node) -> Nodes:
        assert isinstance(node, Invoke)
        windows = tuple((name, _moved(window, values)) for name, window in node.windows)
        parameters = tuple((name, substitute_extent(value, values)) for name, value in node.parameters)
        return (replace(node, windows=windows, parameters=parameters),)

    return change(_called(instruction), move, number)


def trimmed(instruction: str, old: int, new: int, number: int = 0) -> Mutation:
    """Extents of at most ``old`` become extents of at most ``new``, where they are no fixed numbers."""

    def trim(extent: Extent) -> Extent:
        if extent.is_constant:
            return extent
        return Extent(tuple(constant(new) if bound == constant(old) else bound for bound in extent.bounds))

    def cut(node: Node) -> Nodes:
        assert isinstance(node, Invoke)
        windows = tuple(
            (name, replace(window, axes=tuple(replace(axis, extent=trim(axis.extent)) for axis in window.axes)))
            for name, window in node.windows
        )
        return (replace(node, windows=windows, parameters=tuple((name, trim(v)) for name, v in node.parameters)),)

    return change(_called(instruction), cut, number)


def _moved(window: Window, values: abc.Mapping[str, Affine]) -> Window:
    offsets = tuple(substitute(each, values) for each in window.offsets)
    axes = tuple(replace(axis, extent=substitute_extent(axis.extent, values)) for axis in window.axes)
    return replace(window, offsets=offsets, axes=axes)


def loop(iterator: str, by: int) -> Mutation:
    """A loop that runs longer or shorter."""

    def resize(node: Node) -> Nodes:
        assert isinstance(node, Loop)
        return (replace(node, extent=Extent(tuple(bound + by for bound in node.extent.bounds))),)

    return change(lambda node: isinstance(node, Loop) and node.iterator == iterator, resize)


def guard(by: int, number: int = 0) -> Mutation:
    """A condition that holds earlier or later."""

    def move(node: Node) -> Nodes:
        assert isinstance(node, Guard)
        return (replace(node, conditions=tuple(Constraint(c.function + by, c.equality) for c in node.conditions)),)

    return change(lambda node: isinstance(node, Guard), move, number)


def without_guard(number: int = 0) -> Mutation:
    """The body of a guard always, its ``else`` never."""

    def open_up(node: Node) -> Nodes:
        assert isinstance(node, Guard)
        return node.body

    return change(lambda node: isinstance(node, Guard), open_up, number)


def inverted(number: int = 0) -> Mutation:
    """Body and ``else`` of a guard exchanged."""

    def swap(node: Node) -> Nodes:
        assert isinstance(node, Guard)
        return (replace(node, body=node.otherwise, otherwise=node.body),)

    return change(lambda node: isinstance(node, Guard), swap, number)


def reordered(iterator: str, order: tuple[int, ...]) -> Mutation:
    """The nodes in a loop in another order (positions of the old ones; some may be left out)."""

    def shuffle(node: Node) -> Nodes:
        assert isinstance(node, Loop)
        return (replace(node, body=tuple(node.body[position] for position in order)),)

    return change(lambda node: isinstance(node, Loop) and node.iterator == iterator, shuffle)


def placed(tensor: str, memory: str | None = None, address: int | None = None) -> Mutation:
    """An allocation elsewhere."""

    def move(node: Node) -> Nodes:
        assert isinstance(node, Allocate)
        old = node.tensor
        return (
            replace(
                node,
                tensor=replace(old, memory=memory or old.memory, address=old.address if address is None else address),
            ),
        )

    return change(lambda node: isinstance(node, Allocate) and node.tensor.name == tensor, move)


def one_slot(tensor: str) -> Mutation:
    """Every window of ``tensor`` uses slot 0: the rotation is lost."""

    def single(window: Window) -> Window:
        return replace(window, offsets=(constant(0), *window.offsets[1:])) if window.tensor == tensor else window

    def block(nodes: Nodes) -> Nodes:
        return tuple(visit(node) for node in nodes)

    def visit(node: Node) -> Node:
        match node:
            case Loop() | Prepare():
                return replace(node, body=block(node.body))
            case Guard():
                return replace(node, body=block(node.body), otherwise=block(node.otherwise))
            case Invoke():
                return replace(node, windows=tuple((name, single(window)) for name, window in node.windows))
            case _:
                return node

    return lambda body: replace(body, body=block(body.body))


def packed(new: abc.Callable[[Assign], Assign], number: int = 0) -> Mutation:
    """An assign of the preparation changed."""

    def rewrite(node: Node) -> Nodes:
        assert isinstance(node, Assign)
        return (new(node),)

    return change(lambda node: isinstance(node, Assign), rewrite, number)
