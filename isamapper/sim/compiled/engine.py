"""The compiled engine: writes code for a program, runs it, and reads the totals back."""

from __future__ import annotations

from isamapper.diagnostics.source import Diagnostic, SourceError
from isamapper.sim.compiled.atoms import Atoms, Unsuited, atoms
from isamapper.sim.compiled.jit import compile_program, compile_steps, compile_walker, compile_whole
from isamapper.sim.compiled.layout import (
    ARGUMENTS,
    BUDGET,
    EVENT_COUNT,
    EVENT_SIZE,
    EVENT_WORDS,
    EVENTS,
    EXHAUSTED,
    LAST_END,
    OVERFLOW,
    STATUS,
    VIOLATION_KIND,
    VIOLATION_SITE,
    VIOLATION_START,
    Layout,
    Needs,
    State,
    layout,
)
from isamapper.sim.compiled.nest import Nest, SkipPolicy, contested_sites, most_work, skipping_loops
from isamapper.sim.compiled.registers import in_registers, kept_words
from isamapper.sim.compiled.specs import StepSpec, step_spec
from isamapper.sim.compiled.step import Options, argument_names, step_function
from isamapper.sim.compiled.table import MOST_ARGUMENTS, Table
from isamapper.sim.counters import REASONS, Counters, Event
from isamapper.sim.reference import violation
from isamapper.sim.sites import Model

_INTERVALS = 512
LONG = 1 << 19
"""Invocations and iterations from which on better code is worth compiling."""
VERY_LONG = 1 << 24
"""From which on the best is."""
WALKED_MOST = 1 << 21
"""Invocations and iterations that are walked in a table before code is written for a program's own loops after all."""
DEFAULT_POLICY = SkipPolicy()


def run(
    model: Model, events: int = 0, skip: bool = True, policy: SkipPolicy = DEFAULT_POLICY, spread: bool = False,
    walked: int = WALKED_MOST,
) -> Counters | None:  # fmt: skip
    """Times a program; None where only the reference engine can.

    A program of which no more than so many invocations and iterations have to be stepped is ``walked`` in a table.

    Without ``skip`` every invocation is stepped; where ``events`` are asked for, no more than those, and they are kept.
    ``spread`` keeps at most so many, the first and the last of those that are stepped, and runs to the end.
    """
    try:
        found = atoms(model)
        specs = step_specs(model, found)
    except Unsuited:
        return None
    intervals, work = _INTERVALS, most_work(model)
    chosen = policy if skip and (spread or not events) else None
    if walked and not events and (chosen is not None or work <= LONG):
        counters = _walked(model, found, specs, chosen, walked)
        if counters is not None:
            return counters
    while True:
        plan, steps, nest = _program(model, found, specs, events, spread, chosen, intervals)
        stepped = _stepped(model, plan, events)
        if stepped > VERY_LONG:
            _code, entry = compile_whole(in_registers("".join(steps) + nest, kept_words(plan)))
        else:
            _code, entry = compile_program(steps, nest, int(stepped > LONG))
        try:
            state = plan.state()
        except (MemoryError, OSError, OverflowError, ValueError) as error:
            raise _too_large(plan) from error
        entry(state.ctypes.data)
        if state[STATUS] == EXHAUSTED:
            raise _too_large(plan)
        if state[STATUS] != OVERFLOW:
            return read_counters(plan, state)
        intervals *= 16


def _stepped(model: Model, plan: Layout, events: int) -> int:
    """Invocations at most, where nothing is skipped and none is kept; 0 of all other programs."""
    return 0 if plan.snapshots or events else most_work(model)


def _walked(
    model: Model, found: Atoms, specs: tuple[StepSpec, ...], policy: SkipPolicy | None, most: int
) -> Counters | None:
    """Totals of a program of which little is stepped; None where code of its own is better."""
    if any(len(argument_names(spec)) > MOST_ARGUMENTS for spec in specs):
        return None
    loops = skipping_loops(model, found, policy) if policy else {}
    plan = layout(model, specs, found, Needs(len(loops), contested_sites(loops), 0, _INTERVALS))
    if plan.promised:
        return None
    options = Options(bool(loops), False, counted=False)
    _codes, addresses = compile_steps(tuple(step_function(plan, index, options) for index in range(len(specs))))
    Table(plan, found, specs, addresses, loops, policy or SkipPolicy()).write()
    plan.initial += [(BUDGET, most), (ARGUMENTS, plan.reserve(MOST_ARGUMENTS))]
    state = plan.state()
    _code, entry = compile_walker()
    entry(state.ctypes.data)
    return read_counters(plan, state) if state[STATUS] == 0 else None


def _too_large(plan: Layout) -> SourceError:
    message = f"the program touches too many separate pieces of memory to be timed ({plan.words:.2g})"
    return SourceError(Diagnostic("SIM005", message, help="a smaller size"))


def step_specs(model: Model, found: Atoms) -> tuple[StepSpec, ...]:
    """The different steps of a program, by unit."""
    distinct = dict.fromkeys(step_spec(model, site, found) for site in model.sites)
    return tuple(sorted(distinct, key=lambda spec: spec.unit))


def _program(
    model: Model,
    found: Atoms,
    specs: tuple[StepSpec, ...],
    events: int,
    spread: bool,
    policy: SkipPolicy | None,
    intervals: int,
) -> tuple[Layout, tuple[str, ...], str]:
    """State, steps and loops of a program."""
    loops = skipping_loops(model, found, policy) if policy else {}
    plan = layout(model, specs, found, Needs(len(loops), contested_sites(loops), events, intervals))
    numbers = {spec: index for index, spec in enumerate(specs)}
    nest = Nest(plan, found, numbers, loops, policy or SkipPolicy(), bool(events) and not spread).text()
    options = Options(bool(loops), bool(events), long=_stepped(model, plan, events) > VERY_LONG)
    steps = tuple(step_function(plan, index, options) for index in range(len(specs)))
    return plan, steps, nest


def read_counters(plan: Layout, state: State) -> Counters:
    """The totals in a finished state."""
    model = plan.model
    machine = model.machine
    words = [int(word) for word in state[: plan.counts + len(plan.specs)]]
    for address, step, amount in plan.constants:
        words[address] += words[plan.counts + step] * amount
    if words[VIOLATION_SITE]:
        site = model.sites[words[VIOLATION_SITE] - 1]
        raise SourceError(violation(site, words[VIOLATION_START], words[VIOLATION_KIND]))
    counters = Counters.empty(len(machine.instructions), len(machine.units), 0, 0, 0)
    counters.cycles = words[LAST_END]
    counters.skipped = sum(int(state[snapshot + 5]) for snapshot in plan.snapshots)
    for index, spec in enumerate(plan.specs):
        counters.invocations[spec.instruction] += words[plan.counts + index]
    counters.front_end = words[plan.front_end : plan.front_end + 3]
    for unit, own in enumerate(plan.units):
        counters.busy[unit] = words[plan.busy + unit]
        first = plan.stall(unit, 0)
        counters.stalls[unit] = words[first : first + len(REASONS)]
        servers = state[own.servers.values : own.servers.values + own.servers.size].tolist()
        counters.overhang[unit] = sum(max(0, free - counters.cycles) for free in servers)
    counters.beats = words[plan.beats : plan.bytes]
    counters.bytes = [words[plan.bytes + 2 * index :][:2] for index in range(len(machine.memories))]
    counters.port_bytes = words[plan.port_bytes : plan.counts]
    counters.events = _events(state)
    return counters


def _events(state: State) -> list[Event]:
    """What was kept, in program order: all, or the first and, in rows that go round, the last."""
    first, size = int(state[EVENTS]), int(state[EVENT_SIZE])
    count = min(int(state[EVENT_COUNT]), size)
    rows = state[first : first + count * EVENT_WORDS].reshape(count, EVENT_WORDS).tolist()
    rows.sort(key=lambda row: row[6])
    return [Event(row[0], row[1], row[2], tuple(row[7:]), row[3], row[4], row[5], row[6]) for row in rows]
