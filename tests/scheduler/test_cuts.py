"""Cuts over grids as decisions: every number is a cut, is printed, can be fixed, and what is fixed holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from isamapper.diagnostics.source import Source, SourceError
from isamapper.frontends.library import load_kernel
from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Machine
from isamapper.ir.analysis import statements
from isamapper.ir.types import DTYPES
from isamapper.pipeline import find_schedule
from isamapper.plan.steps import Distribute
from isamapper.scheduler.space.cuts import CutSpace, cut_space
from isamapper.scheduler.space.fix_file import read_fixed
from isamapper.scheduler.strategies.counting import counted
from tests.plan.test_sums import MACHINE
from tests.scheduler.test_summing import MOVES

I8 = {"TA": DTYPES["i8"], "TB": DTYPES["i8"], "TC": DTYPES["i32"]}
ONE = "grid: {name: core, count: 4, holds: [pad, acc, load, mac, send], reduces: [dram]}"
TWO = """grid:
  - {name: row, count: 2, holds: [col], reduces: [dram]}
  - {name: col, count: 3, holds: [pad, acc, load, mac, send], multicast: [dram]}"""


def machine(grid: str = ONE) -> Machine:
    return load_machine(Source("adders.yaml", MACHINE.replace(ONE, grid) + MOVES.lstrip("\n")))


def space(grid: str, m: int, n: int, k: int) -> CutSpace:
    kernel = load_kernel("gemm", {"M": m, "N": n, "K": k}, I8)
    return cut_space(machine(grid), kernel, statements(kernel)[0], {"mac"})


def test_every_number_is_a_cut_and_back() -> None:
    for grid, m, n, k in ((ONE, 8, 3, 64), (TWO, 4, 5, 6), (TWO, 1, 7, 2)):
        cuts = space(grid, m, n, k)
        found = [cuts.decoded(number) for number in range(cuts.count())]
        assert found[0] == () and len(set(found)) == len(found)
        assert [cuts.encoded(each) for each in found] == list(range(cuts.count()))
        for parts in found:
            for name in ("row", "col", "core"):
                used = [count for _, count, other in parts if other == name]
                assert all(count > 1 for count in used)


def test_the_number_of_cuts_by_hand() -> None:
    # Four cores, m and n of 2, k of 1: none, m:2, n:2, both; k of 4 as well: 1, 2 or 4 parts where there is room.
    assert space(ONE, 2, 2, 1).count() == 4
    cuts = space(ONE, 2, 2, 4)
    assert cuts.count() == 4 + 2 + 1 + 1  # k:2 and k:4 alone, k:2 with m:2, k:2 with n:2
    assert cuts.count_sums() == 4
    assert "m:2 across core, k:2 across core" in [cuts.words(number) for number in range(cuts.count())]


def test_a_network_that_adds_nothing_has_no_cuts_of_sums() -> None:
    assert space(ONE.replace(", reduces: [dram]", ""), 2, 2, 4).count_sums() == 0
    cuts = space(TWO, 1, 1, 6)
    assert [cuts.decoded(number) for number in range(cuts.count())] == [(), (("k", 2, "row"),)]


def test_they_are_counted() -> None:
    answer = counted(load_kernel("gemm", {"M": 8, "N": 8, "K": 16}, I8), machine())
    (statement,) = answer["statements"]
    assert statement["cuts"] > statement["cuts_of_sums"] > 0


def path_of(tmp_path: Path, name: str, text: str) -> str:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(
    ("across", "loops"),
    [
        ("{k: {core: 2}}", {("k_core", "core")}),
        ("{m: {core: 2}, n: {core: 2}}", {("m_core", "core"), ("n_core", "core")}),
    ],
)
def test_what_is_fixed_holds(tmp_path: Path, across: str, loops: set[tuple[str, str]]) -> None:
    hw = path_of(tmp_path, "adders.yaml", MACHINE + MOVES.lstrip("\n"))
    given = read_fixed(path_of(tmp_path, "fix.yaml", f"across: {across}\n"))
    sizes = {"M": 8, "N": 8, "K": 16}
    found = find_schedule("gemm", hw, sizes=sizes, types=I8, cost_model="analytic", fixed=given, budget_seconds=3.0)
    (step,) = (step for step in found.schedule.steps if isinstance(step, Distribute))
    assert set(step.loops) == loops


@pytest.mark.parametrize(
    ("across", "message"),
    [
        ("{k: {cores: 2}}", "there is no grid 'cores' to cut, or to cut over"),
        ("{x: {core: 2}}", "there is no iterator 'x' to cut, or to cut over"),
        ("{m: {core: 8}}", "no schedule has 'm in 8 across core': it has 4 copies, the loops have 8 iterations"),
    ],
)
def test_cuts_that_cannot_be_are_named(tmp_path: Path, across: str, message: str) -> None:
    hw = path_of(tmp_path, "adders.yaml", MACHINE + MOVES.lstrip("\n"))
    given = read_fixed(path_of(tmp_path, "fix.yaml", f"across: {across}\n"))
    with pytest.raises(SourceError) as caught:
        find_schedule("gemm", hw, sizes={"M": 8, "N": 8, "K": 8}, types=I8, fixed=given, budget_seconds=2.0)
    (found,) = caught.value.diagnostics
    assert (found.code, found.message) == ("FIX003", message)
