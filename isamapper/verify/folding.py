"""Constant parts of expressions, computed on both sides: a search may have done so on one."""

from __future__ import annotations

from dataclasses import replace

from isamapper.ir.fold import fold_block
from isamapper.plan.program import Program


def folded(program: Program) -> Program:
    """``program`` with the constant parts of its kernel's and its own expressions computed."""
    kernel = replace(program.kernel, body=fold_block(program.kernel.body))
    return replace(program, kernel=kernel, body=replace(program.body, body=fold_block(program.body.body)))
