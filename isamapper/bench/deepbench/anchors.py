"""Published DeepBench times of real devices, beside ours where a machine describes one of them.

A machine describes a device where its name is the device's own words, types apart: ``v100`` or ``v100_f16`` is
``NV_V100``, ``v100_sm`` is a part of it. Times at a precision that the kernel's types do not have are given, too, and
marked; means leave them out.
"""

from __future__ import annotations

import csv
import re
from collections import abc
from functools import cache
from importlib import resources
from typing import Any

from isamapper.bench.deepbench.problems import Problem
from isamapper.hwdesc.model import Machine
from isamapper.ir.types import DTYPES

FILES = {
    "gemm-train": "results_train_gemm",
    "gemm-server": "results_infer_server_gemm",
    "gemm-device": "results_infer_device_gemm",
    "sparse-server": "results_infer_server_sparse_gemm",
    "sparse-device": "results_infer_device_sparse_gemm",
    "rnn-train": "results_train_rnn",
    "rnn-server": "results_infer_server_rnn",
    "conv-train": "results_train_conv",
    "conv-train-data": "results_train_conv",
    "conv-train-weights": "results_train_conv",
    "conv-server": "results_infer_server_conv",
    "conv-device": "results_infer_device_conv",
}
"""The published times of each suite."""

TIMES = {"forward": "fwd_ms", "backward_data": "bwd_inputs_ms", "backward_weights": "bwd_params_ms"}

PRECISIONS = {
    "fp32": ("f32", "f32"),
    "fp16_mul_fp32_acc": ("f16", "f32"),
    "fp16_storage_fp32_math": ("f16", "f32"),
    "int8_mul_int32_acc": ("i8", "i32"),
}
"""Types of the factors and of the sum behind the published precisions; tensor cores add products of f16 in f32."""

KEYS = {
    "gemm": ("m", "n", "k", "a_t", "b_t"),
    "rnn": ("cell", "hidden", "batch", "timesteps"),
    "conv": ("w", "h", "c", "n", "k", "s_filter_w", "r_filter_h", "pad_w", "pad_h", "stride_w", "stride_h"),
}
"""What tells the problems of a family apart."""


@cache
def published(file: str) -> tuple[dict[str, str], ...]:
    """The rows of one file of results."""
    text = resources.files("isamapper.bench").joinpath(f"data/deepbench/{file}.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()))


@cache
def devices() -> tuple[str, ...]:
    """Every device with published times, sorted."""
    return tuple(sorted({row["device"] for file in set(FILES.values()) for row in published(file)}))


def device_of(machine: Machine) -> str | None:
    """The device that ``machine`` describes, by its name; None where there is none, or no telling which."""
    words = set(re.split(r"[^a-z0-9]+", machine.name.lower()))
    found = [device for device in devices() if _own_words(device) <= words <= _own_words(device) | DTYPES.keys()]
    longest = max((len(_own_words(device)) for device in found), default=0)
    best = [device for device in found if len(_own_words(device)) == longest]
    return best[0] if len(best) == 1 else None


def _own_words(device: str) -> set[str]:
    """The device's words without its maker's: NV_V100 is known as v100."""
    words = [word.lower() for word in device.split("_")]
    return set(words[1:] if words[0] in ("nv", "amd", "ia") else words)


def anchors_of(
    problem: Problem, machine: Machine, seconds: float, types: tuple[str, str] | None = None
) -> list[dict[str, Any]]:
    """Every published time of ``problem`` on the device of ``machine``, and by how much ``seconds`` differs from it.

    ``types`` are those that ``seconds`` was found with, of the factors and of the sum.
    """
    device = device_of(machine)
    if device is None or problem.suite not in FILES:
        return []
    own = [row for row in published(FILES[problem.suite]) if row["device"] == device and _same(problem, row)]
    found = []
    for row in own:
        milliseconds = _time(problem, row)
        if milliseconds:
            anchor = {"device": device, "precision": row["precision"], "milliseconds": float(milliseconds)}
            same = types is not None and PRECISIONS.get(row["precision"]) == types
            error = 100 * (seconds * 1e3 / float(milliseconds) - 1)
            found.append({**anchor, "same_precision": same, "percent_error": round(error, 2)})
    return found


def _same(problem: Problem, row: abc.Mapping[str, str]) -> bool:
    keys = [key for key in KEYS[problem.family] if key in row]
    rename = {"m": "m_corrected"} if problem.suite.startswith("sparse") else {}
    return all(problem.text(rename.get(key, key)) == row[key] for key in keys)


def _time(problem: Problem, row: abc.Mapping[str, str]) -> str:
    if problem.family == "gemm":
        return row.get("time_ms") or row.get("dense_ms") or ""
    return row.get(TIMES[problem.pass_name]) or ""
