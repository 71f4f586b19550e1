"""Exact questions about a place in a program: what affine functions can be over the loops and guards around it.

An interval is tried first; what it leaves open is one small integer system. A system too large to decide counts as
"never": a finding is only reported where it is certain.
"""

from __future__ import annotations

from collections import abc
from functools import cached_property

from isamapper.ir.affine import Affine, Extent, variable
from isamapper.ir.feasibility import box, feasible
from isamapper.ir.nodes import Constraint
from isamapper.ir.walk import Place, domain, value_range


class Domain:
    """The points at which a node is executed."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.extents = dict(zip(place.iterators, place.extents, strict=True))

    @cached_property
    def cases(self) -> tuple[tuple[Constraint, ...], ...]:
        inside = tuple(box(self.extents))
        return tuple((*inside, *case) for case in domain(self.place))

    def ever(self, *constraints: Constraint, extra: abc.Mapping[str, int] | None = None) -> bool:
        """Whether all ``constraints`` hold somewhere; ``extra`` gives the extents of variables of their own."""
        extents = {**self.extents, **(extra or {})}
        if any(_excluded(constraint, extents) for constraint in constraints):
            return False
        own = box(extra) if extra else []
        return any(feasible([*case, *own, *constraints]) is True for case in self.cases)

    def ever_less(self, value: Extent, limit: int) -> bool:
        """Whether ``value``, as a count that is never negative, is somewhere less than ``limit``."""
        return limit > 0 and any(self.ever(Constraint(-bound + (limit - 1))) for bound in value.bounds)

    def ever_more(self, value: Extent, limit: int) -> bool:
        """Whether ``value`` is somewhere more than ``limit``."""
        return self.ever(*(Constraint(bound - (limit + 1)) for bound in value.bounds))

    def ever_differ(self, one: Extent, other: Extent) -> bool:
        """Whether the two minima differ somewhere."""
        if set(one.bounds) == set(other.bounds):
            return False
        return self._ever_below(one, other) or self._ever_below(other, one)

    def _ever_below(self, one: Extent, other: Extent) -> bool:
        return any(self.ever(*(Constraint(bound - least - 1) for bound in other.bounds)) for least in one.bounds)

    def ever_remains(self, value: Extent, step: int, start: int = 0) -> bool:
        """Whether ``value - start`` is somewhere no multiple of ``step``."""
        if step == 1:
            return False
        for bound in value.bounds:
            if not divisible(bound - start, step):
                rest, count = variable("%rest"), variable("//rest")
                least = [Constraint(other - bound) for other in value.bounds if other != bound]
                split = Constraint(bound - start - count * step - rest, equality=True)
                within = (Constraint(rest - 1), Constraint(-rest + (step - 1)))
                if any(feasible([*case, *least, split, *within]) is True for case in self.cases):
                    return True
        return False

    def most(self, value: Extent) -> int:
        """An upper bound of ``value``."""
        return max(0, min(value_range(bound, self.extents)[1] for bound in value.bounds))


def divisible(function: Affine, step: int) -> bool:
    """Whether every coefficient and the constant are multiples of ``step``."""
    numbers = (function.constant, *(c for _, c in function.terms), *(c for _, c in function.rotations))
    return all(number % step == 0 for number in numbers)


def _excluded(constraint: Constraint, extents: abc.Mapping[str, int]) -> bool:
    """Whether an interval shows that ``constraint`` never holds."""
    low, high = value_range(constraint.function, extents)
    return high < 0 or (constraint.equality and low > 0)
