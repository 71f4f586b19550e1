"""Every rule of the verifier: its message, code and place; nodes are made by hand where text cannot be wrong so."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isamapper.diagnostics.source import Diagnostic, Source, SourceError
from isamapper.ir import relations
from isamapper.ir.affine import AccessMap, constant, extent, rotate, variable
from isamapper.ir.interpreter import interpret
from isamapper.ir.nodes import (
    Access,
    Allocate,
    Assign,
    Binary,
    BinaryOp,
    Cast,
    Clamp,
    CompareOp,
    Constant,
    Direction,
    Expression,
    Invoke,
    Kernel,
    Load,
    Loop,
    Reduction,
    Select,
    Tensor,
    Unary,
    UnaryOp,
)
from isamapper.ir.rules.subject import Rule
from isamapper.ir.template import bind, parse_template
from isamapper.ir.types import DTYPES
from isamapper.ir.verifier import KERNEL, PROGRAM, SEMANTICS, check_kernel, check_program, check_semantics, findings

F32, I32, I8 = DTYPES["f32"], DTYPES["i32"], DTYPES["i8"]


def unchecked(text: str) -> Kernel:
    return bind(parse_template(Source("f.isam", text)))


def program(text: str) -> Kernel:
    return bind(parse_template(Source("p.isam", text)), program=True)


def only(kernel: Kernel, families: tuple[tuple[Rule, ...], ...] = KERNEL) -> Diagnostic:
    found = findings(kernel, families)
    assert len(found) == 1, found
    return found[0]


def access(tensor: str, *names: str | int) -> Access:
    return Access(tensor, AccessMap(tuple(variable(n) if isinstance(n, str) else constant(n) for n in names)))


def copying(value: Expression | None = None, target: Access | None = None, dtype: str = "f32") -> Kernel:
    """``for i < 4 { y[i] = x[i] }`` with another value or target."""
    assign = Assign(target or access("y", "i"), value or Load(access("x", "i")))
    tensors = (
        Tensor("x", DTYPES[dtype], (4,), direction=Direction.IN),
        Tensor("y", DTYPES[dtype], (4,), direction=Direction.OUT),
    )
    return Kernel("f", (), (), tensors, (Loop("i", extent(4), (assign,)),))


# Names and forms


def test_a_plain_kernel_is_legal_at_both_levels() -> None:
    check_kernel(copying())
    check_semantics(copying())


def test_every_finding_of_a_family_is_raised_at_once() -> None:
    with pytest.raises(SourceError) as caught:
        check_kernel(copying(Load(access("q", "i")), access("r", "i")))
    assert [d.message for d in caught.value.diagnostics] == [
        "tensor 'r' is not declared here",
        "tensor 'q' is not declared here",
        "result 'y' is never assigned",
    ]


def test_a_tensor_declared_twice() -> None:
    kernel = copying()
    twice = replace(kernel, tensors=(*kernel.tensors, kernel.tensors[0]))
    assert only(twice).message == "tensor 'x' is declared twice"


def test_an_empty_tensor() -> None:
    kernel = copying()
    empty = replace(kernel, tensors=(*kernel.tensors, Tensor("z", F32, (3, 0))))
    assert only(empty).message == "tensor 'z' of shape [3, 0] is empty"


def test_an_iterator_of_two_nested_loops() -> None:
    kernel = copying()
    nested = replace(kernel, body=(Loop("i", extent(2), kernel.body),))
    assert only(nested).message == "iterator 'i' is already that of a loop around"


def test_an_iterator_called_like_a_tensor() -> None:
    kernel = copying()
    nested = replace(kernel, body=(Loop("x", extent(2), kernel.body),))
    assert only(nested).message == "iterator 'x' is called like a tensor"


def test_an_index_without_its_loop() -> None:
    found = only(copying(Load(access("x", "j"))))
    assert (found.code, found.message) == ("IR104", "index 'j' depends on 'j', which is no loop around it")


def test_an_index_too_many() -> None:
    assert only(copying(Load(access("x", "i", 0)))).message == "'x' has 1 axes but 2 indices"


def test_an_assigned_input() -> None:
    kernel = copying()
    loop = Loop("i", extent(4), (Assign(access("x", "i"), Load(access("x", "i"))),))
    found = only(replace(kernel, body=(*kernel.body, loop)))
    assert (found.message, found.help) == ("'x' is an input and is assigned", "declare it 'inout'")


def test_what_belongs_to_programs() -> None:
    kernel = copying()
    allocated = replace(kernel, body=(Allocate(Tensor("t", F32, (4,))), *kernel.body))
    assert only(allocated).message == "'allocate' belongs to programs"
    rotating = copying(Load(Access("x", AccessMap((rotate(variable("i"), 2),)))))
    assert only(rotating).message == "'rotate' belongs to programs"


def test_an_operand_that_nothing_touches() -> None:
    kernel = copying()
    more = replace(kernel, tensors=(*kernel.tensors, Tensor("z", F32, (4,), direction=Direction.IN)))
    check_kernel(more)
    assert only(more, SEMANTICS).message == "operand 'z' is neither read nor written"


# Types

X = Load(access("x", "i"))


@pytest.mark.parametrize(
    ("dtype", "value", "code", "message"),
    [
        ("f32", Cast(I32, X), "IR110", "'y' is f32 but its value is i32"),
        ("f32", Binary(BinaryOp.ADD, X, Constant(1, I32)), "IR113", "'+' mixes f32 and i32"),
        ("i8", Binary(BinaryOp.ADD, X, Constant(300, I8)), "IR111", "300 is not a value of i8"),
        ("i8", Unary(UnaryOp.EXP, X), "IR112", "'exp' is defined for floats, not i8"),
        ("f32", Binary(BinaryOp.SHR, X, Constant(1, I32)), "IR112", "'>>' is defined for integers, not f32"),
        (
            "i8",
            Binary(BinaryOp.SHL, X, X),
            "IR114",
            "the count of '<<' must be an integer from 0, known before the run",
        ),
        ("i8", Clamp(X, 5, -5), "IR111", "clamp from 5 to -5 is empty"),
        ("i8", Clamp(X, -500, 5), "IR111", "-500 is not a value of i8"),
        (
            "i8",
            Select(CompareOp.LT, X, Constant(0, I32), X, X),
            "IR113",
            "the comparison of 'select' mixes i8 and i32",
        ),
        ("i8", Select(CompareOp.LT, X, X, X, Constant(0, I32)), "IR113", "'select' mixes i8 and i32"),
        ("i8", Load(Access("x", AccessMap((variable("i") + 1,)), 999)), "IR111", "999 is not a value of i8"),
    ],
)
def test_types(dtype: str, value: Expression, code: str, message: str) -> None:
    found = only(copying(value, dtype=dtype))
    assert (found.code, found.message) == (code, message)


# Bounds


def bounded(index: str, guard: str = "", loops: str = "i < 4, j < 3") -> Kernel:
    inner = f"y[i] += x[{index}]"
    body = f"if {guard} {{ {inner} }}" if guard else inner
    return unchecked(f"kernel f(x: f32[6]) -> (y: f32[9]) {{\n  for {loops} {{ {body} }}\n}}")


@pytest.mark.parametrize(
    ("index", "guard", "loops"),
    [
        ("i + j", "", "i < 4, j < 3"),
        ("i - j", "j <= i", "i < 4, j < 3"),
        ("2*i - 1", "i >= 1, i <= 3", "i < 4, j < 3"),
        ("i + j", "", "i < 6, j < 6 - i"),
        ("5 - 2*i", "i <= 2", "i < 4, j < 3"),
        ("i + 5 - 2*j", "i == 2*j", "i < 4, j < 3"),
    ],
)
def test_indices_inside(index: str, guard: str, loops: str) -> None:
    check_kernel(bounded(index, guard, loops))


@pytest.mark.parametrize(
    ("index", "guard", "loops", "reach"),
    [
        ("i + 3", "", "i < 4, j < 3", 6),
        ("i - 1", "", "i < 4, j < 3", -1),
        ("i - j", "j <= i + 1", "i < 4, j < 3", -1),
        ("2*i + j", "i <= 2", "i < 4, j < 3", 6),
        ("i + j", "", "i < 6, j < 7 - i", 6),
        ("3*i", "i >= 1, j <= i - 2", "i < 4, j < 3", 9),
    ],
)
def test_indices_outside(index: str, guard: str, loops: str, reach: int) -> None:
    found = only(bounded(index, guard, loops))
    assert found.code == "IR120"
    assert found.message == f"index '{index}' of 'x' reaches {reach}, outside 0..5"
    assert found.help == "axis 0 has 6 elements; 'else VALUE' after the access reads outside it"
    assert found.span is not None and found.span.line == 2


def test_else_of_a_guard_has_its_own_domain() -> None:
    check_kernel(
        unchecked(
            "kernel f(x: f32[6]) -> (y: f32[9])"
            " { for i < 9 { if i >= 3, i <= 8 { y[i] = x[i-3] } else { y[i] = x[i+3] } } }"
        )
    )


# Claims and undefined reads


@pytest.mark.parametrize(
    ("body", "claimed", "found"),
    [
        ("y[i] = x[i]", "sequential", "parallel"),
        ("y[0] += x[i]", "parallel", "reduction"),
        ("y[0] = x[i]", "reduction", "sequential"),
    ],
)
def test_a_wrong_claim(body: str, claimed: str, found: str) -> None:
    finding = only(unchecked(f"kernel f(x: f32[9]) -> (y: f32[9]) {{ for i < 9 {claimed} {{ {body} }} }}"))
    assert finding.message == f"loop 'i' is claimed {claimed} but is {found}"
    assert finding.help == f"write '{found}', or leave the claim out"


@pytest.mark.parametrize("steps", [1, 9])
def test_a_claim_holds_at_every_size(steps: int) -> None:
    text = f"kernel f(inout y: f32[10]) {{ for t < {steps} sequential {{ y[t+1] = y[t] }} }}"
    check_kernel(unchecked(text))


def recurrent(start: str, step: str = "h[t+1, j] = h[t, j] * x[t]") -> Kernel:
    return unchecked(
        f"kernel f(x: f32[9], h0: f32[4]) -> (h: f32[9, 4]) {{\n"
        f"  for j < 4 {{ {start} }}\n  for t < 8, j < 4 {{ {step} }}\n}}"
    )


def test_a_recurrence_that_starts() -> None:
    check_kernel(recurrent("h[0, j] = h0[j]"))


@pytest.mark.parametrize(
    ("start", "step", "reads", "where"),
    [
        ("h[1, j] = h0[j]", "h[t+1, j] = h[t, j] * x[t]", "h[t, j]", "t = 0, j = 0"),
        ("if j <= 2 { h[0, j] = h0[j] }", "h[t+1, j] = h[t, j] * x[t]", "h[t, j]", "t = 0, j = 3"),
        ("h[0, j] = h0[j]", "h[t+1, j] = h[8, j] * x[t]", "h[8, j]", "t = 0, j = 0"),
    ],
    ids=["late", "partial", "ahead"],
)
def test_reads_of_what_nothing_wrote(start: str, step: str, reads: str, where: str) -> None:
    found = only(recurrent(start, step))
    assert found.code == "IR131"
    assert found.message == f"'{reads}' reads an element that nothing wrote before"
    assert found.notes == ((f"first at {where}", None),)
    assert found.span is not None and found.span.line == 3


def test_without_islpy_only_the_obvious_is_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relations, "islpy", None)
    check_kernel(recurrent("h[2, j] = h0[j]"))
    kernel = copying(Load(access("t", "i")))
    assert only(replace(kernel, tensors=(*kernel.tensors, Tensor("t", F32, (4,))))).code == "IR131"


def test_a_local_that_nothing_writes() -> None:
    kernel = copying(Load(access("t", "i")))
    found = only(replace(kernel, tensors=(*kernel.tensors, Tensor("t", F32, (4,)))))
    assert found.message == "'t' is read but never assigned"


def test_an_accumulation_after_an_assignment_reads_what_was_assigned() -> None:
    check_kernel(unchecked("kernel f(x: f32[9]) -> (y: f32[3]) { for i < 3 { y[i] = 0 } for i < 9 { y[1] += x[i] } }"))
    partial = unchecked("kernel f(x: f32[9]) -> (y: f32[3]) { for i < 2 { y[i] = 0 } for i < 3 { y[i] += x[i] } }")
    assert only(partial).notes == (("first at i = 2", None),)


def test_a_reduction_that_comes_first_needs_no_start() -> None:
    sum_ = Assign(access("y", 0), Load(access("x", "i")), Reduction.ADD)
    check_kernel(replace(copying(), body=(Loop("i", extent(4), (sum_,)),)))


# Programs

LEGAL = """kernel p(const x: i8[6] @dram at 0) -> (y: i8[6] @dram at 6) {
  prepare {
    allocate t: i8[6] @dram at 12
    for i < 6 { t[i] = x[i] }
  }
  allocate s: i8[2, 4] @spad at 0
  for i < 2 {
    invoke load src: t[4*i + $0] over [min(4, 6 - 4*i)], dst: s[rotate(i, 2), $0] over [min(4, 6 - 4*i)]
    invoke store src: s[rotate(i, 2), $0] over [min(4, 6 - 4*i)], dst: y[4*i + $0] over [min(4, 6 - 4*i)]
  }
}"""


def test_a_legal_program() -> None:
    check_program(program(LEGAL))


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("@spad at 0", "", "tensor 's' has no memory"),
        ("@spad at 0", "@spad", "tensor 's' has no address"),
        (
            "src: t[4*i + $0] over [min(4, 6 - 4*i)]",
            "src: t[4*i + $0] over [4]",
            "index '4*i + $0' of operand 'src' reaches 7, outside 0..5",
        ),
        (
            "src: t[4*i + $0] over",
            "src: t[4*i + 1 + $0] over",
            "index '4*i + $0 + 1' of operand 'src' reaches 6, outside 0..5",
        ),
        (
            "dst: s[rotate(i, 2), $0]",
            "dst: s[rotate(i, 3), $0 + 1]",
            "index '$0 + 1' of operand 'dst' reaches 4, outside 0..3",
        ),
    ],
)
def test_faults_in_programs(old: str, new: str, message: str) -> None:
    found = findings(program(LEGAL.replace(old, new, 1)), PROGRAM)
    assert [diagnostic.message for diagnostic in found] == [message]


def test_an_assignment_outside_prepare() -> None:
    kernel = program(LEGAL)
    assign = Loop("k", extent(6), (Assign(access("y", "k"), Load(access("x", "k"))),))
    found = only(replace(kernel, body=(*kernel.body, assign)), PROGRAM)
    assert found.message == "an assignment stands in a program"


def test_prepare_after_something_else() -> None:
    kernel = program(LEGAL)
    moved = replace(kernel, body=(*kernel.body[1:2], kernel.body[0], *kernel.body[2:]))
    assert only(moved, PROGRAM).message == "'prepare' stands only at the beginning of a program"


def test_a_window_with_an_index_too_few() -> None:
    kernel = program(LEGAL)
    loop = kernel.body[-1]
    assert isinstance(loop, Loop)
    invoke = loop.body[0]
    assert isinstance(invoke, Invoke)
    name, window = invoke.windows[1]
    broken = replace(invoke, windows=(invoke.windows[0], (name, replace(window, offsets=window.offsets[:1]))))
    found = only(replace(kernel, body=(*kernel.body[:-1], replace(loop, body=(broken, loop.body[1])))), PROGRAM)
    assert found.message == "'s' has 2 axes but 1 indices"


# What the verifier says, the interpreter meets, and the other way round


@st.composite
def kernels(draw: st.DrawFn) -> Kernel:
    """One or two nests on small tensors; some indices leave them, some reads come before any write."""

    def index() -> str:
        terms = [f"{draw(st.integers(-1, 2))}*{name}" for name in "ij"]
        return " + ".join([*terms, str(draw(st.integers(0, 3)))])

    def statement() -> str:
        guard = draw(st.sampled_from(["", "", "if j <= i ", "if i + j >= 2, i <= 2 ", "if i == 2*j "]))
        target, update = draw(st.sampled_from(["y", "t"])), draw(st.sampled_from(["=", "=", "+="]))
        padding = draw(st.sampled_from(["", "", " else 0"]))
        value = draw(st.sampled_from(["x", "y", "t"]))
        line = f"{target}[{index()}] {update} ({value}[{index()}]{padding}) + x[i]"
        other = f" else {{ y[{index()}] = x[j] }}" if guard and draw(st.booleans()) else ""
        return f"{guard}{{ {line} }}{other}" if guard else line

    def nest() -> str:
        return f"for i < 4, j < {draw(st.sampled_from(['3', 'i + 1', 'min(3, 5 - i)']))} {{ {statement()} }}"

    fill = draw(st.sampled_from(["for k < 12 { y[k] = 0 }", "for k < 7 { y[k] = 0 }", ""]))
    last = "y[0] = x[0] + t[0]  t[0] = x[0]"
    return unchecked(
        f"kernel f(x: i32[9]) -> (y: i32[12]) {{ local t: i32[12]\n {fill} {nest()} "
        f"{nest() if draw(st.booleans()) else ''} {last} }}"
    )


@given(kernels())
@settings(max_examples=60, deadline=None)
def test_a_kernel_is_refused_just_when_running_it_fails(kernel: Kernel) -> None:
    codes = {finding.code for finding in findings(kernel, KERNEL)}
    try:
        interpret(kernel, {"x": np.arange(9)})
        met = None
    except SourceError as error:
        met = error.diagnostics[0].code
    if met is None:
        assert not codes
    else:
        assert codes <= {"IR120", "IR131"} and codes
        assert met == "IR304" or "IR120" in codes
