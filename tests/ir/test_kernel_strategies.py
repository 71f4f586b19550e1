"""What ``isamapper.testing.kernels`` promises: generated kernels are legal, run, and print."""

from __future__ import annotations

from hypothesis import given, settings

from isamapper.ir.interpreter import interpret
from isamapper.ir.nodes import Kernel
from isamapper.ir.parser import parse_kernel
from isamapper.ir.printer import print_kernel
from isamapper.testing.kernels import inputs_for, kernels


@given(kernels())
@settings(max_examples=60, deadline=None)
def test_generated_kernels_are_legal_and_run(kernel: Kernel) -> None:
    assert parse_kernel(print_kernel(kernel)) == kernel
    results = interpret(kernel, inputs_for(kernel))
    assert set(results) == {tensor.name for tensor in kernel.tensors if tensor.direction.value == "out"}
