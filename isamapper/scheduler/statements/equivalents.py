"""Kernels equal to the user's that the search may schedule: what the mapper's rewrites make of it, cheapest first."""

from __future__ import annotations

from collections import abc
from itertools import islice
from math import inf

from isamapper.hwdesc.model import Machine
from isamapper.ir.nodes import Kernel
from isamapper.mapper.covers.alternatives import Alternative
from isamapper.mapper.covers.bands import with_bands
from isamapper.mapper.covers.covers import covers
from isamapper.mapper.covers.feeding import fed
from isamapper.mapper.covers.sieves import with_gathers, with_sieves

TRIED = 4
FAR = 8.0
"""How many alternatives are tried, bands apart; and how much longer one may keep instructions busy than the first, once
something has been found: the figures are rough, but not that rough.
"""


def equivalents(kernel: Kernel, machine: Machine) -> abc.Iterator[Alternative]:
    """The first few alternatives, each after those with its windows banded and its strides sieved where that
    pays; none where some statement cannot be done.
    """
    for each in islice(covers(kernel, machine), TRIED):
        banded = None if each.groups else with_bands(each, machine)
        if banded is not None:
            yield fed(banded, machine)
        sieved = with_sieves(each, machine)
        if sieved is not None:
            yield fed(sieved, machine)
        yield fed(each if sieved is None else with_gathers(each, machine), machine)


def promise(kernel: Kernel, machine: Machine) -> float:
    """About the least cycles that a schedule of ``kernel`` keeps instructions busy; infinite where there is none."""
    return min((each.busy_cycles for each in islice(equivalents(kernel, machine), TRIED)), default=inf)
