"""Compiled index arithmetic: affine functions, extents and conditions at the present loop counters."""

from __future__ import annotations

from collections import abc

from isamapper.ir.affine import Affine, Extent
from isamapper.ir.nodes import Constraint
from isamapper.sim.compiled.text import Function, Truth, Value

Scope = abc.Mapping[str, Value]
"""Iterators in scope with their values, outermost first."""


def affine_value(fn: Function, function: Affine, scope: Scope, scale: int = 1, offset: int = 0) -> Value:
    """``scale * function + offset``; terms of outer loops first, so that they leave inner loops."""
    coefficients = dict(function.terms)
    total: Value = function.constant * scale + offset
    for name, value in scope.items():
        if name in coefficients:
            total = fn.add(total, fn.mul(value, coefficients[name] * scale))
    for rotation, coefficient in function.rotations:
        slot = fn.modulo(affine_value(fn, rotation.value, scope), rotation.modulus)
        total = fn.add(total, fn.mul(slot, coefficient * scale))
    return total


def extent_value(fn: Function, extent: Extent, scope: Scope) -> Value:
    """The minimum of the bounds, at least 0."""
    bounds = [affine_value(fn, bound, scope) for bound in extent.bounds]
    return fn.maximum(0, fn.minimum(*bounds))


def conditions_hold(fn: Function, conditions: abc.Iterable[Constraint], scope: Scope) -> Truth:
    """Whether all conditions hold."""
    found: Truth = True
    for condition in conditions:
        value = affine_value(fn, condition.function, scope)
        holds = fn.equal(value, 0) if condition.equality else fn.at_most(0, value)
        found = fn.both(found, holds)
    return found
