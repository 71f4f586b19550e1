"""Code for a whole body: one function over a table of the tensors' addresses.

    int32 run(void **tensors, int64 *state)

The table has the kernel's tensors, then every allocation in textual order. What does not belong here: running it.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass

from llvmlite import ir

from isamapper.hwdesc.model import Machine
from isamapper.ir.nodes import Allocate, Guard, Invoke, Kernel, Loop, Node, Prepare, Tensor
from isamapper.ir.walk import unfold
from isamapper.sim.functional.code import Code, Site, Unit
from isamapper.sim.functional.domain import Domain
from isamapper.sim.functional.invocations import write_invoke
from isamapper.sim.functional.lanes import POINTER, STATUS, Raw, index
from isamapper.sim.functional.statements import write_node

ENTRY = "run"


@dataclass(frozen=True, slots=True)
class Written:
    """A module in textual form, the tensors of its table, and the sites that its state refers to."""

    text: str
    tensors: tuple[Tensor, ...]
    sites: tuple[Site, ...]


def write_program(body: Kernel, machine: Machine | None, domain: Domain) -> Written:
    """The code of ``body`` (of any level) in ``domain``; ``machine`` gives the meaning of invocations."""
    module = ir.Module(name=body.name)
    unit = Unit(module, domain, machine)
    function = ir.Function(module, ir.FunctionType(STATUS, [POINTER, POINTER]), ENTRY)
    builder = ir.IRBuilder(function.append_basic_block("entry"))
    tensors = (*body.tensors, *_allocated(body.body))
    bases = [_base(builder, function.args[0], number) for number in range(len(tensors))]
    code = Code(unit, builder, function.args[1])
    for tensor, base in zip(body.tensors, bases, strict=False):
        code = code.declare(tensor, base)
    _write(code, body.body, iter(bases[len(body.tensors) :]))
    builder.ret(ir.Constant(STATUS, 0))
    return Written(str(module), tensors, tuple(unit.sites))


def _base(builder: ir.IRBuilder, table: Raw, number: int) -> Raw:
    return builder.load(builder.gep(table, [index(number)], source_etype=POINTER), typ=POINTER)


def _allocated(nodes: tuple[Node, ...]) -> abc.Iterator[Tensor]:
    """Tensors of all allocations, in textual order."""
    for node in nodes:
        match node:
            case Allocate(tensor):
                yield tensor
            case Loop(_, _, inner) | Prepare(inner):
                yield from _allocated(inner)
            case Guard(_, inner, otherwise):
                yield from _allocated(inner + otherwise)
            case _:
                pass


def _write(code: Code, body: tuple[Node, ...], bases: abc.Iterator[Raw]) -> None:
    def provide(there: Code, tensor: Tensor) -> Raw:
        return next(bases)

    def write_block(there: Code, nodes: tuple[Node, ...]) -> None:
        for position, node in enumerate(nodes):
            if isinstance(node, Invoke):
                write_invoke(there, node)
            else:
                there = write_node(there, node, nodes[position + 1 :], write_block, provide)

    write_block(code, unfold(body))
