"""What a joint mapping costs and is like: the figures of ``labelling.py`` that make sense for several statements."""

from __future__ import annotations

import math

from isamapper.hwdesc.bind import specialised
from isamapper.hwdesc.model import Instruction, Machine
from isamapper.ir.nodes import IteratorKind, Reduction
from isamapper.mapper.compound.relate import lanes_of
from isamapper.mapper.measures.digits import best_sizes
from isamapper.mapper.measures.labelling import Labels
from isamapper.plan.homes import all_tensors
from isamapper.plan.joint import Joint, joint_statement, seen_instruction
from isamapper.plan.joint_mapping import JointMapping
from isamapper.plan.mapping import MappingClass


def joint_labels(mapping: JointMapping, machine: Machine) -> Labels:
    """The labels of ``mapping``; operands are not labelled one by one. KeyError where the machine has no such one."""
    statement = joint_statement(mapping.kernel, machine, mapping.join)
    front = front_of(mapping, machine)
    extents = {each.name: each.extent for each in statement.iterators}
    lanes = lanes_of(front)
    sizes = best_sizes(mapping.rho, extents, lanes)
    bound = {name for name, _ in mapping.rho}
    useful = math.prod(extents[name] for name in bound)
    executed = greatest = float(sizes.calls)
    for lane in lanes.values():
        inside = [size for (_, other), size in zip(mapping.rho, sizes.extents, strict=True) if other == lane.name]
        whole = math.prod(inside)
        greatest *= lane.extent
        executed *= lane.extent if lane.low == lane.extent else max(lane.low, whole)
    pads = tuple(dict.fromkeys((operand, value) for _, operand, value in mapping.join.pads))
    exact_only = any(not _may_run_on(mapping, lane.name) for lane in lanes.values() if lane.extent > 1)
    return Labels(
        ("full",) if mapping.kind is MappingClass.EXACT else (),
        (),
        max(0.0, 1 - useful / executed),
        useful / greatest,
        pads,
        exact_only,
        (),
        _reassociates(statement, mapping),
    )


def front_of(mapping: JointMapping, machine: Machine) -> Instruction:
    """The facade of the mapping's instruction, parameters that set constants fixed."""
    statement = joint_statement(mapping.kernel, machine, mapping.join)
    return seen_instruction(specialised(machine.instruction(mapping.instruction), mapping.join.values), statement)


def _may_run_on(mapping: JointMapping, lane: str) -> bool:
    return lane in mapping.join.loose or any(lane == name for name, _, _ in mapping.join.pads)


def _reassociates(statement: Joint, mapping: JointMapping) -> bool:
    """Whether a float sum of the members has bound iterators: the instruction has an order of its own."""
    tensors = all_tensors(mapping.kernel)
    bound = {name for name, _ in mapping.rho}
    floats = any(tensors[access.tensor].dtype.is_float for access in statement.accesses)
    sums = mapping.join.reduction in (None, Reduction.ADD, Reduction.MUL)
    return (
        floats
        and sums
        and any(each.name in bound and each.kind is IteratorKind.REDUCTION for each in statement.iterators)
    )
