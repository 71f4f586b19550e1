"""Affine functions of named iterators, and minima of them.

Rules of this file:
- coefficients are integers; terms are sorted by name and never zero, so equal functions are equal values;
- the only non-linear atom is ``rotate(f, n)`` = f mod n, the slot of a multi-buffered tensor;
- nothing here knows about tensors, loops or memories.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rotation:
    """The atom ``rotate(value, modulus)``: ``value`` modulo ``modulus``, with ``value >= 0``."""

    value: Affine
    modulus: int


@dataclass(frozen=True, slots=True)
class Affine:
    """``sum(coefficient * iterator) + sum(coefficient * rotation) + constant``.

    Build with :func:`affine`, :func:`variable` or :func:`constant`; the constructor trusts its arguments to be
    normal (sorted by name, no zero coefficients).
    """

    terms: tuple[tuple[str, int], ...] = ()
    constant: int = 0
    rotations: tuple[tuple[Rotation, int], ...] = ()

    @property
    def is_constant(self) -> bool:
        return not self.terms and not self.rotations

    @property
    def names(self) -> frozenset[str]:
        """Iterators the function depends on, those inside rotations included."""
        inner = (rotation.value.names for rotation, _ in self.rotations)
        return frozenset(name for name, _ in self.terms).union(*inner)

    def coefficient(self, name: str) -> int:
        """Linear coefficient of ``name`` (0 where absent; rotations are not looked into)."""
        for term, value in self.terms:
            if term == name:
                return value
        return 0

    def __add__(self, other: Affine | int) -> Affine:
        if isinstance(other, int):
            return Affine(self.terms, self.constant + other, self.rotations)
        if not other.terms and not other.rotations:
            return Affine(self.terms, self.constant + other.constant, self.rotations)
        if not self.terms and not self.rotations:
            return Affine(other.terms, self.constant + other.constant, other.rotations)
        return affine(
            [*self.terms, *other.terms],
            self.constant + other.constant,
            [*self.rotations, *other.rotations],
        )

    def __mul__(self, factor: int) -> Affine:
        if factor == 1:
            return self
        if factor and not self.rotations:
            return Affine(tuple((name, value * factor) for name, value in self.terms), self.constant * factor)
        return affine(
            [(name, value * factor) for name, value in self.terms],
            self.constant * factor,
            [(rotation, value * factor) for rotation, value in self.rotations],
        )

    def __neg__(self) -> Affine:
        return self * -1

    def __sub__(self, other: Affine | int) -> Affine:
        return self + (-other)


def affine(
    terms: abc.Iterable[tuple[str, int]] = (),
    constant: int = 0,
    rotations: abc.Iterable[tuple[Rotation, int]] = (),
) -> Affine:
    """The normal form of a sum: like terms added, zeros dropped, sorted by name."""
    linear: dict[str, int] = {}
    for name, value in terms:
        linear[name] = linear.get(name, 0) + value
    rotating: dict[Rotation, int] = {}
    for rotation, value in rotations:
        rotating[rotation] = rotating.get(rotation, 0) + value
    return Affine(
        tuple(sorted([(name, value) for name, value in linear.items() if value])),
        constant,
        tuple(sorted(((r, v) for r, v in rotating.items() if v), key=lambda item: repr(item[0]))) if rotating else (),
    )


def variable(name: str, coefficient: int = 1) -> Affine:
    """``coefficient * name``."""
    return Affine(((name, coefficient),)) if coefficient else Affine()


def constant(value: int) -> Affine:
    """The function that is ``value`` everywhere."""
    return Affine((), value)


def rotate(value: Affine, modulus: int) -> Affine:
    """``value`` modulo ``modulus``; folds when the value is constant or the modulus is 1."""
    if modulus == 1:
        return Affine()
    if value.is_constant:
        return Affine((), value.constant % modulus)
    return Affine((), 0, ((Rotation(value, modulus), 1),))


def evaluate(function: Affine, point: abc.Mapping[str, int]) -> int:
    """Value of ``function`` at ``point``, which must name every iterator of it."""
    total = function.constant
    for name, coefficient in function.terms:
        total += coefficient * point[name]
    for rotation, coefficient in function.rotations:
        total += coefficient * (evaluate(rotation.value, point) % rotation.modulus)
    return total


def substitute(function: Affine, replacements: abc.Mapping[str, Affine]) -> Affine:
    """``function`` with each named iterator replaced; names not mentioned stay."""
    result = Affine((), function.constant)
    for name, coefficient in function.terms:
        replacement = replacements.get(name)
        result = result + (variable(name, coefficient) if replacement is None else replacement * coefficient)
    for rotation, coefficient in function.rotations:
        result = result + rotate(substitute(rotation.value, replacements), rotation.modulus) * coefficient
    return result


@dataclass(frozen=True, slots=True)
class AccessMap:
    """A tuple of affine functions: iterators to one index per tensor axis."""

    results: tuple[Affine, ...]


@dataclass(frozen=True, slots=True)
class Extent:
    """A trip count or a window size: the minimum of one or more affine functions, never below zero."""

    bounds: tuple[Affine, ...]

    @property
    def is_constant(self) -> bool:
        return all(bound.is_constant for bound in self.bounds)

    @property
    def names(self) -> frozenset[str]:
        return frozenset().union(*(bound.names for bound in self.bounds))


def extent(*bounds: Affine | int) -> Extent:
    """The minimum of ``bounds``; constants are folded into one, which comes first; duplicates are dropped."""
    if len(bounds) == 1:
        only = bounds[0]
        return Extent((constant(only) if isinstance(only, int) else only,))
    functions = [constant(bound) if isinstance(bound, int) else bound for bound in bounds]
    constants = [function.constant for function in functions if function.is_constant]
    rest = tuple(dict.fromkeys(function for function in functions if not function.is_constant))
    first = (constant(min(constants)),) if constants else ()
    return Extent(first + rest)


def evaluate_extent(value: Extent, point: abc.Mapping[str, int]) -> int:
    """Value of the minimum at ``point``, at least 0."""
    return max(0, min(evaluate(bound, point) for bound in value.bounds))


def substitute_extent(value: Extent, replacements: abc.Mapping[str, Affine]) -> Extent:
    """``value`` with iterators replaced in every bound."""
    return extent(*(substitute(bound, replacements) for bound in value.bounds))
