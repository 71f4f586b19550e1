"""Baselines ``library-tiler`` and ``fixed-tile``: schedules as a hand-written library would make them."""

from __future__ import annotations

import itertools

from isamapper.bench.baselines.frames import schedule_of, sites_of
from isamapper.bench.baselines.protocol import Baseline, Case, Part, Parts
from isamapper.bench.baselines.tiles import library_groups
from isamapper.diagnostics.source import Rejection


def _library(case: Case, *, fixed: bool) -> Parts:
    sites = sites_of(case.kernel, case.machine)
    if isinstance(sites, Rejection):
        return sites
    failure: Rejection | None = None
    found = [(site, library_groups(site, fixed=fixed)) for site in sites]
    for relayout, (site, groups) in itertools.product((False, True), found):
        schedule = schedule_of(site, groups, relayout=relayout)
        if not isinstance(schedule, Rejection):
            return (Part(schedule),)
        failure = failure or schedule
    return failure or Rejection("SCH040", case.kernel.name, "no instruction can do it")


def tiler(case: Case) -> Parts:
    """The largest tiles that fit half of each memory, chosen for the problem."""
    return _library(case, fixed=False)


def one_tile(case: Case) -> Parts:
    """The tile of a 1024-cube for every problem, cut at its edges."""
    return _library(case, fixed=True)


TILER = Baseline(
    "Gemmini's library: largest tiles that fit half of each memory, its loop order "
    "(ucb-bar/gemmini-rocc-tests at 0015b1a, include/gemmini.h, tiled_matmul_auto and sp_tiled_matmul_ws)",
    tiler,
)
FIXED = Baseline(
    "a library with one compiled tile per machine: the tile that the rule of library-tiler gives a 1024-cube, for "
    "every problem, cut at its edges",
    one_tile,
)
