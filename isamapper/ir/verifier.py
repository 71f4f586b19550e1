"""What is legal at each level: lists of small named rules over nodes, whoever made them.

Rules of this file:
- a rule yields one diagnostic per finding; the next family runs only where the one before found nothing;
- KERNEL: what a user writes. SEMANTICS: what an instruction means. PROGRAM: what a lowering makes;
- what depends on a machine (capacities, overlaps, alignment, whether a window fits its operand) is ``plan/check.py``.
"""

from __future__ import annotations

from collections import abc

from isamapper.diagnostics.source import Diagnostic, SourceError
from isamapper.ir.nodes import Kernel
from isamapper.ir.rules import bounds, flow, kinds, names, program, types
from isamapper.ir.rules.subject import Rule, subject

_FORM: tuple[Rule, ...] = (
    names.tensors_are_declared_once,
    names.tensors_have_sizes,
    names.iterators_are_new,
    names.functions_know_their_iterators,
    names.accesses_fit_their_tensors,
    names.writes_go_to_results,
    names.results_are_written,
)

_PLAIN: tuple[Rule, ...] = (*_FORM, names.only_loops_guards_assigns, names.nothing_rotates)
_MEANING: tuple[tuple[Rule, ...], ...] = (
    (types.types_agree,),
    (bounds.indices_stay_inside,),
    (kinds.claimed_kinds_hold, flow.reads_follow_writes),
)

KERNEL: tuple[tuple[Rule, ...], ...] = (_PLAIN, *_MEANING)
"""Families of rules for kernels, in the order they run."""

SEMANTICS: tuple[tuple[Rule, ...], ...] = ((*_PLAIN, names.operands_are_used), *_MEANING)
"""Families of rules for meanings of instructions."""

PROGRAM: tuple[tuple[Rule, ...], ...] = (
    (
        *_FORM,
        program.assigns_stand_in_prepare,
        program.prepare_comes_first,
        program.prepare_works_on_constants,
        program.tensors_are_placed,
    ),
    (program.windows_fit_their_tensors, types.types_agree),
    (bounds.indices_stay_inside, program.windows_stay_inside),
)
"""Families of rules for programs."""


def check_kernel(kernel: Kernel) -> None:
    """SourceError with every finding, where ``kernel`` is not legal at the KERNEL level."""
    _raise(findings(kernel, KERNEL))


def check_semantics(kernel: Kernel) -> None:
    """SourceError with every finding, where ``kernel`` is not legal as the meaning of an instruction."""
    _raise(findings(kernel, SEMANTICS))


def check_program(body: Kernel) -> None:
    """SourceError with every finding, where ``body`` is not legal as a program on any machine."""
    _raise(findings(body, PROGRAM))


def findings(kernel: Kernel, families: abc.Sequence[abc.Sequence[Rule]]) -> tuple[Diagnostic, ...]:
    """What the first family of rules that finds anything finds, in textual order of the families."""
    seen = subject(kernel)
    for family in families:
        found = tuple(dict.fromkeys(diagnostic for rule in family for diagnostic in rule(seen)))
        if any(diagnostic.severity == "error" for diagnostic in found):
            return found
    return ()


def _raise(found: tuple[Diagnostic, ...]) -> None:
    if found:
        raise SourceError(*found)
