"""Reading YAML into nodes that know their place."""

from __future__ import annotations

import pytest

from isamapper.diagnostics import yaml as reader
from isamapper.diagnostics.source import Source, SourceError
from isamapper.diagnostics.yaml import YamlList, YamlMap, YamlNode, YamlScalar, plain_value, read_yaml

LOADERS = [reader.yaml.SafeLoader] + ([reader.yaml.CSafeLoader] if reader.yaml.__with_libyaml__ else [])


@pytest.fixture(params=LOADERS, ids=lambda loader: loader.__name__)
def _loader(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reader, "_LOADER", request.param)


pytestmark = pytest.mark.usefixtures("_loader")


def plain(node: YamlNode) -> object:
    match node:
        case YamlScalar():
            return node.value
        case YamlList(items):
            return [plain(item) for item in items]
        case YamlMap(entries):
            return {key.text: plain(value) for key, value in entries}


def at(text: str, *path: str) -> YamlScalar:
    node = read_yaml(Source("x.yaml", text))
    for key in path:
        assert isinstance(node, YamlMap)
        found = node.get(key)
        assert found is not None
        node = found
    assert isinstance(node, YamlScalar)
    return node


def covered(node: YamlScalar) -> str:
    return node.content.source.text[node.content.start : node.content.end]


def said(text: str) -> list[tuple[str, int, int]]:
    with pytest.raises(SourceError) as caught:
        read_yaml(Source("x.yaml", text))
    return [(d.code, d.span.line, d.span.column) for d in caught.value.diagnostics if d.span is not None]


def test_maps_lists_and_scalars() -> None:
    text = "a: {b: 1, c: [0x10, 1.5, 'x']}\nd:\n- true\n- ~\n"
    assert plain(read_yaml(Source("x.yaml", text))) == {"a": {"b": 1, "c": [16, 1.5, "x"]}, "d": [True, None]}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", "yes"),
        ("on", "on"),
        ("0777", 777),
        ("0o17", 15),
        ("-3", -3),
        ("1e3", 1000.0),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        (".inf", float("inf")),
        ("2024-01-01", "2024-01-01"),
        ("", None),
        ("9" * 500, float("inf")),
    ],
)
def test_scalars_follow_yaml_1_2(text: str, value: object) -> None:
    assert plain_value(text) == value


def test_quoted_scalars_are_texts() -> None:
    assert at("a: '1'", "a").value == "1"
    assert at('a: "true"', "a").value == "true"


@pytest.mark.parametrize(
    ("text", "content"),
    [
        ('a: "x y"', "x y"),
        ("a: 'x y'", "x y"),
        ("a: x y # note", "x y"),
        ("a: |\n  x\n  y\n", "  x\n  y\n"),
        ("é: &anchor x", "x"),
        ("\ufeffa: x", "x"),
    ],
)
def test_content_is_the_text_between_quotes_and_headers(text: str, content: str) -> None:
    node = read_yaml(Source("x.yaml", text))
    assert isinstance(node, YamlMap)
    value = node.entries[0][1]
    assert isinstance(value, YamlScalar)
    assert covered(value) == content


def test_an_alias_has_the_value_of_its_anchor() -> None:
    assert plain(read_yaml(Source("x.yaml", "a: &x [1, 2]\nb: *x\n"))) == {"a": [1, 2], "b": [1, 2]}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a: 1\nb: 2\na: 3\n", [("YAML003", 3, 1)]),
        ("a: {b: 1, b: 2, b: 3}", [("YAML003", 1, 11), ("YAML003", 1, 17)]),
        ("a: !!int 3", [("YAML002", 1, 4)]),
        ("? [a]\n: 1", [("YAML002", 1, 3)]),
        ("a: &a [*a]", [("YAML002", 1, 7)]),
        ("", [("YAML001", 1, 1)]),
        ("# nothing\n", [("YAML001", 1, 1)]),
        ("a: 1\n---\nb: 2", [("YAML001", 2, 1)]),
        ("a: *b", [("YAML001", 1, 4)]),
        ("a: [1,\nb: 2", [("YAML001", 2, 5)]),
        ('"a', [("YAML001", 1, 1)]),
        ("a: \x01", [("YAML001", 1, 4)]),
        ("\ta: 1", [("YAML001", 1, 1)]),
    ],
)
def test_mistakes_have_places(text: str, found: list[tuple[str, int, int]]) -> None:
    assert said(text) == found


def test_values_that_unfold_without_end_are_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert {code for code, _, _ in said("\n".join(lines))} == {"YAML002"}


def test_deep_nesting_is_refused() -> None:
    assert {code for code, _, _ in said("[" * 5000)} == {"YAML001"}
