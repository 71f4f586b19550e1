"""Every example in the README and in docs/ is run, and what it prints is what the document says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.docs.examples import documents, perform, refreshed, same, steps


@pytest.mark.parametrize("document", documents(), ids=lambda path: path.stem)
def test_the_examples_of(document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for step in steps(document.read_text(encoding="utf-8")):
        printed = perform(step)
        if printed is not None:
            assert same(step.text, printed), f"$ {step.command}\n--- printed\n{printed}\n--- expected\n{step.text}"


@pytest.mark.parametrize(
    ("expected", "printed", "equal"),
    [
        ("a\n", "a\n", True),
        ("a\n...\nd\n", "a\nb\nc\nd\n", True),
        ("in 0.1 s\n", "in 12.75 s\n", True),
        ("a\n", "b\n", False),
        ("a\n", "a\nb\n", False),
    ],
)
def test_what_counts_as_the_same(expected: str, printed: str, equal: bool) -> None:
    assert same(expected, printed) == equal


def test_a_refreshed_document_says_what_is_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    text = "# T\n\n```text file a.txt\nhello\n```\n\n```console\n$ cat a.txt\nold\n$ isamapper explain CLI0\n```\nend\n"
    new = refreshed(text)
    assert "$ cat a.txt\nhello\n$ isamapper explain CLI0\nerror[CLI" in new
    assert refreshed(new) == new
