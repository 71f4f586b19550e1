"""Rewrites as text, and back: what a schedule names is done again, step by step.

    expand statement 0
    contract statement 1 as ((x d) p)

What does not belong here: which rewrites are worth trying (``search.py``).
"""

from __future__ import annotations

from collections import abc
from typing import Protocol

from isamapper.diagnostics.source import Diagnostic, Rejection, Source, SourceError, Span
from isamapper.ir.nodes import Kernel
from isamapper.mapper.rewrites import (
    banding,
    bring,
    collect,
    contraction,
    cut,
    deal,
    diagonal,
    distribute,
    expand,
    feed,
    flip,
    fuse,
    gather,
    gauss,
    hold,
    identity,
    inline,
    layout,
    mask,
    pad,
    part,
    partial,
    polyphase,
    separate,
    sieve,
    sink,
    skew,
    split,
    spread,
    stack,
    start,
    thin,
)
from isamapper.plan.step_reader import StepReader


class Rewrite(Protocol):
    """A named step from a kernel to an equal kernel."""

    def apply(self, kernel: Kernel) -> Kernel | Rejection:
        """The equal kernel, or why there is none."""

    def text(self, kernel: Kernel) -> str:
        """The step for the kernel it is applied to, as :func:`read_rewrite` reads it."""


READERS: abc.Mapping[str, abc.Callable[[StepReader, Kernel], Rewrite]] = {
    "band": banding.read,
    "bring": bring.read,
    "collect": collect.read,
    "contract": contraction.read,
    "cut": cut.read,
    "deal": deal.read,
    "diagonal": diagonal.read,
    "distribute": distribute.read,
    "expand": expand.read,
    "feed": feed.read,
    "flip": flip.read,
    "fuse": fuse.read,
    "gather": gather.read,
    "gauss": gauss.read,
    "hold": hold.read,
    "identity": identity.read,
    "inline": inline.read,
    "layout": layout.read,
    "mask": mask.read,
    "pad": pad.read,
    "part": part.read,
    "partial": partial.read,
    "polyphase": polyphase.read,
    "separate": separate.read,
    "sieve": sieve.read,
    "sink": sink.read,
    "skew": skew.read,
    "split": split.read,
    "spread": spread.read,
    "stack": stack.read,
    "start": start.read,
    "thin": thin.read,
}
"""Every rewrite by the word that opens its text."""


def read_rewrite(source: Source, start: int, end: int, kernel: Kernel) -> Rewrite:
    """The rewrite of ``kernel`` between ``start`` and ``end``; SourceError where there is none."""
    words = StepReader(source, start, end)
    name = words.word("the name of a rewrite")
    if name not in READERS:
        raise words.wrong(f"unknown rewrite '{name}'", f"rewrites are {', '.join(READERS)}")
    step = READERS[name](words, kernel)
    words.end()
    return step


def replay(kernel: Kernel, lines: abc.Iterable[Span]) -> Kernel:
    """What the rewrites on ``lines`` make of ``kernel``; SourceError at the first that is malformed or not legal."""
    for line in lines:
        step = read_rewrite(line.source, line.start, line.end, kernel)
        result = step.apply(kernel)
        if isinstance(result, Rejection):
            raise SourceError(Diagnostic("RW070", f"{result.subject} is not legal: {result.reason}", line))
        kernel = result
    return kernel


def replayed(kernel: Kernel, texts: abc.Iterable[str]) -> Kernel:
    """:func:`replay` for rewrites that stand in no file."""
    sources = [Source("rewrite", text) for text in texts]
    return replay(kernel, [Span(source, 0, len(source.text)) for source in sources])
