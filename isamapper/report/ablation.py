"""What the decisions of a schedule are worth, for people and as JSON values."""

from __future__ import annotations

from isamapper.report.document import Block, Document, Facts, Heading, Text, count, document, table
from isamapper.report.result import cycle_bars
from isamapper.scheduler.ablation import Ablation, Explained


def explained_document(answer: Explained) -> Document:
    """Where the cycles go, decisions by worth, and the runner-up."""
    kernel, machine = answer.schedule.kernel.name, answer.schedule.machine.name
    cycles = answer.timeline.cycles
    return document(
        Heading(f"{kernel} on {machine}: {count(cycles)} cycles"),
        cycle_bars(answer.timeline),
        _decisions(answer.decisions, cycles),
        *_runner_up(answer),
    )


def _decisions(decisions: tuple[Ablation, ...], cycles: int) -> Block:
    rows = [(each.statement, each.kind, each.decision, each.instead, *_worth(each, cycles)) for each in decisions]
    heads = ("statement", "kind", "decision", "instead", "cycles then", "change")
    return (
        table(heads, rows, "what each decision is worth: the program without it")
        if rows
        else Text("nothing was decided")
    )


def _worth(one: Ablation, cycles: int) -> tuple[str, str]:
    if one.cycles is None:
        return "-", one.reason or "cannot be"
    return count(one.cycles), f"{100 * (one.cycles / cycles - 1):+.1f} %"


def _runner_up(answer: Explained) -> list[Block]:
    if answer.runner_up_cycles is None:
        return [Text("the strategy judged no other schedule")]
    return [
        Heading(f"the runner-up: {count(answer.runner_up_cycles)} cycles"),
        Facts(
            (
                *(("chosen" if n == 0 else "", step) for n, step in enumerate(answer.only_chosen)),
                *(("runner-up" if n == 0 else "", step) for n, step in enumerate(answer.only_runner_up)),
            )
        ),
    ]


def explained_dict(answer: Explained) -> dict[str, object]:
    """The same as JSON values."""
    decisions = [
        {
            "statement": each.statement,
            "kind": each.kind,
            "decision": each.decision,
            "instead": each.instead,
            "cycles": each.cycles,
            "reason": each.reason,
        }
        for each in answer.decisions
    ]
    runner_up = None
    if answer.runner_up_cycles is not None:
        runner_up = {
            "cycles": answer.runner_up_cycles,
            "only_chosen": list(answer.only_chosen),
            "only_runner_up": list(answer.only_runner_up),
        }
    return {
        "kernel": answer.schedule.kernel.name,
        "machine": answer.schedule.machine.name,
        "cycles": answer.timeline.cycles,
        "units": answer.timeline.to_dict()["units"],
        "decisions": decisions,
        "runner_up": runner_up,
    }
