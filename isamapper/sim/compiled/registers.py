"""Words of state in registers, for code that runs long: the text of a whole program, rewritten.

Loops read and write a few dozen words at fixed places for every invocation: the clock, servers, totals. As words of one
array, any of them might be what a store to a computed place changed. Here they become an array of the loop's own, read
from the state first and written back last; steps are inlined, so LLVM keeps in registers what is worth it.

Functions shared by all programs go on with the state. The words that they read are stored there, too.
"""

from __future__ import annotations

import re
from collections import abc
from functools import lru_cache

from isamapper.sim.compiled.layout import (
    CLOCK,
    IN_CYCLE,
    LAST_END,
    LATE,
    RETIRED,
    STEPS,
    VIOLATION_KIND,
    VIOLATION_SITE,
    VIOLATION_START,
    Layout,
)

MIRRORED = (CLOCK,)
"""Kept words that shared functions read."""

TEXTS_KEPT = 8
"""Texts that are kept, the latest used: as many as compiled programs."""

_POINTER = re.compile(r"  (%\w+) = getelementptr i64, ptr %state, i64 (\d+)$")
_STORE = re.compile(r"  store i64 (\S+), ptr %state$")


def kept_words(plan: Layout) -> frozenset[int]:
    """Words that steps and loops reach by their number only."""
    found = {CLOCK, IN_CYCLE, RETIRED, LAST_END, STEPS, LATE, VIOLATION_SITE, VIOLATION_START, VIOLATION_KIND}
    for unit in plan.units:
        for ring in (unit.held, unit.servers, unit.flying):
            if ring is not None:
                found.add(ring.values if ring.size == 1 else ring.position)
        found |= {unit.started, unit.ended}
    if plan.window is not None:
        found.add(plan.window.values if plan.window.size == 1 else plan.window.position)
    found |= set(range(plan.front_end, plan.beats))
    found |= set(range(plan.bytes, plan.port_bytes + len(plan.model.ports)))
    alone = (use.first for use in plan.model.ports if use.banks == 1)
    return frozenset(found | {plan.beats + calendar for calendar in alone})


@lru_cache(maxsize=TEXTS_KEPT)
def in_registers(text: str, kept: frozenset[int]) -> str:
    """``text``, the steps of a program and its ``run``, with the words in ``kept`` apart from the state."""
    size = max(kept) + 1
    return "".join(_function(each, kept, size) for each in re.split(r"(?m)^(?=define )", text) if each)


def _function(text: str, kept: frozenset[int], size: int) -> str:
    lines = [each for line in text.splitlines() for each in _line(line, kept)]
    if re.match(r"define (internal )?i64 @step\d+\(", lines[0]):
        lines[0] = (
            lines[0].replace("ptr %state", "ptr %state, ptr %core", 1).replace("nounwind", "nounwind alwaysinline")
        )
        return "\n".join(lines) + "\n"
    entry = lines.index("entry:") + 1
    first = [f"  %core = alloca [{size} x i64]", *_copy("in", kept, "%state", "%core")]
    found = lines[:entry] + first
    for index, line in enumerate(lines[entry:]):
        found += _copy(f"out{index}", kept, "%core", "%state") if line.startswith("  ret ") else []
        found.append(line)
    return "\n".join(found) + "\n"


def _copy(name: str, kept: frozenset[int], source: str, target: str) -> abc.Iterator[str]:
    for word in sorted(kept):
        own = f"%{name}_{word}"
        yield f"  {own}_from = getelementptr i64, ptr {source}, i64 {word}"
        yield f"  {own} = load i64, ptr {own}_from"
        yield f"  {own}_to = getelementptr i64, ptr {target}, i64 {word}"
        yield f"  store i64 {own}, ptr {own}_to"


def _line(line: str, kept: frozenset[int]) -> abc.Iterator[str]:
    found = _POINTER.match(line)
    if found is not None and int(found[2]) in kept:
        yield line.replace("%state", "%core")
    elif (stored := _STORE.match(line)) is not None:  # word 0, the clock
        yield line
        yield f"  store i64 {stored[1]}, ptr %core"
    elif line.endswith("load i64, ptr %state"):
        yield line.replace("%state", "%core")
    elif re.search(r"call i64 @step\d+\(", line):
        yield line.replace("ptr %state", "ptr %state, ptr %core", 1)
    else:
        yield line


assert MIRRORED == (0,), "the clock is word 0, whose pointer is the state itself"
