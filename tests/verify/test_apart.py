"""A computation in a process of its own: answers, errors, crashes, and what takes too long."""

from __future__ import annotations

import os
import signal
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
