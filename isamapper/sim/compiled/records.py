"""Compiled hazards: the records of the atoms that an invocation touches.

``hazards.py`` defines what is compared; here every atom has one record of the times that its region can need.
"""

from __future__ import annotations

from collections import abc
from contextlib import contextmanager
from dataclasses import dataclass

from isamapper.sim.compiled.layout import Layout, Record
from isamapper.sim.compiled.specs import OperandSpec
from isamapper.sim.compiled.text import Function, Truth, Value

EVERYONE = -1


@dataclass(frozen=True, slots=True)
class Touch:
    """An operand on a region with records: its first record, and what its window needs to be walked."""

    spec: OperandSpec
    first: Value
    extents: tuple[Value, ...]
    offsets: tuple[Value, ...]


class Records:
    """Writes the hazard code of one step."""

    def __init__(self, fn: Function, plan: Layout, unit: int, log: bool) -> None:
        self.fn = fn
        self.plan = plan
        self.unit = unit
        self.log = log

    def bounds(self, demands: abc.Iterable[tuple[Touch | None, Value, Value]]) -> tuple[Value, Value, Value]:
        """Earliest starts by RAW, WAR, WAW; each demand is a touch, its ``read_at``, and its least time to ready."""
        raw: Value = 0
        war: Value = 0
        waw: Value = 0
        for touch, read_at, to_ready in demands:
            if touch is not None:
                ready, read, follow = self._latest(touch)
                if touch.spec.reads:
                    raw = self._later(raw, self._minus(ready, read_at))
                if touch.spec.writes and not touch.spec.renamed:
                    war = self._later(war, read)
                    waw = self._later(waw, self._minus(ready, to_ready))
                raw = self._later(raw, follow)
        return raw, war, waw

    def _later(self, one: Value, other: Value) -> Value:
        """The later of two bounds, of which 0 is none."""
        return other if one == 0 else one if other == 0 else self.fn.maximum(one, other)

    def _minus(self, time: Value, offset: Value) -> Value:
        return 0 if time == 0 else self.fn.sub(time, offset)

    def _me(self, touch: Touch) -> int:
        return self.unit if touch.spec.accumulates else EVERYONE

    def _latest(self, touch: Touch) -> tuple[Value, Value, Value]:
        """Over the atoms of a window: latest ready and read times of others, and when its unit may follow itself."""
        record = self._record(touch)
        me = self._me(touch)
        reads, writes = touch.spec.reads, touch.spec.writes
        columns = (
            [column for who, column in record.ready.items() if who == EVERYONE or who != me] if reads or writes else [],
            [column for who, column in record.read.items() if who == EVERYONE or who != me] if writes else [],
            [record.follow[me]] if me in record.follow else [],
        )
        if not any(columns):
            return 0, 0, 0
        single = self._is_single(touch)
        held = [None if single or not each else self.fn.variable(0) for each in columns]
        found: list[Value] = [0, 0, 0]
        with self.atoms(touch) as atom:
            for index, each in enumerate(columns):
                if each:
                    latest = self.fn.maximum(*(self.fn.load(self.fn.add(atom, column)) for column in each))
                    variable = held[index]
                    if variable is None:
                        found[index] = latest
                    else:
                        self.fn.set(variable, self.fn.maximum(self.fn.get(variable), latest))
        for index, variable in enumerate(held):
            if variable is not None:
                found[index] = self.fn.get(variable)
        return found[0], found[1], found[2]

    def update(self, touch: Touch | None, until: Value, ready: Value, follow: Value) -> None:
        """Records that a window is read until ``until`` and ready at ``ready``, as far as it is."""
        if touch is None:
            return
        record, me = self._record(touch), self._me(touch)
        if touch.spec.writes and touch.spec.renamed:
            self._rename(touch, ready, follow)
            return
        times: list[tuple[int, Value]] = []
        if touch.spec.reads and me in record.read:
            times.append((record.read[me], until))
        if touch.spec.writes and me in record.ready:
            times.append((record.ready[me], ready))
        if me in record.follow:
            times.append((record.follow[me], follow))
        if not times:
            return
        fn = self.fn
        with self.atoms(touch) as atom:
            for column, time in times:
                address = fn.add(atom, column)
                fn.store(address, fn.maximum(fn.load(address), time))
            self._note(touch, atom)

    def _rename(self, touch: Touch, ready: Value, follow: Value) -> None:
        """A write to a fresh copy: only its own times count from now on."""
        record, me, fn = self._record(touch), self._me(touch), self.fn
        with self.atoms(touch) as atom:
            for who, column in record.ready.items():
                fn.store(fn.add(atom, column), ready if who == me else 0)
            for who, column in record.follow.items():
                fn.store(fn.add(atom, column), follow if who == me else 0)
            self._note(touch, atom)

    def _note(self, touch: Touch, atom: Value) -> None:
        """Puts a record into the log, where there is one and it is not in it."""
        if self.log:
            mark = self.fn.add(atom, self._record(touch).mark)
            with self.fn.when(self.fn.equal(self.fn.load(mark), 0)):
                self.fn.call("note", atom, touch.spec.region or 0, mark)

    def _record(self, touch: Touch) -> Record:
        assert touch.spec.region is not None
        return self.plan.records[touch.spec.region]

    def _counts(self, touch: Touch) -> list[Value]:
        found: list[Value] = []
        for dim in touch.spec.dims:
            extent: Value = 1 if dim.axis is None else touch.extents[dim.axis]
            found.append(self.fn.ceil_divide(self.fn.mul(extent, dim.factor), dim.tile))
        return found

    def _is_single(self, touch: Touch) -> bool:
        if touch.spec.padded:
            return False
        return all(
            dim.factor <= dim.tile if dim.axis is None else touch.extents[dim.axis] == 1 for dim in touch.spec.dims
        )

    @contextmanager
    def atoms(self, touch: Touch) -> abc.Iterator[Value]:
        """Code executed for every atom's record."""
        words = self._record(touch).words
        rounds: list[tuple[Value, int]] = [
            (count, dim.stride * words)
            for count, dim in zip(self._counts(touch), touch.spec.dims, strict=True)
            if count != 1 or touch.spec.padded
        ]
        with self._walk(touch.first, rounds, []) as (atom, positions):
            if touch.spec.padded:
                with self.fn.when(self._inside(touch, positions)):
                    yield atom
            else:
                yield atom

    @contextmanager
    def _walk(
        self, first: Value, rounds: list[tuple[Value, int]], positions: list[Value]
    ) -> abc.Iterator[tuple[Value, list[Value]]]:
        if not rounds:
            yield first, positions
            return
        (count, step), *rest = rounds
        with self.fn.counted(count) as position:
            place = self.fn.add(first, self.fn.mul(position, step))
            with self._walk(place, rest, [*positions, position]) as found:
                yield found

    def _inside(self, touch: Touch, positions: list[Value]) -> Truth:
        """Whether the element at ``positions`` lies in the tensor."""
        fn, spec = self.fn, touch.spec
        found: Truth = True
        for axis, size in enumerate(spec.shape):
            index = touch.offsets[axis]
            for position, steps in zip(positions, spec.axis_steps, strict=False):  # the last is along the element
                index = fn.add(index, *(fn.mul(position, step) for moved, step in steps if moved == axis))
            found = fn.both(found, fn.both(fn.at_most(0, index), fn.less(index, size)))
        return found
