"""Two figures of many answers against each other, with the front that no answer beats."""

from __future__ import annotations

import itertools
from collections import abc

from isamapper.report.svg import SERIES, element, path, picture, text, themed, titled

WIDTH, HEIGHT = 720, 460
LEFT, RIGHT, TOP, BOTTOM = 92, 24, 34, 58
SIZE = 12


def front_svg(
    points: abc.Sequence[tuple[float, float, str]], front: abc.Sequence[int], labels: tuple[str, str], title: str
) -> str:
    """An SVG document; ``points`` are (x, y, what the pointer is told), ``front`` numbers of points in order of x."""
    across = _Axis([x for x, _, _ in points], LEFT, WIDTH - RIGHT)
    down = _Axis([y for _, y, _ in points], HEIGHT - BOTTOM, TOP)
    children = [text(LEFT, 20, title, class_="title"), *_grid(across, down, labels)]
    if len(front) > 1:
        children.append(
            path(_stairs([(across.at(points[n][0]), down.at(points[n][1])) for n in front]), class_="front")
        )
    for number, (x, y, hint) in enumerate(points):
        style = "best" if number in front else "point"
        children.append(titled(hint, element("circle", cx=across.at(x), cy=down.at(y), r=5, class_=style)))
    return picture(WIDTH, HEIGHT, themed(_sheet), *children)


def _stairs(corners: abc.Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    """A front holds up to the next point, then steps down."""
    steps = [corners[0]]
    for (_, before), (x, y) in itertools.pairwise(corners):
        steps += [(x, before), (x, y)]
    return steps


class _Axis:
    """Values from a little below the least to a little above the greatest, on pixels ``start`` to ``end``."""

    def __init__(self, values: abc.Sequence[float], start: float, end: float) -> None:
        least, most = min(values), max(values)
        room = (most - least) * 0.06 or abs(most) * 0.1 or 1.0
        self.low, self.high, self.start, self.end = least - room, most + room, start, end

    def at(self, value: float) -> float:
        return self.start + (value - self.low) / (self.high - self.low) * (self.end - self.start)

    def ticks(self, wanted: int = 5) -> list[float]:
        """About ``wanted`` round values."""
        rough = (self.high - self.low) / wanted
        magnitude = 10.0 ** len(str(int(rough))) / 10 if rough >= 1 else 10.0 ** -(len(f"{1 / rough:.0f}"))
        step = next(m * magnitude for m in (1, 2, 5, 10, 20, 50, 100) if m * magnitude >= rough)
        first = int(self.low // step) + 1
        return [n * step for n in range(first, int(self.high // step) + 1)]


def _grid(across: _Axis, down: _Axis, labels: tuple[str, str]) -> abc.Iterator[str]:
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    for value in across.ticks():
        yield path([(across.at(value), TOP), (across.at(value), bottom)], class_="grid")
        yield text(across.at(value), bottom + 18, _short(value), class_="middle")
    for value in down.ticks():
        yield path([(LEFT, down.at(value)), (right, down.at(value))], class_="grid")
        yield text(LEFT - 8, down.at(value) + 4, _short(value), class_="end")
    yield text((LEFT + right) / 2, HEIGHT - 14, labels[0], class_="middle")
    middle = (TOP + bottom) / 2
    yield text(18, middle, labels[1], class_="middle", transform=f"rotate(-90 18 {middle:g})")


def _short(value: float) -> str:
    for unit, factor in (("G", 1e9), ("M", 1e6), ("k", 1e3)):
        if abs(value) >= factor:
            return f"{value / factor:g}{unit}"
    return f"{value:g}"


def _sheet(colours: abc.Mapping[str, str]) -> str:
    return (
        f".paper{{fill:{colours['paper']}}}text{{font:{SIZE}px sans-serif;fill:{colours['ink']}}}"
        f".title{{font-weight:bold}}.middle{{text-anchor:middle}}.end{{text-anchor:end}}"
        f".grid{{stroke:{colours['line']};stroke-width:1;fill:none}}"
        f".front{{stroke:{SERIES[5]};stroke-width:2;fill:none}}"
        f".point{{fill:{SERIES[4]};fill-opacity:.75}}.best{{fill:{SERIES[5]}}}"
    )
