"""``isamapper schedule KERNEL --hw MACHINE``: search a schedule and write it as text for ``lower``."""

from __future__ import annotations

import argparse
from collections import abc
from pathlib import Path
from typing import TYPE_CHECKING, Any

import isamapper
from isamapper.cli.endings import refusal_ending, search_ending
from isamapper.cli.exit_codes import ExitCode
from isamapper.cli.options import (
    add_fix,
    add_format,
    add_kernel,
    add_machine,
    add_objective,
    add_output,
    add_search,
    add_store,
    search_of,
    sizes_of,
    types_of,
)
from isamapper.cli.output import print_document, print_json, write_text
from isamapper.cli.progress import Progress
from isamapper.cli.words import CommandLine

if TYPE_CHECKING:
    from isamapper.ir.nodes import Kernel
    from isamapper.ir.types import DType
    from isamapper.result import Search


def configure(parser: argparse.ArgumentParser) -> None:
    add_kernel(parser)
    add_machine(parser)
    add_search(parser)
    add_fix(parser)
    add_objective(parser, pairs=True)
    add_store(parser)
    parser.add_argument(
        "--symbolic", action="store_true", help="cycles and traffic as formulas in the sizes, instead of the schedule"
    )
    parser.add_argument(
        "--explain",
        action="store_true",
        help="what each decision is worth, instead of the schedule: the program without it",
    )
    parser.add_argument(
        "--count", action="store_true", help="how many schedules there are to choose from, instead of one of them"
    )
    add_output(parser)
    add_format(parser)


def execute(arguments: argparse.Namespace, line: CommandLine) -> ExitCode:
    sizes, types, options = sizes_of(arguments, line), types_of(arguments, line), search_of(arguments, line)
    if arguments.count:
        return _counted(arguments, sizes, types)
    if "," in options.get("objective", ""):
        return _front(arguments, line, sizes, types, options)
    try:
        with Progress() as progress:
            progress("searching a schedule")
            found = isamapper.find_schedule(arguments.kernel, arguments.hw, sizes=sizes, types=types, **options)
    except isamapper.NoMapping as refusal:
        return refusal_ending(refusal, arguments.format)
    if arguments.explain:
        return _explained(arguments, found)
    if arguments.symbolic:
        return _symbolic(arguments, found, sizes, types)
    text = isamapper.print_schedule(found.schedule, arguments.hw)
    if arguments.format == "json":
        print_json(found.to_dict())
        if arguments.output is not None:
            write_text(text, arguments.output)
    else:
        write_text(text, arguments.output)
    return search_ending(found, arguments.require_optimal)


def _counted(arguments: argparse.Namespace, sizes: dict[str, int], types: dict[str, DType]) -> ExitCode:
    """The size of the decision space, statement by statement and family by family."""
    from isamapper.report.space import space_document
    from isamapper.scheduler.strategies.counting import counted

    kernel, machine = isamapper.resolve(arguments.kernel, arguments.hw, sizes, types)
    answer = counted(kernel, machine)
    if arguments.format == "json":
        print_json(answer)
    else:
        print_document(space_document(answer))
    return ExitCode.DONE if answer["schedules"] else ExitCode.NO


def _front(
    arguments: argparse.Namespace,
    line: CommandLine,
    sizes: dict[str, int],
    types: dict[str, DType],
    options: dict[str, Any],
) -> ExitCode:
    """Schedules that no other found beats in both of two objectives; with ``-o``, each in a file of its own."""
    from isamapper.report.front import front_dict, front_document

    first, _, second = options.pop("objective").partition(",")
    if not first or not second or "," in second or first == second:
        message = f"'--objective' takes one word or two, found '{arguments.objective}'"
        raise line.error("CLI009", message, arguments.objective, "for example cycles,bytes")
    for option, given in (("--explain", arguments.explain), ("--symbolic", arguments.symbolic)):
        if given:
            raise line.error("CLI009", f"'{option}' is about one schedule, not about a front", option)
    try:
        with Progress() as progress:
            progress("searching a front")
            points = isamapper.find_front(
                arguments.kernel, arguments.hw, (first, second), sizes=sizes, types=types, **options
            )
    except isamapper.NoMapping as refusal:
        return refusal_ending(refusal, arguments.format)
    texts = [isamapper.print_schedule(point.schedule, arguments.hw) for point in points]
    files = [_numbered(arguments.output, number) for number in range(len(points))] if arguments.output else []
    for path, text in zip(files, texts, strict=bool(files)):
        write_text(text, path)
    if arguments.format == "json":
        print_json(front_dict(points, (first, second), texts, files))
    else:
        print_document(front_document(points, (first, second), files))
    return ExitCode.DONE


def _numbered(path: str, number: int) -> str:
    """``out.isam`` as ``out.1.isam``."""
    whole = Path(path)
    return str(whole.with_name(f"{whole.stem}.{number + 1}{whole.suffix}"))


def _explained(arguments: argparse.Namespace, found: Search) -> ExitCode:
    """Every decision with what it is worth, and the steps in which the runner-up differs."""
    from isamapper.report.ablation import explained_dict, explained_document
    from isamapper.scheduler.ablation import explained

    with Progress() as progress:
        progress("simulating the program without each decision")
        answer = explained(found.schedule, found.runner_up)
    if arguments.format == "json":
        print_json({**explained_dict(answer), "schedule": isamapper.print_schedule(found.schedule, arguments.hw)})
    else:
        print_document(explained_document(answer))
    return ExitCode.DONE


def _symbolic(arguments: argparse.Namespace, found: Search, sizes: dict[str, int], types: dict[str, DType]) -> ExitCode:
    """The closed forms of the schedule that was found; the honest no where there are none."""
    from isamapper.costmodels.closed_form import closed_form
    from isamapper.diagnostics.source import Rejection
    from isamapper.report.closed_form import closed_form_document, no_form_document

    def rebind(changed: abc.Mapping[str, int]) -> Kernel:
        return isamapper.resolve(arguments.kernel, arguments.hw, {**sizes, **changed}, types)[0]

    with Progress() as progress:
        progress("simulating at several sizes")
        form = closed_form(found.schedule, rebind, seed=arguments.seed)
    head = {"kernel": found.schedule.kernel.name, "machine": found.schedule.machine.name}
    if isinstance(form, Rejection):
        answer, document = {**head, "reason": form.reason, "edit": form.edit}, no_form_document(head["kernel"], form)
    else:
        answer, document = {**head, **form.to_dict()}, closed_form_document(head["kernel"], head["machine"], form)
    if arguments.format == "json":
        print_json(answer)
    else:
        print_document(document)
    return ExitCode.NO if isinstance(form, Rejection) else ExitCode.DONE
