"""Operands that are known before run time, offline in the order in which a nest brings them on chip.

Where main memory is thought to be near (``roomy.py``) nests bring operands as they lie, however little of a request
they use. What does not belong here: layout copies at run time, which cost (``statements/routes.py``).
"""

from __future__ import annotations

from dataclasses import replace

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.model import Machine
from isamapper.ir.nodes import Kernel, Role
from isamapper.plan.homes import all_tensors
from isamapper.plan.nest import Nest, depth_of
from isamapper.plan.resident import can_stay
from isamapper.scheduler.improving.keeping import as_before, place_of
from isamapper.scheduler.nests.layouts import path_from
from isamapper.scheduler.nests.place import home_stop


def with_prepared(machine: Machine, kernel: Kernel, nest: Nest) -> Nest:
    """``nest`` with what it could keep, and is known before run time, re-laid out offline where it fits so."""
    tensors = all_tensors(kernel)
    for access in sorted({buffer.access for buffer in nest.buffers}):
        known = tensors[nest.statement.accesses[access].tensor].role is Role.CONST
        ready = any(buffer.prepared or buffer.kept for buffer in nest.path(access))
        if known and not ready and can_stay(kernel, nest, access) is None:
            nest = _prepared(machine, kernel, nest, access) or nest
    return nest


def _prepared(machine: Machine, kernel: Kernel, nest: Nest, access: int) -> Nest | None:
    place = place_of(machine, kernel, nest)
    place = replace(place, choice=replace(place.choice, relaid=frozenset({access})))
    before, rest = nest.path(access), tuple(buffer for buffer in nest.buffers if buffer.access != access)
    plan = [(place.home, 0), *((buffer.memory, depth_of(nest, buffer.loop)) for buffer in before)]
    found = path_from(place, replace(nest, buffers=rest), access, plan, home_stop(place, nest, access))
    if isinstance(found, Rejection):
        return None
    known = {buffer.memory: buffer for buffer in before}
    return replace(nest, buffers=(*rest, found[0], *(as_before(each, known.get(each.memory)) for each in found[1:])))
