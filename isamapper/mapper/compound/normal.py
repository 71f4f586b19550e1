"""The form in which values of statements are compared, beyond the normal form of expressions (``mapper/terms.py``).

Rules of this file:
- constants of one sum, product, least or greatest value are one, and go where they change nothing;
- all of it is exact in the data types; what is left keeps its leaves, each at most once.

What does not belong here: comparing two values (``match.py``).
"""

from __future__ import annotations

from dataclasses import replace

from isamapper.ir import numeric
from isamapper.ir.analysis import Statement
from isamapper.ir.nodes import BinaryOp, Tensor
from isamapper.mapper.terms import ASSOCIATIVE, Literal, Node, Term, identity_of
from isamapper.mapper.views import View, natural_view


def normal_view(statement: Statement, tensors: tuple[Tensor, ...]) -> View:
    """What a statement computes, in the form that is compared."""
    view = natural_view(statement, tensors)
    term = normal(view.term)
    return view if term == view.term else replace(view, term=term)


def normal(term: Term) -> Term:
    """``term`` with its constants put together; the same object where there is nothing to do."""
    if not isinstance(term, Node):
        return term
    parts = tuple(normal(part) for part in term.parts)
    made = term if all(a is b for a, b in zip(parts, term.parts, strict=True)) else replace(term, parts=parts)
    return _gathered(made) if made.op in ASSOCIATIVE else made


def _gathered(node: Node) -> Term:
    """An associative operator with one constant at most, and flat."""
    flat = [inner for part in node.parts for inner in _flat(part, node)]
    constants = [part for part in flat if isinstance(part, Literal)]
    if len(flat) == len(node.parts) and len(constants) < 2 and not any(_is_neutral(each, node) for each in constants):
        return node
    rest: list[Term] = [part for part in flat if not isinstance(part, Literal)]
    if constants:
        total = constants[0]
        for each in constants[1:]:
            total = _joined(node, total, each)
        if not rest or not _is_neutral(total, node):
            rest.append(total)
    return rest[0] if len(rest) == 1 else replace(node, parts=tuple(rest))


def _flat(part: Term, node: Node) -> tuple[Term, ...]:
    return part.parts if isinstance(part, Node) and (part.op, part.dtype) == (node.op, node.dtype) else (part,)


def _is_neutral(constant: Literal, node: Node) -> bool:
    return constant.value == identity_of(node.op, node.dtype)


def _joined(node: Node, one: Literal, other: Literal) -> Literal:
    with numeric.quiet():
        left, right = (numeric.constant(each.value, node.dtype) for each in (one, other))
        return Literal(numeric.binary(BinaryOp(node.op), node.dtype)(left, right).item(), node.dtype)
