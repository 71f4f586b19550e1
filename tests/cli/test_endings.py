"""How the process ends: bugs, interruptions, closed pipes, missing extras, colour."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import abc
from pathlib import Path

import pytest

import isamapper
from isamapper.cli.main import main
from isamapper.registry import MissingExtra

COMMAND = [sys.executable, "-m", "isamapper"]


def test_a_bug_says_so_and_how_to_repeat_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> tuple[str, ...]:
        raise ZeroDivisionError("seven")

    monkeypatch.setattr(isamapper, "library_kernels", broken, raising=False)
    assert main(["kernel", "list", "--format", "json"]) == 70
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "internal error: ZeroDivisionError: seven" in captured.err
    assert "command: isamapper kernel list --format json" in captured.err
    assert "seed:    0" in captured.err
    assert "Traceback" not in captured.err
    details = Path(captured.err.split("details: ")[1].strip())
    assert "Traceback" in details.read_text()
    details.unlink()


def test_a_missing_extra_names_the_pip_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing() -> tuple[str, ...]:
        raise MissingExtra("strategy 'x' needs the module 'y'", name="y", install="pip install 'z[y]'")

    monkeypatch.setattr(isamapper, "library_kernels", missing, raising=False)
    assert main(["kernel", "list"]) == 4
    assert capsys.readouterr().err == "error: strategy 'x' needs the module 'y'\nhelp: pip install 'z[y]'\n"


def test_a_module_of_ours_that_is_missing_is_a_bug(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def missing() -> tuple[str, ...]:
        raise ModuleNotFoundError("No module named 'isamapper.gone'", name="isamapper.gone")

    monkeypatch.setattr(isamapper, "library_kernels", missing, raising=False)
    assert main(["kernel", "list"]) == 70
    Path(capsys.readouterr().err.split("details: ")[1].strip()).unlink()


def test_an_interruption_ends_with_130(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def interrupted() -> tuple[str, ...]:
        raise KeyboardInterrupt

    monkeypatch.setattr(isamapper, "library_kernels", interrupted, raising=False)
    assert main(["kernel", "list"]) == 130
    assert capsys.readouterr().err == "interrupted\n"


@pytest.fixture
def interruptible() -> abc.Iterator[None]:
    """SIGINT interrupts, also where the tests run in the background of a shell, which lets them ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_an_interruption_that_a_library_swallowed_ends_with_130(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def swallowed() -> tuple[str, ...]:
        try:
            signal.raise_signal(signal.SIGINT)
        except KeyboardInterrupt:
            raise ImportError("umath failed to import") from None
        return ()

    monkeypatch.setattr(isamapper, "library_kernels", swallowed, raising=False)
    assert main(["kernel", "list"]) == 130
    assert capsys.readouterr().err == "interrupted\n"
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("interruptible")
@pytest.mark.skipif(os.name == "nt", reason="signals and pipes are those of POSIX")
def test_a_real_interruption_prints_no_traceback() -> None:
    script = "import sys; from isamapper.cli.main import main; print('ready', flush=True); sys.exit(main(sys.argv[1:]))"
    process = subprocess.Popen(
        [sys.executable, "-c", script, "bench", "bad-input"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    while process.poll() is None:  # a destructor may swallow the first
        time.sleep(0.05)
        process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err


@pytest.mark.skipif(os.name == "nt", reason="signals and pipes are those of POSIX")
def test_a_closed_pipe_ends_quietly_with_141() -> None:
    process = subprocess.Popen([*COMMAND, "hw", "schema"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None and process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait(timeout=60) == 141
    process.stderr.close()


@pytest.mark.skipif(os.name == "nt", reason="signals and pipes are those of POSIX")
def test_a_message_that_nobody_reads_ends_with_141_too() -> None:
    process = subprocess.Popen([*COMMAND, "run", "gemm", "--hw", "no-such"], stderr=subprocess.PIPE)
    assert process.stderr is not None
    process.stderr.close()
    assert process.wait(timeout=60) == 141


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_completion_names_the_commands(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--print-completion", shell]) == 0
    shown = capsys.readouterr().out
    assert "plugins" in shown and "kernel" in shown


def test_completion_of_an_unknown_shell_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--print-completion", "csh"]) == 2
    assert "did you mean 'tcsh'?" in capsys.readouterr().err


class Terminal:
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("no_color", "colour"), [(None, True), ("", True), ("1", False)])
def test_colour_is_for_terminals_that_do_not_refuse_it(
    monkeypatch: pytest.MonkeyPatch, no_color: str | None, colour: bool
) -> None:
    from isamapper.cli.failures import wants_colour

    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color is not None:
        monkeypatch.setenv("NO_COLOR", no_color)
    assert wants_colour(Terminal()) == colour
    assert not wants_colour(object())
