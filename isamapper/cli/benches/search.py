"""``isamapper bench search``: every strategy on the same problems with the same budget."""

from __future__ import annotations

import argparse
from pathlib import Path

import isamapper
from isamapper.cli.exit_codes import ExitCode
from isamapper.cli.options import add_search, positive, search_of
from isamapper.cli.output import print_document, print_json
from isamapper.cli.progress import Progress
from isamapper.cli.words import CommandLine


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--machine", default="gemmini16", metavar="MACHINE", help="default: gemmini16")
    parser.add_argument("--quick", action="store_true", help="twelve products and four convolutions only")
    parser.add_argument(
        "--every", type=positive, default=1, metavar="INT", help="take each so many-th problem only (default: 1, all)"
    )
    parser.add_argument(
        "--candidates",
        type=positive,
        metavar="INT",
        help="end each search but the exhaustive one after so many judged schedules, not by time",
    )
    parser.add_argument("--jobs", type=positive, default=1, metavar="INT", help="how many processes (default: 1)")
    parser.add_argument("--store", metavar="PATH", help="keep every row here, and take those that are there already")
    add_search(parser)


def execute(arguments: argparse.Namespace, line: CommandLine) -> ExitCode:
    from isamapper.bench import search
    from isamapper.report.search import search_document
    from isamapper.scheduler.campaign.executors import local

    options = search_of(arguments, line)
    if arguments.candidates is not None:
        options.setdefault("budget_seconds", None)
    strategies = (options.pop("strategy"),) if "strategy" in options else search.STRATEGIES
    isamapper.load_machine(arguments.machine)  # a wrong name is an error before anything is measured
    sample = search.quick_problems() if arguments.quick else search.chosen(arguments.every)
    asked = search.asked_for(sample, arguments.machine, strategies, candidates=arguments.candidates, **options)
    store = Path(arguments.store) if arguments.store else None
    with Progress() as progress:
        answer = search.measure(asked, executor=local("", max(1, arguments.jobs)), store=store, report=progress)
    if arguments.format == "json":
        print_json(answer)
    else:
        print_document(search_document(answer))
    if any(row["failure"] for row in answer["rows"]):
        return ExitCode.NO
    unproved = arguments.require_optimal and not all(search.proved(row) for row in answer["rows"])
    return ExitCode.NOT_PROVED if unproved else ExitCode.DONE
