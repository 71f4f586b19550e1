"""How a command gives its answer: JSON for programs, a document for people, a text for the next stage."""

from __future__ import annotations

import json
import shutil
import sys
from collections import abc
from pathlib import Path
from typing import TYPE_CHECKING

from isamapper.cli.failures import wants_colour
from isamapper.diagnostics.source import Diagnostic, SourceError
from isamapper.report.document import Document
from isamapper.report.plain import render_plain

if TYPE_CHECKING:
    from isamapper.result import Result
    from isamapper.sim.timeline import Timeline

JSON_FORMAT = 1
"""The ``format`` key of every JSON object; it changes when a key changes its meaning or goes away."""


def print_json(answer: abc.Mapping[str, object]) -> None:
    """One object on stdout, indented, keys in the order given."""
    sys.stdout.write(
        json.dumps({"format": JSON_FORMAT, **answer}, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    )


def print_document(document: Document) -> None:
    """Plain text, or rich where stdout is a terminal that takes colour."""
    if wants_colour(sys.stdout):
        from isamapper.report.terminal import render_terminal  # a tenth of a second, for terminals alone

        sys.stdout.write(render_terminal(document, shutil.get_terminal_size().columns))
    else:
        sys.stdout.write(render_plain(document))


def write_trace(timeline: Timeline, path: str) -> None:
    """The timeline in the Chrome trace format to the file ``path``."""
    from isamapper.sim.trace import chrome_trace

    write_text(json.dumps(chrome_trace(timeline)) + "\n", path)


def write_page(result: Result, path: str) -> None:
    """The timeline as an HTML page to the file ``path``."""
    from isamapper.report.timeline_page import timeline_page

    write_text(timeline_page(result), path)


def write_text(text: str, path: str | None) -> None:
    """``text`` to the file ``path``, or to stdout where there is none."""
    if path is None or path == "-":
        sys.stdout.write(text)
        return
    try:
        Path(path).write_text(text, encoding="utf-8")
    except OSError as error:
        raise SourceError(Diagnostic("CLI010", f"cannot write '{path}': {error.strerror}")) from error
