"""``isamapper sweep CAMPAIGN.yaml`` or ``sweep KERNEL --hw MACHINE``: many problems and machines, resumable."""

from __future__ import annotations

import argparse
from collections import abc
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from isamapper.cli.exit_codes import ExitCode
from isamapper.cli.options import add_format, positive, whole
from isamapper.cli.output import print_document, print_json, write_text
from isamapper.cli.progress import Progress
from isamapper.cli.words import CommandLine

if TYPE_CHECKING:
    from isamapper.bench.campaign import Block

Point: TypeAlias = tuple[int, float, float, str]
"""Number of a row, its two figures, and what it is."""


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("subject", metavar="CAMPAIGN|KERNEL", help="a campaign (.yaml), or a kernel to vary from here")
    parser.add_argument("--hw", action="append", default=[], metavar="MACHINE", help="a machine; repeat it for several")
    for flag, form, what in (
        ("-s", "NAME=INT[,INT]", "values of a size"),
        ("-t", "NAME=DTYPE[,DTYPE]", "values of a type"),
        ("--set", "PATH=VALUE[,VALUE]", "values of a number of the machine"),
    ):
        parser.add_argument(flag, dest=flag.strip("-"), action="append", default=[], metavar=form, help=what)
    parser.add_argument("--search", action="append", default=[], metavar="STRATEGY", help="repeat it for several")
    parser.add_argument("--cost", action="append", default=[], metavar="MODEL", help="repeat it for several")
    parser.add_argument("--seed", action="append", type=whole, default=[], metavar="INT", help="repeat it for several")
    parser.add_argument("--budget", metavar="SECONDS", help="time for each search")
    parser.add_argument("--double", action="store_true", help="what twice of each resource of the machine would give")
    parser.add_argument("--front", metavar="X,Y", help="mark the rows that no other beats in two figures")
    parser.add_argument("--plot", metavar="FILE.svg", help="draw the two figures of --front")
    parser.add_argument("--export", metavar="FILE", help="write the rows as .csv, .jsonl or .parquet")
    parser.add_argument("--store", metavar="PATH", help="where results are kept (default: the user's data folder)")
    parser.add_argument("--jobs", type=positive, default=1, metavar="INT", help="how many processes (default: 1)")
    parser.add_argument("--executor", default="local", metavar="NAME", help="'local', or 'dask://HOST:PORT'")
    add_format(parser)


def execute(arguments: argparse.Namespace, line: CommandLine) -> ExitCode:
    from isamapper.bench.campaign import tasks_of
    from isamapper.bench.export import check, export
    from isamapper.bench.sweep import executor_of, sweep
    from isamapper.report.sweep import sweep_document
    from isamapper.scheduler.campaign.store import default_path

    store = Path(arguments.store) if arguments.store else default_path()
    axes = _axes(arguments, line)
    if arguments.double:
        return _double(arguments, line, store)
    if arguments.export:
        check(Path(arguments.export))
    where = executor_of(arguments.executor, max(1, arguments.jobs))
    with Progress() as progress:
        progress("reading the campaign")
        done = sweep(tasks_of(_blocks(arguments, line)), store, where, progress)
    answer = done.to_dict()
    front, points = _front(answer["rows"], axes, line) if axes else ((), ())
    if arguments.plot and axes and points:
        write_text(_drawn(points, front, axes), arguments.plot)
    if arguments.export:
        export(done.rows, Path(arguments.export))
    if arguments.format == "json":
        print_json({**answer, "store": str(store), **({"front": list(front)} if axes else {})})
    else:
        print_document(sweep_document(answer, str(store), front, " against ".join(axes or ())))
    if done.interrupted:
        return ExitCode.INTERRUPTED
    return ExitCode.NO if any(row["failure"] for row in done.rows) else ExitCode.DONE


def _axes(arguments: argparse.Namespace, line: CommandLine) -> tuple[str, str] | None:
    if arguments.front is None:
        if arguments.plot is not None:
            raise line.error("CLI012", "'--plot' needs '--front'", arguments.plot, "such as --front cycles,dram_bytes")
        return None
    first, comma, second = arguments.front.partition(",")
    if not comma or not first or not second:
        help = "two figures, such as cycles,energy_pj or memories.spad.capacity_bytes,cycles"
        raise line.error("CLI012", f"'--front' takes X,Y, found '{arguments.front}'", arguments.front, help)
    return first, second


def _front(
    rows: abc.Sequence[abc.Mapping[str, Any]], axes: tuple[str, str], line: CommandLine
) -> tuple[tuple[int, ...], tuple[Point, ...]]:
    """Numbers of the rows on the front, and every row that has both figures: number, x, y, what it is."""
    from isamapper.bench.fronts import figure, front

    points = []
    for number, row in enumerate(rows):
        x, y = figure(row, axes[0]), figure(row, axes[1])
        if row["failure"] is None and x is not None and y is not None:
            asked = {**row["sizes"], **row["settings"]}
            hint = " ".join([row["kernel"], row["machine"], *(f"{name}={value}" for name, value in asked.items())])
            points.append((number, x, y, f"{hint}: {axes[0]} {x:,.6g}, {axes[1]} {y:,.6g}"))
    for axis in axes:
        if rows and all(figure(row, axis) is None for row in rows if row["failure"] is None):
            raise line.error(
                "CLI012", f"no row has the figure '{axis}'", None, "such as cycles, dram_bytes, or a setting"
            )
    best = front([(x, y) for _, x, y, _ in points])
    return tuple(points[place][0] for place in best), tuple(points)


def _drawn(points: abc.Sequence[Point], front: abc.Sequence[int], axes: tuple[str, str]) -> str:
    from isamapper.report.front_svg import front_svg

    numbers = [number for number, *_ in points]
    best = [numbers.index(number) for number in front]
    title = f"{len(points)} answers, {len(front)} of them on the front"
    return front_svg([(x, y, hint) for _, x, y, hint in points], best, axes, title)


def _blocks(arguments: argparse.Namespace, line: CommandLine) -> tuple[Block, ...]:
    from isamapper.bench.campaign import Block, read_campaign
    from isamapper.pipeline import COST_MODEL, STRATEGY

    if arguments.subject.endswith((".yaml", ".yml")):
        varied = [*arguments.hw, *arguments.s, *arguments.t, *arguments.set, *arguments.search, *arguments.cost]
        if varied:
            raise line.error("CLI012", "a campaign says itself what varies", varied[0], "change its file")
        return read_campaign(arguments.subject)
    if not arguments.hw:
        raise line.error("CLI012", "a kernel needs '--hw'", arguments.subject, "or give a campaign (.yaml)")
    block = Block(
        kernels=(arguments.subject,),
        machines=tuple(arguments.hw),
        sizes=_values(arguments.s, "-s", line, numbers=True),
        types=_values(arguments.t, "-t", line),
        settings=_values(arguments.set, "--set", line),
        strategies=tuple(arguments.search) or (STRATEGY,),
        cost_models=tuple(arguments.cost) or (COST_MODEL,),
        seeds=tuple(arguments.seed) or (0,),
        budget_seconds=_budget(arguments, line),
    )
    return (block,)


def _values(
    given: abc.Iterable[str], option: str, line: CommandLine, *, numbers: bool = False
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """(name, values) of each ``name=value,value``; values of a name given twice are joined."""
    found: dict[str, tuple[str, ...]] = {}
    for word in given:
        name, equals, text = word.partition("=")
        values = tuple(value.strip() for value in text.split(","))
        if not equals or not name or not all(values):
            raise line.error("CLI006", f"'{option}' takes NAME=VALUE[,VALUE], found '{word}'", word)
        if numbers and not all(value.isascii() and value.isdecimal() and len(value) < 11 for value in values):
            raise line.error("CLI006", f"size '{name}' takes whole numbers from 0, found '{text}'", word)
        found[name] = (*found.get(name, ()), *values)
    return tuple(found.items())


def _budget(arguments: argparse.Namespace, line: CommandLine) -> float | None:
    if arguments.budget is None:
        return None
    try:
        return max(0.0, float(arguments.budget))
    except ValueError:
        message = f"'--budget' must be a number of seconds, found '{arguments.budget}'"
        raise line.error("CLI009", message, arguments.budget) from None


def _double(arguments: argparse.Namespace, line: CommandLine, store: Path) -> ExitCode:
    from isamapper.bench.doubling import double
    from isamapper.bench.sweep import executor_of
    from isamapper.report.sweep import doubling_document

    (block,) = _blocks(arguments, line) if not arguments.subject.endswith((".yaml", ".yml")) else (None,)
    if block is None or len(block.machines) != 1:
        raise line.error("CLI012", "'--double' takes one kernel and one machine", arguments.subject)
    with Progress() as progress:
        answer = double(block, store, executor_of(arguments.executor, max(1, arguments.jobs)), progress)
    if arguments.format == "json":
        print_json(answer)
    else:
        print_document(doubling_document(answer))
    return ExitCode.DONE
