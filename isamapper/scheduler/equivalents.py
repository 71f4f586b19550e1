"""Kernels equal to the user's that the search may schedule: what the mapper's rewrites make of it, cheapest first."""

from __future__ import annotations

from collections import abc
from itertools import islice

from isamapper.hwdesc.model import Machine
from isamapper.ir.nodes import Kernel
from isamapper.mapper.alternatives import Alternative, alternatives

TRIED = 6


def equivalents(kernel: Kernel, machine: Machine) -> abc.Iterator[Alternative]:
    """The first few alternatives; none where some statement cannot be done."""
    return islice(alternatives(kernel, machine), TRIED)
