"""``isamapper kernel list|show|check``."""

from __future__ import annotations

import argparse
import sys

import isamapper
from isamapper.cli.exit_codes import ExitCode
from isamapper.cli.failures import wants_colour
from isamapper.cli.options import add_bindings, add_format, add_kernel, sizes_of, types_of
from isamapper.cli.output import print_document, print_json
from isamapper.cli.words import CommandLine
from isamapper.diagnostics.render import render
from isamapper.diagnostics.source import Diagnostic, SourceError
from isamapper.report.document import Text, document


def configure(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    listing = actions.add_parser("list", help="the kernels that come with isamapper", allow_abbrev=False)
    show = actions.add_parser("show", help="a kernel's canonical text and its loops", allow_abbrev=False)
    check = actions.add_parser("check", help="say whether kernel files are right", allow_abbrev=False)
    add_kernel(show)
    check.add_argument("kernels", metavar="KERNEL", nargs="+", help="paths (.isam) or library names")
    add_bindings(check)
    for action in (listing, show, check):
        add_format(action)


def execute(arguments: argparse.Namespace, line: CommandLine) -> ExitCode:
    match arguments.action:
        case "list":
            return _list(arguments)
        case "show":
            return _show(arguments, line)
        case _:
            return _check(arguments, line)


def _list(arguments: argparse.Namespace) -> ExitCode:
    from isamapper.report.kernel import kernel_json, kernels_document

    kernels = [isamapper.load_kernel(name) for name in isamapper.library_kernels()]
    if arguments.format == "json":
        rows = [{key: value for key, value in kernel_json(kernel).items() if key != "text"} for kernel in kernels]
        print_json({"kernels": rows})
    else:
        print_document(kernels_document(kernels))
    return ExitCode.DONE


def _show(arguments: argparse.Namespace, line: CommandLine) -> ExitCode:
    from isamapper.report.kernel import kernel_document, kernel_json

    kernel = isamapper.load_kernel(arguments.kernel, sizes_of(arguments, line), types_of(arguments, line))
    if arguments.format == "json":
        print_json(kernel_json(kernel))
    else:
        print_document(kernel_document(kernel))
    return ExitCode.DONE


def _check(arguments: argparse.Namespace, line: CommandLine) -> ExitCode:
    from isamapper.ir.parser import warnings

    sizes, types = sizes_of(arguments, line), types_of(arguments, line)
    found: list[Diagnostic] = []
    for name in arguments.kernels:
        try:
            kernel = isamapper.load_kernel(name, sizes, types)
        except SourceError as error:
            found += error.diagnostics
        else:
            for warning in warnings(kernel):
                print(render(warning, wants_colour(sys.stderr)), file=sys.stderr)
    if found:
        raise SourceError(*found)
    if arguments.format == "json":
        print_json({"checked": list(arguments.kernels), "ok": True})
    else:
        print_document(document(Text("\n".join(f"{name}: ok" for name in arguments.kernels))))
    return ExitCode.DONE
