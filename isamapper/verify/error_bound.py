"""How likely two different programs agree on a random input, from the degrees of what they compute.

A result is a polynomial in the inputs and in values of random functions. Take two different ones, of degree at most D,
with at most M such values in each. A monomial of greatest degree has at most D of those values in it; where each of
them differs from all 2M others, it is a variable of its own and the difference is zero with probability at most D / p
(Schwartz, Zippel). Two values coincide by accident where their arguments do, which is the same question one level
down: with W(0) = D, the chance is at most W / p for W(n+1) = D (1 + 2 M W(n)), n the depth of nested functions.
Or, all at once: no two of the N values of both programs coincide by accident but with chance D N^2 / 2 / p.
"""

from __future__ import annotations

from collections import abc
from math import prod

import numpy as np

from isamapper.ir.expressions import dtype_of, operands
from isamapper.ir.nodes import Binary, BinaryOp, Cast, Expression, Kernel, Select, Unary, UnaryOp
from isamapper.ir.types import DType
from isamapper.ir.walk import Site, sites
from isamapper.plan.program import Program
from isamapper.sim.functional.compiled import compile_body
from isamapper.sim.functional.native_run import check_defined, stop_error
from isamapper.verify.casts import rounds
from isamapper.verify.degrees import UNDEFINED, Degrees

Types = abc.Mapping[str, DType]


def error_weight(program: Program) -> float:
    """The W above: divide by the prime for the chance that one trial passes a wrong program."""
    depth = sum(nesting(site.assign.value, _types(site)) for site in sites(program.kernel))
    degree = max(1.0, _greatest(program, Degrees()))
    if not depth:
        return degree
    at_once = degree * (1.0 + _applications(program) ** 2 / 2.0)
    if _recurs(program.kernel):
        return at_once
    functions = max(1.0, _greatest(program, Degrees(functions=True)))
    weight = degree
    for _ in range(depth):
        weight = min(degree * (1.0 + 2.0 * functions * weight), at_once)
    return weight


def _recurs(kernel: Kernel) -> bool:
    """Whether some tensor is computed from itself, so that functions nest as deep as loops run."""
    below: dict[str, set[str]] = {}
    for site in sites(kernel):
        target = below.setdefault(site.accesses[0].tensor, set())
        target.update(access.tensor for access in site.accesses[1:])
    for _ in below:
        for read in below.values():
            read.update(*(below.get(name, set()) for name in tuple(read)))
    return any(name in read for name, read in below.items())


def _applications(program: Program) -> float:
    """Values of random functions in the kernel, and as many in the program."""
    return 2.0 * sum(prod(s.place.extents) * _functions(s.assign.value, _types(s)) for s in sites(program.kernel))


def _types(site: Site) -> Types:
    return {each.tensor.name: each.tensor.dtype for each in site.place.scope}


def _functions(expression: Expression, types: Types) -> int:
    below = sum(_functions(operand, types) for operand in operands(expression))
    return below + (1 if _is_function(expression, types) else 0)


def _greatest(program: Program, domain: Degrees) -> float:
    """The greatest count in any tensor that the kernel or the program leaves.

    Raises :class:`ExecutionError` where an undefined element is read.
    """
    greatest = 0.0
    for body, machine in ((program.kernel, None), (program.body, program.machine)):
        inputs = {tensor.name: domain.of_inputs(tensor.shape) for tensor in body.tensors}
        result = compile_body(body, machine, domain).run(inputs)
        if result.stop is not None:
            check_defined(body, machine)
            raise stop_error(result.stop)
        for array in result.arrays:
            greatest = max(greatest, float(np.max(array, initial=0, where=array != UNDEFINED)))
    return greatest


def nesting(expression: Expression, types: Types) -> int:
    """How deep random functions stand in one another in ``expression``."""
    below = max((nesting(operand, types) for operand in operands(expression)), default=0)
    return below + (1 if _is_function(expression, types) else 0)


def _is_function(expression: Expression, types: Types) -> bool:
    match expression:
        case Cast(dtype, operand):
            return rounds(dtype_of(operand, types), dtype)
        case Unary(op):
            return op is not UnaryOp.NEG
        case Binary(op):
            return op in (BinaryOp.DIV, BinaryOp.SHL, BinaryOp.SHR, BinaryOp.SHR_ROUND)
        case Select():
            return True
        case _:
            return False
