"""The best nest for statements that one instruction does together.

As for one statement: the analytic model ranks, the cost model decides between the best few, judged on a kernel of these
statements alone.
"""

from __future__ import annotations

from dataclasses import replace

from isamapper.diagnostics.source import Rejection, SourceError
from isamapper.ir.affine import AccessMap, Affine, constant, extent, substitute
from isamapper.ir.analysis import Statement, statements
from isamapper.ir.nodes import Access, Assign, Direction, Kernel, Load, Loop, Node, Role
from isamapper.ir.rewrite import map_loads
from isamapper.plan.homes import all_tensors
from isamapper.plan.joint import Join, join_of, joint_statement
from isamapper.plan.joint_mapping import JointMapping
from isamapper.plan.nest import Nest
from isamapper.plan.protocols import CostModel, SearchProblem
from isamapper.plan.steps import Schedule, steps_of
from isamapper.scheduler.space.candidates import Subject, ranked_in
from isamapper.scheduler.space.joint_frames import joint_frames, joint_subject

FINALISTS = 4


def best_joint_nest(problem: SearchProblem, mapping: JointMapping, cost_model: CostModel) -> Nest | Rejection:
    """The nest of ``mapping`` that costs least, or why there is none."""
    subject = joint_subject(problem.machine, mapping.kernel, mapping)
    frames = joint_frames(subject, mapping)
    ranked = frames if isinstance(frames, Rejection) else ranked_in(subject, frames)
    if isinstance(ranked, Rejection):
        return ranked
    best: tuple[float, Nest] | None = None
    for found in ranked[:FINALISTS]:
        try:
            cycles = cost_model.cycles(_alone(subject, found.nest))
        except SourceError:
            continue
        if best is None or cycles < best[0]:
            best = cycles, found.nest
    if best is None:
        reason = "none of its schedules can be lowered"
        return Rejection("SCH040", f"'{mapping.instruction}'", reason)
    return best[1]


def _alone(subject: Subject, nest: Nest) -> Schedule:
    """A schedule of the joined statements as a kernel of their own, shared loops at their first iteration."""
    join = join_of(nest.statement)
    assert join is not None
    members = [each for each in statements(subject.kernel) if each.index in join.members]
    held = {name for name, _ in join.constants}
    tensors = all_tensors(subject.kernel)
    used = dict.fromkeys([*(access.tensor for each in members for access in each.accesses), *sorted(held)])
    written = {each.assign.target.tensor for each in members}
    shown = {access.tensor for _, access in join.operands}
    parameters = []
    for name in used:
        tensor = replace(tensors[name], memory=None, address=None)
        if name in held or (name in written and name not in shown):
            parameters.append(replace(tensor, direction=Direction.LOCAL, role=Role.PLAIN))
        elif name not in written:
            parameters.append(replace(tensor, direction=Direction.IN))
        else:
            fresh = subject.fresh or all(each.reads.isdisjoint((name,)) for each in members[:1])
            direction = Direction.OUT if fresh and tensor.direction is not Direction.INOUT else Direction.INOUT
            parameters.append(replace(tensor, direction=direction, role=Role.PLAIN))
    body = [_nest_of(each, subject) for each in members]
    kernel = Kernel("statements", (), (), tuple(parameters), tuple(body))
    moved = _renumbered(join, {each.index: place for place, each in enumerate(members)}, subject)
    statement = joint_statement(kernel, subject.machine, moved)
    digits = tuple(digit for digit in nest.digits if digit.iterator not in subject.shared)
    return Schedule(kernel, kernel, subject.machine, steps_of(replace(nest, statement=statement, digits=digits)))


def _renumbered(join: Join, places: dict[int, int], subject: Subject) -> Join:
    """The join for the statements on their own, without shared loops."""
    zero = {name: constant(0) for name in subject.shared}
    return replace(
        join,
        statement=places[join.statement],
        members=tuple(places[member] for member in join.members),
        operands=tuple((operand, _moved(access, zero)) for operand, access in join.operands),
        iterators=tuple(
            (name, tuple((places[number], each) for number, each in members))
            for name, members in join.iterators
            if name not in subject.shared
        ),
    )


def _moved(access: Access, values: dict[str, Affine]) -> Access:
    return replace(access, map=AccessMap(tuple(substitute(index, values) for index in access.map.results)))


def _nest_of(statement: Statement, subject: Subject) -> Node:
    zero = {each.name: constant(0) for each in statement.iterators if each.name in subject.shared}
    assign = statement.assign
    value = map_loads(assign.value, lambda load: Load(_moved(load.access, zero)))
    node: Node = Assign(_moved(assign.target, zero), value, assign.reduction)
    for iterator in reversed(statement.iterators):
        if iterator.name not in zero:
            node = Loop(iterator.name, extent(iterator.extent), (node,))
    return node
