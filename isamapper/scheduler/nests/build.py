"""From a choice to a nest: digits and loops, then buffers along every route, then slots.

Everything is derived; nothing is searched here but layouts and copies (``layouts.py``).
"""

from __future__ import annotations

from dataclasses import replace

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.model import Machine
from isamapper.ir.nodes import Kernel
from isamapper.plan.homes import all_tensors
from isamapper.plan.lanes import padded_lanes
from isamapper.plan.nest import Digit, Nest
from isamapper.scheduler.nests.layouts import buffers_of
from isamapper.scheduler.nests.operands import misfit_at_home
from isamapper.scheduler.nests.overlap import with_slots
from isamapper.scheduler.nests.place import (
    Choice,
    Place,
)


def build_nest(machine: Machine, kernel: Kernel, home: str, choice: Choice) -> Nest | Rejection:
    """The nest of ``choice``, or why there is none (a memory too small, no copy that fits)."""
    nest, ends = _loops(choice)
    padded = frozenset(padded_lanes(nest, nest.call))
    place = Place(machine, all_tensors(kernel), home, choice, padded)
    for access, route in choice.routes:
        if access in choice.relaid or route:
            result = buffers_of(place, nest, access, route, ends)
            if isinstance(result, Rejection):
                return result
            nest = replace(nest, buffers=(*nest.buffers, *result))
    statement = choice.frame.statement
    if statement.conditions and statement.assign.reduction is None and nest.path(0):
        return Rejection("SCH011", f"statement {statement.index}", "elements that it leaves out would be drained")
    if choice.epilogue is not None and not nest.path(0):
        return Rejection("SCH012", f"fused statement {choice.epilogue.statement.index}", "the target has no drain")
    return misfit_at_home(place, nest) or with_slots(place, nest)


def _loops(choice: Choice) -> tuple[Nest, tuple[int, ...]]:
    """The nest without buffers, and the number of loops down to the end of each level."""
    frame = choice.frame
    digits: list[Digit] = []
    names: dict[tuple[int, str], str] = {}
    known = {iterator.name for iterator in frame.statement.iterators}
    for iterator in frame.statement.iterators:
        for level, group in enumerate(choice.groups):
            for name, trip in group:
                if name == iterator.name and trip > 1:
                    label = f"{name}_{level}"
                    while label in known:
                        label += "_"
                    known.add(label)
                    names[level, name] = label
                    digits.append(Digit(label, name, trip))
        if iterator.name in choice.shared:
            digits.append(Digit(iterator.name, iterator.name, iterator.extent))
        digits.extend(digit for digit in frame.bound if digit.iterator == iterator.name)
    order: list[str] = []
    ends: list[int] = []
    for level, group in enumerate(choice.groups):
        order.extend(names[level, name] for name, trip in group if trip > 1)
        ends.append(len(order))
    nest = Nest(frame.statement, frame.call, frame.first, frame.init, tuple(digits), tuple(order), (), choice.epilogue)
    return nest, tuple(ends)
