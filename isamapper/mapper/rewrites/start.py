"""A sum's start written out: the target holds what the sum starts from before the statement adds to it.

Before:
    c[m, n] += a[m, k] * b[k, n]
After ``start statement 0``:
    c[m, n] = 0
    c[m, n] += a[m, k] * b[k, n]

so that several cores may add their parts to what is there. Legal where nothing before the statement reads or writes its
target, which is no ``inout``, and no loop stands around the statement and others.
"""

from __future__ import annotations

from dataclasses import dataclass

from isamapper.diagnostics.source import Rejection
from isamapper.ir.analysis import statements
from isamapper.ir.nodes import Assign, Constant, Direction, Kernel
from isamapper.ir.numeric import identity
from isamapper.ir.walk import walk
from isamapper.mapper.rewrites.edit import Names, element, loops_around, nest_of, replaced, spans, tensors_at
from isamapper.mapper.rewrites.reader import statement_of
from isamapper.plan.step_reader import StepReader


@dataclass(frozen=True, slots=True)
class Start:
    """The step: what statement ``statement`` starts from is a statement before it."""

    statement: int

    def apply(self, kernel: Kernel) -> Kernel | Rejection:
        """The equal kernel, or why there is none."""
        subject, nest = f"start of statement {self.statement}", nest_of(kernel, self.statement)
        assign = nest.statement.assign
        tensor = tensors_at(kernel, self.statement)[assign.target.tensor]
        if assign.reduction is None:
            return Rejection("RW010", subject, "the statement reduces nothing", spans(assign))
        if nest.around:
            return Rejection("RW095", subject, "it stands in a loop with others", spans(assign))
        earlier = statements(kernel)[: self.statement]
        if tensor.direction is Direction.INOUT or any(
            access.tensor == tensor.name for each in earlier for access in each.accesses
        ):
            return Rejection("RW095", subject, f"'{tensor.name}' has a value before it", spans(assign))
        names = Names(kernel)
        axes = {names.fresh(f"{tensor.name}_{axis}"): size for axis, size in enumerate(tensor.shape)}
        value = Constant(identity(assign.reduction, tensor.dtype).item(), tensor.dtype)
        (old,) = (node for node, place in walk(kernel) if place.path == nest.path)
        return replaced(kernel, nest.path, (loops_around(axes, Assign(element(tensor.name, axes), value)), old))

    def text(self, kernel: Kernel) -> str:
        """``start statement 0``."""
        del kernel
        return f"start statement {self.statement}"


def read(words: StepReader, kernel: Kernel) -> Start:
    """The step after its first word."""
    return Start(statement_of(words, kernel))
