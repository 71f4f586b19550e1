"""One measured problem in full: figures, baselines, mapping, kernel, schedule, where cycles went, a stretch of them."""

from __future__ import annotations

from collections import abc
from html import escape
from typing import Any

from isamapper.report.document import count
from isamapper.report.svg import SERIES, element, text, titled

Row = abc.Mapping[str, Any]

WIDTH, LEFT, LANE = 900, 120, 20
STALLED = "#b0b7bf"


def detail(row: Row) -> str:
    """The markup behind a problem's line; short for problems that could not be done."""
    if "detail" not in row:
        return f"<p>{escape(row['failure'] or 'schedules are in the result file itself, not in what was exported')}</p>"
    found = row["detail"]
    return "".join(
        (
            _facts(row),
            _rivals(row),
            _anchors(row),
            "<h4>Mapping</h4>" + _mapping(found["mapping"]),
            "<h4>Where the cycles go</h4>" + _units(found["units"], row["cycles"]),
            "<h4>Cycle by cycle</h4>" + _lanes(found["timeline"]),
            f"<h4>Kernel</h4><pre>{escape(found['kernel'])}</pre>",
            f"<h4>Schedule</h4><pre>{escape(found['schedule'])}</pre>",
        )
    )


def _facts(row: Row) -> str:
    precision = row["precision"]
    kept = "meets" if precision["meets_official"] else "is below"
    facts = {
        "kernel": " ".join([row["kernel"], *(f"{name}={value}" for name, value in row["sizes"].items())]),
        "precision": f"{precision['multiply']} times, {precision['accumulate']} plus: {kept} the official minimum",
        "known before run time": ", ".join(row["packed"]) or "nothing",
        "cycles": f"{row['cycles']:,} of at least {row['bound_cycles']:,} ({row['binding_resource']}); "
        f"of this mapping at least {count(row['mapped_bound_cycles'])}",
        "rate": f"{row['tflops']:.4g} TFLOPS"
        + (f"; with the input product {row['tflops_with_input']:.4g}" if "tflops_with_input" in row else ""),
        "verified": f"at its {row['verified_size']} size; a wrong program passes with probability "
        f"{row['error_probability'] or 0:.1e}",
        "search": f"{row['strategy']}, {row['cost_model']}, seed {row['seed']}, {row['search_seconds']:.2f} s",
    }
    if row.get("cycles_per_step"):
        later = row.get("cycles_per_later_step")
        facts["a step"] = f"{row['cycles_per_step']:,.0f} cycles" + (f", later ones {later:,.0f}" if later else "")
    if row.get("step_cycles"):
        alone = {name: cycles for name, cycles in row["step_cycles"].items() if name != "all"}
        facts["what takes how long alone"] = ", ".join(f"{name} {cycles:,.0f}" for name, cycles in alone.items())
    if row["detail"].get("on_chip"):
        facts["on chip"] = "; ".join(row["detail"]["on_chip"])
    if row.get("note"):
        facts["note"] = f"{row['note']} (sparsity {row['sparsity']})" if "sparsity" in row else row["note"]
    cells = (f"<tr><th>{escape(key)}</th><td>{escape(value)}</td></tr>" for key, value in facts.items())
    return f"<table>{''.join(cells)}</table>"


def _rivals(row: Row) -> str:
    if not row["baselines"]:
        return ""
    lines = []
    for name, rival in row["baselines"].items():
        if rival.get("cycles") is None:
            lines.append(f"<tr><td>{escape(name)}</td><td colspan=2>{escape(str(rival['failure']))}</td></tr>")
        else:
            parts = "; ".join(
                f"{part['calls']} x {part['label'] or 'call'} {part['cycles']:,}" for part in rival["parts"]
            )
            cells = (escape(name), f"{rival['cycles']:,} ({escape(parts)})", f"{rival['speedup']:.3f}x")
            lines.append("<tr>" + "".join(f"<td>{cell}</td>" for cell in cells) + "</tr>")
    heads = "<tr><th>baseline</th><th>cycles</th><th>ours is faster by</th></tr>"
    return f"<h4>Baselines</h4><table>{heads}{''.join(lines)}</table>"


def _anchors(row: Row) -> str:
    if not row["anchors"]:
        return ""
    lines = "".join(
        f"<tr><td>{escape(each['device'])}</td>"
        f"<td>{escape(each['precision'])}{'' if each.get('same_precision') else ' (not ours)'}</td>"
        f"<td class=n>{each['milliseconds']:g} ms</td><td class=n>{each['percent_error']:+.1f} %</td></tr>"
        for each in row["anchors"]
    )
    heads = "<tr><th>published</th><th>precision</th><th class=n>time</th><th class=n>ours differs by</th></tr>"
    return f"<h4>Published times</h4><table>{heads}{lines}</table>"


def _mapping(mappings: abc.Sequence[Row]) -> str:
    lines = []
    for each in mappings:
        operands = ", ".join(f"{name} = {access}" for name, access in each["operands"].items())
        pairs = ", ".join(f"{pair['kernel']} in {pair['instruction']}" for pair in each["iterators"])
        cells = (str(each["statement"]), each["instruction"], each["class"], operands, pairs)
        lines.append("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>")
    heads = "".join(f"<th>{head}</th>" for head in ("statement", "instruction", "class", "operands", "iterators"))
    return f"<table><tr>{heads}</tr>{''.join(lines)}</table>"


def _units(units: abc.Mapping[str, Row], cycles: int) -> str:
    """A bar per unit: working, waiting, idle."""
    used = {name: unit for name, unit in units.items() if unit["instructions"]}
    marks = []
    for place, (name, unit) in enumerate(used.items()):
        y, whole = place * LANE, max(1, unit["servers"] * cycles)
        busy = min(1.0, unit["busy_cycles"] / whole)
        stalled = min(1 - busy, sum(unit["stall_cycles"].values()) / whole)
        reasons = ", ".join(f"{reason} {lost / whole:.1%}" for reason, lost in unit["stall_cycles"].items())
        room = WIDTH - LEFT - 80
        bar = element("rect", x=LEFT, y=y + 3, width=float(room), height=LANE - 6, class_="idle")
        bar += element("rect", x=LEFT, y=y + 3, width=room * busy, height=LANE - 6, fill=SERIES[0])
        bar += element("rect", x=LEFT + room * busy, y=y + 3, width=room * stalled, height=LANE - 6, fill=STALLED)
        marks.append(text(LEFT - 8, y + 14, name, class_="end"))
        marks.append(titled(f"{name}: works {busy:.1%}; waits: {reasons or 'never'}", bar))
        marks.append(text(WIDTH - 74, y + 14, f"{busy:.1%}"))
    return _svg(marks, len(used) * LANE)


def _lanes(timeline: Row) -> str:
    """A lane per unit, a box per invocation, a colour per instruction."""
    events, units, names = timeline["events"], timeline["units"], timeline["instructions"]
    if not events:
        return "<p>Nothing was traced.</p>"
    begin, end = min(event[2] for event in events), max(event[3] for event in events)
    scale = (WIDTH - LEFT - 10) / max(1, end - begin)
    marks = [text(LEFT - 8, place * LANE + 14, name, class_="end") for place, name in enumerate(units)]
    for number, name in enumerate(names):
        own = [event for event in events if event[1] == number]
        boxes = "".join(_box(LEFT + (e[2] - begin) * scale, e[0] * LANE + 3, (e[3] - e[2]) * scale) for e in own)
        marks.append(titled(name, element("path", d=boxes, fill=SERIES[number % len(SERIES)])))
    y = len(units) * LANE + 14
    marks.append(text(LEFT, y, f"cycle {begin:,}"))
    marks.append(text(WIDTH - 10, y, f"{end:,}", class_="end"))
    legend, x = [], LEFT
    for number, name in enumerate(names):
        legend.append(element("rect", x=x, y=y + 8, width=10, height=10, fill=SERIES[number % len(SERIES)]))
        legend.append(text(x + 14, y + 17, name))
        x += 30 + round(7.4 * len(name))
    begun = timeline.get("first", 0)
    part = "" if timeline["complete"] else f"<p class=note>Invocations {begun + 1:,} to {begun + len(events):,}.</p>"
    return _svg([*marks, *legend], y + 24, max(WIDTH, x)) + part


def _box(x: float, y: float, width: float) -> str:
    """A closed path around one invocation; short ones stay visible."""
    shown = max(0.6, width - 0.3)
    return f"M{x:.1f} {y:g}h{shown:.1f}v{LANE - 6}h-{shown:.1f}z"


def _svg(marks: abc.Sequence[str], height: float, width: float = WIDTH) -> str:
    return element("svg", *marks, xmlns="http://www.w3.org/2000/svg", viewBox=f"0 0 {width} {height}", width=width)
