"""Parts of machines that several machines share, such as a scalar host unit.

    include:
      - {snippet: host_scalar, memory: dram}

takes the snippet's memories, units, grids and instructions into the machine, with ``${memory}`` in its text replaced by
``dram``. Arguments are names: nothing is computed in a snippet.
"""

from __future__ import annotations

import re
from collections import abc
from functools import lru_cache

from isamapper.diagnostics.names import did_you_mean
from isamapper.diagnostics.source import Source, SourceError
from isamapper.diagnostics.yaml import YamlMap, YamlNode, YamlScalar, read_yaml
from isamapper.hwdesc import schema
from isamapper.hwdesc.draft import Draft
from isamapper.hwdesc.fields import Fields
from isamapper.hwdesc.files import find_snippet
from isamapper.hwdesc.parts import entry_name
from isamapper.hwdesc.shapes import judge

_ARGUMENT = re.compile(r"\$\{([A-Za-z_][A-Za-z_0-9]*)\}")


def read_snippets(machine: Fields, draft: Draft) -> tuple[Fields, ...]:
    """The filled snippets that the entries under ``include:`` of ``machine`` ask for."""
    known = {
        kind: {name.text for node in machine.items(key) if (name := entry_name(node)) is not None}
        for kind, key in (("memory", "memories"), ("unit", "units"))
    }
    found = (_snippet(node, known, draft) for node in machine.items("include") if isinstance(node, YamlMap))
    return tuple(fields for fields in found if fields is not None)


def _snippet(node: YamlMap, known: abc.Mapping[str, set[str]], draft: Draft) -> Fields | None:
    arguments = {key.text: value for key, value in node.entries if isinstance(value, YamlScalar)}
    asked = arguments.pop("snippet", None)
    if asked is None:
        draft.error("HW002", "an include needs 'snippet'", node.span, "such as {snippet: host_scalar, memory: dram}")
        return None
    try:
        source = find_snippet(asked.text, asked.span)
        expected = Fields(read_yaml(source)).entries("arguments")
    except SourceError as error:
        draft.add(error.diagnostics)
        return None
    names = [key.text for key, _ in expected]
    before = len(draft.findings)
    for key, _ in node.entries:
        if key.text not in ("snippet", *names):
            help = did_you_mean(key.text, names)
            draft.error("HW001", f"snippet '{asked.text}' has no argument '{key.text}'", key.span, help)
    for key, kind in expected:
        value = arguments.get(key.text)
        if value is None:
            draft.error("HW002", f"snippet '{asked.text}' needs the argument '{key.text}'", asked.span)
        elif isinstance(kind, YamlScalar) and value.text not in known.get(kind.text, (value.text,)):
            help = did_you_mean(value.text, known[kind.text])
            draft.error("HW005", f"unknown {kind.text} '{value.text}'", value.span, help)
    if len(draft.findings) > before:
        return None
    return _fill(source, {name: value.text for name, value in arguments.items()}, draft)


@lru_cache(maxsize=64)
def _nodes(source: Source) -> YamlNode:
    """Many machines ask for the same snippet with the same arguments."""
    return read_yaml(source)


def _fill(source: Source, arguments: dict[str, str], draft: Draft) -> Fields | None:
    text = _ARGUMENT.sub(lambda match: arguments.get(match[1], match[0]), source.text)
    node = _nodes(Source(source.name, text))
    return Fields(node) if draft.add(judge(node, schema.SNIPPET, "snippet")) else None
