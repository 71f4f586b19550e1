"""The memory graph: memories, and the copy instructions between them.

networkx is imported here and nowhere on the way to a loaded machine.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import networkx

from isamapper.hwdesc.classify import moves
from isamapper.hwdesc.model import Machine, MemoryKind

if TYPE_CHECKING:
    MemoryGraph = networkx.MultiDiGraph[str]
else:
    MemoryGraph = networkx.MultiDiGraph


@lru_cache(maxsize=64)
def memory_graph(machine: Machine) -> MemoryGraph:
    """Nodes are memory names; each edge has the attribute ``move``, a :class:`~isamapper.hwdesc.classify.Move`."""
    graph: MemoryGraph = networkx.MultiDiGraph()
    graph.add_nodes_from(memory.name for memory in machine.memories)
    for move in moves(machine):
        graph.add_edge(move.from_memory, move.to_memory, move=move)
    return graph


def routes(machine: Machine, source: str, target: str) -> tuple[tuple[str, ...], ...]:
    """Every path of memories from ``source`` to ``target`` that meets none twice, shortest first."""
    if source == target:
        return ((source,),)
    graph = networkx.DiGraph(memory_graph(machine))
    paths = (tuple(path) for path in networkx.all_simple_paths(graph, source, target))
    return tuple(sorted(paths, key=lambda path: (len(path), path)))


def home_memories(machine: Machine) -> tuple[str, ...]:
    """Where tensors are before and after a kernel: the memories of kind ``host``, in file order."""
    return tuple(memory.name for memory in machine.memories if memory.kind is MemoryKind.HOST)
