"""Every example in the README and in docs/ is run, and what it prints is what the document says.

Seconds vary, so every number of seconds in both texts is taken for the same one; a line ``...`` stands for any lines.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.docs.examples import ANY_LINES, documents, perform, refreshed, steps

SECONDS = re.compile(r"\b\d+(\.\d+)? s\b")
SECONDS_JSON = re.compile(r'(seconds": )[\d.e-]+')


def same(expected: str, printed: str) -> bool:
    """Whether ``printed`` is what ``expected`` says, seconds apart."""
    shape = "".join(
        r"(?:.*\n)*?" if line.strip() == ANY_LINES else re.escape(line) + "\n" for line in blurred(expected).split("\n")
    )
    return re.fullmatch(shape, blurred(printed) + "\n") is not None


def blurred(text: str) -> str:
    text = SECONDS_JSON.sub(r"\g<1>0", SECONDS.sub("0 s", text))
    return "\n".join(" ".join(line.split()) for line in text.rstrip("\n").split("\n"))


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
