"""Equal kernels that a machine can do, cheapest first by a quick figure.

The ways to treat each statement (``options.py``) are combined best first; none is built before it is asked for.
"""

from __future__ import annotations

import heapq
from collections import abc
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from math import isfinite

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.model import Machine
from isamapper.ir.analysis import statements
from isamapper.ir.nodes import Kernel
from isamapper.mapper.covers.options import GAIN, Option, Prices, Treatment
from isamapper.mapper.covers.repertoire import with_own_loops
from isamapper.mapper.matching.find import subjects
from isamapper.mapper.rewrites.replay import Rewrite
from isamapper.mapper.rewrites.search import Derivation, derivations, whole_kernels
from isamapper.mapper.rewrites.stack import Stack
from isamapper.plan.joint_mapping import JointMapping

WORTH = 0.05
"""The share of the whole kernel's busy cycles that a searched rewrite of one statement has to save."""


@dataclass(frozen=True, slots=True)
class Alternative:
    """A kernel equal to the user's, every statement of which some instruction does; ``busy_cycles`` is an estimate.

    ``groups`` are statements that one instruction does together; the others are done one by one.
    """

    kernel: Kernel
    rewrites: tuple[str, ...]
    busy_cycles: float
    groups: tuple[JointMapping, ...] = ()


def alternatives(kernel: Kernel, machine: Machine, *, host_products: bool = False) -> abc.Iterator[Alternative]:
    """Every combination of choices, best first; none where some statement cannot be done.

    A rewrite does not move a product under a reduction to the host of a machine whose accelerator adds up products in
    that data type, unless ``host_products``: that would hide that the accelerator cannot do it.
    """
    kernel, first = with_own_loops(kernel, machine)
    plain, *others = whole_kernels(kernel)
    usual = _of_kernel(plain, kernel, first, machine, host_products)
    best = next(usual, None)
    found = [usual if best is None else chain((best,), usual)]
    for each in others:
        other = _of_kernel(each, kernel, first, machine, host_products)
        cheapest = next(other, None)
        if cheapest is not None and (best is None or cheapest.busy_cycles <= _share(each) * best.busy_cycles):
            found.append(chain((cheapest,), other))
    yield from heapq.merge(*found, key=lambda alternative: alternative.busy_cycles)


def _share(derivation: Derivation) -> float:
    """The share of the usual cycles that an equal kernel may take: stacked products take as many, but fewer nests."""
    return 1.0 if all(isinstance(step, Stack) for step in derivation.steps) else GAIN


@lru_cache(maxsize=4)
def _prices(machine: Machine) -> Prices:
    """What is known of a machine's cost for statements; filled as they are met."""
    del machine
    return {}


def derived_kernels(kernel: Kernel) -> abc.Iterator[Alternative]:
    """Every equal kernel that the bounded search over rewrites finds, good for a machine or not."""
    for statement in statements(kernel):
        for each in derivations(kernel, statement.index).found:
            texts, current = list[str](), kernel
            for step in each.steps:
                texts.append(step.text(current))
                applied = step.apply(current)
                assert not isinstance(applied, Rejection)
                current = applied
            yield Alternative(current, tuple(texts), 0.0)


def _of_kernel(
    start: Derivation, kernel: Kernel, first: tuple[str, ...], machine: Machine, host_products: bool
) -> abc.Iterator[Alternative]:
    """Combinations of choices for the statements of ``start``, which comes of ``kernel``."""
    texts_before = list(first)
    for step in start.steps:
        texts_before.append(step.text(kernel))
        after = step.apply(kernel)
        assert not isinstance(after, Rejection)
        kernel = after
    prices = _prices(machine)
    treatments = [Treatment(kernel, subject, machine, host_products, prices) for subject in subjects(kernel)]
    total = sum(treatment.usual_cycles() for treatment in treatments)
    worth = WORTH * total if isfinite(total) else 0.0
    rows = [_Row(treatment.options(worth)) for treatment in treatments]
    for chosen in _best_first(rows):
        made = _made(kernel, [step for option in reversed(chosen) for step in option.steps])
        if made is not None:
            result, texts = made
            yield Alternative(result, (*texts_before, *texts), sum(option.busy_cycles for option in chosen))


def _made(kernel: Kernel, steps: abc.Sequence[Rewrite]) -> tuple[Kernel, tuple[str, ...]] | None:
    """The kernel after ``steps`` and their texts; None where options disturb each other.

    Each was found by itself: a later step of one names what an earlier one made, which has another name where an
    option of another statement has taken it.
    """
    texts = []
    for step in steps:
        texts.append(step.text(kernel))
        applied = step.apply(kernel)
        if isinstance(applied, Rejection):
            return None
        kernel = applied
    return kernel, tuple(texts)


class _Row:
    """The options of one statement, taken from their generator as they are asked for."""

    def __init__(self, options: abc.Iterator[Option]) -> None:
        self._options, self._known = options, list[Option]()

    def at(self, place: int) -> Option | None:
        """The option at ``place``, None beyond the last."""
        while len(self._known) <= place:
            following = next(self._options, None)
            if following is None:
                return None
            self._known.append(following)
        return self._known[place]


def _best_first(rows: abc.Sequence[_Row]) -> abc.Iterator[tuple[Option, ...]]:
    """Combinations of one option each, in the order of their sums."""
    heap: list[tuple[float, tuple[int, ...], tuple[Option, ...]]] = []
    seen: set[tuple[int, ...]] = set()

    def push(places: tuple[int, ...]) -> None:
        found = [row.at(place) for row, place in zip(rows, places, strict=True)]
        chosen = tuple(option for option in found if option is not None)
        if len(chosen) == len(rows) and places not in seen:
            seen.add(places)
            heapq.heappush(heap, (sum(option.busy_cycles for option in chosen), places, chosen))

    push((0,) * len(rows))
    while heap:
        _, places, chosen = heapq.heappop(heap)
        yield chosen
        for number, place in enumerate(places):
            push((*places[:number], place + 1, *places[number + 1 :]))
