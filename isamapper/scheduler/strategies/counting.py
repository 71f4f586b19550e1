"""How large the decision space of a kernel on a machine is: what ``isamapper schedule --count`` prints."""

from __future__ import annotations

import math
from typing import Any

from isamapper.hwdesc.model import Machine
from isamapper.ir.analysis import Statement, statements
from isamapper.ir.nodes import Kernel
from isamapper.plan.offline import offline
from isamapper.plan.protocols import SearchProblem
from isamapper.scheduler.space.cuts import cut_space
from isamapper.scheduler.space.family import Family
from isamapper.scheduler.space.sizes import even_sizes
from isamapper.scheduler.space.space import StatementSpace, family_axes, family_count
from isamapper.scheduler.statements.epilogues import epilogues
from isamapper.scheduler.statements.equivalents import equivalents
from isamapper.scheduler.strategies.exploring import space_of


def counted(kernel: Kernel, machine: Machine) -> dict[str, Any]:
    """The space of the equivalent kernel that comes first: per statement its families with their numbers.

    ``schedules`` is the number of schedules of all statements together; ``undominated`` how many of them no other is as
    good as for certain (``exhaustive`` looks at these); both are of families that the memories allow or not, and of one
    core: ``cuts`` are ways to cut a statement over grids, each with such a space for the part of a core.
    """
    problem = SearchProblem(kernel, machine)
    chosen = next(iter(equivalents(kernel, machine)), None)
    if chosen is None:
        return {"kernel": kernel.name, "machine": machine.name, "schedules": 0, "undominated": 0, "statements": []}
    drains = epilogues(machine, chosen.kernel)
    absorbed = {epilogue.statement.index for epilogue in drains.values()} | offline(chosen.kernel)
    absorbed |= {member for group in chosen.groups for member in group.join.members}
    found = []
    for statement in statements(chosen.kernel):
        if statement.index not in absorbed:
            space = space_of(problem, chosen, statement, drains.get(statement.index))
            cuts = _cuts(machine, chosen.kernel, statement, space) if machine.grids else {}
            found.append({"statement": statement.index, **_statement(space), **cuts})
    return {
        "kernel": kernel.name,
        "machine": machine.name,
        "sizes": dict(kernel.sizes),
        "rewrites": list(chosen.rewrites),
        "schedules": math.prod(each["schedules"] for each in found),
        "undominated": math.prod(each["undominated"] for each in found),
        "statements": found,
    }


def _cuts(machine: Machine, kernel: Kernel, statement: Statement, space: StatementSpace) -> dict[str, Any]:
    """In how many ways the statement is cut over grids, and how many of these cut a sum."""
    units = {family.frame.call.instruction.unit for family in space.families}
    cuts = cut_space(machine, kernel, statement, units)
    return {"cuts": cuts.count(), "cuts_of_sums": cuts.count_sums()}


def _statement(space: StatementSpace) -> dict[str, Any]:
    families = [
        {
            "family": family.title(),
            "schedules": family_count(family),
            "undominated": undominated(family),
            "axes": family_axes(family),
        }
        for family in space.families
    ]
    return {
        "axes": {
            "mappings": len({(family.frame.call, family.frame.bound) for family in space.families}),
            "placements": len({family.routes for family in space.families}),
            "layouts": len({family.relaid for family in space.families}),
            "copies": len({bool(family.fine) for family in space.families}),
            "whole": len({family.whole for family in space.families}),
        },
        "schedules": sum(each["schedules"] for each in families),
        "undominated": sum(each["undominated"] for each in families),
        "integers_per_schedule": space.width,
        "families": families,
    }


def undominated(family: Family) -> int:
    """Rows of a family left after dominance: the least size per number of tiles, orders that differ in traffic."""
    sizes = math.prod(len(even_sizes(family.shape.blocks[place])) for place in family.moving)
    levels = family.shape.levels
    return int(sizes**levels * len(family.classes) ** (levels + 1) * 2 ** len(family.shape.buffers))
