"""Distribution: loops around several statements become one nest per statement, where dependences allow.

Before:
    for m < M {
      for n < N { t[m, n] = x[m, n] - top[m] }
      for n < N { e[m, n] = exp(t[m, n]) }
    }
After:
    for m < M, n < N { t[m, n] = x[m, n] - top[m] }
    for m < M, n < N { e[m, n] = exp(t[m, n]) }

Statements whose dependences run in a circle at a loop keep it together (a recurrence over time). A tensor that holds
one iteration at a time makes such a circle too: it is given no axis here.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace
from itertools import count
from typing import assert_never

from isamapper.diagnostics.source import Rejection
from isamapper.ir.legality import shared_groups
from isamapper.ir.nodes import Allocate, Assign, Guard, Invoke, Kernel, Loop, Node, Prepare
from isamapper.plan.step_reader import StepReader


@dataclass(frozen=True, slots=True)
class Distribute:
    """The step: distribute every loop over its statements as far as dependences allow."""

    def apply(self, kernel: Kernel) -> Kernel | Rejection:
        """The equal kernel, or why nothing changes."""
        groups = shared_groups(kernel)
        loops, assigns = count(), count()
        items = [_item(node, loops, assigns) for node in kernel.body]
        body = tuple(node for item in items for node in _split(item, item.members, groups))
        if body == kernel.body:
            return Rejection("RW030", "distribution", "no loop can be split over its statements")
        return replace(kernel, body=body)

    def text(self, kernel: Kernel) -> str:
        """``distribute loops over statements``."""
        return "distribute loops over statements"


def read(words: StepReader, kernel: Kernel) -> Distribute:
    """The step after its first word."""
    for word in ("loops", "over", "statements"):
        words.expect(word)
    return Distribute()


def steps(kernel: Kernel, statement: int) -> abc.Iterator[Distribute]:
    """The one way."""
    yield Distribute()


@dataclass(frozen=True, slots=True)
class _Item:
    """A node with its loop's number (-1 for other nodes) and the numbers of the statements in it."""

    node: Node
    loop: int
    members: frozenset[int]
    body: tuple[_Item, ...] = ()
    otherwise: tuple[_Item, ...] = ()


def _item(node: Node, loops: abc.Iterator[int], assigns: abc.Iterator[int]) -> _Item:
    """Numbers loops and statements in textual order."""
    match node:
        case Assign():
            return _Item(node, -1, frozenset((next(assigns),)))
        case Loop():
            loop = next(loops)
            body = tuple(_item(each, loops, assigns) for each in node.body)
            return _Item(node, loop, _members(body), body)
        case Guard():
            body = tuple(_item(each, loops, assigns) for each in node.body)
            otherwise = tuple(_item(each, loops, assigns) for each in node.otherwise)
            return _Item(node, -1, _members(body + otherwise), body, otherwise)
        case Allocate() | Invoke() | Prepare():
            raise ValueError("no kernel, but a program")
        case _:
            assert_never(node)


def _members(items: abc.Iterable[_Item]) -> frozenset[int]:
    return frozenset().union(*(item.members for item in items))


def _split(
    item: _Item, kept: frozenset[int], groups: abc.Mapping[int, tuple[tuple[int, ...], ...]]
) -> abc.Iterator[Node]:
    """The node with the statements in ``kept`` alone, a loop once per group that must stay together."""
    node = item.node
    if not item.members & kept:
        return
    if isinstance(node, Loop):
        for group in groups.get(item.loop, (tuple(item.members),)):
            chosen = kept & frozenset(group)
            if chosen:
                yield replace(node, body=tuple(each for part in item.body for each in _split(part, chosen, groups)))
    elif isinstance(node, Guard):
        body = tuple(each for part in item.body for each in _split(part, kept, groups))
        otherwise = tuple(each for part in item.otherwise for each in _split(part, kept, groups))
        yield replace(node, body=body, otherwise=otherwise)
    else:
        yield node
