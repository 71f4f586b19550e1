"""Measured results in a SQLite file: what was measured once is not measured again, whenever the process dies.

Rules of this file:
- one process writes a store at a time per key, any number read it (write-ahead log); every result is its own
  transaction, so a kill loses at most the one being written;
- a key is the sha256 of what was asked for; the same key is stored once, whoever comes second is ignored;
- tasks and answers are JSON objects; nothing in the file is code.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from collections import abc
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from isamapper.diagnostics.source import Diagnostic, SourceError

FORMAT = 1
_TABLES = """
CREATE TABLE IF NOT EXISTS results (
  key TEXT PRIMARY KEY,
  task TEXT NOT NULL,
  answer TEXT NOT NULL,
  stored_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
) WITHOUT ROWID;
"""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Stored:
    """One result: what was asked for and what came out."""

    key: str
    task: Json
    answer: Json


def key_of(*parts: object) -> str:
    """The sha256 of JSON values, independent of the order of their keys."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def default_path() -> Path:
    """``results.sqlite`` in the user's data folder (XDG base directories; ``%LOCALAPPDATA%`` on Windows)."""
    home = os.environ.get("LOCALAPPDATA" if os.name == "nt" else "XDG_DATA_HOME")
    return (Path(home) if home else Path.home() / ".local" / "share") / "isamapper" / "results.sqlite"


class Store:
    """A store at ``path``, made where there is none; SourceError SCH050 where the file is something else."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(path, timeout=60)
            self._open()
        except (OSError, sqlite3.Error) as error:
            message = f"cannot use '{path}' as a store of results: {error}"
            raise SourceError(Diagnostic("SCH050", message, help="give '--store' another path")) from None

    def _open(self) -> None:
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=NORMAL")
        version = self._connection.execute("PRAGMA user_version").fetchone()[0]
        if version not in (0, FORMAT):
            raise sqlite3.DatabaseError(f"its format is {version}, this program writes {FORMAT}")
        with self._connection:
            self._connection.executescript(_TABLES)
            self._connection.execute(f"PRAGMA user_version={FORMAT}")

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._connection.close()

    def get(self, key: str) -> Json | None:
        """The answer stored under ``key``, None where there is none."""
        row = self._connection.execute("SELECT answer FROM results WHERE key = ?", (key,)).fetchone()
        return None if row is None else _object(row[0])

    def put(self, key: str, task: Json, answer: Json) -> bool:
        """Stores an answer for good; false where the key was there already, which then stays as it is."""
        with self._connection:
            cursor = self._connection.execute(
                "INSERT OR IGNORE INTO results (key, task, answer) VALUES (?, ?, ?)",
                (key, json.dumps(task, sort_keys=True), json.dumps(answer)),
            )
        return cursor.rowcount == 1

    def all(self) -> abc.Iterator[Stored]:
        """Everything stored, in the order of the keys."""
        for key, task, answer in self._connection.execute("SELECT key, task, answer FROM results ORDER BY key"):
            yield Stored(key, _object(task), _object(answer))

    def __len__(self) -> int:
        return int(self._connection.execute("SELECT count(*) FROM results").fetchone()[0])


def _object(text: str) -> Json:
    value: Json = json.loads(text)
    return value
