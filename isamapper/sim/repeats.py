"""Iterations of a loop that take as long as one another, where cores meet in each: one of them is timed.

Nothing is under way where cores meet, so an iteration takes as long as another if the two differ only in where in its
memory each tensor is touched, all of its windows moved alike, and banks see no difference.

What does not belong here: loops of one core, which engines skip themselves (``compiled/skip.py``).
"""

from __future__ import annotations

from collections import abc
from typing import TypeAlias

from isamapper.ir.affine import Affine, evaluate
from isamapper.ir.nodes import Allocate, Assign, Constraint, Guard, Invoke, Loop, Node, Prepare, Tensor
from isamapper.plan.program import Program
from isamapper.sim.regions import row_major
from isamapper.sim.sites import bank_count
from isamapper.sim.traffic import bank_bytes

Trait: TypeAlias = abc.Callable[[int], object]
"""What the value of the iterator decides; iterations in which all traits agree take as long."""


def alike(program: Program, held: abc.Iterable[Node], loop: Loop) -> tuple[tuple[int, int], ...]:
    """The first value of the iterator of each class of iterations, with how many there are."""
    trips = max(0, min(bound.constant for bound in loop.extent.bounds))
    tensors = (*program.body.tensors, *(node.tensor for node in held if isinstance(node, Allocate)))
    traits = tuple(_traits(program, {tensor.name: tensor for tensor in tensors}, loop))
    classes: dict[tuple[object, ...], list[int]] = {}
    for value in range(trips):
        classes.setdefault(tuple(trait(value) for trait in traits), []).append(value)
    return tuple((values[0], len(values)) for values in classes.values())


def _traits(program: Program, tensors: abc.Mapping[str, Tensor], loop: Loop) -> abc.Iterator[Trait]:
    name = loop.iterator
    functions: dict[Affine, None] = {}
    moves: dict[tuple[str, int], dict[Affine, None]] = {}
    for node in _inside(loop.body):
        match node:
            case Loop(_, extent):
                functions.update(dict.fromkeys(extent.bounds))
            case Guard(conditions):
                yield from (_holds(each) for each in conditions if each.function.names == {name})
                functions.update(dict.fromkeys(each.function for each in conditions if each.function.names != {name}))
            case Invoke(_, windows, parameters):
                functions.update(dict.fromkeys(bound for _, value in parameters for bound in value.bounds))
                for _, window in windows:
                    functions.update(dict.fromkeys(bound for axis in window.axes for bound in axis.extent.bounds))
                    for axis, offset in enumerate(window.offsets):
                        functions.update({offset: None} if window.otherwise is not None else {})
                        moves.setdefault((window.tensor, axis), {})[_part(offset, name)] = None
            case _:
                pass
    for own in dict.fromkeys(_part(function, name) for function in functions):
        if name in own.names:
            yield _value(own, name)
    for (tensor, axis), parts in moves.items():
        yield from _moved(program, tensors.get(tensor), axis, tuple(parts), name)


def _inside(nodes: abc.Iterable[Node]) -> abc.Iterator[Node]:
    for node in nodes:
        yield node
        match node:
            case Loop(_, _, inner) | Prepare(inner):
                yield from _inside(inner)
            case Guard(_, inner, otherwise):
                yield from _inside((*inner, *otherwise))
            case Invoke() | Allocate() | Assign():
                pass


def _part(function: Affine, name: str) -> Affine:
    """What of a function depends on ``name``."""
    terms = tuple((term, value) for term, value in function.terms if term == name)
    return Affine(terms, 0, tuple(each for each in function.rotations if name in each[0].value.names))


def _holds(condition: Constraint) -> Trait:
    (name,) = condition.function.names
    if condition.equality:
        return lambda value: evaluate(condition.function, {name: value}) == 0
    return lambda value: evaluate(condition.function, {name: value}) >= 0


def _value(part: Affine, name: str) -> Trait:
    """The part's value; of a rotation that other iterators turn, too, where ``name`` alone has turned it to."""
    others = dict.fromkeys(part.names, 0)
    return lambda value: evaluate(part, {**others, name: value})


def _moved(
    program: Program, tensor: Tensor | None, axis: int, parts: tuple[Affine, ...], name: str
) -> abc.Iterator[Trait]:
    """What differs from iteration to iteration in where windows touch a tensor along an axis."""
    if len(parts) > 1 or any(part.rotations for part in parts):
        yield from (_value(part, name) for part in parts if name in part.names)
        return
    step = parts[0].coefficient(name)
    if not step or tensor is None or tensor.memory is None:
        return
    memory = program.machine.memory(tensor.memory)
    if bank_count(memory) > 1:
        bits = step * row_major(tensor.shape)[axis] * tensor.dtype.bits
        around = bank_bytes(memory) * memory.banks * 8
        yield lambda value: value * bits % around
