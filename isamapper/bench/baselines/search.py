"""A baseline's programs that are searched for, each as a kernel of its own, by the default strategy."""

from __future__ import annotations

from isamapper.bench.baselines.protocol import Part
from isamapper.hwdesc.model import Machine
from isamapper.ir.nodes import Kernel
from isamapper.pipeline import find_schedule


def searched(kernel: Kernel, machine: Machine, calls: int, label: str) -> Part:
    """The part that runs ``kernel`` so many times; NoMapping where the machine cannot do it."""
    return Part(find_schedule(kernel, machine).schedule, calls, label)
