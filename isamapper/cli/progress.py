"""What takes long says so: on stderr, only where that is a terminal, and only after two seconds."""

from __future__ import annotations

import sys
import threading
import time
from types import TracebackType
from typing import TextIO

PATIENCE_SECONDS = 2.0
REFRESH_SECONDS = 0.2
_CLEAR = "\r\x1b[K"


class Progress:
    """A line on the terminal while the ``with`` block lasts; calling it says what is being done and how far it is.

    ``total`` of None is for work whose length is not known: the line then counts seconds instead of what is left.
    What is done when a stage begins, as its first call says, was done before and counts for no rate. ``found`` is what
    came out so far.
    """

    def __init__(self, stream: TextIO | None = None, patience_seconds: float = PATIENCE_SECONDS) -> None:
        self._stream = stream or sys.stderr
        self._patience = patience_seconds
        self._state: tuple[str, int, int | None, str] = ("working", 0, None, "")
        self._before = 0
        self._began = self._stage_began = time.monotonic()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def __call__(self, what: str, done: int = 0, total: int | None = None, found: str = "") -> None:
        if what != self._state[0]:
            self._stage_began, self._before = time.monotonic(), done
        self._state = (what, done, total, found)

    def __enter__(self) -> Progress:
        if self._stream.isatty():
            self._thread = threading.Thread(target=self._draw, daemon=True)
            self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop.set()
        if self._thread is not None:
            self._thread.join()

    def _draw(self) -> None:
        shown = False
        if not self._stop.wait(self._patience):
            shown = True
            while True:
                self._stream.write(_CLEAR + self._line())
                self._stream.flush()
                if self._stop.wait(REFRESH_SECONDS):
                    break
        if shown:
            self._stream.write(_CLEAR)
            self._stream.flush()

    def _line(self) -> str:
        (what, done, total, found), now = self._state, time.monotonic()
        line = progress_line(what, done, total, now - self._began, now - self._stage_began, self._before)
        return f"{line}; {found}" if found else line


def progress_line(
    what: str, done: int, total: int | None, seconds: float, stage_seconds: float, before: int = 0
) -> str:
    """``what`` with rate and time left where they can be known, else the seconds since the start."""
    if total is None or done <= before or stage_seconds <= 0:
        counted = f" {done}/{total}" if total is not None else ""
        return f"{what}{counted}, {seconds:.0f} s"
    rate = (done - before) / stage_seconds
    return f"{what} {done}/{total}, {rate:.3g}/s, {(total - done) / rate:.0f} s left"
