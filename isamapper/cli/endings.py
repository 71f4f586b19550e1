"""Which exit code an answer deserves."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from isamapper.cli.exit_codes import ExitCode

if TYPE_CHECKING:
    from isamapper.result import Result, Search


def result_ending(result: Result, require_optimal: bool) -> ExitCode:
    """The honest no where the program does not verify, then what the search deserves."""
    if not result.certificate.ok:
        print("the program does not verify", file=sys.stderr)
        return ExitCode.NO
    return search_ending(result.search, require_optimal) if result.search is not None else ExitCode.DONE


def search_ending(search: Search, require_optimal: bool) -> ExitCode:
    """Interrupted, not proved, or done."""
    if search.interrupted:
        print("interrupted; this is the best so far", file=sys.stderr)
        return ExitCode.INTERRUPTED
    if require_optimal and not search.optimal:
        print(f"strategy '{search.strategy}' did not prove that no schedule is cheaper", file=sys.stderr)
        return ExitCode.NOT_PROVED
    return ExitCode.DONE
