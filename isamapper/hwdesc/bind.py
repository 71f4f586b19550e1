"""An instruction at given parameter values: its kernel and its cycles, and which loop each parameter sets."""

from __future__ import annotations

from collections import abc
from dataclasses import replace
from functools import lru_cache

from isamapper.hwdesc.model import Instruction, ParameterRange
from isamapper.ir.fold import fold_block
from isamapper.ir.nodes import Guard, Kernel, Loop, Node
from isamapper.ir.sizes import SizeBinary, SizeConstant, SizeExpression, SizeName, SizeOp, evaluate_size
from isamapper.ir.template import bind, iterator_extent


def bind_instruction(instruction: Instruction, parameters: abc.Mapping[str, int]) -> Kernel:
    """The meaning of ``instruction`` at ``parameters``; those not named take their greatest value.

    Constant parts of its expressions are computed. A value outside its range is our mistake (ValueError): programs are
    checked before.
    """
    values = complete_parameters(instruction, parameters)
    for parameter in instruction.parameters:
        value = values[parameter.name]
        if not parameter.low <= value <= parameter.high or (value - parameter.low) % parameter.step:
            raise ValueError(f"'{instruction.name}': {parameter.name} = {value} is not a value of {parameter}")
    return _bound(instruction, tuple(sorted(values.items())))


@lru_cache(maxsize=4096)
def specialised(instruction: Instruction, values: tuple[tuple[str, int], ...]) -> Instruction:
    """``instruction`` with some parameters fixed to ``values``; its name stays, so programs still name the original."""
    if not values:
        return instruction
    fixed = dict(values)
    parameters = tuple(
        ParameterRange(each.name, fixed[each.name], fixed[each.name], 1) if each.name in fixed else each
        for each in instruction.parameters
    )
    return replace(instruction, semantics=bind_instruction(instruction, fixed), parameters=parameters)


def complete_parameters(instruction: Instruction, parameters: abc.Mapping[str, int]) -> dict[str, int]:
    """A value for each parameter in declaration order: the given one, else the greatest."""
    return {each.name: parameters.get(each.name, each.high) for each in instruction.parameters}


def timing(instruction: Instruction, parameters: abc.Mapping[str, int]) -> tuple[int, int]:
    """``(occupies_cycles, latency_cycles)`` at ``parameters``."""
    values = complete_parameters(instruction, parameters)
    return evaluate_size(instruction.occupies_cycles, values), evaluate_size(instruction.latency_cycles, values)


@lru_cache(maxsize=4096)
def controls(instruction: Instruction) -> abc.Mapping[str, tuple[str, int]]:
    """Which loop extents a parameter sets: iterator -> (parameter, factor), the extent being parameter * factor.

    For ``for i < m, j < 16 * c, k < 16`` it is ``{"i": ("m", 1), "j": ("c", 16)}``; extents of another form are fixed
    or bounded by something that is not one parameter, and are not named.
    """
    names = {parameter.name for parameter in instruction.parameters}
    found: dict[str, tuple[str, int]] = {}
    for iterator in _iterators(instruction.semantics.body):
        match iterator_extent(instruction.template, iterator):
            case SizeName(name) if name in names:
                found[iterator] = (name, 1)
            case SizeBinary(SizeOp.MUL, SizeName(name), SizeConstant(factor)) if name in names:
                found[iterator] = (name, factor)
            case SizeBinary(SizeOp.MUL, SizeConstant(factor), SizeName(name)) if name in names:
                found[iterator] = (name, factor)
            case _:
                pass
    return found


@lru_cache(maxsize=16384)
def _bound(instruction: Instruction, parameters: tuple[tuple[str, int], ...]) -> Kernel:
    types = dict(instruction.semantics.types)
    kernel = bind(instruction.template, sizes=dict(parameters), types=types)
    return replace(kernel, name=instruction.name, body=fold_block(kernel.body))


def _iterators(nodes: abc.Iterable[Node]) -> abc.Iterator[str]:
    """Names of all loops, outermost first."""
    for node in nodes:
        match node:
            case Loop():
                yield node.iterator
                yield from _iterators(node.body)
            case Guard():
                yield from _iterators(node.body)
                yield from _iterators(node.otherwise)
            case _:
                pass


def evaluate_cycles(expression: SizeExpression, instruction: Instruction, parameters: abc.Mapping[str, int]) -> int:
    """A timing expression of ``instruction`` at ``parameters``."""
    return evaluate_size(expression, complete_parameters(instruction, parameters))
