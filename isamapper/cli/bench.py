"""``isamapper bench NAME``: one JSON object with ``rows`` and ``summary``, or a table for people."""

from __future__ import annotations

import argparse
import contextlib
import io
from collections import abc

import isamapper
from isamapper.cli.exit_codes import ExitCode
from isamapper.cli.options import add_format, add_seed, whole
from isamapper.cli.output import print_document, print_json
from isamapper.cli.progress import Progress
from isamapper.cli.words import CommandLine


def configure(parser: argparse.ArgumentParser) -> None:
    benches = parser.add_subparsers(dest="bench", metavar="NAME", required=True)
    smoke = benches.add_parser("smoke", help="percent of the bound over twelve products of DeepBench per machine")
    smoke.add_argument(
        "--machines", metavar="MACHINE[,MACHINE]", help="paths or built-in names (default: every built-in machine)"
    )
    add_seed(smoke)
    smoke.add_argument("--jobs", type=whole, default=1, metavar="INT", help="how many processes (default: 1)")
    simulator = benches.add_parser("simulator", help="simulated instructions per second of each timing engine")
    bad = benches.add_parser("bad-input", help="malformed kernels, machines and arguments: exit code 2 and a place")
    for bench in (smoke, simulator, bad):
        add_format(bench)


def execute(arguments: argparse.Namespace, line: CommandLine) -> ExitCode:
    match arguments.bench:
        case "smoke":
            return _smoke(arguments)
        case "simulator":
            return _simulator(arguments)
        case _:
            return _bad_input(arguments)


def _smoke(arguments: argparse.Namespace) -> ExitCode:
    from isamapper.bench.smoke import measure
    from isamapper.report.benches import smoke_document

    machines = arguments.machines.split(",") if arguments.machines else list(isamapper.builtin_machines())
    for machine in machines:
        isamapper.load_machine(machine)  # a wrong name is an error before anything is measured
    with Progress() as progress:
        answer = measure(machines, seed=arguments.seed, jobs=max(1, arguments.jobs), report=progress)
    if arguments.format == "json":
        print_json(answer)
    else:
        print_document(smoke_document(answer))
    return ExitCode.DONE if not any(row["failure"] for row in answer["rows"]) else ExitCode.NO


def _simulator(arguments: argparse.Namespace) -> ExitCode:
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


def _bad_input(arguments: argparse.Namespace) -> ExitCode:
    from isamapper.bench.bad_input import measure
    from isamapper.report.benches import bad_input_document

    answer = measure(_in_process)
    if arguments.format == "json":
        print_json(answer)
    else:
        print_document(bad_input_document(answer))
    return ExitCode.DONE if all(row["ok"] for row in answer["rows"]) else ExitCode.NO


def _in_process(words: abc.Sequence[str]) -> tuple[int, str, str]:
    """The command line without a process of its own: exit code, stdout, stderr."""
    from isamapper.cli.main import main

    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = main(words)
    if code == ExitCode.INTERRUPTED:
        raise KeyboardInterrupt  # meant for the bench, not for the case it met
    return code, out.getvalue(), err.getvalue()
