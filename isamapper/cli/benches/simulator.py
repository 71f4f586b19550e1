"""``isamapper bench simulator``: simulated instructions per second of each timing engine."""

from __future__ import annotations

import argparse

from isamapper.cli.exit_codes import ExitCode
from isamapper.cli.output import print_document, print_json
from isamapper.cli.progress import Progress
from isamapper.cli.words import CommandLine


def configure(parser: argparse.ArgumentParser) -> None:
    del parser  # it has no options of its own


def execute(arguments: argparse.Namespace, line: CommandLine) -> ExitCode:
    from isamapper.bench.simulator import bench_simulator
    from isamapper.report.benches import simulator_document

    with Progress() as progress:
        progress("simulating")
        answer = bench_simulator()
    if arguments.format == "json":
        print_json({"bench": "simulator", **answer})
    else:
        print_document(simulator_document(answer))
    return ExitCode.DONE
