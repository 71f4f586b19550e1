"""``bench showcase``: computations in which a matrix product hides, each done by a matrix instruction and verified.

Every computation is run as the kernel that a user would name, end to end; a row says which rewrites made the product
visible and how it lies in the instruction. What does not belong here: the list (``data/showcase.csv``).
"""

from __future__ import annotations

import csv
from collections import abc
from dataclasses import dataclass
from importlib import resources
from typing import Any, TypeAlias

from isamapper.diagnostics.source import SourceError
from isamapper.hwdesc.model import Instruction
from isamapper.ir.nodes import BinaryOp, Reduction
from isamapper.mapper.algebra.terms import Node
from isamapper.mapper.matching.needle import needle_of
from isamapper.mapper.scheduled import scheduled_mappings
from isamapper.pipeline import run
from isamapper.result import NoMapping, Result

Report: TypeAlias = abc.Callable[[str, int, int], None]
"""Told what is being done, how many rows are done, how many there are."""


@dataclass(frozen=True, slots=True)
class Case:
    """One computation: what people call it, the kernel, its sizes, and a machine."""

    computation: str
    kernel: str
    sizes: tuple[tuple[str, int], ...]
    machine: str


def cases() -> tuple[Case, ...]:
    """Every computation, in the order of the file."""
    text = resources.files("isamapper.bench").joinpath("data/showcase.csv").read_text(encoding="utf-8")
    found = []
    for row in csv.DictReader(text.splitlines()):
        sizes = tuple((name, int(value)) for name, _, value in (word.partition("=") for word in row["sizes"].split()))
        found.append(Case(row["computation"], row["kernel"], sizes, row["machine"]))
    return tuple(found)


def measure(chosen: abc.Sequence[Case], *, seed: int = 0, report: Report | None = None) -> dict[str, Any]:
    """A row per computation, and how many are verified on a matrix instruction."""
    rows: list[dict[str, Any]] = []
    for case in chosen:
        if report is not None:
            report("computations", len(rows), len(chosen))
        rows.append(_row(case, seed))
    good = sum(row["failure"] is None for row in rows)
    return {"bench": "showcase", "rows": rows, "summary": {"computations": len(rows), "verified": good}}


_NOTHING: dict[str, Any] = {"rewrites": [], "products": [], "cycles": None}


def _row(case: Case, seed: int) -> dict[str, Any]:
    head: dict[str, Any] = {
        "computation": case.computation,
        "kernel": case.kernel,
        "sizes": dict(case.sizes),
        "machine": case.machine,
    }
    try:
        result = run(case.kernel, case.machine, sizes=dict(case.sizes), seed=seed)
    except NoMapping as refusal:
        return {**head, **_NOTHING, "failure": str(refusal)}
    except SourceError as error:
        return {**head, **_NOTHING, "failure": error.diagnostics[0].message}
    products = list(_products(result))
    failure = None if result.certificate.ok else "does not verify"
    return {
        **head,
        "rewrites": list(result.search.schedule.rewrites) if result.search else [],
        "products": products,
        "cycles": result.timeline.cycles,
        "failure": failure or (None if products else "no matrix instruction is used"),
    }


def _products(result: Result) -> abc.Iterator[dict[str, Any]]:
    """The statements that matrix instructions do, with what lies in them."""
    assert result.search is not None
    machine = result.program.machine
    for mapping in scheduled_mappings(result.search.schedule):
        if is_matrix_instruction(machine.instruction(mapping.instruction)) and mapping.rho:
            inside = [f"{outer} in {inner}" for outer, inner in mapping.rho]
            yield {"instruction": mapping.instruction, "iterators": inside}


def is_matrix_instruction(instruction: Instruction) -> bool:
    """Whether it sums products of two operands over an iterator that both have, and each has one of its own besides."""
    needle = needle_of(instruction)
    if needle is None or needle.view.reduction is not Reduction.ADD:
        return False
    if not isinstance(needle.view.term, Node) or needle.view.term.op != BinaryOp.MUL.value:
        return False
    accesses = [frozenset().union(*(i.names for i in a.map.results)) for a in needle.statement.accesses]
    if len(accesses) != 3:
        return False
    target, one, other = accesses
    return bool((one & other) - target and (one & target) - other and (other & target) - one)
