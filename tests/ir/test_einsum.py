"""Einsums mean what numpy says they mean."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isamapper.diagnostics.source import SourceError
from isamapper.ir.einsum import DEFAULT_SIZE, einsum
from isamapper.ir.interpreter import interpret
from isamapper.ir.printer import print_kernel
from isamapper.ir.types import DTYPES

CASES = [
    ("mk,kn->mn", [(3, 4), (4, 2)]),
    ("mk,kn", [(3, 4), (4, 2)]),
    ("ba", [(2, 3)]),
    ("ij->ji", [(2, 3)]),
    ("ii", [(3, 3)]),
    ("ii->i", [(3, 3)]),
    ("iij->j", [(3, 3, 2)]),
    ("ij->", [(2, 3)]),
    ("i,i", [(4,), (4,)]),
    ("i,j", [(4,), (3,)]),
    (",->", [(), ()]),
    ("i,->i", [(3,), ()]),
    ("bij,bjk->bik", [(2, 3, 4), (2, 4, 5)]),
    ("ikl,kj,lj->ij", [(2, 3, 4), (3, 5), (4, 5)]),
    ("a,b,c,d->dcba", [(2,), (3,), (2,), (2,)]),
    ("aA,Ab->ab", [(2, 3), (3, 4)]),
    ("...", [(2, 3)]),
    ("...ij,...jk->...ik", [(2, 3, 4), (2, 4, 5)]),
    ("...ij,...jk->...ik", [(2, 3, 4), (4, 5)]),
    ("...ij,...jk->...ik", [(1, 3, 4), (6, 4, 5)]),
    ("i...->...", [(2, 3)]),
    ("ij,ij->ij", [(1, 3), (2, 3)]),
    (" m k , k n -> m n ", [(3, 4), (4, 2)]),
]


@pytest.mark.parametrize(("subscripts", "shapes"), CASES, ids=[case[0] for case in CASES])
def test_an_einsum_is_numpys(subscripts: str, shapes: list[tuple[int, ...]]) -> None:
    random = np.random.default_rng(0)
    inputs = [random.integers(-3, 4, shape).astype(np.float32) for shape in shapes]
    kernel = einsum(subscripts, shapes=shapes)
    found = interpret(kernel, {f"x{position}": each for position, each in enumerate(inputs)})["y"]
    np.testing.assert_array_equal(found, np.einsum(subscripts, *inputs))


def test_an_einsum_is_a_kernel_with_named_sizes_and_types() -> None:
    kernel = einsum("mk,kn->mn", sizes={"m": 3, "k": 2}, types={"TA": "i8", "TB": "i8", "TC": DTYPES["i32"]})
    assert print_kernel(kernel) == (
        "kernel einsum(x0: i8[3, 2], x1: i8[2, 64]) -> (y: i32[3, 64])\n"
        "  sizes M=3, K=2, N=64\n"
        "  types TA=i8, TB=i8, TC=i32\n"
        "{\n"
        "  for m < 3, n < 64, k < 2 {\n"
        "    y[m, n] += i32(x0[m, k]) * i32(x1[k, n])\n"
        "  }\n"
        "}\n"
    )
    assert DEFAULT_SIZE == 64


@pytest.mark.parametrize(
    ("subscripts", "shapes", "message", "column"),
    [
        ("ij,jk->iz", None, "'z' of the result is in no operand", 8),
        ("ij->ii", None, "'i' occurs twice in the result", 5),
        ("i1", None, "'1' is no subscript", 2),
        ("a..b", None, "'.' is no subscript", 2),
        ("a->b->c", None, "subscripts hold one '->' at most", 1),
        ("...i", None, "'...' needs shapes", 1),
        ("...i...", [(2,)], "an operand holds one '...' at most", 1),
        ("ij,j", [(2, 3)], "1 shapes are given for 2 operands", 1),
        ("ij,j", [(2, 3), (3, 4)], "'j' has 1 subscripts for a shape of 2 axes", 4),
        ("ij,j", [(2, 3), (4,)], "'j' is 3 in one operand and 4 in another", 4),
        ("ii->i", [(3, 1)], "'i' is 3 and 1 in one operand", 1),
        ("...i->i", [(2, 3)], "the result has no '...', but operands have axes there", 7),
    ],
)
def test_wrong_subscripts_are_placed(
    subscripts: str, shapes: list[tuple[int, ...]] | None, message: str, column: int
) -> None:
    with pytest.raises(SourceError) as caught:
        einsum(subscripts, shapes=shapes)
    (found,) = caught.value.diagnostics
    assert found.span is not None
    assert (found.code, found.message, found.span.column) == ("IR072", message, column)


def test_a_size_of_no_subscript_is_refused() -> None:
    with pytest.raises(SourceError, match="no operand has the subscript 'q'"):
        einsum("ij->i", sizes={"q": 3})


@st.composite
def einsums(draw: st.DrawFn) -> tuple[str, list[tuple[int, ...]]]:
    """Subscripts and shapes, mostly right: diagonals, broadcasts, sums of what is missing, scalars, ellipses."""
    extents = {letter: draw(st.integers(1, 3)) for letter in "abcdeA"}
    broadcast = [draw(st.integers(1, 3)) for _ in range(draw(st.integers(0, 2)))]
    terms, shapes = [], []
    for _ in range(draw(st.integers(1, 4))):
        letters = draw(st.lists(st.sampled_from(list(extents)), max_size=3))
        shape = [1 if draw(st.integers(0, 9)) == 0 else extents[letter] for letter in letters]
        if broadcast and draw(st.booleans()):
            axes = broadcast[draw(st.integers(0, len(broadcast))) :]
            place = draw(st.integers(0, len(letters)))
            letters.insert(place, "...")
            shape[place:place] = [1 if draw(st.integers(0, 4)) == 0 else length for length in axes]
        terms.append("".join(letters))
        shapes.append(tuple(shape))
    text = ",".join(terms)
    if draw(st.booleans()):
        used = sorted(set(text) - {",", "."})
        kept = draw(st.lists(st.sampled_from(used), unique=True, max_size=4)) if used else []
        kept.insert(draw(st.integers(0, len(kept))), "..." if "." in text and draw(st.integers(0, 9)) else "")
        text += "->" + "".join(kept)
    return text, shapes


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(einsums())
def test_random_einsums_are_numpys(drawn: tuple[str, list[tuple[int, ...]]]) -> None:
    subscripts, shapes = drawn
    random = np.random.default_rng(0)
    inputs = [random.integers(-3, 4, shape).astype(np.float64) for shape in shapes]
    try:
        wanted = np.einsum(subscripts, *inputs)
    except ValueError:
        with pytest.raises(SourceError):
            einsum(subscripts, shapes=shapes)
        return
    kernel = einsum(
        subscripts, shapes=shapes, types={"TA": "f64", "TC": "f64", **({"TB": "f64"} if shapes[1:] else {})}
    )
    found = interpret(kernel, {f"x{position}": each for position, each in enumerate(inputs)})["y"]
    np.testing.assert_array_equal(found, wanted)
