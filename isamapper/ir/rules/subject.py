"""What every rule looks at: a kernel with its nodes, places and declared tensors."""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from typing import TypeAlias

from isamapper.diagnostics.source import Diagnostic
from isamapper.ir.nodes import Guard, Kernel, Loop, Node, Prepare, Tensor
from isamapper.ir.walk import Place, Site, sites, walk


@dataclass(frozen=True, slots=True)
class Subject:
    """A kernel taken apart once for all rules."""

    kernel: Kernel
    nodes: tuple[tuple[Node, Place], ...]
    sites: tuple[Site, ...]


Rule: TypeAlias = abc.Callable[[Subject], abc.Iterator[Diagnostic]]


def subject(kernel: Kernel) -> Subject:
    """``kernel``, ready for rules."""
    return Subject(kernel, tuple(walk(kernel)), sites(kernel))


def tensor_at(place: Place, name: str) -> Tensor | None:
    """The tensor ``name`` as seen from ``place``."""
    declaration = place.declaration(name)
    return declaration.tensor if declaration else None


def nodes_in(body: tuple[Node, ...]) -> abc.Iterator[Node]:
    """Every node as it stands, preparations included, parents first."""
    for node in body:
        yield node
        if isinstance(node, Loop | Prepare):
            yield from nodes_in(node.body)
        elif isinstance(node, Guard):
            yield from nodes_in(node.body + node.otherwise)
