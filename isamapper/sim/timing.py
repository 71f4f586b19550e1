"""``simulate``: how many cycles a program takes, by the engine that suits.

Engines in one pass: ``compiled`` (skips ahead over loops that repeat), ``expanded`` (compiled, every invocation
stepped) and ``reference`` (pure Python, the definition). Engines through time: ``walk`` (compiled, skips ahead),
``walked`` (compiled, every invocation stepped) and ``event`` (pure Python, the definition). ``auto``: compiled where
llvmlite is installed, else a definition. Programs that use a port that does not serve by age are always timed by the
counterpart through time of the engine that is asked for.
"""

from __future__ import annotations

from collections import abc
from importlib import import_module
from importlib.util import find_spec

from isamapper.plan.program import Program
from isamapper.sim import event, joint, reference
from isamapper.sim.contention import Place, contentions, in_port_cycles
from isamapper.sim.cores import runs_across, simulate_cores
from isamapper.sim.counters import Counters
from isamapper.sim.sites import Model, model
from isamapper.sim.timeline import Timeline, timeline

ENGINES = ("auto", "compiled", "expanded", "reference", "walk", "walked", "event")
_THROUGH_TIME = {"auto": "walk", "compiled": "walk", "expanded": "walked", "reference": "event"}
TRACED_INVOCATIONS = 20_000
"""How many invocations, from the first on, a traced simulation keeps."""
SPREAD_INVOCATIONS = 12_000
"""How many a spread trace keeps: half of them from the beginning, half from the end."""


def simulate(program: Program, *, engine: str = "auto", trace: bool = False, spread: bool = False) -> Timeline:
    """The timeline of ``program``; with ``trace`` its first invocations are in it.

    With ``spread`` those invocations are in it that the engine steps one by one, the first and the last of them: loops
    that repeat are stepped until they do, so what is left out is periods like those before it (compiled engine only;
    others keep the first).

    Loops across a grid are timed core by core (``cores.py``), or side by side where cores that run differently contend
    for a port (``joint.py``); a trace shows the slowest core.

    SourceError where the program does not suit its machine, or violates a hazard on a machine that does not wait.
    """
    if engine not in ENGINES:
        raise ValueError(f"'{engine}' is not an engine; there are {', '.join(ENGINES)}")
    if runs_across(program):
        keep = SPREAD_INVOCATIONS if spread else TRACED_INVOCATIONS if trace else 0
        return simulate_cores(
            program,
            lambda core: simulate(core, engine=engine, trace=trace, spread=spread),
            lambda cores, shared, scale: _jointly(cores, shared, scale, engine, keep),
        )
    view = model(program)
    counters = _run(view, engine, 0)
    if trace or spread:
        counters.events = _run(view, engine, SPREAD_INVOCATIONS if spread else TRACED_INVOCATIONS, spread).events
    return timeline(view, counters)


def _run(view: Model, engine: str, events: int, spread: bool = False) -> Counters:
    """Totals, or the first ``events`` invocations and whatever their totals are."""
    if not _serves_by_age(view):
        engine = _THROUGH_TIME.get(engine, engine)
    if engine in ("walk", "walked", "event"):
        return _walk(view, engine, events)
    if engine == "reference" or (engine == "auto" and not has_compiler()):
        return reference.run(view, events)
    compiled = import_module("isamapper.sim.compiled.engine")
    counters: Counters | None = compiled.run(view, events, skip=engine != "expanded", spread=spread)
    return reference.run(view, events) if counters is None else counters


def _walk(view: Model, engine: str, events: int) -> Counters:
    """The same through time."""
    if engine == "event" or not has_compiler():
        return event.run(view, events)
    walk = import_module("isamapper.sim.walk.engine")
    counters: Counters | None = walk.run(view, events, skip=engine == "walk")
    return event.run(view, events) if counters is None else counters


def _jointly(
    cores: abc.Sequence[Program], shared: abc.Sequence[tuple[Place, ...]], scale: int, engine: str, events: int
) -> list[Timeline]:
    """Cores that contend, by the engine through time that is asked for."""
    views = [model(each) for each in cores]
    contended = contentions(views, shared)
    found: tuple[Counters, ...] | None = None
    if _THROUGH_TIME.get(engine, engine) != "event" and has_compiler():
        found = import_module("isamapper.sim.walk.joint").run(views, contended, scale, events)
    if found is None:
        found = joint.run(views, contended, scale, events)
    in_port_cycles(found, contended)
    return [timeline(view, counters) for view, counters in zip(views, found, strict=True)]


def _serves_by_age(view: Model) -> bool:
    """Whether every port that the program uses serves the oldest; only engines through time know anything else."""
    used = {port for site in view.sites for use in site.operands for port in (*use.read_ports, *use.write_ports)}
    return all(use.port.arbitration == "oldest" for use in used)


def has_compiler() -> bool:
    """Whether the compiled engine can run here."""
    return find_spec("llvmlite") is not None
