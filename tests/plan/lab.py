"""A machine for tests with a bit of everything: fixed and narrowed lanes, wide copies, refills, fills, fused drains."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from isamapper.diagnostics.source import Source
from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Machine


@cache
def lab() -> Machine:
    return load_machine(Source("lab.yaml", (Path(__file__).parent / "lab.yaml").read_text(encoding="utf-8")))
