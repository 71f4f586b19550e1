"""Code for loops, guards, declarations and assigns: what kernels and the meanings of instructions are made of.

A perfect nest that may be reordered is handed to ``vectors.py``; all else runs as written, one element at a time.
"""

from __future__ import annotations

from collections import abc
from dataclasses import replace
from typing import TypeAlias, assert_never

from llvmlite import ir

from isamapper.ir.affine import AccessMap, extent, variable
from isamapper.ir.expressions import loads
from isamapper.ir.nodes import (
    Access,
    Allocate,
    Assign,
    Constraint,
    Guard,
    Invoke,
    Load,
    Loop,
    Node,
    Prepare,
    Tensor,
)
from isamapper.ir.walk import first_write, unfold
from isamapper.sim.functional.code import Code, Failure, Site
from isamapper.sim.functional.domain import Word
from isamapper.sim.functional.expressions import value_of
from isamapper.sim.functional.lanes import BIT, Lanes, Raw, counted, index
from isamapper.sim.functional.nest import may_reorder, perfect_nest
from isamapper.sim.functional.places import Place, View, dense, locate
from isamapper.sim.functional.vectors import write_nest

Provide: TypeAlias = abc.Callable[[Code, Tensor], Raw]
"""Gives the memory of a tensor declared in a body; called once per declaration, in textual order."""

Write: TypeAlias = abc.Callable[[Code, tuple[Node, ...]], None]
"""Writes a block."""


def write_statements(code: Code, body: tuple[Node, ...], provide: Provide) -> None:
    """A block without invocations."""

    def write_block(there: Code, nodes: tuple[Node, ...]) -> None:
        for position, node in enumerate(nodes):
            there = write_node(there, node, nodes[position + 1 :], write_block, provide)

    write_block(code, unfold(body))


def write_node(code: Code, node: Node, rest: tuple[Node, ...], write_block: Write, provide: Provide) -> Code:
    """One node and, inside it, blocks; the code in force after it. ``rest`` is what follows it in its block."""
    match node:
        case Assign():
            write_assign(code, node)
        case Loop():
            write_loop(code, node, write_block)
        case Guard(conditions, inner, otherwise):
            with code.builder.if_else(condition(code, conditions)) as (yes, no):
                with yes:
                    write_block(code.scoped(), unfold(inner))
                with no:
                    write_block(code.scoped(), unfold(otherwise))
        case Allocate(tensor):
            code = code.declare(tensor, provide(code, tensor))
            write_fresh(code, code.views[tensor.name], rest, True)
        case Invoke() | Prepare():
            raise ValueError(f"no statement of a kernel: {node}")
        case _:
            assert_never(node)
    return code


def write_loop(code: Code, loop: Loop, write_block: Write) -> None:
    """A loop as written, or the fast form of a nest."""
    nest = perfect_nest(loop)
    if nest is not None:
        boxed = replace(code, box={**code.box, **dict(nest.loops)})
        target = _place(boxed, nest.assign.target)
        reads = [_place(boxed, access) for access in loads(nest.assign.value)]
        if may_reorder(nest, target) and not any(place.unproved for place in reads):
            write_nest(code, nest, target, reads, _site(code, nest.assign))
            return
    trips = code.extent(loop.extent)
    if isinstance(trips, int) and trips == 0:
        return
    with counted(code.builder, trips) as (value, _, _):
        write_block(code.within(loop.iterator, value, code.greatest(loop.extent)), unfold(loop.body))


def condition(code: Code, conditions: abc.Iterable[Constraint]) -> Raw:
    """Whether all ``conditions`` hold."""
    result = ir.Constant(BIT, 1)
    for each in conditions:
        value = code.affine(each.function)
        one = code.builder.icmp_signed("==" if each.equality else ">=", value, index(0))
        result = code.builder.and_(result, one)
    return result


def write_assign(code: Code, assign: Assign) -> None:
    """One instance of an assign."""
    lanes, site = code.lanes(), _site(code, assign)
    target = _place(code, assign.target)
    if target.unproved:
        inside = code.within_bounds(target.unproved)
        code.fail_if(code.builder.not_(inside), Failure.OUTSIDE, replace(site, subject=assign.target.tensor))
    value = value_of(code, lanes, assign.value, _reader(code, site), site)
    pointer = code.pointer(target.view, target.address)
    raw = code.domain.settle(lanes, value)
    if assign.reduction is not None:
        dtype = target.view.tensor.dtype
        old = code.builder.load(pointer, typ=code.domain.element(dtype))
        code.check_defined(lanes, old, replace(site, subject=assign.target.tensor))
        raw = code.domain.accumulate(lanes, assign.reduction, old, value)
        raw = code.domain.settle_sum(lanes, raw, dtype)
    code.check_stored(lanes, raw, site)
    code.builder.store(raw, pointer)


def _reader(code: Code, site: Site) -> abc.Callable[[Access], Word]:
    return lambda access: code.load(_place(code, access), replace(site, subject=access.tensor))


def _place(code: Code, access: Access) -> Place:
    return locate(access, code.views[access.tensor], code.box)


def _site(code: Code, assign: Assign) -> Site:
    return Site(f"the statement that writes '{assign.target.tensor}'", code.loops, assign.target.tensor, assign)


def write_fresh(code: Code, view: View, rest: tuple[Node, ...], forgets: bool) -> None:
    """What a tensor declared before ``rest`` holds: its reduction's identity, or nothing defined.

    Without ``forgets`` an undefined tensor keeps what it held (an operand that is only written in part).
    """
    first = first_write(rest, view.tensor.name)
    dtype = view.tensor.dtype
    if first is not None and first.reduction is not None:
        write_fill(code, view, code.domain.identity_word(code.lanes(), first.reduction, dtype).raw)
    elif forgets and (filler := code.domain.undefined(dtype)) is not None:
        write_fill(code, view, ir.Constant(code.domain.element(dtype), filler))


def write_fill(code: Code, view: View, filler: Raw) -> None:
    """Writes ``filler`` (a settled value) to every element of ``view``."""
    shape, strides = view.tensor.shape, view.strides
    if view == dense(view.tensor, view.base):
        elements = 1
        for size in shape:
            elements *= size
        shape, strides = (elements,), (1,)
    _fill(code, view, filler, shape, strides, index(0) if not view.offset.names else code.affine(view.offset))


def _fill(code: Code, view: View, filler: Raw, shape: tuple[int, ...], strides: tuple[int, ...], start: Raw) -> None:
    builder = code.builder
    if not shape:
        builder.store(filler, code.element(view, view.base, start))
        return
    if len(shape) == 1 and strides == (1,):
        _fill_row(code, view, filler, shape[0], start)
        return
    with counted(builder, shape[0]) as (position, _, _):
        inner = builder.add(start, builder.mul(position, index(strides[0])))
        _fill(code, view, filler, shape[1:], strides[1:], inner)


def _fill_row(code: Code, view: View, filler: Raw, elements: int, start: Raw) -> None:
    """A dense run: whole vectors, then single elements."""
    done = 0
    for width in (32, 1):
        lanes = Lanes(code.builder, width)
        count = (elements - done) // width
        if count == 0:
            continue
        size = code.domain.storage(view.tensor.dtype).itemsize
        with counted(code.builder, count) as (position, _, _):
            offset = code.builder.add(code.builder.mul(position, index(width)), index(done))
            pointer = code.element(view, view.base, code.builder.add(start, offset))
            code.builder.store(lanes.splat(filler), pointer, align=size)
        done += count * width


def copy_block(code: Code, source: View, target: View) -> None:
    """Copies all elements of one view to another of the same shape."""
    names = [f"%copy.{axis}" for axis in range(len(source.tensor.shape))]
    access = AccessMap(tuple(map(variable, names)))
    node: Node = Assign(Access("%target", access), Load(Access("%source", access)))
    for name, size in reversed(list(zip(names, source.tensor.shape, strict=True))):
        node = Loop(name, extent(size), (node,))
    there = replace(code, views={"%source": source, "%target": target})

    def write_block(inner: Code, nodes: tuple[Node, ...]) -> None:
        for each in nodes:
            write_node(inner, each, (), write_block, no_memory)

    write_block(there, (node,))


def no_memory(code: Code, tensor: Tensor) -> Raw:
    """For bodies that declare nothing."""
    raise ValueError(f"unexpected declaration of '{tensor.name}'")
