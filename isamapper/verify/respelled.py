"""A kernel or an instruction's meaning with every value at hand where it is read, and its limits in one spelling.

    q[i] = i8(clamp(t[i], -128, 127))
    y[i] = max(q[i], 0)                  becomes        y[i] = i8(clamp(t[i], 0, 127))

Bit for bit the same function (``ir/spelling.py`` says why): what two texts that spell limits differently are compared
in, where prime fields see them differ. What does not belong here: the comparison (``fields.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import lru_cache

from isamapper.ir.analysis import statements
from isamapper.ir.nodes import Assign, Guard, Kernel, Loop, Node, Prepare
from isamapper.mapper.compound.forms import separated
from isamapper.mapper.compound.value_graph import ValueGraph, spelled_graph, value_graph
from isamapper.plan.homes import all_tensors


@lru_cache(maxsize=256)
def respelled(kernel: Kernel) -> Kernel:
    """``kernel`` in that form."""
    return _written(spelled_graph(_graph(kernel)))


@lru_cache(maxsize=64)
def forwarded(kernel: Kernel) -> Kernel:
    """``kernel`` in that form but for the spelling: the operations are still its own."""
    return _written(_graph(kernel))


def _graph(kernel: Kernel) -> ValueGraph:
    """Every value at hand, and every value that a tensor has one after the other in a tensor of its own."""
    apart = separated(kernel).kernel
    graph = value_graph(apart, through_results=False)
    if graph.renamed:  # a tensor would go by another's name: only single statements are looked at
        return ValueGraph(apart, tuple(all_tensors(apart).values()), statements(apart), (), (), ())
    return graph


def _written(graph: ValueGraph) -> Kernel:
    """The kernel whose values are those of the graph; every statement that is left stands where it stood."""
    parts = {part.index: part.assign for part in graph.parts}
    gone = frozenset(index for _, index in graph.replaced)
    return replace(graph.kernel, body=_Changes(parts, gone).block(graph.kernel.body))


@dataclass(slots=True)
class _Changes:
    """What statements become, by number, and which of them go; ``number`` is that of the next."""

    parts: dict[int, Assign]
    gone: frozenset[int]
    number: int = field(default=0)

    def block(self, body: tuple[Node, ...]) -> tuple[Node, ...]:
        return tuple(made for node in body for made in self._node(node))

    def _node(self, node: Node) -> tuple[Node, ...]:
        match node:
            case Assign():
                number, self.number = self.number, self.number + 1
                return () if number in self.gone else (self.parts.get(number, node),)
            case Loop(_, _, body) | Prepare(body):
                return (replace(node, body=self.block(body)),)
            case Guard(_, body, otherwise):
                first = self.block(body)
                return (replace(node, body=first, otherwise=self.block(otherwise)),)
            case _:
                return (node,)
