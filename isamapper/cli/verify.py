"""``isamapper verify FILE``: what is proved of a program against its kernel, and what is not."""

from __future__ import annotations

import argparse

import isamapper
from isamapper.cli.exit_codes import ExitCode
from isamapper.cli.options import add_format, add_seed, add_stage_input
from isamapper.cli.output import print_document, print_json
from isamapper.cli.progress import Progress
from isamapper.cli.stage_input import read_program
from isamapper.cli.words import CommandLine


def configure(parser: argparse.ArgumentParser) -> None:
    add_stage_input(parser, "program")
    add_seed(parser)
    add_format(parser)


def execute(arguments: argparse.Namespace, line: CommandLine) -> ExitCode:
    from isamapper.report.certificate import certificate_document

    program = read_program(arguments, line)
    with Progress() as progress:
        progress("verifying")
        certificate = isamapper.verify(program, seed=arguments.seed)
    if arguments.format == "json":
        head = {"kernel": program.kernel.name, "machine": program.machine.name, "seed": arguments.seed}
        print_json({**head, "verified": certificate.to_dict()})
    else:
        print_document(certificate_document(program, certificate))
    return ExitCode.DONE if certificate.ok else ExitCode.NO
