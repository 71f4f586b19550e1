"""``isamapper explain CODE`` and ``isamapper explain KERNEL --hw MACHINE [--instruction NAME]``."""

from __future__ import annotations

import argparse
import re

import isamapper
from isamapper.cli.exit_codes import ExitCode
from isamapper.cli.options import add_bindings, add_format, add_machine, sizes_of, types_of
from isamapper.cli.output import print_document, print_json
from isamapper.cli.words import CommandLine, did_you_mean
from isamapper.report.document import Text, document

_CODE = re.compile(r"[A-Z]{2,3}\d{3}")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("subject", metavar="CODE | KERNEL", help="a message's code such as IR013, or a kernel")
    add_bindings(parser)
    add_machine(parser, required=False)
    parser.add_argument("--instruction", metavar="NAME", help="only this instruction")
    add_format(parser)


def execute(arguments: argparse.Namespace, line: CommandLine) -> ExitCode:
    if arguments.hw is None:
        return _explain_code(arguments, line)
    from isamapper.report.mapping import explanation_document

    found = isamapper.explain_kernel(
        arguments.subject,
        arguments.hw,
        sizes=sizes_of(arguments, line),
        types=types_of(arguments, line),
        instruction=arguments.instruction,
    )
    if arguments.format == "json":
        print_json(found.to_dict())
    else:
        print_document(explanation_document(found))
    return ExitCode.DONE


def _explain_code(arguments: argparse.Namespace, line: CommandLine) -> ExitCode:
    from isamapper.diagnostics.codes import explanation, known_codes

    code = arguments.subject
    if not _CODE.fullmatch(code):
        raise line.error("CLI003", "missing --hw", None, f"'{code}' is no code; a kernel is explained on a machine")
    text = explanation(code)
    if text is None:
        raise line.error("CLI008", f"unknown code '{code}'", code, did_you_mean(code, known_codes()))
    if arguments.format == "json":
        print_json({"code": code, "explanation": text})
    else:
        print_document(document(Text(text)))
    return ExitCode.DONE
