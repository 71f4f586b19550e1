"""``simulate``: how many cycles a program takes, by the engine that suits.

Engines: ``compiled`` (skips ahead over loops that repeat), ``expanded`` (compiled, every invocation stepped),
``reference`` (pure Python, the definition) and ``auto``: compiled where llvmlite is installed, else the reference.
"""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec

from isamapper.plan.program import Program
from isamapper.sim import reference
from isamapper.sim.counters import Counters
from isamapper.sim.sites import Model, model
from isamapper.sim.timeline import Timeline, timeline

ENGINES = ("auto", "compiled", "expanded", "reference")
TRACED_INVOCATIONS = 20_000
"""How many invocations, from the first on, a traced simulation keeps."""


def simulate(program: Program, *, engine: str = "auto", trace: bool = False) -> Timeline:
    """The timeline of ``program``; with ``trace`` its first invocations are in it.

    SourceError where the program does not suit its machine, or violates a hazard on a machine that does not wait.
    """
    if engine not in ENGINES:
        raise ValueError(f"'{engine}' is not an engine; there are {', '.join(ENGINES)}")
    view = model(program)
    counters = _run(view, engine, 0)
    if trace:
        counters.events = _run(view, engine, TRACED_INVOCATIONS).events
    return timeline(view, counters)


def _run(view: Model, engine: str, events: int) -> Counters:
    """Totals, or the first ``events`` invocations and whatever their totals are."""
    if engine == "reference" or (engine == "auto" and not has_compiler()):
        return reference.run(view, events)
    compiled = import_module("isamapper.sim.compiled.engine")
    counters: Counters | None = compiled.run(view, events, skip=engine != "expanded")
    return reference.run(view, events) if counters is None else counters


def has_compiler() -> bool:
    """Whether the compiled engine can run here."""
    return find_spec("llvmlite") is not None
