"""Kernels equal to the user's that the search may schedule instead: the kernel itself, then the mapper's rewrites."""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass

from isamapper.hwdesc.model import Machine
from isamapper.ir.nodes import Kernel


@dataclass(frozen=True, slots=True)
class Equivalent:
    """An equal kernel, the rewrites that made it, and cycles below which no schedule of it can come."""

    kernel: Kernel
    rewrites: tuple[str, ...] = ()
    least_cycles: float = 0.0

    def hopeless(self, best: float) -> bool:
        """Whether it cannot beat ``best`` cycles."""
        return self.least_cycles >= best


def equivalents(kernel: Kernel, machine: Machine) -> abc.Iterator[Equivalent]:
    """The kernel itself first."""
    yield Equivalent(kernel)
