"""``isamapper run KERNEL --hw MACHINE``: the main job, from two texts to a verified, simulated program."""

from __future__ import annotations

import argparse

import isamapper
from isamapper.cli.endings import refusal_ending, result_ending
from isamapper.cli.exit_codes import ExitCode
from isamapper.cli.options import (
    add_fix,
    add_format,
    add_html,
    add_kernel,
    add_machine,
    add_objective,
    add_search,
    add_store,
    search_of,
    sizes_of,
    types_of,
)
from isamapper.cli.output import print_document, print_json, write_page, write_text, write_trace
from isamapper.cli.progress import Progress
from isamapper.cli.words import CommandLine


def configure(parser: argparse.ArgumentParser) -> None:
    add_kernel(parser)
    add_machine(parser)
    add_search(parser)
    add_fix(parser)
    add_objective(parser)
    add_store(parser)
    parser.add_argument("--trace", metavar="FILE", help="write a timeline for ui.perfetto.dev")
    add_html(parser)
    parser.add_argument("-o", "--output", metavar="FILE", help="write the program with its certificate")
    add_format(parser)


def execute(arguments: argparse.Namespace, line: CommandLine) -> ExitCode:
    from isamapper.report.result import result_document

    sizes, types, options = sizes_of(arguments, line), types_of(arguments, line), search_of(arguments, line)
    try:
        with Progress() as progress:
            result = isamapper.run(
                arguments.kernel,
                arguments.hw,
                sizes=sizes,
                types=types,
                trace=arguments.trace is not None,
                report=progress,
                **options,
            )
    except isamapper.NoMapping as refusal:
        return refusal_ending(refusal, arguments.format)
    if arguments.trace is not None:
        write_trace(result.timeline, arguments.trace)
    if arguments.html is not None:
        write_page(result, arguments.html)
    if arguments.output is not None:
        write_text(
            isamapper.print_program(result.program, arguments.hw, result.written_certificate()), arguments.output
        )
    if arguments.format == "json":
        print_json(result.to_dict())
    else:
        print_document(result_document(result))
    return result_ending(result, arguments.require_optimal)
