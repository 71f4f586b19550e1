"""The machines that come with the package."""

from __future__ import annotations

import re
from math import prod

import numpy as np
import pytest

from isamapper.hwdesc.bind import bind_instruction, controls, timing
from isamapper.hwdesc.classify import Work, classify, moves, tensor_of
from isamapper.hwdesc.files import MACHINES
from isamapper.hwdesc.graph import routes
from isamapper.hwdesc.loader import builtin_machines, load_machine, load_with_warnings
from isamapper.hwdesc.model import Instruction, Machine, MemoryKind
from isamapper.ir.analysis import statements
from isamapper.ir.interpreter import interpret
from isamapper.ir.nodes import Direction, Kernel
from isamapper.ir.numeric import numpy_dtype

NAMES = builtin_machines()


def _adds_instructions(name: str) -> bool:
    """Whether a machine has instructions of its own: those of a base are tested there."""
    text = (MACHINES / f"{name}.yaml").read_text("utf-8")
    return "\nbase:" not in text or "\ninstructions:" in text


SETS = tuple(filter(_adds_instructions, NAMES))
MOST_POINTS = 10_000


def small_parameters(instruction: Instruction) -> dict[str, int]:
    """Small values, not all alike, each within its range."""
    return {
        each.name: min(each.high, each.low + each.step * (2 + index))
        for index, each in enumerate(instruction.parameters)
    }


def points(kernel: Kernel) -> int:
    """How many statement instances the interpreter goes through."""
    return sum(prod(each.extent for each in statement.iterators) for statement in statements(kernel))


def smallest(instruction: Instruction) -> Kernel:
    """The meaning at small parameters, at the least ones where that is much work."""
    kernel = bind_instruction(instruction, small_parameters(instruction))
    if points(kernel) > MOST_POINTS:
        return bind_instruction(instruction, {each.name: each.low for each in instruction.parameters})
    return kernel


def test_the_machines_of_the_issue_are_there() -> None:
    assert {"avx512", "gemmini16", "gemmini16_f32", "toy4", "vta"} <= set(NAMES)
    assert {"avx2", "amx", "neon", "sve", "sme", "rvv", "nvidia_mma", "ascend_cube", "tpu_like"} <= set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_loads_without_a_warning(name: str) -> None:
    loaded = load_with_warnings(name)
    assert loaded.warnings == ()
    assert loaded.machine.name == name


@pytest.mark.parametrize("name", SETS)
def test_every_instruction_has_a_meaning_that_runs(name: str) -> None:
    generator = np.random.default_rng(0)
    for instruction in load_machine(name).instructions:
        occupies, latency = timing(instruction, small_parameters(instruction))
        assert occupies >= 1 and latency >= 0
        kernel = smallest(instruction)
        if points(kernel) > MOST_POINTS:
            continue  # fixed shapes that the interpreter takes minutes for; runs of whole kernels execute them
        given = {
            tensor.name: generator.integers(1, 5, tensor.shape).astype(numpy_dtype(tensor.dtype))
            for tensor in kernel.tensors
            if tensor.direction in (Direction.IN, Direction.INOUT)
        }
        results = interpret(kernel, given)
        assert results, instruction.name


@pytest.mark.parametrize("name", NAMES)
def test_every_number_has_a_source(name: str) -> None:
    machine = load_machine(name)
    assert machine.source
    if "made up" not in machine.source:
        parts = (*machine.memories, *machine.units, *machine.instructions)
        assert [part.name for part in parts if not part.source] == []


def computed(machine: Machine) -> set[str]:
    """Memories that some computing instruction writes."""
    return {
        memory
        for instruction in machine.instructions
        if classify(instruction) is Work.COMPUTE
        for operand in instruction.operands
        if tensor_of(instruction, operand.name).direction is not Direction.IN
        for memory in operand.memories
    }


@pytest.mark.parametrize("name", NAMES)
def test_every_memory_is_reached_from_the_host_and_back(name: str) -> None:
    machine = load_machine(name)
    homes = {memory.name for memory in machine.memories if memory.kind is MemoryKind.HOST}
    assert homes
    for move in moves(machine):
        assert any(routes(machine, home, move.from_memory) for home in homes) or move.from_memory in computed(machine)


@pytest.mark.parametrize("name", NAMES)
def test_each_has_a_page_or_a_heading_on_one(name: str, request: pytest.FixtureRequest) -> None:
    pages = (request.config.rootpath / "docs" / "machines").glob("*.md")
    headings = [line for page in pages for line in page.read_text("utf-8").splitlines() if line.startswith("#")]
    assert any(name in re.findall(r"\w+", heading) for heading in headings)


def test_gemmini_products_are_at_most_256_a_cycle_and_new_weights_every_16_cycles() -> None:
    machine = load_machine("gemmini16")
    full = {"m": 16, "k": 16, "n": 16}
    assert timing(machine.instruction("compute"), full)[0] == 16
    assert timing(machine.instruction("preload"), {"k": 16, "n": 16})[0] == 16
    assert machine.memory("weights").rows == 2
    assert timing(machine.instruction("compute"), {"m": 1})[0] == 4


def test_gemmini_narrow_tiles_follow_parameters() -> None:
    compute = load_machine("gemmini16").instruction("compute")
    assert dict(controls(compute)) == {"i": ("m", 1), "j": ("n", 1), "p": ("k", 1)}
    kernel = bind_instruction(compute, {"m": 3, "k": 2, "n": 5})
    assert {tensor.name: tensor.shape for tensor in kernel.tensors} == {"a": (3, 2), "w": (2, 5), "c": (3, 5)}


def test_chains_on_one_accumulator_are_not_hidden_on_the_cpu() -> None:
    machine = load_machine("avx512")
    for name in ("vfmadd231ps", "vfmadd231ps.broadcast", "vpdpbusd"):
        assert not any(operand.accumulates for operand in machine.instruction(name).operands)
    assert timing(machine.instruction("vfmadd231ps"), {}) == (1, 4)
    assert machine.unit("vector").count == 2


def test_vnni_multiplies_bytes_four_by_four() -> None:
    kernel = bind_instruction(load_machine("avx512").instruction("vpdpbusd"), {"n": 16})
    generator = np.random.default_rng(1)
    a = generator.integers(0, 256, (16, 4)).astype(np.uint8)
    b = generator.integers(-128, 128, (16, 4)).astype(np.int8)
    c = generator.integers(-1000, 1000, 16).astype(np.int32)
    expected = c + (a.astype(np.int32) * b.astype(np.int32)).sum(axis=1)
    np.testing.assert_array_equal(interpret(kernel, {"a": a, "b": b, "c": c})["c"], expected)


def test_vta_multiplies_with_weights_output_channel_first() -> None:
    kernel = bind_instruction(load_machine("vta").instruction("gemm"), {"m": 3})
    generator = np.random.default_rng(2)
    a = generator.integers(-128, 128, (3, 16)).astype(np.int8)
    w = generator.integers(-128, 128, (16, 16)).astype(np.int8)
    c = np.zeros((3, 16), np.int32)
    expected = a.astype(np.int32) @ w.astype(np.int32).T
    np.testing.assert_array_equal(interpret(kernel, {"a": a, "w": w, "c": c})["c"], expected)


def test_requantisation_of_gemmini_rounds_halves_to_even_and_saturates() -> None:
    kernel = bind_instruction(load_machine("gemmini16").instruction("mvout_i8"), {"r": 1, "c": 6, "s": 2})
    given = {"src": np.array([[2, 6, -2, 10, 4000, -4000]], np.int32)}
    np.testing.assert_array_equal(interpret(kernel, given)["dst"], [[0, 2, 0, 2, 127, -128]])


def test_a_copy_is_known_by_what_it_does() -> None:
    machine = load_machine("gemmini16")
    work = {instruction.name: classify(instruction) for instruction in machine.instructions}
    assert work["mvin"] is work["preload"] is work["preload_transposed"] is Work.COPY
    assert work["mvin_zero"] is work["host_lowest.i8"] is Work.FILL
    assert work["compute"] is work["mvout_i8"] is work["mvin_acc_i8"] is Work.COMPUTE
