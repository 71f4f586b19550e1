"""``isamapper verify FILE``: what is proved of a program, a schedule, or stored mappings, and what is not."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import isamapper
from isamapper.cli.exit_codes import ExitCode
from isamapper.cli.options import add_format, add_seed, add_stage_input
from isamapper.cli.output import print_document, print_json, write_text
from isamapper.cli.progress import Progress
from isamapper.cli.stage_input import file_of, kind_of, read_program, read_schedule, read_stored
from isamapper.cli.words import CommandLine

if TYPE_CHECKING:
    from isamapper.diagnostics.source import Source
    from isamapper.plan.program import Program
    from isamapper.plan.program_certificate import ProgramCertificate
    from isamapper.plan.steps import Schedule
    from isamapper.verify.certified import Rechecked


def configure(parser: argparse.ArgumentParser) -> None:
    add_stage_input(parser, "program, the schedule, or the mappings as 'map --format json' writes them")
    add_seed(parser)
    parser.set_defaults(seed=None)
    parser.add_argument("-o", "--output", metavar="FILE", help="write the program with its certificate")
    add_format(parser)


def execute(arguments: argparse.Namespace, line: CommandLine) -> ExitCode:
    source = file_of(arguments, line)
    match kind_of(source):
        case "mappings":
            return _mappings(arguments, line, source)
        case "schedule":
            return _schedule(arguments, *read_schedule(arguments, line, source))
        case _:
            return _program(arguments, line, source)


def _schedule(arguments: argparse.Namespace, schedule: Schedule, machine: str | None) -> ExitCode:
    """What the schedule's program is; there is no certificate to check yet."""
    from isamapper.verify.certified import Rechecked, proof_of

    program = isamapper.lower(schedule)
    with Progress() as progress:
        progress("verifying")
        proof = proof_of(program, schedule, arguments.seed or 0)
    return _answered(arguments, program, Rechecked(proof, ()), None, machine, schedule)


def _program(arguments: argparse.Namespace, line: CommandLine, source: Source) -> ExitCode:
    """The program proved anew, and what its file claims of it beyond that."""
    from isamapper.plan.program_certificate import certificate_of_text
    from isamapper.verify.certified import Rechecked, rechecked

    program, place = read_program(arguments, line, source), isamapper.written_certificate(source)
    machine = arguments.hw or isamapper.written_machine(source)
    claims, sealed = (None, True) if place is None else certificate_of_text(place)
    with Progress() as progress:
        progress("verifying")
        if claims is None:
            answer = Rechecked(isamapper.verify(program, seed=arguments.seed or 0), ())
        else:
            answer = rechecked(program, claims, sealed, seed=arguments.seed)
    return _answered(arguments, program, answer, claims, machine, None)


def _answered(
    arguments: argparse.Namespace,
    program: Program,
    answer: Rechecked,
    claims: ProgramCertificate | None,
    machine: str | None,
    schedule: Schedule | None,
) -> ExitCode:
    from isamapper.report.certificate import certificate_document
    from isamapper.result import versions
    from isamapper.verify.certified import certified

    seed = arguments.seed if arguments.seed is not None else claims.seed if claims is not None else 0
    if arguments.output is not None:
        kept = claims if claims is not None and not answer.findings else None
        kept = kept or certified(program, schedule, answer.certificate, seed, versions())
        write_text(isamapper.print_program(program, machine, kept), arguments.output)
    if arguments.format == "json":
        head = {"kernel": program.kernel.name, "machine": program.machine.name, "seed": seed}
        carried = None if claims is None else {"ok": not answer.findings, "findings": list(answer.findings)}
        print_json({**head, "verified": answer.certificate.to_dict(), "certificate": carried})
    else:
        print_document(certificate_document(program, answer.certificate, claims, answer.findings))
    return ExitCode.DONE if answer.ok else ExitCode.NO


def _mappings(arguments: argparse.Namespace, line: CommandLine, source: Source) -> ExitCode:
    from isamapper.report.certificate import stored_document
    from isamapper.verify.stored import check_stored

    data, machine, kernel = read_stored(arguments, line, source)
    with Progress() as progress:
        progress("playing mappings")
        checked = check_stored(data, machine, kernel, arguments.seed or 0)
    ok = all(each.verdict.ok for each in checked)
    if arguments.format == "json":
        head = {"kernel": data.get("kernel"), "machine": machine.name, "seed": arguments.seed or 0}
        print_json({**head, "ok": ok, "mappings": [each.to_dict() for each in checked]})
    else:
        print_document(stored_document(str(data.get("kernel")), machine.name, checked))
    return ExitCode.DONE if ok else ExitCode.NO
