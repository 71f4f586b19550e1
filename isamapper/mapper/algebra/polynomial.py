"""Scalar values as polynomials: monomial to coefficient, with opaque functions as atoms.

    (a - b) * (a - b)   is   {a**2: 1, a*b: -2, b**2: 1}

Rules of this file:
- atoms are expressions that are no sum, difference, product or negation: loads, casts, exp(...), x / y;
- coefficients are integers; a literal that is no whole number stays an atom, so no rounding of literals is anticipated;
- the ring laws hold for floats as real arithmetic, for integers exactly (they wrap).

What does not belong here: other operators' normal forms (``terms.py``).
"""

from __future__ import annotations

from collections import abc
from typing import TypeAlias

from isamapper.ir.nodes import Binary, BinaryOp, Constant, Expression, Unary, UnaryOp
from isamapper.ir.types import DType

Monomial: TypeAlias = tuple[tuple[Expression, int], ...]
"""Atoms with their powers, in order of first occurrence in the whole value."""
Polynomial: TypeAlias = dict[Monomial, int]

DEGREE = 8
"""A value of higher degree stays an atom: nothing gains from more factors, and expansion is exponential in them."""
TERMS = 64
"""A product that would have more monomials stays an atom, for the same reason."""


def polynomial_of(value: Expression) -> Polynomial:
    """The normal form of ``value``; monomials in the order in which they arise."""
    order: dict[Expression, int] = {}
    return _polynomial(value, order)


def _polynomial(value: Expression, order: dict[Expression, int]) -> Polynomial:
    match value:
        case Constant(number) if number == int(number):
            return {(): int(number)} if number else {}
        case Unary(UnaryOp.NEG, operand):
            return _scaled(_polynomial(operand, order), -1)
        case Binary(BinaryOp.ADD, left, right):
            return _sum(_polynomial(left, order), _polynomial(right, order))
        case Binary(BinaryOp.SUB, left, right):
            return _sum(_polynomial(left, order), _scaled(_polynomial(right, order), -1))
        case Binary(BinaryOp.MUL, left, right):
            product = _product(_polynomial(left, order), _polynomial(right, order), order)
            if product is not None:
                return product
    order.setdefault(value, len(order))
    return {((value, 1),): 1}


def _scaled(polynomial: Polynomial, factor: int) -> Polynomial:
    return {monomial: coefficient * factor for monomial, coefficient in polynomial.items()}


def _sum(left: Polynomial, right: Polynomial) -> Polynomial:
    total = dict(left)
    for monomial, coefficient in right.items():
        total[monomial] = total.get(monomial, 0) + coefficient
    return {monomial: coefficient for monomial, coefficient in total.items() if coefficient}


def _product(left: Polynomial, right: Polynomial, order: dict[Expression, int]) -> Polynomial | None:
    """The product, or None where it is larger than anything is gained from."""
    if len(left) * len(right) > TERMS:
        return None
    total: Polynomial = {}
    for one, first in left.items():
        for other, second in right.items():
            monomial = _joined(one, other, order)
            if degree(monomial) > DEGREE:
                return None
            total[monomial] = total.get(monomial, 0) + first * second
    return {monomial: coefficient for monomial, coefficient in total.items() if coefficient}


def _joined(one: Monomial, other: Monomial, order: dict[Expression, int]) -> Monomial:
    powers = dict(one)
    for atom, power in other:
        powers[atom] = powers.get(atom, 0) + power
    return tuple(sorted(powers.items(), key=lambda item: order[item[0]]))


def degree(monomial: Monomial) -> int:
    """The number of factors."""
    return sum(power for _, power in monomial)


def factors(monomial: Monomial) -> tuple[Expression, ...]:
    """Its atoms, each as often as its power says."""
    return tuple(atom for atom, power in monomial for _ in range(power))


def product_of(parts: abc.Sequence[Expression]) -> Expression:
    """The product of one or more expressions, from left to right."""
    result = parts[0]
    for part in parts[1:]:
        result = Binary(BinaryOp.MUL, result, part)
    return result


def linear_combination(parts: abc.Iterable[tuple[Expression, int]], dtype: DType) -> Expression:
    """``c0 * x0 + c1 * x1 - ...``; a positive part goes first where there is one. Zero for no parts."""
    ordered = sorted(parts, key=lambda part: part[1] < 0)
    result: Expression | None = None
    for value, coefficient in ordered:
        size = abs(coefficient)
        term = value if size == 1 else Binary(BinaryOp.MUL, value, literal(size, dtype))
        if result is None:
            result = Unary(UnaryOp.NEG, term) if coefficient < 0 else term
        else:
            result = Binary(BinaryOp.ADD if coefficient > 0 else BinaryOp.SUB, result, term)
    return literal(0, dtype) if result is None else result


def literal(value: int, dtype: DType) -> Constant:
    """The whole number as a constant of ``dtype``."""
    return Constant(float(value) if dtype.is_float else value, dtype)
