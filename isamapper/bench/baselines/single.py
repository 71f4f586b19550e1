"""Baseline ``single-mapping``: one mapping by template, tiles and orders searched."""

from __future__ import annotations

import itertools

from isamapper.bench.baselines.frames import Groups, Site, level_of, levels_of, schedule_of, sites_of
from isamapper.bench.baselines.protocol import Baseline, Case, Part, Parts
from isamapper.bench.baselines.tiles import library_groups, smallest_groups
from isamapper.diagnostics.source import Rejection, SourceError
from isamapper.plan.lower import lower
from isamapper.plan.steps import Schedule
from isamapper.scheduler.space.tiling import best_tilings
from isamapper.sim.timing import simulate

TILINGS = 6
"""Tilings that are simulated: as many as the search that it is compared with."""


def single(case: Case) -> Parts:
    """The best of the tilings that the analytic model likes, all of the most obvious mapping."""
    sites = sites_of(case.kernel, case.machine)
    if isinstance(sites, Rejection):
        return sites
    failure: Rejection | None = None
    for relayout, site in itertools.product((False, True), sites):
        best = _hopeless(site, relayout) or _best(site, relayout)
        if isinstance(best, Schedule):
            return (Part(best),)
        failure = failure or best
    return failure or Rejection("SCH040", case.kernel.name, "no instruction can do it")


def _hopeless(site: Site, relayout: bool) -> Rejection | None:
    """Why neither the library's tiles nor the smallest ones can be laid out and copied: then none can."""
    reasons = []
    for groups in (library_groups(site), smallest_groups(site)):
        schedule = schedule_of(site, groups, relayout=relayout)
        if isinstance(schedule, Schedule):
            return None
        reasons.append(schedule)
    return reasons[-1]


def _best(site: Site, relayout: bool) -> Schedule | Rejection:
    failure = Rejection("SCH040", site.subject.kernel.name, "none of its tiles fit")
    found: list[tuple[int, int, Schedule]] = []
    for groups in _tilings(site):
        schedule = schedule_of(site, groups, relayout=relayout)
        if isinstance(schedule, Rejection):
            failure = schedule
            continue
        try:
            found.append((simulate(lower(schedule)).cycles, len(found), schedule))
        except SourceError as error:
            failure = Rejection("SCH040", site.subject.kernel.name, error.diagnostics[0].message)
    return min(found)[2] if found else failure


def _tilings(site: Site) -> list[Groups]:
    names, shared = site.names, site.subject.shared
    partial: list[tuple[tuple[int, ...], Groups, Groups]] = [(tuple(site.frame.block(n) for n in names), (), ())]
    levels = levels_of(site)
    if levels == 0:
        return [(tuple((name, site.frame.blocks(name)) for name in names if name not in shared),)]
    for boundary in range(levels):
        following = []
        for block, groups, _ in partial:
            level = level_of(site, boundary, block)
            for tiling in best_tilings(level, TILINGS if boundary == levels - 1 else 2):
                order = [*(p for p in range(len(names)) if p not in tiling.inside), *tiling.inside]
                inner: Groups = (tuple((names[p], tiling.tiles[p]) for p in order), *groups)
                outer = tuple((names[p], -(-level.blocks[p] // tiling.tiles[p])) for p in tiling.outside)
                bigger = tuple(tile * size for tile, size in zip(tiling.tiles, block, strict=True))
                following.append((bigger, inner, (outer, *inner)))
        partial = following
    whole = [groups for _, _, groups in partial][:TILINGS]
    return [tuple(tuple(e for e in group if e[0] not in shared) for group in groups) for groups in whole]


SINGLE = Baseline(
    "one hand-picked mapping, schedule space searched around it: how TVM tensorizes (Chen et al., OSDI 2018, section "
    "4.3; Zheng et al., ISCA 2022, section 1, on fixed mapping templates)",
    single,
)
