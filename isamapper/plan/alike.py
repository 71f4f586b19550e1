"""What all copies of a grid do alike: invocations that a loop across the grid does not decide, on the same windows.

What does not belong here: whether a network does it at once (``sim/network.py``), whether it may be done
(``check_cores.py``).
"""

from __future__ import annotations

from collections import abc
from typing import assert_never

from isamapper.ir.affine import Affine
from isamapper.ir.nodes import Allocate, Assign, Guard, Invoke, Loop, Node, Prepare, Tensor, Window


def invokes(
    nodes: abc.Iterable[Node], deciding: frozenset[str] = frozenset()
) -> abc.Iterator[tuple[Invoke, frozenset[str]]]:
    """Invokes in textual order, with the names that decide whether and how often they are executed."""
    for node in nodes:
        match node:
            case Invoke():
                yield node, deciding
            case Loop(_, extent, inner):
                yield from invokes(inner, deciding | all_names(extent.bounds))
            case Guard(conditions, inner, otherwise):
                yield from invokes((*inner, *otherwise), deciding | all_names(each.function for each in conditions))
            case Allocate() | Prepare() | Assign():
                pass
            case _:
                assert_never(node)


def window_names(window: Window) -> frozenset[str]:
    """What decides where a window is, and how large."""
    return all_names((*window.offsets, *(bound for axis in window.axes for bound in axis.extent.bounds)))


def all_names(functions: abc.Iterable[Affine]) -> frozenset[str]:
    """Every iterator in some functions."""
    return frozenset(name for function in functions for name in function.names)


def done_alike(invoke: Invoke, deciding: frozenset[str], iterator: str) -> bool:
    """Whether iterations of a loop do all of an invocation alike, the places of its operands included."""
    return iterator not in deciding.union(*(window_names(window) for _, window in invoke.windows))


def between(node: Node) -> tuple[tuple[int, Tensor], ...]:
    """Tensors allocated between loops across grids at the top of ``node``, with how many of these stand around them."""
    found: list[tuple[int, Tensor]] = []
    body: tuple[Node, ...] = (node,)
    depth = 0
    while True:
        allocated = [each.tensor for each in body if isinstance(each, Allocate)]
        rest = tuple(each for each in body if not isinstance(each, Allocate))
        if len(rest) != 1 or not isinstance(rest[0], Loop) or rest[0].across is None:
            return tuple(found)
        found += [(depth, tensor) for tensor in allocated]
        body, depth = rest[0].body, depth + 1
