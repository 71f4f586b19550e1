"""A machine as a picture: memories as lanes from left to right, units from top to bottom, and what instructions read
and write as links across the lanes.

What does not belong here: which parts stand where (``machine_lanes.py``) and SVG itself (``svg.py``).
"""

from __future__ import annotations

import textwrap
from collections import abc
from dataclasses import dataclass
from itertools import accumulate

from isamapper.hwdesc.classify import Work
from isamapper.hwdesc.model import Machine, Memory, MemoryKind
from isamapper.report.document import size
from isamapper.report.machine_lanes import Copies, Lanes, Link, Row, lanes, points_left
from isamapper.report.svg import SERIES, clipped, element, path, picture, text, themed, titled, width_of

_MARGIN = 24.0
_GAP = 28.0  # between lanes
_SIZE = 11.0  # of most text
_LINE = 15.0
_NAMES = 34  # characters of an instruction column's line
_NAME_LINES = 3
_COLOURS = {Work.COPY: SERIES[0], Work.COMPUTE: SERIES[5], Work.FILL: SERIES[7]}
_WORDS = {Work.COPY: "copies", Work.COMPUTE: "computes", Work.FILL: "fills with a constant"}


_LEGENDS = {False: 660.0, True: 950.0}
"""The room that the legend takes, without and with what the hardware does by itself."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """Where everything stands, in points."""

    shown: Lanes
    unit_width: float
    names_left: float
    lane_lefts: tuple[float, ...]
    lane_widths: tuple[float, ...]
    head_top: float
    head_height: float
    row_tops: tuple[float, ...]
    bottom: float
    width: float

    def middle(self, lane: int) -> float:
        return self.lane_lefts[lane] + self.lane_widths[lane] / 2


def machine_svg(machine: Machine) -> str:
    """The picture as the text of an SVG file."""
    plan = _plan(machine)
    return picture(
        plan.width,
        plan.bottom + 56,
        themed(_style),
        text(_MARGIN, 36, machine.name, class_="title"),
        text(_MARGIN, 56, clipped(_subtitle(machine), _SIZE, plan.width - 2 * _MARGIN), class_="quiet"),
        *(_memory_grid(plan, grid) for grid in plan.shown.grids),
        *(_lane(plan, number, memory) for number, memory in enumerate(plan.shown.memories)),
        *(_row(plan, row, top) for row, top in zip(plan.shown.rows, plan.row_tops, strict=True)),
        _legend(plan),
    )


def _style(colours: abc.Mapping[str, str]) -> str:
    return (
        f"text{{font-family:ui-monospace,Menlo,Consolas,'DejaVu Sans Mono',monospace;font-size:{_SIZE:g}px;"
        f"fill:{colours['ink']}}}.title{{font-size:20px;font-weight:600}}.name{{font-weight:600}}"
        f".quiet{{fill:{colours['quiet']}}}.paper{{fill:{colours['paper']}}}"
        f".box{{fill:{colours['fill']};stroke:{colours['line']}}}"
        f".host{{fill:{colours['paper']};stroke:{colours['quiet']};stroke-dasharray:4 3}}"
        f".lane{{stroke:{colours['line']};stroke-width:1.5}}"
        f".mark{{fill:{colours['ink']}}}.ring{{fill:{colours['paper']}}}.key{{stroke:{colours['ink']}}}"
        f".grid{{fill:none;stroke:{colours['quiet']};stroke-dasharray:2 3}}"
    )


def _subtitle(machine: Machine) -> str:
    front = machine.dispatch
    window = "" if front.window is None else f", window {front.window}"
    return f"{machine.clock_hz / 1e6:,.0f} MHz · dispatch {front.per_cycle} a cycle{window}"


def _plan(machine: Machine) -> _Plan:
    shown = lanes(machine)
    unit_lines = [line for row in shown.rows for line in (row.unit.name, *_unit_facts(row))]
    unit_width = max((width_of(line, _SIZE) for line in unit_lines), default=0.0) + 20
    names_left = _MARGIN + unit_width + 22
    widths = tuple(
        max(width_of(line, _SIZE) for line in (memory.name, *_memory_facts(memory))) + 20 for memory in shown.memories
    )
    first_lane = names_left + width_of("m" * _NAMES, _SIZE) + 20
    lefts = tuple(accumulate(widths[:-1], lambda left, width: left + width + _GAP, initial=first_lane))
    depth = max((grid.depth + 1 for grid in shown.grids), default=0)
    head_top = 78.0 + 20 * depth
    head_height = max(len(_memory_facts(memory)) + 1 for memory in shown.memories) * _LINE + 12
    heights = [_row_height(row) + 16 for row in shown.rows]
    tops = tuple(accumulate(heights, initial=head_top + head_height + 24))
    width = lefts[-1] + widths[-1] + _MARGIN + 10 * depth
    return _Plan(
        shown,
        unit_width,
        names_left,
        lefts,
        widths,
        head_top,
        head_height,
        tops[:-1],
        tops[-1],
        max(width, _LEGENDS[_is_implicit(shown)], width_of(machine.name, 20) + 2 * _MARGIN),
    )


def _row_height(row: Row) -> float:
    links = sum(_link_height(link) for link in row.links)
    return max(links, (len(_unit_facts(row)) + 1) * _LINE + 12)


def _link_height(link: Link) -> float:
    return len(_names(link)) * _LINE + 6


def _names(link: Link) -> list[str]:
    """The names of a link in few lines; what does not fit is counted."""
    lines = textwrap.wrap(", ".join(link.names), _NAMES, break_on_hyphens=False)
    if len(lines) <= _NAME_LINES:
        return lines
    kept = lines[: _NAME_LINES - 1]
    shown = " ".join(kept).count(",")
    return [*kept, f"… and {len(link.names) - shown} more"]


def _memory_facts(memory: Memory) -> tuple[str, ...]:
    facts = [
        memory.kind.value if memory.capacity_bytes is None else f"{memory.kind.value} {size(memory.capacity_bytes)}"
    ]
    if memory.kind is MemoryKind.REGISTERS:
        facts.append(f"{memory.rows} x {size(memory.row_bytes)}{', renamed' if memory.renamed else ''}")
    if memory.banks > 1:
        facts.append(f"{memory.banks} banks")
    if memory.latency_cycles:
        facts.append(f"latency {memory.latency_cycles}")
    ways = {"read": "→", "write": "←", "both": "↔"}
    facts += [f"{ways[port.direction.value]} {port.name} {port.bytes_per_cycle} B/cycle" for port in memory.ports]
    return tuple(facts)


def _unit_facts(row: Row) -> tuple[str, ...]:
    unit = row.unit
    facts = [f"{grid.count} x {grid.name}" for grid in row.inside]
    if unit.count > 1:
        facts.append(f"{unit.count} servers")
    if unit.queue_depth is not None:
        facts.append(f"queue {unit.queue_depth}")
    if unit.in_flight is not None:
        facts.append(f"{unit.in_flight} in flight")
    if unit.serial:
        facts.append("serial")
    return tuple(facts)


def _lane(plan: _Plan, number: int, memory: Memory) -> str:
    left, middle, top = plan.lane_lefts[number], plan.middle(number), plan.head_top
    kind = "host" if memory.kind is MemoryKind.HOST else "box"
    facts = (
        text(left + 10, top + 16 + _LINE * (line + 1), fact, class_="quiet")
        for line, fact in enumerate(_memory_facts(memory))
    )
    head = element("rect", x=left, y=top, width=plan.lane_widths[number], height=plan.head_height, rx=5.0, class_=kind)
    lane = path([(middle, top + plan.head_height), (middle, plan.bottom)], class_="lane")
    name = text(left + 10, top + 16, memory.name, class_="name")
    return titled(memory.source or memory.name, lane, head, name, *facts)


def _row(plan: _Plan, row: Row, top: float) -> str:
    left = plan.names_left - 22 - plan.unit_width
    height = _row_height(row)
    facts = (
        text(left + 10, top + 16 + _LINE * (line + 1), fact, class_="quiet")
        for line, fact in enumerate(_unit_facts(row))
    )
    box = element("rect", x=left, y=top, width=plan.unit_width, height=height, rx=5.0, class_="box")
    tops = accumulate((_link_height(link) for link in row.links), initial=top)
    links = (_link(plan, link, at) for link, at in zip(row.links, tops, strict=False))
    name = text(left + 10, top + 16, row.unit.name, class_="name")
    return titled(row.unit.source or row.unit.name, box, name, *facts) + "".join(links)


def _link(plan: _Plan, link: Link, top: float) -> str:
    """Names, and a line across the lanes with a dot where it reads and an arrow where it writes."""
    colour = _COLOURS[link.work]
    height = top + 10 + (len(_names(link)) - 1) * _LINE / 2
    words = (
        text(plan.names_left, top + 14 + _LINE * number, line, class_="quiet" if line.startswith("…") else "code")
        for number, line in enumerate(_names(link))
    )
    ends = sorted({*link.reads, *link.writes})
    dashes = {"stroke_dasharray": "5 3"} if link.implicit else {}
    line = [(plan.middle(ends[0]), height), (plan.middle(ends[-1]), height)] if ends else []
    drawn = path(line, stroke=colour, stroke_width=2, **dashes) if len(ends) > 1 else ""
    marks = (_mark(plan, link, lane, height, colour) for lane in ends)
    return titled(", ".join(link.names), *words, drawn, *marks)


def _mark(plan: _Plan, link: Link, lane: int, y: float, colour: str) -> str:
    """A dot where the link reads, a ring where it reads and writes, an arrow from its other end where it writes."""
    x = plan.middle(lane)
    if lane in link.reads:
        if lane in link.writes:
            return element("circle", cx=x, cy=y, r=5.0, stroke=colour, stroke_width=2.5, class_="ring")
        return element("circle", cx=x, cy=y, r=4.5, fill=colour)
    back = x + (11 if points_left(link, lane) else -11)
    return element("path", d=f"M{x:g} {y:g}L{back:g} {y - 5.5:g}L{back:g} {y + 5.5:g}Z", fill=colour)


def _memory_grid(plan: _Plan, grid: Copies) -> str:
    inset = 12.0 - 4 * grid.depth
    depth = max(each.depth for each in plan.shown.grids)
    left = plan.lane_lefts[grid.first] - inset
    right = plan.lane_lefts[grid.last] + plan.lane_widths[grid.last] + inset
    top = plan.head_top - 8 - 20 * (depth - grid.depth)
    frame = element(
        "rect", x=left, y=top, width=right - left, height=plan.bottom - top - 6 * grid.depth, rx=7.0, class_="grid"
    )
    network = [f"multicast from {each}" for each in grid.grid.multicast]
    network += [f"sums to {each}" for each in grid.grid.reduces]
    kinds = [word for word, found in (("multicast", grid.grid.multicast), ("sums", grid.grid.reduces)) if found]
    name = ", ".join([f"{grid.grid.count} x {grid.grid.name}", *kinds])
    label = text(left + 8, top - 4, name, class_="name")
    return titled("; ".join([grid.grid.source or grid.grid.name, *network]), frame, label)


def _is_implicit(shown: Lanes) -> bool:
    """Whether the hardware does some copies by itself."""
    return any(link.implicit for row in shown.rows for link in row.links)


def _legend(plan: _Plan) -> str:
    """What the signs and colours mean."""
    y, x, parts = plan.bottom + 28, _MARGIN, []
    for work, words in _WORDS.items():
        parts += [element("rect", x=x, y=y - 9, width=14, height=10, fill=_COLOURS[work]), text(x + 20, y, words)]
        x += 40 + width_of(words, _SIZE)
    ring = {"stroke_width": 2.5, "class_": "ring key"}
    signs = (
        (element("circle", cx=x + 5, cy=y - 4, r=4.5, class_="mark"), "reads"),
        (element("path", d=f"M{x + 83:g} {y - 4:g}l-11 -5.5v11Z", class_="mark"), "writes"),
        (element("circle", cx=x + 150, cy=y - 4, r=5.0, **ring), "reads and writes"),
    )
    for number, (sign, words) in enumerate(signs):
        parts += [sign, text((x + 16, x + 90, x + 162)[number], y, words)]
    if _is_implicit(plan.shown):
        dashed = path([(x + 290, y - 4), (x + 320, y - 4)], stroke_width=2, stroke_dasharray="5 3", class_="key")
        parts += [dashed, text(x + 326, y, "not issued: the hardware does it")]
    return element("g", *parts)
