"""``isamapper bench deepbench``: whole suites of DeepBench on any machines, stored and resumed."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import isamapper
from isamapper.cli.endings import PROVED_PERCENT
from isamapper.cli.exit_codes import ExitCode
from isamapper.cli.options import add_search, positive, search_of, types_of
from isamapper.cli.output import print_document, print_json, write_text
from isamapper.cli.progress import Progress
from isamapper.cli.words import CommandLine

if TYPE_CHECKING:
    from isamapper.bench.deepbench.measure import Options

MACHINE = "gemmini16"
SHOWN_BASELINES = ("library-tiler", "fixed-tile", "single-mapping", "im2col", "unfused-steps")
"""What problems are compared with unless something else is asked for: everything but a second search."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--hw", action="append", default=[], metavar="MACHINE", help="a machine; repeat it for several")
    parser.add_argument("--suite", action="append", default=[], metavar="SUITE", help="a suite or a group of suites")
    parser.add_argument("--quick", action="store_true", help="a dozen that stands for the rest")
    parser.add_argument(
        "--filter", action="append", default=[], metavar="PATTERN", help="problems such as gemm-train/1*"
    )
    parser.add_argument("--limit", type=positive, metavar="INT", help="the first so many problems")
    parser.add_argument("--list", action="store_true", help="say which problems are meant, measure nothing")
    parser.add_argument(
        "--baseline", action="append", default=[], metavar="NAME", help="compare with this one only; 'none' with none"
    )
    parser.add_argument("-t", "--type", action="append", default=[], metavar="NAME=DTYPE", help="a type, such as TA=i8")
    parser.add_argument("--jobs", type=positive, default=1, metavar="INT", help="how many processes (default: 1)")
    parser.add_argument("--results", metavar="FILE", help="JSON lines, resumed (default: in the user's data folder)")
    parser.add_argument("--fresh", action="store_true", help="measure again what the file has")
    parser.add_argument("--from", dest="source", metavar="FILE", help="report stored results, measure nothing")
    parser.add_argument("--html", metavar="FILE", help="write a page with tables, plots and every schedule")
    parser.add_argument("--export", metavar="FILE", help="write the rows as .csv, .jsonl or .parquet")
    add_search(parser)


def execute(arguments: argparse.Namespace, line: CommandLine) -> ExitCode:
    from isamapper.bench.deepbench.problems import chosen_problems

    _check_outputs(arguments, line)
    if arguments.list:
        found = chosen_problems(arguments.suite, **_chosen(arguments))
        write_text("".join(f"{problem.name}\n" for problem in found), None)
        return ExitCode.DONE
    rows = _stored(arguments) if arguments.source is not None else _measured(arguments, line)
    return _answered(arguments, rows)


def _check_outputs(arguments: argparse.Namespace, line: CommandLine) -> None:
    """What cannot be written is said before hours are spent on it."""
    for file in (arguments.html, arguments.export):
        if file is not None and not Path(file).parent.is_dir():
            raise line.error("CLI010", f"cannot write '{file}': no such folder", file)
    if arguments.export is not None:
        from isamapper.bench.export import check

        check(Path(arguments.export))


def _chosen(arguments: argparse.Namespace) -> dict[str, Any]:
    return {"quick": arguments.quick, "patterns": arguments.filter, "limit": arguments.limit}


def _stored(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    from isamapper.bench.deepbench.store import check_reportable, latest, read_existing

    rows = read_existing(Path(arguments.source))
    check_reportable(rows, Path(arguments.source))
    return latest(rows)


def _measured(arguments: argparse.Namespace, line: CommandLine) -> list[dict[str, Any]]:
    from isamapper.bench.deepbench.harness import measure_all, tasks_of
    from isamapper.bench.deepbench.problems import chosen_problems

    options = _options(arguments, line)
    machines = arguments.hw or [MACHINE]
    for machine in machines:
        isamapper.load_machine(machine)  # a wrong name is an error before anything is measured
    problems = chosen_problems(arguments.suite, **_chosen(arguments))
    tasks = tasks_of(problems, machines, options)
    store = _store(arguments)
    with Progress() as progress:
        return measure_all(tasks, options, store, jobs=max(1, arguments.jobs), fresh=arguments.fresh, report=progress)


def _options(arguments: argparse.Namespace, line: CommandLine) -> Options:
    from isamapper.bench.baselines.contest import load_baseline
    from isamapper.bench.deepbench.measure import Options
    from isamapper.bench.deepbench.store import Row
    from isamapper.registry import load

    baselines = tuple(name for name in arguments.baseline or SHOWN_BASELINES if name != "none")
    for name in baselines:
        load_baseline(name)
    for kind, word in (("strategy", arguments.search), ("cost model", arguments.cost)):
        if word is not None:
            load(kind, word)
    types = tuple(sorted(types_of(arguments, line).items()))
    searched: Row = search_of(arguments, line)
    return Options(**searched, baselines=baselines, types=types)


def _store(arguments: argparse.Namespace) -> Path:
    from isamapper.scheduler.campaign.store import default_path

    return Path(arguments.results) if arguments.results else default_path().with_name("deepbench.jsonl")


def _answered(arguments: argparse.Namespace, rows: list[dict[str, Any]]) -> ExitCode:
    from isamapper.bench.deepbench.summary import summary_of
    from isamapper.report.deepbench import deepbench_document

    summary = summary_of(rows)
    if arguments.html is not None:
        from isamapper.report.html import page

        write_text(page(rows, summary), arguments.html)
    plain = [{key: value for key, value in row.items() if key != "detail"} for row in rows]
    if arguments.export is not None:
        from isamapper.bench.export import export

        export(plain, Path(arguments.export))
    answer = {"bench": "deepbench", "rows": plain, "summary": summary}
    if arguments.format == "json":
        print_json(answer)
    else:
        print_document(deepbench_document(answer))
    if any(row["failure"] for row in rows):
        return ExitCode.NO
    unproved = arguments.require_optimal and not all(_proved(row) for row in rows)
    return ExitCode.NOT_PROVED if unproved else ExitCode.DONE


def _proved(row: dict[str, Any]) -> bool:
    """Whether no schedule of the strategy's space is cheaper under the cost model, or none by more than 1 %."""
    gap = row.get("gap_percent")
    return bool(row.get("optimal")) or (gap is not None and gap <= PROVED_PERCENT)
