"""A computation in a process of its own: answers, errors, crashes, and what takes too long."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from isamapper.verify.apart import Crashed, apart


def test_the_answer_comes_back() -> None:
    assert apart(lambda: ("proved", "ä" * 100_000), 10.0) == ("proved", "ä" * 100_000)


def test_a_crash_costs_the_answer_alone() -> None:
    def crash() -> tuple[str, ...]:
        os.kill(os.getpid(), signal.SIGKILL)
        return ()

    with pytest.raises(Crashed):
        apart(crash, 10.0)


def test_an_exception_is_told_with_its_traceback() -> None:
    def fail() -> tuple[str, ...]:
        raise ValueError("seven")

    with pytest.raises(RuntimeError, match="ValueError: seven"):
        apart(fail, 10.0)


def test_what_takes_too_long_is_ended() -> None:
    def sleep() -> tuple[str, ...]:
        time.sleep(60)
        return ()

    start = time.monotonic()
    with pytest.raises(Crashed):
        apart(sleep, 0.2)
    assert time.monotonic() - start < 30


def test_nothing_goes_on_where_nobody_reads_the_answer_any_more() -> None:
    orphan = (
        "import os, signal, time\n"
        "from isamapper.verify.apart import apart\n"
        "def compute():\n"
        "    os.kill(os.getppid(), signal.SIGKILL)\n"
        "    time.sleep(0.1)\n"
        "    return ('ok',)\n"
        "try:\n"
        "    apart(compute, 10.0)\n"
        "except OSError:\n"
        "    time.sleep(60)\n"
    )
    started = subprocess.Popen([sys.executable, "-c", orphan], start_new_session=True)
    assert started.wait() == -signal.SIGKILL
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.killpg(started.pid, 0)
        except ProcessLookupError:
            return
        time.sleep(0.05)
    os.killpg(started.pid, signal.SIGKILL)
    pytest.fail("the forked process was still there")
