"""``isamapper verify FILE``: what is proved of a program, a schedule, or stored mappings, and what is not."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import isamapper
from isamapper.cli.exit_codes import ExitCode
from isamapper.cli.options import add_format, add_seed, add_stage_input
from isamapper.cli.output import print_document, print_json
from isamapper.cli.progress import Progress
from isamapper.cli.stage_input import file_of, kind_of, read_program, read_schedule, read_stored
from isamapper.cli.words import CommandLine

if TYPE_CHECKING:
    from isamapper.diagnostics.source import Source
    from isamapper.plan.program import Program


def configure(parser: argparse.ArgumentParser) -> None:
    add_stage_input(parser, "program, the schedule, or the mappings as 'map --format json' writes them")
    add_seed(parser)
    add_format(parser)


def execute(arguments: argparse.Namespace, line: CommandLine) -> ExitCode:
    source = file_of(arguments, line)
    match kind_of(source):
        case "mappings":
            return _mappings(arguments, line, source)
        case "schedule":
            schedule, _ = read_schedule(arguments, line, source)
            return _program(arguments, isamapper.lower(schedule))
        case _:
            return _program(arguments, read_program(arguments, line, source))


def _program(arguments: argparse.Namespace, program: Program) -> ExitCode:
    from isamapper.report.certificate import certificate_document

    with Progress() as progress:
        progress("verifying")
        certificate = isamapper.verify(program, seed=arguments.seed)
    if arguments.format == "json":
        head = {"kernel": program.kernel.name, "machine": program.machine.name, "seed": arguments.seed}
        print_json({**head, "verified": certificate.to_dict()})
    else:
        print_document(certificate_document(program, certificate))
    return ExitCode.DONE if certificate.ok else ExitCode.NO


def _mappings(arguments: argparse.Namespace, line: CommandLine, source: Source) -> ExitCode:
    from isamapper.report.certificate import stored_document
    from isamapper.verify.stored import check_stored

    data, machine, kernel = read_stored(arguments, line, source)
    with Progress() as progress:
        progress("playing mappings")
        checked = check_stored(data, machine, kernel, arguments.seed)
    ok = all(each.verdict.ok for each in checked)
    if arguments.format == "json":
        head = {"kernel": data.get("kernel"), "machine": machine.name, "seed": arguments.seed}
        print_json({**head, "ok": ok, "mappings": [each.to_dict() for each in checked]})
    else:
        print_document(stored_document(str(data.get("kernel")), machine.name, checked))
    return ExitCode.DONE if ok else ExitCode.NO
