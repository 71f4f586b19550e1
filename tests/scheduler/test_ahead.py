"""Register loads an iteration ahead: the same values, and only where it is faster."""

from __future__ import annotations

from dataclasses import replace

from isamapper.costmodels.simulated import Simulated
from isamapper.frontends.library import load_kernel
from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Machine, MemoryKind
from isamapper.ir.types import DTYPES
from isamapper.plan.nest import Buffer, Nest
from isamapper.plan.protocols import SearchProblem
from isamapper.plan.steps import replay, steps_of
from isamapper.scheduler.improving.ahead import has_slots, loaded_ahead
from isamapper.scheduler.strategies.heuristic import heuristic
from tests.scheduler.problems import assert_computes

TYPES = dict.fromkeys(("TA", "TB", "TC"), DTYPES["f32"])


def test_what_is_faster_is_taken_and_computes_the_same() -> None:
    kernel, machine = load_kernel("gemm", {"M": 4, "N": 32, "K": 6}, TYPES), load_machine("rvv")
    *_, found = heuristic(SearchProblem(kernel, machine), Simulated(), budget_seconds=None, seed=0)
    (nest,) = replay(found.schedule)
    plain = replace(nest, buffers=tuple(_plain(machine, each) for each in nest.buffers))

    def fewer(other: Nest) -> float:
        return float(not any(buffer.prefetch for buffer in other.buffers))

    ahead = loaded_ahead(machine, plain, fewer)
    assert any(buffer.prefetch for buffer in ahead.buffers)
    assert_computes(replace(found.schedule, steps=tuple(steps_of(ahead))))
    assert loaded_ahead(machine, plain, lambda _: 1.0) is plain
    assert loaded_ahead(machine, plain, lambda _: None) is plain


def _plain(machine: Machine, buffer: Buffer) -> Buffer:
    registers = machine.memory(buffer.memory).kind is MemoryKind.REGISTERS
    return replace(buffer, prefetch=False, spread=()) if registers and buffer.access else buffer


def test_renamed_registers_need_no_slots() -> None:
    assert has_slots(load_machine("rvv"))
    assert not has_slots(load_machine("avx2"))
