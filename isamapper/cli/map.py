"""``isamapper map KERNEL --hw MACHINE``: which instructions can do each statement, in which ways, and why not."""

from __future__ import annotations

import argparse

import isamapper
from isamapper.cli.exit_codes import ExitCode
from isamapper.cli.options import add_format, add_kernel, add_machine, sizes_of, types_of, whole
from isamapper.cli.output import print_document, print_json
from isamapper.cli.words import CommandLine


def configure(parser: argparse.ArgumentParser) -> None:
    add_kernel(parser)
    add_machine(parser)
    parser.add_argument("--statement", type=whole, metavar="N", help="only this statement, counted from 0")
    parser.add_argument("--instruction", metavar="NAME", help="only this instruction")
    parser.add_argument(
        "--criterion",
        choices=("full", "amos", "strict"),
        help="only mappings with this label (docs/reference/mapping.md)",
    )
    parser.add_argument("--all", action="store_true", help="mappings that are not saturated, too")
    parser.add_argument(
        "--symbolic", action="store_true", help="count by the definition: unit axes kept, extents as large as need be"
    )
    parser.add_argument("--ways", action="store_true", help="a line for every mapping, not only the best of its kind")
    parser.add_argument(
        "--rewrites",
        action="store_true",
        help="mappings of all equal kernels found, not only of those that save cycles",
    )
    add_format(parser)


def execute(arguments: argparse.Namespace, line: CommandLine) -> ExitCode:
    from isamapper.report.mapping import mappings_document

    found = isamapper.map_kernel(
        arguments.kernel,
        arguments.hw,
        sizes=sizes_of(arguments, line),
        types=types_of(arguments, line),
        statement=arguments.statement,
        instruction=arguments.instruction,
        criterion=arguments.criterion,
        every=arguments.all,
        symbolic=arguments.symbolic,
        rewrites=arguments.rewrites,
    )
    if arguments.format == "json":
        print_json({**found.to_dict(), "machine_reference": arguments.hw})
    else:
        print_document(mappings_document(found, arguments.ways))
    return ExitCode.DONE if found.mappings or found.joint else ExitCode.NO
