"""``isamapper simulate FILE``: cycles of a program, where they go, and whether it computes what its kernel says."""

from __future__ import annotations

import argparse

import isamapper
from isamapper.cli.endings import result_ending
from isamapper.cli.exit_codes import ExitCode
from isamapper.cli.options import add_format, add_html, add_seed, add_stage_input
from isamapper.cli.output import print_document, print_json, write_page, write_trace
from isamapper.cli.progress import Progress
from isamapper.cli.stage_input import read_program
from isamapper.cli.words import CommandLine


def configure(parser: argparse.ArgumentParser) -> None:
    add_stage_input(parser, "program")
    add_seed(parser)
    parser.add_argument("--trace", metavar="FILE", help="write a timeline for ui.perfetto.dev")
    add_html(parser)
    add_format(parser)


def execute(arguments: argparse.Namespace, line: CommandLine) -> ExitCode:
    from isamapper.report.result import result_document

    program = read_program(arguments, line)
    with Progress() as progress:
        result = isamapper.evaluate(program, seed=arguments.seed, trace=arguments.trace is not None, report=progress)
    if arguments.trace is not None:
        write_trace(result.timeline, arguments.trace)
    if arguments.html is not None:
        write_page(result, arguments.html)
    if arguments.format == "json":
        print_json(result.to_dict())
    else:
        print_document(result_document(result))
    return result_ending(result, False)
