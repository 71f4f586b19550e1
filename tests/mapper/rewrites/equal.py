"""Whether two kernels compute the same, by the interpreter on random integers."""

from __future__ import annotations

import numpy

from isamapper.ir.interpreter import interpret
from isamapper.ir.nodes import Direction, Kernel
from isamapper.ir.numeric import numpy_dtype
from isamapper.ir.parser import parse_kernel
from isamapper.ir.printer import print_kernel
from isamapper.ir.verifier import check_kernel


def assert_equal(one: Kernel, other: Kernel, *, exact: bool = True) -> None:
    """Same results on the same inputs; the second kernel is well formed and prints as text that reads back."""
    check_kernel(other)
    assert parse_kernel(print_kernel(other)) == other
    generator = numpy.random.default_rng(0)
    inputs = {
        tensor.name: generator.integers(-3, 4, tensor.shape).astype(numpy_dtype(tensor.dtype))
        for tensor in one.tensors
        if tensor.direction in (Direction.IN, Direction.INOUT)
    }
    wanted, found = interpret(one, dict(inputs)), interpret(other, dict(inputs))
    assert wanted.keys() == found.keys()
    for name, value in wanted.items():
        if exact:
            numpy.testing.assert_array_equal(found[name], value)
        else:
            numpy.testing.assert_allclose(found[name], value, rtol=1e-5)
