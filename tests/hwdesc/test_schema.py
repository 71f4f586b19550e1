"""The JSON schema says what the loader demands."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from isamapper.diagnostics.source import Source
from isamapper.diagnostics.yaml import YamlList, YamlMap, YamlNode, YamlScalar, read_yaml
from isamapper.hwdesc.files import MACHINES
from isamapper.hwdesc.loader import builtin_machines
from isamapper.hwdesc.schema import machine_schema
from tests.hwdesc.small_machine import SMALL


def plain(node: YamlNode) -> Any:
    match node:
        case YamlScalar():
            return node.value
        case YamlList(items):
            return [plain(item) for item in items]
        case YamlMap(entries):
            return {key.text: plain(value) for key, value in entries}


def fits(value: Any, schema: dict[str, Any]) -> bool:
    """The part of JSON schema that ours uses."""
    if "if" in schema:
        return fits(value, schema["then" if set(schema["if"]["required"]) <= set(value) else "else"])
    if "anyOf" in schema:
        return any(fits(value, each) for each in schema["anyOf"])
    if "enum" in schema:
        return value in schema["enum"]
    match schema["type"]:
        case "object":
            known = schema.get("properties", {})
            other = schema.get("additionalProperties", False)
            return (
                isinstance(value, dict)
                and all(key in value for key in schema.get("required", ()))
                and all(
                    fits(each, known[key]) if key in known else other and fits(each, other)
                    for key, each in value.items()
                )
            )
        case "array":
            return isinstance(value, list) and all(fits(each, schema["items"]) for each in value)
        case "string":
            return isinstance(value, str) and re.search(schema.get("pattern", ""), value) is not None
        case "boolean":
            return isinstance(value, bool)
        case "integer":
            return isinstance(value, int) and not isinstance(value, bool) and value >= schema["minimum"]
        case _:
            return isinstance(value, int | float) and value >= schema.get("minimum", value)


@pytest.mark.parametrize("name", builtin_machines())
def test_built_in_machines_fit_the_schema_that_they_name(name: str) -> None:
    text = (MACHINES / f"{name}.yaml").read_text(encoding="utf-8")
    schema = machine_schema()
    assert text.startswith(f"# yaml-language-server: $schema={schema['$id']}\n")
    assert fits(plain(read_yaml(Source(name, text))), schema)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("clock_hz: 1000", "clock_hz: fast"),
        ("name: small", "nmae: small"),
        ("kind: host", "kind: hots"),
        ("1KiB", "1KB"),
    ],
)
def test_the_schema_refuses_what_the_loader_refuses(old: str, new: str) -> None:
    assert fits(plain(read_yaml(Source("x", SMALL))), machine_schema())
    assert not fits(plain(read_yaml(Source("x", SMALL.replace(old, new, 1)))), machine_schema())


def test_the_schema_is_json_with_a_description_for_every_field() -> None:
    schema = json.loads(json.dumps(machine_schema()))
    assert set(schema["else"]["required"]) == {"name", "clock_hz"}
    assert all(each["description"] for each in schema["else"]["properties"].values())
