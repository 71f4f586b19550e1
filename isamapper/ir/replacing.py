"""Nodes of programs with iterators replaced by what they stand for: values, or other names.

Loops of the replaced iterators must stand around the node, not inside it. Nothing else is looked at: assigns, which
programs have in their prepared part only, stay as they are.
"""

from __future__ import annotations

from collections import abc
from dataclasses import replace
from typing import assert_never

from isamapper.ir.affine import Affine, substitute, substitute_extent
from isamapper.ir.nodes import Allocate, Assign, Constraint, Guard, Invoke, Loop, Node, Prepare, Window, WindowAxis

Values = abc.Mapping[str, Affine]


def with_values(node: Node, values: Values) -> Node:
    """``node`` with the iterators in ``values`` replaced."""
    match node:
        case Loop():
            body = tuple(with_values(each, values) for each in node.body)
            return replace(node, extent=substitute_extent(node.extent, values), body=body)
        case Guard():
            conditions = tuple(Constraint(substitute(c.function, values), c.equality) for c in node.conditions)
            body, otherwise = (
                tuple(with_values(each, values) for each in part) for part in (node.body, node.otherwise)
            )
            return replace(node, conditions=conditions, body=body, otherwise=otherwise)
        case Invoke():
            windows = tuple((name, _window(window, values)) for name, window in node.windows)
            parameters = tuple((name, substitute_extent(value, values)) for name, value in node.parameters)
            return replace(node, windows=windows, parameters=parameters)
        case Allocate() | Prepare() | Assign():
            return node
        case _:
            assert_never(node)


def _window(window: Window, values: Values) -> Window:
    offsets = tuple(substitute(offset, values) for offset in window.offsets)
    axes = tuple(WindowAxis(substitute_extent(axis.extent, values), axis.steps) for axis in window.axes)
    return replace(window, offsets=offsets, axes=axes)
