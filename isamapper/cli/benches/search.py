"""``isamapper bench search``: every strategy on the same problems with the same budget."""

from __future__ import annotations

import argparse

import isamapper
from isamapper.cli.exit_codes import ExitCode
from isamapper.cli.options import add_search, search_of, whole
from isamapper.cli.output import print_document, print_json
from isamapper.cli.progress import Progress
from isamapper.cli.words import CommandLine


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--machine", default="gemmini16", metavar="MACHINE", help="default: gemmini16")
    parser.add_argument(
        "--every", type=whole, default=1, metavar="INT", help="take each so many-th problem only (default: 1, all)"
    )
    add_search(parser)


def execute(arguments: argparse.Namespace, line: CommandLine) -> ExitCode:
    from isamapper.bench.search import STRATEGIES, measure
    from isamapper.report.search import search_document

    options = search_of(arguments, line)
    strategies = (options.pop("strategy"),) if "strategy" in options else STRATEGIES
    isamapper.load_machine(arguments.machine)  # a wrong name is an error before anything is measured
    with Progress() as progress:
        answer = measure(arguments.machine, strategies=strategies, every=arguments.every, report=progress, **options)
    if arguments.format == "json":
        print_json(answer)
    else:
        print_document(search_document(answer))
    if any(row["failure"] for row in answer["rows"]):
        return ExitCode.NO
    unproved = arguments.require_optimal and not all(row["optimal"] for row in answer["rows"])
    return ExitCode.NOT_PROVED if unproved else ExitCode.DONE
