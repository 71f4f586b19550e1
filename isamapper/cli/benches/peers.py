"""``isamapper bench peers``: nine workloads that other mappers were run for, their claims beside simulated cycles."""

from __future__ import annotations

import argparse

from isamapper.cli.exit_codes import ExitCode
from isamapper.cli.options import add_search, search_of
from isamapper.cli.output import print_document, print_json
from isamapper.cli.progress import Progress
from isamapper.cli.words import CommandLine


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--machine", default="ws16", metavar="MACHINE", help="a weight-stationary array (default: ws16)"
    )
    add_search(parser)


def execute(arguments: argparse.Namespace, line: CommandLine) -> ExitCode:
    from isamapper.bench.peers import measure
    from isamapper.report.peers import peers_document

    options = search_of(arguments, line)
    with Progress() as progress:
        answer = measure(arguments.machine, report=progress, **options)
    if arguments.format == "json":
        print_json(answer)
    else:
        print_document(peers_document(answer))
    if any(row["failure"] for row in answer["rows"]):
        return ExitCode.NO
    unproved = arguments.require_optimal and not all(row["optimal"] for row in answer["rows"])
    return ExitCode.NOT_PROVED if unproved else ExitCode.DONE
