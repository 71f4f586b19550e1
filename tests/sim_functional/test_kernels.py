"""Kernels of every form: the compiled engine gives the interpreter's bits, or its error."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings

from isamapper.diagnostics.source import Source, SourceError
from isamapper.frontends.library import library_kernels, load_kernel
from isamapper.ir.interpreter import interpret
from isamapper.ir.nodes import Allocate, Kernel, Loop
from isamapper.ir.parser import parse_kernel
from isamapper.ir.template import bind, parse_template
from isamapper.sim.functional import ExecutionError, evaluate
from isamapper.sim.functional.native_run import run_native
from isamapper.testing.kernels import inputs_for, kernels


def same(one: np.ndarray, other: np.ndarray) -> bool:
    return bool(np.all((one == other) | ((one != one) & (other != other))))


def unchecked(text: str) -> Kernel:
    """A kernel that the verifier has not seen."""
    return bind(parse_template(Source("<test>", text)))


def agree(kernel: Kernel, seed: int = 0) -> None:
    """Both engines give the same results, or the same error."""
    arrays = inputs_for(kernel, seed)
    try:
        expected = interpret(kernel, arrays)
    except SourceError as error:
        with pytest.raises(ExecutionError) as caught:
            evaluate(kernel, arrays)
        assert caught.value.diagnostics[0].code == error.diagnostics[0].code
        return
    got = evaluate(kernel, arrays)
    assert expected.keys() == got.keys()
    for name, array in expected.items():
        assert got[name].dtype == array.dtype
        assert same(array, got[name]), name


@given(kernels())
@settings(max_examples=40, deadline=None)
def test_random_kernels_give_the_interpreters_bits(kernel: Kernel) -> None:
    agree(kernel)


@pytest.mark.slow
@given(kernels())
@settings(max_examples=400, deadline=None)
def test_many_random_kernels_give_the_interpreters_bits(kernel: Kernel) -> None:
    agree(kernel)


@pytest.mark.parametrize("name", library_kernels())
def test_library_kernels_give_the_interpreters_bits(name: str) -> None:
    sizes = {size: min(value, 3) for size, value in load_kernel(name).sizes}
    agree(load_kernel(name, sizes=sizes))


@pytest.mark.parametrize("sizes", [(1, 1, 1), (1, 37, 5), (33, 1, 7), (19, 45, 70), (8, 16, 300), (5, 70, 1)])
@pytest.mark.parametrize("layout", ["mk kn mn", "km kn mn", "mk nk mn", "km nk nm"])
def test_products_of_every_shape_and_layout_are_exact(sizes: tuple[int, int, int], layout: str) -> None:
    extents = dict(zip("mnk", sizes, strict=True))
    left, right, result = layout.split()

    def shape(axes: str) -> str:
        return ", ".join(str(extents[axis]) for axis in axes)

    def element(axes: str) -> str:
        return ", ".join(axes)

    text = f"""kernel product(a: f32[{shape(left)}], b: f32[{shape(right)}]) -> (c: f32[{shape(result)}]) {{
      for m < {sizes[0]}, n < {sizes[1]}, k < {sizes[2]} {{
        c[{element(result)}] += a[{element(left)}] * b[{element(right)}]
      }}
    }}"""
    random = np.random.default_rng(0)
    arrays = {
        "a": random.integers(-9, 9, [extents[axis] for axis in left]).astype(np.float32),
        "b": random.integers(-9, 9, [extents[axis] for axis in right]).astype(np.float32),
    }
    expected = np.einsum(f"{left},{right}->{result}", arrays["a"], arrays["b"])
    assert np.array_equal(evaluate(parse_kernel(text), arrays)["c"], expected)


def test_floats_are_added_in_the_order_of_the_loops() -> None:
    text = "kernel total(x: f32[40, 4]) -> (y: f32[4]) { for i < 40, j < 4 { y[j] += x[i, j] } }"
    values = np.array([[1e8, 1.0, -1e8, 0.5]] * 40, np.float32)
    values[::2] *= np.float32(-0.3)
    assert same(interpret(parse_kernel(text), {"x": values})["y"], evaluate(parse_kernel(text), {"x": values})["y"])


def test_triangular_loops_guards_and_else_run_as_written() -> None:
    agree(
        parse_kernel("""kernel k(x: i32[9, 9]) -> (y: i32[9, 9]) {
          for i < 9, j < 9 {
            if i >= j { for k < 9 { if k <= j, i == 5 { y[i, j] += x[i, k] } } }
            else { y[i, j] += x[j, i] }
          }
        }""")
    )


def test_locals_declared_in_loops_start_anew() -> None:
    text = """kernel k(x: i32[5, 7]) -> (y: i32[5]) {
      local s: i32[]
      for i < 5 {
        for j < 7 { s += x[i, j] }
        y[i] = s
      }
    }"""
    kernel = parse_kernel(text)
    (loop,) = kernel.body
    assert isinstance(loop, Loop)
    local = Allocate(next(tensor for tensor in kernel.tensors if tensor.name == "s"))
    tensors = tuple(tensor for tensor in kernel.tensors if tensor.name != "s")
    inside = replace(kernel, tensors=tensors, body=(replace(loop, body=(local, *loop.body)),))
    agree(inside)
    ones = np.ones((5, 7))
    assert list(evaluate(inside, {"x": ones})["y"]) == [7] * 5
    assert list(evaluate(kernel, {"x": ones})["y"]) == [7, 14, 21, 28, 35]


def test_reading_an_element_before_it_is_written_names_it_and_the_loops() -> None:
    kernel = unchecked("""kernel k(x: i32[4]) -> (y: i32[4]) {
      local s: i32[4]
      for i < 2 { s[i] = x[i] }
      for i < 4 { y[i] = s[i] }
    }""")
    with pytest.raises(ExecutionError) as caught:
        evaluate(kernel, {"x": np.ones(4)})
    diagnostic = caught.value.diagnostics[0]
    assert diagnostic.code == "IR304"
    assert "an element of 's' is read before it is written" in diagnostic.message
    assert diagnostic.span is not None
    assert diagnostic.span.line == 4


def test_division_by_zero_is_an_error_with_its_place() -> None:
    kernel = parse_kernel("kernel k(x: i32[20], y: i32[20]) -> (z: i32[20]) { for i < 20 { z[i] = x[i] / y[i] } }")
    with pytest.raises(ExecutionError) as caught:
        evaluate(kernel, {"x": np.ones(20), "y": np.arange(20) - 7})
    assert caught.value.diagnostics[0].code == "IR305"


def test_inputs_are_checked_and_left_alone() -> None:
    kernel = parse_kernel("kernel k(x: inout f32[3]) { for i < 3 { x[i] = x[i] + 1.0 } }")
    given_array = np.zeros(3, np.float32)
    assert np.array_equal(evaluate(kernel, {"x": given_array})["x"], np.ones(3))
    assert not given_array.any()
    with pytest.raises(SourceError, match="no value is given for 'x'"):
        evaluate(kernel, {})
    with pytest.raises(SourceError, match="has shape"):
        evaluate(kernel, {"x": np.zeros(4)})


def test_the_engine_takes_every_kernel_of_the_library() -> None:
    for name in library_kernels():
        sizes = {size: min(value, 2) for size, value in load_kernel(name).sizes}
        kernel = load_kernel(name, sizes=sizes)
        assert run_native(kernel, None, inputs_for(kernel, 1), checked=False) is not None
