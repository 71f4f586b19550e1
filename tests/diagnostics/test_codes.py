"""Every code that a message can carry is registered with a title and an explanation, and none is dead."""

from __future__ import annotations

import re
from pathlib import Path

import isamapper
from isamapper.diagnostics.codes import CODES, explanation, known_codes

PACKAGE = Path(isamapper.__file__).parent
USED = re.compile(r'"([A-Z]{2,4}\d{3})"')


def used_codes() -> set[str]:
    files = [file for file in PACKAGE.rglob("*.py") if file.parent.name != "catalogue"]
    return {code for file in files for code in USED.findall(file.read_text(encoding="utf-8"))}


def test_every_code_in_the_package_is_registered() -> None:
    assert sorted(used_codes() - set(CODES)) == []


def test_every_registered_code_is_used() -> None:
    assert sorted(set(CODES) - used_codes()) == []


def test_titles_and_explanations_are_sentences_for_people() -> None:
    for code in CODES.values():
        assert code.title[0].islower() or code.title.startswith("'"), code
        assert not code.title.endswith("."), code
        assert code.explanation.endswith("."), code
        assert "  " not in code.explanation, code


def test_an_explanation_begins_with_the_code() -> None:
    assert str(explanation("IR027")).startswith("IR027: not affine\n\nIndices, extents and conditions are sums")
    assert explanation("IR999") is None
    assert known_codes()[0] == "IR001"
