"""The command line's manners: help, exit codes, located mistakes, quiet imports."""

from __future__ import annotations

import subprocess
import sys

import pytest

from isamapper.cli.main import COMMANDS, build_parser, main

HEAVY = ("numpy", "pydantic", "ortools", "sympy", "networkx", "islpy", "llvmlite", "lark", "rich", "yaml", "shtab")


def modules_after(code: str) -> set[str]:
    script = (
        f"import contextlib, io, sys\nwith contextlib.redirect_stdout(io.StringIO()):\n    {code}\nprint(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_loads_no_heavy_library() -> None:
    assert not modules_after("import isamapper").intersection(HEAVY)


def test_help_loads_no_heavy_library() -> None:
    code = "from isamapper.cli.main import main; assert main(['--help']) == 0"
    assert not modules_after(code).intersection(HEAVY)


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_the_help_of_a_command_loads_no_heavy_library(command: str) -> None:
    code = f"from isamapper.cli.main import main; assert main(['{command}', '--help']) == 0"
    assert not modules_after(code).intersection(HEAVY)


def test_help_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(command in shown for command in COMMANDS)


def test_no_command_prints_the_help_on_stderr_and_exits_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "usage: isamapper" in captured.err


def test_an_unknown_command_is_shown_where_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kernl", "list"]) == 2
    assert capsys.readouterr().err == (
        "error[CLI001]: unknown command 'kernl'\n"
        " --> command line:1:11\n"
        "  |\n"
        "1 | isamapper kernl list\n"
        "  |           ^^^^^\n"
        "help: did you mean 'kernel'?\n"
    )


def test_an_unknown_option_is_shown_where_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kernel", "list", "--formt", "json"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error[CLI002]: unexpected argument '--formt'\n --> command line:1:23\n")


def test_a_misspelt_option_is_named_before_the_one_that_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", "gemm", "--hv", "toy4"]) == 2
    error = capsys.readouterr().err
    assert "error[CLI002]: unexpected argument '--hv'" in error and "did you mean '--hw'?" in error


def test_a_missing_argument_points_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kernel", "show"]) == 2
    assert "error[CLI003]: missing KERNEL\n --> command line:1:22\n" in capsys.readouterr().err


def test_a_size_that_is_no_integer_is_shown_where_it_stands(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kernel", "show", "gemm", "-s", "M=x"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error[CLI006]: size 'M' must be an integer from 0, found 'x'\n --> command line:1:31\n")


def test_a_size_given_twice_is_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["kernel", "show", "gemm", "-s", "M=4", "-s", "N=1,M=8"]) == 2
    assert "error[CLI007]: size 'M' is given twice" in capsys.readouterr().err


def test_every_command_has_a_description_and_known_options() -> None:
    _, commands = build_parser()
    assert set(commands) == set(COMMANDS)
