"""Dealing: the iterations of a loop go to statements in turn, as cards to players.

Before:
    for s < 3, j < 8 { dw[s] += x[2*j + s] * dy[j] }
After ``deal statement 0: s by 2``:
    for s < 2, j < 8 { dw[2*s] += x[2*j + 2*s] * dy[j] }
    for s < 1, j < 8 { dw[2*s + 1] += x[2*j + 2*s + 1] * dy[j] }

so that each statement meets a stride of its own. Legal where the loop is the statement's own and its iterations are
independent.
"""

from __future__ import annotations

from dataclasses import dataclass

from isamapper.diagnostics.source import Rejection
from isamapper.ir.affine import variable
from isamapper.ir.nodes import Kernel, Node
from isamapper.mapper.rewrites.cut import can_be_cut
from isamapper.mapper.rewrites.edit import loops_around, moved, own_nest, replaced, spans
from isamapper.mapper.rewrites.reader import iterator_of, statement_of
from isamapper.plan.step_reader import StepReader


@dataclass(frozen=True, slots=True)
class Deal:
    """The step: statement number ``n`` of ``hands`` does iterations ``n``, ``n + hands`` and so on of ``iterator``."""

    statement: int
    iterator: str
    hands: int

    def apply(self, kernel: Kernel) -> Kernel | Rejection:
        """The equal kernel, or why there is none."""
        subject = f"dealing of '{self.iterator}' in statement {self.statement}"
        nest = own_nest(kernel, self.statement, subject)
        if isinstance(nest, Rejection):
            return nest
        assign = nest.statement.assign
        if not can_be_cut(kernel, self.statement, self.iterator) or self.iterator not in nest.own:
            reason = f"'{self.iterator}' is no loop of its own whose iterations are independent"
            return Rejection("RW110", subject, reason, spans(assign))
        whole = nest.extents[self.iterator]
        if not 1 < self.hands <= whole:
            return Rejection("RW110", subject, f"there are 2 to {whole} hands", spans(assign))
        parts: list[Node] = []
        for hand in range(self.hands):
            own = moved(assign, {self.iterator: variable(self.iterator, self.hands) + hand})
            size = len(range(hand, whole, self.hands))
            parts.append(loops_around({**nest.extents, self.iterator: size}, own))
        return replaced(kernel, nest.path, parts)

    def text(self, kernel: Kernel) -> str:
        """``deal statement 0: s by 2``."""
        del kernel
        return f"deal statement {self.statement}: {self.iterator} by {self.hands}"


def read(words: StepReader, kernel: Kernel) -> Deal:
    """The step after its first word."""
    statement = statement_of(words, kernel)
    words.expect(":")
    iterator = iterator_of(words, kernel, statement)
    words.expect("by")
    return Deal(statement, iterator, words.number())
