"""``isamapper bench smoke``: percent of the bound over twelve products of DeepBench per machine."""

from __future__ import annotations

import argparse

import isamapper
from isamapper.cli.exit_codes import ExitCode
from isamapper.cli.options import add_seed, positive
from isamapper.cli.output import print_document, print_json
from isamapper.cli.progress import Progress
from isamapper.cli.words import CommandLine

MACHINES = "avx512,gemmini16,gemmini16_f32,toy4,vta"
"""One of each kind: a CPU, arrays with integer and float operands, one small enough to read, one with micro-ops."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--machines",
        default=MACHINES,
        metavar="MACHINE[,MACHINE]",
        help="paths or built-in names, or 'all' built-in ones (default: %(default)s)",
    )
    add_seed(parser)
    parser.add_argument("--jobs", type=positive, default=1, metavar="INT", help="how many processes (default: 1)")


def execute(arguments: argparse.Namespace, line: CommandLine) -> ExitCode:
    from isamapper.bench.smoke import measure
    from isamapper.report.benches import smoke_document

    every = list(isamapper.builtin_machines())
    machines = every if arguments.machines == "all" else arguments.machines.split(",")
    for machine in machines:
        isamapper.load_machine(machine)  # a wrong name is an error before anything is measured
    with Progress() as progress:
        answer = measure(machines, seed=arguments.seed, jobs=max(1, arguments.jobs), report=progress)
    if arguments.format == "json":
        print_json(answer)
    else:
        print_document(smoke_document(answer))
    return ExitCode.DONE if not any(row["failure"] for row in answer["rows"]) else ExitCode.NO
