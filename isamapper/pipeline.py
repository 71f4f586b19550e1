"""The sentence ``parse -> map -> search -> lower -> simulate -> verify`` as functions over names or values.

Rules of this file:
- a kernel is a :class:`~isamapper.ir.nodes.Kernel`, a path or a library name; a machine likewise;
- one function for each verb; what it returns can be printed, and its ``to_dict`` is the command's JSON;
- nothing here decides anything about mappings, schedules or cycles.
"""

from __future__ import annotations

import difflib
import time
from collections import abc
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from os import PathLike, fspath
from typing import TypeAlias, cast

from isamapper.costmodels.bounds import Bounds, bounds
from isamapper.costmodels.objectives import Objective, check_energies, objective_weights
from isamapper.diagnostics.source import Diagnostic, SourceError
from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Machine
from isamapper.ir.analysis import statements
from isamapper.ir.literals import named_dtype
from isamapper.ir.nodes import Kernel
from isamapper.ir.types import DType
from isamapper.mapper import explain as explain_mappings
from isamapper.mapper import find_mappings
from isamapper.mapper.compound.find import find_joint_mappings
from isamapper.mapper.covers.alternatives import alternatives, derived_kernels
from isamapper.mapper.rewrites.search import bound_reached
from isamapper.plan.fixed import Fixed
from isamapper.plan.joint_mapping import JointMapping
from isamapper.plan.kernel_types import kernel_for
from isamapper.plan.lower import lower
from isamapper.plan.mapping import Mapping, MappingClass
from isamapper.plan.program import Program
from isamapper.plan.program_certificate import ProgramCertificate
from isamapper.plan.protocols import Candidate, CostModel, NotSchedulable, SearchProblem, SearchStrategy
from isamapper.plan.steps import Schedule
from isamapper.registry import load
from isamapper.result import Mappings, NoMapping, Result, Search, versions
from isamapper.scheduler.campaign.foreign import Foreign, NoNumber
from isamapper.scheduler.campaign.noted import Noted
from isamapper.scheduler.campaign.remembered import remembered
from isamapper.scheduler.campaign.store import Store
from isamapper.scheduler.strategies.pareto import Point, pareto
from isamapper.sim.timing import simulate
from isamapper.verify.certified import certified, proof_of
from isamapper.verify.verifier import PROOF_SECONDS, verify

KernelLike: TypeAlias = Kernel | str | PathLike[str]
MachineLike: TypeAlias = Machine | str | PathLike[str]
Types: TypeAlias = abc.Mapping[str, DType | str]
"""Types by the name of the parameter; a type may be given by its name."""
Report: TypeAlias = abc.Callable[[str], None]
"""Told which stage begins."""

STRATEGY = "heuristic"
OBJECTIVE = "cycles"
COST_MODEL = "simulated"
ALTERNATIVES = 6
EXECUTED = 10**10
"""What a search uses where nothing else is asked for, how many equal kernels ``map`` looks at, and the
scalar operations up to which a program is executed at its own size to verify it."""


def resolve(
    kernel: KernelLike,
    machine: MachineLike,
    sizes: abc.Mapping[str, int] | None = None,
    types: Types | None = None,
) -> tuple[Kernel, Machine]:
    """The kernel and the machine that are meant.

    Types come from ``types``, then from the machine's ``default_types`` where the kernel can have them, then from the
    kernel's own defaults. A kernel
    that is already bound is taken as it is.
    """
    target = machine if isinstance(machine, Machine) else load_machine(fspath(machine))
    if isinstance(kernel, Kernel):
        return kernel, target
    name, given = fspath(kernel), {each: named_dtype(dtype) for each, dtype in (types or {}).items()}
    return kernel_for(target, name, sizes, given), target


def map_kernel(
    kernel: KernelLike,
    machine: MachineLike,
    *,
    sizes: abc.Mapping[str, int] | None = None,
    types: Types | None = None,
    statement: int | None = None,
    instruction: str | None = None,
    criterion: str | None = None,
    every: bool = False,
    symbolic: bool = False,
    limit: int | None = None,
    rewrites: bool = False,
) -> Mappings:
    """Every mapping (the first ``limit``), or why there is none.

    Equal kernels by rewrites are looked at where they save cycles; with ``rewrites`` all that the search finds.
    """
    bound, target = resolve(kernel, machine, sizes, types)
    _check_statement(bound, statement)
    _check_instruction(target, instruction)
    chosen = partial(find_mappings, machine=target, instruction=instruction, criterion=criterion)
    ask = partial(chosen, every=every, symbolic=symbolic)
    found = chain(
        ask(bound, statement=statement), _rewritten(bound, target, ask, rewrites) if statement is None else ()
    )
    taken = tuple(islice(found, limit))
    complete = limit is None or next(found, None) is None
    joint = () if criterion not in (None, "full") else _joint(bound, target, statement, instruction, criterion, every)
    rejections = explain_mappings(bound, target, instruction)
    searched = statements(bound) if statement is None else ()
    bounded = tuple(each for s in searched if (each := bound_reached(bound, s.index)) is not None)
    return Mappings(bound, target, taken, (*rejections, *bounded), complete, joint)


def _joint(
    kernel: Kernel,
    machine: Machine,
    statement: int | None,
    instruction: str | None,
    criterion: str | None,
    every: bool,
) -> tuple[JointMapping, ...]:
    """Mappings of several statements, ``statement`` among them, on one instruction."""
    return tuple(
        mapping
        for mapping in find_joint_mappings(kernel, machine, instruction=instruction, every=every, statement=statement)
        if criterion is None or mapping.kind is MappingClass.EXACT
    )


def _rewritten(
    kernel: Kernel, machine: Machine, ask: abc.Callable[[Kernel], abc.Iterator[Mapping]], every: bool
) -> abc.Iterator[Mapping]:
    """Mappings of the statements that rewrites make of the kernel's, for the first few equal kernels, or for all."""
    known = {statement.assign for statement in statements(kernel)}
    useful = islice((each for each in alternatives(kernel, machine) if each.rewrites), ALTERNATIVES)
    for alternative in derived_kernels(kernel) if every else useful:
        made = {s.index for s in statements(alternative.kernel) if s.assign not in known}
        for mapping in ask(alternative.kernel):
            if mapping.statement in made:
                yield replace(mapping, rewrites=alternative.rewrites)


def explain_kernel(
    kernel: KernelLike,
    machine: MachineLike,
    *,
    sizes: abc.Mapping[str, int] | None = None,
    types: Types | None = None,
    instruction: str | None = None,
) -> Mappings:
    """Why instructions do not fit, the nearest miss first, beside the mappings of those that do."""
    bound, target = resolve(kernel, machine, sizes, types)
    _check_instruction(target, instruction)
    found = tuple(find_mappings(bound, target, instruction=instruction))
    joint = tuple(find_joint_mappings(bound, target, instruction=instruction))
    return Mappings(bound, target, found, explain_mappings(bound, target, instruction), True, joint)


def search(
    kernel: KernelLike,
    machine: MachineLike,
    *,
    sizes: abc.Mapping[str, int] | None = None,
    types: Types | None = None,
    strategy: str = STRATEGY,
    cost_model: str = COST_MODEL,
    budget_seconds: float | None = None,
    seed: int = 0,
    fixed: Fixed | None = None,
    objective: str = OBJECTIVE,
    store: Store | None = None,
) -> abc.Iterator[Candidate]:
    """Schedules, each cheaper than the one before; NotSchedulable where there is none.

    Another ``objective`` than cycles is measured on the simulated program, whatever the cost model. Nothing that
    ``store`` has is measured again.
    """
    bound, target = resolve(kernel, machine, sizes, types)
    weights = () if objective == OBJECTIVE else objective_weights(objective)
    model = _judge(cost_model, objective, target, store)
    problem = SearchProblem(bound, target, fixed, weights)
    return _strategy(strategy)(problem, model, budget_seconds=budget_seconds, seed=seed)


def _judge(cost_model: str, objective: str, machine: Machine, store: Store | None) -> Noted:
    """What a search minimises: cycles by a model, or another objective by simulation."""
    weights = () if objective == OBJECTIVE else objective_weights(objective)
    check_energies(machine, weights)
    model = Objective(weights, objective) if weights else _cost_model(cost_model)
    return Noted(model if store is None else remembered(model, store))


def _strategy(name: str) -> SearchStrategy:
    chosen = load("strategy", name)
    if not callable(chosen):
        raise _unfit("strategy", name, "it cannot be called")
    return cast(SearchStrategy, chosen)


def _cost_model(name: str) -> CostModel:
    judge = load("cost model", name)
    model = judge() if isinstance(judge, type) else judge
    if not callable(getattr(model, "cycles", None)):
        raise _unfit("cost model", name, "it has no method 'cycles'")
    ours = type(model).__module__.partition(".")[0] == __package__
    return cast(CostModel, model) if ours else Foreign(cast(CostModel, model), name)


def find_front(
    kernel: KernelLike,
    machine: MachineLike,
    objectives: tuple[str, str],
    *,
    sizes: abc.Mapping[str, int] | None = None,
    types: Types | None = None,
    strategy: str = STRATEGY,
    cost_model: str = COST_MODEL,
    budget_seconds: float | None = None,
    seed: int = 0,
    fixed: Fixed | None = None,
    store: Store | None = None,
) -> tuple[Point, ...]:
    """Schedules that no other found beats in both of two objectives; NoMapping where the machine cannot do it."""
    bound, target = resolve(kernel, machine, sizes, types)
    check_energies(target, (*objective_weights(objectives[0]), *objective_weights(objectives[1])))
    model = _cost_model(cost_model)
    try:
        return pareto(
            SearchProblem(bound, target, fixed),
            objectives,
            _strategy(strategy),
            model if store is None else remembered(model, store),
            budget_seconds=budget_seconds,
            seed=seed,
        )
    except NoNumber as wrong:
        raise _unfit("cost model", cost_model, str(wrong)) from None
    except NotSchedulable as error:
        raise NoMapping(bound, target, error.rejections + explain_mappings(bound, target)) from error


def _unfit(kind: str, name: str, reason: str) -> SourceError:
    return SourceError(Diagnostic("PLG004", f"{reason}: {kind} '{name}'", help="see isamapper.plan.protocols"))


def find_schedule(
    kernel: KernelLike,
    machine: MachineLike,
    *,
    sizes: abc.Mapping[str, int] | None = None,
    types: Types | None = None,
    strategy: str = STRATEGY,
    cost_model: str = COST_MODEL,
    budget_seconds: float | None = None,
    seed: int = 0,
    fixed: Fixed | None = None,
    objective: str = OBJECTIVE,
    store: Store | None = None,
) -> Search:
    """The cheapest schedule found; NoMapping where the machine cannot do the kernel.

    What is ``fixed`` is not searched; SourceError FIX003 where no schedule meets it.

    An interruption ends the search with its best so far, and is raised where there is none yet.
    """
    bound, target = resolve(kernel, machine, sizes, types)
    weights = () if objective == OBJECTIVE else objective_weights(objective)
    judge = _judge(cost_model, objective, target, store)
    problem = SearchProblem(bound, target, fixed, weights)
    candidates = _strategy(strategy)(problem, judge, budget_seconds=budget_seconds, seed=seed)
    began = time.perf_counter()
    try:
        best, second, interrupted = _last_two(_judged(candidates, strategy))
    except NoNumber as wrong:
        raise _unfit("cost model", cost_model, str(wrong)) from None
    except NotSchedulable as error:
        raise NoMapping(bound, target, error.rejections + explain_mappings(bound, target)) from error
    if best is None:
        raise NoMapping(bound, target, explain_mappings(bound, target))
    seconds = time.perf_counter() - began
    return Search(
        best.schedule,
        strategy,
        cost_model,
        seed,
        seconds,
        best.cycles,
        best.optimal,
        interrupted,
        judge.runner_up(best.schedule) or (second.schedule if second else None),
        best.bound,
    )


def _judged(candidates: object, strategy: str) -> abc.Iterator[Candidate]:
    """What a strategy yields, which has to be candidates."""
    if not isinstance(candidates, abc.Iterable):
        raise _unfit("strategy", strategy, f"it answered {candidates!r}, which yields no candidates")
    for candidate in candidates:
        if not isinstance(candidate, Candidate):
            raise _unfit("strategy", strategy, f"it yielded {candidate!r}, which is no Candidate")
        yield candidate


def _last_two(candidates: abc.Iterator[Candidate]) -> tuple[Candidate | None, Candidate | None, bool]:
    """The best, the runner-up with another schedule, and whether an interruption ended the search after the first."""
    best: Candidate | None = None
    second: Candidate | None = None
    try:
        for candidate in candidates:
            second = best if best is not None and candidate.schedule != best.schedule else second
            best = candidate
    except KeyboardInterrupt:
        if best is None:
            raise
        return best, second, True
    return best, second, False


def run(
    kernel: KernelLike,
    machine: MachineLike,
    *,
    sizes: abc.Mapping[str, int] | None = None,
    types: Types | None = None,
    strategy: str = STRATEGY,
    cost_model: str = COST_MODEL,
    budget_seconds: float | None = None,
    seed: int = 0,
    fixed: Fixed | None = None,
    objective: str = OBJECTIVE,
    store: Store | None = None,
    trace: bool = False,
    executed_operations: int = EXECUTED,
    report: Report | None = None,
) -> Result:
    """The main job: search, lower, simulate, verify. NoMapping where the machine cannot do the kernel.

    A program of more than ``executed_operations`` scalar operations is verified in its reduced form. A program that
    does not verify is no exception: the result's certificate says so.
    """
    tell = report or _silent
    bound, target = resolve(kernel, machine, sizes, types)
    tell("searching a schedule")
    found = find_schedule(
        bound,
        target,
        strategy=strategy,
        cost_model=cost_model,
        budget_seconds=budget_seconds,
        seed=seed,
        fixed=fixed,
        objective=objective,
        store=store,
    )
    program = lower(found.schedule)
    return evaluate(program, seed=seed, trace=trace, executed_operations=executed_operations, found=found, report=tell)


def evaluate(
    program: Program,
    *,
    seed: int = 0,
    trace: bool = False,
    executed_operations: int = EXECUTED,
    found: Search | None = None,
    report: Report | None = None,
    proof_seconds: float = PROOF_SECONDS,
) -> Result:
    """A program simulated, verified and held against the bounds."""
    tell = report or _silent
    tell("simulating")
    began = time.perf_counter()
    timeline = simulate(program, trace=trace)
    seconds = time.perf_counter() - began
    tell("verifying")
    schedule = None if found is None else found.schedule
    certificate = proof_of(program, schedule, seed, proof_seconds, executed_operations)
    return Result(program, timeline, certificate, _bounds(program, found), seed, seconds, found)


def _bounds(program: Program, found: Search | None) -> Bounds:
    """The bounds of the schedule; without one only what kernel and machine say holds."""
    if found is not None:
        return bounds(found.schedule)
    return bounds(Schedule(program.kernel, program.kernel, program.machine, ()))


def certify(subject: Program | Schedule, *, seed: int = 0) -> ProgramCertificate:
    """The certificate that a program's file carries: what is proved of it and, for a schedule's, how it was made."""
    if isinstance(subject, Program):
        return certified(subject, None, verify(subject, seed=seed), seed, versions())
    program = lower(subject)
    proof = proof_of(program, subject, seed)
    return certified(program, subject, proof, seed, versions())


def _silent(stage: str) -> None:
    del stage


def schedule_program(schedule: Schedule) -> Program:
    """The program that a schedule describes; never searches."""
    return lower(schedule)


def _check_statement(kernel: Kernel, statement: int | None) -> None:
    """SourceError RUN001 where the kernel has no such statement."""
    count = len(statements(kernel))
    if statement is not None and not 0 <= statement < count:
        message = f"kernel '{kernel.name}' has no statement '{statement}'"
        raise SourceError(Diagnostic("RUN001", message, help=f"it has {count}, counted from 0"))


def _check_instruction(machine: Machine, instruction: str | None) -> None:
    """SourceError RUN002 where the machine has no such instruction."""
    names = [known.name for known in machine.instructions]
    if instruction is not None and instruction not in names:
        near = difflib.get_close_matches(instruction, names, n=1)
        help = f"did you mean '{near[0]}'?" if near else "'isamapper hw show' lists them"
        message = f"machine '{machine.name}' has no instruction '{instruction}'"
        raise SourceError(Diagnostic("RUN002", message, help=help))
