"""A timeline as text: one bar per unit, port and for dispatch, showing where the cycles went."""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass

from isamapper.sim.timeline import Timeline, UnitUse

WIDTH = 40


@dataclass(frozen=True, slots=True)
class Glyphs:
    """Characters of a bar: working, waiting, nothing to do."""

    busy: str = "█"
    stalled: str = "▒"
    idle: str = "·"


ASCII = Glyphs("#", "-", ".")


def bars(timeline: Timeline, glyphs: Glyphs | None = None) -> str:
    """Lines for people; ``glyphs`` of :data:`ASCII` need no Unicode."""
    drawn = glyphs or Glyphs()
    rows = [_unit_row(unit, timeline.cycles, drawn) for unit in timeline.units if unit.instructions]
    rows += list(_share_rows(timeline, drawn))
    width = max((len(name) for name, *_ in rows), default=0)
    counts = max((len(count) for _, count, *_ in rows), default=0)
    lines = [_headline(timeline)]
    lines += [f"  {name:<{width}}  {count:>{counts}}  {bar}  {note}" for name, count, bar, note in rows]
    lines += [f"  {line}" for line in _bytes(timeline)]
    return "\n".join(lines) + "\n"


def _headline(timeline: Timeline) -> str:
    seconds = timeline.cycles / timeline.clock_hz
    shares = dict(timeline.utilization)
    critical = timeline.critical_resource
    return (
        f"{timeline.cycles} cycles on {timeline.machine} ({seconds:.3g} s), {timeline.invocations} instructions, "
        f"critical resource {critical} at {shares[critical]:.1%}"
    )


def _unit_row(unit: UnitUse, cycles: int, glyphs: Glyphs) -> tuple[str, str, str, str]:
    whole = max(1, unit.servers * cycles)
    bar = _bar(unit.busy_cycles / whole, unit.stalled_cycles / whole, glyphs)
    reasons = sorted(unit.stalls, key=lambda item: -item[1])
    notes = [f"busy {unit.busy_cycles / whole:.1%}"]
    notes += [f"{reason} {lost / whole:.1%}" for reason, lost in reasons if lost / whole >= 0.001]
    notes += [f"idle {unit.idle_cycles / whole:.1%}"] if unit.idle_cycles / whole >= 0.001 else []
    return unit.name, str(unit.instructions), bar, ", ".join(notes)


def _share_rows(timeline: Timeline, glyphs: Glyphs) -> abc.Iterator[tuple[str, str, str, str]]:
    """Ports and dispatch: the share of their cycles that they worked."""
    units = {unit.name for unit in timeline.units}
    for name, share in timeline.utilization:
        if name not in units and share:
            count = str(timeline.front_end.dispatched) if name == "dispatch" else ""
            yield name, count, _bar(share, 0.0, glyphs), f"busy {share:.1%}"


def _bar(busy: float, stalled: float, glyphs: Glyphs) -> str:
    first = round(min(1.0, busy) * WIDTH)
    second = min(WIDTH - first, round(stalled * WIDTH))
    return glyphs.busy * first + glyphs.stalled * second + glyphs.idle * (WIDTH - first - second)


def _bytes(timeline: Timeline) -> abc.Iterator[str]:
    moved = [each for each in timeline.traffic if each.read_bytes or each.written_bytes]
    for each in moved:
        yield f"{each.memory}: {each.read_bytes} bytes read, {each.written_bytes} written"
    if timeline.energy_pj is not None:
        yield f"energy: {timeline.energy_pj:.4g} pJ"
