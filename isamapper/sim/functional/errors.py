"""What stops a run, as the user's mistake: reads of nothing, elements outside, divisions by zero.

The codes are the interpreter's (``ir/interpreter.py``): the same mistake has the same name in both engines.
"""

from __future__ import annotations

from collections import abc

from isamapper.diagnostics.source import Diagnostic, SourceError, Span


class ExecutionError(SourceError):
    """A program or kernel does what no machine may do; the message names the instruction and the loop values."""


def execution_error(
    code: str, message: str, places: abc.Sequence[tuple[str, abc.Mapping[str, int], Span | None]]
) -> ExecutionError:
    """The error at ``places``, innermost first: what it is, the values of the loops around it, where it is written."""
    notes = tuple((f"in {what}{at(point)}", span) for what, point, span in places)
    span = next((span for _, _, span in places if span is not None), None)
    where = " in ".join(f"{what}{at(point)}" for what, point, _ in places)
    return ExecutionError(Diagnostic(code, f"{message} in {where}", span, notes=notes))


def at(point: abc.Mapping[str, int]) -> str:
    """`` at i = 1, j = 2``, or nothing."""
    values = ", ".join(f"{name} = {value}" for name, value in point.items())
    return f" at {values}" if values else ""
