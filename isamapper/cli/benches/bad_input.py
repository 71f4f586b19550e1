"""``isamapper bench bad-input``: malformed kernels, machines and arguments get exit code 2 and a place."""

from __future__ import annotations

import argparse
import contextlib
import io
from collections import abc

from isamapper.cli.exit_codes import ExitCode
from isamapper.cli.output import print_document, print_json
from isamapper.cli.words import CommandLine


def configure(parser: argparse.ArgumentParser) -> None:
    del parser  # it has no options of its own


def execute(arguments: argparse.Namespace, line: CommandLine) -> ExitCode:
    from isamapper.bench.bad_input import measure
    from isamapper.report.benches import bad_input_document

    answer = measure(_in_process)
    if arguments.format == "json":
        print_json(answer)
    else:
        print_document(bad_input_document(answer))
    return ExitCode.DONE if all(row["ok"] for row in answer["rows"]) else ExitCode.NO


def _in_process(words: abc.Sequence[str]) -> tuple[int, str, str]:
    """The command line without a process of its own: exit code, stdout, stderr."""
    from isamapper.cli.main import main

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(words)
    if code == ExitCode.INTERRUPTED:
        raise KeyboardInterrupt  # meant for the bench, not for the case it met
    return code, out.getvalue(), err.getvalue()
