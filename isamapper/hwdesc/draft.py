"""What a loader knows while it reads a machine file: mistakes, places and names.

Names are kept apart from values: a unit with a mistake in it still has a name, so that one mistake is one message.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, field

from isamapper.diagnostics.source import Diagnostic, Span
from isamapper.diagnostics.yaml import YamlMap, YamlNode, YamlScalar
from isamapper.hwdesc.places import Places
from isamapper.ir.sizes import SizeExpression


@dataclass(slots=True)
class Draft:
    """The findings of one file so far, the places of its parts, the names it gives by kind, and its cycle counts.

    ``expressions`` holds each cycle count by its place (None where it is wrong): families share them.
    """

    findings: list[Diagnostic] = field(default_factory=list)
    places: Places = field(default_factory=Places)
    names: dict[str, dict[str, Span]] = field(default_factory=dict)
    expressions: dict[Span, SizeExpression | None] = field(default_factory=dict)

    def error(self, code: str, message: str, span: Span | None, help: str | None = None) -> None:
        self.findings.append(Diagnostic(code, message, span, help))

    def add(self, findings: abc.Iterable[Diagnostic]) -> bool:
        """Keeps ``findings``; true where there were none."""
        before = len(self.findings)
        self.findings.extend(findings)
        return len(self.findings) == before

    def touches(self, node: YamlNode) -> bool:
        """Whether a finding so far lies within ``node``."""
        whole = node.span
        return any(
            finding.span is not None
            and finding.span.source == whole.source
            and whole.start <= finding.span.start < max(whole.end, whole.start + 1)
            for finding in self.findings
        )

    def declare(self, kind: str, name: str, span: Span) -> bool:
        """Takes ``name`` for one ``kind``; false, with a finding, where it is taken."""
        taken = self.names.setdefault(kind, {})
        if name in taken:
            note = ("first given here", taken[name])
            self.findings.append(Diagnostic("HW004", f"{kind} '{name}' is given twice", span, notes=(note,)))
            return False
        taken[name] = span
        self.places.note(span, kind, name)
        return True

    def note_fields(self, node: YamlNode, *path: str) -> None:
        """Records the place of every value under ``node``."""
        if not isinstance(node, YamlMap):
            return
        for key, value in node.entries:
            self.places.note(value.content if isinstance(value, YamlScalar) else value.span, *path, key.text)
            self.note_fields(value, *path, key.text)
