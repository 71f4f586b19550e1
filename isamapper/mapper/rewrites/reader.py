"""Words that the texts of rewrites share: statements, loads, iterators; and what is wrong with them.

What does not belong here: which rewrites there are (``replay.py``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import replace

from isamapper.ir.analysis import statements
from isamapper.ir.expressions import loads
from isamapper.ir.nodes import Access, Expression, Kernel, Load
from isamapper.ir.rewrite import map_loads
from isamapper.plan.step_reader import StepReader


def statement_of(words: StepReader, kernel: Kernel) -> int:
    """``statement N``, a statement of the kernel."""
    words.expect("statement")
    return number_of(words, kernel)


def number_of(words: StepReader, kernel: Kernel) -> int:
    """The number of a statement of the kernel."""
    number = words.number()
    count = len(statements(kernel))
    if number >= count:
        raise words.wrong(f"kernel '{kernel.name}' has no statement {number}", f"it has {count}, counted from 0")
    return number


def iterator_of(words: StepReader, kernel: Kernel, statement: int) -> str:
    """The name of an iterator of the statement."""
    name = words.name("an iterator")
    known = [each.name for each in statements(kernel)[statement].iterators]
    if name not in known:
        raise words.wrong(f"statement {statement} has no iterator '{name}'", f"it has {', '.join(known) or 'none'}")
    return name


def load_names(value: Expression) -> tuple[str, ...]:
    """A name for each load of a value, left to right: its tensor, with ``.2`` for the second load of that tensor."""
    found: dict[str, int] = {}
    names = []
    for access in loads(value):
        found[access.tensor] = found.get(access.tensor, 0) + 1
        times = found[access.tensor]
        names.append(access.tensor if times == 1 else f"{access.tensor}.{times}")
    return tuple(names)


def load_of(words: StepReader, kernel: Kernel, statement: int) -> int:
    """The number (from 1) of the load that a name of :func:`load_names` means."""
    name = words.name("a tensor that the statement reads")
    names = load_names(statements(kernel)[statement].assign.value)
    if name not in names:
        raise words.wrong(f"statement {statement} does not read '{name}'", f"it reads {', '.join(names) or 'nothing'}")
    return names.index(name) + 1


def with_accesses(value: Expression, change: abc.Callable[[int, Access], Access]) -> Expression:
    """``value`` with every access, numbered from 1 on the left, replaced by what ``change`` makes of it."""
    count = 0

    def changed(load: Load) -> Load:
        nonlocal count
        count += 1
        access = change(count, load.access)
        return load if access == load.access else replace(load, access=access)

    return map_loads(value, changed)
