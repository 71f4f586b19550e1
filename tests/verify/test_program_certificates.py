"""A program's certificate is checked again from its file: what claims more than holds is refused, less is not."""

from __future__ import annotations

import contextlib
import copy
import json
import re
from collections import abc
from functools import cache
from itertools import islice
from typing import Any, TypeAlias

import pytest

import isamapper
from isamapper.diagnostics.source import Source, SourceError, Span
from isamapper.ir.nodes import Kernel
from isamapper.plan.program import Program
from isamapper.plan.program_certificate import (
    ProgramCertificate,
    certificate_of_text,
    digest_of_text,
    text_of_certificate,
)
from isamapper.plan.steps import Schedule
from isamapper.verify import certified
from isamapper.verify.certificate import Certificate
from isamapper.verify.verifier import verify

Data: TypeAlias = dict[str, Any]
Change: TypeAlias = abc.Callable[[Data], object]

CASES: dict[str, tuple[str, str, dict[str, int]]] = {
    "gemm": ("gemm", "toy4", {"M": 6, "N": 5, "K": 7}),
    "fused": ("dwsep_fused", "gemmini16_f32", {"C": 3, "K": 4, "H": 4, "W": 5}),
    "requantised": ("gemm_q", "toy4", {"M": 6, "N": 5, "K": 7}),
    "vectors": ("gemm", "avx2", {"M": 3, "N": 10, "K": 4}),
}


@cache
def scheduled(case: str) -> Schedule:
    kernel, machine, sizes = CASES[case]
    return isamapper.find_schedule(kernel, machine, sizes=sizes, budget_seconds=2.0).schedule


@cache
def proved(program: Program, seed: int, covered: Kernel | None = None) -> Certificate:
    return verify(program, seed=seed, covered=covered)


@cache
def claims_of(case: str) -> ProgramCertificate:
    return isamapper.certify(scheduled(case))


@pytest.fixture(autouse=True)
def _each_program_is_proved_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def once(program: Program, *, seed: int, covered: Kernel | None = None, **options: object) -> Certificate:
        return proved(program, seed, covered)

    monkeypatch.setattr(certified, "verify", once)


def data_of(case: str) -> Data:
    found: Data = json.loads(text_of_certificate(claims_of(case)))
    return found


def sealed(data: Data) -> str:
    """The certificate as somebody would write it who knows how its digest is made."""
    rest = {key: value for key, value in data.items() if key != "digest"}
    return json.dumps({**rest, "digest": digest_of_text(json.dumps(rest, sort_keys=True))})


def findings(case: str, text: str, program: Program | None = None) -> tuple[str, ...]:
    source = Source("certificate", text)
    claims, own = certificate_of_text(Span(source, 0, len(text)))
    return certified.rechecked(program or isamapper.lower(scheduled(case)), claims, own).findings


def _set(*path: str | int, value: object) -> Change:
    def change(data: Data) -> None:
        where: Any = data
        for key in path[:-1]:
            where = where[key]
        where[path[-1]] = value

    return change


def _without(*path: str | int) -> Change:
    def change(data: Data) -> None:
        where: Any = data
        for key in path[:-1]:
            where = where[key]
        del where[path[-1]]

    return change


def _part(name: str, key: str, value: object) -> Change:
    """A verdict (``status``) or a figure of a part."""

    def change(data: Data) -> None:
        part = next(each for each in data["parts"] if each["name"] == name)
        (part if key == "status" else part["facts"])[key] = value

    return change


def _text(key: str, old: str, new: str) -> Change:
    """Texts of a list with one word exchanged."""

    def change(data: Data) -> None:
        before = list(data[key])
        data[key] = [each.replace(old, new) for each in before]
        assert data[key] != before

    return change


def _mapping(old: str, new: str) -> Change:
    """The first mapping with something in its text exchanged."""

    def change(data: Data) -> None:
        before = json.dumps(data["mappings"][0])
        data["mappings"][0] = json.loads(before.replace(old, new))
        assert json.dumps(data["mappings"][0]) != before

    return change


def _swapped(key: str, one: int, other: int) -> Change:
    def change(data: Data) -> None:
        entries = data[key]
        entries[one], entries[other] = entries[other], entries[one]

    return change


def _all(*changes: Change) -> Change:
    def change(data: Data) -> None:
        for each in changes:
            each(data)

    return change


def _transposed(data: Data) -> None:
    """Another right mapping of the product, which the program does not use: rows and columns exchanged."""
    mapping = data["mappings"][0]
    for digit in mapping["digits"]:
        digit["iterator"] = {"m": "n", "n": "m"}.get(digit["iterator"], digit["iterator"])


OTHER = digest_of_text("something else")
REFUSED: dict[str, tuple[str, Change, str]] = {
    # what it speaks of
    "another kernel": ("gemm", _set("kernel", value=OTHER), "another kernel"),
    "another machine": ("gemm", _set("machine", value=OTHER), "another machine"),
    "another program": ("gemm", _set("program", value=OTHER), "another program"),
    "no digest": ("gemm", _set("program", value=""), "another program"),
    # how the program was made
    "rewrites left out": ("fused", _all(_set("rewrites", value=[]), _set("covered", value=None)), "steps do not make"),
    "a rewrite too many": ("gemm", _set("rewrites", value=["split statement 0: a[m, k]"]), ""),
    "a rewrite that is none": ("gemm", _set("rewrites", value=["improve statement 0"]), "steps do not make"),
    "another contraction": ("fused", _text("rewrites", "((x d) p)", "((x p) d)"), ""),
    "another covered kernel": (
        "fused",
        _set("covered", value="kernel k(x: f32[2]) -> (y: f32[2]) { y[i] = x[i] }"),
        "",
    ),
    "a covered kernel that is none": ("gemm", _set("covered", value="nothing"), "steps do not make"),
    "a step left out": ("gemm", _without("steps", -1), ""),
    "no steps at all": ("gemm", _set("steps", value=[]), ""),
    "a step twice": ("gemm", lambda data: data["steps"].append(data["steps"][-1]), ""),
    "another order of loops": ("gemm", _swapped("steps", 0, 1), ""),
    "another tile": ("gemm", _text("steps", ": 4 in i", ": 2 in i"), ""),
    "another memory": ("gemm", _text("steps", "spad", "acc"), ""),
    "another instruction in a step": ("gemm", _text("steps", "compute(", "compute_first("), ""),
    "another sigma in a step": ("gemm", _text("steps", "a = 1, w = 2", "a = 2, w = 1"), ""),
    "a step that is none": ("gemm", _set("steps", 0, value="apply"), "steps do not make"),
    "a line in a step": ("gemm", _set("steps", 0, value="apply 0\nreorder 0"), "steps do not make"),
    "a step of no statement": ("gemm", _text("steps", "reorder 0", "reorder 7"), "steps do not make"),
    "mappings without steps": ("gemm", _set("steps", value=None), "no steps"),
    # the mappings
    "rows as columns": ("gemm", _transposed, "the iterators in its lanes are others"),
    "another lane": ("gemm", _mapping('"lane": "k"', '"lane": "j"'), "iterators in its lanes are others"),
    "another iterator": ("gemm", _mapping('"iterator": "k"', '"iterator": "m"'), "iterators in its lanes are others"),
    "another digit": ("gemm", _mapping('"extent": 4', '"extent": 2'), "its digits are others"),
    "operands exchanged": ("gemm", _mapping('"outside": "a[m, k]"', '"outside": "b[m, k]"'), "operands are others"),
    "an operand transposed": ("gemm", _mapping("a[i, k]", "a[k, i]"), "operands are others"),
    "an operand moved": ("gemm", _mapping("b[k, n]", "b[k, n + 1]"), "operands are others"),
    "another instruction": ("gemm", _mapping('"compute"', '"compute_first"'), "instruction is others"),
    "an instruction that is none": ("gemm", _mapping('"compute"', '"guess"'), "instruction is others"),
    "another statement": ("gemm", _set("mappings", 0, "statements", value=[1]), "statements are others"),
    "a parameter": ("gemm", _set("mappings", 0, "parameters", value={"m": 3}), "parameters are others"),
    "another class": ("gemm", _mapping('"exact"', '"broadcast"'), "class is others"),
    "another pad": ("gemm", _mapping('"pads": {"a": "0"}', '"pads": {"a": "1"}'), "besides is others"),
    "combined results": ("gemm", _set("mappings", 0, "combines", value="max"), "besides is others"),
    "a mapping that is not used": ("requantised", lambda d: d["mappings"].append(data_of("gemm")["mappings"][0]), ""),
    "a criterion that does not hold": (
        "fused",
        lambda data: [each.update(criteria=["full", "amos", "strict"]) for each in data["mappings"]],
        "",
    ),
    # the proof
    "proved where it passed": ("gemm", _part("prime_fields", "status", "proved"), "claims prime_fields proved"),
    "types proved": ("gemm", _part("true_types", "status", "proved"), "claims true_types proved"),
    "a proof that there is not": ("fused", _part("integer_sets", "status", "proved"), "claims integer_sets proved"),
    "a proof without its rewrites": (
        "fused",
        _all(
            _set("steps", value=None),
            _set("rewrites", value=None),
            _set("mappings", value=[]),
            _set("covered", value=None),
        ),
        "claims a part 'integer_sets_rewritten'",
    ),
    "no verdict": ("gemm", _part("true_types", "status", "sure"), "which is no verdict"),
    "more trials": ("gemm", _part("prime_fields", "trials", 9), "claims trials 9"),
    "trials below none": ("gemm", _part("prime_fields", "trials", -1), "claims trials -1"),
    "another prime": ("gemm", _part("prime_fields", "prime", 2**61 - 1), "claims prime"),
    "a smaller degree": ("gemm", _part("prime_fields", "degree_bound", 1.0), "claims degree_bound"),
    "a smaller chance in a part": ("gemm", _part("prime_fields", "error_probability", 0.0), "error_probability"),
    "more runs": ("gemm", _part("true_types", "runs", 50), "claims runs"),
    "more interpreted": ("gemm", _part("true_types", "interpreted_instances", 10**6), "claims interpreted_instances"),
    "less difference": ("fused", _part("true_types", "greatest_relative_difference", 0.0), ""),
    "a figure that is none": ("gemm", _part("true_types", "beauty", 10), "claims beauty"),
    "a figure as text": ("gemm", _part("true_types", "runs", "5"), "claims runs"),
    "a part that is none": (
        "gemm",
        lambda data: data["parts"].append({"name": "oracle", "status": "proved", "facts": {}}),
        "claims a part 'oracle'",
    ),
    "a part twice": ("gemm", lambda data: data["parts"].append(data["parts"][0]), "named twice"),
    "a smaller chance": ("fused", _set("error_probability", value=0.0), "claims an error probability"),
    "larger tensors": ("gemm", _set("executed", "a", value=[60, 70]), "claims to have executed 'a'"),
    "tensors that are none": ("gemm", _set("executed", "z", value=[1]), "claims to have executed 'z'"),
    "a size that is none": ("gemm", _set("size", value="whole"), "claims size"),
    "everything covered": ("fused", _set("not_covered", value=[]), "does not say what is not covered"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_certificate_that_claims_more_is_refused(name: str) -> None:
    case, change, message = REFUSED[name]
    data = data_of(case)
    change(data)
    assert data != data_of(case), "the change changed nothing"
    found = findings(case, sealed(data))
    assert found
    assert message in found[0], found


@pytest.mark.parametrize("name", REFUSED)
def test_a_certificate_that_was_changed_is_refused_by_its_digest_at_least(name: str) -> None:
    case, change, _ = REFUSED[name]
    data = data_of(case)
    change(data)
    assert findings(case, json.dumps(data))


LESS: dict[str, tuple[str, Change]] = {
    "passed where it is proved": ("gemm", _part("integer_sets", "status", "passed")),
    "a proof not made": ("gemm", _part("integer_sets", "status", "not_run")),
    "fewer trials": ("gemm", _part("prime_fields", "trials", 1)),
    "a greater degree": ("gemm", _part("prime_fields", "degree_bound", 50.0)),
    "a greater chance": ("gemm", _set("error_probability", value=0.5)),
    "no chance": ("gemm", _set("error_probability", value=None)),
    "fewer runs": ("gemm", _part("true_types", "runs", 2)),
    "a figure left out": ("gemm", lambda data: data["parts"][3]["facts"].pop("runs")),
    "a part left out": ("gemm", _without("parts", 1)),
    "a mapping left out": ("fused", _without("mappings", 0)),
    "a criterion left out": ("gemm", _set("mappings", 0, "criteria", value=["full"])),
    "the covered kernel left out": ("fused", _set("covered", value=None)),
    "nothing of how it was made": (
        "gemm",
        _all(_set("steps", value=None), _set("rewrites", value=None), _set("mappings", value=[])),
    ),
    "not right": ("gemm", _set("ok", value=False)),
    "smaller tensors": ("gemm", _set("executed", "a", value=[1, 1])),
    "a reduced size": ("gemm", _set("size", value="reduced")),
    "one more thing not covered": ("gemm", lambda data: data["not_covered"].append("the weather")),
    "other versions": ("gemm", _set("versions", value={"isamapper": "0.0.1"})),
}


@pytest.mark.parametrize("name", LESS)
def test_a_certificate_may_claim_less(name: str) -> None:
    case, change = LESS[name]
    data = data_of(case)
    change(data)
    assert data != data_of(case)
    assert findings(case, sealed(data)) == ()


@pytest.mark.parametrize("case", CASES)
def test_what_lower_writes_holds_and_reads_back_equal(case: str) -> None:
    text = text_of_certificate(claims_of(case))
    assert certificate_of_text(Span(Source("certificate", text), 0, len(text))) == (claims_of(case), True)
    assert claims_of(case).mappings
    assert findings(case, text) == ()


MALFORMED: dict[str, tuple[str, str]] = {
    "no JSON": ("{", "it is no JSON"),
    "a list": ("[]", "a value is of another kind"),
    "nothing": ("", "it is no JSON"),
    "not a number": ('{"format": NaN}', "nan is no number"),
    "a key twice": ('{"format": 1, "format": 1}', "'format' is there twice"),
    "another format": ('{"format": 2}', "its format is 2"),
    "deep": ("[" * 100_000, ""),
    "half a character": ('{"format": 1, "kernel": "\\ud800"}', "half a character"),
    "a long number": ('{"format": ' + "9" * 5000 + "}", ""),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_certificate_is_an_error_in_the_file(name: str) -> None:
    text, message = MALFORMED[name]
    with pytest.raises(SourceError) as caught:
        certificate_of_text(Span(Source("certificate", text), 0, len(text)))
    (found,) = caught.value.diagnostics
    assert found.code == "VER011"
    assert message in found.message


WRONG_KIND: dict[str, Change] = {
    "a missing key": _without("size"),
    "an unknown key": _set("author", value="somebody"),
    "an unknown key in a mapping": _set("mappings", 0, "trust", value=True),
    "a missing key in a mapping": _without("mappings", 0, "digits"),
    "an unknown key in a part": _set("parts", 0, "sure", value=1),
    "a text for a number": _set("seed", value="0"),
    "a seed below 0": _set("seed", value=-1),
    "a seed beyond all": _set("seed", value=10**30),
    "a truth for a number": _part("true_types", "runs", True),
    "a list for a figure": _part("true_types", "runs", [1]),
    "a number for a text": _set("size", value=1),
    "a number for a truth": _set("ok", value=1),
    "no list of parts": _set("parts", value={}),
    "no list of steps": _set("steps", value="apply"),
    "steps of numbers": _set("steps", value=[1]),
    "an infinite chance": _set("error_probability", value=10**400),
    "an access that is none": _set("mappings", 0, "accesses", 0, "inside", value="c[i"),
    "a shape of halves": _set("executed", "a", value=[1.5, 2]),
    "nothing for a mapping": _set("mappings", 0, value=None),
    "another kind of mapping": _set("mappings", 0, "kind", value="proof"),
}


@pytest.mark.parametrize("name", WRONG_KIND)
def test_values_of_another_kind_are_errors_in_the_file(name: str) -> None:
    data = data_of("gemm")
    WRONG_KIND[name](data)
    with pytest.raises(SourceError) as caught:
        findings("gemm", sealed(data))
    assert caught.value.diagnostics[0].code == "VER011"


def _bodies(case: str) -> abc.Iterator[Program]:
    """The program with one number of its text changed, for every fourth number, where it still reads."""
    text = isamapper.print_program(isamapper.lower(scheduled(case)), CASES[case][1])
    start = text.index("\nprogram\n")
    for number in islice(re.finditer(r"(?<![\w$.])\d+", text[start:]), 0, None, 4):
        place, end = start + number.start(), start + number.end()
        changed = f"{text[:place]}{int(number.group()) + 1}{text[end:]}"
        with contextlib.suppress(SourceError):
            yield isamapper.parse_program_file(Source("changed", changed))


@pytest.mark.parametrize("case", ["gemm", "fused"])
def test_a_program_that_was_changed_is_not_the_one_that_is_certified(
    case: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certified, "verify", lambda *_, **__: proved(isamapper.lower(scheduled(case)), 0))
    bodies, text = list(_bodies(case)), text_of_certificate(claims_of(case))
    assert len(bodies) >= 15
    for program in bodies:
        assert "another program" in findings(case, text, program)[0]


def test_a_program_with_a_new_digest_is_not_what_the_steps_make(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(certified, "verify", lambda *_, **__: proved(isamapper.lower(scheduled("gemm")), 0))
    for program in _bodies("gemm"):
        data = {**data_of("gemm"), "program": digest_of_text(isamapper.print_kernel(program.body))}
        assert "its steps make another program" in findings("gemm", sealed(data), program)[0]


def test_claims_of_one_program_are_none_of_another() -> None:
    other = isamapper.lower(scheduled("requantised"))
    assert "another kernel" in findings("gemm", text_of_certificate(claims_of("gemm")), other)[0]


def test_another_seed_finds_the_same() -> None:
    program = isamapper.lower(scheduled("fused"))
    assert certified.rechecked(program, claims_of("fused"), seed=5).ok


def test_a_certificate_is_not_changed_by_checking_it() -> None:
    before = copy.deepcopy(claims_of("gemm"))
    certified.rechecked(isamapper.lower(scheduled("gemm")), claims_of("gemm"))
    assert claims_of("gemm") == before
