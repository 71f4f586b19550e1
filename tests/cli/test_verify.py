"""``lower`` and ``verify`` on files: the certificate that a program carries, and the files that it needs."""

from __future__ import annotations

import json
from collections import abc
from pathlib import Path

import pytest

from isamapper.cli.main import main
from isamapper.hwdesc.files import MACHINES

KERNEL = "kernel k(a: i8[6, 7], b: i8[7, 5]) -> (c: i32[6, 5]) { c[m, n] += i32(a[m, k]) * i32(b[k, n]) }"


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A program with its certificate, for a machine that is a file beside it."""
    folder = tmp_path_factory.mktemp("lowered")
    (folder / "acc.yaml").write_text((MACHINES / "toy4.yaml").read_text())
    (folder / "k.isam").write_text(KERNEL)
    names = {name: str(folder / name) for name in ("k.isam", "acc.yaml", "k.schedule", "k.program")}
    assert main(["schedule", names["k.isam"], "--hw", names["acc.yaml"], "-o", names["k.schedule"]]) == 0
    assert main(["lower", names["k.schedule"], "-o", names["k.program"]]) == 0
    return Path(names["k.program"]).read_text().replace(names["acc.yaml"], "acc.yaml")


@pytest.fixture
def folder(program: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the program and its machine; the working folder is another."""
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "acc.yaml").write_text((MACHINES / "toy4.yaml").read_text())
    (tmp_path / "here" / "k.program").write_text(program)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "here"


def changed(folder: Path, old: str, new: str) -> str:
    file = folder / "changed.program"
    text = (folder / "k.program").read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1))
    return str(file)


def test_the_machine_is_found_beside_the_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["verify", str(folder / "k.program")]) == 0
    assert "certificate   holds: all that it claims was found again" in capsys.readouterr().out


def test_a_machine_that_is_not_there_is_asked_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "acc.yaml").unlink()
    assert main(["verify", str(folder / "k.program")]) == 2
    error = capsys.readouterr().err
    assert "there is no machine 'acc.yaml'" in error
    assert "k.program:1:9" in error
    assert "give it with '--hw'" in error
    assert main(["verify", str(folder / "k.program"), "--hw", "toy4"]) == 0


def test_another_machine_of_that_name_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = (folder / "acc.yaml").read_text()
    (folder / "acc.yaml").write_text(text.replace("clock_hz: 1000000000", "clock_hz: 2000000000"))
    assert main(["verify", str(folder / "k.program")]) == 1
    assert "DOES NOT HOLD: it speaks of another machine" in capsys.readouterr().out


def test_another_kernel_is_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "other.isam").write_text(KERNEL.replace("a[m, k]) * i32(b[k, n])", "b[k, n]) * i32(a[m, k])"))
    assert main(["verify", str(folder / "k.program"), "--kernel", str(folder / "other.isam")]) == 1
    assert "it speaks of another kernel" in capsys.readouterr().out


def test_json_says_what_does_not_hold(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = changed(folder, '"degree_bound": 2.0', '"degree_bound": 1.0')
    assert main(["verify", file, "--format", "json"]) == 1
    answer = json.loads(capsys.readouterr().out)
    assert answer["verified"]["ok"] is True
    assert answer["certificate"] == {
        "ok": False,
        "findings": ["it claims degree_bound 1 of prime_fields, here it is 2"],
    }


def test_a_program_without_a_certificate_is_proved_anew(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    bare, full = folder / "bare.program", folder / "full.program"
    bare.write_text((folder / "k.program").read_text().partition("certificate")[0])
    assert main(["verify", str(bare), "-o", str(full)]) == 0
    assert "none in the file; what stands here was made anew" in capsys.readouterr().out
    assert main(["verify", str(full), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["certificate"] == {"ok": True, "findings": []}


def test_lower_may_leave_the_certificate_out(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "k.isam").write_text(KERNEL)
    schedule = str(folder / "k.schedule")
    assert main(["schedule", str(folder / "k.isam"), "--hw", "toy4", "-o", schedule]) == 0
    assert main(["lower", schedule, "--no-certificate"]) == 0
    assert "certificate" not in capsys.readouterr().out
    assert main(["lower", schedule, "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["certificate"]["ok"] is True


Cut = abc.Callable[[str], str]
BROKEN: dict[str, Cut] = {
    "cut off": lambda text: text[: text.index('"parts"')],
    "twice": lambda text: text + text[text.index("certificate {") :],
    "something after it": lambda text: text + "x\n",
    "a key twice": lambda text: text.replace('"seed": 0', '"seed": 0, "seed": 0'),
    "an unknown key": lambda text: text.replace('"seed": 0', '"seed": 0, "sure": 1'),
    "nothing": lambda text: text[: text.index("certificate {")] + "certificate\n",
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_certificate_that_cannot_be_read_is_the_file_s_mistake(
    name: str, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = folder / "broken.program"
    file.write_text(BROKEN[name]((folder / "k.program").read_text()))
    assert main(["verify", str(file)]) == 2
    error = capsys.readouterr().err
    assert "broken.program:" in error
    assert "error[" in error


def test_a_comment_after_the_certificate_is_none_of_its_claims(folder: Path) -> None:
    file = folder / "noted.program"
    file.write_text((folder / "k.program").read_text() + "# kept for the record\n")
    assert main(["verify", str(file)]) == 0


def test_stored_mappings_name_their_machine(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "k.isam").write_text(KERNEL)
    assert main(["map", str(folder / "k.isam"), "--hw", str(folder / "acc.yaml"), "--format", "json"]) == 0
    stored = json.loads(capsys.readouterr().out)
    (folder / "maps.json").write_text(json.dumps({**stored, "machine_reference": "acc.yaml"}))
    assert main(["verify", str(folder / "maps.json")]) == 0
    (folder / "acc.yaml").write_text((MACHINES / "toy4.yaml").read_text().replace("1000000000", "2000000000"))
    capsys.readouterr()
    assert main(["verify", str(folder / "maps.json")]) == 2
    assert "VER012" in capsys.readouterr().err
