"""The mapper's terms against sympy: expressions that it takes for equal are equal as formulas."""

from __future__ import annotations

import random

import sympy

from isamapper.ir.affine import AccessMap
from isamapper.ir.nodes import Access, Binary, BinaryOp, Constant, Expression, Load, Tensor, Unary, UnaryOp
from isamapper.ir.types import DTYPES
from isamapper.mapper.algebra.terms import term_of

F32 = DTYPES["f32"]
NAMES = ("a", "b", "c", "d")
TENSORS = {name: Tensor(name, F32, ()) for name in NAMES}
ATOMS = {name: sympy.Symbol(name) for name in NAMES}


def random_expression(rng: random.Random, depth: int) -> Expression:
    if depth == 0 or rng.random() < 0.2:
        if rng.random() < 0.2:
            return Constant(float(rng.randint(-2, 2)), F32)
        return Load(Access(rng.choice(NAMES), AccessMap(())))
    if rng.random() < 0.15:
        return Unary(UnaryOp.NEG, random_expression(rng, depth - 1))
    op = rng.choice((BinaryOp.ADD, BinaryOp.SUB, BinaryOp.MUL))
    return Binary(op, random_expression(rng, depth - 1), random_expression(rng, depth - 1))


def formula(expression: Expression) -> sympy.Expr:
    match expression:
        case Constant(value):
            return sympy.Integer(int(value))
        case Load(access):
            return ATOMS[access.tensor]
        case Unary(_, operand):
            return -formula(operand)
        case Binary(op, left, right):
            one, other = formula(left), formula(right)
            return {BinaryOp.ADD: one + other, BinaryOp.SUB: one - other, BinaryOp.MUL: one * other}[op]
    raise AssertionError(expression)


def structure(expression: Expression) -> str:
    """The term with its leaves named by tensor, parts of commutative operators in one order."""

    tensor_of = dict(enumerate(_loads(expression), 1))

    def text(term: object) -> str:
        parts = getattr(term, "parts", None)
        if parts is None:
            access = getattr(term, "access", None)
            return tensor_of[access] if access is not None else repr(getattr(term, "value", term))
        inner = [text(part) for part in parts]
        op = str(getattr(term, "op", ""))
        return f"{op}({', '.join(sorted(inner) if op in ('+', '*') else inner)})"

    return text(term_of(expression, TENSORS))


def _loads(expression: Expression) -> list[str]:
    match expression:
        case Load(access):
            return [access.tensor]
        case Unary(_, operand):
            return _loads(operand)
        case Binary(_, left, right):
            return _loads(left) + _loads(right)
    return []


def test_terms_that_agree_are_equal_formulas() -> None:
    rng = random.Random(7)
    known: dict[str, sympy.Expr] = {}
    met_again = 0
    for _ in range(1500):
        expression = random_expression(rng, 3)
        key, value = structure(expression), sympy.expand(formula(expression))
        if key in known:
            met_again += 1
            assert sympy.expand(known[key] - value) == 0, key
        known[key] = value
    assert met_again > 100
