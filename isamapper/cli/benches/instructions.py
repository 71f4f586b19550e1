"""``isamapper bench instructions``: simulated timings of single instructions beside known ones."""

from __future__ import annotations

import argparse

from isamapper.cli.exit_codes import ExitCode
from isamapper.cli.output import print_document, print_json
from isamapper.cli.progress import Progress
from isamapper.cli.words import CommandLine


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", metavar="FILE", help="a CSV of known timings (default: those of the package)")


def execute(arguments: argparse.Namespace, line: CommandLine) -> ExitCode:
    from isamapper.bench.instructions.measure import bench_instructions
    from isamapper.report.instructions import instructions_document

    with Progress() as progress:
        progress("simulating")
        answer = bench_instructions(arguments.data)
    if arguments.format == "json":
        print_json({"bench": "instructions", **answer})
    else:
        print_document(instructions_document(answer))
    exact = answer["summary"]["exact"]
    return ExitCode.DONE if exact["rows"] == exact["reproduced"] else ExitCode.NO
