"""Tables of measured layers: what is read, and what is said of mistakes."""

from __future__ import annotations

import pytest

from isamapper.bench.gemmini.data import builtin_table, measured_rows, read_table
from isamapper.bench.gemmini.folds import CONSTANTS, cross_validated
from isamapper.bench.gemmini.layers import Layer, Sizes
from isamapper.bench.gemmini.mapping import mapped_tile
from isamapper.bench.gemmini.measure import Simulated, simulated, spearman, summary
from isamapper.diagnostics.source import Diagnostic, Source, SourceError, Span

HEAD = (
    "id,r,s,p_out_h,q_out_w,c,k,n,stride,scratchpad_bytes,accumulator_bytes,auto_tiling,auto_cycles_rtl,mapping,"
    "mapped_cycles_rtl"
)
MAPPING = "L3[WIO] K4 - L2[WI] N1 K16X - L1[O] C2 P2 C16X - L0[W] P16"
LINE = f"7,1,1,32,1,32,64,1,1,131072,32768,1_1_32_1_32_64_1,1000,{MAPPING},2000"


def found(*lines: str) -> list[Diagnostic]:
    with pytest.raises(SourceError) as caught:
        measured_rows(Source("table.csv", "\n".join(lines)))
    return list(caught.value.diagnostics)


def place(finding: Diagnostic) -> tuple[str, int, int]:
    assert finding.span is not None
    return finding.code, finding.span.line, finding.span.column


def test_a_row_is_a_layer_with_two_tiles() -> None:
    (row,) = measured_rows(Source("table.csv", f"{HEAD}\n{LINE}\n\n"))
    assert row.layer == Layer(Sizes(q=1, p=32, k=64, r=1, s=1, c=32), 1)
    assert row.mapped == Sizes(q=1, p=32, k=16, r=1, s=1, c=32)  # all but the four iterations of main memory
    assert row.default == Sizes(q=1, p=32, k=64, r=1, s=1, c=32)
    assert (row.name, row.images, row.default_cycles, row.mapped_cycles) == ("7", 1, 1000, 2000)


def test_columns_may_be_shuffled_quoted_and_left_out() -> None:
    names, values = HEAD.split(","), LINE.split(",")
    pairs = [each for each in zip(names, values, strict=True) if each[0] not in ("id", "auto_tiling")][::-1]
    text = ",".join(name for name, _ in pairs) + "\r\n" + ",".join(f' "{value}"' for _, value in pairs) + "\r\n"
    (row,) = measured_rows(Source("table.csv", "\ufeff" + text))
    assert row.name == "2"  # its line
    assert row.default == Sizes(q=1, p=32, k=64, r=1, s=1, c=32)  # by the rules


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (",32768,", ",many,", ("VAL003", 2, 29)),
        (",32768,", ",0,", ("VAL003", 2, 29)),
        (",32768,", ",-1,", ("VAL003", 2, 29)),
        (",32768,", ",1e5,", ("VAL003", 2, 29)),
        (",32768,", ",", ("VAL003", 2, 1)),
        ("1_1_32", "1-1-32", ("VAL003", 2, 35)),
        ("L2[WI]", "L2(WI)", ("VAL004", 2, 70)),
        ("C16X", "C16Y", ("VAL004", 2, 99)),
        ("K4 -", "K3 -", ("VAL004", 2, 57)),
        ("131072,", "511,", ("VAL003", 2, 22)),
        ("131072,", "600,", ("VAL004", 2, 54)),
        ("1_1_32_1_32_64_1", "1_1_9999_9999_32_64_1", None),  # clipped to the layer
    ],
)
def test_a_mistake_has_its_line_and_column(old: str, new: str, expected: tuple[str, int, int] | None) -> None:
    assert old in LINE
    if expected is None:
        measured_rows(Source("table.csv", f"{HEAD}\n{LINE.replace(old, new)}"))
        return
    assert [place(each) for each in found(HEAD, LINE.replace(old, new))] == [expected]


def test_all_mistakes_are_found_at_once() -> None:
    wrong = LINE.replace("131072", "x").replace("2000", "y")
    assert [place(each)[1] for each in found(HEAD, wrong, LINE, wrong)] == [2, 2, 4, 4]


def test_missing_and_doubled_columns() -> None:
    assert place(found(HEAD.replace(",k,", ",kk,"), LINE)[0]) == ("VAL002", 1, 1)
    assert found(HEAD.replace(",k,", ",kk,"), LINE)[0].message == "missing column 'k'"
    assert place(found(HEAD + ",k", LINE + ",1")[0]) == ("VAL002", 1, len(HEAD) + 2)
    assert found("")[0].code == "VAL002"
    assert found(HEAD)[0].message == "the table has no rows"


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(SourceError, match=r"cannot read 'nowhere\.csv'"):
        read_table("nowhere.csv")


def test_a_tile_is_the_product_of_inner_factors() -> None:
    text = "L3[WIO] P2 Q2 K2 - L2[WI] N1 K16X - L1[O] K4 S3 R3 C8 C16X - L0[W] Q14 P7"
    source = Source("mapping", text)
    layer = Layer(Sizes(q=28, p=14, k=128, r=3, s=3, c=128), 2)
    assert mapped_tile(Span(source, 0, len(text)), layer) == Sizes(q=14, p=7, k=64, r=3, s=3, c=128)


def test_rank_correlation_by_hand() -> None:
    assert spearman([1, 2, 3], [10, 20, 30]) == pytest.approx(1)
    assert spearman([1, 2, 3], [30, 20, 10]) == pytest.approx(-1)
    # Ranks 1.5 1.5 3 4 against 1 2 3 4: 4.5 over the root of 4.5 times 5.
    assert spearman([5, 5, 6, 7], [1, 2, 3, 4]) == pytest.approx((4.5 / 5) ** 0.5)
    assert spearman([1, 1], [1, 2]) is None


def test_a_summary_by_hand() -> None:
    (row,) = measured_rows(Source("table.csv", f"{HEAD}\n{LINE}"))
    judged = summary([row, row], [Simulated(900, 2200, 1), Simulated(2100, 2000, 1)])
    assert judged["default"]["mape_percent"] == 60.0  # 10 and 110 percent
    assert judged["mapped"]["mape_percent"] == 5.0
    assert judged["winner_named_percent"] == 50.0


def test_published_rows_stay_within_their_errors() -> None:
    """Two layers that take a moment; the whole table is ``isamapper bench gemmini``."""
    rows = [row for row in measured_rows(builtin_table()) if row.name in ("89", "148")]
    for row in rows:
        found = simulated(row)
        assert found.mapped_cycles == pytest.approx(row.mapped_cycles, rel=0.3)
        assert found.default_cycles == pytest.approx(row.default_cycles, rel=0.3)


@pytest.mark.slow
def test_cross_validation_judges_every_row_with_constants_found_without_it() -> None:
    rows = [row for row in measured_rows(builtin_table()) if row.name in ("119", "121", "198")]
    found = cross_validated(rows)
    assert found["rows"] == 3
    assert len(found["folds"]) == 2  # sizes of buffers
    assert found["folds"][0].keys() == {constant.name for constant in CONSTANTS}
    assert found["mapped"]["mape_percent"] < 60
