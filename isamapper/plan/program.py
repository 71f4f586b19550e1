"""A program: a kernel at the PROGRAM level, with the machine it is for and the kernel it computes."""

from __future__ import annotations

from dataclasses import dataclass

from isamapper.hwdesc.model import Machine
from isamapper.ir.nodes import Kernel


@dataclass(frozen=True, slots=True)
class Program:
    """``body`` is a PROGRAM-level kernel for ``machine`` that computes ``kernel``.

    The parameters and results of ``body`` are those of ``kernel``: same names, shapes and dtypes, placed in the
    machine's home memory with addresses. ``together`` is for a program of one core among several: invokes in textual
    order and operands whose transfers, each time, are one for so many cores.
    """

    kernel: Kernel
    machine: Machine
    body: Kernel
    together: tuple[tuple[int, str, int], ...] = ()
