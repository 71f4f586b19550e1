"""Baseline ``random-search``: the strategy ``random``, given as long as the search that it is compared with."""

from __future__ import annotations

from isamapper.bench.baselines.protocol import Baseline, Case, Part, Parts
from isamapper.diagnostics.source import Rejection
from isamapper.pipeline import find_schedule
from isamapper.registry import plugins
from isamapper.result import NoMapping

STRATEGY = "random"


def drawn(case: Case) -> Parts:
    """The best schedule that random choices find in as many seconds; a Rejection where no such strategy is there."""
    if not any(plugin.name == STRATEGY for plugin in plugins("strategy")):
        return Rejection("SCH040", STRATEGY, f"no strategy is registered as '{STRATEGY}'")
    budget = case.seconds or None
    try:
        found = find_schedule(case.kernel, case.machine, strategy=STRATEGY, budget_seconds=budget, seed=case.seed)
    except NoMapping as refusal:
        return Rejection("SCH040", case.kernel.name, str(refusal))
    return (Part(found.schedule),)


RANDOM = Baseline(
    "choices of the same schedule space drawn at random for as long as the other search took (Bergstra and Bengio, "
    "JMLR 2012, on random search as the baseline to beat)",
    drawn,
)
