"""Tasks here, in processes, and on a Dask cluster of which a worker dies."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from isamapper.diagnostics.source import SourceError
from isamapper.registry import load
from isamapper.scheduler.campaign.executors import Here, Processes, local


def square(number: int) -> int:
    return number * number


def die_once(task: tuple[int, str]) -> int:
    """Kills its process the first time that task 3 is done."""
    number, folder = task
    marker = Path(folder) / "died"
    if number == 3 and not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def die_always(number: int) -> int:
    """Kills its process whenever task 3 is done."""
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def note(task: tuple[int, str]) -> int:
    """Writes a file of its own, so that a test can count how often each task was finished."""
    number, folder = task
    time.sleep(0.25)
    (Path(folder) / f"{number}-{os.getpid()}-{time.monotonic_ns()}").touch()
    return number


def test_in_this_process_tasks_are_done_in_order() -> None:
    assert list(Here().each(square, [3, 4, 5])) == [(0, 9), (1, 16), (2, 25)]


def test_processes_answer_every_task_once() -> None:
    assert sorted(Processes(2).each(square, range(20))) == [(n, n * n) for n in range(20)]


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX")
def test_a_killed_process_costs_nothing_but_time(tmp_path: Path) -> None:
    tasks = [(number, str(tmp_path)) for number in range(6)]
    assert sorted(Processes(2).each(die_once, tasks)) == [(n, n) for n in range(6)]
    assert (tmp_path / "died").exists()


@pytest.mark.skipif(os.name == "nt", reason="SIGKILL is POSIX")
def test_a_task_that_always_dies_costs_no_other() -> None:
    asked = Processes(2, died=lambda number: -number)
    assert sorted(asked.each(die_always, range(6))) == [(n, -n if n == 3 else n) for n in range(6)]
    with pytest.raises(RuntimeError, match="died twice"):
        list(Processes(2).each(die_always, range(6)))


def test_stopping_early_gives_up_what_has_not_begun() -> None:
    tasks = Processes(1).each(time.sleep, [0.0] + [0.2] * 50)
    began = time.monotonic()
    assert next(iter(tasks)) == (0, None)
    tasks.close()  # type: ignore[attr-defined]
    assert time.monotonic() - began < 8


def test_local_takes_no_address() -> None:
    assert isinstance(local("", 1), Here)
    assert isinstance(local("", 2), Processes)
    with pytest.raises(SourceError, match="no address"):
        local("somewhere", 1)


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and two workers of one thread each, as a user starts them."""
    pytest.importorskip("distributed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    command = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--no-dashboard"]
    processes = [_start([*command, "--port", address.partition(":")[2]], tmp_path)]
    worker = [sys.executable, "-m", "distributed.cli.dask_worker", f"tcp://{address}", "--nthreads", "1"]
    processes += [_start([*worker, "--no-dashboard", "--no-nanny"], tmp_path) for _ in range(2)]
    yield address, processes
    for process in processes:
        process.kill()
        process.wait()


def _start(command: list[str], folder: Path) -> subprocess.Popen[bytes]:
    paths = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": paths}
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.mark.slow
def test_a_dask_worker_that_dies_loses_nothing_and_nothing_is_answered_twice(
    tmp_path: Path, cluster: tuple[str, list[subprocess.Popen[bytes]]]
) -> None:
    address, processes = cluster
    make = load("executor", "dask")
    assert callable(make)
    folder = tmp_path / "done"
    folder.mkdir()
    answers: list[tuple[int, int]] = []
    for number, answer in make(address, 1).each(note, [(number, str(folder)) for number in range(16)]):
        answers.append((number, answer))
        if len(answers) == 4:
            processes[2].kill()
    assert sorted(answers) == [(n, n) for n in range(16)]
    finished = [int(path.name.partition("-")[0]) for path in folder.iterdir()]
    assert len(finished) <= 16 + 1  # only what the dead worker had finished and not handed over is done again


def test_a_cluster_that_is_not_there_is_the_users_mistake() -> None:
    pytest.importorskip("distributed")
    make = load("executor", "dask")
    assert callable(make)
    with pytest.raises(SourceError, match="needs an address"):
        make("", 1)
