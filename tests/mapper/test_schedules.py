"""Schedule files whose kernel was rewritten: the rewrites are done again, and what does not follow is refused."""

from __future__ import annotations

import pytest

import isamapper
from isamapper.diagnostics.source import Source, SourceError

KERNEL = """kernel fused(x: f32[2, 4, 6, 6], const d: f32[4, 3, 3], const p: f32[5, 4]) -> (y: f32[2, 5, 4, 4])
{
  for n < 2, k < 5, h < 4, w < 4, c < 4, r < 3, s < 3 {
    y[n, k, h, w] += x[n, c, h + r, w + s] * d[c, r, s] * p[k, c]
  }
}
"""


@pytest.fixture(scope="module")
def text() -> str:
    """A schedule of a kernel that had to be rewritten."""
    kernel = isamapper.parse_kernel(KERNEL)
    found = isamapper.find_schedule(kernel, "gemmini16_f32", budget_seconds=0.1)
    assert found.schedule.rewrites
    return isamapper.print_schedule(found.schedule)


def without_covered(text: str) -> str:
    before, rest = text.split("covered\n")
    return before + rest[rest.index("steps\n") :]


def test_a_schedule_reads_back_with_its_covered_kernel(text: str) -> None:
    schedule = isamapper.parse_schedule(Source("s", text))
    assert isamapper.print_schedule(schedule) == text


def test_the_covered_kernel_follows_from_the_rewrites(text: str) -> None:
    whole = isamapper.parse_schedule(Source("s", text))
    short = isamapper.parse_schedule(Source("s", without_covered(text)))
    assert short.covered == whole.covered
    assert isamapper.lower(short) == isamapper.lower(whole)


def test_a_covered_kernel_that_does_not_follow_is_refused(text: str) -> None:
    before, covered = text.split("covered\n")
    wrong = before + "covered\n" + covered.replace("* p[k, c]", "* p[k, c] * 1", 1)
    with pytest.raises(SourceError) as caught:
        isamapper.parse_schedule(Source("s", wrong))
    (found,) = caught.value.diagnostics
    assert (found.code, found.message) == ("SCH042", "the rewrites do not lead to this kernel")
    assert found.span is not None and found.span.line == text.splitlines().index("covered") + 1


@pytest.mark.parametrize(
    ("rewrite", "code", "message", "column"),
    [
        ("expand statement 0", "RW070", "expansion of statement 0 is not legal: its value is a single product", 9),
        ("contract statement 0 as ((x q) p)", "SCH041", "the statement has no factor 'q'", 37),
        ("melt statement 0", "SCH041", "unknown rewrite 'melt'", 9),
    ],
)
def test_a_rewrite_that_cannot_be_done_again_is_shown(rewrite: str, code: str, message: str, column: int) -> None:
    source = Source("s", f"machine gemmini16_f32\nrewrite {rewrite}\n{KERNEL}steps\n")
    with pytest.raises(SourceError) as caught:
        isamapper.parse_schedule(source)
    found = caught.value.diagnostics[0]
    assert found.span is not None
    assert (found.code, found.message, found.span.line, found.span.column) == (code, message, 2, column)
