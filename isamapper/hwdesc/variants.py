"""Machines that are another machine with differences, such as a chip around a core.

    base: amx
    name: sapphire_rapids
    grid: {name: core, count: 56, holds: [l2, l1, tmm]}
    memories:
      - {name: l2, capacity_bytes: 1MiB}

Rules of this file:
- what the file gives replaces what its base gives, field by field; everything else is the base's;
- entries of lists are known by their ``name`` (grids, memories, ports, units, instructions): an entry of a known name
  changes that entry, any other is added behind; snippets are added;
- the result is judged like a file. A base may have a base, but not itself.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from isamapper.diagnostics.source import Diagnostic, Source, SourceError
from isamapper.diagnostics.yaml import YamlList, YamlMap, YamlNode, YamlScalar, read_yaml
from isamapper.hwdesc.files import builtin_machines, find_machine

BASE = "base"
_OWN = ("include",)
"""Lists whose entries are added to the base's, whatever they are."""


def with_base(root: YamlMap, source: Source, seen: tuple[str, ...] = ()) -> YamlMap:
    """``root`` with what its base adds; ``root`` itself where it has none. SourceError HW043 for a wrong base."""
    node = root.get(BASE)
    if node is None:
        return root
    if not isinstance(node, YamlScalar) or not node.text:
        raise SourceError(Diagnostic("HW043", "'base' must be the name or the path of a machine", node.span))
    name = _located(node.text, source)
    if name in seen:
        raise SourceError(Diagnostic("HW043", f"machine '{node.text}' has itself as its base", node.span))
    try:
        text = find_machine(name)
        below = read_yaml(text)
    except SourceError as error:
        place = Diagnostic("HW043", f"the base '{node.text}' cannot be read", node.span)
        raise SourceError(place, *error.diagnostics) from None
    if not isinstance(below, YamlMap):
        raise SourceError(Diagnostic("HW043", f"the base '{node.text}' is no machine", node.span))
    return _merged(with_base(below, text, (*seen, name)), root)


def _located(name: str, source: Source) -> str:
    """A built-in name as it is; a path as seen from the file that gives it."""
    if name in builtin_machines():
        return name
    beside = Path(source.name).parent / name
    return str(beside) if beside.exists() else name


def _merged(base: YamlMap, own: YamlMap) -> YamlMap:
    """Field by field; the fields of ``base`` keep their order."""
    known = {key.text: value for key, value in own.entries}
    kept = tuple(
        (key, _joined(key.text, value, known[key.text]) if key.text in known else value) for key, value in base.entries
    )
    names = {key.text for key, _ in base.entries}
    return replace(own, entries=(*kept, *(entry for entry in own.entries if entry[0].text not in names)))


def _joined(key: str, base: YamlNode, own: YamlNode) -> YamlNode:
    match base, own:
        case YamlMap(), YamlMap():
            return _merged(base, own)
        case YamlList(), YamlList() if key in _OWN:
            return replace(own, items=(*base.items, *own.items))
        case YamlList(), YamlList() if all(map(_name, (*base.items, *own.items))):
            return _by_name(base, own)
        case _:
            return own


def _by_name(base: YamlList, own: YamlList) -> YamlList:
    """Entries of one name become one; a name that ``own`` has twice stays twice, for the checks to find."""
    changes = {_name(item): item for item in own.items}
    names = {_name(item) for item in base.items}
    kept = tuple(_joined("", item, changes[_name(item)]) if _name(item) in changes else item for item in base.items)
    return replace(own, items=(*kept, *(item for item in own.items if _name(item) not in names)))


def _name(item: YamlNode) -> str:
    name = item.get("name") if isinstance(item, YamlMap) else None
    return name.text if isinstance(name, YamlScalar) else ""
