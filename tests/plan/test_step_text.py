"""Steps as text: what is printed reads back equal, and mistakes are shown where they stand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isamapper.diagnostics.source import Diagnostic, Source, SourceError
from isamapper.plan.nest import Buffer, Copy, Digit, KeptAxis
from isamapper.plan.step_reader import StepReader
from isamapper.plan.step_text import parse_step, print_step
from isamapper.plan.steps import Apply, Distribute, Fuse, Pipeline, Place, Reorder, Split, Step

WORDS = ["at", "over", "in", "slots", "m0", "k.p", "dim1", "axis0", "expand", "two words", "host_mac.f32"]
names = st.sampled_from(WORDS)
numbers = st.integers(0, 99)
pairs = st.lists(st.tuples(names, numbers), max_size=3).map(tuple)
spreads = st.lists(st.tuples(names, names), max_size=2).map(tuple)
constants = st.lists(st.tuples(names, st.integers(-9, 9) | st.floats(allow_nan=False)), max_size=2).map(tuple)
lists = st.lists(names, max_size=3).map(tuple)
copies = st.none() | st.builds(Copy, names, st.lists(st.tuples(names, names, numbers), max_size=3).map(tuple))
buffers = st.builds(
    Buffer,
    access=numbers,
    memory=names,
    loop=st.none() | names,
    slots=numbers,
    layout=st.sampled_from(("digits", "turned", "dims")),
    order=lists,
    expand=st.lists(numbers, max_size=3).map(tuple),
    fill=copies,
    drain=copies,
    prefetch=st.booleans(),
    delay=st.booleans(),
    spread=spreads,
    prepared=st.booleans(),
    row=numbers,
    kept=st.lists(st.builds(KeptAxis, numbers, numbers, numbers, st.booleans()), max_size=3).map(tuple),
)


@st.composite
def splits(draw: st.DrawFn) -> Split:
    iterator = draw(names)
    digits = draw(
        st.lists(st.builds(Digit, names, st.just(iterator), numbers, st.none() | names), min_size=1, max_size=3)
    )
    return Split(draw(numbers), iterator, tuple(digits))


steps: st.SearchStrategy[Step] = st.one_of(
    st.builds(
        Apply,
        numbers,
        st.sampled_from(("call", "first", "init")),
        names,
        pairs,
        st.lists(st.tuples(names, lists), max_size=3).map(tuple),
        pairs,
        constants,
        st.none(),
    ),
    splits(),
    st.builds(Reorder, numbers, lists, st.none()),
    st.builds(Place, numbers, buffers, st.none()),
    st.builds(Pipeline, numbers, numbers, names, spreads, st.none()),
    st.builds(Fuse, numbers, numbers, names, pairs, st.none()),
    st.builds(Distribute, numbers, st.lists(st.tuples(names, names), min_size=1, max_size=3).map(tuple), st.none()),
)


def read(text: str) -> Step:
    return parse_step(StepReader(Source("s", text), 0, len(text)))


@given(steps)
def test_what_is_printed_reads_back_equal(step: Step) -> None:
    text = print_step(step)
    assert "\n" not in text
    assert read(text) == step
    assert print_step(read(text)) == text


def test_a_comment_ends_the_line() -> None:
    assert read("  reorder 0 m1, n1   # rows outermost") == Reorder(0, ("m1", "n1"))


def mistake(text: str) -> tuple[str, int, str]:
    with pytest.raises(SourceError) as caught:
        read(text)
    (diagnostic,) = caught.value.diagnostics
    assert isinstance(diagnostic, Diagnostic) and diagnostic.span is not None
    return diagnostic.code, diagnostic.span.column, diagnostic.message


@pytest.mark.parametrize(
    ("text", "column", "message"),
    [
        ("tile 0 m", 1, "'tile' is no step"),
        ("0 split m", 1, "expected one of apply, split, reorder, distribute, place, pipeline, fuse, join, found '0'"),
        ("split 0 m in m1: 4", 11, "expected 'into', found 'in'"),
        ("split 0 m into m1 4", 19, "expected ':', found '4'"),
        ("split 0 m into m1: x", 20, "expected a number, found 'x'"),
        ("split 0 m into", 15, "expected a digit, the line ends"),
        ("reorder 0 m1, n1 k1", 18, "expected the end of the line, found 'k1'"),
        ("reorder m1", 9, "expected a number, found 'm1'"),
        ("apply 0 last mac()", 9, "'last' is no role"),
        ("apply 0 call mac(a 1)", 20, "expected '=', found '1'"),
        ("apply 0 call mac(a = 1", 23, "expected ')', the line ends"),
        ("place 0 spad", 9, "expected '.', found 'spad'"),
        ("place 0.1 spad layout rows", 23, "'rows' is no layout"),
        ("place 0.1 spad fill mvin(i = m0)", 32, "expected '*', found ')'"),
        ("place 0.1 spad prefetch slots 2", 25, "expected the end of the line, found 'slots'"),
        ("pipeline 0.1 spad spread m1", 26, "expected '[', found 'm1'"),
        ("fuse 0 1 by mvout", 8, "expected 'with', found '1'"),
    ],
)
def test_a_step_that_cannot_be_read(text: str, column: int, message: str) -> None:
    assert mistake(text) == ("SCH041", column, message)
