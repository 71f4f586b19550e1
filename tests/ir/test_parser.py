"""Parsing: what text means, and what is said of text that means nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from isamapper.diagnostics.source import Diagnostic, Source, SourceError
from isamapper.frontends.library import load_kernel
from isamapper.ir import reader
from isamapper.ir.affine import affine, constant, extent, variable
from isamapper.ir.nodes import (
    Assign,
    Binary,
    BinaryOp,
    BlockFormat,
    Cast,
    Constant,
    Constraint,
    Direction,
    Expression,
    Guard,
    IteratorKind,
    Kernel,
    Load,
    Loop,
    Reduction,
    Role,
    Select,
    Unary,
    UnaryOp,
)
from isamapper.ir.parser import parse_kernel, parse_program, warnings
from isamapper.ir.printer import print_kernel
from isamapper.ir.types import DTYPES
from isamapper.ir.words import RESERVED

GOOD = """\
kernel gemm(a: i8[M, K], const b: i8[K, N]) -> (c: i32[M, N])
  sizes M=8, N=8, K=8
  types T=i32
{
  for m < M, n < N, k < K {
    c[m, n] += T(a[m, k]) * T(b[k, n])
  }
}
"""
F32, I32 = DTYPES["f32"], DTYPES["i32"]


def mistakes(text: str) -> tuple[Diagnostic, ...]:
    with pytest.raises(SourceError) as caught:
        parse_kernel(Source("k.isam", text))
    return caught.value.diagnostics


def messages(text: str) -> list[str]:
    return [each.message for each in mistakes(text)]


def value(text: str, dtype: str = "f32") -> Expression:
    """The value of ``y[i] = text`` where x is f32, q i8, s a 0-d f32, and N the size 4."""
    header = f"kernel k(x: f32[N], q: i8[N], u: i32[N], s: f32) -> (y: {dtype}[N]) sizes N=4"
    loop = parse_kernel(f"{header} {{ for i < N {{ y[i] = {text} }} }}").body[0]
    assert isinstance(loop, Loop) and isinstance(loop.body[0], Assign)
    return loop.body[0].value


# Mistakes


def test_the_unmistaken_kernel_is_right() -> None:
    assert parse_kernel(GOOD).name == "gemm"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("a[m, k]", "a[m + 1, k]", "IR120"),
        ("k < K", "k < K parallel", "IR130"),
        ("+= T(a[m, k]) * T(b[k, n])", "= c[m, n]", "IR131"),
    ],
)
def test_a_parsed_kernel_is_verified(old: str, new: str, code: str) -> None:
    found = mistakes(GOOD.replace(old, new, 1))
    assert [each.code for each in found] == [code]
    assert found[0].span is not None and found[0].span.line >= 5


def test_all_mistakes_of_a_kernel_are_reported_at_once_in_the_order_of_the_text() -> None:
    text = GOOD.replace("i8[M, K]", "i8[M, L]").replace("T(b[k, n])", "tanh(b[k, n]) * d[m]")
    found = mistakes(text)
    assert [each.message for each in found] == [
        "unknown size 'L'",
        "'tanh' is defined for floats, not i8",
        "unknown tensor 'd'",
    ]
    assert [each.span and each.span.line for each in found] == [1, 6, 6]


def test_uses_of_a_wrongly_declared_tensor_are_not_mistakes_again() -> None:
    assert messages(GOOD.replace("c: i32", "c: i33")) == ["unknown data type 'i33'"]


def test_the_bracket_that_is_never_closed_is_shown() -> None:
    (found,) = mistakes("kernel a(x: f32) -> (y: f32) { # }\n  if 1 <= 2 { y = x\n}\n")
    assert found.message == "the text ends where '}' is missing"
    ((text, span),) = found.notes
    assert text == "this is never closed"
    assert span is not None and (span.line, span.column) == (1, 30)


def test_an_empty_text_is_no_kernel() -> None:
    assert messages("# nothing\n") == ["the text ends where a kernel is expected"]


@pytest.mark.parametrize("text", ["(" * 5000 + "x" + ")" * 5000, "-" * 3000 + "x", "x" + " + x" * 3000])
def test_a_very_deep_expression_is_refused(text: str) -> None:
    assert messages(f"kernel a(x: f32) -> (y: f32) {{ y = {text} }}") == [
        "an expression is nested deeper than 100 levels"
    ]


def test_very_deep_blocks_are_refused() -> None:
    deep = "if 1 <= 2 { " * 500 + "y = x" + "}" * 500
    assert messages(f"kernel a(x: f32) -> (y: f32) {{ {deep} }}") == ["blocks are nested deeper than 100 levels"]


def test_a_very_long_number_is_refused() -> None:
    assert messages(GOOD.replace("M=8", f"M={'9' * 5000}")) == ["a number of 5000 characters"]


def test_a_literal_must_fit_its_data_type() -> None:
    assert value("1e38") == Constant(1e38, F32)
    header = "kernel k(x: {0}[4]) -> (y: {0}[4]) {{ y[i] = x[i] + {1} }}"
    assert messages(header.format("f32", "1e39")) == ["1e+39 is no value of f32"]
    assert messages(header.format("f16", "65505")) == ["65505 is no value of f16"]
    assert messages(header.format("fp8_e4m3", "449")) == ["449 is no value of fp8_e4m3"]
    assert messages(header.format("f64", "1e999")) == ["the number 1e999 is beyond every data type"]
    assert messages(header.format("i8", "inf")) == ["inf is no value of i8"]


# Headers and declarations


def test_a_declaration_says_role_direction_place_and_block_format() -> None:
    kernel = parse_kernel("""
        kernel k(const w: block(i8, 16, 8)[4, 16] @dram at 64, free x: f32[2], t: inout i32) -> (free y: f32[4] @a|b)
        { for i < 4 { y[i] = f32(w[i, 0]) * x[1] }; t += 1 }
    """)
    w, x, t, y = kernel.tensors
    assert (w.role, w.block, w.memory, w.address) == (Role.CONST, BlockFormat(16, 8), "dram", 64)
    assert (x.role, x.direction, x.memory) == (Role.FREE, Direction.IN, None)
    assert (t.direction, t.shape) == (Direction.INOUT, ())
    assert (y.role, y.direction, y.memory) == (Role.FREE, Direction.OUT, "a|b")


def test_inout_may_stand_before_the_name() -> None:
    one, other = "kernel k(inout t: i32) { t += 1 }", "kernel k(t: inout i32) { t += 1 }"
    assert parse_kernel(one) == parse_kernel(other)


def test_shapes_are_formulas_of_sizes() -> None:
    kernel = parse_kernel(
        "kernel k(x: f32[(M-1)*2 + 3, M//2, M%3, ceildiv(M, 4), min(M, 2), max(M, 9, 1), -M + 8]) -> (y: f32)"
        " sizes M=5 { y = x[0, 0, 0, 0, 0, 0, 0] }"
    )
    assert kernel.tensors[0].shape == (11, 2, 2, 2, 2, 9, 3)


def test_types_and_sizes_may_come_in_either_order_and_more_than_once() -> None:
    kernel = parse_kernel("kernel k(x: T[M, N]) -> (y: T) types T=i8 sizes M=2 sizes N=3 { y += x[i, j] }")
    assert (kernel.sizes, kernel.types) == ((("M", 2), ("N", 3)), (("T", DTYPES["i8"]),))


# Loops


def test_loops_of_one_head_are_nested_in_their_order() -> None:
    outer = parse_kernel(GOOD).body[0]
    assert isinstance(outer, Loop) and isinstance(outer.body[0], Loop)
    assert (outer.iterator, outer.body[0].iterator, outer.extent) == ("m", "n", extent(8))


def test_an_extent_may_depend_on_outer_iterators() -> None:
    kernel = parse_kernel("kernel k(x: f32[9]) -> (y: f32) { for i < 9, j < min(4, 9 - i) { y += x[i + j] } }")
    outer = kernel.body[0]
    assert isinstance(outer, Loop) and isinstance(outer.body[0], Loop)
    assert outer.body[0].extent == extent(4, affine([("i", -1)], 9))


def test_a_claim_is_kept() -> None:
    loop = parse_kernel(GOOD.replace("k < K", "k < K reduction")).body[0]
    assert isinstance(loop, Loop) and isinstance(loop.body[0], Loop) and isinstance(loop.body[0].body[0], Loop)
    assert loop.body[0].body[0].kind is IteratorKind.REDUCTION


def test_a_statement_without_loops_gets_those_its_indices_imply() -> None:
    header = "kernel k(a: f32[M, K], b: f32[K, N]) -> (c: f32[M, N]) sizes M=2, N=3, K=4"
    implied = parse_kernel(f"{header} {{ c[m, n] += a[m, k] * b[k, n] }}")
    assert implied == parse_kernel(f"{header} {{ for m < M, n < N, k < K {{ c[m, n] += a[m, k] * b[k, n] }} }}")


def test_implied_loops_take_extents_from_lone_indices_without_padding() -> None:
    text = "kernel k(x: f32[9], w: f32[3]) -> (y: f32[7]) { y[i] += (x[i] else 0) * x[i + r] * w[r] }"
    outer = parse_kernel(text).body[0]
    assert isinstance(outer, Loop) and isinstance(outer.body[0], Loop)
    assert (outer.extent, outer.body[0].extent) == (extent(7), extent(3))


@pytest.mark.parametrize(
    ("statement", "message", "help"),
    [
        (
            "y[i] += x[i + j]",
            "the extent of iterator 'j' cannot be told: it never stands alone in an index",
            "write the loops: for j < … { }",
        ),
        (
            "y[i] = x[i + pda]",
            "the extent of iterator 'pda' cannot be told: it never stands alone in an index",
            "did you mean 'pad'?",
        ),
        (
            "y[i] = x[i]",
            "iterator 'i' runs to 4 in 'y' but to 9 in 'x'",
            "write the loops, or make the shapes agree",
        ),
    ],
)
def test_an_implied_loop_without_one_bound_is_a_mistake(statement: str, message: str, help: str) -> None:
    (found,) = mistakes(f"kernel k(x: f32[9]) -> (y: f32[4]) sizes pad=1 {{ {statement} }}")
    assert (found.message, found.help) == (message, help)


def test_inside_loops_nothing_is_implied() -> None:
    assert messages("kernel k(x: f32[4, 4]) -> (y: f32[4]) { for i < 4 { y[i] += x[i, j] } }") == [
        "unknown size or iterator 'j'"
    ]


# Guards


def test_conditions_become_differences() -> None:
    text = "kernel k(x: f32[9]) -> (y: f32[9]) { for i < 9, j < 9 { if 1 <= i < 5, j > i, i == 2*j { y[i] = x[j] } } }"
    outer = parse_kernel(text).body[0]
    assert isinstance(outer, Loop) and isinstance(outer.body[0], Loop)
    guard = outer.body[0].body[0]
    assert isinstance(guard, Guard)
    i, j = variable("i"), variable("j")
    assert guard.conditions == (
        Constraint(i - 1),
        Constraint(-i + 4),
        Constraint(j - i - 1),
        Constraint(i - j * 2, equality=True),
    )


def test_else_if_is_a_guard_inside_else() -> None:
    text = "kernel k(x: f32[9]) -> (y: f32[9]) { for i < 9 { if i < 2 { y[i] = 0 } %s } }"
    short = parse_kernel(text % "else if i < 4 { y[i] = 1 } else { y[i] = x[i] }")
    assert short == parse_kernel(text % "else { if i < 4 { y[i] = 1 } else { y[i] = x[i] } }")


# Values


def load(expression: Expression) -> str:
    assert isinstance(expression, Load)
    return expression.access.tensor


def test_operators_bind_as_in_arithmetic() -> None:
    assert value("x[i] + x[i] * x[i]") == value("x[i] + (x[i] * x[i])")
    assert value("x[i] - x[i] - x[i]") == value("(x[i] - x[i]) - x[i]")
    assert value("-x[i] * x[i]") == value("(-x[i]) * x[i]")
    assert value("u[i] + u[i] << 2", "i32") == value("(u[i] + u[i]) << 2", "i32")


def test_a_literal_takes_the_type_of_its_sibling() -> None:
    product = value("2 * x[i]")
    assert isinstance(product, Binary) and product.left == Constant(2.0, F32)
    assert isinstance(value("i32(q[i]) * 2 - u[i]", "i32"), Binary)


def test_a_size_is_a_literal() -> None:
    quotient = value("x[i] / (N * N + 1)")
    assert isinstance(quotient, Binary) and quotient.right == Constant(17.0, F32)


def test_literals_alone_take_the_type_of_the_target() -> None:
    assert value("3") == Constant(3.0, F32)
    assert value("-3", "i8") == Constant(-3, DTYPES["i8"])
    assert value("1 / N") == Binary(BinaryOp.DIV, Constant(1.0, F32), Constant(4.0, F32))


def test_a_cast_of_a_literal_is_the_literal() -> None:
    assert value("i32(7)", "i32") == Constant(7, I32)


def test_a_cast_to_the_same_type_is_the_value() -> None:
    assert load(value("f32(x[i])")) == "x"


def test_casts_nest() -> None:
    cast = value("f32(i32(q[i]))")
    assert isinstance(cast, Cast) and isinstance(cast.operand, Cast)


def test_minus_before_a_literal_is_part_of_it_and_neg_is_not() -> None:
    assert value("-3") == Constant(-3.0, F32)
    assert value("neg(3)") == Unary(UnaryOp.NEG, Constant(3.0, F32))


def test_relu_is_a_maximum_with_zero() -> None:
    assert value("relu(x[i])") == value("max(x[i], 0)")


def test_max_of_three_nests_to_the_left() -> None:
    assert value("max(x[i], s, 2)") == value("max(max(x[i], s), 2)")


def test_select_compares_one_type_and_chooses_another() -> None:
    chosen = value("select(u[i] < 3, x[i], 0)")
    assert isinstance(chosen, Select)
    assert (chosen.right, chosen.if_false) == (Constant(3, I32), Constant(0.0, F32))


def test_else_belongs_to_the_access_before_it() -> None:
    difference = value("x[i - 1] else 0 - x[i]")
    assert isinstance(difference, Binary) and difference.op is BinaryOp.SUB
    assert isinstance(difference.left, Load) and difference.left.access.otherwise == 0


def test_a_tensor_without_axes_needs_no_brackets() -> None:
    assert value("s") == value("s[]")


@pytest.mark.parametrize(("update", "reduction"), [("+=", "+"), ("*=", "*"), ("min=", "min"), ("max=", "max")])
def test_updates_are_reductions(update: str, reduction: str) -> None:
    loop = parse_kernel(f"kernel k(x: f32[4]) -> (y: f32) {{ y {update} x[i] }}").body[0]
    assert isinstance(loop, Loop) and isinstance(loop.body[0], Assign)
    assert loop.body[0].reduction is Reduction(reduction)


def test_names_may_look_like_words_of_the_language() -> None:
    text = "kernel kernels(forx: f32[4], iff: f32[4]) -> (max: f32[4]) { max[i] = forx[i] + iff[i] }"
    assert parse_kernel(print_kernel(parse_kernel(text))) == parse_kernel(text)


# Spans, warnings, programs, speed


def test_every_node_knows_its_place() -> None:
    kernel = parse_kernel(Source("k.isam", GOOD))
    loop = kernel.body[0]
    assert isinstance(loop, Loop) and isinstance(loop.body[0], Loop) and isinstance(loop.body[0].body[0], Loop)
    assign = loop.body[0].body[0].body[0]
    assert isinstance(assign, Assign)

    def text(node: Kernel | Loop | Assign | Expression) -> str:
        assert node.span is not None
        return GOOD[node.span.start : node.span.end]

    assert text(kernel) == GOOD.rstrip("\n")
    assert text(loop).startswith("for m < M")
    assert text(assign) == "c[m, n] += T(a[m, k]) * T(b[k, n])"
    assert text(assign.value) == "T(a[m, k]) * T(b[k, n])"
    assert assign.target.span is not None and assign.target.span.column == 5


def test_an_unused_tensor_is_a_warning() -> None:
    kernel = parse_kernel("kernel k(x: f32[4], z: f32[2]) -> (y: f32[4]) { y[i] = x[i] }")
    (found,) = warnings(kernel)
    assert (found.code, found.severity, found.message) == ("IR048", "warning", "'z' is never used")
    assert found.span is not None and found.span.column == 21


PROGRAM = """\
kernel p(x: i8[40, 16] @dram at 0) -> (y: i8[40, 16] @dram at 640)
{
  allocate tile: i8[2, 16, 16] @spad at 0
  for o < 3 {
    invoke move(r = min(16, 40 - 16*o)) src: x[16*o + $0, $1] over [16, 16] else 0,
        dst: tile[rotate(o, 2), 2*$0, $1] over [8, 16]
  }
  invoke "to dram" src: tile[0, $0, $1] over [16, 16], dst: y[$0, $1] over [16, 16]
}
"""


def program_mistake(old: str, new: str) -> tuple[str, int, int]:
    assert old in PROGRAM
    with pytest.raises(SourceError) as caught:
        parse_program(PROGRAM.replace(old, new, 1))
    found = caught.value.diagnostics[0]
    assert found.span is not None
    return found.message, found.span.line, found.span.column


@pytest.mark.parametrize(
    ("old", "new", "message", "line", "column"),
    [
        ("src: x[", "src: z[", "unknown tensor 'z'", 5, 46),
        ("2*$0", "2*$2", "the operand has no axis '$2'", 6, 33),
        ("rotate(o, 2)", "rotate(o, 0)", "'rotate' over 0 slots", 6, 29),
        ("rotate(o, 2)", "rotate($0, 2)", "'rotate' takes iterators of loops, not '$' axes", 6, 19),
        ("x[16*o + $0, $1]", "x[16*o + $0]", "'x' has 2 axes but is indexed with 1", 5, 46),
        ("dst:", "src:", "'src' is given twice", 6, 9),
        ("else 0", "else 300", "300 is no value of i8", 5, 82),
        ("min(16, 40 - 16*o)", "16*o*o", "not affine: a product of 'o'", 5, 21),
    ],
)
def test_a_mistake_in_a_program_is_placed(old: str, new: str, message: str, line: int, column: int) -> None:
    assert program_mistake(old, new) == (message, line, column)


def test_a_program_reads_back() -> None:
    program = parse_program(PROGRAM)
    assert parse_program(print_kernel(program)) == program


def test_the_grammar_is_built_once() -> None:
    parse_kernel(GOOD)
    built = reader._grammar.cache_info().misses
    parse_kernel(GOOD)
    assert reader._grammar.cache_info().misses == built


def test_constants_alone_make_an_index() -> None:
    kernel = parse_kernel("kernel k(x: f32[3, 4]) -> (y: f32[4]) sizes R=2 { y[j] = x[R, j] }")
    loop = kernel.body[0]
    assert isinstance(loop, Loop) and isinstance(loop.body[0], Assign) and isinstance(loop.body[0].value, Load)
    assert loop.body[0].value.access.map.results[0] == constant(2)


@pytest.mark.parametrize("word", sorted(RESERVED))
def test_a_reserved_word_is_no_name(word: str) -> None:
    (found,) = mistakes(f"kernel k(x: f32) -> ({word}: f32) {{ {word} = x }}")
    assert found.code == "IR001"
    if word not in ("const", "free", "inout"):  # which may stand before a name
        assert found.help == f"'{word}' is a word of the language and cannot be a name"


def test_a_byte_order_mark_and_a_missing_last_line_end_are_no_mistakes(tmp_path: Path) -> None:
    file = tmp_path / "k.isam"
    file.write_bytes(b"\xef\xbb\xbf" + GOOD.rstrip("\n").encode())
    assert load_kernel(file) == parse_kernel(GOOD)
