"""``isamapper bench mapping``: how long the mapper takes, and how much memory."""

from __future__ import annotations

import argparse

from isamapper.cli.exit_codes import ExitCode
from isamapper.cli.output import print_document, print_json
from isamapper.cli.progress import Progress
from isamapper.cli.words import CommandLine


def configure(parser: argparse.ArgumentParser) -> None:
    del parser  # it has no options of its own


def execute(arguments: argparse.Namespace, line: CommandLine) -> ExitCode:
    from isamapper.bench.mapping import bench_mapping
    from isamapper.report.mapping_bench import mapping_document

    with Progress() as progress:
        progress("mapping")
        answer = bench_mapping()
    if arguments.format == "json":
        print_json({"bench": "mapping", **answer})
    else:
        print_document(mapping_document(answer))
    return ExitCode.DONE
