"""Compiled spans: what the ports make of an invocation's time, in cycles from its start on.

Ports mostly serve at once, or soon enough that nothing changes. Code for long runs says what follows then without
looking at when they were done: the next invocation waits for that only where it matters, behind a branch.
Which ports are asked, and when, is the step's.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, field

from isamapper.sim.compiled.text import Function, Truth, Value

Values = tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Use:
    """One operand on its port: asked from ``at`` on for ``beats``, which were over at ``end``.

    A read delays the invocation by what it takes beyond ``allowed``; None of a write.
    """

    at: Value
    beats: Value
    end: Value
    allowed: Value | None


@dataclass(slots=True)
class Spans:
    """Of one step of a streaming instruction; ``long`` is code for long runs."""

    fn: Function
    occupies: Value
    latency: Value
    long: bool
    uses: list[Use] = field(default_factory=list)

    def read(self, at: Value, until: Value, beats: Value, end: Value) -> None:
        allowed = self.fn.maximum(self.fn.add(at, self.occupies), until)
        self.uses.append(Use(at, beats, end, allowed))

    def write(self, at: Value, beats: Value, end: Value) -> None:
        self.uses.append(Use(at, beats, end, None))

    def delay(self) -> Value:
        """By how much what is written comes later, after all reads."""
        usual = (self._delay(self._soonest(0)),)
        return unless(self.fn, self.long, self._late(0), usual, lambda: (self._delay(self._ends()),))[0]

    def whole(self) -> tuple[Value, Value]:
        """Cycles for which the unit is held, and up to the last beat, or less than the latency."""
        fn = self.fn
        moved = self._delay(self._soonest(0))
        usual = self._whole(self._soonest(moved))
        held, last = unless(fn, self.long, self._late(moved), usual, lambda: self._whole(self._ends()))
        return held, last

    def longest(self) -> Value:
        """Cycles that the unit needs where no port is taken."""
        return self.fn.maximum(self.occupies, *(use.beats for use in self.uses))

    def _ends(self) -> Values:
        return tuple(use.end for use in self.uses)

    def _soonest(self, moved: Value) -> Values:
        """The earliest ends there can be, with writes moved."""
        return tuple(self.fn.add(use.at, use.beats, 0 if use.allowed is not None else moved) for use in self.uses)

    def _late(self, moved: Value) -> Truth:
        """Whether a port was done so late that it matters: later than at once, and than what is waited for anyway."""
        fn = self.fn
        found: Truth = False
        for use, soonest in zip(self.uses, self._soonest(moved), strict=True):
            free = fn.minimum(fn.add(use.at, self.occupies), self.latency)
            if use.allowed is not None:
                free = fn.minimum(free, use.allowed)
            found = fn.either(found, fn.less(fn.maximum(soonest, free), use.end))
        return found

    def _delay(self, ends: Values) -> Value:
        fn = self.fn
        beyond = [fn.sub(end, use.allowed) for use, end in zip(self.uses, ends, strict=True) if use.allowed is not None]
        return fn.maximum(0, *beyond)

    def _whole(self, ends: Values) -> Values:
        fn = self.fn
        held = fn.maximum(self.occupies, *(fn.sub(end, use.at) for use, end in zip(self.uses, ends, strict=True)))
        return held, fn.maximum(0, *ends)


def unless(fn: Function, long: bool, late: Truth, usual: Values, otherwise: abc.Callable[[], Values]) -> Values:
    """``usual`` values, but ``otherwise`` others where they are ``late``; these hold in any case."""
    if not long or late is False:
        return otherwise()
    found = [fn.variable(each) for each in usual]
    with fn.when(late, rare=True):
        for variable, value in zip(found, otherwise(), strict=True):
            fn.set(variable, value)
    return tuple(fn.get(each) for each in found)
