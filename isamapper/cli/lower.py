"""``isamapper lower FILE``: the instruction program that a schedule describes, without any search."""

from __future__ import annotations

import argparse

import isamapper
from isamapper.cli.exit_codes import ExitCode
from isamapper.cli.options import add_format, add_output, add_stage_input
from isamapper.cli.output import print_json, write_text
from isamapper.cli.stage_input import read_schedule
from isamapper.cli.words import CommandLine


def configure(parser: argparse.ArgumentParser) -> None:
    add_stage_input(parser, "schedule")
    add_output(parser)
    add_format(parser)


def execute(arguments: argparse.Namespace, line: CommandLine) -> ExitCode:
    schedule, machine = read_schedule(arguments, line)
    program = isamapper.lower(schedule)
    text = isamapper.print_program(program, machine)
    if arguments.format == "json":
        answer = {"kernel": program.kernel.name, "machine": program.machine.name, "program": text}
        print_json({**answer, "sizes": dict(program.kernel.sizes)})
        if arguments.output is not None:
            write_text(text, arguments.output)
    else:
        write_text(text, arguments.output)
    return ExitCode.DONE
