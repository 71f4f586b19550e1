"""Entry points to objects: unknown, doubled and broken ones are reported."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from isamapper import registry
from isamapper.diagnostics.source import SourceError

GROUP = registry.GROUPS["strategy"]


def register(monkeypatch: pytest.MonkeyPatch, *entries: tuple[str, str]) -> None:
    found = [EntryPoint(name, value, GROUP) for name, value in entries]
    monkeypatch.setattr(registry.metadata, "entry_points", lambda group: [e for e in found if e.group == group])


def code_of(error: SourceError) -> str:
    return error.diagnostics[0].code


def test_a_registered_name_gives_its_object(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch, ("path", "pathlib:Path"))
    assert registry.load("strategy", "path") is Path


def test_an_unknown_name_is_told_the_nearest(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch, ("heuristic", "pathlib:Path"))
    with pytest.raises(SourceError) as caught:
        registry.load("strategy", "heuristc")
    assert caught.value.diagnostics[0].message == "unknown strategy 'heuristc'"
    assert caught.value.diagnostics[0].help == "did you mean 'heuristic'?"


def test_a_name_registered_twice_is_an_error_that_names_both(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch, ("twin", "pathlib:Path"), ("twin", "pathlib:PurePath"))
    with pytest.raises(SourceError) as caught:
        registry.load("strategy", "twin")
    assert code_of(caught.value) == "PLG002"
    assert "pathlib:Path)" in str(caught.value) and "pathlib:PurePath)" in str(caught.value)


@pytest.mark.parametrize("target", ["no_such_module_at_all:x", "pathlib:no_such_name"])
def test_an_entry_that_does_not_load_is_reported(monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    register(monkeypatch, ("broken", target))
    with pytest.raises(SourceError) as caught:
        registry.load("strategy", "broken")
    assert code_of(caught.value) == "PLG003"
    assert caught.value.diagnostics[0].help == f"its entry point is {target}"


def test_an_entry_whose_extra_is_missing_names_the_pip_command(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch, ("learned", "no_such_module_at_all:x [learned]"))
    with pytest.raises(registry.MissingExtra) as caught:
        registry.load("strategy", "learned")
    assert caught.value.install == "pip install 'unknown[learned]'"
