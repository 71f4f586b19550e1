"""Sieves, thinning and dealing: what becomes of strides, that kernels stay equal, and when they are refused."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isamapper.diagnostics.source import Rejection
from isamapper.frontends.library import load_kernel
from isamapper.hwdesc.loader import load_machine
from isamapper.ir.analysis import statements
from isamapper.ir.nodes import Kernel
from isamapper.ir.parser import parse_kernel
from isamapper.ir.printer import print_kernel
from isamapper.ir.types import DTYPES
from isamapper.mapper.covers.alternatives import alternatives
from isamapper.mapper.covers.sieves import with_sieves
from isamapper.mapper.rewrites.deal import Deal
from isamapper.mapper.rewrites.replay import replayed
from isamapper.mapper.rewrites.sieve import Sieve
from isamapper.mapper.rewrites.spread import Spread
from isamapper.mapper.rewrites.thin import Thin, steps
from isamapper.mapper.rewrites.unscaled import unscaled
from tests.mapper.rewrites.equal import assert_equal

COPY = """kernel copy(x: i8[2, 19], w: i8[2]) -> (y: i32[10])
  { local t: i8[2, 10]
    for c < 2, j < 10 { t[c, j] = x[c, 2*j] }
    for c < 2, j < 10 { y[j] += i32(t[c, j]) * i32(w[c]) } }"""
I32 = DTYPES["i32"]
TYPES = {"TA": DTYPES["i8"], "TB": DTYPES["i8"], "TC": I32}


def test_a_block_is_a_product_with_zeros_and_ones() -> None:
    text = print_kernel(_made(COPY, Sieve(0, "j", 5)))
    assert "e[2*j_lane, j_lane] = 1" in text
    assert "for c < 2, j_block < 2, j_lane < 5, j_run < 9" in text
    assert "t[c, 5*j_block + j_lane] += x[c, 10*j_block + j_run] * e[j_run, j_lane]" in text


def test_a_local_tensor_grows_where_blocks_do_not_divide() -> None:
    text = print_kernel(_made(COPY, Sieve(0, "j", 4)))
    assert "local t: i8[2, 12]" in text
    assert "(x[c, 8*j_block + j_run] else 0)" in text


@pytest.mark.parametrize("shift", [None, 0, 1, 3])
def test_sums_in_a_wider_type_are_narrowed(shift: int | None) -> None:
    step = Sieve(0, "j", 4, I32, shift)
    assert_equal(parse_kernel(COPY), _made(COPY, step))
    assert replayed(parse_kernel(COPY), [step.text(parse_kernel(COPY))]) == _made(COPY, step)


@given(st.integers(2, 4), st.integers(1, 4), st.integers(2, 5), st.integers(1, 9), st.integers(0, 3))
@settings(max_examples=25, deadline=None)
def test_any_stride_phase_block_and_padding(stride: int, phases: int, block: int, extent: int, pad: int) -> None:
    phases = min(phases, stride)
    size = max(1, stride * (extent - 1) + phases - pad)
    kernel = parse_kernel(f"""kernel any(x: i8[{size}], w: i8[{phases}]) -> (y: i32[{extent}])
      {{ local t: i8[{phases}, {extent}]
         for i < {phases}, j < {extent} {{ t[i, j] = x[{stride}*j + i - {pad}] else 0 }}
         for j < {extent}, i < {phases} {{ y[j] += i32(t[i, j]) * i32(w[i]) }} }}""")
    sieved = Sieve(0, "j", block, I32, 1).apply(kernel)
    assert isinstance(sieved, Kernel)
    assert_equal(kernel, sieved)


@pytest.mark.parametrize(
    ("text", "step", "code"),
    [
        (COPY, Sieve(0, "c", 2), "RW130"),
        (COPY, Sieve(1, "j", 2), "RW130"),
        (COPY, Sieve(0, "j", 1), "RW131"),
        (COPY, Sieve(0, "j", 5, DTYPES["i8"], 1), "RW131"),
        (COPY, Sieve(0, "j", 5, I32, 7), "RW131"),
        ("kernel a(x: i8[19]) -> (y: i8[10]) { for j < 10 { y[j] = x[2*j] } }", Sieve(0, "j", 4), "RW131"),
        ("kernel b(x: i8[19]) -> (y: i8[9]) { for j < 9 { y[j] = x[2*j + 2] else 1 } }", Sieve(0, "j", 3), "RW130"),
        ("kernel c(x: i8[9, 9]) -> (y: i8[4]) { for j < 4 { y[j] = x[2*j, j] } }", Sieve(0, "j", 2), "RW130"),
        (  # what is read beyond the end is zero: the tensor must not grow over it
            """kernel d(x: i8[9]) -> (y: i8[7])
               { local t: i8[5]
                 for j < 5 { t[j] = x[2*j] }
                 for i < 7 { y[i] = t[i] else 0 } }""",
            Sieve(0, "j", 4),
            "RW131",
        ),
    ],
)
def test_what_is_no_strided_copy_is_refused(text: str, step: Sieve, code: str) -> None:
    refused = step.apply(parse_kernel(text))
    assert isinstance(refused, Rejection)
    assert refused.code == code


STRIDED = """kernel strided(x: i8[2, 9, 13], w: i8[3, 2]) -> (y: i32[3, 4, 5])
  { for k < 3, h < 4, j < 5, c < 2 { y[k, h, j] += i32(x[c, 2*h - 1, 12 - 3*j] else 0) * i32(w[k, c]) } }"""


def test_thinning_leaves_out_what_nobody_reads() -> None:
    kernel = parse_kernel(STRIDED)
    (step,) = steps(kernel, 0)
    thinned = step.apply(kernel)
    assert isinstance(thinned, Kernel)
    assert "local t: i8[2, 4, 5]" in print_kernel(thinned)
    assert_equal(kernel, thinned)


def test_what_lies_together_is_not_thinned() -> None:
    refused = Thin(0, 2).apply(parse_kernel(STRIDED))
    assert isinstance(refused, Rejection)
    assert refused.code == "RW132"


def test_dealt_iterations_are_all_done() -> None:
    kernel = load_kernel("conv2d_backward_weights", {"C": 1, "K": 2, "HI": 5, "WI": 6, "stride": 2})
    dealt = Deal(0, "s", 2).apply(kernel)
    assert isinstance(dealt, Kernel)
    assert "dw[k, c, r, 2*s + 1]" in print_kernel(dealt)
    assert_equal(kernel, dealt)
    refused = Deal(0, "h", 2).apply(kernel)
    assert isinstance(refused, Rejection)
    assert refused.code == "RW110"


def test_exact_rounding_is_seen_from_the_kernel_alone() -> None:
    sieved = _made(COPY, Sieve(0, "j", 5, I32, 1))
    plain = unscaled(sieved)
    assert plain is not None
    assert "t[c, j] = i8(z[c, j])" in print_kernel(plain)
    assert_equal(sieved, plain)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("e[2*j_lane, j_lane] = 2", "e[2*j_lane, j_lane] = 3"),  # no power of two
        ("shr_round(z[c, j], 1)", "shr_round(z[c, j], 2)"),  # takes back more
        ("-128, 127", "0, 127"),  # limits to less
        ("e[j_run, j_lane] = 0", "e[j_run, j_lane] = 1"),  # more than one entry
    ],
)
def test_rounding_that_loses_something_is_not_exact(old: str, new: str) -> None:
    text = print_kernel(_made(COPY, Sieve(0, "j", 5, I32, 1)))
    assert old in text
    assert unscaled(parse_kernel(text.replace(old, new))) is None


def test_a_machine_sieves_what_its_host_would_gather() -> None:
    machine = load_machine("gemmini16")
    sizes = {"C": 8, "K": 2, "HI": 4, "WI": 16, "R": 1, "S": 1, "stride": 2, "pad": 0}
    kernel = load_kernel("conv2d_forward", sizes, TYPES)
    sieved = with_sieves(next(alternatives(kernel, machine)), machine)
    assert sieved is not None
    assert sieved.rewrites == ("thin statement 0: x", "sieve statement 0: j4 by 8 in i32 scaled by 1")
    assert_equal(kernel, sieved.kernel)


def test_weights_gradients_are_dealt_by_remainder() -> None:
    machine = load_machine("gemmini16")
    sizes = {"N": 1, "C": 4, "K": 2, "HI": 4, "WI": 16, "stride": 2}
    kernel = load_kernel("conv2d_backward_weights", sizes, TYPES)
    sieved = with_sieves(next(alternatives(kernel, machine)), machine)
    assert sieved is not None
    words = [text.split()[0] for text in sieved.rewrites]
    assert words == ["deal", "thin", "thin", "sieve", "sieve"]
    assert_equal(kernel, sieved.kernel)


def _made(text: str, step: Sieve) -> Kernel:
    made = step.apply(parse_kernel(text))
    assert isinstance(made, Kernel)
    return made


SPREAD = """kernel spread(x: i8[2, 5], w: i8[2]) -> (y: i32[11])
  { local t: i8[2, 11]
    for c < 2, j < 11 { t[c, j] = 0 }
    for c < 2, j < 5 { t[c, 2*j + 1] = x[c, j] }
    for c < 2, j < 11 { y[j] += i32(t[c, j]) * i32(w[c]) } }"""


@pytest.mark.parametrize("step", [Spread(1, "j", 4), Spread(1, "j", 6, I32), Spread(1, "j", 16, I32, 1)])
def test_what_is_put_apart_is_a_product_too(step: Spread) -> None:
    kernel = parse_kernel(SPREAD)
    made = step.apply(kernel)
    assert isinstance(made, Kernel)
    assert len(statements(made)) == (4 if step.wide is None else 5)
    assert_equal(kernel, made)
    assert replayed(kernel, [step.text(kernel)]) == made
    assert (unscaled(made) is not None) == (step.shift is not None)


@given(st.integers(2, 4), st.integers(0, 3), st.integers(1, 3), st.integers(1, 13), st.integers(0, 2))
@settings(max_examples=25, deadline=None)
def test_any_stride_and_first_element(stride: int, first: int, times: int, size: int, before: int) -> None:
    first = min(first, stride - 1, size - 1)
    count = (size - 1 - first) // stride + 1
    kernel = parse_kernel(f"""kernel any(x: i8[{count}], w: i8[1]) -> (y: i32[{size}])
      {{ local t: i8[{size}]
         for j < {size} {{ t[j] = 0 }}
         for j < {count} {{ t[{stride}*j + {first}] = x[j + {before} - 1] else 0 }}
         for j < {size} {{ y[j] = i32(t[j]) }} }}""")
    made = Spread(1, "j", stride * times, I32, 1).apply(kernel)
    assert isinstance(made, Kernel)
    assert_equal(kernel, made)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("j < 5 { t[c, 2*j + 1] = x[c, j]", "j < 4 { t[c, 2*j + 1] = x[c, j]", "RW133"),  # one stays zero
        ("t[c, j] = 0", "t[c, j] = 1", "RW133"),
        ("2*j + 1] = x[c, j]", "2*j + 1] = x[c, 4 - j]", "RW133"),
        ("t[c, j] = 0", "t[c, 10 - j] = 0", "RW133"),
    ],
)
def test_what_is_not_spread_evenly_is_refused(old: str, new: str, code: str) -> None:
    assert old in SPREAD
    refused = Spread(1, "j", 4).apply(parse_kernel(SPREAD.replace(old, new)))
    assert isinstance(refused, Rejection)
    assert refused.code == code
