"""The loops that statements must share: what remains of a kernel when every other loop is a statement's own.

A loop is shared iff it carries a dependence between the statements inside it or is sequential for one of them. All
other loops are distributed over their statements, which keeps the meaning: nothing flows through them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from isamapper.ir.affine import Extent
from isamapper.ir.analysis import Statement, statements
from isamapper.ir.dependence import must_share
from isamapper.ir.nodes import Allocate, Assign, Guard, Invoke, Kernel, Loop, Node, Prepare


@dataclass(frozen=True, slots=True)
class Leaf:
    """One statement with all its remaining loops."""

    statement: int


@dataclass(frozen=True, slots=True)
class Shared:
    """A loop that its members run inside."""

    loop: str
    extent: Extent
    members: tuple[Part, ...]


Part: TypeAlias = Leaf | Shared


def skeleton(kernel: Kernel) -> tuple[Part, ...]:
    """The shared loops of ``kernel`` with its statements as leaves, in textual order."""
    counter = iter(range(len(statements(kernel))))
    return _parts(kernel, kernel.body, counter, iter(range(10**9)))


def _parts(kernel: Kernel, nodes: tuple[Node, ...], counter: object, loops: object) -> tuple[Part, ...]:
    parts: list[Part] = []
    for node in nodes:
        match node:
            case Assign():
                parts.append(Leaf(next(counter)))  # type: ignore[call-overload]
            case Loop(iterator, extent, body):
                number = next(loops)  # type: ignore[call-overload]
                inner = _parts(kernel, body, counter, loops)
                parts.extend((Shared(iterator, extent, inner),) if must_share(kernel, number) else inner)
            case Guard(_, body, otherwise):
                parts.extend(_parts(kernel, body, counter, loops))
                parts.extend(_parts(kernel, otherwise, counter, loops))
            case Allocate() | Invoke() | Prepare():
                pass
    return tuple(parts)


def shared_iterators(kernel: Kernel, statement: Statement) -> tuple[str, ...]:
    """Names of the shared loops around ``statement``, outermost first."""
    return tuple(
        iterator.name
        for iterator, number in zip(statement.iterators, statement.loops, strict=True)
        if must_share(kernel, number)
    )
