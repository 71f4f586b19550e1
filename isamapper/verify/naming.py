"""Points of the spaces of ``ir/dataflow.py`` in words: ``V5R1[0, 2, 3, 1]`` is ``'compute' at m_0 = 0, k_0 = 2``."""

from __future__ import annotations

import re

from isamapper.ir.dataflow import Flow
from isamapper.ir.relations import Set, first_points
from isamapper.ir.walk import Place
from isamapper.sim.functional.errors import at


def first(flow: Flow, points: Set) -> str:
    """The first of ``points`` in words."""
    space, point = min(first_points(points).items())
    return describe(flow, space, point)


def describe(flow: Flow, space: str, point: tuple[int, ...]) -> str:
    """The point of a space in words."""
    kind, number = re.match(r"([A-Z])(\d+)", space).groups()  # type: ignore[union-attr]
    position = int(number)
    match kind:
        case "S":
            return f"statement {position}{_at(flow.assigns[position].place, point)}"
        case "V":
            made = flow.invokes[position]
            return f"'{made.invoke.instruction}'{_at(made.place, point)}"
        case _:
            name = next(d.tensor.name for d in flow.declared if d.number == position)
            return f"{name}[{', '.join(map(str, point))}]"


def _at(place: Place, point: tuple[int, ...]) -> str:
    return at(dict(zip(place.iterators, point, strict=False)))
