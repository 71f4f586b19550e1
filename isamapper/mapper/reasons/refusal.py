"""Why a statement does not map on one instruction: the first condition that fails, in words, with the cheapest edit.

``progress`` counts how far it came, so that of several statements the nearest miss can be chosen.
"""

from __future__ import annotations

from isamapper.diagnostics.source import Rejection, Span
from isamapper.hwdesc.model import Instruction
from isamapper.ir.analysis import statements
from isamapper.ir.types import integer_range
from isamapper.mapper.algebra.terms import Leaf, Node, Setting, Term
from isamapper.mapper.matching.difference import Difference, Kind, differences
from isamapper.mapper.matching.match import enumerate_mappings
from isamapper.mapper.matching.needle import Needle, needle_of
from isamapper.mapper.matching.sigma import Subject, is_plain, matches
from isamapper.mapper.matching.unify import unify
from isamapper.mapper.matching.views import explicit_view
from isamapper.mapper.ranges import fits, magnitude_bits, tensor_ranges
from isamapper.mapper.reasons.retyping import Retyping, retyping
from isamapper.mapper.reasons.words import foreign_operators, in_words, operator_text, term_text
from isamapper.mapper.rewrites.edit import spans

_RANK = {
    Kind.OPERATOR: 3,
    Kind.MISSING: 4,
    Kind.EXTRA: 5,
    Kind.CONSTANT: 6,
    Kind.DTYPE: 7,
    Kind.WIDTH: 7,
}


def refusal(subject: Subject, instruction: Instruction) -> Rejection | None:
    """The first condition that fails; None where the statement maps."""
    needle = needle_of(instruction)
    if needle is None:
        count = len(statements(instruction.semantics))
        reason = f"'{instruction.name}' does {count} statements together, this one alone is not what it does"
        return Rejection("MAP001", instruction.name, reason, places(instruction, subject), progress=0)
    if next(enumerate_mappings(subject, needle, twins=True), None) is not None:
        return None
    if not is_plain(needle):
        reason = f"'{instruction.name}' has a guard or an order of its own"
        return Rejection("MAP002", instruction.name, reason, places(instruction, subject), progress=1)
    return _expression(subject, instruction, needle) or _accesses(subject, instruction, needle)


def places(instruction: Instruction, subject: Subject) -> tuple[Span, ...]:
    """The statement in the kernel, then the instruction."""
    found = statements(instruction.semantics)
    inside = spans(found[0].assign) if found else ()
    own = () if instruction.span is None else (instruction.span,)
    return (*spans(subject.statement.assign), *(inside or own))


def _expression(subject: Subject, instruction: Instruction, needle: Needle) -> Rejection | None:
    """The least difference of the two expressions, reductions and results included."""
    name, where = instruction.name, places(instruction, subject)
    found, wanted = subject.view, needle.view
    term = found.term
    if not isinstance(wanted.term, Node) and wanted.reduction is found.reduction is None and isinstance(term, Node):
        what = "only moves data" if isinstance(wanted.term, Leaf) else f"only fills with {term_text(wanted.term, ())}"
        reason = f"'{name}' {what}; the kernel computes {operator_text(term)}"
        return Rejection("MAP004", name, reason, where, progress=5)
    if found.reduction is not None and wanted.reduction is None:
        explicit = explicit_view(found, subject.statement)
        assert explicit is not None
        term = explicit.term
        if differences(wanted.term, term):
            what = _overwrites(wanted.term, found.term)
            reason = f"'{name}' {what}; the kernel accumulates with '{found.reduction.value}='"
            return Rejection("MAP003", name, reason, where, progress=20 if isinstance(wanted.term, Node) else 5)
    elif found.reduction is not None and found.reduction is not wanted.reduction:
        assert wanted.reduction is not None
        reason = f"'{name}' reduces with '{wanted.reduction.value}=', the kernel with '{found.reduction.value}='"
        return Rejection("MAP003", name, reason, where, progress=20)
    missing = sorted(differences(wanted.term, term), key=lambda one: _RANK[one.kind])
    anew = retyping(subject, needle, term)
    wide = bool(missing) and missing[0].kind is Kind.WIDTH and missing[0].needle.dtype.is_integer
    if missing and (anew is None or wide):
        return _difference(subject, instruction, needle, missing[0], len(missing), term)
    return None if anew is None else _types(subject, needle, anew, name, where, len(missing))


def _overwrites(wanted: Term, found: Term) -> str:
    """What an instruction does that keeps nothing of its result, with what the kernel has none of."""
    if not isinstance(wanted, Node):
        return "only moves or fills"
    others = foreign_operators(wanted, found)
    return f"computes {in_words(others)} and overwrites its result" if others else "overwrites its result"


def _types(
    subject: Subject, needle: Needle, anew: Retyping, name: str, where: tuple[Span, ...], count: int
) -> Rejection:
    """The data types alone differ: every declaration to change, and the casts to write."""
    present = {tensor.name: tensor.dtype for tensor in subject.tensors}
    wanted = dict(anew.types)
    tensors = tuple(access.tensor for access in subject.statement.accesses)
    result = tensors[0]
    types = {dtype: [each for each, other in anew.types if other == dtype] for _, dtype in anew.types}
    edit = ", ".join(f"{in_words([repr(each) for each in names])} as {dtype}" for dtype, names in types.items())
    edits = [f"declare {edit}"] if edit else []
    if anew.value is not None:
        edits.append(f"write '{term_text(anew.value, tensors)}'")
    if anew.tensor not in wanted:
        text = term_text(needle.view.term, _operands(needle))
        reason = f"'{name}' computes '{text}' with other conversions than the kernel"
    elif anew.tensor == result:
        reason = f"the result of '{name}' is {wanted[result]}, the kernel's '{result}' is {present[result]}"
    else:
        reason = (
            f"operand '{anew.operand}' of '{name}' is {wanted[anew.tensor]}, "
            f"the kernel's '{anew.tensor}' is {present[anew.tensor]}"
        )
    return Rejection("MAP005", name, reason, where, " and ".join(edits), 75 - min(len(anew.types) + count, 9))


def _operands(needle: Needle) -> tuple[str, ...]:
    return tuple(access.tensor for access in needle.statement.accesses)


def _difference(
    subject: Subject, instruction: Instruction, needle: Needle, one: Difference, count: int, term: Term
) -> Rejection:
    name, where = instruction.name, places(instruction, subject)
    inside = tuple(access.tensor for access in needle.statement.accesses)
    outside = tuple(access.tensor for access in subject.statement.accesses)
    beyond = foreign_operators(needle.view.term, term)
    progress = 10 * _RANK[one.kind] - min(count, 9)
    match one.kind:
        case Kind.OPERATOR if beyond and not foreign_operators(term, needle.view.term):
            reason = f"'{name}' also computes {in_words(beyond)}, which the kernel does not"
            return Rejection("MAP004", name, reason, where, progress=progress)
        case Kind.OPERATOR:
            reason = f"'{name}' computes {operator_text(one.needle)} where the kernel has {operator_text(one.subject)}"
            return Rejection("MAP004", name, reason, where, progress=progress)
        case Kind.MISSING:
            reason = (
                f"'{name}' also computes {in_words(beyond or (operator_text(one.needle),))}, which the kernel does not"
            )
            return Rejection("MAP004", name, reason, where, _neutral(one, outside), progress)
        case Kind.EXTRA:
            if isinstance(one.needle, Node) and isinstance(one.subject, Node):
                return _chain(one.needle, one.subject, name, where, progress)
            text = term_text(one.subject, outside)
            reason = f"the kernel computes {operator_text(one.subject)} where '{name}' takes an operand"
            edit = f"compute '{text}' in a statement of its own"
            return Rejection("MAP004", name, reason, where, edit, progress)
        case Kind.CONSTANT if isinstance(one.needle, Setting):
            limits = f"{one.needle.low} to {one.needle.high}"
            text = term_text(one.subject, outside)
            reason = f"parameter '{one.needle.parameter}' of '{name}' takes {limits}; the kernel has '{text}' there"
            return Rejection("MAP006", name, reason, where, progress=progress)
        case Kind.CONSTANT:
            reason = (
                f"'{name}' has the constant {term_text(one.needle, inside)} "
                f"where the kernel has '{term_text(one.subject, outside)}'"
            )
            return Rejection("MAP006", name, reason, where, progress=progress)
        case Kind.DTYPE:
            return _dtype(one, name, where, inside, outside, progress)
        case Kind.WIDTH:
            return _width(subject, one, name, where, inside, outside, progress)


def _neutral(one: Difference, outside: tuple[str, ...]) -> str | None:
    """A product by one, a sum with zero: the instruction's further operand is filled with what changes nothing."""
    needle = one.needle
    if not isinstance(needle, Node) or needle.op not in ("*", "+") or len(needle.parts) != 2:
        return None
    fits = any(
        next(unify(part, one.subject), None) is not None and _takes_constants(other)
        for part, other in (needle.parts, needle.parts[::-1])
    )
    identity = "1" if needle.op == "*" else "0"
    return f"write '{term_text(one.subject, outside)} {needle.op} {identity}'" if fits else None


def _takes_constants(part: Term) -> bool:
    return isinstance(part, Leaf) or (isinstance(part, Node) and part.op == "cast" and isinstance(part.parts[0], Leaf))


def _chain(needle: Node, subject: Node, name: str, where: tuple[Span, ...], progress: int) -> Rejection:
    """One operator, more values than the instruction joins."""
    many, few = len(subject.parts), len(needle.parts)
    reason = f"the kernel joins {many} values with '{subject.op}', '{name}' joins {few}"
    return Rejection("MAP004", name, reason, where, f"join {few} in a statement of their own first", progress)


def _dtype(
    one: Difference,
    name: str,
    where: tuple[Span, ...],
    inside: tuple[str, ...],
    outside: tuple[str, ...],
    progress: int,
) -> Rejection:
    wanted, found = one.needle.dtype, one.subject.dtype
    if isinstance(one.needle, Leaf) and isinstance(one.subject, Leaf):
        operand, tensor = inside[max(one.needle.access, 0)], outside[max(one.subject.access, 0)]
        reason = f"operand '{operand}' of '{name}' is {wanted}, the kernel's '{tensor}' is {found}"
        return Rejection("MAP005", name, reason, where, f"declare '{tensor}' as {wanted}", progress)
    reason = f"'{name}' works on {wanted} where the kernel has '{term_text(one.subject, outside)}' of {found}"
    return Rejection("MAP005", name, reason, where, f"compute in {wanted}", progress)


def _width(
    subject: Subject,
    one: Difference,
    name: str,
    where: tuple[Span, ...],
    inside: tuple[str, ...],
    outside: tuple[str, ...],
    progress: int,
) -> Rejection:
    assert isinstance(one.needle, Node) and isinstance(one.subject, Leaf)
    narrow = one.needle.parts[0]
    operand = inside[narrow.access] if isinstance(narrow, Leaf) else name
    tensor = outside[max(one.subject.access, 0)]
    value = tensor_ranges(subject.kernel).get(tensor)
    if value is None or not narrow.dtype.is_integer:
        reason = f"operand '{operand}' of '{name}' is {narrow.dtype}, '{tensor}' is {one.subject.dtype} already"
        return Rejection("MAP007", name, reason, where, f"convert '{tensor}' to {narrow.dtype}", progress)
    if fits(value, narrow.dtype):
        reason = f"'{tensor}' is {one.subject.dtype}, but its values {_text(value)} fit operand '{operand}' of '{name}'"
        return Rejection("MAP007", name, reason, where, f"declare '{tensor}' as {narrow.dtype}", progress + 1)
    bits = magnitude_bits(value)
    local = any(each.name == tensor and each.direction.value == "local" for each in subject.tensors)
    what = f"{bits}-bit intermediate" if local else f"{bits}-bit tensor"
    reason = (
        f"the {what} '{tensor}' ({_text(value)}: {_bits(value)}) does not fit operand '{operand}' of '{name}', "
        f"which is {narrow.dtype} ({_bits(integer_range(narrow.dtype))})"
    )
    return Rejection("MAP007", name, reason, where, f"convert '{tensor}' to {narrow.dtype} explicitly", progress)


def _bits(value: tuple[int, int]) -> str:
    """What a range needs: ``18 bits and a sign``."""
    return f"{magnitude_bits(value)} bits" + (" and a sign" if value[0] < 0 else "")


def _text(value: tuple[int, int]) -> str:
    return f"{value[0]} to {value[1]}"


def _accesses(subject: Subject, instruction: Instruction, needle: Needle) -> Rejection:
    """The expressions match, the accesses do not."""
    name, where = instruction.name, places(instruction, subject)
    found = next(matches(subject, needle), None)
    if found is None:
        repeated = sorted({a.tensor for a in needle.statement.accesses if _count(needle, a.tensor) > 1})
        what = ", ".join(f"'{each}'" for each in repeated) or "an operand"
        reason = f"'{name}' reads {what} more than once, the kernel different elements there"
        return Rejection("MAP008", name, reason, where, progress=80)
    exact = sorted(found.padding.exact_only)
    if exact:
        what = " and ".join(f"'{each}'" for each in exact)
        reason = f"no value pads {what} of '{name}': the kernel's extents must fill it exactly, and they do not"
        return Rejection("MAP009", name, reason, where, "choose extents that divide", 90)
    reason = f"every way to lay the kernel's iterators in '{name}' takes one operand element for two"
    return Rejection("MAP010", name, reason, where, progress=85)


def _count(needle: Needle, tensor: str) -> int:
    return sum(access.tensor == tensor for access in needle.statement.accesses)
