"""Cross-validation: the machine's fitted constants found anew without some buffer sizes, and judged on those.

A fold is a fifth of the buffer sizes with all their rows. Constants are moved one after the other, down and up ladders,
as long as the error on the other four fifths falls: first on a third of those rows, then on all whose programs have few
instructions. What has been simulated once is not simulated again, and constants that a program cannot tell do not
count: most rows share their default program with others, and most programs have no use for some of the constants.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass
from typing import Any

from isamapper.bench.gemmini.data import Measured
from isamapper.bench.gemmini.measure import Report, Simulated, simulated, summary

FOLDS = 5


@dataclass(frozen=True, slots=True)
class Constant:
    """A fitted number of the machine file: the settings that give it a value, and the values it may take."""

    name: str
    places: tuple[str, ...]
    ladder: tuple[int, ...]
    start: int
    form: str = "{}"

    def settings(self, step: int) -> tuple[str, ...]:
        return tuple(f"{place}={self.form.format(self.ladder[step])}" for place in self.places)


_PRODUCTS = ("preload_compute", "preload_compute_first", "compute", "compute_first")

CONSTANTS = (
    Constant("bytes a cycle of the L2", ("memories.l2.ports.read.bytes_per_cycle",), (9, 10, 11, 12, 13, 14), 2),
    Constant("bytes a cycle of main memory", ("memories.dram.ports.read.bytes_per_cycle",), (4, 5, 6, 7, 8), 2),
    Constant(
        "cycles of a product's entries",
        tuple(f"instructions.{each}.timing.latency_cycles" for each in _PRODUCTS),
        (52, 55, 58, 61, 64, 67),
        3,
        "m + {}",
    ),
    Constant(
        "cycles of a row nobody has read",
        ("instructions.mvin_cold.timing.occupies_cycles",),
        (22, 26, 31, 36),
        2,
        "{}*r",
    ),
    Constant("bytes a cycle written to main memory", ("memories.dram.ports.write.bytes_per_cycle",), (4, 5, 6, 8), 1),
)
"""Where the search begins and how far it may go; the machine file has the values that fit all rows."""

Steps = tuple[int, ...]

THIRD = 3
FEW_INSTRUCTIONS = 1_000_000
"""Rows with more of them (a third of the published ones) take most of the time; they are judged, but not fitted on."""


class _Search:
    """Simulations by constants and row, done when first asked for."""

    def __init__(self, rows: abc.Sequence[Measured], report: Report | None) -> None:
        self.rows = rows
        self.report = report
        self.known: dict[tuple[Steps, int], Simulated] = {}

    def found(self, steps: Steps, indices: abc.Iterable[int]) -> list[Simulated]:
        settings = tuple(
            setting for constant, step in zip(CONSTANTS, steps, strict=True) for setting in constant.settings(step)
        )
        answer = []
        for index in indices:
            if (steps, index) not in self.known:
                if self.report is not None:
                    self.report(f"fitting, simulation {len(self.known) + 1}", 0, 0)
                self.known[steps, index] = simulated(self.rows[index], settings)
            answer.append(self.known[steps, index])
        return answer

    def error(self, steps: Steps, indices: abc.Sequence[int]) -> float:
        """The sum of both programs' mean errors."""
        judged = summary([self.rows[index] for index in indices], self.found(steps, indices))
        return float(judged["mapped"]["mape_percent"]) + float(judged["default"]["mape_percent"])

    def best(self, steps: Steps, indices: abc.Sequence[int]) -> Steps:
        """Constants after each has been moved, one after the other, as far as the error on these rows falls."""
        if not indices:
            return steps
        quick = [index for index in indices if self._is_quick(steps, index)] or list(indices)
        return self._climbed(self._climbed(steps, quick[::THIRD]), quick)

    def _is_quick(self, steps: Steps, index: int) -> bool:
        return self.found(steps, [index])[0].instructions <= FEW_INSTRUCTIONS * self.rows[index].images

    def _climbed(self, steps: Steps, indices: abc.Sequence[int]) -> Steps:
        error = self.error(steps, indices)
        for position, constant in enumerate(CONSTANTS):
            for direction in (-1, 1):
                while 0 <= steps[position] + direction < len(constant.ladder):
                    moved = steps[position] + direction
                    other = (*steps[:position], moved, *steps[position + 1 :])
                    less = self.error(other, indices)
                    if less >= error:
                        break
                    steps, error = other, less
        return steps


def fitted(rows: abc.Sequence[Measured], *, report: Report | None = None) -> dict[str, int]:
    """The constants that fit ``rows`` best, by name."""
    steps = _Search(rows, report).best(_start(), range(len(rows)))
    return {each.name: each.ladder[step] for each, step in zip(CONSTANTS, steps, strict=True)}


def _start() -> Steps:
    return tuple(constant.start for constant in CONSTANTS)


def cross_validated(rows: abc.Sequence[Measured], *, report: Report | None = None) -> dict[str, Any]:
    """The summary of all rows, each simulated with constants that were fitted without its buffer sizes."""
    sizes = sorted({(row.scratchpad_bytes, row.accumulator_bytes) for row in rows})
    fold = {each: index % FOLDS for index, each in enumerate(sizes)}
    search = _Search(rows, report)
    found: dict[int, Simulated] = {}
    chosen = []
    for number in range(min(FOLDS, len(sizes))):
        outside, inside = _split(rows, fold, number)
        steps = search.best(_start(), outside or inside)
        chosen.append({each.name: each.ladder[step] for each, step in zip(CONSTANTS, steps, strict=True)})
        found.update(zip(inside, search.found(steps, inside), strict=True))
    return {**summary(rows, [found[index] for index in range(len(rows))]), "folds": chosen}


def _split(
    rows: abc.Sequence[Measured], fold: abc.Mapping[tuple[int, int], int], number: int
) -> tuple[list[int], list[int]]:
    """Rows outside a fold and rows inside."""
    inside = [i for i, row in enumerate(rows) if fold[row.scratchpad_bytes, row.accumulator_bytes] == number]
    return [index for index in range(len(rows)) if index not in set(inside)], inside
