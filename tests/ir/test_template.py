"""Templates: text with open sizes, types and parameters, bound to numbers, wherever the text stands."""

from __future__ import annotations

import pytest

from isamapper.diagnostics.source import Diagnostic, Source, SourceError
from isamapper.ir.nodes import Direction, Loop
from isamapper.ir.printer import print_kernel
from isamapper.ir.sizes import evaluate_size
from isamapper.ir.template import Template, bind, iterator_extent, parse_size_expression, parse_template
from isamapper.ir.types import DTYPES

GEMM = Source(
    "gemm.isam",
    """\
kernel gemm(a: TA[M, K], const b: TB[K, N]) -> (c: TC[M, N])
  sizes M=64, N=32, K=16, pad=0
  types TA=i8, TB=i8, TC=i32
{
  for m < M, n < N, k < K {
    c[m, n] += TC(a[m, k]) * TC(b[k, n])
  }
}
""",
)
MEANING = """\
(m in 1..16, c in 16..64 step 16) (a: i8[m, c] @spad|acc, s: inout i32[m] @r) {
  for i < m, j < c { s[i] += i32(a[i, j]) }
}"""
MACHINE = Source(
    "acc.yaml",
    f"""\
name: acc
instructions:
  - name: sum
    semantics: |
      {MEANING.replace(chr(10), chr(10) + "      ")}
    timing: {{occupies_cycles: "m + ceildiv(c, 16)"}}
""",
)


def in_machine(text: str) -> tuple[int, int]:
    start = MACHINE.text.index(text)
    return start, start + len(text)


def meaning() -> Template:
    start = MACHINE.text.index("(m in")
    return parse_template(MACHINE, start, MACHINE.text.index("    timing"))


def refused(template: Template, **overrides: int) -> Diagnostic:
    with pytest.raises(SourceError) as caught:
        bind(template, overrides)
    return caught.value.diagnostics[0]


# Sizes and types


def test_a_template_lists_what_it_leaves_open() -> None:
    template = parse_template(GEMM)
    assert template.name == "gemm"
    assert template.sizes == (("M", 64), ("N", 32), ("K", 16), ("pad", 0))
    assert template.types == (("TA", DTYPES["i8"]), ("TB", DTYPES["i8"]), ("TC", DTYPES["i32"]))
    assert template.parameters == ()


def test_binding_takes_defaults_and_overrides() -> None:
    kernel = bind(parse_template(GEMM), {"M": 7}, {"TA": DTYPES["u8"]})
    assert kernel.tensors[0].shape == (7, 16)
    assert kernel.tensors[0].dtype == DTYPES["u8"]
    assert kernel.sizes == (("M", 7), ("N", 32), ("K", 16), ("pad", 0))


def test_templates_and_kernels_hash_and_compare_by_value() -> None:
    assert parse_template(GEMM) == parse_template(GEMM)
    assert hash(bind(parse_template(GEMM))) == hash(bind(parse_template(GEMM)))


def test_an_unknown_size_is_refused_with_the_nearest() -> None:
    found = refused(parse_template(GEMM), MM=7)
    assert (found.code, found.message, found.help) == ("IR019", "kernel 'gemm' has no size 'MM'", "did you mean 'M'?")
    assert found.span is not None and (found.span.line, found.span.column) == (1, 8)


def test_an_unknown_type_is_refused_with_those_there_are() -> None:
    with pytest.raises(SourceError) as caught:
        bind(parse_template(GEMM), None, {"TD": DTYPES["i8"]})
    (found,) = caught.value.diagnostics
    assert (found.message, found.help) == ("kernel 'gemm' has no type 'TD'", "known: TA, TB, TC")


def test_a_negative_size_is_refused() -> None:
    assert refused(parse_template(GEMM), M=-1).message == "size 'M' is set to -1"


def test_a_size_of_zero_is_refused_where_it_makes_an_axis_empty_and_nowhere_else() -> None:
    found = refused(parse_template(GEMM), M=0)
    assert (found.message, found.help) == ("axis 0 of 'a' has extent 0", "an extent is at least 1 (here M = 0)")
    assert bind(parse_template(GEMM), {"pad": 0}).sizes[3] == ("pad", 0)


def test_sizes_meet_what_the_header_requires() -> None:
    text = GEMM.text.replace("  types", "  requires M % 4 == 0, 1 <= N <= M\n  types")
    template = parse_template(Source("k.isam", text))
    assert bind(template) == bind(parse_template(GEMM))
    found = refused(template, M=66)
    assert (found.code, found.message) == ("IR051", "'M % 4 == 0' does not hold for M = 66")
    assert found.span is not None and (found.span.line, found.span.column) == (3, 12)
    assert refused(template, M=16).message == "'N <= M' does not hold for M = 16, N = 32"


def test_types_that_do_not_fit_together_are_found_at_binding() -> None:
    text = GEMM.text.replace("TC(a[m, k]) * TC(b[k, n])", "TC(a[m, k]) * TC(b[k, n]) + exp(TC(a[m, k]))")
    template = parse_template(Source("k.isam", text))
    with pytest.raises(SourceError, match="'exp' is defined for floats, not i32"):
        bind(template)
    assert bind(template, None, {"TC": DTYPES["f32"]}).tensors[2].dtype == DTYPES["f32"]


# Meanings of instructions


def test_a_meaning_is_parsed_where_it_stands() -> None:
    template = meaning()
    assert template.name == ""
    assert template.parameters == (("m", 1, 16, 1), ("c", 16, 64, 16))
    tensor = bind(template).tensors[0]
    assert tensor.span is not None
    assert (tensor.span.source, tensor.span.line, tensor.span.column) == (MACHINE, 5, 42)
    assert tensor.memory == "spad|acc"


def test_parameters_not_given_take_their_greatest_value() -> None:
    kernel = bind(meaning(), {"m": 3})
    assert kernel.sizes == (("m", 3), ("c", 64))
    assert kernel.tensors[0].shape == (3, 64)


def test_the_greatest_value_is_one_the_step_reaches() -> None:
    assert bind(parse_template(Source("m", "(m in 1..16 step 4) (x: inout i8[m]) { x[i] += 1 }"))).sizes == (("m", 13),)


@pytest.mark.parametrize("value", [0, 17])
def test_a_parameter_outside_its_range_is_refused(value: int) -> None:
    found = refused(meaning(), m=value)
    assert (found.code, found.message, found.help) == (
        "IR043",
        f"parameter 'm' cannot be {value}",
        "allowed: 1..16 step 1",
    )


def test_a_parameter_off_its_step_is_refused() -> None:
    assert refused(meaning(), c=24).help == "allowed: 16..64 step 16"


def test_an_inout_operand_needs_no_arrow() -> None:
    assert [tensor.direction for tensor in bind(meaning()).tensors] == [Direction.IN, Direction.INOUT]


def test_a_mistake_in_a_slice_is_placed_in_the_whole_file() -> None:
    text = MACHINE.text.replace("i32(a[i, j])", "i32(b[i, j])")
    source = Source("acc.yaml", text)
    with pytest.raises(SourceError) as caught:
        bind(parse_template(source, text.index("(m in"), text.index("    timing")))
    (found,) = caught.value.diagnostics
    assert found.message == "unknown tensor 'b'"
    assert found.span is not None and (found.span.line, found.span.column) == (6, 40)


def test_a_syntax_error_in_a_slice_is_placed_in_the_whole_file() -> None:
    text = MACHINE.text.replace("s[i] +=", "s[i +=")
    with pytest.raises(SourceError) as caught:
        parse_template(Source("acc.yaml", text), text.index("(m in"), text.index("    timing"))
    (found,) = caught.value.diagnostics
    assert found.message == "expected an operator, ',' or ']', found '+='"
    assert found.span is not None and (found.span.line, found.span.column) == (6, 32)


def test_a_slice_that_ends_early_is_placed_at_its_end() -> None:
    text = 'semantics: "(x: i8[4]) -> (y: i8[4]) { y[i] = x[i] "\nother: 1\n'
    with pytest.raises(SourceError) as caught:
        parse_template(Source("a.yaml", text), text.index("(x"), text.index('"\n'))
    (found,) = caught.value.diagnostics
    assert found.message == "the text ends where '}' is missing"
    assert found.span is not None and (found.span.line, found.span.column) == (1, 51)


def test_line_ends_of_other_systems_are_read() -> None:
    source = Source("gemm.isam", GEMM.text.replace("\n", "\r\n"))
    assert bind(parse_template(source)) == bind(parse_template(GEMM))


# Symbolic extents


def test_the_extent_of_a_written_loop() -> None:
    assert evaluate_size(iterator_extent(meaning(), "j"), {"m": 3, "c": 32}) == 32


def test_the_extent_of_an_implied_loop() -> None:
    template = parse_template(Source("k", "kernel k(x: f32[2*M]) -> (y: f32[2*M]) sizes M=4 { y[i] = x[i] }"))
    assert evaluate_size(iterator_extent(template, "i"), {"M": 5}) == 10


def test_an_unknown_iterator_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        iterator_extent(meaning(), "q")


def test_bound_extents_are_the_symbolic_ones() -> None:
    loop = bind(meaning(), {"m": 5}).body[0]
    assert isinstance(loop, Loop)
    assert loop.extent.bounds[0].constant == evaluate_size(iterator_extent(meaning(), "i"), {"m": 5})


def test_a_meaning_prints_with_its_parameters() -> None:
    assert print_kernel(bind(meaning(), {"m": 3})) == (
        "(m in 3..3, c in 64..64) (a: i8[3, 64] @spad|acc, s: inout i32[3] @r)\n"
        "{\n  for i < 3, j < 64 {\n    s[i] += i32(a[i, j])\n  }\n}\n"
    )


# Formulas of machine files


def test_a_formula_is_parsed_where_it_stands() -> None:
    formula = parse_size_expression(MACHINE, *in_machine("m + ceildiv(c, 16)"))
    assert evaluate_size(formula, {"m": 3, "c": 33}) == 6


@pytest.mark.parametrize(
    ("text", "value"),
    [("max(m, 4, 9)", 9), ("-m + 8", 5), ("m*2 - 7 % 4", 3), ("(m + 1)//2", 2), ("min(m, 2)", 2)],
)
def test_formulas_of_sizes(text: str, value: int) -> None:
    assert evaluate_size(parse_size_expression(Source("f", text)), {"m": 3}) == value


@pytest.mark.parametrize("text", ["m / 2", "1.5", "a[m]", "m < 2", "sqrt(m)", "max(m)", "m +", "m n", ""])
def test_what_is_no_formula_is_refused(text: str) -> None:
    with pytest.raises(SourceError):
        parse_size_expression(Source("f", text))
