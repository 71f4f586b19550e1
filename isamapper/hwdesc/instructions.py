"""One entry under ``instructions:`` as model values: meaning, operands, timing.

The meaning is parsed where it stands in the file, so that its mistakes are shown there.
What does not belong here: rules that need other parts of the machine (``checks.py``).
"""

from __future__ import annotations

import re
from collections import abc
from dataclasses import replace
from functools import lru_cache

from isamapper.diagnostics.names import did_you_mean
from isamapper.diagnostics.source import Source, SourceError, Span
from isamapper.diagnostics.yaml import YamlList, YamlMap, YamlNode, YamlScalar
from isamapper.hwdesc.draft import Draft
from isamapper.hwdesc.families import family_name, type_choices
from isamapper.hwdesc.fields import Fields
from isamapper.hwdesc.model import Instruction, Operand, ParameterRange
from isamapper.ir import syntax
from isamapper.ir.nodes import Direction, Kernel, Tensor
from isamapper.ir.sizes import SizeConstant, SizeExpression
from isamapper.ir.template import Template, bind, parse_size_expression, parse_template
from isamapper.ir.types import DTYPES, DType

_BRACED = re.compile(r"\{([A-Za-z_][A-Za-z_0-9]*)\}")
_ANY_TYPE = DTYPES["f32"]
"""What a type name of a family stands for before a choice is made."""


def read_instruction(node: YamlNode, draft: Draft) -> tuple[Instruction, ...]:
    """The instructions that one judged entry stands for; mistakes inside it go to the draft."""
    fields = Fields(node)
    name = fields.required_text("name")
    choices = type_choices(fields.node_of("types"), draft)
    for unknown in sorted(set(_BRACED.findall(name)) - set(_type_keys(fields.node_of("types")))):
        draft.error("HW005", f"the name has '{{{unknown}}}', which 'types' does not give", fields.span("name"))
        return ()
    template = _template(fields, draft)
    built = []
    for choice in choices:
        member = family_name(name, choice)
        if draft.declare("instruction", member, fields.span("name")):
            draft.note_fields(node, "instruction", member)
            instruction = None if template is None else _instruction(member, fields, template, choice, draft)
            built.append(instruction)
    return tuple(instruction for instruction in built if instruction is not None)


def _template(fields: Fields, draft: Draft) -> Template | None:
    node = fields.node_of("semantics")
    assert isinstance(node, YamlScalar)
    place = node.content
    written = place.source.text[place.start : place.end]
    if (node.style == "double" and "\\" in written) or (node.style == "single" and "''" in written):
        help = "write the text as a block after 'semantics: |'"
        draft.error("HW030", "quoted semantics must not contain escapes", node.span, help)
        return None
    try:
        template = _parsed(place.source, place.start, place.end)
    except SourceError as error:
        draft.add(error.diagnostics)
        return None
    return _declare_types(template, fields.node_of("types"))


@lru_cache(maxsize=8192)
def _parsed(source: Source, start: int, end: int) -> Template:
    """Snippets and bases bring the same texts into many machines: each is parsed once."""
    return parse_template(source, start, end)


def _declare_types(template: Template, types: YamlNode | None) -> Template:
    """``template`` with the names under ``types:`` declared as if its text had a ``types`` header."""
    declared = {name for name, _ in template.types}
    keys = _type_keys(types)
    added = tuple(key for name, key in keys.items() if name not in declared)
    defaults = tuple(
        syntax.Default(syntax.Name(key.text, key.span), syntax.Name(_ANY_TYPE.name, key.span), key.span)
        for key in added
    )
    text = replace(template.text, types=(*template.text.types, *defaults))
    return replace(template, text=text, types=(*template.types, *((key.text, _ANY_TYPE) for key in added)))


def _type_keys(types: YamlNode | None) -> dict[str, YamlScalar]:
    """The type names under ``types:``, each with the first place that gives it."""
    maps = types.items if isinstance(types, YamlList) else (types,)
    keys: dict[str, YamlScalar] = {}
    for each in maps:
        if isinstance(each, YamlMap):
            for key, _ in each.entries:
                keys.setdefault(key.text, key)
    return keys


def _instruction(
    name: str, fields: Fields, template: Template, choice: abc.Mapping[str, DType], draft: Draft
) -> Instruction | None:
    try:
        kernel = replace(bind(template, types=choice), name=name)
    except SourceError as error:
        draft.add(finding for finding in error.diagnostics if finding not in draft.findings)
        return None
    timing = fields.fields("timing")
    occupies = None if timing is None else _cycles(timing, "occupies_cycles", draft)
    latency = None if timing is None else _cycles(timing, "latency_cycles", draft)
    return Instruction(
        name=name,
        unit=fields.required_text("unit"),
        template=template,
        semantics=kernel,
        parameters=tuple(ParameterRange(*parameter) for parameter in template.parameters),
        operands=_operands(fields, kernel, draft),
        occupies_cycles=SizeConstant(1) if occupies is None else occupies,
        latency_cycles=SizeConstant(0) if latency is None else latency,
        energy_pj=None if (energy := fields.number("energy_pj")) is None else float(energy),
        implicit=fields.flag("implicit"),
        issue_cycles=fields.whole("issue_cycles", 1),
        length_bytes=fields.optional_whole("length_bytes"),
        emit=tuple((key.text, value.text) for key, value in fields.entries("emit") if isinstance(value, YamlScalar)),
        source=fields.text("source"),
        span=fields.span("name"),
    )


def _cycles(fields: Fields, key: str, draft: Draft) -> SizeExpression | None:
    """The expression at ``key``, None where it is absent or wrong."""
    if not fields.has(key):
        return None
    place, number = fields.span(key), fields.number(key)
    if isinstance(number, int):
        return SizeConstant(number, place)
    if place not in draft.expressions:
        try:
            draft.expressions[place] = parse_size_expression(place.source, place.start, place.end)
        except SourceError as error:
            draft.add(error.diagnostics)
            draft.expressions[place] = None
    return draft.expressions[place]


def _operands(fields: Fields, kernel: Kernel, draft: Draft) -> tuple[Operand, ...]:
    """One operand for each tensor that crosses the border, in declaration order."""
    tensors = [tensor for tensor in kernel.tensors if tensor.direction is not Direction.LOCAL]
    demands: dict[str, Fields] = {}
    for key, value in fields.entries("operands"):
        if all(tensor.name != key.text for tensor in tensors):
            names = [tensor.name for tensor in tensors]
            help = did_you_mean(key.text, names)
            _once(draft, "HW005", f"'{kernel.name}' has no operand '{key.text}'", key.span, help)
        elif isinstance(value, YamlMap):
            demands[key.text] = Fields(value)
    empty = Fields(YamlMap((), fields.node.span))
    return tuple(_operand(tensor, demands.get(tensor.name, empty), draft) for tensor in tensors)


def _operand(tensor: Tensor, fields: Fields, draft: Draft) -> Operand:
    listed = tuple(scalar.text for scalar in fields.words("memories"))
    written = tuple(tensor.memory.split("|")) if tensor.memory else ()
    contiguous = tuple(scalar.text for scalar in fields.words("contiguous"))
    return Operand(
        name=tensor.name,
        memories=listed or written,
        alignment_bytes=fields.bytes("alignment_bytes") or 1,
        contiguous=contiguous if fields.has("contiguous") else None,
        pads=fields.flag("pads"),
        pad_value=fields.number("pad_value"),
        read_at=_cycles(fields, "read_at", draft),
        read_until=_cycles(fields, "read_until", draft),
        ready_at=_cycles(fields, "ready_at", draft),
        accumulates=fields.flag("accumulates"),
        span=tensor.span,
    )


def _once(draft: Draft, code: str, message: str, span: Span, help: str | None) -> None:
    """A finding about text shared by a family, kept for its first member only."""
    if all(finding.span != span for finding in draft.findings):
        draft.error(code, message, span, help)
