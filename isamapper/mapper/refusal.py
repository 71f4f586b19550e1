"""Why a statement does not map on one instruction: the first condition that fails, in words, with the cheapest edit.

``progress`` counts how far it came, so that of several statements the nearest miss can be chosen.
"""

from __future__ import annotations

from isamapper.diagnostics.source import Rejection, Span
from isamapper.hwdesc.model import Instruction
from isamapper.ir.analysis import statements
from isamapper.ir.types import integer_range
from isamapper.mapper.difference import Difference, Kind, differences
from isamapper.mapper.match import enumerate_mappings
from isamapper.mapper.needle import Needle, needle_of
from isamapper.mapper.ranges import fits, magnitude_bits, tensor_ranges
from isamapper.mapper.rewrites.edit import spans
from isamapper.mapper.sigma import Subject, is_plain, matches, target_tensor
from isamapper.mapper.terms import Leaf, Node, Setting
from isamapper.mapper.views import explicit_view
from isamapper.mapper.words import operator_text, term_text

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
        return Rejection("MAP001", instruction.name, reason, _places(instruction, subject), progress=0)
    if next(enumerate_mappings(subject, needle, twins=True), None) is not None:
        return None
    if not is_plain(needle):
        reason = f"'{instruction.name}' has a guard or an order of its own"
        return Rejection("MAP002", instruction.name, reason, _places(instruction, subject), progress=1)
    return _expression(subject, instruction, needle) or _accesses(subject, instruction, needle)


def _places(instruction: Instruction, subject: Subject) -> tuple[Span, ...]:
    """The statement in the kernel, then the instruction."""
    found = statements(instruction.semantics)
    inside = spans(found[0].assign) if found else ()
    own = () if instruction.span is None else (instruction.span,)
    return (*spans(subject.statement.assign), *(inside or own))


def _expression(subject: Subject, instruction: Instruction, needle: Needle) -> Rejection | None:
    """The least difference of the two expressions, reductions and results included."""
    name, where = instruction.name, _places(instruction, subject)
    found, wanted = subject.view, needle.view
    term = found.term
    if found.reduction is not None and wanted.reduction is None:
        explicit = explicit_view(found, subject.statement)
        assert explicit is not None
        term = explicit.term
        if differences(wanted.term, term):
            what = "overwrites its result" if isinstance(wanted.term, Node) else "only moves or fills"
            reason = f"'{name}' {what}; the kernel accumulates with '{found.reduction.value}='"
            return Rejection("MAP003", name, reason, where, progress=20)
    elif found.reduction is not None and found.reduction is not wanted.reduction:
        assert wanted.reduction is not None
        reason = f"'{name}' reduces with '{wanted.reduction.value}=', the kernel with '{found.reduction.value}='"
        return Rejection("MAP003", name, reason, where, progress=20)
    missing = sorted(differences(wanted.term, term), key=lambda one: _RANK[one.kind])
    if missing:
        return _difference(subject, instruction, needle, missing[0], len(missing))
    target, operand = target_tensor(subject.statement, subject.tensors), target_tensor(needle.statement, needle.tensors)
    if target.dtype != operand.dtype:
        reason = f"the result of '{name}' is {operand.dtype}, the kernel's '{target.name}' is {target.dtype}"
        edit = f"declare '{target.name}' as {operand.dtype}"
        return Rejection("MAP005", name, reason, where, edit, 75)
    return None


def _difference(subject: Subject, instruction: Instruction, needle: Needle, one: Difference, count: int) -> Rejection:
    name, where = instruction.name, _places(instruction, subject)
    inside = tuple(access.tensor for access in needle.statement.accesses)
    outside = tuple(access.tensor for access in subject.statement.accesses)
    progress = 10 * _RANK[one.kind] - min(count, 9)
    match one.kind:
        case Kind.OPERATOR:
            reason = f"'{name}' computes {operator_text(one.needle)} where the kernel has {operator_text(one.subject)}"
            return Rejection("MAP004", name, reason, where, progress=progress)
        case Kind.MISSING:
            reason = f"'{name}' also computes {operator_text(one.needle)}, which the kernel does not"
            return Rejection("MAP004", name, reason, where, progress=progress)
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
    name, where = instruction.name, _places(instruction, subject)
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
