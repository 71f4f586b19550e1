"""Part 3: program and kernel on true data types, extremes included; on small shapes through the interpreter.

Integers must be equal. Floats must be equal on inputs for which no rounding happens; on others the difference is
measured against f64, and must not be beyond what another order of the same operations can do.
"""

from __future__ import annotations

import time
from collections import abc
from dataclasses import dataclass, field
from importlib import import_module

import numpy as np

from isamapper.ir.interpreter import interpret
from isamapper.ir.nodes import Kernel
from isamapper.ir.numeric import quiet
from isamapper.plan.program import Program
from isamapper.sim.functional.counting import instances
from isamapper.sim.functional.run import compiled_is_available, evaluate, execute, meaning_on
from isamapper.verify.certificate import Difference, Part, Status
from isamapper.verify.patterns import (
    FLOAT_PATTERNS,
    INTEGER_PATTERNS,
    WHOLE_PATTERNS,
    Array,
    Pattern,
    inputs,
    machine_epsilon,
)
from isamapper.verify.widened import widened

NAME = "true_types"
_TOLERANCE = 1000.0
"""How many times the kernel's own error (at least an epsilon) the program's may be: far beyond reordering, far below a
result computed in a narrower type (the next narrower type's epsilon is at least 2**13 times larger)."""
_INTERPRETED = 60_000
"""Statement instances that the interpreter is given, at most."""


@dataclass(slots=True)
class _Findings:
    """What the runs showed so far."""

    runs: list[str] = field(default_factory=list)
    exact: bool = True
    greatest: float = 0.0
    difference: Difference | None = None
    failure: str = ""
    interpreted: int = 0
    not_covered: list[str] = field(default_factory=list)


def types_part(program: Program, small: Program | None, seed: int, limit: int) -> tuple[Part, tuple[str, ...]]:
    """The part, and what it did not look at. ``small``: a program of the same form on small shapes, if there is one.

    About ``limit`` statement instances are executed, and one pattern of inputs in any case.
    """
    start, found = time.perf_counter(), _Findings()
    floats = any(tensor.dtype.is_float for tensor in program.kernel.tensors)
    if floats:
        _exactly(program, seed, found)
    affordable = max(1, limit // max(1, _work(program)))
    for pattern in (FLOAT_PATTERNS if floats else INTEGER_PATTERNS)[:affordable]:
        if found.difference is None and not found.failure:
            _compare(program, pattern, seed, found)
    if found.difference is None and not found.failure:
        _interpreted(program, small, seed, found)
    status = Status.FAILED if found.difference or found.failure else Status.PASSED
    return Part(NAME, status, _detail(found), time.perf_counter() - start, _facts(found), found.difference), tuple(
        found.not_covered
    )


def _detail(found: _Findings) -> str:
    if found.difference is not None:
        return f"{found.failure}: {found.difference}" if found.failure else str(found.difference)
    if found.failure:
        return found.failure
    runs = ", ".join(found.runs)
    if found.greatest:
        runs += f"; greatest difference to the kernel's own order {found.greatest:.2g} of the largest result"
    if found.interpreted:
        runs += f"; simulator and interpreter give the same bits on {found.interpreted} statement instances"
    return f"equal on {runs}"


def _facts(found: _Findings) -> tuple[tuple[str, int | float | str | None], ...]:
    return (
        ("runs", len(found.runs)),
        ("exact", int(found.exact)),
        ("greatest_relative_difference", found.greatest),
        ("interpreted_instances", found.interpreted),
    )


def _exactly(program: Program, seed: int, found: _Findings) -> None:
    """Floats: equality on the first pattern of whole numbers on which the kernel never rounds."""
    wide = widened(program.kernel)
    for pattern in WHOLE_PATTERNS:
        given = inputs(program.kernel, pattern, seed)
        expected = evaluate(program.kernel, given, checked=False)
        exact = evaluate(wide, given, checked=False)
        if all(_same(expected[name].astype(np.float64), exact[name].astype(np.float64)) for name in expected):
            _equal(program, expected, execute(program, given, checked=False), found)
            found.runs.append(f"{pattern.name} (exactly)")
            return
    found.exact = False
    found.not_covered.append("exact equality on floats: every pattern of inputs makes the kernel round")


def _compare(program: Program, pattern: Pattern, seed: int, found: _Findings) -> None:
    """Integers: equality. Floats: the error against f64, beside the kernel's own."""
    given = inputs(program.kernel, pattern, seed)
    expected = evaluate(program.kernel, given, checked=False)
    got = execute(program, given, checked=False)
    found.runs.append(pattern.name)
    floats = {name for name, array in expected.items() if _is_float(program.kernel, name)}
    if len(floats) < len(expected):
        _equal(program, {n: a for n, a in expected.items() if n not in floats}, got, found)
    if not floats or found.difference is not None:
        return
    reference = evaluate(widened(program.kernel), given, checked=False)
    for name in sorted(floats):
        _measure(program, name, expected[name], got[name], reference[name], found)


def _measure(program: Program, name: str, expected: Array, got: Array, reference: Array, found: _Findings) -> None:
    with quiet():
        wide, ours, exact = (array.astype(np.float64) for array in (expected, got, reference))
        scale = float(np.max(np.abs(exact[np.isfinite(exact)]), initial=0.0))
        own, theirs = np.abs(wide - exact), np.abs(ours - exact)
        dtype = next(tensor.dtype for tensor in program.kernel.tensors if tensor.name == name)
        allowed = _TOLERANCE * (float(np.max(own[np.isfinite(own)], initial=0.0)) + machine_epsilon(dtype) * scale)
        wrong = ~((theirs <= allowed) | (~np.isfinite(exact) | ~np.isfinite(wide)))
        apart = np.abs(ours - wide)
    if scale:
        found.greatest = max(found.greatest, float(np.max(apart[np.isfinite(apart)], initial=0.0)) / scale)
    if wrong.any():
        found.failure = f"error {float(np.max(theirs[wrong])):.3g}, allowed {allowed:.3g}"
        _report(program, name, wrong, expected, got, found)


def _equal(program: Program, expected: abc.Mapping[str, Array], got: abc.Mapping[str, Array], found: _Findings) -> None:
    for name, wanted in expected.items():
        if not _same(wanted, got[name]):
            different = ~((wanted == got[name]) | ((wanted != wanted) & (got[name] != got[name])))
            _report(program, name, different, wanted, got[name], found)
            return


def _report(program: Program, name: str, wrong: Array, expected: Array, got: Array, found: _Findings) -> None:
    index = tuple(int(i) for i in np.unravel_index(int(np.argmax(wrong)), wrong.shape))
    writers: tuple[str, ...] = ()
    if compiled_is_available():
        writers = import_module("isamapper.verify.trail").trail(program, name, index)
    found.difference = Difference(
        name, index, str(expected[index]), str(got[index]), writers[0] if writers else None, writers
    )


def _same(one: Array, other: Array) -> bool:
    """Equal elementwise, NaN to NaN."""
    return bool(np.all((one == other) | ((one != one) & (other != other))))


def _is_float(kernel: Kernel, name: str) -> bool:
    return any(tensor.name == name and tensor.dtype.is_float for tensor in kernel.tensors)


def _interpreted(program: Program, small: Program | None, seed: int, found: _Findings) -> None:
    """The interpreter, which defines the meaning, against the compiled engine: program and kernel, bit for bit."""
    chosen = next((p for p in (program, small) if p is not None and _work(p) <= _INTERPRETED), None)
    if chosen is None:
        found.not_covered.append("the interpreter: the program is too large for it and there is no smaller form")
        return
    patterns = FLOAT_PATTERNS if any(t.dtype.is_float for t in chosen.kernel.tensors) else INTEGER_PATTERNS
    given = inputs(chosen.kernel, patterns[1], seed)
    meaning = meaning_on(chosen.machine)
    pairs = (
        ("kernel", interpret(chosen.kernel, given), evaluate(chosen.kernel, given, checked=False)),
        ("program", interpret(chosen.body, given, meaning=meaning), execute(chosen, given, checked=False)),
    )
    found.interpreted = _work(chosen)
    for what, defined, simulated in pairs:
        if not all(_same(defined[name], simulated[name]) for name in defined):
            found.failure = f"the functional simulator and the interpreter differ on the {what}"
    if chosen is not program:
        _small_equal(chosen, pairs[0][1], pairs[1][1], found)


def _small_equal(
    program: Program, expected: abc.Mapping[str, Array], got: abc.Mapping[str, Array], found: _Findings
) -> None:
    """The small program against its kernel: integers must be equal."""
    exact = {name: array for name, array in expected.items() if not _is_float(program.kernel, name)}
    _equal(program, exact, got, found)
    found.runs.append("the reduced program")


def _work(program: Program) -> int:
    return instances(program.kernel) + instances(program.body, program.machine)
