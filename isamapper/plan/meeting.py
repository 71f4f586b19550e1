"""Fewer meetings of cores: loops of several statements across one grid, one after another, run as one.

Before:
    for c < 4 across core { A(c) }
    for c < 4 across core { B(c) }
After:
    for c < 4 across core { A(c); B(c) }

Cores meet at the end of every loop across a grid. They need not where each goes on with what is its own: where no core
touches what another one writes. Only in loops that statements share, where meetings come again in every iteration.

What does not belong here: what may run across a grid at all (``check_cores.py``).
"""

from __future__ import annotations

import itertools
from dataclasses import replace

from isamapper.hwdesc.model import Machine
from isamapper.ir.affine import variable
from isamapper.ir.nodes import Kernel, Loop, Node
from isamapper.ir.replacing import with_values
from isamapper.ir.walk import walk
from isamapper.plan.check_cores import Use, may_meet, shared_uses
from isamapper.plan.cores import across_chain, parts_of


def with_fewer_meetings(body: Kernel, machine: Machine) -> Kernel:
    """``body`` with loops across grids joined where cores have no reason to meet between them."""
    if not any(isinstance(node, Loop) and node.across is None for node in body.body):
        return body
    return _Meetings(body, machine).joined()


class _Meetings:
    def __init__(self, body: Kernel, machine: Machine) -> None:
        self.body, self.machine = body, machine
        self.parts = parts_of(body, machine)

    def joined(self) -> Kernel:
        nodes = tuple(self._within(node, ()) for node in self.body.body)
        return self.body if nodes == self.body.body else replace(self.body, body=nodes)

    def _within(self, node: Node, around: tuple[Loop, ...]) -> Node:
        if not isinstance(node, Loop) or node.across is not None:
            return node
        done: list[Node] = []
        for each in (self._within(inner, (*around, node)) for inner in node.body):
            one = self._one(done[-1], each, (*around, node)) if done else None
            done[-1 if one is not None else len(done) :] = [each if one is None else one]
        return replace(node, body=tuple(done))

    def _one(self, first: Node, second: Node, around: tuple[Loop, ...]) -> Loop | None:
        """Both loops as one; None where they differ, or cores have to meet in between."""
        chain, inside = _chain(first)
        others, behind = _chain(second)
        if not chain or [(each.across, each.extent) for each in chain] != [(o.across, o.extent) for o in others]:
            return None
        names = {other.iterator: each.iterator for each, other in zip(chain, others, strict=True)}
        moved = {other: variable(own) for other, own in names.items() if other != own}
        then = tuple(with_values(node, moved) for node in behind) if moved else behind
        if self._in_need(around, chain, inside, then):
            return None
        return _around(chain, (*inside, *then))

    def _in_need(
        self, around: tuple[Loop, ...], chain: tuple[Loop, ...], first: tuple[Node, ...], then: tuple[Node, ...]
    ) -> bool:
        """Whether some core touches then what another one touched before, and one of them writes it."""
        loops = (*around, *chain)
        before, after = (self._uses(loops, nodes) for nodes in (first, then))
        for name in (each for each in before.keys() & after.keys() if each not in self.parts):
            for one, other in itertools.product(before[name], after[name]):
                if (one.writes or other.writes) and may_meet(around, chain, one, other):
                    return True
        return False

    def _uses(self, loops: tuple[Loop, ...], nodes: tuple[Node, ...]) -> dict[str, list[Use]]:
        """Windows on tensors from outside the loops, by tensor."""
        outside = tuple(node for node in self.body.body if not isinstance(node, Loop))
        alone = replace(self.body, body=(*outside, _around(loops, nodes)))
        inside = [(node, place) for node, place in walk(alone) if len(place.loops) >= len(loops)]
        return shared_uses(self.machine, len(loops), inside)


def _chain(node: Node) -> tuple[tuple[Loop, ...], tuple[Node, ...]]:
    """Loops across grids that stand directly in each other, with what is inside; none where tensors stand between."""
    chain, _ = across_chain(node)
    direct = all(loop.body == (inner,) for loop, inner in itertools.pairwise(chain))
    return (chain, chain[-1].body) if chain and direct else ((), (node,))


def _around(loops: tuple[Loop, ...], nodes: tuple[Node, ...]) -> Loop:
    *outer, inner = loops
    found = replace(inner, body=nodes)
    for loop in reversed(outer):
        found = replace(loop, body=(found,))
    return found
