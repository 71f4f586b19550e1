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
from isamapper.mapper.rewrites import sink
from isamapper.mapper.rewrites.distribute import Distribute
from isamapper.mapper.rewrites.part import Part
from isamapper.mapper.rewrites.replay import Rewrite
from isamapper.mapper.rewrites.search import stacks
from isamapper.mapper.rewrites.separate import Separate, separation
from isamapper.mapper.rewrites.stack import Stack
from isamapper.plan.skeleton import shared_iterators


@dataclass(frozen=True, slots=True)
class Form:
    """An equal kernel; ``origins`` gives for each of its statements the one of the first kernel that it comes from.

    ``changed`` are its statements that are not as they were, one set for each kind of step.
    """

    kernel: Kernel
    steps: tuple[Rewrite, ...]
    origins: tuple[int, ...]
    changed: tuple[frozenset[int], ...] = ()

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


def _parted(kernel: Kernel) -> Form:
    """The kernel with sums of several things as several sums."""
    form = plain(kernel)
    for number in range(len(statements(kernel))):
        step = Part(form.origins.index(number))
        made = step.apply(form.kernel)
        if not isinstance(made, Rejection):
            place, count = step.statement, step.parts(form.kernel)
            origins = (*form.origins[:place], *[number] * count, *form.origins[place:])
            form = Form(made, (*form.steps, step), origins)
    return form


@lru_cache(maxsize=1024)
def separated(kernel: Kernel) -> Form:
    """The kernel with a sum for every term and a tensor for every value, where that is legal."""
    form = _parted(kernel)
    for name in dict.fromkeys(each.assign.target.tensor for each in statements(form.kernel)):
        made = separation(form.kernel, name)
        if isinstance(made, Rejection):
            continue
        origins: list[int] = []
        rest = (origin for number, origin in enumerate(form.origins) if number not in made.gone)
        for number in range(len(statements(made.kernel))):
            origins.append(origins[-1] if number in made.added else next(rest))
        form = Form(made.kernel, (*form.steps, Separate(name)), tuple(origins))
    return replace(form, changed=(_differing(kernel, form),))


@lru_cache(maxsize=256)
def sunk(kernel: Kernel) -> Form:
    """The kernel with what was done for all steps of a recurrence beforehand, or afterwards, done step by step."""
    form, moved = plain(kernel), set[int]()
    for number in range(len(statements(kernel))):
        for step in sink.steps(form.kernel, form.origins.index(number)):
            made = step.apply(form.kernel)
            if isinstance(made, Rejection) or not _is_recurrence(form.kernel, step):
                continue
            moved.add(number)
            origins = tuple(form.origins[each] for each in step.order(form.kernel))
            form = Form(made, (*form.steps, step), origins)
            break
    return replace(form, changed=(frozenset(form.origins.index(each) for each in moved),))


def distributed(kernel: Kernel) -> Form:
    """The kernel with a nest for each statement, where several stand in one loop without need."""
    step = Distribute()
    made = step.apply(kernel)
    if isinstance(made, Rejection):
        return plain(kernel)
    left = [each.assign for each in statements(kernel)]
    origins: list[int] = []
    for each in statements(made):
        place = next(n for n, assign in enumerate(left) if assign == each.assign and n not in origins)
        origins.append(place)
    return Form(made, (step,), tuple(origins))


@lru_cache(maxsize=256)
def stacked(kernel: Kernel) -> Form:
    """The kernel with products of one form that share an operand in one."""
    form = plain(kernel)
    for step in stacks(kernel).steps:
        assert isinstance(step, Stack)
        made = step.apply(form.kernel)
        assert not isinstance(made, Rejection)
        origins = tuple(form.origins[each] for each in step.origins(form.kernel))
        form = Form(made, (*form.steps, step), origins)
    return replace(form, changed=(_differing(kernel, form),))


def _differing(kernel: Kernel, form: Form) -> frozenset[int]:
    """The statements of a form that are not as they were in the kernel."""
    before = statements(kernel)
    found = statements(form.kernel)
    return frozenset(each.index for each in found if each.assign != before[form.origins[each.index]].assign)


def _is_recurrence(kernel: Kernel, step: sink.Sink) -> bool:
    """Whether the statements in the loop have to share it."""
    moved, other = statements(kernel)[step.statement], statements(kernel)[step.other]
    outermost = sum(one == two for one, two in zip(moved.loops, other.loops, strict=False))
    return other.iterators[outermost].name in shared_iterators(kernel, other)


def _after(first: Form, second: Form) -> Form:
    """``second``, which is one of the kernel of ``first``, as a form of the first kernel."""
    before = tuple(
        frozenset(number for number, origin in enumerate(second.origins) if origin in those) for those in first.changed
    )
    origins = tuple(first.origins[origin] for origin in second.origins)
    return Form(second.kernel, (*first.steps, *second.steps), origins, (*before, *second.changed))


@lru_cache(maxsize=256)
def forms(kernel: Kernel) -> tuple[Form, ...]:
    """The forms that statements are looked for in, the kernel itself first, none twice."""
    apart = distributed(kernel)
    found = {apart.kernel: apart}
    for change in (stacked, separated, stacked, sunk):
        for form in tuple(found.values()):
            more = change(form.kernel)
            if more.steps:
                found.setdefault(more.kernel, _after(form, more))
    return (plain(kernel), *(form for form in found.values() if form is not apart))
