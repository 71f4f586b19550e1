"""Steps as text, one line each, and back: ``parse_step(print_step(s)) == s``.

    apply 0 call compute(a = 1, w = 2, c = 0) over i = [m0], j = [n0], k = [k0]
    split 0 m into m1: 4, m0: 16 in i
    reorder 0 m1, n1, k1
    distribute 0 m1 across core
    place 0.1 spad at k1 slots 2 fill mvin(i = m0*16, j = k0*16)
    place 2.0 spad kept [0: 2 rolls, 1: 4, 2/16: 8, 2: 16]
    pipeline 0.1 spad spread [n1 = m0]
    fuse 0 with 1 by mvout_i8
    join 2 of 0, 1, 2 by dense(...)

``0.1`` is access 1 of statement 0. What does not belong here: the file around the steps (``text.py``).
"""

from __future__ import annotations

import re
from collections import abc
from typing import assert_never

from isamapper.plan.join_text import print_join, read_join
from isamapper.plan.joint import Join
from isamapper.plan.nest import Buffer, Copy, Digit, KeptAxis
from isamapper.plan.step_reader import StepReader
from isamapper.plan.steps import Apply, Distribute, Fuse, Pipeline, Place, Reorder, Split, Step

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.]*\Z")
_FLAGS = ("prepared", "resident", "prefetch", "delay")
_KINDS = "apply, split, reorder, distribute, place, pipeline, fuse, join"


def print_step(step: Step) -> str:
    """One line, without a newline."""
    match step:
        case Apply(statement, role, instruction, sigma, axes, values, constants):
            operands = ", ".join(f"{_word(operand)} = {access}" for operand, access in sigma)
            line = f"apply {statement} {role} {_word(instruction)}({operands}){_values(values)}{_constants(constants)}"
            inside = ", ".join(f"{_word(iterator)} = {_words(digits)}" for iterator, digits in axes)
            return f"{line} over {inside}" if axes else line
        case Split(statement, iterator, digits):
            return f"split {statement} {_word(iterator)} into {', '.join(_digit(digit) for digit in digits)}"
        case Reorder(statement, loops):
            return " ".join(part for part in (f"reorder {statement}", ", ".join(map(_word, loops))) if part)
        case Place(statement, buffer):
            return f"place {statement}.{buffer.access} {_buffer(buffer)}"
        case Pipeline(statement, access, memory, spread):
            shares = f" spread {_spread(spread)}" if spread else ""
            return f"pipeline {statement}.{access} {_word(memory)}{shares}"
        case Fuse(statement, consumer, instruction, values):
            return f"fuse {statement} with {consumer} by {_word(instruction)}{_values(values)}"
        case Join():
            return print_join(step)
        case Distribute(statement, loops):
            return f"distribute {statement} {', '.join(f'{_word(loop)} across {_word(grid)}' for loop, grid in loops)}"
        case _:
            assert_never(step)


def _values(values: tuple[tuple[str, int], ...]) -> str:
    settings = ", ".join(f"{_word(name)} = {value}" for name, value in values)
    return f" set {settings}" if values else ""


def _read_values(line: StepReader) -> tuple[tuple[str, int], ...]:
    return tuple(line.pairs(None, None, StepReader.number)) if line.accept("set") else ()


def _constants(constants: tuple[tuple[str, int | float], ...]) -> str:
    fed = ", ".join(f'{_word(name)} = "{value!r}"' for name, value in constants)
    return f" given {fed}" if constants else ""


def _read_constants(line: StepReader) -> tuple[tuple[str, int | float], ...]:
    return tuple(line.pairs(None, None, _read_constant)) if line.accept("given") else ()


def _read_constant(line: StepReader) -> int | float:
    text = line.name("a quoted number")
    try:
        return int(text) if text.lstrip("-").isdigit() else float(text)
    except ValueError:
        raise line.wrong(f"'{text}' is no number") from None


def _word(name: str) -> str:
    return name if _WORD.match(name) else f'"{name}"'


def _words(names: tuple[str, ...]) -> str:
    return f"[{', '.join(map(_word, names))}]"


def _digit(digit: Digit) -> str:
    inside = "" if digit.bound is None else f" in {_word(digit.bound)}"
    return f"{_word(digit.name)}: {digit.extent}{inside}"


def _buffer(buffer: Buffer) -> str:
    parts = [_word(buffer.memory)]
    if buffer.loop is not None:
        parts.append(f"at {_word(buffer.loop)}")
    if buffer.slots != 1:
        parts.append(f"slots {buffer.slots}")
    if buffer.layout != "digits":
        parts.append(f"layout {buffer.layout}")
    if buffer.order:
        parts.append(f"order {_words(buffer.order)}")
    if buffer.row != 1:
        parts.append(f"row {buffer.row}")
    if buffer.expand:
        parts.append(f"expand [{', '.join(map(str, buffer.expand))}]")
    parts += [word for word in _FLAGS if getattr(buffer, word)]
    if buffer.kept:
        parts.append(f"kept [{', '.join(map(_kept, buffer.kept))}]")
    if buffer.spread:
        parts.append(f"spread {_spread(buffer.spread)}")
    if buffer.shared:
        parts.append(f"shared {_words(buffer.shared)}")
    for word, copy in (("fill", buffer.fill), ("adds" if buffer.adds else "drain", buffer.drain)):
        if copy is not None:
            parts.append(f"{word} {_copy(copy)}")
    return " ".join(parts)


def _kept(axis: KeptAxis) -> str:
    blocks = "" if axis.weight == 1 else f"/{axis.weight}"
    return f"{axis.dim}{blocks}: {axis.extent}{' rolls' if axis.rolls else ''}"


def _spread(shares: tuple[tuple[str, str], ...]) -> str:
    return f"[{', '.join(f'{_word(loop)} = {_word(coordinate)}' for loop, coordinate in shares)}]"


def _copy(copy: Copy) -> str:
    binds = ", ".join(f"{_word(iterator)} = {_word(name)}*{size}" for iterator, name, size in copy.binds)
    return f"{_word(copy.instruction)}({binds})"


def parse_step(line: StepReader) -> Step:
    """The step on ``line``, which is read to its end; SourceError where it is malformed."""
    kind = line.word(f"one of {_KINDS}")
    match kind:
        case "apply":
            step: Step = _read_apply(line)
        case "split":
            step = _read_split(line)
        case "reorder":
            step = Reorder(line.number(), tuple(line.words()), line.span)
        case "place":
            step = _read_place(line)
        case "pipeline":
            step = _read_pipeline(line)
        case "fuse":
            statement = line.number()
            line.expect("with")
            consumer = line.number()
            line.expect("by")
            instruction = line.name("an instruction")
            step = Fuse(statement, consumer, instruction, _read_values(line), line.span)
        case "join":
            step = read_join(line)
        case "distribute":
            step = Distribute(line.number(), tuple(_read_across(line)), line.span)
        case _:
            raise line.wrong(f"'{kind}' is no step", f"one of {_KINDS}")
    line.end()
    return step


def _read_across(line: StepReader) -> abc.Iterator[tuple[str, str]]:
    while True:
        loop = line.name("a loop")
        line.expect("across")
        yield loop, line.name("a grid")
        if not line.accept(","):
            return


def _read_apply(line: StepReader) -> Apply:
    statement, role = line.number(), line.word("call, first or init")
    if role not in ("call", "first", "init"):
        raise line.wrong(f"'{role}' is no role", "one of call, first, init")
    instruction = line.name("an instruction")
    sigma = tuple(line.pairs("(", ")", StepReader.number))
    values = _read_values(line)
    constants = _read_constants(line)
    axes: tuple[tuple[str, tuple[str, ...]], ...] = ()
    if line.accept("over"):
        axes = tuple(line.pairs(None, None, _read_list))
    return Apply(statement, role, instruction, sigma, axes, values, constants, line.span)


def _read_list(line: StepReader) -> tuple[str, ...]:
    line.expect("[")
    names = tuple(line.words(closing="]"))
    line.expect("]")
    return names


def _read_split(line: StepReader) -> Split:
    statement, iterator = line.number(), line.name("an iterator")
    line.expect("into")
    digits = [_read_digit(line, iterator)]
    while line.accept(","):
        digits.append(_read_digit(line, iterator))
    return Split(statement, iterator, tuple(digits), line.span)


def _read_digit(line: StepReader, iterator: str) -> Digit:
    name = line.name("a digit")
    line.expect(":")
    extent = line.number()
    return Digit(name, iterator, extent, line.name("an instruction iterator") if line.accept("in") else None)


def _read_place(line: StepReader) -> Place:
    statement, access = line.access()
    memory = line.name("a memory")
    loop = line.name("a loop") if line.accept("at") else None
    slots = line.number() if line.accept("slots") else 1
    layout = line.word("digits, turned or dims") if line.accept("layout") else "digits"
    if layout not in ("digits", "turned", "dims"):
        raise line.wrong(f"'{layout}' is no layout", "one of digits, turned, dims")
    order = _read_list(line) if line.accept("order") else ()
    row = line.number() if line.accept("row") else 1
    expand = tuple(line.numbers()) if line.accept("expand") else ()
    prepared, resident, prefetch, delay = (line.accept(word) for word in _FLAGS)
    kept = tuple(_read_kept(line)) if line.accept("kept") else ()
    spread = _read_spread(line)
    shared = _read_list(line) if line.accept("shared") else ()
    fill = _read_copy(line) if line.accept("fill") else None
    adds = line.accept("adds")
    drain = _read_copy(line) if adds or line.accept("drain") else None
    overlap = (prefetch, delay, spread, prepared, row, resident, kept)
    buffer = Buffer(access, memory, loop, slots, layout, order, expand, fill, drain, *overlap, adds=adds, shared=shared)
    return Place(statement, buffer, line.span)


def _read_kept(line: StepReader) -> abc.Iterator[KeptAxis]:
    line.expect("[")
    while True:
        dim = line.number()
        weight = line.number() if line.accept("/") else 1
        line.expect(":")
        extent = line.number()
        yield KeptAxis(dim, weight, extent, line.accept("rolls"))
        if not line.accept(","):
            break
    line.expect("]")


def _read_copy(line: StepReader) -> Copy:
    instruction = line.name("an instruction")
    return Copy(instruction, tuple((i, *bound) for i, bound in line.pairs("(", ")", _read_bound)))


def _read_bound(line: StepReader) -> tuple[str, int]:
    coordinate = line.name("a coordinate")
    line.expect("*")
    return coordinate, line.number()


def _read_pipeline(line: StepReader) -> Pipeline:
    statement, access = line.access()
    return Pipeline(statement, access, line.name("a memory"), _read_spread(line), line.span)


def _read_spread(line: StepReader) -> tuple[tuple[str, str], ...]:
    if not line.accept("spread"):
        return ()
    return tuple(line.pairs("[", "]", lambda inner: inner.name("a coordinate")))
