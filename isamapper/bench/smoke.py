"""``bench smoke``: twelve matrix products of DeepBench on every machine, percent of the bound reached.

Each product is run as the kernel that a user would name, with the machine's own types; each row says whether the
program was verified and at which size. What does not belong here: the products (``data/deepbench_gemm.csv``).
"""

from __future__ import annotations

import csv
import math
from collections import abc
from dataclasses import dataclass
from importlib import resources
from typing import Any, TypeAlias

from isamapper.diagnostics.source import SourceError
from isamapper.pipeline import run
from isamapper.result import NoMapping, Result
from isamapper.scheduler.campaign.executors import local

Report: TypeAlias = abc.Callable[[str, int, int], None]
"""Told what is being done, how many rows are done, how many there are."""

EXECUTED_OPERATIONS = 10**8
"""Larger products are verified in their reduced form: a dozen per machine should take minutes, not hours."""

KERNELS = {(0, 0): "gemm", (1, 0): "gemm_ta", (0, 1): "gemm_tb", (1, 1): "gemm_tatb"}
"""The library's kernel for each pair of transposed operands."""


@dataclass(frozen=True, slots=True)
class Product:
    """One problem of DeepBench: its place in the lists, the kernel and its sizes."""

    origin: str
    kernel: str
    sizes: tuple[tuple[str, int], ...]


def products() -> tuple[Product, ...]:
    """The dozen, in the order of the file."""
    text = resources.files("isamapper.bench").joinpath("data/deepbench_gemm.csv").read_text(encoding="utf-8")
    found = []
    for row in csv.DictReader(text.splitlines()):
        kernel = KERNELS[int(row["a_t"]), int(row["b_t"])]
        sizes = tuple((name, int(row[name.lower()])) for name in ("M", "N", "K"))
        found.append(Product(f"{row['set']} {row['id']}", kernel, sizes))
    return tuple(found)


def measure(
    machines: abc.Sequence[str], *, seed: int = 0, jobs: int = 1, report: Report | None = None
) -> dict[str, Any]:
    """Every product on every machine: ``rows``, and per machine the geometric means in ``summary``.

    With several ``jobs`` rows are measured by as many processes; their order stays.
    """
    tasks = [(machine, product, seed) for machine in machines for product in products()]
    rows: list[dict[str, Any]] = [{} for _ in tasks]
    tell = report or _silent
    tell("products", 0, len(tasks))
    for done, (number, row) in enumerate(local("", jobs).each(_task, tasks), 1):
        rows[number] = row
        tell("products", done, len(tasks))
    return {"bench": "smoke", "rows": rows, "summary": {machine: _summary(rows, machine) for machine in machines}}


def _silent(what: str, done: int, whole: int) -> None:
    del what, done, whole


def _task(task: tuple[str, Product, int]) -> dict[str, Any]:
    return _row(*task)


def _row(machine: str, product: Product, seed: int) -> dict[str, Any]:
    head = {"machine": machine, "problem": product.origin, "kernel": product.kernel, "sizes": dict(product.sizes)}
    try:
        result = run(
            product.kernel, machine, sizes=dict(product.sizes), seed=seed, executed_operations=EXECUTED_OPERATIONS
        )
    except NoMapping as refusal:
        return {**head, "failure": str(refusal)}
    except SourceError as error:
        return {**head, "failure": error.diagnostics[0].message}
    return {**head, **_measured(result)}


def _measured(result: Result) -> dict[str, Any]:
    answer = result.to_dict()
    keys = (
        *("types", "cycles", "bound_cycles", "mapped_bound_cycles", "percent_of_bound", "percent_of_mapped_bound"),
        *("binding_resource", "search_seconds", "simulate_seconds", "seed", "versions"),
    )
    certificate = result.certificate
    return {
        **{key: answer[key] for key in keys},
        "verified": certificate.ok,
        "verified_size": certificate.size.value,
        "failure": None if certificate.ok else "does not verify",
    }


def _summary(rows: abc.Sequence[abc.Mapping[str, Any]], machine: str) -> dict[str, object]:
    own = [row for row in rows if row["machine"] == machine]
    good = [row for row in own if row["failure"] is None]
    return {
        "products": len(own),
        "verified": len(good),
        "geomean_percent_of_bound": geometric_mean([row["percent_of_bound"] for row in good]),
        "geomean_percent_of_mapped_bound": geometric_mean([row["percent_of_mapped_bound"] for row in good]),
        "least_percent_of_bound": min((row["percent_of_bound"] for row in good), default=None),
        "seconds": sum(row["search_seconds"] + row["simulate_seconds"] for row in good),
    }


def geometric_mean(values: abc.Sequence[float]) -> float | None:
    """None of nothing."""
    return math.exp(sum(math.log(value) for value in values) / len(values)) if values else None
