"""Compiled bookings: the code of one step that takes ports, of which the one that is done first serves.

Beats and banks are the operand's (``flow``), calendars code shared by all programs (``ports``).
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass

from isamapper.sim.compiled.flow import Booking
from isamapper.sim.compiled.layout import Layout
from isamapper.sim.compiled.text import Function, Value


@dataclass(frozen=True, slots=True)
class Bookings:
    """Of one step; ``count`` adds to a total of it, in code for ``long`` runs to that of beats, too."""

    fn: Function
    plan: Layout
    count: abc.Callable[[int, Value], None]
    long: bool

    def book(self, bookings: abc.Sequence[Booking], start: Value, moved: Value) -> tuple[Value, Value]:
        """Takes the port that is done first; the end of the last beat, and the beats."""
        fn = self.fn
        if len(bookings) == 1:
            self.count(self.plan.port_bytes + bookings[0].port, moved)
            return self._take(bookings[0], start, always=True), bookings[0].beats
        end, beats = fn.variable(0), fn.variable(0)
        done = [self._last(booking, start) for booking in bookings]
        best = fn.minimum(*done)
        open_ = fn.variable(1)
        for booking, when in zip(bookings, done, strict=True):
            with fn.when(fn.both(fn.equal(when, best), fn.equal(fn.get(open_), 1))):
                fn.set(open_, 0)
                fn.increase(self.plan.port_bytes + booking.port, moved)
                fn.set(end, self._take(booking, start))
                fn.set(beats, booking.beats)
        return fn.get(end), fn.get(beats)

    def _calendar(self, booking: Booking) -> tuple[Value, Value]:
        """Calendar and beat counter of a booking that has one bank."""
        calendar = self.fn.add(self.plan.model.ports[booking.port].first, booking.bank)
        words = self.fn.mul(calendar, self.plan.calendar_words)
        return self.fn.add(words, self.plan.calendars), self.fn.add(calendar, self.plan.beats)

    def _take(self, booking: Booking, start: Value, always: bool = False) -> Value:
        fn = self.fn
        if booking.out == 0:
            calendar, counter = self._calendar(booking)
            if always and self.long and isinstance(counter, int):
                self.count(counter, booking.beats)
            else:
                fn.increase(counter, booking.beats)
            return fn.call("take", calendar, start, booking.beats)
        end = fn.variable(0)
        alone = fn.at_most(0, booking.bank)
        with fn.when(alone):
            calendar, counter = self._calendar(booking)
            fn.increase(counter, booking.beats)
            fn.set(end, fn.call("take", calendar, start, booking.beats))
        with fn.when(fn.negate(alone)):
            fn.set(end, fn.call("take_banks", *self._all_banks(booking), start))
        return fn.get(end)

    def _last(self, booking: Booking, start: Value) -> Value:
        fn = self.fn
        if booking.out == 0:
            return fn.call("last", self._calendar(booking)[0], start, booking.beats)
        end = fn.variable(0)
        alone = fn.at_most(0, booking.bank)
        with fn.when(alone):
            fn.set(end, fn.call("last", self._calendar(booking)[0], start, booking.beats))
        with fn.when(fn.negate(alone)):
            fn.set(end, fn.call("last_banks", *self._all_banks(booking), start))
        return fn.get(end)

    def _all_banks(self, booking: Booking) -> tuple[Value, ...]:
        use, plan = self.plan.model.ports[booking.port], self.plan
        first = plan.calendars + use.first * plan.calendar_words
        return booking.out, use.banks, first, plan.calendar_words, plan.beats + use.first
