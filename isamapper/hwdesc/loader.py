"""Machine files to machines: the one way in.

Every mistake of a file is found at once: a part that is wrong is left out, its name stays known, and the others are
still read and checked. What does not belong here: the rules (``checks.py``), the fields (``schema.py``).
"""

from __future__ import annotations

import hashlib
import json
from collections import abc
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import TypeVar

from isamapper.diagnostics.source import Diagnostic, Source, SourceError
from isamapper.diagnostics.yaml import YamlList, YamlMap, YamlNode, YamlScalar, read_yaml
from isamapper.hwdesc import schema
from isamapper.hwdesc.checks import check_machine
from isamapper.hwdesc.clocks import in_machine_cycles
from isamapper.hwdesc.draft import Draft
from isamapper.hwdesc.families import read_types
from isamapper.hwdesc.fields import Fields
from isamapper.hwdesc.files import builtin_machines, find_machine
from isamapper.hwdesc.instructions import read_instruction
from isamapper.hwdesc.model import Instruction, Machine, Unit
from isamapper.hwdesc.parts import entry_name, read_dispatch, read_grids, read_memories, read_units
from isamapper.hwdesc.settings import apply_settings, split_reference
from isamapper.hwdesc.shapes import judge
from isamapper.hwdesc.snippets import read_snippets
from isamapper.hwdesc.variants import BASE, with_base

__all__ = ["Loaded", "builtin_machines", "load_machine", "load_with_warnings"]

Part = TypeVar("Part", Instruction, Unit)


@dataclass(frozen=True, slots=True)
class Loaded:
    """A machine with what is suspicious about its file but not wrong."""

    machine: Machine
    warnings: tuple[Diagnostic, ...]


def load_machine(machine: str | Source, settings: tuple[str, ...] = ()) -> Machine:
    """The machine of a built-in name, a path or a text; :class:`SourceError` with every mistake of the file.

    ``settings`` change values of it (``settings.py``); they may also follow the name: ``vta set dispatch.window=2``.
    The rules of ``checks.py`` are not run over built-in machines: tests do that, and it takes a third of the time.
    """
    if isinstance(machine, str) and machine in builtin_machines() and not settings:
        return _builtin(machine)
    return load_with_warnings(machine, settings).machine


def load_with_warnings(machine: str | Source, settings: tuple[str, ...] = ()) -> Loaded:
    """As :func:`load_machine`, with the warnings."""
    if isinstance(machine, str):
        name, written = split_reference(machine)
        return _checked(find_machine(name), (*written, *settings))
    return _checked(machine, settings)


def _checked(source: Source, settings: tuple[str, ...]) -> Loaded:
    built, draft = _read(source, settings)
    findings = (*draft.findings, *check_machine(built, draft.places, draft.names))
    _refuse(findings)
    return Loaded(built, _in_order(findings))


@lru_cache
def _builtin(name: str) -> Machine:
    machine, draft = _read(find_machine(name))
    _refuse(tuple(draft.findings))
    return machine


def _read(source: Source, settings: tuple[str, ...] = ()) -> tuple[Machine, Draft]:
    """Everything of ``source`` that can be read, and what was found on the way."""
    draft = Draft()
    root = read_yaml(source)
    variant = isinstance(root, YamlMap) and root.get(BASE) is not None
    if isinstance(root, YamlMap):
        root = with_base(root, source)
    draft.add(judge(root, schema.MACHINE, "machine"))
    if not isinstance(root, YamlMap) or (variant and draft.findings):
        raise SourceError(*draft.findings)
    fields = Fields(root)
    snippets = read_snippets(fields, draft)
    if settings:
        fields, *others = _set(fields, snippets, settings, draft)
        snippets = tuple(others)
    return replace(_machine(fields, snippets, draft), settings=settings), draft


def _set(fields: Fields, snippets: abc.Iterable[Fields], settings: tuple[str, ...], draft: Draft) -> list[Fields]:
    """The file and its snippets with ``settings`` made; what is wrong with those is said before anything else is."""
    _refuse(tuple(draft.findings))
    changed = apply_settings(tuple(part.node for part in (fields, *snippets)), settings)
    kinds = (schema.MACHINE, *(schema.SNIPPET for _ in changed[1:]))
    _refuse(
        tuple(finding for part, kind in zip(changed, kinds, strict=True) for finding in judge(part, kind, kind.what))
    )
    return [Fields(part) for part in changed]


def _refuse(findings: tuple[Diagnostic, ...]) -> None:
    errors = tuple(finding for finding in findings if finding.severity == "error")
    if errors:
        raise SourceError(*_in_order(errors))


def _machine(fields: Fields, snippets: tuple[Fields, ...], draft: Draft) -> Machine:
    """The machine of everything in the file that can be read."""
    parts = (fields, *snippets)
    draft.note_fields(fields.node, "machine")
    clock = fields.number("clock_hz")
    clock = clock if isinstance(clock, int) and clock > 0 else 1  # what else stands there is reported as such
    units = tuple(_with_source(unit, snippets) for unit in read_units(_gather(parts, "units"), clock, draft))
    instructions = _instructions(_gather(parts, "instructions"), draft)
    return Machine(
        name=fields.word("name", ""),
        clock_hz=clock,
        memories=read_memories(_gather(parts, "memories"), clock, draft),
        units=units,
        grids=read_grids(_gather(parts, "grid"), draft),
        dispatch=read_dispatch(fields.node_of("dispatch"), draft),
        interlocks=fields.word("interlocks", "hardware"),
        instructions=tuple(in_machine_cycles(_with_source(each, snippets), units, clock) for each in instructions),
        default_types=tuple(read_types(fields.node_of("default_types"), draft).items()),
        source=fields.text("source"),
        digest=_digest(parts),
    )


def _instructions(nodes: tuple[YamlNode, ...], draft: Draft) -> tuple[Instruction, ...]:
    whole = [node for node in nodes if isinstance(node, YamlMap) and entry_name(node) and not draft.touches(node)]
    for node in nodes:
        if node not in whole and (name := entry_name(node)) is not None:
            draft.declare("instruction", name.text, name.span)
    return tuple(instruction for node in whole for instruction in read_instruction(node, draft))


def _with_source(part: Part, snippets: tuple[Fields, ...]) -> Part:
    """``part`` with the source of the snippet it stands in, where it gives none itself."""
    if part.source is None and part.span is not None:
        for fields in snippets:
            if part.span.source is fields.node.span.source:
                return replace(part, source=fields.text("source"))
    return part


def _gather(parts: tuple[Fields, ...], key: str) -> tuple[YamlNode, ...]:
    """The entries of a list in the file and its snippets; a map alone counts as a list of one."""
    return tuple(item for fields in parts for item in _entries(fields.node_of(key)))


def _entries(node: YamlNode | None) -> tuple[YamlNode, ...]:
    if isinstance(node, YamlList):
        return node.items
    return (node,) if isinstance(node, YamlMap) else ()


def _in_order(findings: tuple[Diagnostic, ...]) -> tuple[Diagnostic, ...]:
    """Without repetitions, by their place in the text."""
    return tuple(sorted(dict.fromkeys(findings), key=lambda finding: finding.span.start if finding.span else -1))


def _digest(parts: tuple[Fields, ...]) -> str:
    """sha256 of what the file says: layout, comments and the order of keys do not count, sources of numbers do."""
    plain = [_plain(fields.node) for fields in parts]
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()


def _plain(node: YamlNode) -> object:
    match node:
        case YamlScalar():
            return " ".join(node.value.split()) if isinstance(node.value, str) else node.value
        case YamlList(items):
            return [_plain(item) for item in items]
        case YamlMap(entries):
            return {key.text: _plain(value) for key, value in entries}
