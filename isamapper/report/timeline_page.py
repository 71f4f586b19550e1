"""A timeline as one HTML page that needs nothing else: what every unit did and waited for, memory over time, roofline.

What is drawn in the browser stands in ``page/timeline.js`` and reads the values of ``timeline_data.py``; the totals of
the whole program, exact for any length, are in the page itself and need no script.
"""

from __future__ import annotations

import json
from collections import abc
from html import escape
from pathlib import Path

from isamapper.report.document import count, percent, size
from isamapper.report.result import REASONS as WORDS
from isamapper.report.roofline import roofline, roofline_svg
from isamapper.report.svg import DARK, LIGHT, SERIES, element, titled
from isamapper.report.timeline_data import Shown, packed, shown
from isamapper.result import Result
from isamapper.sim.counters import REASONS
from isamapper.sim.timeline import UnitUse

_PAGE = Path(__file__).parent / "page"
_WORK = ("#0072b2", "#00507d", "#3f6fb0")
"""White text can be read on each."""

_SIGNS = "A tall box works, a low one waits, the thin line is a result on its way."

_STALLS = {
    "raw": "#d55e00",
    "war": "#cc79a7",
    "waw": "#8f4d74",
    "queue_full": "#e69f00",
    "window_full": "#f0e442",
    "dispatch": "#999999",
    "order": "#009e73",
    "serial": "#66c2a5",
    "in_flight": "#0b6b3a",
    "port": "#56b4e9",
    "no_work": "#00000000",
}


def timeline_page(result: Result) -> str:
    """The whole document."""
    drawn = shown(result.program)
    kernel = result.program.kernel
    title = f"{kernel.name} on {result.program.machine.name}"
    plot = roofline(result)
    parts = [
        element("h1", escape(title)),
        _facts(result),
        "<h2>Whole program</h2>",
        _units(result),
        _legend(result),
        *(_view(drawn) if drawn.bars else ()),
        f"<h2>Roofline</h2>{roofline_svg(plot)}" if plot else "",
    ]
    style = f"<style>{_variables()}{(_PAGE / 'timeline.css').read_text('utf-8')}</style>"
    head = f"<meta charset=utf-8><meta name=viewport content='width=device-width'><title>{escape(title)}</title>{style}"
    body = "".join(parts) + (_scripts(drawn) if drawn.bars else "")
    return f"<!doctype html><html lang=en><head>{head}</head><body>{body}</body></html>\n"


def _scripts(drawn: Shown) -> str:
    data = json.dumps(_data(drawn), separators=(",", ":"), ensure_ascii=False).replace("<", "\\u003c")
    script = (_PAGE / "timeline.js").read_text("utf-8")
    return f"<script type='application/json' id=data>{data}</script><script>{script}</script>"


def _view(drawn: Shown) -> tuple[str, ...]:
    """What the script draws on, and how to use it."""
    canvas = '<canvas id=canvas tabindex=0 aria-label="timeline"></canvas><div id=tip></div>'
    return "<h2>Invocations</h2>", _about(drawn), _tools(), f"<div id=view>{canvas}</div>"


def _variables() -> str:
    """The colours of both themes as variables, for the sheet and the script."""
    light, dark = ("".join(f"--{name}:{colour};" for name, colour in theme.items()) for theme in (LIGHT, DARK))
    return f":root{{color-scheme:light dark;{light}}}@media(prefers-color-scheme:dark){{:root{{{dark}}}}}"


def _facts(result: Result) -> str:
    timeline, kernel = result.timeline, result.program.kernel
    sizes = " ".join(f"{name}={value}" for name, value in (*kernel.sizes, *kernel.types))
    seconds = timeline.cycles / timeline.clock_hz
    pairs = [
        ("kernel", f"{kernel.name} {sizes}"),
        ("machine", f"{timeline.machine} at {timeline.clock_hz / 1e6:,.0f} MHz"),
        ("cycles", f"{count(timeline.cycles)} ({_duration(seconds)} of its clock)"),
        ("bound", f"{count(result.bounds.bound_cycles)} cycles, set by {result.bounds.binding_resource}; "
                  f"{percent(result.percent_of_bound)} reached"),
        ("instructions", count(timeline.invocations)),
        ("busiest", f"{timeline.critical_resource}, {dict(timeline.utilization)[timeline.critical_resource]:.1%}"),
        ("verified", "yes" if result.certificate.ok else "NO"),
    ]  # fmt: skip
    rows = "".join(f"<dt>{escape(label)}</dt><dd>{escape(value)}</dd>" for label, value in pairs)
    return f"<dl class=facts>{rows}</dl>"


def _duration(seconds: float) -> str:
    """Seconds in the unit that reads best."""
    for unit, factor in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= factor:
            return f"{seconds / factor:,.3g} {unit}"
    return f"{seconds / 1e-9:,.3g} ns"


def _units(result: Result) -> str:
    """Every unit that did something: how its servers spent the cycles of the whole program."""
    heads = "<tr><th>unit<th class=number>instructions<th class=number>works<th class=number>waits<th class=bar></tr>"
    used = [unit for unit in result.timeline.units if unit.instructions]
    rows = "".join(_unit_row(unit, result.timeline.cycles) for unit in used)
    return f"<table class=units><thead>{heads}</thead><tbody>{rows}</tbody></table>"


def _unit_row(unit: UnitUse, cycles: int) -> str:
    whole = max(1, unit.servers * cycles)
    servers = f" x {unit.servers}" if unit.servers > 1 else ""
    works, waits = percent(100 * unit.busy_cycles / whole), percent(100 * unit.stalled_cycles / whole)
    cells = f"<td class=number>{count(unit.instructions)}<td class=number>{works}<td class=number>{waits}"
    return f"<tr><th>{escape(unit.name)}{servers}{cells}<td class=bar>{_bar(unit, whole)}</tr>"


def _bar(unit: UnitUse, whole: int) -> str:
    parts, x = [element("rect", width=1000, height=16, fill="var(--fill)")], 0.0
    for name, cycles in (("works", unit.busy_cycles), *sorted(unit.stalls, key=lambda item: -item[1])):
        width = 1000 * cycles / whole
        colour = _WORK[0] if name == "works" else _STALLS[name]
        words = "works" if name == "works" else f"waits for {WORDS[name]}"
        hint = f"{words}: {count(cycles)} cycles, {100 * cycles / whole:.1f} %"
        parts.append(titled(hint, element("rect", x=x, width=width, height=16, fill=colour)))
        x += width
    return element("svg", *parts, viewBox="0 0 1000 16", preserveAspectRatio="none")


def _legend(result: Result) -> str:
    """The reasons that occur in this program."""
    lost: dict[str, int] = {}
    for unit in result.timeline.units:
        for reason, cycles in unit.stalls:
            lost[reason] = lost.get(reason, 0) + cycles
    entries = [(_WORK[0], "works (shades: instructions of a unit)")]
    most = sorted(lost, key=lambda name: -lost[name])
    entries += [(_STALLS[reason], f"waits for {WORDS[reason]}") for reason in most]
    entries.append(("var(--fill)", "nothing to do"))
    spans = (f"<span><i style='background:{colour}'></i>{escape(words)}</span>" for colour, words in entries)
    return f"<div class=legend>{''.join(spans)}</div>"


def _about(drawn: Shown) -> str:
    """How much of the program is drawn."""
    held, total = count(len(drawn.bars)), count(drawn.instructions)
    if held == total:
        what = "all instructions."
    elif len(drawn.segments) == 1:
        what = f"the first {held} of {total} instructions."
    else:
        what = (
            f"{held} of {total} instructions in {count(len(drawn.segments))} windows: the first, the last, and those "
            "in which loops were found to repeat; what dashed lines leave out is like what is before them."
        )
    core = "one core, the slowest of every phase: " if drawn.across else ""
    sentence = f"{core}{what}"
    return f"<p class=note>{sentence[0].upper()}{sentence[1:]} {_SIGNS}</p>"


def _tools() -> str:
    buttons = (("+", "closer"), ("-", "farther"), ("ArrowLeft", "◀"), ("ArrowRight", "▶"), ("0", "all"))
    made = "".join(f'<button type=button data-key="{key}">{words}</button>' for key, words in buttons)
    return f"<div class=tools>{made}<span class=note>wheel zooms, dragging moves, a double click shows all</span></div>"


def _data(drawn: Shown) -> dict[str, object]:
    """What the script reads."""
    several = {unit for unit, server in drawn.rows if server}
    rows = [f"{unit}[{server}]" if unit in several else unit for unit, server in drawn.rows]
    return {
        "instructions": drawn.instructions,
        "rows": rows,
        "sites": _sites(drawn.sites),
        "reasons": [[WORDS[name], _STALLS[name]] for name in REASONS],
        "bars": packed(drawn.bars),
        "segments": [
            [each.first_cycle, each.last_cycle, each.first_number, each.last_number] for each in drawn.segments
        ],
        "memory_colour": SERIES[2],
        "memories": [
            {
                "name": each.memory,
                "capacity_text": size(each.capacity_bytes) + (", renamed" if each.renamed else ""),
                "peak_text": _about_bytes(each.peak_bytes),
                "peak": each.peak_bytes,
                "until": drawn.occupancy_until,
                "points": each.points,
            }
            for each in drawn.occupancy
        ],
    }


def _about_bytes(value: int) -> str:
    """Bytes as :func:`size` writes them, with one digit behind the point where they are not whole."""
    return f"{value / 1024:,.1f} KiB" if value >= 1024 and value % 1024 else size(value)


def _sites(sites: abc.Sequence[tuple[str, str]]) -> list[tuple[str, str, str]]:
    """Instruction, unit and colour of every site; instructions of one unit take turns."""
    known: dict[str, list[str]] = {}
    found = []
    for instruction, unit in sites:
        own = known.setdefault(unit, [])
        if instruction not in own:
            own.append(instruction)
        found.append((instruction, unit, _WORK[own.index(instruction) % len(_WORK)]))
    return found
