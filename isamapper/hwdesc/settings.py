"""Numbers of a machine file changed from outside: ``memories.spad.capacity_bytes=128KiB``.

Rules of this file:
- a path walks keys of maps and entries of lists, the latter by their ``name`` or their number from 0;
- the last step may name a value that the file leaves out; everything before it must be there;
- the changed machine is read and checked like a file: a setting that makes no sense is an error at the setting.

A reference is how a machine with settings is written in one line: ``vta set memories.uop.capacity_bytes=16KiB``.
"""

from __future__ import annotations

from collections import abc
from dataclasses import replace
from pathlib import Path

from isamapper.diagnostics.names import did_you_mean
from isamapper.diagnostics.source import Diagnostic, Source, SourceError, Span
from isamapper.diagnostics.yaml import YamlList, YamlMap, YamlNode, YamlScalar, plain_value

WORD = " set "
"""Between a machine and its settings."""

SHOWN = "--set"
"""What messages call the text of a setting."""


def reference(machine: str, settings: abc.Iterable[str]) -> str:
    """The machine with ``settings`` as one line, which :func:`split_reference` reads."""
    known, before = split_reference(machine)
    every = (*before, *settings)
    return f"{known}{WORD}{' '.join(every)}" if every else known


def split_reference(text: str) -> tuple[str, tuple[str, ...]]:
    """The machine's name or path, and its settings; a file whose path contains `` set `` is a path."""
    name, word, settings = text.partition(WORD)
    if not word or "=" not in settings or Path(text).exists():
        return text, ()
    return name.strip(), tuple(settings.split())


def apply_settings(parts: tuple[YamlNode, ...], settings: abc.Iterable[str]) -> tuple[YamlNode, ...]:
    """The documents of a machine with every setting made in the first document that has its place.

    SourceError HW042 where no document has it.
    """
    for setting in settings:
        parts = _apply(parts, Source(SHOWN, setting))
    return parts


def _apply(parts: tuple[YamlNode, ...], setting: Source) -> tuple[YamlNode, ...]:
    written, equals, text = setting.text.partition("=")
    if not equals or not written or not text:
        help = "for example memories.spad.capacity_bytes=128KiB"
        raise SourceError(Diagnostic("HW042", "expected PATH=VALUE", Span(setting, 0, len(setting.text)), help))
    path = tuple(written.split("."))
    span = Span(setting, len(written) + 1, len(setting.text))
    value = YamlScalar(plain_value(text), text, "plain", span, span)
    failures = []
    for number, part in enumerate(parts):
        changed = _set(part, path, 0, value)
        if not isinstance(changed, Diagnostic):
            return (*parts[:number], changed, *parts[number + 1 :])
        failures.append(changed)
    raise SourceError(max(failures, key=lambda failure: failure.span.start if failure.span else 0))


def _set(node: YamlNode, path: tuple[str, ...], depth: int, value: YamlScalar) -> YamlNode | Diagnostic:
    """``node`` with ``value`` at the rest of ``path``, or what is not there."""
    step, last = path[depth], depth == len(path) - 1
    children = _children(node)
    for number, (name, child) in enumerate(children):
        if step in (name, str(number) if isinstance(node, YamlList) else name):
            changed = _value(child, path, depth, value) if last else _set(child, path, depth + 1, value)
            return changed if isinstance(changed, Diagnostic) else _with(node, number, changed)
    if last and isinstance(node, YamlMap) and depth > 0:
        key = YamlScalar(step, step, "plain", _step_span(value, path, depth), _step_span(value, path, depth))
        return replace(node, entries=(*node.entries, (key, value)))
    known = [name for name, _ in children if name]
    where = f"'{'.'.join(path[:depth])}'" if depth else "the machine"
    message = f"{where} has no '{step}'" if known else f"{where} has no parts"
    return Diagnostic("HW042", message, _step_span(value, path, depth), did_you_mean(step, known))


def _value(child: YamlNode, path: tuple[str, ...], depth: int, value: YamlScalar) -> YamlNode | Diagnostic:
    if isinstance(child, YamlScalar):
        return value
    message = f"'{'.'.join(path)}' is not one value but several"
    known = ", ".join(name for name, _ in _children(child) if name)
    return Diagnostic("HW042", message, _step_span(value, path, depth), f"it has {known}" if known else None)


def _children(node: YamlNode) -> tuple[tuple[str, YamlNode], ...]:
    """The parts of a node with their names; "" for an entry of a list that has none."""
    match node:
        case YamlMap(entries):
            return tuple((key.text, child) for key, child in entries)
        case YamlList(items):
            return tuple((_name(item), item) for item in items)
        case YamlScalar():
            return ()


def _name(item: YamlNode) -> str:
    name = item.get("name") if isinstance(item, YamlMap) else None
    return name.text if isinstance(name, YamlScalar) else ""


def _with(node: YamlNode, number: int, child: YamlNode) -> YamlNode:
    match node:
        case YamlMap(entries):
            return replace(node, entries=(*entries[:number], (entries[number][0], child), *entries[number + 1 :]))
        case YamlList(items):
            return replace(node, items=(*items[:number], child, *items[number + 1 :]))
        case YamlScalar():
            raise TypeError("a scalar has no parts")


def _step_span(value: YamlScalar, path: tuple[str, ...], depth: int) -> Span:
    """The place of a path's step in the text of the setting."""
    start = sum(len(step) + 1 for step in path[:depth])
    return Span(value.span.source, start, start + len(path[depth]))
