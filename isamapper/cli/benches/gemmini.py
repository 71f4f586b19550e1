"""``isamapper bench gemmini``: simulated cycles beside cycles measured on Gemmini's RTL."""

from __future__ import annotations

import argparse

from isamapper.cli.exit_codes import ExitCode
from isamapper.cli.output import print_document, print_json
from isamapper.cli.progress import Progress
from isamapper.cli.words import CommandLine


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", metavar="FILE", help="a CSV of measured layers (default: the published half)")
    parser.add_argument(
        "--cross-validate",
        action="store_true",
        help="fit the machine's constants anew without each fifth of the buffer sizes, and judge there (minutes)",
    )


def execute(arguments: argparse.Namespace, line: CommandLine) -> ExitCode:
    from isamapper.bench.gemmini.data import Measured, builtin_table, read_table, table_rows
    from isamapper.bench.gemmini.measure import measure
    from isamapper.report.validation import gemmini_document

    rows = table_rows(builtin_table() if arguments.data is None else read_table(arguments.data))
    with Progress() as progress:
        answer = measure(rows, report=progress)
        if arguments.cross_validate:
            from isamapper.bench.gemmini.folds import cross_validated

            answer["summary"]["cross_validated"] = cross_validated(
                [row for row in rows if isinstance(row, Measured)], report=progress
            )
    if arguments.format == "json":
        print_json(answer)
    else:
        print_document(gemmini_document(answer))
    return ExitCode.DONE
