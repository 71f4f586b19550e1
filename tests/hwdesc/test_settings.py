"""Values of a machine file changed from outside."""

from __future__ import annotations

from pathlib import Path

import pytest

from isamapper.cli.main import main
from isamapper.diagnostics.source import Source, SourceError
from isamapper.hwdesc.files import MACHINES
from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.settings import reference, split_reference


def test_a_setting_changes_one_value_and_the_digest() -> None:
    plain, changed = load_machine("toy4"), load_machine("toy4 set memories.spad.capacity_bytes=8KiB")
    assert (plain.memory("spad").capacity_bytes, changed.memory("spad").capacity_bytes) == (4096, 8192)
    assert plain.digest != changed.digest
    assert changed.settings == ("memories.spad.capacity_bytes=8KiB",)


def test_settings_reach_lists_inside_entries_values_left_out_and_snippets() -> None:
    settings = ("memories.dram.ports.bus.bytes_per_cycle=16", "memories.spad.latency_cycles=3", "units.host.count=2")
    machine = load_machine("toy4", settings)
    assert machine.memory("dram").ports[0].bytes_per_cycle == 16
    assert machine.memory("spad").latency_cycles == 3
    assert machine.unit("host").count == 2


@pytest.mark.parametrize(
    ("setting", "code", "column", "help"),
    [
        ("memories.spd.banks=1", "HW042", 10, "did you mean 'spad'?"),
        ("memries.spad.banks=1", "HW042", 1, "did you mean 'memories'?"),
        ("memories.spad.bank=1", "HW001", 15, "did you mean 'banks'?"),
        ("memories.spad.capacity_bytes=lots", "HW003", 30, "sizes are written as 4096, 4KiB, 2MiB"),
        ("memories.spad.banks=3", "HW021", 21, None),
        ("memories.spad=4", "HW042", 10, "it has name, kind, capacity_bytes, banks, ports"),
        ("clock_hz.mega=4", "HW042", 10, None),
        ("clock_hz", "HW042", 1, "for example memories.spad.capacity_bytes=128KiB"),
        ("units.mac.count=", "HW042", 1, "for example memories.spad.capacity_bytes=128KiB"),
    ],
)
def test_a_wrong_setting_is_shown_where_it_stands(setting: str, code: str, column: int, help: str | None) -> None:
    with pytest.raises(SourceError) as caught:
        load_machine("toy4", (setting,))
    first = caught.value.diagnostics[0]
    assert first.span is not None
    assert (first.code, first.span.source.text, first.span.column) == (code, setting, column)
    assert help is None or (first.help or "").startswith(help)


def test_a_reference_reads_back() -> None:
    text = reference("toy4", ("a.b=1", "c=2"))
    assert split_reference(text) == ("toy4", ("a.b=1", "c=2"))
    assert reference(text, ("d=3",)) == "toy4 set a.b=1 c=2 d=3"
    assert split_reference("toy4") == ("toy4", ())


def test_a_path_may_contain_the_word(tmp_path: Path) -> None:
    path = tmp_path / "a set b=c.yaml"
    path.write_text((MACHINES / "toy4.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    assert load_machine(str(path)).settings == ()


def test_a_text_takes_settings_too() -> None:
    text = (MACHINES / "toy4.yaml").read_text(encoding="utf-8")
    assert load_machine(Source("mine", text), ("dispatch.window=3",)).dispatch.window == 3


def test_stages_keep_settings_and_add_to_them(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    schedule, program = tmp_path / "s.txt", tmp_path / "p.txt"
    small = ("-s", "M=8", "-s", "N=8", "-s", "K=8")
    slow = "memories.dram.latency_cycles=400"
    assert main(["schedule", "gemm", *small, "--hw", "toy4", "--set", slow, "-o", str(schedule)]) == 0
    assert main(["lower", str(schedule), "-o", str(program)]) == 0
    assert program.read_text(encoding="utf-8").startswith(f"machine toy4 set {slow}\n")
    assert main(["simulate", str(program), "--set", "dispatch.window=2"]) == 0
    assert "toy4 set memories.dram.latency_cycles=400 dispatch.window=2" in capsys.readouterr().out
