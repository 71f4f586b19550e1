"""Results in a SQLite file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from isamapper.diagnostics.source import SourceError
from isamapper.scheduler.campaign.store import Store, key_of


def test_what_is_stored_is_read_back_by_another_opening(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "results.sqlite"
    with Store(path) as store:
        assert store.get("k") is None
        assert store.put("k", {"kernel": "gemm"}, {"cycles": 7})
    with Store(path) as store:
        assert store.get("k") == {"cycles": 7}
        assert [(each.key, each.task, each.answer) for each in store.all()] == [
            ("k", {"kernel": "gemm"}, {"cycles": 7})
        ]


def test_the_first_answer_to_a_key_stays(tmp_path: Path) -> None:
    with Store(tmp_path / "s") as store:
        assert store.put("k", {}, {"cycles": 7})
        assert not store.put("k", {}, {"cycles": 8})
        assert store.get("k") == {"cycles": 7}
        assert len(store) == 1


def test_keys_depend_on_values_not_on_the_order_of_names() -> None:
    assert key_of({"a": 1, "b": 2}) == key_of({"b": 2, "a": 1})
    assert key_of({"a": 1}) != key_of({"a": 2})
    assert key_of("a", "b") != key_of("ab", "")


def test_a_killed_writer_loses_nothing_that_was_stored(tmp_path: Path) -> None:
    script = f"""
import os, signal
from pathlib import Path
from isamapper.scheduler.campaign.store import Store
store = Store(Path({str(tmp_path / "s")!r}))
for number in range(50):
    store.put(str(number), {{}}, {{"cycles": number}})
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == -9
    with Store(tmp_path / "s") as store:
        assert len(store) == 50


@pytest.mark.parametrize("content", [b"this is no database" * 99, b"\x00" * 5000])
def test_another_file_is_not_taken_for_a_store(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "notes.txt"
    path.write_bytes(content)
    with pytest.raises(SourceError) as caught:
        Store(path)
    assert caught.value.diagnostics[0].code == "SCH050"
    assert path.read_bytes() == content


def test_a_store_of_another_format_is_refused(tmp_path: Path) -> None:
    with Store(tmp_path / "s") as store:
        store._connection.execute("PRAGMA user_version=99")
    with pytest.raises(SourceError, match="format is 99"):
        Store(tmp_path / "s")


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    with pytest.raises(SourceError):
        Store(tmp_path)
