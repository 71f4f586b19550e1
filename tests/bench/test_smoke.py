"""The smoke bench: its dozen products, a row measured on a small one, the means."""

from __future__ import annotations

import math

import pytest

from isamapper.bench import smoke
from isamapper.frontends.library import library_kernels, load_kernel
from isamapper.hwdesc.loader import load_machine
from isamapper.report.benches import smoke_document
from isamapper.report.plain import render_plain

SMALL = (
    smoke.Product("made up 0", "gemm", (("M", 8), ("N", 4), ("K", 8))),
    smoke.Product("made up 1", "gemm_tb", (("M", 5), ("N", 7), ("K", 3))),
)


def test_there_are_twelve_products_of_kernels_that_exist() -> None:
    found = smoke.products()
    assert len(found) == 12
    assert {product.kernel for product in found} <= set(library_kernels())
    assert (("M", 5124), ("N", 700), ("K", 2048)) in [product.sizes for product in found]


def test_each_product_is_measured_verified_and_averaged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "products", lambda: SMALL)
    told: list[tuple[int, int]] = []
    answer = smoke.measure(["toy4"], report=lambda what, done, whole: told.append((done, whole)))
    assert [row["failure"] for row in answer["rows"]] == [None, None]
    shares = [row["percent_of_bound"] for row in answer["rows"]]
    summary = answer["summary"]["toy4"]
    assert summary["geomean_percent_of_bound"] == pytest.approx(math.sqrt(shares[0] * shares[1]))
    assert summary["verified"] == summary["products"] == 2
    assert told == [(0, 2), (1, 2), (2, 2)]
    assert "2 of 2" in render_plain(smoke_document(answer))


def test_a_machine_that_cannot_do_a_product_is_a_row_with_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(smoke, "products", lambda: (smoke.Product("x", "gemm", (("M", 4), ("N", 4), ("K", 4))),))
    monkeypatch.setattr(smoke, "run", refuse)
    answer = smoke.measure(["toy4"])
    assert answer["rows"][0]["failure"] == "'toy4' cannot do 'gemm'"
    assert answer["summary"]["toy4"]["geomean_percent_of_bound"] is None
    assert "cannot do" in render_plain(smoke_document(answer))


def refuse(*arguments: object, **options: object) -> None:
    raise smoke.NoMapping(load_kernel("gemm"), load_machine("toy4"), ())


@pytest.mark.parametrize(("values", "mean"), [([], None), ([50.0], 50.0), ([25.0, 100.0], 50.0)])
def test_the_geometric_mean(values: list[float], mean: float | None) -> None:
    assert smoke.geometric_mean(values) == (None if mean is None else pytest.approx(mean))
