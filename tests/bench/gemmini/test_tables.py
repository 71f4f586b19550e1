"""Tables of measured layers: what is read, and what is said of mistakes."""

from __future__ import annotations

import pytest

from isamapper.bench.gemmini.data import builtin_table, measured_rows, read_table, table_rows
from isamapper.bench.gemmini.folds import CONSTANTS, cross_validated
from isamapper.bench.gemmini.layers import Layer, Sizes
from isamapper.bench.gemmini.mapping import mapped_tile
from isamapper.bench.gemmini.measure import Simulated, _simulated, measure, simulated, spearman, summary
from isamapper.diagnostics.source import Diagnostic, Source, SourceError, Span
from isamapper.report.validation import gemmini_document

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


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        (",1000,", ",,", "'auto_cycles_rtl' is missing"),
        (",1000,", ",n/a,", "'n/a' is not a whole number from 1 to 1000000000000"),
        (",2000", "", "14 fields where the head has 15"),
        (",2000", ",2000,note", "16 fields where the head has 15"),
        (MAPPING, "tiles of 4", "'tiles' is not a level such as 'L1[O]'"),
        ("131072,32768", "131072,600", "a tile of this takes 2048 bytes of the accumulator, which has 1200"),
    ],
)
def test_a_row_that_does_not_fit_does_not_end_the_file(old: str, new: str, reason: str) -> None:
    assert old in LINE
    bad = LINE.replace(old, new).replace("7,", "8,", 1)
    answer = measure(table_rows(Source("table.csv", "\n".join((HEAD, bad, LINE)))))
    refused, good = answer["rows"]
    assert (refused["id"], refused["line"], refused["column"] is not None) == ("8", 2, True)
    assert refused["refused"].startswith(reason)
    assert good["mapped"]["cycles"] > 0
    assert (answer["summary"]["rows"], answer["summary"]["rows_refused"]) == (1, 1)


def test_a_table_without_rows_has_an_empty_summary() -> None:
    answer = measure(table_rows(Source("table.csv", HEAD + "\n\n")))
    assert answer["rows"] == []
    assert answer["summary"]["mapped"] == {"mape_percent": None, "spearman": None}
    assert gemmini_document(answer).blocks


def test_numbers_that_went_through_floats_and_commas_at_the_end() -> None:
    line = LINE.replace("131072,32768", "131072.0,32768.").replace(",2000", ",2000.0,,")
    (row,) = measured_rows(Source("table.csv", f"{HEAD}\n{line}"))
    assert (row.scratchpad_bytes, row.accumulator_bytes, row.mapped_cycles) == (131072, 32768, 2000)


def test_a_constant_that_a_program_cannot_tell_changes_nothing() -> None:
    (row,) = measured_rows(Source("table.csv", f"{HEAD}\n{LINE}"))
    simulated(row)
    before = _simulated.cache_info().misses
    simulated(
        row, ("memories.dram.ports.write.bytes_per_cycle=4", "instructions.mvin_cold.timing.occupies_cycles=22*r")
    )
    assert _simulated.cache_info().misses == before
    simulated(row, ("memories.l2.ports.read.bytes_per_cycle=9",))
    assert _simulated.cache_info().misses > before


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
