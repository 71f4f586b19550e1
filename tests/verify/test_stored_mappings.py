"""Stored mappings are checked from the files alone; whatever is changed in one is found."""

from __future__ import annotations

import copy
import json
from collections import abc
from pathlib import Path
from typing import Any

import pytest

import isamapper
from isamapper.cli.main import main
from isamapper.hwdesc.model import Machine
from isamapper.verify.stored import check_stored
from tests.mapper.machines import ARRAY_F32, machine

SUM_OF_SQUARES = "(a: f32[8] @pad, c: inout f32[1] @pad) { for l < 8 { c[0] += a[l] * a[l] } }"
MAX = "(a: f32[8, 4] @pad, c: inout f32[8] @pad) { c[i] max= a[i, k] }"


def stored(kernel: str, target: Machine, **sizes: int) -> dict[str, Any]:
    found = isamapper.map_kernel(isamapper.parse_kernel(kernel, sizes=sizes), target)
    data: dict[str, Any] = json.loads(json.dumps(found.to_dict()))
    assert data["mappings"]
    return data


GEMM = "kernel g(x: f32[M, K], w: f32[K, N]) -> (y: f32[M, N]) sizes M=20, N=9, K=13 { y[m, n] += x[m, k] * w[k, n] }"
POOL = "kernel p(x: f32[M, K]) -> (y: f32[M]) sizes M=9, K=7 { for m < M, k < K { y[m] max= x[m, k] } }"


@pytest.fixture(scope="module")
def array() -> Machine:
    return machine(array=ARRAY_F32, most=MAX, squares=SUM_OF_SQUARES)


@pytest.mark.parametrize("kernel", [GEMM, POOL])
def test_what_the_mapper_finds_holds(array: Machine, kernel: str) -> None:
    checked = check_stored(stored(kernel, array), array)
    assert all(each.verdict.ok for each in checked), [each.verdict.detail for each in checked]


Change = abc.Callable[[dict[str, Any]], None]


def _digit(number: int, key: str, value: object) -> Change:
    def change(mapping: dict[str, Any]) -> None:
        mapping["certificate"]["digits"][number][key] = value

    return change


def _access(operand: str, key: str, text: str) -> Change:
    def change(mapping: dict[str, Any]) -> None:
        for access in mapping["certificate"]["accesses"]:
            if access["operand"] == operand:
                access[key] = text
        if key == "outside":
            mapping["operands"][operand] = text

    return change


def _set(*path: str, value: object) -> Change:
    def change(mapping: dict[str, Any]) -> None:
        where = mapping
        for key in path[:-1]:
            where = where[key]
        where[path[-1]] = value

    return change


FAULTS: dict[str, tuple[Change, str]] = {
    "an operand transposed": (_access("a", "outside", "x[k, m]"), "as the statements do"),
    "an operand shifted": (_access("a", "outside", "x[m, k + 1]"), "leaves tensor 'x'"),
    "lanes of an operand exchanged": (_access("a", "inside", "a[k, i]"), "as the statements do"),
    "two elements in a cell": (_access("a", "inside", "a[i, 0]"), "the mapping is broadcast"),
    "another tensor": (_access("a", "outside", "w[k, n]"), ""),
    "pads forgotten": (_set("certificate", "pads", value={}), "as the statements do"),
    "another pad": (_set("certificate", "pads", value={"a": "1"}), "as the statements do"),
    "an iteration left out": (_digit(0, "weight", 2), "leave out iterations"),
    "two points in a lane": (_digit(0, "lane_weight", 0), "is none"),
    "another lane": (_digit(0, "lane", "i"), "not those of the certificate"),
    "another class": (_set("certificate", "class", value="broadcast"), "not those of the certificate"),
    "another instruction": (_set("certificate", "instruction", value="most"), "not those of the certificate"),
    "another statement": (_set("certificate", "statements", value=[1]), "not those of the certificate"),
    "a relation that is not the certificate's": (_set("iterators", value=[]), "not those of the certificate"),
    "an operand that is not the certificate's": (
        _set("operands", "a", value="w[k, n]"),
        "in the certificate it is not",
    ),
    "a rewrite that is none": (_set("rewrites", value=["improve statement 0"]), "unknown rewrite"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_changed_mapping_is_found(array: Machine, fault: str) -> None:
    data = stored(GEMM, array)
    mapping = copy.deepcopy(next(each for each in data["mappings"] if len(each["iterators"]) == 3))
    change, expected = FAULTS[fault]
    change(mapping)
    (checked,) = check_stored({**data, "mappings": [mapping]}, array)
    assert not checked.verdict.ok
    assert expected in checked.verdict.detail


def test_files_alone_are_enough(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["map", "gemm", "--hw", "toy4", "-s", "M=6", "-s", "N=5", "-s", "K=7", "--format", "json"]) == 0
    path = tmp_path / "gemm.json"
    path.write_text(capsys.readouterr().out)
    assert main(["verify", str(path)]) == 0
    assert "all hold" in capsys.readouterr().out
    path.write_text(path.read_text().replace('"lane": "k"', '"lane": "j"', 1))
    assert main(["verify", str(path)]) == 1
    assert "do NOT hold" in capsys.readouterr().out


def test_a_file_that_holds_no_mappings_is_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "empty.json"
    path.write_text('{"machine": "toy4"}')
    assert main(["verify", str(path)]) == 2
    assert "VER010" in capsys.readouterr().err
    path.write_text('{"machine": "toy4", "kernel_text": "kernel k() {}", "mappings": [{}]}')
    assert main(["verify", str(path)]) == 2
    path.write_text("{")
    assert main(["verify", str(path)]) == 2


def test_a_schedule_is_verified_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "gemm.sched"
    assert main(["schedule", "gemm", "--hw", "toy4", "-s", "M=6", "-s", "N=5", "-s", "K=7", "-o", str(path)]) == 0
    capsys.readouterr()
    assert main(["verify", str(path)]) == 0
    assert "verified" in capsys.readouterr().out
