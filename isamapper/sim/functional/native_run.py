"""Running a body on true data types through the compiled engine: conversions, checks, errors."""

from __future__ import annotations

from collections import abc

from isamapper.hwdesc.model import Machine
from isamapper.ir.nodes import Direction, Kernel
from isamapper.ir.numeric import cast_array
from isamapper.ir.types import DType
from isamapper.sim.functional.code import Failure
from isamapper.sim.functional.compiled import Array, Stop, compile_body
from isamapper.sim.functional.definedness import Definedness
from isamapper.sim.functional.errors import ExecutionError, execution_error
from isamapper.sim.functional.invocations import NotCompiled
from isamapper.sim.functional.native import Native

NATIVE, DEFINEDNESS = Native(), Definedness()

_CODES = {
    Failure.OUTSIDE: ("IR303", "'{}' has no such element"),
    Failure.UNDEFINED: ("IR304", "an element of '{}' is read before it is written"),
    Failure.ZERO_DIVISOR: ("IR305", "integer division by zero"),
    Failure.WINDOW: ("IR306", "the window of operand '{}' leaves its tensor"),
    Failure.PARAMETER: ("IR308", "a parameter has a value that the instruction does not have"),
    Failure.SHAPE: ("IR308", "the window of operand '{}' has not the operand's shape"),
}


def run_native(
    body: Kernel, machine: Machine | None, inputs: abc.Mapping[str, Array], *, checked: bool
) -> dict[str, Array] | None:
    """The results by name; None where the body is of a form that is not compiled. ``inputs`` are complete."""
    try:
        if checked:
            check_defined(body, machine)
        compiled = compile_body(body, machine, NATIVE)
    except NotCompiled:
        return None
    stored = {name: values.astype(NATIVE.storage(_dtype(body, name))) for name, values in inputs.items()}
    result = compiled.run(stored)
    if result.stop is not None:
        raise stop_error(result.stop)
    results = (t for t in body.tensors if t.direction in (Direction.OUT, Direction.INOUT))
    return {tensor.name: cast_array(result.named[tensor.name], tensor.dtype) for tensor in results}


def check_defined(body: Kernel, machine: Machine | None) -> dict[str, Array]:
    """Raises where an undefined element is read; else which elements of each tensor are left undefined (1)."""
    compiled = compile_body(body, machine, DEFINEDNESS)
    given = {tensor.name: DEFINEDNESS.all_defined(tensor.shape) for tensor in body.tensors}
    result = compiled.run(given)
    if result.stop is not None:
        again = compile_body(body, machine, Definedness(precise=True)).run(given)
        raise stop_error(again.stop or result.stop)
    return result.named


def _dtype(body: Kernel, name: str) -> DType:
    return next(tensor.dtype for tensor in body.tensors if tensor.name == name)


def stop_error(stop: Stop) -> ExecutionError:
    """What stopped a run, as an error of the program."""
    code, message = _CODES[stop.failure]
    places = [(site.what, point, getattr(site.node, "span", None)) for site, point in stop.places]
    subjects = [site.subject for site, _ in stop.places if site.subject]
    return execution_error(code, message.format(*subjects[:1] or [""]), places)
