"""``kernel`` and ``hw``: listings, canonical texts, checks of files."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from isamapper.bench.bad_kernels import GOOD as GOOD_KERNEL
from isamapper.bench.bad_machines import GOOD as GOOD_MACHINE
from isamapper.cli.main import main


def answer(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, object]:
    assert main([*words, "--format", "json"]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    parsed = json.loads(captured.out)
    assert parsed["format"] == 1
    return dict(parsed)


def test_every_listed_kernel_can_be_shown(capsys: pytest.CaptureFixture[str]) -> None:
    names = [row["kernel"] for row in answer(capsys, "kernel", "list")["kernels"]]  # type: ignore[attr-defined]
    assert "gemm" in names
    assert main(["kernel", "check", *names]) == 0


def test_the_text_that_show_prints_is_a_kernel_again(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    shown = answer(capsys, "kernel", "show", "gemm", "-s", "M=5,N=7", "-t", "TA=i8,TB=i8,TC=i32")
    assert shown["sizes"]["M"] == 5 and shown["types"]["TA"] == "i8"  # type: ignore[index]
    file = tmp_path / "again.isam"
    file.write_text(str(shown["text"]))
    again = answer(capsys, "kernel", "show", str(file))
    assert again["digest"] == shown["digest"]


def test_kinds_of_iterators_are_shown(capsys: pytest.CaptureFixture[str]) -> None:
    shown = answer(capsys, "kernel", "show", "gemm")
    iterators = shown["statements"][0]["iterators"]  # type: ignore[index]
    assert [iterator["kind"] for iterator in iterators] == ["parallel", "parallel", "reduction"]


def test_every_listed_machine_can_be_shown(capsys: pytest.CaptureFixture[str]) -> None:
    names = [row["machine"] for row in answer(capsys, "hw", "list")["machines"]]  # type: ignore[attr-defined]
    assert "toy4" in names
    for name in names:
        assert answer(capsys, "hw", "show", name)["machine"] == name
    assert main(["hw", "check", *names]) == 0


def test_the_schema_is_json_with_a_title(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["hw", "schema"]) == 0
    assert json.loads(capsys.readouterr().out)["title"] == "Machine"


def test_check_reports_every_file_and_every_finding(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for number, broken in enumerate(("clock_hz: fast", "clock_hz: 0")):
        (tmp_path / f"{number}.yaml").write_text(GOOD_MACHINE.replace("clock_hz: 1000000000", broken))
    assert main(["hw", "check", str(tmp_path / "0.yaml"), str(tmp_path / "1.yaml")]) == 2
    error = capsys.readouterr().err
    assert error.count("error[HW003]") == 2
    assert "0.yaml:3:11" in error and "1.yaml:3:11" in error


def test_right_files_are_right(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    kernel, machine = tmp_path / "good.isam", tmp_path / "good.yaml"
    kernel.write_text(GOOD_KERNEL)
    machine.write_text(GOOD_MACHINE)
    assert main(["kernel", "check", str(kernel)]) == 0
    assert main(["hw", "check", str(machine)]) == 0
    assert capsys.readouterr().out == f"{kernel}: ok\n{machine}: ok\n"


@pytest.mark.parametrize(
    ("words", "place"),
    [
        (["kernel", "show", "gem"], "1:23"),
        (["hw", "show", "toy5"], "1:19"),
    ],
)
def test_a_wrong_name_is_shown_where_it_stands(
    capsys: pytest.CaptureFixture[str], words: list[str], place: str
) -> None:
    assert main(words) == 2
    assert f" --> command line:{place}\n" in capsys.readouterr().err
