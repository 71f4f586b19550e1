"""The default strategy: the analytic model ranks, the cost model decides between the best few.

Every statement is scheduled on its own; equivalent kernels (from the mapper's rewrites) compete as wholes.
Deterministic; the seed plays no part. Where decisions are fixed or something else than cycles
counts, ``sighting.py`` searches.
"""

from __future__ import annotations

import itertools
from collections import abc
from dataclasses import replace

from isamapper.costmodels.bounds import memory_bounds, nest_call_cycles
from isamapper.diagnostics.source import Rejection, SourceError
from isamapper.hwdesc.bind import timing
from isamapper.hwdesc.model import Machine
from isamapper.ir.analysis import Statement, statements
from isamapper.ir.nodes import Kernel
from isamapper.mapper.covers.alternatives import Alternative
from isamapper.plan.nest import Epilogue, Nest
from isamapper.plan.offline import offline
from isamapper.plan.protocols import Candidate, CostModel, NotSchedulable, SearchProblem
from isamapper.plan.steps import Schedule, replay, steps_of
from isamapper.scheduler.campaign.known import Known
from isamapper.scheduler.clock import deadline_after, over, share
from isamapper.scheduler.improving.ahead import has_slots, loaded_ahead
from isamapper.scheduler.improving.bringing import with_brought
from isamapper.scheduler.improving.cutting import with_cut
from isamapper.scheduler.improving.frugal import frugal
from isamapper.scheduler.improving.judging import NEAR_LEAST, chosen, judge
from isamapper.scheduler.improving.parting import with_parts
from isamapper.scheduler.improving.refining import refined
from isamapper.scheduler.improving.residency import with_residents
from isamapper.scheduler.improving.roomy import lacks_room, roomy, with_room
from isamapper.scheduler.improving.spatial import distributed
from isamapper.scheduler.improving.summing import with_sums
from isamapper.scheduler.space.candidates import Prospect, Subject, prospects_of, subject_of
from isamapper.scheduler.space.descent import SMALL_CYCLES
from isamapper.scheduler.statements.epilogues import epilogues
from isamapper.scheduler.statements.equivalents import FAR, equivalents
from isamapper.scheduler.statements.isolate import isolated
from isamapper.scheduler.strategies.joint_search import best_joint_nest
from isamapper.scheduler.strategies.sighting import sighted

FINALISTS = 4
ACCEPTED = 6
"""How many that fit a condition are judged at most."""
MORE_FINALISTS = 2
"""So many times more nests are judged where everything is short, or far from what nothing undercuts."""
UNSURE = 0.3
"""How much of an estimate may be wrong where first fills and last drains are much of the whole."""
ENOUGH = 1.02
"""Where a schedule takes at most so many times what nothing undercuts, no other kernel is tried."""
TESTED = 120
"""How many nests are tested for a condition at most."""


def heuristic(
    problem: SearchProblem, cost_model: CostModel, *, budget_seconds: float | None, seed: int
) -> abc.Iterator[Candidate]:
    """Schedules of ``problem``, each better than the one before."""
    if problem.fixed is not None or problem.objective:
        yield from sighted(problem, cost_model, budget_seconds=budget_seconds, seed=seed)
        return
    cost_model, deadline = Known(cost_model), deadline_after(budget_seconds)
    best: float | None = None
    found: Schedule | None = None
    failures: list[Rejection] = []
    least: float | None = None
    moved = _moving_cycles(problem.machine, problem.kernel)
    for equivalent in equivalents(problem.kernel, problem.machine):
        least = equivalent.busy_cycles if least is None else least
        if best is not None and (equivalent.busy_cycles >= min(best, FAR * least) or over(deadline)):
            break
        schedule = _schedule(problem, equivalent, cost_model, deadline)
        if isinstance(schedule, Rejection):
            failures.append(schedule)
            continue
        cycles = cost_model.cycles(schedule)
        if best is None or cycles < best:
            best, found = cycles, schedule
            yield Candidate(schedule, cycles)
        if best <= ENOUGH * max(least, moved):
            break
    if best is None or found is None:
        raise NotSchedulable(*{(each.subject, each.reason): each for each in failures}.values())
    if (problem.machine.grids or has_slots(problem.machine)) and not over(deadline):
        schedule = _across_cores(found, cost_model, deadline)
        cycles = cost_model.cycles(schedule)
        if cycles < best:
            yield Candidate(schedule, cycles)


def _schedule(
    problem: SearchProblem, chosen: Alternative, cost_model: CostModel, deadline: float | None
) -> Schedule | Rejection:
    joined = {member for group in chosen.groups for member in group.join.members}
    drains = {
        index: epilogue
        for index, epilogue in epilogues(problem.machine, chosen.kernel).items()
        if not joined & {index, epilogue.statement.index}
    }
    for fused in [drains, {}]:
        schedule = _with_epilogues(problem, chosen, fused, cost_model, deadline)
        if not isinstance(schedule, Rejection) or not fused:
            return schedule
    raise AssertionError("the last attempt fuses nothing")


def _with_epilogues(
    problem: SearchProblem,
    chosen: Alternative,
    fused: abc.Mapping[int, Epilogue],
    cost_model: CostModel,
    deadline: float | None,
) -> Schedule | Rejection:
    machine, covered = problem.machine, chosen.kernel
    absorbed = {epilogue.statement.index for epilogue in fused.values()} | offline(covered)
    nests: list[Nest] = []
    for group in chosen.groups:
        joined = best_joint_nest(problem, group, cost_model)
        if isinstance(joined, Rejection):
            return joined
        nests.append(joined)
        absorbed |= set(group.join.members)
    left = [statement for statement in statements(covered) if statement.index not in absorbed]
    for place, statement in enumerate(left):
        own = share(deadline, len(left) - place)
        nest = _best_nest(problem, covered, statement, fused, cost_model, own)
        if isinstance(nest, Rejection):
            return nest
        nests.append(nest)
    steps = tuple(step for nest in nests for step in steps_of(nest))
    rank = _Ranking()

    def again(own: Machine, kernel: Kernel, index: int, accept: abc.Callable[[Nest], bool] | None) -> Nest | None:
        if over(deadline) or (kernel is covered and index in fused):
            return None
        part = replace(problem, machine=own)
        other = _best_nest(part, kernel, statements(kernel)[index], {}, cost_model, deadline, accept, rank)
        return None if isinstance(other, Rejection) else other

    schedule = Schedule(problem.kernel, covered, machine, steps, chosen.rewrites)
    found = with_residents(schedule, cost_model, again)
    if over(deadline):
        return found
    brought = with_brought(schedule)
    parts = [with_residents(own, cost_model, leaving) for own, leaving in with_parts(brought or schedule, again)]
    if brought is not None:
        staying = with_residents(brought, cost_model, again)
        if cost_model.cycles(staying) < cost_model.cycles(found):
            schedule, found = brought, staying
    if parts:
        best = min(parts, key=cost_model.cycles)
        if cost_model.cycles(best) < cost_model.cycles(found):
            return best
    other = None if over(deadline) else with_room(schedule, again)
    if other is None and not over(deadline) and lacks_room(found):
        other = schedule  # nests that keep what others find there took the place of those that had room
    if other is not None:
        found = min(found, with_residents(other, cost_model, roomy(again)), key=cost_model.cycles)
    return found if over(deadline) else with_cut(schedule, found, cost_model, again)


def _across_cores(found: Schedule, cost_model: CostModel, deadline: float | None) -> Schedule:
    """The schedule with every nest on all copies of a grid, and its registers loaded ahead, where that is faster."""
    machine, covered = found.machine, found.covered

    def changed(nest: Nest) -> Nest:
        if any(buffer.kept for buffer in nest.buffers):
            return nest  # others find there what it leaves, and a core of its own would leave it elsewhere
        index = nest.statement.index
        fused = {} if nest.epilogue is None else {index: nest.epilogue}
        subject = subject_of(machine, covered, nest.statement, nest.epilogue)

        def search(core: Machine, kernel: Kernel) -> Nest | Rejection:
            part = statements(kernel)[index]
            return _best_nest(SearchProblem(kernel, core), kernel, part, fused, cost_model, deadline)

        def cycles_of(other: Nest) -> float | None:
            try:
                return cost_model.cycles(_alone(machine, subject, other))
            except SourceError:
                return None

        spread = distributed(machine, covered, nest, search, cycles_of, lambda: over(deadline))
        least, taken = nest_call_cycles(spread) / machine.unit(spread.call.instruction.unit).count, cycles_of(spread)
        near = taken is not None and not spread.distributed and taken <= least * (1 + NEAR_LEAST)
        return spread if near else loaded_ahead(machine, spread, cycles_of)

    steps = tuple(step for nest in replay(found) for step in steps_of(changed(nest)))

    def part_of(core: Machine, kernel: Kernel, index: int, epilogue: Epilogue | None) -> Nest | Rejection:
        fused = {} if epilogue is None else {index: epilogue}
        own = SearchProblem(kernel, core)
        return _best_nest(own, kernel, statements(kernel)[index], fused, cost_model, deadline)

    return with_sums(replace(found, steps=steps), part_of, cost_model, lambda: over(deadline))


def _best_nest(
    problem: SearchProblem,
    covered: Kernel,
    statement: Statement,
    fused: abc.Mapping[int, Epilogue],
    cost_model: CostModel,
    deadline: float | None,
    accept: abc.Callable[[Nest], bool] | None = None,
    rank: abc.Callable[[Subject, float | None], tuple[Prospect, ...] | Rejection] = prospects_of,
) -> Nest | Rejection:
    """The best nest of one statement, of those that ``accept`` holds for."""
    subject = subject_of(problem.machine, covered, statement, fused.get(statement.index))
    ranked = rank(subject, deadline)
    if isinstance(ranked, Rejection):
        return ranked
    if accept is not None:
        ranked = tuple(_accepted(ranked, accept))

    def cycles_of(nest: Nest) -> float | None:
        try:
            return cost_model.cycles(_alone(problem.machine, subject, nest))
        except SourceError:
            return None

    if not ranked:
        return Rejection("SCH040", f"statement {statement.index}", "none of its schedules is what is asked for")
    estimate = ranked[0].estimated_cycles
    short = estimate < SMALL_CYCLES
    slack = max(_longest_latency(problem.machine, ranked[0].nest), UNSURE * estimate if short else 0.0)
    least = min(found.least_cycles for found in ranked)
    alone = len(statements(covered)) == 1
    if alone:
        least = max(least, _moving_cycles(problem.machine, covered))
    count = FINALISTS * (MORE_FINALISTS if short else 1)
    most = FINALISTS * MORE_FINALISTS if alone else 0  # what is best beside others is not what is best alone
    judged = judge(ranked, cycles_of, count, slack, lambda: over(deadline), least, most)
    if not judged:
        return Rejection("SCH040", f"statement {statement.index}", "none of its schedules can be lowered")
    if accept is None:
        judged += refined(problem.machine, judged, cycles_of, least, lambda: over(deadline))
        judged += frugal(ranked, judged, cycles_of, lambda: over(deadline))
    return chosen(judged).nest


class _Ranking:
    """Prospects of subjects, ranked once: several conditions are asked of the same ones."""

    def __init__(self) -> None:
        self.known: dict[tuple[int, int, int], tuple[Subject, tuple[Prospect, ...] | Rejection]] = {}

    def __call__(self, subject: Subject, deadline: float | None) -> tuple[Prospect, ...] | Rejection:
        key = id(subject.machine), id(subject.kernel), subject.statement.index
        if key not in self.known:
            self.known[key] = subject, prospects_of(subject, deadline)  # what is kept alive has a number of its own
        return self.known[key][1]


def _accepted(ranked: abc.Sequence[Prospect], accept: abc.Callable[[Nest], bool]) -> abc.Iterator[Prospect]:
    """The first few prospects that are accepted, of every way to lay an instruction over the statement in turn."""
    ways: dict[str, list[Prospect]] = {}
    for each in ranked:
        ways.setdefault(each.way, []).append(each)
    turns = (each for turn in itertools.zip_longest(*ways.values()) for each in turn if each is not None)
    fitting = (each for each in itertools.islice(turns, TESTED) if isinstance(each.nest, Nest) and accept(each.nest))
    return itertools.islice(fitting, ACCEPTED)


def _moving_cycles(machine: Machine, kernel: Kernel) -> float:
    """What moving a kernel's operands and results once takes at least."""
    return max(memory_bounds(machine, kernel, kernel).values(), default=0.0)


def _longest_latency(machine: Machine, nest: Nest | Rejection) -> int:
    """Cycles that what a nest begins may go on for: so much at both ends of a schedule is hard to foresee."""
    if isinstance(nest, Rejection):
        return 0
    copies = {copy.instruction for each in nest.buffers for copy in (each.fill, each.drain) if copy is not None}
    begun = [nest.call.instruction, *(each for each in machine.instructions if each.name in copies)]
    latencies = (timing(instruction, {})[1] for instruction in begun)
    return max([*latencies, *(memory.latency_cycles for memory in machine.memories)])


def _alone(machine: Machine, subject: Subject, nest: Nest) -> Schedule:
    """A schedule of the statement as a kernel of its own, which it may be already with what its drains do."""
    fused = set() if nest.epilogue is None else {nest.epilogue.statement.index}
    if len(statements(subject.kernel)) == len({nest.statement.index} | fused | offline(subject.kernel)):
        return Schedule(subject.kernel, subject.kernel, machine, steps_of(nest))
    kernel, moved = isolated(subject.tensors, nest, subject.shared, subject.fresh)
    return Schedule(kernel, kernel, machine, steps_of(moved))
