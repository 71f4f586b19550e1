"""The state of code being written for one function: names in force, where failures go, single accesses.

What does not belong here: loops and statements (``statements.py``), invocations (``invocations.py``).
"""

from __future__ import annotations

from collections import ChainMap, abc
from dataclasses import dataclass, field, replace
from enum import IntEnum
from typing import Any

from llvmlite import ir

from isamapper.hwdesc.model import Machine
from isamapper.ir.affine import Affine, Extent, substitute
from isamapper.ir.nodes import Tensor
from isamapper.ir.walk import greatest_extent
from isamapper.sim.functional.domain import Domain, Word
from isamapper.sim.functional.lanes import BIT, INDEX, STATUS, Lanes, Raw, index
from isamapper.sim.functional.places import Bound, Place, View, dense

MAX_DEPTH = 30
"""Loops whose values a failure records."""


class Field(IntEnum):
    """The state of a run in 64-bit fields: what failed and where, invocations so far, where to stop, loop values."""

    FAILURE = 0
    INNER_SITE = 1  # in an instruction
    OUTER_SITE = 2  # in the program
    ORDINAL = 3
    STOP = 4
    INNER_LOOPS = 5
    OUTER_LOOPS = 5 + MAX_DEPTH


STATE_FIELDS = Field.OUTER_LOOPS + MAX_DEPTH


class Failure(IntEnum):
    """What stopped a run."""

    NONE = 0
    OUTSIDE = 1
    UNDEFINED = 2
    ZERO_DIVISOR = 3
    WINDOW = 4
    PARAMETER = 5
    SHAPE = 6
    STOPPED = 7


@dataclass(frozen=True, slots=True)
class Site:
    """A place in the program that may fail: what it is, the loops around it, and what it touches."""

    what: str
    loops: tuple[str, ...]
    subject: str = ""
    node: Any = None


@dataclass(slots=True)
class Unit:
    """One module of code in one domain: its functions, its failure sites, how often code was written that may fail."""

    module: Any
    domain: Domain
    machine: Machine | None
    sites: list[Site] = field(default_factory=list)
    functions: dict[Any, Any] = field(default_factory=dict)
    failures: int = 0

    def site(self, site: Site) -> int:
        self.sites.append(site)
        return len(self.sites) - 1


@dataclass(frozen=True, slots=True)
class Code:
    """Writing one function.

    ``names`` gives the value of each iterator in force (and of run-time numbers), ``box`` the greatest extents of
    iterators, ``loops`` the iterators outermost first; ``views`` the tensors in force. ``state`` points to the state.
    ``shifts`` are added to iterators. ``values`` keeps integers already computed where the code stands or before;
    what is written in a branch must not be used after it, so branches take :meth:`scoped`.
    ``invoked`` inside an instruction; ``lenient`` where undefined elements may be copied.
    """

    unit: Unit
    builder: ir.IRBuilder
    state: Raw
    names: abc.Mapping[str, Raw] = field(default_factory=dict)
    box: abc.Mapping[str, int] = field(default_factory=dict)
    loops: tuple[str, ...] = ()
    views: abc.Mapping[str, View] = field(default_factory=dict)
    shifts: abc.Mapping[str, int] = field(default_factory=dict)
    values: abc.MutableMapping[Any, Raw] = field(default_factory=ChainMap)
    invoked: bool = False
    lenient: bool = False

    @property
    def domain(self) -> Domain:
        return self.unit.domain

    def lanes(self, width: int = 1) -> Lanes:
        return Lanes(self.builder, width)

    def scoped(self) -> Code:
        """The same code in a branch."""
        return replace(self, values=ChainMap({}, self.values))

    def within(self, iterator: str, value: Raw, extent: int) -> Code:
        """The code inside a loop."""
        return replace(
            self,
            values=ChainMap() if iterator in self.names else ChainMap({}, self.values),
            names={**self.names, iterator: value},
            box={**self.box, iterator: extent},
            loops=(*(name for name in self.loops if name != iterator), iterator),
        )

    def declare(self, tensor: Tensor, base: Raw) -> Code:
        """The code after a declaration: ``tensor`` lies dense at ``base``."""
        return replace(self, views={**self.views, tensor.name: dense(tensor, base)})

    def shifted(self, iterator: str, by: int) -> Code:
        """The same code with ``by`` added to an iterator."""
        return replace(self, shifts={**self.shifts, iterator: self.shifts.get(iterator, 0) + by}) if by else self

    # Integers

    def affine(self, function: Affine) -> Raw:
        """The value of ``function`` where the code stands."""
        variable, rest = self.split(function)
        if variable.is_constant:
            return index(rest)
        value = self._variable(variable)
        return self.builder.add(value, index(rest)) if rest else value

    def split(self, function: Affine) -> tuple[Affine, int]:
        """``function`` with the shifts in force, as what depends on iterators and a number."""
        if self.shifts and not self.shifts.keys().isdisjoint(function.names):
            function = substitute(function, {n: Affine(((n, 1),), by) for n, by in self.shifts.items()})
        return Affine(function.terms, 0, function.rotations), function.constant

    def _variable(self, function: Affine) -> Raw:
        """The value of a function without constant and shifts; kept."""
        known = self.values.get(function)
        if known is not None:
            return known
        builder, total = self.builder, None
        for name, coefficient in function.terms:
            term = self.names[name]
            term = term if coefficient == 1 else builder.mul(term, index(coefficient))
            total = term if total is None else builder.add(total, term)
        for rotation, coefficient in function.rotations:
            value = builder.urem(self._rotated(rotation.value), index(rotation.modulus))
            term = value if coefficient == 1 else builder.mul(value, index(coefficient))
            total = term if total is None else builder.add(total, term)
        self.values[function] = total
        return total

    def _rotated(self, function: Affine) -> Raw:
        """The value of a function whose shifts have been made."""
        value = self._variable(Affine(function.terms, 0, function.rotations))
        return self.builder.add(value, index(function.constant)) if function.constant else value

    def extent(self, extent: Extent) -> Raw | int:
        """The trip count: a number where it is one."""
        if extent.is_constant:
            return max(0, min(bound.constant for bound in extent.bounds))
        if extent in self.values:
            return self.values[extent]
        value = self.affine(extent.bounds[0])
        for bound in extent.bounds[1:]:
            value = self.lanes().intrinsic("smin", INDEX, [value, self.affine(bound)])
        self.values[extent] = self.lanes().intrinsic("smax", INDEX, [value, index(0)])
        return self.values[extent]

    def greatest(self, extent: Extent) -> int:
        """The greatest value of ``extent`` over the loops in force; without bound where it depends on other numbers."""
        known = [bound for bound in extent.bounds if bound.names <= self.box.keys()]
        return greatest_extent(Extent(tuple(known)), self.box) if known else 1 << 40

    def within_bounds(self, bounds: abc.Iterable[Bound]) -> Raw:
        """Whether all ``bounds`` hold where the code stands."""
        result = ir.Constant(BIT, 1)
        for bound in bounds:
            inside = self.builder.icmp_unsigned("<", self.affine(bound.function), index(bound.size))
            result = self.builder.and_(result, inside)
        return result

    # Failing

    def fail_if(self, condition: Raw, failure: Failure, site: Site) -> None:
        """Ends the function with 1 where ``condition`` holds, having recorded what and where."""
        with self.builder.if_then(condition, likely=False):
            self.fail(failure, site)

    def fail(self, failure: Failure, site: Site) -> None:
        """Ends the function with 1, having recorded what and where."""
        self.unit.failures += 1
        self.record(Field.FAILURE, index(failure))
        self.record_place(site)
        self.builder.ret(ir.Constant(STATUS, 1))

    def record_place(self, site: Site) -> None:
        """Writes the site and the loop values to the state's fields of this kind of function."""
        first = Field.INNER_LOOPS if self.invoked else Field.OUTER_LOOPS
        self.record(Field.INNER_SITE if self.invoked else Field.OUTER_SITE, index(self.unit.site(site)))
        for position, name in enumerate(site.loops[:MAX_DEPTH]):
            self.record(first + position, self.names[name])

    def record(self, position: int, value: Raw) -> None:
        """Writes one field of the state."""
        self.builder.store(value, self._field(position))

    def recorded(self, position: int) -> Raw:
        """Reads one field of the state."""
        return self.builder.load(self._field(position), typ=INDEX)

    def _field(self, position: int) -> Raw:
        return self.builder.gep(self.state, [index(position)], source_etype=INDEX)

    # Elements

    def pointer(self, view: View, address: Affine) -> Raw:
        """The address of element ``address`` of the view's base."""
        variable, rest = self.split(address)
        start = view.base
        if not variable.is_constant:
            key = id(view.base), variable
            if key not in self.values:
                self.values[key] = self.element(view, view.base, self._variable(variable))
            start = self.values[key]
        return self.element(view, start, index(rest)) if rest else start

    def element(self, view: View, start: Raw, position: Raw) -> Raw:
        """The address ``position`` elements after ``start``."""
        return self.builder.gep(start, [position], source_etype=self.domain.element(view.tensor.dtype))

    def load(self, place: Place, what: Site) -> Word:
        """One element, or what is read in its stead."""
        lanes, dtype = self.lanes(), place.view.tensor.dtype
        if place.unproved:
            self.fail_if(self.builder.not_(self.within_bounds(place.unproved)), Failure.OUTSIDE, what)
        inside = [self.within_bounds(bounds) for bounds, _ in place.outside]
        raw = self.builder.load(self._safe(place, inside), typ=self.domain.element(dtype))
        for condition, (_, value) in zip(reversed(inside), reversed(place.outside), strict=True):
            other = self.domain.constant(lanes, value, dtype).raw
            raw = self.builder.select(condition, raw, other)
        self.check_defined(lanes, raw, what)
        return self.domain.lift(raw, dtype)

    def _safe(self, place: Place, inside: list[Raw]) -> Raw:
        """The address of an element that can be read whatever the bounds say."""
        if not inside:
            return self.pointer(place.view, place.address)
        address = self.affine(place.address)
        for condition in inside:
            address = self.builder.select(condition, address, index(0))
        return self.element(place.view, place.view.base, address)

    def check_defined(self, lanes: Lanes, raw: Raw, what: Site) -> None:
        """Stops where a loaded value is undefined, in domains that care."""
        if self.domain.checks_loads and not self.lenient:
            self.fail_if(lanes.any(self.domain.is_undefined(lanes, raw)), Failure.UNDEFINED, what)

    def check_stored(self, lanes: Lanes, raw: Raw, what: Site) -> None:
        """Stops where a value to be stored was made of something undefined, in domains that care."""
        if self.domain.checks_stores and not self.lenient:
            self.fail_if(lanes.any(self.domain.is_undefined(lanes, raw)), Failure.UNDEFINED, what)
