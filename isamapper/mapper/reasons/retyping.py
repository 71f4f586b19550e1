"""Which tensors would have to be declared with other data types for a statement to match an instruction.

Data types and casts are left out of both expressions; what then matches differs in nothing else. What does not belong
here: differences of operators (``difference.py``), what values a type can hold (``ranges.py``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice

from isamapper.ir.types import DTYPES, DType
from isamapper.mapper.algebra.terms import ASSOCIATIVE, Leaf, Literal, Node, Setting, Term, leaves
from isamapper.mapper.matching.needle import Needle
from isamapper.mapper.matching.sigma import Subject, target_tensor
from isamapper.mapper.matching.unify import Binding, unify

CONSIDERED = 64
"""Ways to pair operands with tensors among which the one with the fewest new types is chosen."""

_ANY = DTYPES["f64"]


@dataclass(frozen=True, slots=True)
class Retyping:
    """The tensors to declare anew, in order of access, and the value to write where casts must change, too.

    ``operand`` (the instruction's) and ``tensor`` (the kernel's) are the first pair of different types.
    """

    types: tuple[tuple[str, DType], ...]
    value: Term | None
    operand: str
    tensor: str


def retyping(subject: Subject, needle: Needle, term: Term) -> Retyping | None:
    """The fewest new types that make the statement's value ``term`` the needle's; None where more differs."""
    pairs = islice(unify(_untyped(needle.view.term), _untyped(term)), CONSIDERED)
    found = [each for binding in pairs if (each := _retyping(subject, needle, term, binding)) is not None]
    return min(found, key=lambda each: (len(each.types), each.value is not None), default=None)


def _retyping(subject: Subject, needle: Needle, term: Term, binding: Binding) -> Retyping | None:
    accesses = subject.statement.accesses
    present = {tensor.name: tensor.dtype for tensor in subject.tensors}
    wanted = {accesses[0].tensor: target_tensor(needle.statement, needle.tensors).dtype}
    operands = {accesses[0].tensor: needle.statement.accesses[0].tensor}
    typed = {leaf.access: leaf.dtype for leaf in leaves(needle.view.term)}
    for key, taken in binding.items():
        if not isinstance(key, int) or not isinstance(taken, Leaf) or taken.access < 0 or key < 0:
            continue
        name = accesses[taken.access].tensor
        if wanted.setdefault(name, typed[key]) != typed[key]:
            return None  # one tensor in two types
        operands.setdefault(name, needle.statement.accesses[key].tensor)
    order = dict.fromkeys((*(access.tensor for access in accesses[1:]), accesses[0].tensor))
    types = tuple((name, wanted[name]) for name in order if name in wanted and wanted[name] != present[name])
    value = _value(needle.view.term, binding)
    anew = _retyped(term, {place: wanted.get(access.tensor) for place, access in enumerate(accesses)})
    rewritten = None if next(unify(needle.view.term, anew), None) is not None else value
    if not types and rewritten is None:
        return None
    first = types[0][0] if types else accesses[0].tensor
    return Retyping(types, rewritten, operands[first], first)


def _untyped(term: Term) -> Term:
    """The term with one data type everywhere and without casts, chains flattened anew."""
    match term:
        case Node("cast", _, (inner,)):
            return _untyped(inner)
        case Node(op, _, parts):
            plain = [_untyped(part) for part in parts]
            if op in ASSOCIATIVE:
                plain = [each for part in plain for each in _flat(part, op)]
            return Node(op, _ANY, tuple(plain))
        case Literal(value):
            return Literal(float(value), _ANY)
        case Leaf() | Setting():
            return replace(term, dtype=_ANY)


def _flat(part: Term, op: str) -> tuple[Term, ...]:
    return part.parts if isinstance(part, Node) and part.op == op else (part,)


def _retyped(term: Term, dtypes: dict[int, DType | None]) -> Term:
    """The term with leaves of new types; casts that change nothing go, operators take the type of their parts."""
    match term:
        case Leaf(access, dtype):
            return Leaf(access, dtypes.get(max(access, 0)) or dtype)
        case Node("cast", dtype, (inner,)):
            part = _retyped(inner, dtypes)
            return part if part.dtype == dtype else Node("cast", dtype, (part,))
        case Node(op, _, parts):
            anew = tuple(_retyped(part, dtypes) for part in parts)
            return Node(op, anew[0].dtype, anew)
        case _:
            return term


def _value(needle: Term, binding: Binding) -> Term:
    """The needle's value with what the kernel has in place of operands."""
    match needle:
        case Leaf(access):
            taken = binding.get(access, needle)
            return replace(taken, dtype=needle.dtype)
        case Setting(parameter):
            return binding.get(parameter, needle)
        case Node(op, dtype, parts):
            return Node(op, dtype, tuple(_value(part, binding) for part in parts))
        case _:
            return needle
