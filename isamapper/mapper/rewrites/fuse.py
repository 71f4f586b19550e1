"""Fusion: neighbouring loops of two statements become one, as deep as they are alike.

Before:
    for m < M, n < N { t[m, n] = x[m, n] * w[n] }
    for m < M, n < N { y[m, n] = t[m, n] + z[m, n] }
After ``fuse statements 0 and 1``:
    for m < M, n < N { t[m, n] = x[m, n] * w[n]
                       y[m, n] = t[m, n] + z[m, n] }

Legal where no dependence would be reversed (``ir/legality.py``); the inverse of distribution.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace

from isamapper.diagnostics.source import Rejection
from isamapper.ir.analysis import statements
from isamapper.ir.legality import why_not_fuse
from isamapper.ir.nodes import Kernel, Loop
from isamapper.ir.walk import walk
from isamapper.mapper.rewrites.edit import Names, renamed, replaced, spans
from isamapper.mapper.rewrites.reader import number_of
from isamapper.plan.step_reader import StepReader


@dataclass(frozen=True, slots=True)
class Fuse:
    """The step: the outermost loops that ``first`` and ``second`` do not share become one, and those inside."""

    first: int
    second: int

    def apply(self, kernel: Kernel) -> Kernel | Rejection:
        """The equal kernel, or why there is none."""
        result = self._fused(kernel)
        while not isinstance(result, Rejection):
            kernel, result = result, self._fused(result)
            if isinstance(result, Rejection):
                return kernel
        return result

    def _fused(self, kernel: Kernel) -> Kernel | Rejection:
        """One pair of loops fused."""
        subject = f"fusion of statements {self.first} and {self.second}"
        one, other = (statements(kernel)[number] for number in (self.first, self.second))
        shared = next(
            (d for d, pair in enumerate(zip(one.loops, other.loops, strict=False)) if pair[0] != pair[1]), None
        )
        if shared is None:
            where = (*spans(one.assign), *spans(other.assign))
            return Rejection("RW061", subject, "they have no loops that could become one", where)
        loops = one.loops[shared], other.loops[shared]
        obstacle = why_not_fuse(kernel, *loops)
        if obstacle is not None:
            return replace(obstacle, subject=subject)
        found = [(node, place.path) for node, place in walk(kernel) if isinstance(node, Loop)]
        (first, path), (second, other_path) = found[loops[0]], found[loops[1]]
        moved = renamed(second, {second.iterator: first.iterator}, Names(kernel))
        assert isinstance(moved, Loop)
        without = replaced(kernel, other_path, [])
        return replaced(without, path, [replace(first, body=(*first.body, *moved.body), kind=None)])

    def text(self, kernel: Kernel) -> str:
        """``fuse statements 0 and 1``."""
        return f"fuse statements {self.first} and {self.second}"


def read(words: StepReader, kernel: Kernel) -> Fuse:
    """The step after its first word."""
    words.expect("statements")
    first = number_of(words, kernel)
    words.expect("and")
    return Fuse(first, number_of(words, kernel))


def steps(kernel: Kernel, statement: int) -> abc.Iterator[Fuse]:
    """The statement with the one after it."""
    if statement + 1 < len(statements(kernel)):
        yield Fuse(statement, statement + 1)
