"""``isamapper bench tpuv1``: applications of the first TPU, simulated, beside published operations per second."""

from __future__ import annotations

import argparse

from isamapper.cli.exit_codes import ExitCode
from isamapper.cli.output import print_document, print_json
from isamapper.cli.words import CommandLine


def configure(parser: argparse.ArgumentParser) -> None:
    del parser  # it has no options of its own


def execute(arguments: argparse.Namespace, line: CommandLine) -> ExitCode:
    from isamapper.bench.tpuv1.measure import measure
    from isamapper.report.validation import tpuv1_document

    answer = measure()
    if arguments.format == "json":
        print_json(answer)
    else:
        print_document(tpuv1_document(answer))
    return ExitCode.DONE
