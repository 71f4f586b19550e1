"""Reading YAML into nodes that know their place.

Rules of this file:
- the text becomes :class:`YamlScalar`, :class:`YamlList` and :class:`YamlMap`; what they mean is the caller's business;
- scalars follow the YAML 1.2 core schema (``yes`` and ``0777`` are not what YAML 1.1 makes of them);
- duplicate keys, tags, keys that are not plain names and several documents are errors, all found at once;
- this is the only file that imports ``yaml``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, TypeAlias

import yaml

from isamapper.diagnostics.source import Diagnostic, Source, SourceError, Span

_HINTS = {
    "mapping values are not allowed": "a text that contains ': ' needs quotes, or a block after '|'",
    "cannot start any token": "indent with blanks, and put a text that begins with a tab, '@', '%' or '`' in quotes",
    "did not find expected ',' or '}'": "close the brace; a text with a comma or a brace in it needs quotes",
    "did not find expected ',' or ']'": "close the bracket; a text with a comma or a bracket in it needs quotes",
    "expected ',' or '}'": "close the brace; a text with a comma or a brace in it needs quotes",
    "expected ',' or ']'": "close the bracket; a text with a comma or a bracket in it needs quotes",
    "end of stream": "a quote or a bracket is not closed",
    "undefined alias": "a text that begins with '*' needs quotes",
}
"""What to try, by a part of what the YAML reader says."""

NODE_LIMIT = 200_000
"""Nodes a document may have after its aliases are written out."""

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INTEGER = re.compile(r"[-+]?[0-9]{1,400}\Z")
_ANCHOR = re.compile(r"&[^\s,\[\]{}]+\s*")
_PREFIXED = re.compile(r"0(?:o[0-7]+|x[0-9a-fA-F]+)\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_SPECIAL: dict[str, bool | float | None] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}


@dataclass(frozen=True, slots=True)
class YamlScalar:
    """One value. ``style`` is ``plain``, ``single``, ``double``, ``literal`` or ``folded``.

    ``span`` covers quotes and block headers; ``content`` only the characters between them, so that a text in another
    language can be parsed where it stands.
    """

    value: str | int | float | bool | None
    text: str
    style: str
    span: Span
    content: Span


@dataclass(frozen=True, slots=True)
class YamlList:
    items: tuple[YamlNode, ...]
    span: Span


@dataclass(frozen=True, slots=True)
class YamlMap:
    """Keys in the order of the text; no key occurs twice."""

    entries: tuple[tuple[YamlScalar, YamlNode], ...]
    span: Span

    def get(self, key: str) -> YamlNode | None:
        """The value of ``key``, None where it is absent."""
        for name, value in self.entries:
            if name.text == key:
                return value
        return None


YamlNode: TypeAlias = YamlScalar | YamlList | YamlMap


def read_yaml(source: Source) -> YamlNode:
    """The one document of ``source``; :class:`SourceError` with every structural mistake."""
    reader = _Reader(source)
    try:
        root = reader.read(_compose(source))
    except RecursionError:
        raise SourceError(Diagnostic("YAML001", "nested too deeply", Span(source, 0, 0))) from None
    if reader.findings:
        raise SourceError(*dict.fromkeys(reader.findings))
    return root


def _compose(source: Source) -> Any:
    """The document as PyYAML's node graph."""
    loader = None
    try:
        loader = _LOADER(source.text[_shift(source) :])
        root = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        raise SourceError(_syntax_error(source, error)) from None
    except yaml.reader.ReaderError as error:
        place = Span(source, error.position + _shift(source), error.position + _shift(source) + 1)
        raise SourceError(Diagnostic("YAML001", "a character that YAML does not allow", place)) from None
    finally:
        if loader is not None:
            loader.dispose()
    if root is None:
        raise SourceError(Diagnostic("YAML001", "the file is empty", Span(source, 0, 0)))
    return root


def _syntax_error(source: Source, error: yaml.MarkedYAMLError) -> Diagnostic:
    unclosed = "end of stream" in (error.problem or "") and error.context_mark is not None
    mark = error.context_mark if unclosed else error.problem_mark or error.context_mark
    offset = _offset(source, mark) if mark is not None else 0
    message = error.problem or error.context or "not a YAML document"
    if message.startswith("but ") and error.context:
        message = f"{error.context}, {message}"
    message = message[:1].lower() + message[1:]
    notes: tuple[tuple[str, Span | None], ...] = ()
    if error.context and error.context_mark is not None and not unclosed:
        start = _offset(source, error.context_mark)
        notes = ((error.context, Span(source, start, start + 1)),)
    help = next((hint for part, hint in _HINTS.items() if part in message), None)
    return Diagnostic("YAML001", message, Span(source, offset, min(offset + 1, len(source.text))), help, notes)


def _offset(source: Source, mark: yaml.Mark) -> int:
    return min(int(mark.index) + _shift(source), len(source.text))


def _shift(source: Source) -> int:
    """Characters that YAML does not count: a byte order mark."""
    return 1 if source.text.startswith("\ufeff") else 0


class _Reader:
    """Converts PyYAML nodes; an aliased node is converted once and shared."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.findings: list[Diagnostic] = []
        self._open: set[int] = set()
        self._done: dict[int, tuple[YamlNode, int]] = {}
        self._shift = _shift(source)

    def read(self, node: Any) -> YamlNode:
        return self._convert(node)[0]

    def _span(self, node: Any) -> Span:
        start, end = node.start_mark.index + self._shift, node.end_mark.index + self._shift
        anchor = _ANCHOR.match(self.source.text, start, end)
        return Span(self.source, anchor.end() if anchor else start, end)

    def _error(self, message: str, span: Span, help: str | None = None) -> None:
        self.findings.append(Diagnostic("YAML002", message, span, help))

    def _convert(self, node: Any) -> tuple[YamlNode, int]:
        """The node and how many nodes it stands for."""
        if id(node) in self._open:
            raise SourceError(Diagnostic("YAML002", "an alias that contains itself", self._span(node)))
        if id(node) in self._done:
            return self._done[id(node)]
        self._open.add(id(node))
        result, count = self._convert_new(node)
        self._open.discard(id(node))
        if count > NODE_LIMIT:
            raise SourceError(Diagnostic("YAML002", f"more than {NODE_LIMIT} values", self._span(node)))
        self._done[id(node)] = (result, count)
        return result, count

    def _convert_new(self, node: Any) -> tuple[YamlNode, int]:
        span = self._span(node)
        self._check_tag(node, span)
        if isinstance(node, yaml.ScalarNode):
            return self._scalar(node, span), 1
        if isinstance(node, yaml.SequenceNode):
            items = [self._convert(item) for item in node.value]
            return YamlList(tuple(item for item, _ in items), span), 1 + sum(count for _, count in items)
        return self._map(node, span)

    def _check_tag(self, node: Any, span: Span) -> None:
        if self.source.text[span.start : span.start + 1] == "!":
            self._error("tags are not used here", span, "write the plain value")

    def _map(self, node: Any, span: Span) -> tuple[YamlMap, int]:
        entries: dict[str, tuple[YamlScalar, YamlNode]] = {}
        total = 1
        for key_node, value_node in node.value:
            key, _ = self._convert(key_node)
            value, count = self._convert(value_node)
            total += count
            if not isinstance(key, YamlScalar):
                self._error("a key must be a name", key.span)
            elif key.text in entries:
                first = entries[key.text][0].span
                self.findings.append(
                    Diagnostic(
                        "YAML003", f"key '{key.text}' is given twice", key.span, notes=(("first given here", first),)
                    )
                )
            else:
                entries[key.text] = (key, value)
        return YamlMap(tuple(entries.values()), span), total

    def _scalar(self, node: Any, span: Span) -> YamlScalar:
        style = {"'": "single", '"': "double", "|": "literal", ">": "folded"}.get(node.style or "", "plain")
        content = span
        if style in ("single", "double"):
            content = Span(self.source, span.start + 1, span.end - 1)
        elif style in ("literal", "folded"):
            header_end = self.source.text.find("\n", span.start, span.end)
            content = Span(self.source, header_end + 1 if header_end >= 0 else span.end, span.end)
        value = plain_value(node.value) if style == "plain" else node.value
        return YamlScalar(value, node.value, style, span, content)


def plain_value(text: str) -> str | int | float | bool | None:
    """What an unquoted scalar means in the YAML 1.2 core schema."""
    if text in _SPECIAL:
        return _SPECIAL[text]
    if _INTEGER.match(text):
        return int(text)
    if _PREFIXED.match(text):
        return int(text, 0)
    if _FLOAT.match(text):
        return float(text)
    return text
