"""Which exit code an answer deserves."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from isamapper.cli.exit_codes import ExitCode
from isamapper.cli.output import print_document, print_json

if TYPE_CHECKING:
    from isamapper.result import NoMapping, Result, Search


PROVED_PERCENT = 1.0
"""A gap that counts as a proof for ``--require-optimal``."""


def refusal_ending(refusal: NoMapping, form: str) -> ExitCode:
    """The honest no as the answer: the reasons, the nearest miss first."""
    from isamapper.report.mapping import refusal_document

    if form == "json":
        print_json(refusal.to_dict())
    else:
        print_document(refusal_document(str(refusal), refusal.rejections))
    return ExitCode.NO


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
    return _proof_ending(search) if require_optimal else ExitCode.DONE


def _proof_ending(search: Search) -> ExitCode:
    """Whether the schedule is proved the cheapest of its space under its cost model, or within PROVED_PERCENT of it."""
    model, gap = search.cost_model, search.gap_percent
    if search.optimal:
        return ExitCode.DONE
    if gap is None:
        print(f"strategy '{search.strategy}' did not prove that no schedule is cheaper", file=sys.stderr)
        return ExitCode.NOT_PROVED
    words = f"no schedule of the space is more than {gap:.2f} % cheaper under cost model '{model}'"
    if gap <= PROVED_PERCENT:
        print(f"proved: {words}", file=sys.stderr)
        return ExitCode.DONE
    print(f"strategy '{search.strategy}' proved only that {words}", file=sys.stderr)
    return ExitCode.NOT_PROVED
