"""Reading what a person has fixed: ``fixing.py`` says what the file holds."""

from __future__ import annotations

from pathlib import Path

from isamapper.diagnostics.names import did_you_mean
from isamapper.diagnostics.source import Diagnostic, Source, SourceError, Span
from isamapper.diagnostics.yaml import YamlList, YamlMap, YamlNode, YamlScalar, read_yaml
from isamapper.plan.fixed import Fixed, Pin

WORDS = ("instruction", "copies")
MAPS = ("operands", "axes", "memories", "tiles", "orders", "slots", "across")
LISTS = ("relaid", "whole", "outside", "inside")
KEYS = ("statement", *WORDS, *MAPS, *LISTS)


def read_fixed(path: str) -> Fixed:
    """The decisions of a file; SourceError with every mistake of it."""
    try:
        source = Source(path, Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        reason = "not text in UTF-8" if isinstance(error, UnicodeDecodeError) else (error.strerror or "not readable")
        raise SourceError(Diagnostic("FIX001", f"cannot read '{path}': {reason.lower()}")) from None
    root = read_yaml(source)
    if not isinstance(root, YamlMap):
        raise SourceError(_wrong("a file of fixed decisions is a map", root.span, "for example 'tiles: {m: 4}'"))
    reader = _Reader()
    for key, value in root.entries:
        reader.entry(key, value)
    if reader.findings:
        raise SourceError(*reader.findings)
    return Fixed(reader.statement, tuple(reader.pins), reader.span)


def _wrong(message: str, span: Span, help: str | None = None) -> Diagnostic:
    return Diagnostic("FIX002", message, span, help)


class _Reader:
    def __init__(self) -> None:
        self.statement = 0
        self.span: Span | None = None
        self.pins: list[Pin] = []
        self.findings: list[Diagnostic] = []

    def entry(self, key: YamlScalar, value: YamlNode) -> None:
        """One key of the file."""
        if key.text == "statement":
            self.statement, self.span = self._number(value, 0) or 0, value.span
        elif key.text in WORDS:
            self._word(key.text, value)
        elif key.text in LISTS:
            self._list(key.text, value)
        elif key.text in MAPS:
            self._map(key.text, value)
        else:
            self.findings.append(_wrong(f"unknown decision '{key.text}'", key.span, did_you_mean(key.text, KEYS)))

    def _word(self, kind: str, value: YamlNode) -> None:
        if not isinstance(value, YamlScalar) or (kind == "copies" and value.text not in ("fine", "coarse")):
            expected = "'fine' or 'coarse'" if kind == "copies" else "a name"
            self.findings.append(_wrong(f"'{kind}' must be {expected}", value.span))
            return
        self.pins.append(Pin(kind, "", value.text, value.content))

    def _list(self, kind: str, value: YamlNode) -> None:
        if not isinstance(value, YamlList) or not all(isinstance(item, YamlScalar) for item in value.items):
            self.findings.append(_wrong(f"'{kind}' must be a list", value.span, "for example [m, n, k]"))
            return
        if kind in ("relaid", "whole"):
            numbers = [self._number(item, 0) for item in value.items]
            self.pins.append(Pin(kind, "", tuple(number for number in numbers if number is not None), value.span))
            return
        names = tuple(item.text for item in value.items if isinstance(item, YamlScalar))
        if len(set(names)) < len(names):
            self.findings.append(_wrong(f"'{kind}' names a loop twice", value.span))
        self.pins.append(Pin(kind, "", names, value.span))

    def _map(self, kind: str, value: YamlNode) -> None:
        if not isinstance(value, YamlMap):
            self.findings.append(_wrong(f"'{kind}' must be a map", value.span, "for example {m: 4}"))
            return
        for name, item in value.entries:
            if kind in ("memories", "orders"):
                self._numbered(kind, name, item)
            elif kind == "axes":
                self._axis(name, item)
            elif kind == "across":
                self._across(name, item)
            elif kind == "tiles" and isinstance(item, YamlList):
                sizes = [self._number(each, 1) for each in item.items]
                self.pins.append(Pin(kind, name.text, tuple(size for size in sizes if size is not None), item.span))
            else:
                number = self._number(item, 1, 2 if kind == "slots" else None)
                if number is not None:
                    self.pins.append(Pin(kind, name.text, number, item.span))

    def _numbered(self, kind: str, name: YamlScalar, item: YamlNode) -> None:
        if not name.text.isdecimal() or not isinstance(item, YamlList):
            what, example = ("an access", "{1: [spad]}") if kind == "memories" else ("a group of loops", "{0: [m, n]}")
            self.findings.append(
                _wrong(f"'{kind}' maps the number of {what} to a list", item.span, f"for example {example}")
            )
            return
        names = tuple(each.text for each in item.items if isinstance(each, YamlScalar))
        if kind == "orders" and len(set(names)) < len(names):
            self.findings.append(_wrong(f"'{kind}' names a loop twice", item.span))
        self.pins.append(Pin(kind, name.text, names, item.span))

    def _axis(self, name: YamlScalar, item: YamlNode) -> None:
        items = item.items if isinstance(item, YamlList) else (item,)
        if not all(isinstance(each, YamlScalar) for each in items):
            message = "'axes' maps an iterator of the instruction to iterators of the kernel"
            self.findings.append(_wrong(message, item.span, "for example {j: n}"))
            return
        names = tuple(each.text for each in items if isinstance(each, YamlScalar))
        self.pins.append(Pin("axes", name.text, names, item.span))

    def _across(self, name: YamlScalar, item: YamlNode) -> None:
        if not isinstance(item, YamlMap):
            message = "'across' maps an iterator to grids, and each to a number of parts"
            self.findings.append(_wrong(message, item.span, "for example {m: {core: 4}}"))
            return
        parts = [(grid.text, self._number(count, 1)) for grid, count in item.entries]
        words = tuple(f"{grid} {count}" for grid, count in parts if count is not None)
        self.pins.append(Pin("across", name.text, words, item.span))

    def _number(self, value: YamlNode, low: int, high: int | None = None) -> int | None:
        number = value.value if isinstance(value, YamlScalar) else None
        if isinstance(number, bool) or not isinstance(number, int) or number < low or (high and number > high):
            limits = f"from {low}" + (f" to {high}" if high else "")
            self.findings.append(_wrong(f"must be a whole number {limits}", value.span))
            return None
        return number
