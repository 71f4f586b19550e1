"""``isamapper lower FILE``: the instruction program that a schedule describes, without any search, with its proof."""

from __future__ import annotations

import argparse

import isamapper
from isamapper.cli.exit_codes import ExitCode
from isamapper.cli.options import add_format, add_output, add_seed, add_stage_input
from isamapper.cli.output import print_json, write_text
from isamapper.cli.progress import Progress
from isamapper.cli.stage_input import read_schedule
from isamapper.cli.words import CommandLine


def configure(parser: argparse.ArgumentParser) -> None:
    add_stage_input(parser, "schedule")
    add_output(parser)
    parser.add_argument(
        "--no-certificate", action="store_true", help="prove nothing and leave the program's certificate out"
    )
    add_seed(parser)
    add_format(parser)


def execute(arguments: argparse.Namespace, line: CommandLine) -> ExitCode:
    from isamapper.plan.program_certificate import dict_of_certificate

    schedule, machine = read_schedule(arguments, line)
    program, certificate = isamapper.lower(schedule), None
    if not arguments.no_certificate:
        with Progress() as progress:
            progress("proving the program")
            certificate = isamapper.certify(schedule, seed=arguments.seed)
    text = isamapper.print_program(program, machine, certificate)
    if arguments.format == "json":
        answer = {"kernel": program.kernel.name, "machine": program.machine.name, "program": text}
        claims = None if certificate is None else dict_of_certificate(certificate)
        print_json({**answer, "sizes": dict(program.kernel.sizes), "certificate": claims})
        if arguments.output is not None:
            write_text(text, arguments.output)
    else:
        write_text(text, arguments.output)
    return ExitCode.DONE if certificate is None or certificate.ok else ExitCode.NO
