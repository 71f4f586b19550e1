"""What a machine demands of a program: every invocation fits its instruction, every tensor has its place.

Rules of this file:
- a rule yields one diagnostic per finding and is exact over the loops and guards around an invocation;
- programs made by hand are judged as those made by ``lower``; what needs no machine is ``ir/verifier.py``.

What does not belong here: rules about windows (``check_window.py``) and about memories (``check_space.py``).
"""

from __future__ import annotations

from collections import abc

from isamapper.diagnostics.source import Diagnostic
from isamapper.hwdesc.model import Instruction, Machine, ParameterRange
from isamapper.ir.nodes import Direction, Invoke, Role, Tensor
from isamapper.ir.print_expression import print_extent
from isamapper.ir.walk import Place, walk
from isamapper.plan.check_cores import misdistributed
from isamapper.plan.check_space import misplaced
from isamapper.plan.check_window import misfits
from isamapper.plan.domain import Domain
from isamapper.plan.program import Program


def check_program(program: Program) -> tuple[Diagnostic, ...]:
    """Everything that keeps ``program`` from running on its machine, in textual order; empty where it fits."""
    found = [*_border(program), *misplaced(program.body, program.machine)]
    found += misdistributed(program.body, program.machine)
    for node, place in walk(program.body):
        if isinstance(node, Invoke):
            found.extend(_invocation(node, place, program.machine))
    return tuple(dict.fromkeys(found))


def _border(program: Program) -> abc.Iterator[Diagnostic]:
    """The program takes and gives what its kernel does."""
    own = {tensor.name: tensor for tensor in program.body.tensors if tensor.direction is not Direction.LOCAL}
    for tensor in program.kernel.tensors:
        if tensor.direction is not Direction.LOCAL:
            placed = own.pop(tensor.name, None)
            if placed is None:
                message = f"the program has no '{tensor.name}', which its kernel has"
                yield Diagnostic("SCH114", message, program.body.span)
            elif (placed.dtype, placed.shape, placed.direction) != (tensor.dtype, tensor.shape, tensor.direction):
                found = f"{placed.direction.value} {placed.dtype}{list(placed.shape)}"
                wanted = f"{tensor.direction.value} {tensor.dtype}{list(tensor.shape)}"
                yield Diagnostic("SCH114", f"'{tensor.name}' is {found}, in the kernel {wanted}", placed.span)
            elif placed.role is Role.CONST and tensor.role is not Role.CONST:
                yield Diagnostic("SCH114", f"'{tensor.name}' is const, in the kernel it is not", placed.span)
    for name, tensor in own.items():
        yield Diagnostic("SCH114", f"'{name}' is no parameter or result of the kernel", tensor.span)


def _invocation(invoke: Invoke, place: Place, machine: Machine) -> abc.Iterator[Diagnostic]:
    instruction = next((known for known in machine.instructions if known.name == invoke.instruction), None)
    if instruction is None:
        message = f"machine '{machine.name}' has no instruction '{invoke.instruction}'"
        yield Diagnostic("SCH101", message, invoke.span)
        return
    found = (*_operands(invoke, instruction), *_parameters(invoke, instruction, Domain(place)))
    if found:
        yield from found
        return
    for name, window in invoke.windows:
        tensor = _declared(place, window.tensor)
        if tensor is None:
            yield Diagnostic("SCH102", f"tensor '{window.tensor}' is not declared here", window.span or invoke.span)
        else:
            yield from misfits(invoke, instruction, machine, name, tensor, Domain(place))


def _declared(place: Place, name: str) -> Tensor | None:
    declaration = place.declaration(name)
    return declaration.tensor if declaration else None


def _operands(invoke: Invoke, instruction: Instruction) -> abc.Iterator[Diagnostic]:
    """Every operand has one window."""
    given = [name for name, _ in invoke.windows]
    wanted = [operand.name for operand in instruction.operands]
    if sorted(given) != sorted(wanted):
        message = f"'{instruction.name}' has operands {_names(wanted)}, found {_names(given)}"
        yield Diagnostic("SCH102", message, invoke.span)


def _names(names: list[str]) -> str:
    return ", ".join(f"'{name}'" for name in names) or "none"


def _parameters(invoke: Invoke, instruction: Instruction, domain: Domain) -> abc.Iterator[Diagnostic]:
    """Every parameter takes one of its values, wherever the invocation is executed."""
    known = {parameter.name: parameter for parameter in instruction.parameters}
    for name, value in invoke.parameters:
        if name not in known:
            help = f"it has {_names(list(known))}"
            yield Diagnostic("SCH103", f"'{instruction.name}' has no parameter '{name}'", invoke.span, help)
            continue
        allowed = known[name]
        outside = domain.ever_less(value, allowed.low) or domain.ever_more(value, allowed.high)
        if outside or domain.ever_remains(value, allowed.step, allowed.low):
            message = f"'{name} = {print_extent(value)}' of '{instruction.name}' leaves {_range(allowed)}"
            yield Diagnostic("SCH103", message, invoke.span)


def _range(parameter: ParameterRange) -> str:
    step = f" step {parameter.step}" if parameter.step != 1 else ""
    return f"{parameter.low}..{parameter.high}{step}"
