"""The examples of the README and of docs/: found, run, and written anew.

A fenced block ``console`` holds commands after ``$`` and what they print; a block with ``file NAME`` in its info string
is written to that file first. Commands of one document share a folder. ``make examples`` replaces what the documents
say by what the commands print now; read the difference before it is committed.
"""

from __future__ import annotations

import contextlib
import io
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from isamapper.cli.main import main

ROOT = Path(__file__).parents[2]
BLOCK = re.compile(r"^```(?P<info>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
ANY_LINES = "..."
SECONDS = re.compile(r"\b\d+(\.\d+)? s\b")
SECONDS_JSON = re.compile(r'(seconds": )[\d.e-]+')


@dataclass(frozen=True)
class Step:
    """A file to write (``name``), or a command with what it prints."""

    text: str
    name: str | None = None
    command: str | None = None


def documents() -> list[Path]:
    """The README and every page of the manual that has examples."""
    found = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [path for path in found if any(step.command for step in steps(path.read_text(encoding="utf-8")))]


def steps(text: str) -> Iterator[Step]:
    """Files and commands in the order of the document."""
    for block in BLOCK.finditer(text):
        yield from block_steps(block)


def block_steps(block: re.Match[str]) -> Iterator[Step]:
    """What one fenced block asks for; nothing where it is no example."""
    info = block["info"].strip()
    if match := re.search(r"\bfile (\S+)", info):
        yield Step(block["body"], name=match[1])
    elif info == "console":
        for part in re.split(r"^\$ ", block["body"], flags=re.MULTILINE)[1:]:
            command, _, printed = part.partition("\n")
            yield Step(printed, command=command)


def perform(step: Step) -> str | None:
    """Does one step in the current folder; what it prints, or None where there is nothing to compare."""
    if step.name is not None:
        Path(step.name).write_text(step.text, encoding="utf-8")
        return None
    assert step.command is not None
    program, *words = shlex.split(step.command, comments=True)
    if program == "cat":
        return Path(words[0]).read_text(encoding="utf-8")
    if program != "isamapper":
        return None
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        main(words)
    return out.getvalue() + err.getvalue()


def same(expected: str, printed: str) -> bool:
    """Whether ``printed`` is what ``expected`` says: seconds apart, and with ``...`` lines for any lines."""
    shape = "".join(
        r"(?:.*\n)*?" if line.strip() == ANY_LINES else re.escape(line) + "\n"
        for line in _blurred(expected).split("\n")
    )
    return re.fullmatch(shape, _blurred(printed) + "\n") is not None


def _blurred(text: str) -> str:
    text = SECONDS_JSON.sub(r"\g<1>0", SECONDS.sub("0 s", text))
    return "\n".join(" ".join(line.split()) for line in text.rstrip("\n").split("\n"))


def refreshed(text: str) -> str:
    """The document with what its commands print now; what differs in seconds alone stays as it is."""
    return BLOCK.sub(_refreshed_block, text)


def _refreshed_block(block: re.Match[str]) -> str:
    done = [(step, perform(step)) for step in block_steps(block)]
    if all(printed is None or same(step.text, printed) for step, printed in done):
        return block[0]
    lines = ["```console"]
    for step, printed in done:
        text = step.text if printed is None else printed
        lines += [f"$ {step.command}", *([text.rstrip("\n")] if text.strip() else [])]
    return "\n".join([*lines, "```"])


def refresh() -> None:
    """Rewrites every document."""
    for path in documents():
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            text = refreshed(path.read_text(encoding="utf-8"))
        path.write_text(text, encoding="utf-8")
        sys.stderr.write(f"{os.path.relpath(path, ROOT)}\n")


if __name__ == "__main__":
    refresh()
