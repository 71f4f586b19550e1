"""A join as one line of a schedule, and back.

    join 2 of 0, 1, 2 by dense(y = y[m, n], a = x[m, k], w = w[k, n]) set s = 7 over m = [0.m, 1.m, 2.m], k = [0.k]
        made bias0 = 4 reduce "+" pads k: a = "0" loose m, n constant none = "0"

(in one line). What does not belong here: the other steps (``step_text.py``), what a join means (``joint.py``).
"""

from __future__ import annotations

import re
from collections import abc
from typing import TypeVar

from isamapper.ir.affine import AccessMap, Affine, affine
from isamapper.ir.nodes import Access, Reduction
from isamapper.ir.print_expression import print_affine
from isamapper.plan.joint import Join, Number
from isamapper.plan.step_reader import StepReader

_Item = TypeVar("_Item")
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*\Z")


def print_join(join: Join) -> str:
    """One line, without a newline."""
    parts = [f"join {join.statement} of {', '.join(map(str, join.members))} by {_word(join.instruction)}"]
    parts[0] += f"({', '.join(f'{_word(operand)} = {print_join_access(access)}' for operand, access in join.operands)})"
    if join.values:
        parts.append("set " + ", ".join(f"{_word(name)} = {value}" for name, value in join.values))
    if join.iterators:
        parts.append("over " + ", ".join(f"{_word(name)} = {_members(members)}" for name, members in join.iterators))
    if join.made:
        parts.append("made " + ", ".join(f"{_word(name)} = {extent}" for name, extent in join.made))
    if join.reduction is not None:
        parts.append(f'reduce "{join.reduction.value}"')
    if join.pads:
        parts.append("pads " + ", ".join(f'{_word(lane)}: {_word(op)} = "{value!r}"' for lane, op, value in join.pads))
    if join.loose:
        parts.append("loose " + ", ".join(map(_word, join.loose)))
    if join.constants:
        parts.append("constant " + ", ".join(f'{_word(name)} = "{value!r}"' for name, value in join.constants))
    return " ".join(parts)


def _word(name: str) -> str:
    return name if _WORD.match(name) else f'"{name}"'


def _members(members: abc.Iterable[tuple[int, str]]) -> str:
    return f"[{', '.join(f'{statement}.{_word(name)}' for statement, name in members)}]"


def print_join_access(access: Access) -> str:
    indices = ", ".join(print_affine(index) for index in access.map.results)
    padding = "" if access.otherwise is None else f' else "{access.otherwise!r}"'
    return f"{_word(access.tensor)}[{indices}]{padding}"


def read_join(line: StepReader) -> Join:
    """The join on ``line`` after its first word; SourceError where it is malformed."""
    statement = line.number()
    line.expect("of")
    members = _listed(line, StepReader.number)
    line.expect("by")
    instruction = line.name("an instruction")
    operands = tuple(line.pairs("(", ")", read_join_access))
    values = tuple(line.pairs(None, None, StepReader.number)) if line.accept("set") else ()
    iterators = tuple(line.pairs(None, None, _read_members)) if line.accept("over") else ()
    made = tuple(line.pairs(None, None, StepReader.number)) if line.accept("made") else ()
    reduction = _read_reduction(line) if line.accept("reduce") else None
    pads = _listed(line, _read_pad) if line.accept("pads") else ()
    loose = _listed(line, lambda inner: inner.name("a lane")) if line.accept("loose") else ()
    constants = tuple(line.pairs(None, None, read_number)) if line.accept("constant") else ()
    return Join(
        statement,
        members,
        instruction,
        operands,
        iterators,
        made,
        values,
        reduction,
        pads,
        loose,
        constants,
        line.span,
    )


def _listed(line: StepReader, item: abc.Callable[[StepReader], _Item]) -> tuple[_Item, ...]:
    found = [item(line)]
    while line.accept(","):
        found.append(item(line))
    return tuple(found)


def _read_members(line: StepReader) -> tuple[tuple[int, str], ...]:
    line.expect("[")
    found = _listed(line, _read_member)
    line.expect("]")
    return found


def _read_member(line: StepReader) -> tuple[int, str]:
    statement = line.number()
    line.expect(".")
    return statement, line.name("an iterator")


def _read_reduction(line: StepReader) -> Reduction:
    text = line.name("a quoted operator")
    try:
        return Reduction(text)
    except ValueError:
        raise line.wrong(f"'{text}' is no reduction", "one of + * min max") from None


def _read_pad(line: StepReader) -> tuple[str, str, Number]:
    lane = line.name("a lane")
    line.expect(":")
    operand = line.name("an operand")
    line.expect("=")
    return lane, operand, read_number(line)


def read_number(line: StepReader) -> Number:
    """A number between quotation marks: ``"-inf"``."""
    text = line.name("a quoted number")
    try:
        return int(text) if text.lstrip("-").isdigit() else float(text)
    except ValueError:
        raise line.wrong(f"'{text}' is no number") from None


def read_join_access(line: StepReader) -> Access:
    tensor = line.name("a tensor")
    line.expect("[")
    indices: list[Affine] = []
    if not line.accept("]"):
        indices.append(_read_affine(line))
        while line.accept(","):
            indices.append(_read_affine(line))
        line.expect("]")
    otherwise = read_number(line) if line.accept("else") else None
    return Access(tensor, AccessMap(tuple(indices)), otherwise)


def _read_affine(line: StepReader) -> Affine:
    """``2*h + r - 1``."""
    terms: list[tuple[str, int]] = []
    total = 0
    sign = -1 if line.accept("-") else 1
    while True:
        factor = line.number() if line.at_number() else None
        if factor is None or line.accept("*"):
            terms.append((line.name("an iterator"), sign * (1 if factor is None else factor)))
        else:
            total += sign * factor
        if line.accept("+"):
            sign = 1
        elif line.accept("-"):
            sign = -1
        else:
            return affine(terms, total)
