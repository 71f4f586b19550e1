"""Cycles and traffic of one schedule as formulas in the sizes of its kernel.

With tiles, loop order and buffers fixed, a size that grows by whole tiles adds whole iterations, and the machine does
in each what it did in the one before. So beyond the first few iterations every count is a sum of products of trip
counts, at most one of each size: a multilinear polynomial. Its 2^n coefficients follow exactly, in integers, from 2^n
simulated programs; it is then held against programs that it has not seen, farther out, and is only given where it meets
them to the cycle. What does not belong here: schedules (the scheduler) and printing (``report/closed_form.py``).
"""

from __future__ import annotations

import itertools
import math
import random
from collections import abc
from dataclasses import dataclass, replace
from typing import Any

import sympy

from isamapper.diagnostics.source import Rejection, SourceError
from isamapper.ir.analysis import statements
from isamapper.ir.nodes import Kernel
from isamapper.mapper.covers.alternatives import alternatives
from isamapper.plan.lower import lower
from isamapper.plan.nest import Nest, digits_of
from isamapper.plan.step_kinds import Split
from isamapper.plan.steps import Schedule, replay
from isamapper.sim.timing import simulate

Rebind = abc.Callable[[abc.Mapping[str, int]], Kernel]
"""The same kernel at other sizes; SourceError where it has none."""

STARTS = ((1, 1), (3, 1), (1, 2), (3, 2))
"""What is tried: the trip at which the polynomial begins, and tiles in a step (two where slots alternate)."""

CHECKS = 12
LARGEST_FIRST = 4
"""So many sizes are free at most: the formulas need two to the power of them programs."""


@dataclass(frozen=True, slots=True)
class Free:
    """A size that may grow: ``value + n * step`` for n from 0."""

    name: str
    value: int
    step: int


@dataclass(frozen=True, slots=True)
class ClosedForm:
    """Formulas by what they count; valid for the ``free`` sizes from their values on, in their steps, others ``fixed``.

    What is counted and follows no polynomial is ``without`` a formula.
    """

    free: tuple[Free, ...]
    fixed: tuple[tuple[str, int], ...]
    formulas: tuple[tuple[str, Any], ...]
    checked: tuple[tuple[tuple[str, int], ...], ...]
    without: tuple[str, ...] = ()

    def at(self, sizes: abc.Mapping[str, int]) -> dict[str, int]:
        """Every count at ``sizes``, which must be sizes the formulas hold for."""
        values = {sympy.Symbol(free.name, integer=True, positive=True): sizes[free.name] for free in self.free}
        return {name: int(formula.subs(values)) for name, formula in self.formulas}

    def to_dict(self) -> dict[str, Any]:
        """Formulas as texts."""
        return {
            "formulas": {name: str(formula) for name, formula in self.formulas},
            "valid_from": {free.name: free.value for free in self.free},
            "in_steps_of": {free.name: free.step for free in self.free},
            "fixed": dict(self.fixed),
            "without_formula": list(self.without),
            "checked_at": [dict(sizes) for sizes in self.checked],
        }


def closed_form(schedule: Schedule, rebind: Rebind, *, seed: int = 0) -> ClosedForm | Rejection:
    """The formulas of ``schedule``; why there are none where its counts are no polynomials.

    Costs two to the power of the free sizes, and a few, simulations; programs of any length cost the same there.
    """
    free = _free(schedule, rebind)
    if not free:
        return Rejection("COST003", schedule.kernel.name, _nothing_grows(schedule), edit="ask at larger sizes")
    best = _best(schedule, rebind, free, seed)
    if best is None and len(free) > 1:
        alone = tuple(each for each in free if _best(schedule, rebind, (each,), seed) is not None)
        best = _best(schedule, rebind, alone, seed) or _best(schedule, rebind, alone[:1], seed) if alone else None
    if best is None:
        names = " and ".join(f"'{each.name}'" for each in free)
        reason = f"where {names} grow, a buffer that grows with them does not fit any more"
        return Rejection("COST003", schedule.kernel.name, reason, edit="a schedule with smaller tiles, by '--fix'")
    if not best.formulas:
        reason = f"none of its counts becomes a polynomial of its sizes: {', '.join(best.without)}"
        return Rejection("COST003", schedule.kernel.name, reason)
    return best


def _best(schedule: Schedule, rebind: Rebind, free: tuple[Free, ...], seed: int) -> ClosedForm | None:
    """The form with the most formulas over all starts; None where the schedule does not fit at the sizes it needs."""
    best: ClosedForm | None = None
    for start, tiles in STARTS:
        moved = tuple(Free(f.name, f.value + (start - 1) * f.step * tiles, f.step * tiles) for f in free)
        found = _fitted(schedule, rebind, moved, seed)
        if found is not None and not found.without:
            return found
        if found is not None and (best is None or len(found.without) < len(best.without)):
            best = found
    return best


def _nothing_grows(schedule: Schedule) -> str:
    """Which iterators lie inside one call: their sizes change the instruction's parameters, not the loops."""
    held = [
        f"'{iterator.name}' lies inside one call of '{nest.call.instruction.name}'"
        for nest in replay(schedule)
        for iterator in nest.statement.iterators
        if all(digit.bound is not None or digit.extent == 1 for digit in digits_of(nest, iterator.name))
    ]
    reason = "no size can grow while the schedule stays as it is"
    return f"{reason}: {', '.join(dict.fromkeys(held))}" if held else reason


def _fitted(schedule: Schedule, rebind: Rebind, free: tuple[Free, ...], seed: int) -> ClosedForm | None:
    corners = list(itertools.product((0, 1), repeat=len(free)))
    measured = [_counts(schedule, rebind, _sizes(free, corner)) for corner in corners]
    if any(counts is None for counts in measured):
        return None
    names = sorted({name for counts in measured if counts for name in counts})
    tables = {n: {c: (counts or {}).get(n, 0) for c, counts in zip(corners, measured, strict=True)} for n in names}
    formulas = tuple((name, _polynomial(free, tables[name])) for name in names)
    fixed = tuple((name, value) for name, value in schedule.kernel.sizes if name not in {f.name for f in free})
    form = ClosedForm(free, fixed, formulas, ())
    checked, wrong = [], set[str]()
    for trips in _farther(len(free), seed):
        sizes = _sizes(free, trips)
        counts = _counts(schedule, rebind, sizes)
        if counts is None:
            continue  # a buffer that grows with a size no longer fits: nothing holds there
        predicted = form.at(sizes)
        wrong.update(name for name in names if predicted[name] != counts.get(name, 0))
        checked.append(tuple(sizes.items()))
    kept = tuple((name, formula) for name, formula in formulas if name not in wrong)
    return replace(form, formulas=kept, checked=tuple(checked), without=tuple(sorted(wrong))) if checked else None


def _sizes(free: abc.Iterable[Free], trips: abc.Iterable[int]) -> dict[str, int]:
    return {size.name: size.value + n * size.step for size, n in zip(free, trips, strict=True)}


def _farther(count: int, seed: int) -> list[tuple[int, ...]]:
    """Trips beyond the corners: more of one, two and three of each, and a few at random."""
    source = random.Random(seed)
    chosen = [tuple(2 * (place == one) for place in range(count)) for one in range(count)]
    chosen += [tuple(2 for _ in range(count)), tuple(3 for _ in range(count))]
    while len(chosen) < CHECKS:
        chosen.append(tuple(source.randrange(0, 9) for _ in range(count)))
    return chosen


def _polynomial(free: abc.Sequence[Free], table: abc.Mapping[tuple[int, ...], int]) -> Any:
    """The multilinear polynomial through a value per corner, in the sizes."""
    trips = [(sympy.Symbol(f.name, integer=True, positive=True) - f.value) / sympy.Integer(f.step) for f in free]
    total = sympy.Integer(0)
    for corner in table:
        below = itertools.product(*((0, 1) if bit else (0,) for bit in corner))
        coefficient = sum((-1) ** (sum(corner) - sum(each)) * table[each] for each in below)
        total += coefficient * sympy.prod(trip for trip, bit in zip(trips, corner, strict=True) if bit)
    return sympy.expand(total)


def _counts(schedule: Schedule, rebind: Rebind, sizes: abc.Mapping[str, int]) -> dict[str, int] | None:
    """Cycles, invocations and bytes at ``sizes``; None where the schedule cannot be had there."""
    try:
        moved = resized(schedule, rebind(sizes))
        if moved is None:
            return None
        timeline = simulate(lower(moved))
    except SourceError:
        return None
    facts: dict[str, Any] = timeline.to_dict()
    moved_bytes = {
        f"bytes.{memory}.{direction}": count
        for memory, both in facts["bytes"].items()
        for direction, count in both.items()
    }
    return {"cycles": timeline.cycles, "instructions": sum(facts["instructions"].values()), **moved_bytes}


def resized(schedule: Schedule, kernel: Kernel) -> Schedule | None:
    """``schedule`` on the same kernel at other sizes: the outermost digit of every iterator takes what is needed.

    None where an iterator would need a digit that does not exist or the rewritten kernel has another form.
    """
    covered = _covered(schedule, kernel)
    if covered is None:
        return None
    extents = {
        (statement.index, iterator.name): iterator.extent
        for statement in statements(covered)
        for iterator in statement.iterators
    }
    steps = []
    for step in schedule.steps:
        if isinstance(step, Split):
            extent = extents.get((step.statement, step.iterator))
            if extent is None:
                return None
            first, *inner = step.digits
            trips = -(-extent // math.prod(digit.extent for digit in inner))
            if first.bound is not None and trips > first.extent:
                return None
            step = replace(step, digits=(replace(first, extent=trips), *inner))
        steps.append(step)
    return replace(schedule, kernel=kernel, covered=covered, steps=tuple(steps))


def _covered(schedule: Schedule, kernel: Kernel) -> Kernel | None:
    if schedule.covered == schedule.kernel:
        return kernel
    for alternative in alternatives(kernel, schedule.machine):
        if alternative.rewrites == schedule.rewrites:
            return alternative.kernel
    return None


def _free(schedule: Schedule, rebind: Rebind) -> tuple[Free, ...]:
    """The sizes that change loops only, with the step that adds whole tiles to every iterator they change."""
    found = []
    nests = replay(schedule)
    for name, value in schedule.kernel.sizes:
        step = _step(schedule, nests, rebind, name, value)
        if step is not None:
            found.append(Free(name, value, step))
    return tuple(sorted(found, key=lambda free: -free.value)[:LARGEST_FIRST])


def _together(nest: Nest, iterator: str) -> int:
    """How many trips of an iterator's outermost loop are alike only together: those that one copy moves at once."""
    outermost = next((digit.name for digit in digits_of(nest, iterator)), None)
    copies = (copy for buffer in nest.buffers for copy in (buffer.fill, buffer.drain) if copy is not None)
    return math.lcm(*(size for copy in copies for _, name, size in copy.binds if name == outermost))


def _step(schedule: Schedule, nests: tuple[Nest, ...], rebind: Rebind, name: str, value: int) -> int | None:
    """The least growth of a size that adds whole tiles; None where it changes nothing, or more than loops."""
    try:
        larger = _covered(schedule, rebind({name: value + 1}))
    except SourceError:
        return None
    if larger is None:
        return None
    before = {s.index: s for s in statements(schedule.covered)}
    after = {s.index: s for s in statements(larger)}
    if set(before) != set(after):
        return None
    step = 1
    for nest in nests:
        old, new = before.get(nest.statement.index), after.get(nest.statement.index)
        if old is None or new is None:
            return None
        grown = {i.name: j.extent - i.extent for i, j in zip(old.iterators, new.iterators, strict=False)}
        for iterator, growth in grown.items():
            tile = math.prod(digit.extent for digit in digits_of(nest, iterator)[1:]) * _together(nest, iterator)
            if growth and all(digit.bound is not None for digit in digits_of(nest, iterator)[:1]):
                return None  # the instruction holds all of it
            if growth:
                step = math.lcm(step, tile // math.gcd(tile, growth))
    changed = any(
        i.extent != j.extent for s in before for i, j in zip(before[s].iterators, after[s].iterators, strict=False)
    )
    return step if changed else None
