"""What the mapper takes, for people."""

from __future__ import annotations

from collections import abc
from typing import Any

from isamapper.report.document import Document, count, document, table


def mapping_document(answer: abc.Mapping[str, Any]) -> Document:
    """A line per case."""
    rows = [
        (
            row["case"],
            count(row["statements"]),
            count(row["instructions"]),
            count(row["mappings"]),
            "-" if row["matches"] is None else f"{count(row['enumerations'])} for {count(row['matches'])}",
            f"{1000 * row['processor_seconds']:.1f} ms",
            "-" if row["peak_bytes"] is None else f"{count(row['peak_bytes'])} bytes",
        )
        for row in answer["rows"]
    ]
    names = ("case", "statements", "instructions", "mappings", "enumerations", "time", "peak memory")
    return document(table(names, rows))
