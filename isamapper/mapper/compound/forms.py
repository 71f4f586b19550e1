"""Equal forms of a kernel or of an instruction's meaning in which statements are compared.

    acc[i, j]  = b[j]                              s[i, j] += a[i, k] * w[k, j]
    acc[i, j] += a[i, k] * w[k, j]       as        acc[i, j] = b[j] + s[i, j]
    y[i, j]    = max(acc[i, j], 0)                 y[i, j] = max(acc[i, j], 0)

A form of a kernel is reached by named rewrites, so that what is found in it can be printed, replayed and verified; that
of an instruction is only looked at. What does not belong here: comparing the two (``match.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from isamapper.diagnostics.source import Rejection
from isamapper.ir.analysis import statements
from isamapper.ir.nodes import Kernel
from isamapper.mapper.rewrites.replay import Rewrite
from isamapper.mapper.rewrites.separate import Separate, separation


@dataclass(frozen=True, slots=True)
class Form:
    """An equal kernel; ``origins`` gives for each of its statements the one of the first kernel that it comes from.

    ``changed`` are its statements that are not as they were.
    """

    kernel: Kernel
    steps: tuple[Rewrite, ...]
    origins: tuple[int, ...]
    changed: frozenset[int] = frozenset()

    def texts(self, kernel: Kernel) -> tuple[str, ...]:
        """The steps as text, from ``kernel``."""
        found = []
        for step in self.steps:
            found.append(step.text(kernel))
            made = step.apply(kernel)
            assert not isinstance(made, Rejection)
            kernel = made
        return tuple(found)


def plain(kernel: Kernel) -> Form:
    """The kernel as it is."""
    return Form(kernel, (), tuple(range(len(statements(kernel)))))


@lru_cache(maxsize=1024)
def separated(kernel: Kernel) -> Form:
    """The kernel with a tensor for every value, where that is legal."""
    form = plain(kernel)
    for name in dict.fromkeys(each.assign.target.tensor for each in statements(kernel)):
        made = separation(form.kernel, name)
        if isinstance(made, Rejection):
            continue
        origins: list[int] = []
        rest = iter(form.origins)
        for number in range(len(statements(made.kernel))):
            origins.append(origins[-1] if number in made.added else next(rest))
        form = Form(made.kernel, (*form.steps, Separate(name)), tuple(origins))
    before = statements(kernel)
    changed = {s.index for s in statements(form.kernel) if s.assign != before[form.origins[s.index]].assign}
    return replace(form, changed=frozenset(changed))


@lru_cache(maxsize=256)
def forms(kernel: Kernel) -> tuple[Form, ...]:
    """The forms that statements are looked for in, the kernel itself first, none twice."""
    found = {form.kernel: form for form in (separated(kernel), plain(kernel))}
    return tuple(found.values())[::-1]
