"""Baselines: what their rules choose, what they cost, what they do not apply to; a user's own by entry point."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from isamapper.bench.baselines import contest as contests
from isamapper.bench.baselines.contest import contest, load_baseline
from isamapper.bench.baselines.frames import sites_of
from isamapper.bench.baselines.im2col import im2col
from isamapper.bench.baselines.library import tiler
from isamapper.bench.baselines.protocol import Baseline, Case
from isamapper.bench.baselines.single import single
from isamapper.bench.baselines.steps import unfused
from isamapper.bench.baselines.tiles import library_groups
from isamapper.diagnostics.source import Rejection, SourceError
from isamapper.frontends.library import load_kernel
from isamapper.hwdesc.loader import load_machine
from isamapper.ir.analysis import statements
from isamapper.ir.types import DTYPES
from isamapper.plan.steps import Schedule
from isamapper.registry import plugins

PAGE = Path(__file__).parents[2] / "docs" / "deepbench.md"
I8 = {"TA": DTYPES["i8"], "TB": DTYPES["i8"], "TC": DTYPES["i32"]}


def case(kernel: str, machine: str = "gemmini16", **sizes: int) -> Case:
    return Case(load_kernel(kernel, sizes, I8), load_machine(machine))


def tiles_of(given: Case, fixed: bool = False) -> dict[str, int]:
    """Blocks of each iterator inside the tile."""
    sites = sites_of(given.kernel, given.machine)
    assert not isinstance(sites, Rejection)
    chosen = [site for site in sites if site.frame.call.instruction.name == "compute"]
    return dict(library_groups(chosen[0], fixed=fixed)[-1])


def test_gemminis_tiles_fill_half_of_each_memory() -> None:
    # the accumulator's half holds 32 tiles, its square 5; the scratchpad's half 512: 5 * 51 + 51 * 5 = 510 of them
    assert tiles_of(case("gemm_acc", M=4096, N=4096, K=4096)) == {"m": 5, "n": 5, "k": 51}


def test_gemminis_tiles_grow_where_the_problem_is_thin() -> None:
    # one row of tiles: columns grow to 32, which is all the accumulator's half holds
    assert tiles_of(case("gemm_acc", M=16, N=8192, K=64)) == {"m": 1, "n": 32, "k": 4}


def test_a_fixed_tile_does_not_grow() -> None:
    assert tiles_of(case("gemm_acc", M=16, N=8192, K=64), fixed=True) == {"m": 1, "n": 5, "k": 4}


def test_loops_stand_in_the_librarys_order() -> None:
    given = case("gemm_acc", M=512, N=512, K=4096)
    sites = sites_of(given.kernel, given.machine)
    assert not isinstance(sites, Rejection)
    site = next(site for site in sites if site.frame.call.instruction.name == "compute")
    outside, inside = library_groups(site)
    assert [name for name, _ in outside] == ["m", "n", "k"]
    assert [name for name, _ in inside] == ["n", "k", "m"]


@pytest.mark.parametrize("name", ["library-tiler", "fixed-tile", "single-mapping"])
@pytest.mark.parametrize(("kernel", "machine"), [("gemm_acc", "gemmini16"), ("gemm_acc_tb", "vta")])
def test_baselines_of_products_run_and_verify(name: str, kernel: str, machine: str) -> None:
    ragged = {"M": 21, "N": 18, "K": 37} if machine != "vta" else {"M": 32, "N": 32, "K": 64}
    found = contest(case(kernel, machine, **ragged), [name], 1000)[name]
    assert found["failure"] is None
    assert found["verified"]
    assert found["speedup"] == pytest.approx(found["cycles"] / 1000)


def test_the_search_around_one_mapping_is_no_slower_than_the_library() -> None:
    given = case("gemm_acc", M=64, N=64, K=256)
    found = contest(given, ["library-tiler", "single-mapping"], 1)
    assert found["single-mapping"]["cycles"] <= found["library-tiler"]["cycles"]


def test_windows_are_copied_out_image_by_image() -> None:
    given = case("conv2d_forward", N=2, C=2, K=4, HI=4, WI=5, R=2, S=2, pad=0)
    parts = im2col(given)
    assert not isinstance(parts, Rejection)
    assert [(part.label, part.calls) for part in parts] == [("windows", 2), ("product", 2)]
    assert dict(parts[1].schedule.kernel.sizes) == {"M": 4, "N": 12, "K": 8}
    assert contest(given, ["im2col"], 1)["im2col"]["verified"]


def test_a_filter_of_one_reads_the_image_as_it_lies() -> None:
    parts = im2col(case("conv2d_forward", C=8, K=8, HI=4, WI=4, R=1, S=1, pad=0))
    assert not isinstance(parts, Rejection)
    assert [part.label for part in parts] == ["product"]


def test_a_recurrence_is_a_call_per_statement_and_step() -> None:
    given = case("rnn_skip_q", T=5, B=1, H=4)
    parts = unfused(given)
    assert not isinstance(parts, Rejection)
    assert [part.calls for part in parts] == [1, 5, 5]
    assert all(len(statements(part.schedule.kernel)) == 1 for part in parts)
    assert contest(given, ["unfused-steps"], 1)["unfused-steps"]["verified"]


def test_what_does_not_apply_says_why() -> None:
    product, cell = case("gemm_acc", M=8, N=8, K=8), case("rnn_skip_q", T=2, B=1, H=8)
    for parts in (tiler(cell), single(cell), unfused(product), im2col(product)):
        assert isinstance(parts, Rejection)
        assert parts.reason
    assert contest(product, ["im2col"], 1)["im2col"] == {"failure": "it is no 'conv2d_forward'"}


def test_every_built_in_baseline_loads_and_names_its_source() -> None:
    names = [plugin.name for plugin in plugins("baseline")]
    assert {"library-tiler", "fixed-tile", "single-mapping", "im2col", "unfused-steps", "random-search"} <= set(names)
    assert all(len(load_baseline(name).source) > 40 for name in names)


def test_an_unknown_baseline_is_refused() -> None:
    with pytest.raises(SourceError, match="unknown baseline 'libary-tiler'"):
        load_baseline("libary-tiler")


def test_a_plugin_that_is_no_baseline_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(contests, "load", lambda kind, name: print)
    with pytest.raises(SourceError, match="it is no Baseline: baseline 'mine'"):
        load_baseline("mine")


def test_a_users_baseline_gives_schedules_and_the_harness_does_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Schedule] = []

    def mine(given: Case) -> object:
        parts = tiler(given)
        assert not isinstance(parts, Rejection)
        asked.append(parts[0].schedule)
        return parts * 2

    monkeypatch.setattr(contests, "load", lambda kind, name: Baseline("mine, twice", mine))  # type: ignore[arg-type]
    given = case("gemm_acc", M=8, N=8, K=8)
    once = contest(given, ["x"], 1)["x"]
    assert once["cycles"] == 2 * once["parts"][0]["cycles"]
    assert len(asked) == 1


def installed(folder: Path, source: str, entries: str) -> None:
    """A distribution as an installer leaves it: a module, its metadata and its entry points."""
    (folder / "my_baselines.py").write_text(source, encoding="utf-8")
    info = folder / "my_baselines-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: my-baselines\nVersion: 1.2\n", encoding="utf-8")
    (info / "entry_points.txt").write_text(entries, encoding="utf-8")


def test_the_example_of_the_manual_is_a_baseline_once_it_is_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = PAGE.read_text(encoding="utf-8")
    source = re.search(r"```python\n(.*?)```", text, re.DOTALL)
    entry = re.search(r'trusting = "(my_baselines:TRUSTING)"', text)
    assert source is not None and entry is not None
    broken = "\n\nBROKEN = Baseline('divides by zero', lambda case: 1 / 0)\n"
    entries = f"[isamapper.baselines]\ntrusting = {entry[1]}\nbroken = my_baselines:BROKEN\n"
    installed(tmp_path, source[1] + broken, entries)
    monkeypatch.syspath_prepend(tmp_path)
    (plugin,) = (each for each in plugins("baseline") if each.name == "trusting")
    assert (plugin.distribution, plugin.version) == ("my-baselines", "1.2")
    found = contest(case("gemm_acc", M=32, N=32, K=32), ["trusting", "broken"], 100)
    assert found["trusting"]["verified"] and found["trusting"]["speedup"] == found["trusting"]["cycles"] / 100
    assert found["broken"] == {"failure": "it raised ZeroDivisionError: division by zero"}
