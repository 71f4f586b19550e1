"""Programs of the first TPU: right values, and the published rates."""

from __future__ import annotations

import numpy as np

from isamapper.bench.tpuv1.applications import applications
from isamapper.bench.tpuv1.measure import measure
from isamapper.bench.tpuv1.program import Writer
from isamapper.hwdesc.loader import load_machine
from isamapper.plan.check import check_program
from isamapper.plan.program import Program
from isamapper.sim.functional.run import execute


def test_layers_follow_one_another() -> None:
    writer = Writer(batch=3, repetitions=2)
    writer.buffer("h", 3, 256)
    writer.dense([("x", 2)], "h", 1, "activate_relu")
    writer.buffer("y", 3, 512)
    writer.dense([("h", 1)], "y", 2, "activate")
    body = writer.program("two", 2, "y", 2)
    random = np.random.default_rng(3)
    inputs = {each.name: random.integers(-9, 10, each.shape, dtype=np.int8) for each in body.tensors[:3]}
    found = execute(Program(body, load_machine("tpuv1"), body), inputs)["result"]

    def shifted(sums: np.ndarray, least: int) -> np.ndarray:
        return np.clip(np.rint(sums / 256), least, 127)  # rint rounds halves to even

    for step in range(2):
        x = inputs["given"][3 * step : 3 * step + 3].astype(np.int64)
        hidden = shifted(x @ inputs["w0"].astype(np.int64), 0)
        np.testing.assert_array_equal(found[step], shifted(hidden @ inputs["w1"].astype(np.int64), -128))


def test_the_programs_fit_the_machine() -> None:
    machine = load_machine("tpuv1")
    for each in applications():
        assert check_program(Program(each.program, machine, each.program)) == ()


def test_published_rates_are_met_within_a_tenth() -> None:
    answer = measure()
    assert [row["application"] for row in answer["rows"]] == ["MLP0", "MLP1", "LSTM0"] * 2
    assert answer["summary"]["greatest_error_percent"]["30 GB/s"] < 10
    # The independent bound: two operations for each weight byte and row of the batch.
    for row in answer["rows"]:
        assert row["tops"] <= 2 * row["batch"] * row["weight_bytes_per_second"] / 1e12
