"""Formulas of a schedule for people."""

from __future__ import annotations

from isamapper.costmodels.closed_form import ClosedForm
from isamapper.diagnostics.source import Rejection
from isamapper.report.document import Block, Document, Facts, Heading, Text, document


def closed_form_document(kernel: str, machine: str, form: ClosedForm) -> Document:
    """The formulas, cycles first, and for which sizes they hold."""
    ordered = sorted(form.formulas, key=lambda item: (item[0] != "cycles", item[0]))
    holds = [
        (free.name, f"from {free.value} in steps of {free.step}" if free.step > 1 else f"from {free.value}")
        for free in form.free
    ]
    fixed = " ".join(f"{name}={value}" for name, value in form.fixed)
    blocks: list[Block] = [
        Heading(f"{kernel} on {machine}, with the schedule as it is"),
        Facts(tuple((name, str(formula)) for name, formula in ordered)),
        Heading("for"),
        Facts((*holds, *((("fixed", fixed),) if fixed else ()))),
        Text(f"held against {len(form.checked)} programs at other sizes: equal in every count"),
    ]
    if form.without:
        blocks.append(Text(f"no polynomial: {', '.join(form.without)}", strong=True))
    return document(*blocks)


def no_form_document(kernel: str, reason: Rejection) -> Document:
    """The honest no."""
    hint = (Text(f"try: {reason.edit}"),) if reason.edit else ()
    return document(Heading(f"no formulas for {kernel}"), Text(reason.reason), *hint)
