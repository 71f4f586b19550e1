"""Plots of many measured problems as inline SVG: share of the bound, speed-ups, roofline."""

from __future__ import annotations

import math
from collections import abc
from typing import Any

from isamapper.report.svg import SERIES, element, path, text, titled

Row = abc.Mapping[str, Any]

WIDTH, HEIGHT = 1120, 320
LEFT, RIGHT, TOP, BOTTOM = 64, 24, 16, 44


def bound_plot(rows: abc.Sequence[Row]) -> str:
    """Percent of the bound of every problem, the least first, a colour for each suite."""
    shown = sorted((row for row in rows if row["failure"] is None), key=lambda row: row["percent_of_bound"])
    suites = list(dict.fromkeys(row["suite"] for row in rows))
    down = _Linear(0, 100, HEIGHT - BOTTOM, TOP)
    marks = [_rule(down, value, f"{value} %") for value in (0, 20, 40, 60, 80, 90, 100)]
    for place, row in enumerate(shown):
        hint = f"{row['problem']} on {row['machine']}: {row['percent_of_bound']:.2f} %"
        x = _across(place, len(shown))
        marks.append(_dot(x, down.at(row["percent_of_bound"]), hint, suites.index(row["suite"])))
    marks.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, "problems, the least first", class_="middle quiet"))
    return _svg(marks) + _legend(suites)


def speedup_plot(rows: abc.Sequence[Row]) -> str:
    """Cycles of each baseline over ours, on a logarithmic scale, the greatest first; a colour for each baseline."""
    names = sorted({name for row in rows for name in row["baselines"]})
    ratios = {name: _speedups(rows, name) for name in names}
    found = [ratio for each in ratios.values() for ratio, _ in each]
    if not found:
        return ""
    low, high = math.log2(min(1.0, *found)), math.log2(max(2.0, *found))
    down = _Linear(math.floor(low), math.ceil(high), HEIGHT - BOTTOM, TOP)
    step = max(1, math.ceil((down.high - down.low) / 9))
    marks = [_rule(down, power, f"{2.0**power:g}x") for power in range(int(down.low), int(down.high) + 1, step)]
    for number, name in enumerate(names):
        for place, (ratio, hint) in enumerate(ratios[name]):
            marks.append(_dot(_across(place, len(ratios[name])), down.at(math.log2(ratio)), hint, number))
    words = "problems of each baseline, the greatest speed-up first"
    marks.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, words, class_="middle quiet"))
    return _svg(marks) + _legend(names)


def _speedups(rows: abc.Sequence[Row], name: str) -> list[tuple[float, str]]:
    found = []
    for row in rows:
        rival = row["baselines"].get(name, {})
        if row["failure"] is None and rival.get("speedup"):
            found.append(
                (rival["speedup"], f"{row['problem']} on {row['machine']}: {name} takes {rival['speedup']:.2f}x")
            )
    return sorted(found, reverse=True)


def roofline(rows: abc.Sequence[Row]) -> str:
    """Operations per cycle over operations per byte of home memory, under the roofs that the bounds know.

    Rows of one machine at one precision. The flat roof is the greatest rate at which a bound says work can be done.
    """
    good = [row for row in rows if row["failure"] is None and row.get("home")]
    if not good:
        return ""
    points = [(_intensity(row), row["flops"] / row["cycles"], row) for row in good]
    width = good[0]["home"]["bytes_per_cycle"]
    rates = [row["flops"] / row["bound_cycles"] for row in good if row["binding_resource"] == "work"]
    peak = max(rates, default=max(y for _, y, _ in points))
    across = _log([x for x, _, _ in points], LEFT, WIDTH - RIGHT)
    down = _log([*(y for _, y, _ in points), peak], HEIGHT - BOTTOM, TOP)
    marks = [_rule(down, power, f"{10.0**power:g}") for power in down.whole()]
    marks += [
        text(across.at(power), HEIGHT - BOTTOM + 16, f"{10.0**power:g}", class_="middle") for power in across.whole()
    ]
    marks.append(path(_roof(across, down, peak, width), class_="roof"))
    for x, y, row in points:
        hint = (
            f"{row['problem']}: {x:.3g} operations per byte, {y:.4g} a cycle, {row['percent_of_bound']:.1f} % of bound"
        )
        marks.append(_dot(across.at(math.log10(x)), down.at(math.log10(y)), hint, 0))
    words = "operations per byte moved to and from home (logarithmic); up: operations per cycle"
    marks.append(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 6, words, class_="middle quiet"))
    return _svg(marks)


def _intensity(row: Row) -> float:
    return float(row["flops"] / max(1, row["home"]["bytes"]))


def _roof(across: _Linear, down: _Linear, peak: float, width: float | None) -> list[tuple[float, float]]:
    """The slanted roof of the memory up to the flat one, both as far as the plot reaches."""
    flat = down.at(math.log10(peak))
    if not width:
        return [(across.start, flat), (across.end, flat)]
    ridge = math.log10(peak / width)
    begin = max(across.low, down.low - math.log10(width))
    if ridge <= begin:
        return [(across.start, flat), (across.end, flat)]
    end = min(ridge, across.high)
    slant = [(across.at(begin), down.at(begin + math.log10(width))), (across.at(end), down.at(end + math.log10(width)))]
    return [*slant, (across.end, flat)] if ridge < across.high else slant


class _Linear:
    """Values from ``low`` to ``high`` on pixels from ``start`` to ``end``."""

    def __init__(self, low: float, high: float, start: float, end: float) -> None:
        self.low, self.high, self.start, self.end = low, max(high, low + 1e-9), start, end

    def at(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def whole(self) -> range:
        return range(math.ceil(self.low), math.floor(self.high) + 1)


def _log(values: abc.Sequence[float], start: float, end: float) -> _Linear:
    """An axis of powers of ten around ``values``, which are above 0."""
    logs = [math.log10(value) for value in values]
    return _Linear(math.floor(min(logs)), math.ceil(max(logs) + 1e-9), start, end)


def _across(place: int, count: int) -> float:
    return LEFT + (place + 0.5) / max(count, 1) * (WIDTH - LEFT - RIGHT)


def _rule(down: _Linear, value: float, label: str) -> str:
    y = down.at(value)
    return path([(LEFT, y), (WIDTH - RIGHT, y)], class_="grid") + text(LEFT - 6, y + 4, label, class_="end")


def _dot(x: float, y: float, hint: str, colour: int) -> str:
    return titled(hint, element("circle", cx=x, cy=y, r=3.2, fill=SERIES[colour % len(SERIES)], fill_opacity=0.8))


def _svg(marks: abc.Sequence[str]) -> str:
    paper = element("rect", width=WIDTH, height=HEIGHT, class_="paper")
    return element(
        "svg",
        paper,
        *marks,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {WIDTH} {HEIGHT}",
        width=WIDTH,
        role="img",
    )


def _legend(names: abc.Sequence[str]) -> str:
    """One line of coloured dots with their names."""
    parts, x = [], 8.0
    for number, name in enumerate(names):
        parts.append(element("circle", cx=x, cy=9, r=5, fill=SERIES[number % len(SERIES)]))
        parts.append(text(x + 10, 13, name))
        x += 34 + 7.4 * len(name)
    return element("svg", *parts, xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {max(x, 100):.0f} 18", width=x)
