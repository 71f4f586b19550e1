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
    parser.add_argument(
        "--mapping", metavar="FILE", help="play this mapping, in the form of Timeloop or ZigZag, instead"
    )
    parser.add_argument(
        "--workload", default="1", metavar="NUMBER", help="with --mapping: which of the nine it is for (default: 1)"
    )
    parser.add_argument(
        "--dims",
        action="append",
        default=[],
        metavar="NAME=ITERATOR",
        help="with --mapping: the kernel's iterator for a dimension of the file; repeat it for several",
    )
    add_search(parser)


def execute(arguments: argparse.Namespace, line: CommandLine) -> ExitCode:
    if arguments.mapping is not None:
        return _replay(arguments, line)
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


def _replay(arguments: argparse.Namespace, line: CommandLine) -> ExitCode:
    from isamapper.bench.loop_levels import read_loop_levels
    from isamapper.bench.peers import workloads
    from isamapper.bench.replay import replay
    from isamapper.hwdesc.loader import load_machine
    from isamapper.report.peers import replay_document

    options, every = search_of(arguments, line), workloads()
    number = int(arguments.workload) if arguments.workload.isdecimal() else 0
    if not 1 <= number <= len(every):
        raise line.error("CLI004", f"'--workload' is a number from 1 to {len(every)}", arguments.workload)
    pairs = [each.partition("=") for each in arguments.dims]
    for name, _, iterator in pairs:
        if not name or not iterator:
            raise line.error("CLI004", "'--dims' wants NAME=ITERATOR, such as M=k", name)
    dimensions = {name: iterator for name, _, iterator in pairs}
    loops, machine = read_loop_levels(arguments.mapping), load_machine(arguments.machine)
    answer = replay(loops, every[number - 1], machine, dimensions=dimensions, **options)
    if arguments.format == "json":
        print_json(answer)
    else:
        print_document(replay_document(answer))
    return ExitCode.NO if answer["row"]["failure"] else ExitCode.DONE
