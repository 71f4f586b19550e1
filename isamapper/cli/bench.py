"""``isamapper bench NAME``: one JSON object with ``rows`` and ``summary``, or a table for people.

What does not belong here: the benches' options and what they print (one module each in ``benches/``).
"""

from __future__ import annotations

import argparse
from importlib import import_module
from typing import TYPE_CHECKING, cast

from isamapper.cli.exit_codes import ExitCode
from isamapper.cli.options import add_format
from isamapper.cli.words import CommandLine

if TYPE_CHECKING:
    from isamapper.cli.main import Command

BENCHES = {
    "smoke": "percent of the bound over twelve products of DeepBench per machine",
    "deepbench": "whole suites of DeepBench on any machines, beside baselines and published times",
    "compare": "two result files of bench deepbench; exit code 1 where a problem got slower",
    "gemmini": "simulated cycles beside cycles measured on Gemmini's RTL",
    "mapping": "how long the mapper takes, and how much memory",
    "instructions": "simulated latency and interval of single instructions beside known ones",
    "peers": "nine workloads that other mappers were run for, their claims beside simulated cycles",
    "search": "every strategy on the same problems with the same budget, held against the exhaustive one",
    "tpuv1": "published applications of the first TPU as simulated programs",
    "showcase": "matrix products hidden in other computations: found, scheduled and verified",
    "simulator": "simulated instructions per second of each timing engine",
    "bad-input": "malformed kernels, machines and arguments: exit code 2 and a place",
}
"""Every bench with its line in the help; the module of the same name (``-`` as ``_``) in ``benches/`` holds it."""


def configure(parser: argparse.ArgumentParser) -> None:
    benches = parser.add_subparsers(dest="bench", metavar="NAME", required=True)
    for name, summary in BENCHES.items():
        bench = benches.add_parser(name, help=summary, allow_abbrev=False)
        _load(name).configure(bench)
        add_format(bench)


def execute(arguments: argparse.Namespace, line: CommandLine) -> ExitCode:
    return _load(arguments.bench).execute(arguments, line)


def _load(name: str) -> Command:
    """The bench's module; it imports what it measures only when it is executed."""
    return cast("Command", import_module(f"isamapper.cli.benches.{name.replace('-', '_')}"))
