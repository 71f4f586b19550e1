"""Kernels as they are played: many calls of an instruction at once, and nests that are quick to compile.

An instruction is given operands that have one more axis, the call:

    (a: i8[4, 4], c: inout i32[4]) { c[i] += i32(a[i, k]) }
    (a: i8[8, 4, 4], c: inout i32[8, 4]) { for call < 8 { c[call, i] += i32(a[call, i, k]) } }

What does not belong here: which calls may be made at once (``calls.py``).
"""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import assert_never

from isamapper.ir.affine import AccessMap, constant, extent, variable
from isamapper.ir.nodes import Access, Allocate, Assign, Constraint, Guard, Invoke, Kernel, Load, Loop, Node, Prepare
from isamapper.ir.rewrite import map_loads
from isamapper.ir.walk import walk


@lru_cache(maxsize=256)
def batched(kernel: Kernel, count: int) -> Kernel:
    """``kernel`` done ``count`` times, each time on its own slice of every tensor."""
    name = "call"
    while name in {node.iterator for node, _ in walk(kernel) if isinstance(node, Loop)}:
        name += "_"
    inner = {node.tensor.name for node, _ in walk(kernel) if isinstance(node, Allocate)}
    outer = frozenset(tensor.name for tensor in kernel.tensors) - inner
    tensors = tuple(replace(tensor, shape=(count, *tensor.shape)) for tensor in kernel.tensors)
    body = tuple(_node(node, name, outer) for node in kernel.body)
    return replace(kernel, tensors=tensors, body=(Loop(name, extent(count), body),))


def plain(kernel: Kernel) -> Kernel:
    """``kernel`` with every assign under a condition that always holds, which keeps it from being made fast.

    Making fast code for a nest takes ten times as long as running it, and every mapping has a nest of its own.
    """
    return replace(kernel, body=tuple(map(_guarded, kernel.body)))


def _guarded(node: Node) -> Node:
    match node:
        case Assign():
            return Guard((Constraint(constant(0)),), (node,))
        case Loop(_, _, body):
            return replace(node, body=tuple(map(_guarded, body)))
        case _:
            return node


def _node(node: Node, name: str, outer: frozenset[str]) -> Node:
    def moved(access: Access) -> Access:
        if access.tensor not in outer:
            return access
        return replace(access, map=AccessMap((variable(name), *access.map.results)))

    match node:
        case Assign(target, value):
            return replace(node, target=moved(target), value=map_loads(value, lambda load: Load(moved(load.access))))
        case Loop(_, _, body):
            return replace(node, body=tuple(_node(each, name, outer) for each in body))
        case Guard(_, body, otherwise):
            inside, outside = (tuple(_node(each, name, outer) for each in part) for part in (body, otherwise))
            return replace(node, body=inside, otherwise=outside)
        case Allocate() | Invoke() | Prepare():
            return node
        case _:
            assert_never(node)
