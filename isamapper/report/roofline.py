"""Where one program stands under its machine's roofs: operations per cycle over operations per byte, logarithmic.

Each memory with ports gives a slanted roof (what its ports can move) and a point (what the program moved there); the
flat roof is the rate at which the machine's units can do the kernel. What does not belong here: many programs in one
plot.
"""

from __future__ import annotations

import math
from collections import abc
from dataclasses import dataclass

from isamapper.costmodels.bounds import work_bound
from isamapper.hwdesc.model import Machine
from isamapper.plan.cores import copies
from isamapper.report.svg import SERIES, element, path, text, titled
from isamapper.result import Result
from isamapper.sim.functional.counting import instances

_WIDTH, _HEIGHT = 640.0, 340.0
_LEFT, _RIGHT, _TOP, _BOTTOM = 64.0, 150.0, 16.0, 44.0


@dataclass(frozen=True, slots=True)
class Standing:
    """One memory's point: bytes moved there, the width of its ports, and where the program stands."""

    memory: str
    bytes_per_cycle: int
    intensity: float
    rate: float


@dataclass(frozen=True, slots=True)
class Roofline:
    """``peak`` is None where no unit is known to do the kernel."""

    peak: float | None
    standings: tuple[Standing, ...]


def roofline(result: Result) -> Roofline | None:
    """None where nothing is done, or nothing is moved through a port."""
    kernel, machine, timeline = result.program.kernel, result.program.machine, result.timeline
    operations = instances(kernel)
    widths = {memory.name: _width(machine, memory.name) for memory in machine.memories}
    standings = tuple(
        Standing(each.memory, widths[each.memory], operations / moved, operations / max(timeline.cycles, 1))
        for each in timeline.traffic
        if widths[each.memory] and (moved := each.read_bytes + each.written_bytes)
    )
    if not operations or not standings:
        return None
    least = work_bound(machine, kernel)
    return Roofline(operations / least if least else None, standings)


def _width(machine: Machine, name: str) -> int:
    """Bytes that all ports of a memory pass in one cycle, every bank and every copy of a grid at once."""
    memory = machine.memory(name)
    return copies(machine, name) * sum(port.bytes_per_cycle * memory.banks for port in memory.ports)


def roofline_svg(drawn: Roofline) -> str:
    """The plot as an SVG element for a page that has the classes ``axis``, ``peak``, ``quiet`` and ``end``."""
    rate = drawn.standings[0].rate
    peak = drawn.peak or rate
    intensities = [each.intensity for each in drawn.standings]
    ridges = [peak / each.bytes_per_cycle for each in drawn.standings]
    across = _Scale(min(intensities + ridges) / 3, max(intensities + ridges) * 3, _LEFT, _WIDTH - _RIGHT)
    down = _Scale(min(rate, peak) / 8, peak * 2, _HEIGHT - _BOTTOM, _TOP)
    parts = [*_axes(across, down)]
    if drawn.peak is not None:
        parts.append(path([(_LEFT, down.at(peak)), (_WIDTH - _RIGHT, down.at(peak))], class_="peak"))
        words = f"units: {_figures(peak)} operations per cycle"
        parts.append(text(_WIDTH - _RIGHT - 6, down.at(peak) - 6, words, class_="quiet end"))
    for number, each in enumerate(drawn.standings):
        parts += _standing(each, peak, across, down, SERIES[number % len(SERIES)])
    parts += _key(drawn)
    view = f"0 0 {_WIDTH:g} {_HEIGHT:g}"
    return element("svg", *parts, viewBox=view, class_="roof", role="img")


def _figures(value: float) -> str:
    """Four figures, or all digits before the point."""
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


@dataclass(frozen=True, slots=True)
class _Scale:
    """A logarithmic axis from ``low`` to ``high`` between two places."""

    low: float
    high: float
    start: float
    end: float

    def at(self, value: float) -> float:
        share = math.log(value / self.low) / math.log(self.high / self.low)
        return self.start + share * (self.end - self.start)

    def powers(self) -> abc.Iterator[float]:
        """Powers of ten on the axis; of two where there are fewer than two of those."""
        tens = [10.0**n for n in range(math.ceil(math.log10(self.low)), math.floor(math.log10(self.high)) + 1)]
        twos = [2.0**n for n in range(math.ceil(math.log2(self.low)), math.floor(math.log2(self.high)) + 1)]
        return iter(tens if len(tens) > 1 else twos)


def _tick(value: float) -> str:
    """A mark on an axis in four characters or so: beside it stands what the axis is."""
    for letter, factor in (("M", 1e6), ("k", 1e3)):
        if value >= 10 * factor:
            return f"{value / factor:,g}{letter}"
    return f"{value:,g}"


def _axes(across: _Scale, down: _Scale) -> abc.Iterator[str]:
    for value in across.powers():
        x = across.at(value)
        yield path([(x, _TOP), (x, _HEIGHT - _BOTTOM)], class_="axis")
        yield text(x, _HEIGHT - _BOTTOM + 15, _tick(value), text_anchor="middle")
    for value in down.powers():
        y = down.at(value)
        yield path([(_LEFT, y), (_WIDTH - _RIGHT, y)], class_="axis")
        yield text(_LEFT - 6, y + 4, _tick(value), class_="end")
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    yield text(middle, _HEIGHT - 8, "operations per byte moved in a memory", class_="quiet", text_anchor="middle")
    turned = f"rotate(-90 14 {(_TOP + _HEIGHT - _BOTTOM) / 2:g})"
    yield text(14, (_TOP + _HEIGHT - _BOTTOM) / 2, "operations per cycle", class_="quiet", text_anchor="middle",
               transform=turned)  # fmt: skip


def _standing(each: Standing, peak: float, across: _Scale, down: _Scale, colour: str) -> abc.Iterator[str]:
    """The slanted roof of a memory, as far as the plot and the flat roof go, and the program's point."""
    low = max(across.low, down.low / each.bytes_per_cycle)
    high = min(across.high, peak / each.bytes_per_cycle)
    if low < high:
        ends = [(across.at(value), down.at(value * each.bytes_per_cycle)) for value in (low, high)]
        yield path(ends, stroke=colour, stroke_width=2, fill="none")
    hint = (
        f"{each.memory}: {each.intensity:,.3g} operations per byte, {_figures(each.rate)} per cycle; "
        f"its ports would allow {_figures(min(each.intensity * each.bytes_per_cycle, peak))}"
    )
    yield titled(hint, element("circle", cx=across.at(each.intensity), cy=down.at(each.rate), r=6.0, fill=colour))


def _key(drawn: Roofline) -> abc.Iterator[str]:
    for number, each in enumerate(drawn.standings):
        y = _TOP + 14 + 36 * number
        yield element("circle", cx=_WIDTH - _RIGHT + 14, cy=y - 4, r=5.0, fill=SERIES[number % len(SERIES)])
        yield text(_WIDTH - _RIGHT + 26, y, each.memory)
        yield text(_WIDTH - _RIGHT + 26, y + 14, f"{each.bytes_per_cycle:,} B/cycle", class_="quiet")
