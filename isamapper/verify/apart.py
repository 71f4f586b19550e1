"""A computation in a process of its own, so that a crash of a native library costs its result and nothing else.

isl, which does the integer sets, fails on rare relations with a segmentation fault that no caller can catch. What does
not belong here: what is computed (``sets_part.py``).
"""

from __future__ import annotations

import json
import os
import select
import signal
import sys
import time
import traceback
import warnings
from collections import abc

_CHUNK = 1 << 16


class Crashed(Exception):
    """The process ended without an answer."""


def apart(compute: abc.Callable[[], tuple[str, ...]], seconds: float) -> tuple[str, ...]:
    """What ``compute`` returns, from a forked process; :class:`Crashed` where it dies or takes longer than ``seconds``.

    Where the system cannot fork, it is computed here. An exception in the process is raised as RuntimeError with its
    traceback as text. Costs about ten milliseconds.
    """
    if not hasattr(os, "fork"):
        return compute()
    reader, writer = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore", DeprecationWarning
        )  # a fork beside threads: the child calls Python and isl alone
        child = os.fork()
    if child == 0:
        os.close(reader)
        _answer(compute, writer)
    os.close(writer)
    try:
        text = _read(reader, time.monotonic() + seconds)
    finally:
        os.close(reader)
        if _running(child):
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
    if not text:
        raise Crashed
    kind, *words = json.loads(text)
    if kind == "error":
        raise RuntimeError(words[0])
    return tuple(words)


def _answer(compute: abc.Callable[[], tuple[str, ...]], writer: int) -> None:
    """Computes, writes the answer and ends the process, without anything that runs at a normal end."""
    try:
        words = ["ok", *compute()]
    except BaseException:  # whatever it is, the parent shall say it
        words = ["error", traceback.format_exc()]
    try:
        with os.fdopen(writer, "w", encoding="utf-8") as stream:
            json.dump(words, stream)
    finally:  # also where nobody reads any more: what was forked must never go on as if it were its parent
        os._exit(0)


def _read(reader: int, deadline: float) -> str:
    """All that is written until the other end closes; nothing where that takes too long."""
    parts: list[bytes] = []
    while True:
        ready, _, _ = select.select([reader], [], [], max(0.0, deadline - time.monotonic()))
        if not ready:
            return ""
        part = os.read(reader, _CHUNK)
        if not part:
            return b"".join(parts).decode("utf-8")
        parts.append(part)


def _running(child: int) -> bool:
    """Whether the process is still there; one that has ended is waited for."""
    for _ in range(200):
        ended, _status = os.waitpid(child, os.WNOHANG)
        if ended:
            return False
        time.sleep(0.001)
    return True
