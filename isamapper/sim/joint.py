"""Cores that contend for ports, walked through time side by side: the definition, in plain Python.

Every core is one of the event engine (``event.py``); they meet at calendars that several of them use. There every core
asks for one transfer at a time, by the port's own rule among its own, and the cycle is divided among the cores that ask
(``contention.py``).
"""

from __future__ import annotations

from collections import abc

from isamapper.sim.contention import Contention, credit
from isamapper.sim.counters import Counters
from isamapper.sim.event import Core
from isamapper.sim.event_jobs import NEVER, Stream
from isamapper.sim.sites import Model

Served = list[tuple[Stream, int]]


def run(
    models: abc.Sequence[Model], contended: abc.Sequence[Contention], scale: int, events: int = 0
) -> tuple[Counters, ...]:
    """Times cores together; so many of the first events of each are kept."""
    credits: list[dict[int, int]] = [{} for _ in models]
    for each in contended:
        for number, calendar, weight in each.members:
            credits[number][calendar] = credit(scale, weight)
    cores = [Core(model, events, own, through=True) for model, own in zip(models, credits, strict=True)]
    now = 0
    while any(core.working for core in cores):
        for core in cores:
            core.act(now)
        served = _served([core.chosen(now) for core in cores], credits, contended, scale)
        for core, own in zip(cores, served, strict=True):
            core.serve(now, own)
        following = min(now + 1 if any(served) else NEVER, *(core.coming_time(now) for core in cores))
        for core in cores:
            core.leave(now, following)
        if following == NEVER:
            break
        now = following
    return tuple(core.totals() for core in cores)


def _served(
    chosen: abc.Sequence[abc.Sequence[Stream]],
    credits: abc.Sequence[abc.Mapping[int, int]],
    contended: abc.Sequence[Contention],
    scale: int,
) -> list[Served]:
    """What every core's streams are served in this cycle: a beat of a port of its own, or a share."""
    asking = [{stream.calendar: stream for stream in own} for own in chosen]
    shares: list[dict[int, int]] = [{} for _ in chosen]
    for each in contended:
        present = [member for member in each.members if member[1] in asking[member[0]]]
        for number, calendar, _ in present:
            shares[number][calendar] = credit(scale, sum(weight for _, _, weight in present))
    return [[(stream, shares[core].get(stream.calendar, 1)) for stream in own] for core, own in enumerate(chosen)]
