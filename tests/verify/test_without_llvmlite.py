"""Where llvmlite is not installed everything works on small programs, one scalar at a time."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from isamapper.ir.nodes import Direction
from isamapper.sim.functional.compiled import compile_body
from isamapper.verify.certificate import Status
from isamapper.verify.large_field import LargeField
from isamapper.verify.plain_field import PlainField, plain_field_part
from isamapper.verify.plainly import execute_plainly
from tests.verify import faults, small_programs

SCRIPT = """
import sys
sys.modules["llvmlite"] = None
from tests.verify import small_programs
from isamapper.verify.verifier import verify
certificate = verify(small_programs.scan())
assert certificate.ok, certificate
print(certificate.part("prime_fields").status.value, certificate.part("true_types").status.value)
"""


def test_verify_runs_without_llvmlite() -> None:
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", SCRIPT], cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["passed", "passed"]


@pytest.mark.parametrize("name", ["gemm", "quantised", "scan"])
def test_small_programs_pass(name: str) -> None:
    part, probability = plain_field_part(small_programs.PROGRAMS[name](), 0, "no reason")
    assert part.status is Status.PASSED
    assert probability is not None
    assert probability < 1e-12


def test_a_fault_is_found() -> None:
    program = small_programs.quantised()
    wrong = replace(program, body=faults.dropped("relu")(program.body))
    part, _ = plain_field_part(wrong, 0, "no reason")
    assert part.status is Status.FAILED
    assert part.difference is not None
    assert part.difference.tensor == "y"


def test_a_large_program_is_not_run_and_says_why() -> None:
    program = small_programs.gemm()
    large = replace(program, kernel=replace(program.kernel, body=program.kernel.body * 5000))
    part, _ = plain_field_part(large, 0, "llvmlite is not installed")
    assert part.status is Status.NOT_RUN
    assert part.detail == "llvmlite is not installed, and the program is too large to do without"


@pytest.mark.parametrize("name", ["gemm", "scan"])
def test_both_engines_give_the_same_residues_where_nothing_is_random(name: str) -> None:
    program = small_programs.PROGRAMS[name]()
    field, random = LargeField(), np.random.default_rng(0)
    given = [t for t in program.kernel.tensors if t.direction is Direction.IN]
    stored = {tensor.name: field.random_inputs(random, tensor.shape) for tensor in given}
    compiled = compile_body(program.body, program.machine, field).run(stored).named
    plain = execute_plainly(
        program.body, program.machine, PlainField(0), {n: array.astype(object) for n, array in stored.items()}
    )
    for result, values in plain.items():
        assert np.array_equal(values.astype(np.int64), compiled[result])
