"""The statement graph of a kernel, for questions that networkx answers; imported only by who asks them.

What does not belong here: dependences themselves (``ir/dependence.py``).
"""

from __future__ import annotations

from typing import TypeAlias

import networkx

from isamapper.ir.analysis import statements
from isamapper.ir.dependence import dependences
from isamapper.ir.nodes import Kernel

Graph: TypeAlias = "networkx.MultiDiGraph[int]"


def statement_graph(kernel: Kernel) -> Graph:
    """Nodes are statement numbers with ``statement``; edges run from source to sink, each with its ``dependence``."""
    graph: Graph = networkx.MultiDiGraph()
    for statement in statements(kernel):
        graph.add_node(statement.index, statement=statement)
    for dependence in dependences(kernel):
        graph.add_edge(dependence.source, dependence.sink, dependence=dependence)
    return graph
