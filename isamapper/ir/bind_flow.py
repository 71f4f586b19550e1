"""Questions about a whole bound kernel that its text alone can answer: is what is read written, is everything used?

What does not belong here: which elements are written (``interpreter.py`` and ``relations.py`` know exactly).
"""

from __future__ import annotations

from collections import abc

from isamapper.diagnostics.source import Span
from isamapper.ir.nodes import Direction, Kernel, Tensor
from isamapper.ir.scope import Scope
from isamapper.ir.walk import Site, sites


def check_flow(kernel: Kernel, scope: Scope) -> None:
    """Reports reads that nothing can have written before, and warns of tensors nobody uses."""
    found = tuple(sites(kernel))
    computed = {tensor.name for tensor in kernel.tensors if tensor.direction in (Direction.OUT, Direction.LOCAL)}
    writers: dict[str, list[Site]] = {}
    for site in found:
        writers.setdefault(site.assign.target.tensor, []).append(site)
    for site in found:
        for access in site.accesses[1:]:
            if access.tensor in computed and not _written(site, writers.get(access.tensor, [])):
                span = access.span or kernel.span
                assert span is not None  # bound text has spans everywhere
                _report(access.tensor, span, writers, scope)
    _warn_unused(kernel.tensors, found, scope)


def _written(reader: Site, writers: abc.Iterable[Site]) -> bool:
    """Whether a writer stands before ``reader``, or shares a loop with it and so may run earlier."""
    return any(each.index < reader.index or set(each.place.loops) & set(reader.place.loops) for each in writers)


def _report(name: str, span: Span, writers: abc.Mapping[str, list[Site]], scope: Scope) -> None:
    later = writers.get(name, [])
    if later:
        target = later[0].assign.target.span
        hint = f"it is first written in line {target.line}" if target else None
        scope.error("IR049", f"'{name}' is read before it is written", span, hint)
    else:
        scope.error("IR049", f"'{name}' is read but never written", span)


def _warn_unused(tensors: tuple[Tensor, ...], found: tuple[Site, ...], scope: Scope) -> None:
    used = {access.tensor for site in found for access in site.accesses}
    for tensor in tensors:
        if tensor.name not in used and tensor.direction is not Direction.OUT:
            scope.warning("IR048", f"'{tensor.name}' is never used", tensor.span, "remove it")
