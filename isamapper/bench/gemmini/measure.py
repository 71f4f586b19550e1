"""``bench gemmini``: simulated cycles beside measured ones, for the default tiler's program and for a given mapping's.

Both programs of a row are simulated on the machine ``gemmini16_rtl`` with the row's buffers. The default program of
a convolution was measured first, on an input that nothing had touched before; the mapping's found it near, as do matrix
products, whose operands were written before.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, TypeAlias

from isamapper.bench.gemmini.data import Measured
from isamapper.bench.gemmini.homes import NEAR, homes, kept
from isamapper.bench.gemmini.layers import DIM, DIMENSIONS, Layer, Sizes, clipped
from isamapper.bench.gemmini.program import Homes, tiled_program
from isamapper.bench.gemmini.tiler import ACCUMULATOR_BYTES, SCRATCHPAD_BYTES
from isamapper.bench.ranks import spearman
from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Machine
from isamapper.plan.program import Program
from isamapper.sim.timing import simulate

Report: TypeAlias = abc.Callable[[str, int, int], None]
"""Told what is being done, how many rows are done, how many there are."""

MACHINE = "gemmini16_rtl"
LEAST_KEPT = 0.1
"""A part of the weights that is worth telling apart."""
APART = 0.10
"""Programs of a row whose measured cycles differ by more than this have a winner."""


@dataclass(frozen=True, slots=True)
class Simulated:
    """Cycles of a row's two programs, and the instructions in them."""

    default_cycles: int
    mapped_cycles: int
    instructions: int


def simulated(row: Measured, settings: tuple[str, ...] = ()) -> Simulated:
    """Both programs of ``row``; ``settings`` change the machine, as ``load_machine`` takes them."""
    larger = (max(2 * row.scratchpad_bytes, SCRATCHPAD_BYTES), max(2 * row.accumulator_bytes, ACCUMULATOR_BYTES))
    untouched = not row.layer.is_product
    default = _times(row.layer, row.default, _machine(*larger, settings), untouched, first=True)
    own = (2 * row.scratchpad_bytes, 2 * row.accumulator_bytes)
    mapped = _times(row.layer, row.mapped, _machine(*own, settings), untouched=False, first=False)
    cycles = (default[0] * row.images, mapped[0] * row.images)
    return Simulated(*cycles, (default[1] + mapped[1]) * row.images)


def _times(layer: Layer, tile: Sizes, machine: Machine, untouched: bool, first: bool) -> tuple[int, int]:
    """Cycles and instructions of one program.

    Where it is not the ``first`` to read the weights and finds a part of them near, the cycles lie between those of
    weights that are all near and all far, by that part.
    """
    tile = clipped(tile, layer)
    found = homes(layer, tile)
    cycles, instructions = _simulated(layer, tile, found, machine, untouched)
    part = kept(layer, tile)
    if first or part < LEAST_KEPT or found.weights == NEAR:
        return cycles, instructions
    near, _ = _simulated(layer, tile, replace(found, weights=NEAR), machine, untouched)
    return round(part * near + (1 - part) * cycles), instructions


def _simulated(layer: Layer, tile: Sizes, found: Homes, machine: Machine, untouched: bool) -> tuple[int, int]:
    body = tiled_program(layer, tile, found, untouched=untouched)
    timeline = simulate(Program(body, machine, body))
    return timeline.cycles, timeline.invocations


@lru_cache(maxsize=256)
def _machine(scratchpad_bytes: int, accumulator_bytes: int, settings: tuple[str, ...]) -> Machine:
    """The machine with these buffers, in whole rows."""
    rows, accumulators = -(-scratchpad_bytes // DIM), -(-accumulator_bytes // (4 * DIM))
    sizes = {"spad": rows * DIM, "acc": accumulators * 4 * DIM}
    machine = _loaded(settings)
    memories = (replace(each, capacity_bytes=sizes.get(each.name, each.capacity_bytes)) for each in machine.memories)
    return replace(machine, memories=tuple(memories))


@lru_cache(maxsize=8)
def _loaded(settings: tuple[str, ...]) -> Machine:
    return load_machine(MACHINE, settings)


def measure(rows: abc.Sequence[Measured], *, report: Report | None = None) -> dict[str, Any]:
    """Every row with its errors, and what they amount to."""
    found = []
    for index, row in enumerate(rows):
        if report is not None:
            report(f"layer {row.name}", index, len(rows))
        found.append(simulated(row))
    return {
        "bench": "gemmini",
        "machine": MACHINE,
        "rows": [_row(*each) for each in zip(rows, found, strict=True)],
        "summary": summary(rows, found),
    }


def summary(rows: abc.Sequence[Measured], found: abc.Sequence[Simulated]) -> dict[str, Any]:
    """Mean absolute error and rank correlation of either program; how often the better of the two is named."""
    apart = [index for index, row in enumerate(rows) if _differ(row)]
    named = sum(1 for index in apart if _named(rows[index], found[index]))
    return {
        "rows": len(rows),
        "mapped": _errors([row.mapped_cycles for row in rows], [each.mapped_cycles for each in found]),
        "default": _errors([row.default_cycles for row in rows], [each.default_cycles for each in found]),
        "winner_named_percent": round(100 * named / len(apart), 2) if apart else None,
        "rows_with_a_winner": len(apart),
    }


def _differ(row: Measured) -> bool:
    less, more = sorted((row.default_cycles, row.mapped_cycles))
    return more - less > APART * less


def _named(row: Measured, found: Simulated) -> bool:
    return (row.default_cycles < row.mapped_cycles) == (found.default_cycles < found.mapped_cycles)


def _errors(measured: abc.Sequence[int], found: abc.Sequence[int]) -> dict[str, Any]:
    errors = [abs(one / other - 1) for one, other in zip(found, measured, strict=True)]
    correlation = spearman(found, measured)
    return {
        "mape_percent": round(100 * sum(errors) / len(errors), 3),
        "spearman": None if correlation is None else round(correlation, 5),
    }


def _row(row: Measured, found: Simulated) -> dict[str, Any]:
    sizes = row.layer.sizes
    return {
        "id": row.name,
        "layer": {**{each: sizes.along(each) for each in DIMENSIONS}, "n": row.images, "stride": row.layer.stride},
        "scratchpad_bytes": row.scratchpad_bytes,
        "accumulator_bytes": row.accumulator_bytes,
        "mapped": _program(row.layer, row.mapped, found.mapped_cycles, row.mapped_cycles),
        "default": _program(row.layer, row.default, found.default_cycles, row.default_cycles),
        "winner_named": _named(row, found) if _differ(row) else None,
        "instructions": found.instructions,
    }


def _program(layer: Layer, tile: Sizes, cycles: int, measured: int) -> dict[str, Any]:
    return {
        "tile": {each: clipped(tile, layer).along(each) for each in DIMENSIONS},
        "cycles": cycles,
        "measured_cycles": measured,
        "error_percent": round(100 * (cycles / measured - 1), 2),
    }
