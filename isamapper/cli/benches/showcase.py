"""``isamapper bench showcase``: computations in which a matrix product hides, each verified on a matrix instruction."""

from __future__ import annotations

import argparse

from isamapper.cli.exit_codes import ExitCode
from isamapper.cli.options import add_seed
from isamapper.cli.output import print_document, print_json
from isamapper.cli.progress import Progress
from isamapper.cli.words import CommandLine, did_you_mean


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--only", metavar="WORD", help="computations whose name or kernel holds this word")
    add_seed(parser)


def execute(arguments: argparse.Namespace, line: CommandLine) -> ExitCode:
    from isamapper.bench.showcase import cases, measure
    from isamapper.report.benches import showcase_document

    word = arguments.only or ""
    chosen = [case for case in cases() if word in case.computation or word in case.kernel]
    if not chosen:
        names = [case.kernel for case in cases()]
        raise line.error("IR070", f"no computation is called '{word}'", word, did_you_mean(word, names))
    with Progress() as progress:
        answer = measure(chosen, seed=arguments.seed, report=progress)
    if arguments.format == "json":
        print_json(answer)
    else:
        print_document(showcase_document(answer))
    return ExitCode.DONE if answer["summary"]["verified"] == len(chosen) else ExitCode.NO
