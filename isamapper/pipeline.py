"""The sentence ``parse -> map -> search -> lower -> simulate -> verify`` as functions over names or values.

Rules of this file:
- a kernel is a :class:`~isamapper.ir.nodes.Kernel`, a path or a library name; a machine likewise;
- one function for each verb; what it returns can be printed, and its ``to_dict`` is the command's JSON;
- nothing here decides anything about mappings, schedules or cycles.
"""

from __future__ import annotations

import difflib
from collections import abc
from dataclasses import dataclass
from itertools import islice
from os import PathLike, fspath
from typing import TypeAlias

from isamapper.diagnostics.source import Diagnostic, Rejection, SourceError
from isamapper.frontends.library import load_kernel
from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Machine
from isamapper.ir.analysis import statements
from isamapper.ir.nodes import Kernel
from isamapper.ir.types import DType
from isamapper.mapper import explain as explain_mappings
from isamapper.mapper import find_mappings
from isamapper.plan.mapping import Mapping

KernelLike: TypeAlias = Kernel | str | PathLike[str]
MachineLike: TypeAlias = Machine | str | PathLike[str]


def resolve(
    kernel: KernelLike,
    machine: MachineLike,
    sizes: abc.Mapping[str, int] | None = None,
    types: abc.Mapping[str, DType] | None = None,
) -> tuple[Kernel, Machine]:
    """The kernel and the machine that are meant.

    Types come from ``types``, then from the machine's ``default_types``, then from the kernel's own defaults. A kernel
    that is already bound is taken as it is.
    """
    target = machine if isinstance(machine, Machine) else load_machine(fspath(machine))
    if isinstance(kernel, Kernel):
        return kernel, target
    name, given = fspath(kernel), dict(types or {})
    bound = load_kernel(name, sizes, given)
    own = dict(bound.types)
    preferred = {n: d for n, d in target.default_types if n in own and n not in given and own[n] != d}
    return (load_kernel(name, sizes, {**preferred, **given}) if preferred else bound), target


@dataclass(frozen=True, slots=True)
class Mappings:
    """What ``map`` found; ``rejections`` says why not, for statements without any mapping."""

    kernel: Kernel
    machine: Machine
    mappings: tuple[Mapping, ...]
    rejections: tuple[Rejection, ...]
    complete: bool


def map_kernel(
    kernel: KernelLike,
    machine: MachineLike,
    *,
    sizes: abc.Mapping[str, int] | None = None,
    types: abc.Mapping[str, DType] | None = None,
    statement: int | None = None,
    instruction: str | None = None,
    criterion: str | None = None,
    every: bool = False,
    limit: int | None = None,
) -> Mappings:
    """Every mapping (the first ``limit``), or why there is none."""
    bound, target = resolve(kernel, machine, sizes, types)
    check_statement(bound, statement)
    check_instruction(target, instruction)
    found = find_mappings(bound, target, statement=statement, instruction=instruction, criterion=criterion, every=every)
    taken = tuple(islice(found, limit))
    complete = limit is None or next(iter(found), None) is None
    rejections = () if taken else explain_mappings(bound, target, instruction)
    return Mappings(bound, target, taken, rejections, complete)


def check_statement(kernel: Kernel, statement: int | None) -> None:
    """SourceError RUN001 where the kernel has no such statement."""
    count = len(statements(kernel))
    if statement is not None and not 0 <= statement < count:
        message = f"kernel '{kernel.name}' has no statement '{statement}'"
        raise SourceError(Diagnostic("RUN001", message, help=f"it has {count}, counted from 0"))


def check_instruction(machine: Machine, instruction: str | None) -> None:
    """SourceError RUN002 where the machine has no such instruction."""
    names = [known.name for known in machine.instructions]
    if instruction is not None and instruction not in names:
        near = difflib.get_close_matches(instruction, names, n=1)
        help = f"did you mean '{near[0]}'?" if near else "'isamapper hw show' lists them"
        message = f"machine '{machine.name}' has no instruction '{instruction}'"
        raise SourceError(Diagnostic("RUN002", message, help=help))
