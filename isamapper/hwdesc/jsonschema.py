"""Shapes as a JSON schema (2020-12), for editors that complete and check YAML files."""

from __future__ import annotations

from typing import assert_never

from isamapper.hwdesc.shapes import (
    Bytes,
    Choice,
    Cycles,
    Either,
    Field,
    Flag,
    Name,
    Number,
    Record,
    Several,
    Shape,
    Table,
    Text,
    Whole,
)

SCHEMA_URI = "https://isamapper.dev/schema/machine-1.json"
"""What the editor modeline at the top of a machine file names."""


def json_schema(record: Record, base: str) -> dict[str, object]:
    """The schema of files that hold ``record``; with the field ``base``, parts may say no more than their names."""
    whole = _schema(record)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_URI,
        "title": record.what.removeprefix("the ").capitalize(),
        "if": {"type": "object", "required": [base]},
        "then": _names_only(whole),
        "else": whole,
    }


def _names_only(schema: object) -> object:
    """``schema`` with nothing required but names."""
    if isinstance(schema, list):
        return [_names_only(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: _names_only(value) for key, value in schema.items() if key != "required"}
    names = [name for name in schema.get("required", ()) if name == "name"]
    return {**kept, "required": names} if names else kept


def _schema(shape: Shape) -> dict[str, object]:
    match shape:
        case Text():
            return {"type": "string", "minLength": 1}
        case Name(dotted, braced):
            part = r"(?:[A-Za-z_0-9]|\{[A-Za-z_][A-Za-z_0-9]*\})" if braced else "[A-Za-z_0-9]"
            first = part.replace("0-9]", "]", 1) if not braced else r"(?:[A-Za-z_]|\{[A-Za-z_][A-Za-z_0-9]*\})"
            return {"type": "string", "pattern": f"^{first}{part}*" + (rf"(?:\.{part}+)*$" if dotted else "$")}
        case Whole(low, high):
            return {"type": "integer", "minimum": low, "maximum": high}
        case Bytes(low):
            number: dict[str, object] = {"type": "integer", "minimum": low}
            return {"anyOf": [number, {"type": "string", "pattern": r"^[0-9]+\s*(B|KiB|MiB|GiB|TiB)$"}]}
        case Number(low):
            return {"type": "number"} if low is None else {"type": "number", "minimum": low}
        case Flag():
            return {"type": "boolean"}
        case Choice(words):
            return {"enum": [int(word) if word.isdigit() else word for word in words]}
        case Cycles():
            return {"anyOf": [{"type": "integer", "minimum": 0}, {"type": "string", "minLength": 1}]}
        case Several(item, at_least):
            bounds: dict[str, object] = {"minItems": at_least} if at_least else {}
            return {"type": "array", "items": _schema(item), **bounds}
        case Table(value):
            return {"type": "object", "additionalProperties": _schema(value)}
        case Either(shapes):
            return {"anyOf": [_schema(each) for each in shapes]}
        case Record(_, fields):
            return _object(fields)
        case _:
            assert_never(shape)


def _object(fields: tuple[Field, ...]) -> dict[str, object]:
    properties = {field.name: {**_schema(field.shape), "description": _description(field)} for field in fields}
    required = [field.name for field in fields if field.required]
    bounds: dict[str, object] = {"required": required} if required else {}
    return {"type": "object", "properties": properties, "additionalProperties": False, **bounds}


def _description(field: Field) -> str:
    return field.help if field.default is None else f"{field.help} (default: {field.default})"
