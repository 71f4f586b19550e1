"""Every example in the README and in docs/ is run, and what it prints is what the document says.

A fenced block ``console`` holds commands after ``$`` and what they print; a block with the title ``file NAME`` in its
first line's info string is written to that file first. Commands of one document share a folder. Seconds vary, so every
number of seconds in both texts is taken for the same one; a line ``...`` stands for any lines.
"""

from __future__ import annotations

import contextlib
import io
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from isamapper.cli.main import main

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([ROOT / "README.md", *(ROOT / "docs").rglob("*.md")])
BLOCK = re.compile(r"^```(?P<info>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
SECONDS = re.compile(r"\b\d+(\.\d+)? s\b")
SECONDS_JSON = re.compile(r'(_seconds": )[\d.e-]+')


@dataclass(frozen=True)
class Step:
    """A file to write (``name``) or a command with what it prints."""

    text: str
    name: str | None = None
    command: str | None = None


def steps(document: Path) -> Iterator[Step]:
    for block in BLOCK.finditer(document.read_text(encoding="utf-8")):
        info, body = block["info"].strip(), block["body"]
        if match := re.search(r"file (\S+)", info):
            yield Step(body, name=match[1])
        elif info == "console":
            for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
                command, _, printed = part.partition("\n")
                yield Step(printed, command=command)


def same(expected: str, printed: str) -> bool:
    """Whether ``printed`` is what ``expected`` says, seconds apart, with ``...`` lines for any lines."""
    shape = "".join(
        r"(?:.*\n)*?" if line.strip() == "..." else re.escape(line) + "\n" for line in blurred(expected).split("\n")
    )
    return re.fullmatch(shape.rstrip("\n") + r"\n*", blurred(printed).rstrip("\n") + "\n") is not None


def blurred(text: str) -> str:
    text = SECONDS_JSON.sub(r"\g<1>0", SECONDS.sub("0 s", text))
    return "\n".join(line.rstrip() for line in text.rstrip("\n").split("\n"))


def run(command: str) -> str:
    """What the command prints, stderr after stdout; the exit code is given back where the document shows it."""
    out, err = io.StringIO(), io.StringIO()
    program, *words = shlex.split(command, comments=True)
    assert program == "isamapper", f"only isamapper's commands are run, found {command!r}"
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        main(words)
    return out.getvalue() + err.getvalue()


def has_examples(document: Path) -> bool:
    return any(step.command and step.command.startswith("isamapper") for step in steps(document))


@pytest.mark.parametrize("document", [d for d in DOCUMENTS if has_examples(d)], ids=lambda d: d.stem)
def test_the_examples_of(document: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for step in steps(document):
        if step.name is not None:
            Path(step.name).write_text(step.text, encoding="utf-8")
        elif step.command is not None and step.command.startswith("isamapper"):
            printed = run(step.command)
            assert same(step.text, printed), f"$ {step.command}\n--- printed\n{printed}\n--- expected\n{step.text}"
        elif step.command is not None and step.command.startswith("cat "):
            assert same(step.text, Path(step.command.split()[1]).read_text(encoding="utf-8"))


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
