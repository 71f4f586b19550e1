"""The picture of a machine in characters: the lanes of ``machine_lanes.py`` for a terminal or a file of text."""

from __future__ import annotations

from isamapper.hwdesc.model import Grid, Machine
from isamapper.report.machine_lanes import Lanes, Link, lanes, points_left

_NAMES = 44
_KEY = "● reads   ▶ ◀ writes   ◆ reads and writes"


def machine_text(machine: Machine) -> str:
    """One line for each link: its unit, its instructions, and what it does on the lanes of the memories."""
    shown = lanes(machine)
    titles = [memory.name for memory in shown.memories]
    widths = [max(len(title), 3) for title in titles]
    lefts = [sum(widths[:number]) + 3 * number for number in range(len(widths))]
    middles = [left + width // 2 for left, width in zip(lefts, widths, strict=True)]
    units = max(len(row.unit.name) for row in shown.rows) if shown.rows else 0
    labels = {link: _label(link) for row in shown.rows for link in row.links}
    names = max(map(len, labels.values()), default=0)
    indent = " " * (units + names + 4)
    lines = [indent + "   ".join(title.center(width) for title, width in zip(titles, widths, strict=True))]
    for row in shown.rows:
        for number, link in enumerate(row.links):
            unit = row.unit.name if number == 0 else ""
            lines.append(f"{unit:<{units}}  {labels[link]:<{names}}  {_drawn(link, middles)}")
    return "\n".join(line.rstrip() for line in (*lines, "", _KEY, *_grids(shown)))


def _label(link: Link) -> str:
    """The first names of a link, and how many there are beside them."""
    shown: list[str] = []
    for name in link.names:
        if shown and len(", ".join([*shown, name])) > _NAMES:
            return f"{', '.join(shown)} and {len(link.names) - len(shown)} more"
        shown.append(name)
    return ", ".join(shown)


def _drawn(link: Link, middles: list[int]) -> str:
    """The lanes with the link across them."""
    cells = [" "] * (middles[-1] + 1)
    for middle in middles:
        cells[middle] = "│"
    ends = sorted({*link.reads, *link.writes})
    if not ends:
        return "".join(cells)
    for place in range(middles[ends[0]], middles[ends[-1]] + 1):
        cells[place] = "┼" if cells[place] == "│" else "─"
    for lane in ends:
        cells[middles[lane]] = _sign(link, lane)
    return "".join(cells)


def _sign(link: Link, lane: int) -> str:
    if lane in link.reads:
        return "◆" if lane in link.writes else "●"
    return "◀" if points_left(link, lane) else "▶"


def _grids(shown: Lanes) -> list[str]:
    """A sentence for each grid, with everything it holds, in grids inside it too."""
    found: dict[Grid, list[str]] = {}
    for copies in shown.grids:
        found[copies.grid] = [memory.name for memory in shown.memories[copies.first : copies.last + 1]]
    for row in shown.rows:
        for grid in row.inside:
            found.setdefault(grid, []).append(row.unit.name)
    return [f"{grid.count} times, as '{grid.name}': {', '.join(held)}{_network(grid)}" for grid, held in found.items()]


def _network(grid: Grid) -> str:
    """What the network between the copies does."""
    parts = [f"; multicast from {', '.join(grid.multicast)}"] if grid.multicast else []
    return "".join([*parts, f"; sums to {', '.join(grid.reduces)}"] if grid.reduces else parts)
