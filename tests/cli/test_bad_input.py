"""Malformed kernels, machines and command lines: exit code 2 and a located message, never a traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from isamapper.bench.bad_input import Case, cases, judge
from isamapper.cli.main import main


def placed(case: Case, folder: Path) -> list[str]:
    if case.file is None:
        return list(case.words)
    path = folder / case.words[-1]
    path.write_bytes(case.file)
    return [*case.words[:-1], str(path)]


@pytest.mark.parametrize("case", cases(), ids=lambda case: f"{case.group}: {case.what}")
def test_wrong_input_is_met_with_a_located_message(
    case: Case, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(placed(case, tmp_path))
    captured = capsys.readouterr()
    row = judge(case, (code, captured.out, captured.err))
    assert row["ok"], (row, captured.err)


@pytest.mark.parametrize("number", [0, 60, -1])
def test_the_same_by_the_real_command(number: int, tmp_path: Path) -> None:
    case = cases()[number]
    words = [sys.executable, "-m", "isamapper", *placed(case, tmp_path)]
    done = subprocess.run(words, capture_output=True, text=True)
    row = judge(case, (done.returncode, done.stdout, done.stderr))
    assert row["ok"], (row, done.stderr)
