"""The shapes a YAML value may have, and judging a value by its shape.

One declaration (:mod:`isamapper.hwdesc.schema`) serves three readers: :func:`judge` finds every mistake of a file,
:class:`~isamapper.hwdesc.fields.Fields` reads values out of it,
:mod:`isamapper.hwdesc.jsonschema` prints it for editors.
What does not belong here: names of fields, and checks that need more than one value.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from typing import TypeAlias, assert_never

from isamapper.diagnostics.names import did_you_mean
from isamapper.diagnostics.source import Diagnostic, Span
from isamapper.diagnostics.yaml import YamlList, YamlMap, YamlNode, YamlScalar

NAME = re.compile(r"[A-Za-z_][A-Za-z_0-9]*(?:\.[A-Za-z_0-9]+)*\Z")
_BYTES = re.compile(r"([0-9]+)\s*(B|KiB|MiB|GiB|TiB)\Z")
_FACTORS = {"B": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}


GREATEST = 1 << 50
"""What no number of a machine exceeds: a PiB, a million times 1 GHz."""

MANY = 1 << 20
"""What no number of things of one kind exceeds: places in a queue, servers, banks, copies."""


@dataclass(frozen=True, slots=True)
class Text:
    """Any text on one or several lines."""


@dataclass(frozen=True, slots=True)
class Name:
    """An identifier; ``dotted`` ones may contain dots, ``braced`` ones ``{T}`` for a type."""

    dotted: bool = False
    braced: bool = False


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number of at least ``low``; ``high`` only keeps nonsense out of arrays and 64-bit arithmetic."""

    low: int = 0
    high: int = GREATEST


@dataclass(frozen=True, slots=True)
class Bytes:
    """A number of bytes, at most ``GREATEST``: a whole number, or text such as ``128KiB``."""

    low: int = 1


@dataclass(frozen=True, slots=True)
class Number:
    """A number; at least ``low`` where given. ``inf`` is written ``.inf``."""

    low: float | None = None


@dataclass(frozen=True, slots=True)
class Flag:
    """``true`` or ``false``."""


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words."""

    words: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Cycles:
    """A whole number, or an expression over the instruction's parameters."""


@dataclass(frozen=True, slots=True)
class Several:
    """A list of one shape."""

    item: Shape
    at_least: int = 0


@dataclass(frozen=True, slots=True)
class Table:
    """A map from names that the file chooses to values of one shape."""

    value: Shape
    key: str = "name"


@dataclass(frozen=True, slots=True)
class Either:
    """The first shape whose YAML form (scalar, list, map) the value has."""

    shapes: tuple[Shape, ...]


@dataclass(frozen=True, slots=True)
class Field:
    """One key of a record. ``default`` is what the documentation says where it is left out."""

    name: str
    shape: Shape
    help: str
    required: bool = False
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Record:
    """A map with known keys; ``what`` is what messages call it."""

    what: str
    fields: tuple[Field, ...]


Shape: TypeAlias = Text | Name | Whole | Bytes | Number | Flag | Choice | Cycles | Several | Table | Either | Record


def byte_count(value: object) -> int | None:
    """Bytes that ``4096`` or ``"4KiB"`` stand for; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    match = _BYTES.match(value) if isinstance(value, str) else None
    return int(match[1]) * _FACTORS[match[2]] if match else None


def judge(node: YamlNode, shape: Shape, what: str) -> tuple[Diagnostic, ...]:
    """Every way in which ``node``, called ``what`` in messages, is not of ``shape``."""
    match shape:
        case Record():
            return _judge_record(node, shape)
        case Several(item, at_least):
            return _judge_several(node, item, at_least, what)
        case Table(value, key):
            return _judge_table(node, value, key, what)
        case Either(shapes):
            return judge(node, _alternative(node, shapes), what)
        case _:
            if not isinstance(node, YamlScalar):
                found = "a list" if isinstance(node, YamlList) else "a map"
                return (_wrong(f"'{what}' must be {describe(shape)}, found {found}", node.span),)
            return _judge_scalar(node, shape, what)


def describe(shape: Shape) -> str:
    """The shape in words, for messages and documentation."""
    match shape:
        case Text():
            return "text"
        case Name():
            return "a name"
        case Whole(low):
            return f"a whole number of at least {low}" if low else "a whole number"
        case Bytes(low):
            return f"a number of bytes of at least {low}" if low > 1 else "a number of bytes such as 4096 or 4KiB"
        case Number(low):
            return "a number" if low is None else f"a number of at least {low:g}"
        case Flag():
            return "true or false"
        case Choice(words):
            return " or ".join(f"'{word}'" for word in words)
        case Cycles():
            return "a number of cycles or an expression over the parameters"
        case Several(item):
            return f"a list of {describe(item)}"
        case Table(value, key):
            return f"a map from {key} to {describe(value)}"
        case Either(shapes):
            return " or ".join(describe(each) for each in shapes)
        case Record(what):
            return f"a map with the fields of {what}"
        case _:
            assert_never(shape)


def _wrong(message: str, span: Span, help: str | None = None) -> Diagnostic:
    return Diagnostic("HW003", message, span, help)


def _alternative(node: YamlNode, shapes: tuple[Shape, ...]) -> Shape:
    """The first of ``shapes`` that takes ``node``; else the last that has its YAML form, else the last of all."""
    nearest = shapes[-1]
    for shape in shapes:
        is_map = isinstance(shape, Record | Table)
        is_list = isinstance(shape, Several)
        if (isinstance(node, YamlMap), isinstance(node, YamlList)) == (is_map, is_list):
            nearest = shape
            if not (isinstance(node, YamlScalar) and _judge_scalar(node, shape, "")):
                return shape
    return nearest


def _judge_record(node: YamlNode, record: Record) -> tuple[Diagnostic, ...]:
    if not isinstance(node, YamlMap):
        known = ", ".join(field.name for field in record.fields)
        return (_wrong(f"{record.what} must be a map", node.span, f"write 'key: value' with the keys {known}"),)
    by_name = {field.name: field for field in record.fields}
    findings: list[Diagnostic] = []
    for key, value in node.entries:
        field = by_name.get(key.text)
        if field is None:
            help = did_you_mean(key.text, by_name)
            if key.text.count("(") != key.text.count(")"):
                help = "put a text that contains a comma in quotes"
            findings.append(Diagnostic("HW001", f"unknown field '{key.text}' in {record.what}", key.span, help))
        else:
            findings.extend(judge(value, field.shape, field.name))
    guessed = {finding.help for finding in findings if finding.code == "HW001"}
    for field in record.fields:
        misspelt = f"did you mean '{field.name}'?" in guessed
        if field.required and node.get(field.name) is None and not misspelt:
            findings.append(Diagnostic("HW002", f"{record.what} needs '{field.name}'", _start(node), field.help))
    return tuple(findings)


def _start(node: YamlMap) -> Span:
    """Where a map begins: its first key, so that carets do not underline the whole of it."""
    return node.entries[0][0].span if node.entries else node.span


def _judge_several(node: YamlNode, item: Shape, at_least: int, what: str) -> tuple[Diagnostic, ...]:
    if not isinstance(node, YamlList):
        return (_wrong(f"'{what}' must be a list", node.span, "write [a, b] or one '- ' per line"),)
    if len(node.items) < at_least:
        return (_wrong(f"'{what}' must not be empty", node.span),)
    return tuple(finding for each in node.items for finding in judge(each, item, what))


def _judge_table(node: YamlNode, value: Shape, key: str, what: str) -> tuple[Diagnostic, ...]:
    if not isinstance(node, YamlMap):
        return (_wrong(f"'{what}' must be a map from {key} to {describe(value)}", node.span),)
    return tuple(finding for name, each in node.entries for finding in judge(each, value, f"{what}.{name.text}"))


def _judge_scalar(node: YamlScalar, shape: Shape, what: str) -> tuple[Diagnostic, ...]:
    if _fits(node.value, node.text, shape):
        return ()
    help = None
    if isinstance(shape, Choice):
        near = did_you_mean(node.text, shape.words)
        help = near if near and near.startswith("did") else None
    elif isinstance(shape, Bytes):
        help = "sizes are written as 4096, 4KiB, 2MiB"
    elif isinstance(shape, Flag) and node.text.lower() in ("yes", "no", "on", "off"):
        help = f"write {'true' if node.text.lower() in ('yes', 'on') else 'false'}"
    elif isinstance(shape, Number) and node.text.lower() == ".inf":
        help = "leave it out where there is no figure"
    found = f"found '{node.text}'" if node.text else "found nothing"
    if (high := _exceeded(node.value, shape)) is not None:
        return (_wrong(f"'{what}' must be at most {high:,}, {found}", node.span),)
    negative = isinstance(shape, Whole) and isinstance(node.value, int) and node.value < 0 == shape.low
    wanted = "a whole number from 0" if negative else describe(shape)
    return (_wrong(f"'{what}' must be {wanted}, {found}", node.span, help),)


def _exceeded(value: object, shape: Shape) -> int | None:
    """The limit that a number of the right form is above."""
    high = shape.high if isinstance(shape, Whole) else GREATEST
    count = value if isinstance(shape, Whole) else byte_count(value) if isinstance(shape, Bytes) else None
    return high if isinstance(count, int) and count > high else None


def _is_in(value: float, low: float | None) -> bool:
    """Whether a number is one: what has a least value is a quantity, and finite."""
    return not math.isnan(value) if low is None else low <= value < math.inf


def _fits(value: object, text: str, shape: Shape) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    match shape:
        case Text():
            return text.strip() != ""
        case Name(dotted, braced):
            plain = re.sub(r"\{([A-Za-z_][A-Za-z_0-9]*)\}", r"\1", text) if braced else text
            return isinstance(value, str) and bool(NAME.match(plain)) and (dotted or braced or "." not in text)
        case Whole(low, high):
            return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high
        case Bytes(low):
            count = byte_count(value)
            return count is not None and low <= count <= GREATEST
        case Number(low):
            return isinstance(value, int | float) and number and _is_in(float(value), low)
        case Flag():
            return isinstance(value, bool)
        case Choice(words):
            return text in words
        case Cycles():
            return (isinstance(value, int) and not isinstance(value, bool)) or (isinstance(value, str) and bool(text))
        case Several() | Table() | Either() | Record():
            return False
        case _:
            assert_never(shape)
