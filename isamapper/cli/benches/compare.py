"""``isamapper bench compare BEFORE AFTER``: two result files of ``bench deepbench``; exit code 1 if one is worse."""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from isamapper.cli.exit_codes import ExitCode
from isamapper.cli.output import print_document, print_json
from isamapper.cli.words import CommandLine

THRESHOLD_PERCENT = 1.0


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("before", metavar="BEFORE", help="a result file (JSON lines)")
    parser.add_argument("after", metavar="AFTER", help="another one")
    parser.add_argument(
        "--threshold",
        type=_percent,
        default=THRESHOLD_PERCENT,
        metavar="PERCENT",
        help="more cycles by over so much is a regression (default: 1)",
    )


def _percent(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 <= value < math.inf:
        raise argparse.ArgumentTypeError(f"must be a number of percent from 0, found '{text}'")
    return value


def execute(arguments: argparse.Namespace, line: CommandLine) -> ExitCode:
    from isamapper.bench.deepbench.compare import compare
    from isamapper.bench.deepbench.store import read_existing
    from isamapper.report.deepbench import compare_document

    before, after = (read_existing(Path(file)) for file in (arguments.before, arguments.after))
    answer = compare(before, after, arguments.threshold)
    if not answer["rows"]:
        message = f"'{arguments.before}' and '{arguments.after}' have no problem of one machine in common"
        raise line.error("BEN004", message, arguments.after, "compare results of the same suite and machine")
    if arguments.format == "json":
        print_json(answer)
    else:
        print_document(compare_document(answer))
    return ExitCode.NO if answer["summary"]["regressions"] else ExitCode.DONE
