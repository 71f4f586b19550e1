"""One problem on one machine: found, simulated, verified, held against bounds, baselines and published times.

What does not belong here: which problems (``problems.py``), several at once (``harness.py``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace
from math import inf

from isamapper.bench.baselines.contest import contest
from isamapper.bench.baselines.protocol import Case
from isamapper.bench.deepbench.anchors import anchors_of
from isamapper.bench.deepbench.kernels import Work, work_of
from isamapper.bench.deepbench.precision import precision_of
from isamapper.bench.deepbench.problems import Problem
from isamapper.bench.deepbench.steps import steps_of
from isamapper.bench.deepbench.store import Row, code_digest, key_of
from isamapper.costmodels.bounds import bounds
from isamapper.diagnostics.source import SourceError
from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Machine
from isamapper.ir.affine import extent
from isamapper.ir.nodes import Loop
from isamapper.ir.printer import print_kernel
from isamapper.ir.types import DTYPES, DType
from isamapper.pipeline import evaluate, find_schedule, schedule_program
from isamapper.plan.homes import home_memory
from isamapper.plan.skeleton import Shared, skeleton
from isamapper.plan.staying import staying
from isamapper.plan.steps import Schedule
from isamapper.plan.text import print_schedule
from isamapper.result import NoMapping, Result, Search
from isamapper.scheduler.statements.equivalents import promise
from isamapper.sim.timeline import Timeline
from isamapper.sim.timing import simulate

EXECUTED_OPERATIONS = 10**8
"""Larger programs are verified in their reduced form: whole suites should take minutes, not days."""

PROOF_SECONDS = 2.0
"""The budget of a row's proof by integer sets: what takes longer seldom has one."""

FEW_STEPS = 4
"""Of fewer time steps no later ones are told from the first."""

WORTH = 0.98
"""The share of what was found that another spelling must promise to take at most, to be searched."""

NEAR = 0.87
"""The share of the bound at which nothing is searched beside another spelling than the kernel's own."""

EVENTS = 240
"""Invocations whose times a row keeps for the picture."""


@dataclass(frozen=True, slots=True)
class Options:
    """How every problem is searched and what it is compared with."""

    strategy: str = "heuristic"
    cost_model: str = "simulated"
    budget_seconds: float | None = None
    seed: int = 0
    baselines: tuple[str, ...] = ()
    types: tuple[tuple[str, DType], ...] = ()
    executed_operations: int = EXECUTED_OPERATIONS


def row_key(problem: Problem, machine: Machine, options: Options) -> str:
    """What identifies an answer: problem, machine, options and the code that found it."""
    return key_of(
        {
            "problem": problem.name,
            "machine": machine.digest,
            "options": {name: getattr(options, name) for name in Options.__slots__},
            "code": code_digest(),
        }
    )


def measure(problem: Problem, machine_name: str, options: Options, key: str) -> Row:
    """The row of one problem, stored under ``key``; one that cannot be done has ``failure`` and no figures."""
    machine = load_machine(machine_name)
    head: Row = {
        "bench": "deepbench",
        "key": key,
        "suite": problem.suite,
        "problem": problem.name,
        "family": problem.family,
        "pass": problem.pass_name,
        "machine": machine.name,
        "parameters": dict(problem.values),
    }
    try:
        return {**head, **_at_own_types(problem, machine, options)}
    except NoMapping as refusal:
        reasons = [rejection.reason for rejection in refusal.rejections[:3]]
        return {**head, **_failed(f"{refusal}" + (f": {reasons[0]}" if reasons else ""))}
    except SourceError as error:
        return {**head, **_failed(error.diagnostics[0].message)}


def _at_own_types(problem: Problem, machine: Machine, options: Options) -> Row:
    """The problem at the machine's types; a recurrence whose elementwise part has no instruction there uses f32."""
    types = dict(options.types)
    try:
        return _measured(work_of(problem, machine, types), machine, options)
    except NoMapping:
        if problem.family != "rnn" or "F" in types:
            raise
        row = _measured(work_of(problem, machine, {**types, "F": DTYPES["f32"]}), machine, options)
        return {**row, "note": "what is not a product is done in f32: the machine cannot do all of it in its own type"}


def _failed(reason: str) -> Row:
    return {"failure": reason, "verified": False, "baselines": {}, "anchors": []}


def _measured(work: Work, machine: Machine, options: Options) -> Row:
    name, found = _found(work, machine, options)
    program = schedule_program(found.schedule)
    operations = options.executed_operations
    result = evaluate(
        program,
        seed=options.seed,
        trace=True,
        executed_operations=operations,
        found=found,
        proof_seconds=PROOF_SECONDS,
    )
    seconds = result.timeline.cycles / machine.clock_hz
    case = Case(work.kernel, machine, found.seconds, options.seed)
    baselines = contest(case, options.baselines, result.timeline.cycles)
    precision = precision_of(work)
    types = (str(precision["multiply"]), str(precision["accumulate"]))
    return {
        "kernel": name,
        "sizes": dict(work.kernel.sizes),
        **_figures(result),
        **_bound(work, machine, result),
        **_rates(work, result),
        "precision": precision,
        "packed": list(work.packed),
        "home": _home(result),
        "baselines": baselines,
        "anchors": anchors_of(work.problem, machine, seconds, types),
        "detail": _detail(result),
    }


def _found(work: Work, machine: Machine, options: Options) -> tuple[str, Search]:
    """The best schedule of the kernel or another spelling of it that promises less, with its name."""
    found: list[tuple[str, Search]] = []
    refusal: NoMapping | None = None
    least = bounds(Schedule(work.kernel, work.kernel, machine, ())).bound_cycles
    for name, kernel in work.candidates:
        best = min((each.cost_cycles for _, each in found), default=inf)
        near = any(other != work.name for other, _ in found) and NEAR * best <= least
        if found and (near or promise(kernel, machine) > WORTH * best):
            continue
        try:
            search = find_schedule(
                kernel,
                machine,
                strategy=options.strategy,
                cost_model=options.cost_model,
                budget_seconds=options.budget_seconds,
                seed=options.seed,
            )
        except NoMapping as none:
            refusal = refusal or none
        else:
            found.append((name, search))
    if not found:
        assert refusal is not None
        raise refusal
    return min(found, key=lambda each: each[1].cost_cycles)


def _bound(work: Work, machine: Machine, result: Result) -> Row:
    """The bound of the problem as it is given: products that rewrites and other spellings add count nothing."""
    own = bounds(Schedule(work.kernel, work.kernel, machine, ()))
    if own.bound_cycles >= result.bounds.bound_cycles:
        return {}
    share = 100 * own.bound_cycles / result.timeline.cycles
    return {
        "bound_cycles": own.bound_cycles,
        "percent_of_bound": round(share, 4),
        "binding_resource": own.binding_resource,
    }


def _figures(result: Result) -> Row:
    answer = result.to_dict()
    keys = (
        *("types", "cycles", "seconds", "bound_cycles", "mapped_bound_cycles", "percent_of_bound"),
        *("percent_of_mapped_bound", "binding_resource", "strategy", "cost_model", "seed", "optimal"),
        *("search_seconds", "simulate_seconds", "energy_pj", "versions"),
    )
    certificate = result.certificate
    return {
        **{key: answer[key] for key in keys},
        "gap_percent": result.search.gap_percent if result.search is not None else None,
        "code": code_digest(),
        "verified": certificate.ok,
        "verified_size": certificate.size.value,
        "error_probability": certificate.error_probability,
        "failure": None if certificate.ok else "does not verify",
    }


def _home(result: Result) -> Row:
    """Bytes moved through the memory that tensors come from, and how many a cycle it can move (None: no limit)."""
    memory = result.program.machine.memory(home_memory(result.program.machine))
    moved = next(each for each in result.timeline.traffic if each.memory == memory.name)
    width = sum(port.bytes_per_cycle for port in memory.ports) or None
    return {"memory": memory.name, "bytes": moved.read_bytes + moved.written_bytes, "bytes_per_cycle": width}


def _rates(work: Work, result: Result) -> Row:
    """Operations a second by both counts; for recurrences the cycles of a step, what is done once spread over all."""
    tera = max(result.timeline.cycles / result.timeline.clock_hz, 1e-12) * 1e12
    rates: Row = {"flops": work.flops, "tflops": work.flops / tera}
    if work.flops_with_input is not None:
        rates["flops_with_input"] = work.flops_with_input
        rates["tflops_with_input"] = work.flops_with_input / tera
        rates["cycles_per_step"] = result.timeline.cycles / work.problem["timesteps"]
        rates["cycles_per_later_step"] = _later(result)
        assert result.search is not None
        rates["step_cycles"] = steps_of(result.program, result.search.schedule)
        rates["on_chip"] = list(staying(result.search.schedule))
    if "sparsity" in dict(work.problem.values):
        rates["sparsity"] = float(work.problem.text("sparsity"))
        rates["note"] = "done as a dense product; the zeros are multiplied"
    return rates


def _later(result: Result) -> float | None:
    """Cycles of a step once weights are where they stay: what half of the steps less take less; None for few steps."""
    assert result.search is not None
    shared = {part.loop for part in skeleton(result.search.schedule.covered) if isinstance(part, Shared)}
    body = result.program.body
    steps = [node for node in body.body if isinstance(node, Loop) and node.iterator in shared]
    trips = steps[0].extent.bounds[0].constant if len(steps) == 1 else 1
    if trips < FEW_STEPS:
        return None
    shorter = replace(steps[0], extent=extent(trips - trips // 2))
    nodes = tuple(shorter if node is steps[0] else node for node in body.body)
    less = simulate(replace(result.program, body=replace(body, body=nodes)))
    return (result.timeline.cycles - less.cycles) / (trips // 2)


def _detail(result: Result) -> Row:
    """What a report shows of one problem when asked for more."""
    answer = result.to_dict()
    assert result.search is not None
    return {
        "kernel": print_kernel(result.program.kernel),
        "mapping": answer["mapping"],
        "schedule": print_schedule(result.search.schedule),
        "on_chip": list(staying(result.search.schedule)),
        "units": answer["units"],
        "ports": answer["ports"],
        "bytes": answer["bytes"],
        "instructions": answer["instructions"],
        "utilization": answer["utilization"],
        "timeline": _events(result.timeline),
    }


def _events(timeline: Timeline) -> Row:
    """A stretch of invocations as [unit, instruction, start, released, end], units and instructions by number."""
    units = [unit.name for unit in timeline.units if unit.instructions]
    names: list[str] = []
    found: list[list[int]] = []
    first = _stretch([timeline.names[event.site][1] for event in timeline.events])
    for event in timeline.events[first : first + EVENTS]:
        instruction, unit = timeline.names[event.site]
        if instruction not in names:
            names.append(instruction)
        found.append([units.index(unit), names.index(instruction), event.start, event.released, event.end])
    return {
        "units": units,
        "instructions": names,
        "events": found,
        "first": first,
        "complete": len(found) == timeline.invocations,
    }


def _stretch(units: abc.Sequence[str]) -> int:
    """Where the first of the stretches begins that most units take part in: layout copies may go before all else."""
    starts = range(0, max(1, len(units) - EVENTS + 1), EVENTS // 2)
    return max(starts, key=lambda start: len(set(units[start : start + EVENTS])))
