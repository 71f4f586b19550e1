"""Options that several commands share, and their values as the package understands them."""

from __future__ import annotations

import argparse
import math
from typing import Any

from isamapper.cli.words import CommandLine, did_you_mean
from isamapper.ir.types import DTYPES, DType


def add_format(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--format", choices=("text", "json"), default="text", help="how to print the answer (default: text)"
    )


def add_bindings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "-s",
        "--size",
        action="append",
        default=[],
        metavar="NAME=INT",
        help="a size of the kernel; repeat it, or separate several by commas",
    )
    parser.add_argument(
        "-t",
        "--type",
        action="append",
        default=[],
        metavar="NAME=DTYPE",
        help="a type of the kernel, such as TA=i8; repeat it, or separate several by commas",
    )


def add_kernel(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("kernel", metavar="KERNEL", help="a path (.isam) or a library name")
    add_bindings(parser)


def add_machine(parser: argparse.ArgumentParser, *, required: bool = True) -> None:
    parser.add_argument("--hw", metavar="MACHINE", required=required, help="a path (.yaml) or a built-in name")
    add_settings(parser)


def add_settings(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="PATH=VALUE",
        help="change a value of the machine, such as memories.spad.capacity_bytes=128KiB; repeat it for several",
    )


def join_settings(arguments: argparse.Namespace, line: CommandLine) -> None:
    """Makes the machine of ``--hw`` and every ``--set`` one reference; without ``--hw`` they are left for the stage."""
    for word in getattr(arguments, "set", None) or ():
        path, equals, value = word.partition("=")
        if not equals or not path or not value:
            help = "for example --set memories.spad.capacity_bytes=128KiB"
            raise line.error("CLI006", f"'--set' takes PATH=VALUE, found '{word}'", word, help)
    if getattr(arguments, "set", None) and isinstance(arguments.hw, str):
        from isamapper.hwdesc.settings import reference

        arguments.hw, arguments.set = reference(arguments.hw, arguments.set), []


def add_search(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--search", metavar="STRATEGY", help="how to search; 'isamapper plugins' lists strategies")
    parser.add_argument("--cost", metavar="MODEL", help="what the search minimises; 'isamapper plugins' lists models")
    parser.add_argument("--budget", metavar="SECONDS", help="stop the search then and keep its best so far")
    parser.add_argument(
        "--require-optimal",
        action="store_true",
        help="exit code 3 unless the schedule is proved the cheapest, or within 1 %% of it",
    )
    add_seed(parser)


def add_fix(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--fix", metavar="FILE", help="decisions that are not the search's to take, as YAML")


def add_objective(parser: argparse.ArgumentParser, *, pairs: bool = False) -> None:
    more = "; two of them, such as cycles,bytes: all schedules that no other beats in both" if pairs else ""
    parser.add_argument(
        "--objective",
        metavar="WORD[,WORD]" if pairs else "WORD",
        help=f"what is to be least: cycles (default), energy, edp (energy times cycles), bytes or footprint{more}",
    )


def add_store(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--store",
        dest="keep",
        metavar="PATH",
        help="keep every measured schedule here; what is there is not measured again",
    )


def add_seed(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--seed", type=whole, default=0, metavar="INT", help="seed of everything random (default: 0)")


def whole(text: str) -> int:
    """A whole number from 0, for argparse."""
    if not text.isascii() or not text.isdecimal() or len(text) > 18:
        raise argparse.ArgumentTypeError(f"must be a whole number from 0, found '{text}'")
    return int(text)


def positive(text: str) -> int:
    """A whole number from 1, for argparse."""
    if (number := whole(text)) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number from 1, found '{text}'")
    return number


def add_html(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--html", metavar="FILE", help="write a timeline as a page for a browser; it needs no network")


def add_output(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("-o", "--output", metavar="FILE", help="where to write (default: stdout)")


def add_stage_input(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument("file", metavar="FILE", help=f"the {what}, as text; '-' is stdin")
    parser.add_argument("--kernel", metavar="KERNEL", help="take this kernel instead of the file's")
    add_bindings(parser)
    parser.add_argument("--hw", metavar="MACHINE", help="take this machine instead of the file's")
    add_settings(parser)


def search_of(arguments: argparse.Namespace, line: CommandLine) -> dict[str, Any]:
    """The search's options that were given, by the names of the public functions."""
    chosen: dict[str, Any] = {"seed": arguments.seed}
    if arguments.search is not None:
        chosen["strategy"] = arguments.search
    if arguments.cost is not None:
        chosen["cost_model"] = arguments.cost
    if arguments.budget is not None:
        chosen["budget_seconds"] = _seconds(arguments.budget, line)
    if getattr(arguments, "objective", None) is not None:
        chosen["objective"] = arguments.objective
    if getattr(arguments, "fix", None) is not None:
        from isamapper.scheduler.space.fix_file import read_fixed

        chosen["fixed"] = read_fixed(arguments.fix)
    if getattr(arguments, "keep", None) is not None:
        from pathlib import Path

        from isamapper.scheduler.campaign.store import Store

        chosen["store"] = Store(Path(arguments.keep))
    return chosen


def _seconds(text: str, line: CommandLine) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 <= seconds < math.inf:
        raise line.error("CLI009", f"'--budget' must be a number of seconds, found '{text}'", text)
    return seconds


GREATEST_SIZE = 2**31 - 1
"""Products of sizes then fit the 64-bit counts of the simulator with room to spare."""


def sizes_of(arguments: argparse.Namespace, line: CommandLine) -> dict[str, int]:
    """The values of every ``-s``; a name given twice is an error."""
    sizes: dict[str, int] = {}
    for word, name, value in _pairs(arguments.size, "-s", "NAME=INT", line):
        if not value.isascii() or not value.isdecimal():
            raise line.error("CLI006", f"size '{name}' must be an integer from 0, found '{value}'", word)
        if int(value) > GREATEST_SIZE:
            raise line.error("CLI006", f"size '{name}' must be at most {GREATEST_SIZE}, found '{value}'", word)
        if name in sizes:
            raise line.error("CLI007", f"size '{name}' is given twice", word)
        sizes[name] = int(value)
    return sizes


def types_of(arguments: argparse.Namespace, line: CommandLine) -> dict[str, DType]:
    """The values of every ``-t``; a name given twice is an error."""
    types: dict[str, DType] = {}
    for word, name, value in _pairs(arguments.type, "-t", "NAME=DTYPE", line):
        if value not in DTYPES:
            raise line.error("CLI006", f"unknown type '{value}' for '{name}'", word, did_you_mean(value, DTYPES))
        if name in types:
            raise line.error("CLI007", f"type '{name}' is given twice", word)
        types[name] = DTYPES[value]
    return types


def _pairs(given: list[str], option: str, form: str, line: CommandLine) -> list[tuple[str, str, str]]:
    """(word, name, value) of each ``name=value`` in ``given``."""
    pairs = []
    for word in given:
        for part in word.split(","):
            name, equals, value = (piece.strip() for piece in part.partition("="))
            if not equals or not name.isidentifier() or not value:
                raise line.error(
                    "CLI006",
                    f"'{option}' takes {form}, found '{part}'",
                    word,
                    f"for example {option} {_EXAMPLE[option]}",
                )
            pairs.append((word, name, value))
    return pairs


_EXAMPLE = {"-s": "M=64", "-t": "TA=i8"}
