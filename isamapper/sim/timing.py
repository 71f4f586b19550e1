"""``simulate``: how many cycles a program takes, by the engine that suits.

Engines: ``compiled`` (skips ahead over loops that repeat), ``expanded`` (compiled, every invocation stepped),
``reference`` (pure Python, the definition), ``event`` (pure Python, through time) and ``auto``: compiled where llvmlite
is installed, else the reference. Programs that use a port that does not serve by age are always left to ``event``.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from isamapper.plan.program import Program
from isamapper.sim import event, reference
from isamapper.sim.cores import runs_across, simulate_cores
from isamapper.sim.counters import Counters
from isamapper.sim.sites import Model, model
from isamapper.sim.timeline import Timeline, timeline

ENGINES = ("auto", "compiled", "expanded", "reference", "event")
TRACED_INVOCATIONS = 20_000
"""How many invocations, from the first on, a traced simulation keeps."""
SPREAD_INVOCATIONS = 12_000
"""How many a spread trace keeps: half of them from the beginning, half from the end."""


def simulate(program: Program, *, engine: str = "auto", trace: bool = False, spread: bool = False) -> Timeline:
    """The timeline of ``program``; with ``trace`` its first invocations are in it.

    With ``spread`` those invocations are in it that the engine steps one by one, the first and the last of them: loops
    that repeat are stepped until they do, so what is left out is periods like those before it (compiled engine only;
    others keep the first).

    Loops across a grid are timed core by core (``cores.py``); a trace shows the slowest core.

    SourceError where the program does not suit its machine, or violates a hazard on a machine that does not wait.
    """
    if engine not in ENGINES:
        raise ValueError(f"'{engine}' is not an engine; there are {', '.join(ENGINES)}")
    if runs_across(program):
        return simulate_cores(program, lambda core: simulate(core, engine=engine, trace=trace, spread=spread))
    view = model(program)
    counters = _run(view, engine, 0)
    if trace or spread:
        counters.events = _run(view, engine, SPREAD_INVOCATIONS if spread else TRACED_INVOCATIONS, spread).events
    return timeline(view, counters)


def _run(view: Model, engine: str, events: int, spread: bool = False) -> Counters:
    """Totals, or the first ``events`` invocations and whatever their totals are."""
    if engine == "event" or not _serves_by_age(view):
        return event.run(view, events)
    if engine == "reference" or (engine == "auto" and not has_compiler()):
        return reference.run(view, events)
    compiled = import_module("isamapper.sim.compiled.engine")
    counters: Counters | None = compiled.run(view, events, skip=engine != "expanded", spread=spread)
    return reference.run(view, events) if counters is None else counters


def _serves_by_age(view: Model) -> bool:
    """Whether every port that the program uses serves the oldest; only the event engine knows anything else."""
    used = {port for site in view.sites for use in site.operands for port in (*use.read_ports, *use.write_ports)}
    return all(use.port.arbitration == "oldest" for use in used)


def has_compiler() -> bool:
    """Whether the compiled engine can run here."""
    return find_spec("llvmlite") is not None
