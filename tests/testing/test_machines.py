"""Random machines are valid, reproducible and different."""

from __future__ import annotations

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from isamapper.diagnostics.source import Source
from isamapper.hwdesc.bind import bind_instruction
from isamapper.hwdesc.classify import Work, classify
from isamapper.hwdesc.graph import routes
from isamapper.hwdesc.loader import load_machine, load_with_warnings
from isamapper.ir.printer import print_kernel
from isamapper.ir.template import bind, parse_template
from isamapper.report.machine import machine_document, machine_json
from isamapper.testing.machines import random_machine


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**9))
def test_every_random_machine_loads_without_a_warning_and_prints(seed: int) -> None:
    loaded = load_with_warnings(random_machine(Random(seed)))
    assert loaded.warnings == ()
    machine = loaded.machine
    assert routes(machine, "dram", "spad")
    assert machine_json(machine)["digest"] == machine.digest
    assert machine_document(machine)
    kinds = {classify(instruction) for instruction in machine.instructions}
    assert {Work.COPY, Work.COMPUTE} <= kinds


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**9))
def test_meanings_of_random_machines_print_and_read_back(seed: int) -> None:
    machine = load_machine(random_machine(Random(seed)))
    for instruction in machine.instructions[:6]:
        kernel = bind_instruction(instruction, {})
        again = bind(parse_template(Source("printed", print_kernel(kernel))))
        assert print_kernel(again) == print_kernel(kernel)


def test_equal_seeds_give_equal_machines() -> None:
    assert random_machine(Random(3)) == random_machine(Random(3))


def test_machines_differ() -> None:
    assert len({load_machine(random_machine(Random(seed))).digest for seed in range(30)}) > 25
