"""Faults planted in correct programs: every one is found, by the parts named beside it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import pytest

from isamapper.ir import relations
from isamapper.ir.affine import constant, variable
from isamapper.ir.nodes import Assign
from isamapper.plan.check import check_program
from isamapper.plan.program import Program
from isamapper.verify.certificate import Certificate, Status
from isamapper.verify.sets_part import sets_part
from isamapper.verify.verifier import verify
from tests.verify import faults, small_programs
from tests.verify.faults import Mutation

FORM, FIELDS, TYPES = "form", "prime_fields", "true_types"
BOTH = (FIELDS, TYPES)

ko, mo, no, t = (variable(name) for name in ("ko", "mo", "no", "t"))


@dataclass(frozen=True)
class Fault:
    what: str
    mutation: Mutation
    found_by: tuple[str, ...] = BOTH


GEMM = (
    Fault("the load of a starts a column late", faults.shifted("mvin", "src", 1, 1, 2)),
    Fault("the load of b starts a row late", faults.shifted("mvin", "src", 1, 1, 3)),
    Fault("the first load of a ignores the row tile", faults.offset("mvin", "src", 0, faults.without("mo"), 0)),
    Fault("the load of b takes the block of column 0", faults.offset("mvin", "src", 0, faults.without("no"), 3)),
    Fault("the load of b takes the block of the row tile", faults.offset("mvin", "src", 0, faults.instead(no="mo"), 3)),
    Fault("the next tile of a is loaded over the present one", faults.offset("mvin", "dst", 0, faults.slot(ko), 2)),
    Fault("the next tile of b is loaded over the present one", faults.offset("mvin", "dst", 0, faults.slot(ko), 3)),
    Fault("compute takes the stale slot of a", faults.offset("compute", "a", 0, faults.slot(ko + 1))),
    Fault("preload takes the stale slot of b", faults.offset("preload", "b", 0, faults.slot(ko + 1))),
    Fault("compute takes the register being filled", faults.offset("compute", "w", 0, faults.slot(ko + 1))),
    Fault("preload fills the other register", faults.offset("preload", "w", 0, faults.slot(ko + 1))),
    Fault("overwrites instead of accumulating", faults.renamed("compute", "compute_first")),
    Fault("accumulates instead of overwriting", faults.renamed("compute_first", "compute")),
    Fault("accumulates one step late", faults.guard(-1, 1)),
    Fault("the overwriting branch is the other one", faults.inverted(1)),
    Fault("the last tile is not loaded", faults.guard(-1, 0)),
    Fault("no load of a in the loop", faults.dropped("mvin", 2)),
    Fault("no first load of b", faults.dropped("mvin", 1)),
    Fault("no preload", faults.dropped("preload")),
    Fault("no compute in the steady state", faults.dropped("compute")),
    Fault("nothing is stored", faults.dropped("mvout")),
    Fault("compute twice", faults.doubled("compute")),
    Fault("stored before it is computed", faults.reordered("no", (0, 1, 3, 2))),
    Fault("stored from the other slot", faults.offset("mvout", "src", 0, faults.slot(no + 1))),
    Fault("computed before it is preloaded", faults.reordered("ko", (0, 2, 1))),
    Fault("one slot for a where two are needed", faults.one_slot("sa")),
    Fault("one slot for b where two are needed", faults.one_slot("sb")),
    Fault("the reduction loop ends a tile early", faults.loop("ko", -1)),
    Fault("the row loop ends a tile early", faults.loop("mo", -1)),
    Fault("the column loop ends a tile early", faults.loop("no", -1)),
    Fault("the row loop runs a tile too far", faults.loop("mo", 1), (FORM,)),
    Fault("a row of each tile is left out", faults.trimmed("compute", 4, 3)),
    Fault("a read with its columns as rows", faults.stepped("compute", "a", 1, ((1, 1),)), (FORM,)),
    Fault("the register is read transposed", faults.together(
        faults.stepped("compute", "w", 0, ((2, 1),)), faults.stepped("compute", "w", 1, ((1, 1),))), (FORM,)),
    Fault("sums written transposed", faults.together(
        faults.stepped("compute", "c", 0, ((2, 1),)), faults.stepped("compute", "c", 1, ((1, 1),))), (FORM,)),
    Fault("two buffers overlap", faults.placed("sb", address=16), (FORM,)),
    Fault("a buffer beyond the memory", faults.placed("sb", address=4090), (FORM,)),
    Fault("a buffer in the wrong memory", faults.placed("sb", memory="acc"), (FORM,)),
    Fault("packed with the wrong stride", faults.packed(
        lambda a: replace(a, target=replace(a.target, map=replace(a.target.map, results=(
            a.target.map.results[0], a.target.map.results[1], variable("pj", -1) + 3)))))),
    Fault("packed from the wrong row", faults.packed(lambda a: _load_shifted(a, 0))),
    Fault("packed from the wrong column", faults.packed(lambda a: _load_shifted(a, 1))),
)  # fmt: skip

CONV = (
    Fault("a row too low", faults.shifted("mvin", "src", 0, 1)),
    Fault("a column too far", faults.shifted("mvin", "src", 1, 1)),
    Fault("padded with one", faults.padded_with("mvin", "src", 1), (FORM,)),
    Fault("taps of rows and columns exchanged", faults.offset("mvin", "src", 0, faults.instead(r="s"), 1)),
    Fault("the channels' tile forgotten", faults.offset("mvin", "src", 2, faults.without("co"), 1)),
    Fault("the row of the other channels", faults.offset("compute", "a", 0, faults.without("co"))),
    Fault("starts anew for every row of taps", faults.guard(-6)),
    Fault("two rows of taps", faults.loop("r", -1)),
    Fault("two columns of taps", faults.loop("s", -1)),
    Fault("the output row is the row of taps", faults.offset("mvout", "dst", 0, lambda old: variable("wo"))),
    Fault("stored once per row only", faults.at_point("mvout", wo=constant(0))),
    Fault("without the guard", faults.without_guard()),
)

QUANTISED = (
    Fault("no bias", faults.dropped("add")),
    Fault("bias twice", faults.doubled("add")),
    Fault("no relu", faults.dropped("relu")),
    Fault("relu before the bias", faults.reordered("no", (0, 1, 2, 3, 5, 4, 6, 7))),
    Fault("narrowed before relu", faults.reordered("no", (0, 1, 2, 3, 4, 6, 5, 7))),
    Fault("narrowed without clamping", faults.renamed("narrow", "narrow_wrapping")),
    Fault("narrowed without rounding", faults.renamed("narrow", "narrow_unrounded")),
    Fault("products kept in eight bits", faults.renamed("mac", "mac_narrow"), (TYPES,)),
    Fault("no zeros first", faults.dropped("zero")),
    Fault("zeros in every step", faults.together(faults.dropped("zero"), faults.change(
        lambda node: getattr(node, "instruction", "") == "mac",
        lambda node: (_zero(), node)))),
    Fault("the first element of a for all", faults.offset("mac", "b", 0, faults.without("k"))),
    Fault("the bias of the first tile", faults.offset("load_words", "src", 0, faults.without("no"))),
    Fault("the reduction ends early", faults.loop("k", -1)),
    Fault("multiplied twice", faults.doubled("mac")),
    Fault("the last row is forgotten", faults.loop("m", -1)),
)  # fmt: skip

POOL = (
    Fault("padded with zero", faults.padded_with("load", "src", 0)),
    Fault("the minimum", faults.renamed("max", "min")),
    Fault("no lowest value first", faults.dropped("lowest")),
    Fault("stride one", faults.stepped("load", "src", 0, ((1, 1),))),
    Fault("the other slot of the row", faults.offset("max", "a", 0, faults.slot(variable("r") + variable("s") + 1))),
    Fault("stored from the other slot", faults.offset("store", "src", 0, faults.slot(variable("qo") + 1))),
    Fault("two rows of the window", faults.loop("r", -1)),
    Fault("a window one row low", faults.shifted("load", "src", 0, 1)),
    Fault("the second tile of columns from the first", faults.offset("load", "src", 1, faults.without("qo"))),
)

SCAN = (
    Fault("time runs backwards", faults.together(
        faults.at_point("load_words", t=-t + 5), faults.at_point("store_words", 1, t=-t + 5))),
    Fault("one state for both tiles", faults.together(
        faults.offset("subtract", "c", 0, faults.without("no")),
        faults.offset("store_words", "src", 0, faults.without("no"), 1))),
    Fault("the state is not stored at time 0", faults.dropped("store_words", 0)),
    Fault("the state is written to the time before", faults.shifted("store_words", "dst", 0, -1, 1)),
    Fault("the step's slot is stale", faults.offset("subtract", "b", 0, faults.slot(t + 1))),
)  # fmt: skip

PLANTED = (
    ("gemm", small_programs.gemm, GEMM),
    ("conv", small_programs.conv, CONV),
    ("quantised", small_programs.quantised, QUANTISED),
    ("pool", small_programs.pool, POOL),
    ("scan", small_programs.scan, SCAN),
)
QUICK = {"gemm": 14, "conv": 3, "quantised": 8, "pool": 5}
"""How many faults of the larger programs are planted on every run; the others with the slow tests."""

ALL = [
    pytest.param(
        program,
        fault,
        id=f"{name}: {fault.what}",
        marks=[pytest.mark.slow] if number >= QUICK.get(name, len(planted)) else [],
    )
    for name, program, planted in PLANTED
    for number, fault in enumerate(planted)
]


def _load_shifted(assign: Assign, axis: int) -> Assign:
    value = assign.value
    results = list(value.access.map.results)
    results[axis] = results[axis] + 1
    access = replace(value.access, map=replace(value.access.map, results=tuple(results)), otherwise=0)
    return replace(assign, value=replace(value, access=access))


def _zero() -> object:
    body = small_programs.quantised().body
    found: list[object] = []
    faults.change(lambda node: getattr(node, "instruction", "") == "zero", lambda node: found.append(node) or ())(body)
    return found[0]


def found_by(certificate: Certificate) -> tuple[str, ...]:
    return tuple(part.name for part in certificate.parts if part.status is Status.FAILED)


@pytest.mark.parametrize("name", small_programs.PROGRAMS)
def test_the_programs_without_faults_are_verified(name: str) -> None:
    certificate = verify(small_programs.PROGRAMS[name]())
    assert certificate.ok, certificate
    assert certificate.part("prime_fields").to_dict()["facts"]["error_probability"] < 1e-9
    if relations.available():
        assert certificate.part("integer_sets").status is Status.PROVED
        assert certificate.error_probability == 0.0


@pytest.mark.parametrize(("program", "fault"), ALL)
def test_a_planted_fault_is_found(program, fault: Fault) -> None:  # type: ignore[no-untyped-def]
    correct: Program = program()
    certificate = verify(replace(correct, body=fault.mutation(correct.body)), proof_seconds=0.1)
    assert not certificate.ok
    assert set(fault.found_by) <= set(found_by(certificate)), certificate


@pytest.mark.slow
@pytest.mark.parametrize(("program", "fault"), ALL)
def test_a_planted_fault_is_never_proved_correct(program, fault: Fault) -> None:  # type: ignore[no-untyped-def]
    correct: Program = program()
    faulty = replace(correct, body=fault.mutation(correct.body))
    if not check_program(faulty):
        assert sets_part(faulty, seconds=8).status is not Status.PROVED


def test_there_are_many_different_faults() -> None:
    assert len({(name, fault.what) for name, _, planted in PLANTED for fault in planted}) >= 30
