"""From words to a command, and from whatever happens to an exit code.

Rules of this file:
- ``isamapper --help`` imports argparse and nothing of the package but this room;
- stdout is the command's answer and nothing else; everything said about it goes to stderr;
- the user never sees a traceback: a mistake of ours is reported with what is needed to repeat it.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections import abc
from importlib import import_module
from typing import NoReturn, Protocol, cast

from isamapper import __version__
from isamapper.cli import interruptions
from isamapper.cli.exit_codes import ExitCode
from isamapper.cli.failures import report_bug, report_missing_extra, report_source_error
from isamapper.cli.options import join_settings
from isamapper.cli.usage import UsageError, usage_error
from isamapper.cli.words import CommandLine, command_line
from isamapper.diagnostics.source import SourceError

COMMANDS = {
    "run": "the main job: map, schedule, lower, simulate, verify and report",
    "map": "which instructions can do each statement of a kernel, and why not",
    "schedule": "search a schedule and write it as text",
    "lower": "write the instruction program that a schedule describes",
    "simulate": "cycles of a program, where they go, and whether its values are right",
    "verify": "what is proved of a program against its kernel, and what is not",
    "explain": "say why an instruction does not fit a kernel, or what a message's code means",
    "kernel": "list, show and check kernels",
    "hw": "list, show and check machines; print the schema of machine files",
    "plugins": "the strategies and cost models that are registered, and whether they load",
    "sweep": "many kernels, sizes and machines at once, kept in a store and resumable",
    "fit": "a learned cost model from schedules that are simulated here",
    "bench": "measure what isamapper claims: one JSON object with rows and summary",
}
"""Every command with its line in the help; the module of the same name in this package holds it."""

COLLECTED_AFTER = 50_000
"""Objects after which Python looks for cycles among new ones: there are hardly any, and after its usual 700 looking for
them takes a tenth of a search."""


class Command(Protocol):
    """What a command's module offers."""

    def configure(self, parser: argparse.ArgumentParser) -> None:
        """Adds the command's arguments."""

    def execute(self, arguments: argparse.Namespace, words: CommandLine) -> ExitCode:
        """Does the work, prints the answer, says how it went."""


class _Parser(argparse.ArgumentParser):
    """argparse with mistakes reported like every other mistake of the user's text."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(message)


class _Completion(argparse.Action):
    """Prints the completion script of a shell, made from the parser of every command."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: str | abc.Sequence[object] | None,
        option_string: str | None = None,
    ) -> None:
        import shtab  # only for this: a tenth of the time that --help takes

        if values not in shtab.SUPPORTED_SHELLS:
            raise UsageError(f"argument --print-completion: invalid choice: '{values}' (choose from bash, zsh, tcsh)")
        sys.stdout.write(shtab.complete(build_parser()[0], str(values)))
        parser.exit()


def main(words: abc.Sequence[str] | None = None) -> int:
    """Runs the command line ``words`` (default: the process's) and returns the exit code; never raises."""
    if words is None:  # the process is ours
        gc.set_threshold(COLLECTED_AFTER, *gc.get_threshold()[1:])
    line = command_line(sys.argv[1:] if words is None else words)
    try:
        with interruptions.noticed():
            return int(_ending(line))
    except BrokenPipeError:
        # A reader went away: point the streams elsewhere, or the interpreter complains when it flushes at exit.
        for stream in (sys.stdout, sys.stderr):
            os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        return int(ExitCode.CLOSED_PIPE)


def _ending(line: CommandLine) -> ExitCode:
    try:
        code = _dispatch(line)
        sys.stdout.flush()
    except SystemExit as ending:  # --help and --version
        code = ExitCode.DONE if ending.code in (0, None) else ExitCode.WRONG_INPUT
    except SourceError as error:
        code = report_source_error(error, line)
    except ModuleNotFoundError as error:
        code = report_missing_extra(error, line)
    except KeyboardInterrupt:
        code = _interrupted()
    except BrokenPipeError:
        raise
    except Exception as error:  # the last line of defence: anything unexpected is our bug and is reported as one
        code = _interrupted() if interruptions.asked() else report_bug(error, line)
    sys.stderr.flush()
    return code


def _interrupted() -> ExitCode:
    print("interrupted", file=sys.stderr)
    return ExitCode.INTERRUPTED


def _dispatch(line: CommandLine) -> ExitCode:
    chosen = next((word for word in line.words if not word.startswith("-")), None)
    parser, commands = build_parser([chosen] if chosen in COMMANDS else [])
    try:
        arguments = parser.parse_args(list(line.words))
    except UsageError as error:
        raise usage_error(str(error), line, commands.get(chosen or "", parser)) from None
    if arguments.command is None:
        parser.print_help(sys.stderr)
        return ExitCode.WRONG_INPUT
    join_settings(arguments, line)
    return load_command(arguments.command).execute(arguments, line)


def build_parser(
    configured: abc.Iterable[str] = tuple(COMMANDS),
) -> tuple[argparse.ArgumentParser, dict[str, argparse.ArgumentParser]]:
    """The parser of the whole command line and those of its commands.

    Only the commands in ``configured`` know their arguments: the others need not be imported.
    """
    parser = _Parser(
        prog="isamapper",
        description="Maps deep-learning kernels onto the instructions of an accelerator.",
        epilog="KERNEL is a path or a library name, MACHINE a path or a built-in name; "
        "'isamapper COMMAND --help' says more.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--print-completion", action=_Completion, metavar="SHELL", help="a completion script: bash, zsh or tcsh"
    )
    parser.add_argument("--version", action="version", version=f"isamapper {__version__}")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands", parser_class=_Parser)
    for name, summary in COMMANDS.items():
        description = summary[0].upper() + summary[1:] + "."
        subparser = commands.add_parser(name, help=summary, description=description, allow_abbrev=False)
        if name in configured:
            load_command(name).configure(subparser)
    return parser, dict(commands.choices)


def load_command(name: str) -> Command:
    """The module that holds the command ``name``."""
    return cast(Command, import_module(f"isamapper.cli.{name.replace('-', '_')}"))
