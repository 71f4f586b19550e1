"""Whether somebody asked the process to stop, also where a library made another exception of the interruption.

Extension modules that import others while they are loaded turn a KeyboardInterrupt into an ImportError.
"""

from __future__ import annotations

import contextlib
import signal
from collections import abc
from types import FrameType

_asked = False


def asked() -> bool:
    """Whether an interruption came since the outermost ``noticed`` began."""
    return _asked


@contextlib.contextmanager
def noticed() -> abc.Iterator[None]:
    """Notices interruptions while it lasts; does nothing inside itself, in threads, or where a caller has a handler."""
    global _asked
    if signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    _asked = False
    try:
        signal.signal(signal.SIGINT, _notice)
    except ValueError:  # not the main thread
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _notice(number: int, frame: FrameType | None) -> None:
    global _asked
    _asked = True
    signal.default_int_handler(number, frame)
