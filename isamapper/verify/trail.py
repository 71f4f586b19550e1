"""Who wrote a wrong element: the last invocation that did, and from there back through copies."""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from itertools import product

import numpy as np

from isamapper.hwdesc.bind import bind_instruction
from isamapper.ir.affine import evaluate, evaluate_extent
from isamapper.ir.analysis import Statement, statements
from isamapper.ir.nodes import Access, Invoke, Window
from isamapper.plan.program import Program
from isamapper.sim.functional.compiled import Array, Compiled, Result, compile_body
from isamapper.sim.functional.errors import at
from isamapper.sim.functional.invocations import NotCompiled
from isamapper.sim.functional.writers import Writers

WRITERS = Writers()
_STEPS = 8


@dataclass(frozen=True, slots=True)
class _Event:
    """An invocation as it happened."""

    invoke: Invoke
    point: dict[str, int]

    def __str__(self) -> str:
        return f"'{self.invoke.instruction}'{at(self.point)}"


def trail(program: Program, tensor: str, index: tuple[int, ...]) -> tuple[str, ...]:
    """Texts, newest first: who wrote ``tensor[index]`` of the program's results, where that came from, and so on.

    Goes back through instructions that copy one element to one; ends at arithmetic, at an input or at nothing. Empty
    where the program is of a form that is not compiled.
    """
    try:
        compiled = compile_body(program.body, program.machine, WRITERS)
    except NotCompiled:
        return ()
    inputs = {each.name: np.zeros(each.shape, np.int64) for each in program.body.tensors}
    result = compiled.run(inputs)
    found: list[str] = []
    ordinal = int(result.named[tensor][index])
    while ordinal > 0 and len(found) < _STEPS:
        event, before = _stopped(compiled, inputs, ordinal)
        found.append(str(event))
        source = _copied_from(program, event, tensor, index)
        if source is None:
            return tuple(found)
        tensor, index = source
        found[-1] += f" from {tensor}[{', '.join(map(str, index))}]"
        memory = _array(before, tensor, event)
        if not all(0 <= i < n for i, n in zip(index, memory.shape, strict=True)):
            return tuple(found)
        ordinal = int(memory[index])
    if ordinal < 0:
        found.append("nothing has written that element")
    return tuple(found)


def _stopped(compiled: Compiled, inputs: abc.Mapping[str, Array], ordinal: int) -> tuple[_Event, Result]:
    """The invocation with the number ``ordinal``, and the memory just before it."""
    result = compiled.run(inputs, stop_at=ordinal)
    if result.stop is None:
        raise ValueError(f"there is no invocation {ordinal}")
    site, point = result.stop.places[-1]
    return _Event(site.node, point), result


def _array(result: Result, tensor: str, event: _Event) -> Array:
    """The memory of a tensor by name; of allocations with one name, the last that has been written."""
    matching = [a for t, a in zip(result.tensors, result.arrays, strict=True) if t.name == tensor]
    if not matching:
        raise KeyError(f"{event} reads no '{tensor}'")
    return max(matching, key=lambda array: int(array.max()))


def _copied_from(
    program: Program, event: _Event, tensor: str, index: tuple[int, ...]
) -> tuple[str, tuple[int, ...]] | None:
    """The element that ``event`` copied to ``tensor[index]``; None where it computed it."""
    parameters = {name: evaluate_extent(value, event.point) for name, value in event.invoke.parameters}
    kernel = bind_instruction(program.machine.instruction(event.invoke.instruction), parameters)
    windows = dict(event.invoke.windows)
    found = statements(kernel)
    if len(found) != 1 or len(found[0].accesses) != 2 or found[0].assign.reduction is not None:
        return None
    statement, target, source = found[0], found[0].accesses[0], found[0].accesses[1]
    if windows[target.tensor].tensor != tensor:
        return None
    for point in _points(statement):
        if _element(windows[target.tensor], target, point, event.point) == index:
            element = _element(windows[source.tensor], source, point, event.point)
            return windows[source.tensor].tensor, element
    return None


def _points(statement: Statement) -> abc.Iterator[dict[str, int]]:
    names = [iterator.name for iterator in statement.iterators]
    for values in product(*(range(iterator.extent) for iterator in statement.iterators)):
        yield dict(zip(names, values, strict=True))


def _element(
    window: Window, access: Access, point: abc.Mapping[str, int], outer: abc.Mapping[str, int]
) -> tuple[int, ...]:
    """The element of the window's tensor that ``access`` names."""
    operand = [evaluate(function, point) for function in access.map.results]
    index = [evaluate(offset, outer) for offset in window.offsets]
    for position, axis in zip(operand, window.axes, strict=True):
        for dimension, step in axis.steps:
            index[dimension] += step * position
    return tuple(index)
