"""``isamapper hw list|show|check|schema``."""

from __future__ import annotations

import argparse
import json
import sys

import isamapper
from isamapper.cli.exit_codes import ExitCode
from isamapper.cli.failures import wants_colour
from isamapper.cli.options import add_format
from isamapper.cli.output import print_document, print_json, write_text
from isamapper.cli.words import CommandLine
from isamapper.diagnostics.render import render
from isamapper.diagnostics.source import Diagnostic, SourceError
from isamapper.report.document import Text, document


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="the machines that come with isamapper", allow_abbrev=False)
    show = actions.add_parser("show", help="memories, units and instructions of a machine", allow_abbrev=False)
    check = actions.add_parser("check", help="say whether machine files are right", allow_abbrev=False)
    actions.add_parser("schema", help="the JSON schema of machine files, for editors", allow_abbrev=False)
    show.add_argument("machine", metavar="MACHINE", help="a path (.yaml) or a built-in name")
    show.add_argument("--svg", metavar="FILE", help="draw it into this file instead; '-' is stdout")
    check.add_argument("machines", metavar="MACHINE", nargs="+", help="paths (.yaml) or built-in names")
    for action in (listing, show, check):
        add_format(action)


def execute(arguments: argparse.Namespace, line: CommandLine) -> ExitCode:
    match arguments.action:
        case "list":
            return _list(arguments)
        case "show":
            return _show(arguments)
        case "check":
            return _check(arguments)
        case _:
            sys.stdout.write(json.dumps(isamapper.machine_schema(), indent=2) + "\n")
            return ExitCode.DONE


def _list(arguments: argparse.Namespace) -> ExitCode:
    from isamapper.report.machine import machines_document

    machines = [isamapper.load_machine(name) for name in isamapper.builtin_machines()]
    if arguments.format == "json":
        rows = [
            {
                "machine": machine.name,
                "clock_hz": machine.clock_hz,
                "instructions": [instruction.name for instruction in machine.instructions],
                "source": machine.source,
                "digest": machine.digest,
            }
            for machine in machines
        ]
        print_json({"machines": rows})
    else:
        print_document(machines_document(machines))
    return ExitCode.DONE


def _show(arguments: argparse.Namespace) -> ExitCode:
    from isamapper.report.machine import machine_document, machine_json

    machine = isamapper.load_machine(arguments.machine)
    if arguments.svg is not None:
        from isamapper.report.machine_svg import machine_svg

        write_text(machine_svg(machine), arguments.svg)
    elif arguments.format == "json":
        print_json(machine_json(machine))
    else:
        print_document(machine_document(machine))
    return ExitCode.DONE


def _check(arguments: argparse.Namespace) -> ExitCode:
    from isamapper.hwdesc.loader import load_with_warnings

    found: list[Diagnostic] = []
    for name in arguments.machines:
        try:
            for warning in load_with_warnings(name).warnings:
                sys.stderr.write(render(warning, wants_colour(sys.stderr)) + "\n")
        except SourceError as error:
            found += error.diagnostics
    if found:
        raise SourceError(*found)
    if arguments.format == "json":
        print_json({"checked": list(arguments.machines), "ok": True})
    else:
        print_document(document(Text("\n".join(f"{name}: ok" for name in arguments.machines))))
    return ExitCode.DONE
