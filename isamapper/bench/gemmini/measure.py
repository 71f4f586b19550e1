"""``bench gemmini``: simulated cycles beside measured ones, for the default tiler's program and for a given mapping's.

Both programs of a row are simulated on the machine ``gemmini16_rtl`` with the row's buffers. The default program of
a convolution was measured first, on an input that nothing had touched before; the mapping's found it near, as do matrix
products, whose operands were written before.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from typing import Any, TypeAlias

from isamapper.bench.gemmini.data import Measured, Refused
from isamapper.bench.gemmini.homes import FAR, NEAR, homes, kept
from isamapper.bench.gemmini.layers import DIM, DIMENSIONS, Layer, Sizes, buffer_bytes, clipped
from isamapper.bench.gemmini.program import Homes, tiled_program
from isamapper.bench.ranks import spearman
from isamapper.diagnostics.source import SourceError
from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Machine
from isamapper.ir.nodes import Direction, Invoke, Kernel
from isamapper.ir.walk import walk
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
    untouched = not row.layer.is_product
    default = _times(row.layer, row.default, settings, untouched, first=True)
    mapped = _times(row.layer, row.mapped, settings, untouched=False, first=False)
    cycles = (default[0] * row.images, mapped[0] * row.images)
    return Simulated(*cycles, (default[1] + mapped[1]) * row.images)


def _times(layer: Layer, tile: Sizes, settings: tuple[str, ...], untouched: bool, first: bool) -> tuple[int, int]:
    """Cycles and instructions of one program.

    Where it is not the ``first`` to read the weights and finds a part of them near, the cycles lie between those of
    weights that are all near and all far, by that part.
    """
    tile = clipped(tile, layer)
    found = homes(layer, tile)
    cycles, instructions = _of_program(layer, tile, found, untouched, settings)
    part = kept(layer, tile)
    if first or part < LEAST_KEPT or found.weights == NEAR:
        return cycles, instructions
    near, _ = _of_program(layer, tile, replace(found, weights=NEAR), untouched, settings)
    return round(part * near + (1 - part) * cycles), instructions


def _of_program(layer: Layer, tile: Sizes, found: Homes, untouched: bool, settings: tuple[str, ...]) -> tuple[int, int]:
    """Cycles and instructions of a program with what of the settings it can tell."""
    body = tiled_program(layer, tile, found, untouched=untouched)
    uses = _uses(body)
    return _simulated(layer, tile, found, untouched, tuple(each for each in settings if _concerns(each, uses)))


@cache
def _simulated(layer: Layer, tile: Sizes, found: Homes, untouched: bool, settings: tuple[str, ...]) -> tuple[int, int]:
    """Cycles and instructions, once for all rows that have the program: buffers that are large enough take no time."""
    body = tiled_program(layer, tile, found, untouched=untouched)
    timeline = simulate(Program(body, _machine(layer, tile, settings), body))
    return timeline.cycles, timeline.invocations


def _uses(body: Kernel) -> frozenset[str]:
    """Beginnings of the settings that it can tell: its instructions, and where it reads and writes."""
    invoked = {f"instructions.{node.instruction}" for node, _ in walk(body) if isinstance(node, Invoke)}
    ports = {Direction.IN: "read", Direction.OUT: "write"}
    homes = {f"memories.{tensor.memory}.ports.{ports[tensor.direction]}" for tensor in body.tensors}
    return frozenset(invoked | homes)


def _concerns(setting: str, uses: frozenset[str]) -> bool:
    """Whether the setting may change the time: those of instructions, and of ports of main memory and L2, may not."""
    path = setting.partition("=")[0].split(".")
    known = path[0] == "instructions" or (path[0] == "memories" and path[1] in (NEAR, FAR) and path[2] == "ports")
    return not known or any(".".join(path[:length]) in uses for length in (2, 4))


def _machine(layer: Layer, tile: Sizes, settings: tuple[str, ...]) -> Machine:
    """The machine with room for two of the tile in its buffers, in whole rows."""
    sizes = dict(zip(("spad", "acc"), (2 * taken for taken in buffer_bytes(tile, layer)), strict=True))
    machine = _loaded(settings)
    rows = {each.name: each.row_bytes or DIM for each in machine.memories}
    memories = (
        replace(each, capacity_bytes=-(-sizes[each.name] // rows[each.name]) * rows[each.name])
        if each.name in sizes
        else each
        for each in machine.memories
    )
    return replace(machine, memories=tuple(memories))


@lru_cache(maxsize=8)
def _loaded(settings: tuple[str, ...]) -> Machine:
    return load_machine(MACHINE, settings)


def measure(rows: abc.Sequence[Measured | Refused], *, report: Report | None = None) -> dict[str, Any]:
    """Every row with its errors, or why it has none, and what the errors of the others amount to."""
    written: list[dict[str, Any]] = []
    judged: list[tuple[Measured, Simulated]] = []
    for index, row in enumerate(rows):
        if report is not None:
            report(f"layer {row.name}", index, len(rows))
        found = row if isinstance(row, Refused) else _judged(row)
        if isinstance(found, Refused):
            written.append(_refused(found))
        else:
            assert isinstance(row, Measured)
            judged.append((row, found))
            written.append(_row(row, found))
    figures = summary([row for row, _ in judged], [found for _, found in judged])
    refused = len(rows) - len(judged)
    return {"bench": "gemmini", "machine": MACHINE, "rows": written, "summary": {**figures, "rows_refused": refused}}


def _judged(row: Measured) -> Simulated | Refused:
    """The row's cycles; refused where the machine cannot run one of its programs."""
    try:
        return simulated(row)
    except SourceError as error:
        return Refused(row.name, row.line, tuple(error.diagnostics))


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
        "mape_percent": round(100 * sum(errors) / len(errors), 3) if errors else None,
        "spearman": None if correlation is None else round(correlation, 5),
    }


def _refused(row: Refused) -> dict[str, Any]:
    """The row with the first thing that is wrong with it, and how many more there are."""
    first = row.findings[0]
    return {
        "id": row.name,
        "line": row.line,
        "refused": first.message,
        "code": first.code,
        "column": None if first.span is None else first.span.column,
        "more_findings": len(row.findings) - 1,
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
