"""A search of the decision space as a strategy: statement by statement, every improvement a better whole schedule.

An explorer is a generator over one statement's task; it yields improvements and may be dropped at any time. Here
statements take turns, equivalent kernels compete as wholes (all begin, then the one that began best goes on first), and
budgets are shared.
"""

from __future__ import annotations

import itertools
from collections import abc
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from isamapper.costmodels.bounds import bounds
from isamapper.diagnostics.source import Diagnostic, Rejection, SourceError
from isamapper.hwdesc.model import Machine
from isamapper.ir.analysis import Statement, statements
from isamapper.ir.nodes import Kernel
from isamapper.mapper.covers.alternatives import Alternative
from isamapper.mapper.matching.find import find_mappings
from isamapper.plan.fixed import Fixed, Pin
from isamapper.plan.nest import Epilogue, Nest
from isamapper.plan.offline import offline
from isamapper.plan.protocols import Candidate, CostModel, NotSchedulable, SearchProblem, SearchStrategy
from isamapper.plan.steps import Schedule, steps_of
from isamapper.scheduler.clock import deadline_after, over, remaining, share
from isamapper.scheduler.improving.residency import with_residents
from isamapper.scheduler.improving.summing import PartSearch
from isamapper.scheduler.space.families import families_of, with_whole
from isamapper.scheduler.space.fixing import allows, smallest_conflict
from isamapper.scheduler.space.space import StatementSpace
from isamapper.scheduler.statements.epilogues import epilogues
from isamapper.scheduler.statements.equivalents import equivalents
from isamapper.scheduler.statements.frames import frames_of
from isamapper.scheduler.statements.subject import subject_of
from isamapper.scheduler.strategies.across import across_cores, fixed_cut, with_cut
from isamapper.scheduler.strategies.joint_search import best_joint_nest
from isamapper.scheduler.strategies.moves import smallest
from isamapper.scheduler.strategies.task import Improvement, Task


class Explorer(Protocol):
    """Yields ever better nests of a task; the last one's ``bound`` is what it has proved."""

    def __call__(self, task: Task) -> abc.Iterator[Improvement]: ...


def strategy(explorer: Explorer) -> SearchStrategy:
    """The strategy that searches every statement's space with ``explorer``."""

    def search(
        problem: SearchProblem, cost_model: CostModel, *, budget_seconds: float | None, seed: int
    ) -> abc.Iterator[Candidate]:
        end = deadline_after(budget_seconds)
        if problem.fixed is not None and any(pin.kind == "across" for pin in problem.fixed.pins):
            yield _cut_as_fixed(problem, problem.fixed, cost_model, explorer, end, seed)
            return
        deadline = share(end, 2) if problem.machine.grids else end
        best: Candidate | None = None
        failures: list[Rejection] = []
        proofs: list[float | None] = []
        begun: list[_Begun] = []
        for chosen in equivalents(problem.kernel, problem.machine):
            if problem.fixed is not None:
                _check_statement(problem.fixed, len(statements(chosen.kernel)))
            dearer = best is not None and not problem.objective and chosen.busy_cycles >= best.cycles
            if dearer or (best is not None and over(deadline)):
                proofs.append(chosen.busy_cycles)
                break
            turn = _Whole(problem, chosen, cost_model, explorer, deadline, seed).candidates(failures)
            first = next(turn, None)
            if first is None:
                proofs.append(None)
                continue
            begun.append(_Begun(chosen, first, turn))
            if best is None or first.cycles < best.cycles:
                best = replace(first, optimal=False, bound=None)
                yield best
        for each in sorted(begun, key=lambda one: one.last.cycles):
            assert best is not None
            if not problem.objective and each.chosen.busy_cycles >= best.cycles:
                proofs.append(each.chosen.busy_cycles)
                continue
            for candidate in each.turn:
                each.last = candidate
                if candidate.cycles < best.cycles:
                    best = replace(candidate, optimal=False, bound=None)
                    yield best
            proofs.append(_raised(each.last.bound, each.last.schedule, cost_model))
        if best is not None and problem.machine.grids:
            yield from _across(problem, best, cost_model, explorer, end, seed)
        elif best is not None:
            yield _proved(best, proofs)
        if best is None:
            if problem.fixed is not None:
                check_satisfiable(problem, problem.fixed)
            raise NotSchedulable(*{(each.subject, each.reason): each for each in failures}.values())

    return search


def _cut_as_fixed(
    problem: SearchProblem,
    fixed: Fixed,
    cost_model: CostModel,
    explorer: Explorer,
    deadline: float | None,
    seed: int,
) -> Candidate:
    """The best schedule with the cut that is fixed; what else is fixed is about the part of a core."""
    first = share(deadline, 2)
    one_core = replace(problem, fixed=None, machine=replace(problem.machine, grids=()))
    *_, best = strategy(explorer)(one_core, cost_model, budget_seconds=remaining(first), seed=seed)
    schedule = replace(best.schedule, machine=problem.machine)
    _check_statement(fixed, len(statements(schedule.covered)))
    pins = tuple(pin for pin in fixed.pins if pin.kind != "across")
    cut = fixed_cut(schedule, fixed)
    made = with_cut(schedule, fixed.statement, cut, _part_search(cost_model, explorer, deadline, seed, pins))
    if isinstance(made, Rejection):
        places = [pin.span for pin in fixed.pins if pin.kind == "across"]
        message = f"no schedule has '{cut}': {made.reason}"
        raise SourceError(Diagnostic("FIX003", message, places[0], "another cut, or none"))
    return Candidate(made, cost_model.cycles(made))


def _part_search(
    cost_model: CostModel, explorer: Explorer, deadline: float | None, seed: int, pins: tuple[Pin, ...] = ()
) -> PartSearch:
    """Finds nests with the explorer; ``pins`` hold of them."""

    def search(core: Machine, kernel: Kernel, index: int, epilogue: Epilogue | None) -> Nest | Rejection:
        space = whole_space(core, kernel, statements(kernel)[index], epilogue)
        if pins:
            allowed = tuple(family for family in space.families if allows(family, pins))
            space = StatementSpace(space.subject, allowed, pins)
        task = Task(space, cost_model, np.random.default_rng((seed, index)), share(deadline, 2))
        for _ in explorer(task):
            pass  # the task keeps its best
        return Rejection("SCH040", f"statement {index}", "nothing found") if task.best is None else task.best.nest

    return search


def _across(
    problem: SearchProblem,
    best: Candidate,
    cost_model: CostModel,
    explorer: Explorer,
    deadline: float | None,
    seed: int,
) -> abc.Iterator[Candidate]:
    """The best spread over the machine's grids, where that is cheaper; nothing is proved of such spaces."""
    if problem.objective or problem.fixed is not None or over(deadline):
        return
    schedule = across_cores(best.schedule, cost_model, _part_search(cost_model, explorer, deadline, seed))
    cycles = cost_model.cycles(schedule)
    if cycles < best.cycles:
        yield Candidate(schedule, cycles)


@dataclass(slots=True)
class _Begun:
    """An equal kernel of which a first schedule is known, and the search for others."""

    chosen: Alternative
    last: Candidate
    turn: abc.Iterator[Candidate]


def _raised(proof: float | None, last: Schedule, cost_model: CostModel) -> float | None:
    """What no schedule of an equal kernel takes less than: no program does, where costs are a program's cycles."""
    if not proof or getattr(cost_model, "prices_rows", False):
        return proof
    return max(proof, float(bounds(last).bound_cycles))


def _proved(best: Candidate, proofs: abc.Sequence[float | None]) -> Candidate:
    """The best with what no schedule of any equal kernel costs less than, where that is known of all of them."""
    known = [bound for bound in proofs if bound]
    if not known or len(known) < len(proofs):
        return best
    bound = min(best.cycles, *known)
    return replace(best, optimal=best.cycles <= bound, bound=bound)


def space_of(
    problem: SearchProblem, chosen: Alternative, statement: Statement, epilogue: Epilogue | None
) -> StatementSpace:
    """Every family of a statement of an equivalent kernel."""
    space = whole_space(problem.machine, chosen.kernel, statement, epilogue)
    if problem.fixed is None or problem.fixed.statement != statement.index:
        return space
    pins = problem.fixed.pins
    return StatementSpace(space.subject, tuple(family for family in space.families if allows(family, pins)), pins)


def whole_space(machine: Machine, covered: Kernel, statement: Statement, epilogue: Epilogue | None) -> StatementSpace:
    """Every family of a statement on a machine, nothing fixed."""
    subject = subject_of(machine, covered, statement, epilogue)
    mappings = tuple(find_mappings(covered, machine, statement=statement.index))
    frames = frames_of(machine, statement, mappings, subject.fresh, subject.shared)
    tiled = tuple(family for frame in frames for family in families_of(subject, frame))
    return StatementSpace(subject, (*tiled, *(each for family in tiled for each in with_whole(subject, family))))


SAMPLED = 64
"""Rows of a family that are looked at to see whether what is fixed can be met."""


def check_satisfiable(problem: SearchProblem, fixed: Fixed) -> None:
    """SourceError FIX003 with the fewest decisions that cannot be met together; nothing where all can."""
    chosen = next(iter(equivalents(problem.kernel, problem.machine)), None)
    if chosen is None:
        return
    statement = statements(chosen.kernel)[fixed.statement]
    space = space_of(replace(problem, fixed=None), chosen, statement, None)
    alive: dict[int, bool] = {}

    def satisfiable(pins: tuple[Pin, ...]) -> bool:
        chosen_families = tuple(family for family in space.families if allows(family, pins))
        task = Task(StatementSpace(space.subject, chosen_families, pins), _Never(), np.random.default_rng(0))
        for place, family in enumerate(chosen_families):
            if id(family) not in alive:
                alive[id(family)] = task.alive(place)
            rows = np.concatenate([smallest(task.space, place), task.space.random_rows(task.generator, place, SAMPLED)])
            if alive[id(family)] and np.isfinite(task.space.priced(rows).cycles).any():
                return True
        return False

    conflict = smallest_conflict(fixed.pins, satisfiable)
    if conflict is not None:
        words = ", ".join(f"'{pin}'" for pin in conflict)
        message = f"no schedule has {words}" if len(conflict) == 1 else f"no schedule has all of {words}"
        places = [pin.span for pin in conflict if pin.span is not None]
        notes = tuple(("and this one", place) for place in places[1:])
        help = _instead(conflict[0], space) if len(conflict) == 1 else "leave one of them to the search"
        raise SourceError(Diagnostic("FIX003", message, places[0] if places else None, help, notes=notes))


def _instead(pin: Pin, space: StatementSpace) -> str:
    """What there is in place of a decision that no schedule has."""
    statement = space.families[0].frame.statement if space.families else None
    loops = [] if statement is None else [iterator.name for iterator in statement.iterators]
    wanted = (pin.name,) if pin.kind == "tiles" else pin.value if pin.kind in ("outside", "inside") else ()
    if isinstance(wanted, tuple) and any(name not in loops for name in wanted):
        return f"the loops are {', '.join(loops)}"
    if pin.kind == "instruction":
        names = dict.fromkeys(family.frame.call.instruction.name for family in space.families)
        return f"instructions that do the statement: {', '.join(names)}"
    return "leave it to the search"


def _check_statement(fixed: Fixed, count: int) -> None:
    if fixed.statement >= count:
        message = f"there is no statement {fixed.statement} to fix anything about"
        raise SourceError(Diagnostic("FIX003", message, fixed.span, f"there are {count}, counted from 0"))


class _Never:
    """A cost model that is not asked."""

    name = "never"

    def cycles(self, schedule: Schedule) -> float:
        raise AssertionError(schedule)


class _Whole:
    """All statements of one equivalent kernel, explored in turns."""

    def __init__(
        self,
        problem: SearchProblem,
        chosen: Alternative,
        cost_model: CostModel,
        explorer: Explorer,
        deadline: float | None,
        seed: int,
    ) -> None:
        self.problem, self.chosen, self.cost_model = problem, chosen, cost_model
        self.explorer, self.deadline, self.seed = explorer, deadline, seed

    def candidates(self, failures: list[Rejection]) -> abc.Iterator[Candidate]:
        """Ever better schedules: with drains that do what follows, and without where that finds nothing."""
        joined = {member for group in self.chosen.groups for member in group.join.members}
        drains = {
            index: epilogue
            for index, epilogue in epilogues(self.problem.machine, self.chosen.kernel).items()
            if not joined & {index, epilogue.statement.index}
        }
        for fused in [drains, {}] if drains else [drains]:
            found = False
            for candidate in self._explored(fused, failures):
                found = True
                yield candidate
            if found:
                return

    def _explored(self, fused: abc.Mapping[int, Epilogue], failures: list[Rejection]) -> abc.Iterator[Candidate]:
        absorbed = {epilogue.statement.index for epilogue in fused.values()} | offline(self.chosen.kernel)
        fixed: list[Nest] = []
        for group in self.chosen.groups:
            nest = best_joint_nest(self.problem, group, self.cost_model)
            if isinstance(nest, Rejection):
                failures.append(nest)
                return
            fixed.append(nest)
            absorbed |= set(group.join.members)
        left = [each for each in statements(self.chosen.kernel) if each.index not in absorbed]
        tasks, turns = [], []
        best: list[Improvement] = []
        for place, statement in enumerate(left):
            space = space_of(self.problem, self.chosen, statement, fused.get(statement.index))
            generator = np.random.default_rng((self.seed, statement.index))
            own = share(self.deadline, len(left) - place)
            task = Task(space, self.cost_model, generator, own, self.problem.objective)
            turn = self.explorer(task)
            first = next(turn, None)
            if first is None:
                failures += task.failures[:3] or [Rejection("SCH040", f"statement {statement.index}", "nothing found")]
                return
            tasks.append(task)
            turns.append(turn)
            best.append(first)
        yield from self._improved(fixed, best, turns)

    def _improved(
        self, fixed: abc.Sequence[Nest], best: list[Improvement], turns: abc.Sequence[abc.Iterator[Improvement]]
    ) -> abc.Iterator[Candidate]:
        last = self._candidate(fixed, best)
        yield last
        going = set(range(len(best)))
        while going and not over(self.deadline):
            for place in sorted(going):
                following = next(turns[place], None)
                if following is None:
                    going.discard(place)
                    continue
                better = following.cycles < best[place].cycles
                best[place] = following
                if better:
                    candidate = self._candidate(fixed, best)
                    if candidate.cycles < last.cycles:
                        last = candidate
                        yield last
        proven = not fixed and all(each.cycles <= each.bound for each in best)
        bound = sum(each.bound for each in best) if not fixed else 0.0
        yield replace(last, optimal=proven, bound=min(bound, last.cycles) if len(best) == 1 else None)

    def _candidate(self, fixed: abc.Sequence[Nest], best: abc.Sequence[Improvement]) -> Candidate:
        steps = tuple(step for nest in itertools.chain(fixed, (each.nest for each in best)) for step in steps_of(nest))
        problem, chosen = self.problem, self.chosen
        schedule = Schedule(problem.kernel, chosen.kernel, problem.machine, steps, chosen.rewrites)
        schedule = with_residents(schedule, self.cost_model)
        return Candidate(schedule, self.cost_model.cycles(schedule))
