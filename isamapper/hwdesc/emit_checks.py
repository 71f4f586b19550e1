"""Rules of ``emit`` templates: balanced braces, and only fields that an invocation has.

Fields: ``{parameter}``, ``{Type}``, and for each operand ``{a.address}``, ``{a.memory}``, ``{a.row}`` (address over
row_bytes) and ``{a.stride_i}``, the byte stride of the axis that iterator ``i`` indexes. ``{{`` and ``}}`` are braces.
"""

from __future__ import annotations

import re
from collections import abc

from isamapper.diagnostics.names import did_you_mean
from isamapper.diagnostics.source import Diagnostic, Span
from isamapper.hwdesc.classify import operand_axes
from isamapper.hwdesc.model import Instruction
from isamapper.hwdesc.places import Places

_PIECE = re.compile(r"\{\{|\}\}|\{([^{}]*)\}|[{}]")


def check_emit(instruction: Instruction, places: Places) -> abc.Iterator[Diagnostic]:
    """Findings about the templates of every backend."""
    known = emit_fields(instruction)
    for backend, template in instruction.emit:
        place = places.exact("instruction", instruction.name, "emit", backend)
        for match in _PIECE.finditer(template):
            if match[0] in ("{{", "}}"):
                continue
            span = _inside(place, template, match)
            if match[1] is None:
                yield Diagnostic("HW032", f"single '{match[0]}' in a template", span, "write '{{' or '}}' for a brace")
            elif match[1] not in known:
                help = did_you_mean(match[1], known)
                yield Diagnostic("HW032", f"unknown field '{match[1]}' in the template of '{backend}'", span, help)


def emit_fields(instruction: Instruction) -> tuple[str, ...]:
    """Every field that a template of ``instruction`` may use."""
    names = [parameter.name for parameter in instruction.parameters]
    names += [name for name, _ in instruction.semantics.types]
    for operand in instruction.operands:
        names += [f"{operand.name}.{field}" for field in ("address", "row", "memory")]
        names += [f"{operand.name}.stride_{axis}" for axis in operand_axes(instruction, operand) if axis is not None]
    return tuple(dict.fromkeys(names))


def _inside(place: Span | None, template: str, match: re.Match[str]) -> Span | None:
    """The field's own place where the text stands in the file as it is, else that of the whole template."""
    if place is None or place.source.text[place.start : place.end] != template:
        return place
    return Span(place.source, place.start + match.start(), place.start + match.end())
