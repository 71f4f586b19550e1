"""Claims about loops: ``for t < T sequential`` must be what dependence analysis finds."""

from __future__ import annotations

from collections import abc
from dataclasses import replace

from isamapper.diagnostics.source import Diagnostic
from isamapper.ir.affine import Extent, extent
from isamapper.ir.analysis import iterator_kinds
from isamapper.ir.nodes import Guard, Kernel, Loop, Node
from isamapper.ir.rules.subject import Subject

_LARGER = 1024


def claimed_kinds_hold(subject: Subject) -> abc.Iterator[Diagnostic]:
    """A loop claimed to be of a kind is of that kind, at these sizes or at larger ones.

    A loop of one iteration carries nothing; that shall not make a claim wrong that other sizes need.
    """
    loops = [node for node, _ in subject.nodes if isinstance(node, Loop)]
    if all(loop.kind is None for loop in loops):
        return
    kinds, larger = iterator_kinds(subject.kernel), None
    for number, loop in enumerate(loops):
        if loop.kind is None or kinds.get(number, loop.kind) is loop.kind:
            continue
        larger = larger or iterator_kinds(_enlarged(subject.kernel))
        if larger[number] is not loop.kind:
            message = f"loop '{loop.iterator}' is claimed {loop.kind.value} but is {kinds[number].value}"
            yield Diagnostic("IR130", message, loop.span, f"write '{kinds[number].value}', or leave the claim out")


def _enlarged(kernel: Kernel) -> Kernel:
    """``kernel`` with longer loops; only for dependence analysis, which does not look at shapes."""
    return replace(kernel, body=_longer(kernel.body))


def _longer(body: tuple[Node, ...]) -> tuple[Node, ...]:
    return tuple(
        replace(node, extent=_more(node.extent), body=_longer(node.body))
        if isinstance(node, Loop)
        else replace(node, body=_longer(node.body), otherwise=_longer(node.otherwise))
        if isinstance(node, Guard)
        else node
        for node in body
    )


def _more(value: Extent) -> Extent:
    return extent(*(bound + _LARGER if bound.is_constant else bound for bound in value.bounds))
