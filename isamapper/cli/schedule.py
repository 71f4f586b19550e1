"""``isamapper schedule KERNEL --hw MACHINE``: search a schedule and write it as text for ``lower``."""

from __future__ import annotations

import argparse

import isamapper
from isamapper.cli.endings import refusal_ending, search_ending
from isamapper.cli.exit_codes import ExitCode
from isamapper.cli.options import (
    add_format,
    add_kernel,
    add_machine,
    add_output,
    add_search,
    search_of,
    sizes_of,
    types_of,
)
from isamapper.cli.output import print_json, write_text
from isamapper.cli.progress import Progress
from isamapper.cli.words import CommandLine


def configure(parser: argparse.ArgumentParser) -> None:
    add_kernel(parser)
    add_machine(parser)
    add_search(parser)
    add_output(parser)
    add_format(parser)


def execute(arguments: argparse.Namespace, line: CommandLine) -> ExitCode:
    sizes, types, options = sizes_of(arguments, line), types_of(arguments, line), search_of(arguments, line)
    try:
        with Progress() as progress:
            progress("searching a schedule")
            found = isamapper.find_schedule(arguments.kernel, arguments.hw, sizes=sizes, types=types, **options)
    except isamapper.NoMapping as refusal:
        return refusal_ending(refusal, arguments.format)
    text = isamapper.print_schedule(found.schedule, arguments.hw)
    if arguments.format == "json":
        print_json(found.to_dict())
        if arguments.output is not None:
            write_text(text, arguments.output)
    else:
        write_text(text, arguments.output)
    return search_ending(found, arguments.require_optimal)
