"""``isamapper plugins``: what is registered, and whether it loads."""

from __future__ import annotations

import argparse

from isamapper.cli.exit_codes import ExitCode
from isamapper.cli.options import add_format
from isamapper.cli.output import print_document, print_json
from isamapper.cli.words import CommandLine
from isamapper.diagnostics.source import SourceError
from isamapper.registry import GROUPS, MissingExtra, Plugin, load_plugin, plugins
from isamapper.report.document import document, table


def configure(parser: argparse.ArgumentParser) -> None:
    add_format(parser)


def execute(arguments: argparse.Namespace, line: CommandLine) -> ExitCode:
    rows = [_row(plugin, twins) for kind in GROUPS for twins in [plugins(kind)] for plugin in twins]
    if arguments.format == "json":
        print_json({"plugins": rows})
    else:
        cells = [(row["kind"], row["name"], row["distribution"], row["target"], row["problem"] or "ok") for row in rows]
        print_document(document(table(("kind", "name", "from", "entry point", "state"), cells)))
    return ExitCode.NO if any(row["problem"] for row in rows) else ExitCode.DONE


def _row(plugin: Plugin, registered: tuple[Plugin, ...]) -> dict[str, str | None]:
    return {
        "kind": plugin.kind,
        "name": plugin.name,
        "distribution": f"{plugin.distribution} {plugin.version}".strip(),
        "target": plugin.target,
        "problem": _problem(plugin, registered),
    }


def _problem(plugin: Plugin, registered: tuple[Plugin, ...]) -> str | None:
    """Why the plugin cannot be used; None where it can."""
    if sum(other.name == plugin.name for other in registered) > 1:
        return "the name is registered more than once"
    try:
        load_plugin(plugin)
    except SourceError as error:
        return error.diagnostics[0].message
    except MissingExtra as error:
        return f"{error}; {error.install}"
    return None
