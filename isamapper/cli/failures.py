"""What is said on stderr when a command ends badly, and the exit code that goes with it."""

from __future__ import annotations

import os
import re
import sys
import tempfile
import traceback

from isamapper import __version__
from isamapper.cli.exit_codes import ExitCode
from isamapper.cli.words import CommandLine
from isamapper.diagnostics.render import render
from isamapper.diagnostics.source import SourceError


def wants_colour(stream: object) -> bool:
    """Whether ``stream`` is a terminal whose user did not refuse colour (https://no-color.org)."""
    return bool(getattr(stream, "isatty", lambda: False)()) and not os.environ.get("NO_COLOR")


def report_source_error(error: SourceError, line: CommandLine) -> ExitCode:
    """Every diagnostic of the user's mistake; one about an argument is shown where that stands."""
    colour = wants_colour(sys.stderr)
    found = [render(line.place(diagnostic), colour) for diagnostic in error.diagnostics]
    print("\n\n".join(found), file=sys.stderr)
    return ExitCode.WRONG_INPUT


def report_missing_extra(error: ModuleNotFoundError, line: CommandLine) -> ExitCode:
    """The command that installs what is missing; our bug where the module is one of ours."""
    module = (error.name or "").partition(".")[0]
    if module in ("", "isamapper"):
        return report_bug(error, line)
    install: str = getattr(error, "install", f"pip install {module}")
    print(f"error: {error}", file=sys.stderr)
    print(f"help: {install}", file=sys.stderr)
    return ExitCode.MISSING_EXTRA


def report_bug(error: Exception, line: CommandLine) -> ExitCode:
    """An apology with everything needed to repeat it; the traceback goes into a file."""
    with tempfile.NamedTemporaryFile(
        "w", prefix="isamapper-bug-", suffix=".txt", delete=False, encoding="utf-8"
    ) as file:
        print(line.source.text, file=file)
        traceback.print_exception(error, file=file)
    seed = re.search(r"--seed[= ](\d+)", line.source.text)
    lines = [
        f"internal error: {type(error).__name__}: {error}",
        "this is a bug in isamapper, not in your input; please report it with the following:",
        f"  command: {line.source.text}",
        f"  folder:  {os.getcwd()}",
        f"  seed:    {seed[1] if seed else 0}",
        f"  version: isamapper {__version__}, Python {sys.version.split()[0]}",
        f"  details: {file.name}",
    ]
    print("\n".join(lines), file=sys.stderr)
    return ExitCode.BUG
