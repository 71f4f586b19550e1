"""Code for invocations: one function per instruction, parameter values and operand strides; called at each site.

An operand that shares its tensor with one that is written is read into scratch memory first, because an invocation
reads everything before it writes anything.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass, replace

from llvmlite import ir

from isamapper.hwdesc.bind import bind_instruction, complete_parameters
from isamapper.hwdesc.model import Instruction
from isamapper.ir.affine import Extent, extent, variable
from isamapper.ir.nodes import Direction, Invoke, Kernel, Tensor, Window
from isamapper.sim.functional.code import Code, Failure, Field, Site
from isamapper.sim.functional.counting import instances
from isamapper.sim.functional.lanes import BIT, INDEX, POINTER, STATUS, Raw, index
from isamapper.sim.functional.places import Frame, View, dense, holds
from isamapper.sim.functional.statements import copy_block, write_fresh, write_statements
from isamapper.sim.functional.windows import Laid, lay, possible_values, window_start, writes_twice

_INLINED = 256
"""Statement instances above which an instruction stays a function of its own: the call costs nothing beside them."""


class NotCompiled(Exception):
    """Legal or not, this form is left to the interpreter."""


@dataclass(frozen=True, slots=True)
class _Operand:
    """An operand at a site: its tensor in the instruction's kernel, its window, the view below, how it is laid."""

    tensor: Tensor
    window: Window
    view: View
    laid: Laid
    staged: bool
    framed: bool = False

    @property
    def key(self) -> object:
        frame = (self.laid.steps, self.laid.sizes, self.window.otherwise) if self.framed else None
        strides = () if self.staged else self.laid.strides
        return self.tensor, strides, frame


def write_invoke(code: Code, invoke: Invoke) -> None:
    """An invocation, for every combination of parameter values that can occur where it stands."""
    machine = code.unit.machine
    if machine is None:
        raise ValueError("a program cannot be compiled without its machine")
    instruction = machine.instruction(invoke.instruction)
    given = dict(invoke.parameters)
    fixed = complete_parameters(instruction, {})
    extents = [given.get(name, extent(value)) for name, value in fixed.items()]
    site = Site(f"'{invoke.instruction}'", code.loops, node=invoke)
    if code.domain.counts_invocations:
        _count(code, site)
    combinations = _combinations(code, instruction, extents)
    if len(combinations) == 1 and all(each.is_constant for each in extents):
        known = dict(zip(extents, combinations[0], strict=True))
        meaning = code.domain.meaning(_bound(instruction, fixed, combinations[0]))
        _write_variant(code, invoke, meaning, known, site)
        return
    _prepare(code, invoke)
    _switch(code, invoke, instruction, extents, combinations, site)


def _prepare(code: Code, invoke: Invoke) -> None:
    """Computes, before the variants branch, what they share: extents and where windows start."""
    for _, window in invoke.windows:
        view = code.views[window.tensor]
        code.pointer(view, window_start(window, view))
        for axis in window.axes:
            code.extent(axis.extent)


def _combinations(code: Code, instruction: Instruction, extents: abc.Sequence[Extent]) -> list[tuple[int, ...]]:
    """The legal combinations that can occur; where others do, the run stops."""
    found = possible_values(extents, code.box)
    ranges = [range(p.low, p.high + 1, p.step) for p in instruction.parameters]
    if found is None:
        found = [()]
        for allowed, each in zip(ranges, extents, strict=True):
            values = possible_values([each], code.box)
            options = [value[0] for value in values if value[0] in allowed] if values is not None else list(allowed)
            found = [(*before, value) for before in found for value in options]
    return [row for row in found if all(value in allowed for value, allowed in zip(row, ranges, strict=True))]


def _bound(instruction: Instruction, names: abc.Iterable[str], values: abc.Sequence[int]) -> Kernel:
    return bind_instruction(instruction, dict(zip(names, values, strict=True)))


def _switch(
    code: Code,
    invoke: Invoke,
    instruction: Instruction,
    extents: abc.Sequence[Extent],
    combinations: abc.Sequence[tuple[int, ...]],
    site: Site,
) -> None:
    builder = code.builder
    actual = [_number(code.extent(each)) for each in extents]
    done = builder.function.append_basic_block("done")
    names = [parameter.name for parameter in instruction.parameters]
    for values in combinations:
        same = ir.Constant(BIT, 1)
        for number, value in zip(actual, values, strict=True):
            same = builder.and_(same, builder.icmp_signed("==", number, index(value)))
        yes, no = builder.function.append_basic_block("variant"), builder.function.append_basic_block("next")
        builder.cbranch(same, yes, no)
        builder.position_at_end(yes)
        known = dict(zip(extents, values, strict=True))
        meaning = code.domain.meaning(_bound(instruction, names, values))
        _write_variant(code.scoped(), invoke, meaning, known, site)
        builder.branch(done)
        builder.position_at_end(no)
    code.fail(Failure.PARAMETER, site)
    builder.position_at_end(done)


def _number(value: Raw | int) -> Raw:
    return index(value) if isinstance(value, int) else value


def _count(code: Code, site: Site) -> None:
    """Counts the invocation and stops the run at the one asked for."""
    ordinal = code.builder.add(code.recorded(Field.ORDINAL), index(1))
    code.record(Field.ORDINAL, ordinal)
    asked = code.recorded(Field.STOP)
    code.fail_if(code.builder.icmp_signed("==", ordinal, asked), Failure.STOPPED, site)


def _write_variant(code: Code, invoke: Invoke, kernel: Kernel, known: abc.Mapping[Extent, int], site: Site) -> None:
    """The invocation at known parameter values (``known``: of the extents that give them): checks, then the call."""
    windows = dict(invoke.windows)
    operands: list[_Operand] = []
    written = [windows[t.name].tensor for t in kernel.tensors if _is_written(t)]
    for tensor in kernel.tensors:
        if tensor.direction is Direction.LOCAL:
            continue
        window = windows[tensor.name]
        view = code.views[window.tensor]
        _check_shape(code, window, tensor, known, site)
        laid = lay(window, tensor.shape, view)
        shared = not _is_written(tensor) and window.tensor in written
        operands.append(_Operand(tensor, window, view, laid, shared))
    _check_written(invoke, operands, written)
    may_leave = _check_inside(code, operands, site)
    if not may_leave:
        _call(code, kernel, operands, site)
        return
    framed = [replace(operand, framed=operand in may_leave) for operand in operands]
    inside = code.within_bounds(bound for operand in may_leave for bound in operand.laid.inside)
    with code.builder.if_else(inside) as (then, otherwise):
        with then:
            _call(code.scoped(), kernel, operands, site)
        with otherwise:
            _call(code.scoped(), kernel, framed, site)


def _is_written(tensor: Tensor) -> bool:
    return tensor.direction in (Direction.OUT, Direction.INOUT)


def _check_shape(code: Code, window: Window, tensor: Tensor, known: abc.Mapping[Extent, int], site: Site) -> None:
    """The window's extents are the operand's."""
    wrong = ir.Constant(BIT, 0)
    for axis, size in zip(window.axes, tensor.shape, strict=True):
        if known.get(axis.extent) == size or (axis.extent.is_constant and code.extent(axis.extent) == size):
            continue
        different = code.builder.icmp_signed("!=", _number(code.extent(axis.extent)), index(size))
        wrong = code.builder.or_(wrong, different)
    if not isinstance(wrong, ir.Constant):
        code.fail_if(wrong, Failure.SHAPE, replace(site, subject=tensor.name))


def _check_written(invoke: Invoke, operands: abc.Sequence[_Operand], written: abc.Sequence[str]) -> None:
    if len(set(written)) < len(written):
        raise NotCompiled(f"'{invoke.instruction}' writes two windows of one tensor")
    for operand in operands:
        if _is_written(operand.tensor) and writes_twice(operand.laid, operand.tensor.shape):
            what = f"the window of '{operand.tensor.name}' of '{invoke.instruction}'"
            raise NotCompiled(f"{what} may name an element twice")


def _check_inside(code: Code, operands: abc.Sequence[_Operand], site: Site) -> list[_Operand]:
    """Fails where a window leaves its tensor and may not; the padded operands that may leave it."""
    may_leave: list[_Operand] = []
    for operand in operands:
        unproved = [bound for bound in operand.laid.inside if not holds(bound, code.box)]
        if unproved and operand.window.otherwise is not None and not _is_written(operand.tensor):
            may_leave.append(operand)
        elif unproved:
            inside = code.within_bounds(unproved)
            code.fail_if(code.builder.not_(inside), Failure.WINDOW, replace(site, subject=operand.tensor.name))
    return may_leave


def _call(code: Code, kernel: Kernel, operands: abc.Sequence[_Operand], site: Site) -> None:
    """Calls the instruction's function on the operands."""
    key = kernel, tuple(operand.key for operand in operands)
    if key not in code.unit.functions:
        code.unit.functions[key] = _write_function(code, kernel, operands)
    function, fails = code.unit.functions[key]
    arguments: list[Raw] = []
    for operand in operands:
        arguments.extend(_arguments(code, operand))
    status = code.builder.call(function, [*arguments, code.state])
    if fails:
        stopped = code.builder.icmp_signed("!=", status, ir.Constant(STATUS, 0))
        with code.builder.if_then(stopped, likely=False):
            code.record_place(site)
            code.builder.ret(ir.Constant(STATUS, 1))


def _arguments(code: Code, operand: _Operand) -> list[Raw]:
    if operand.staged:
        return [_stage(code, operand)]
    if operand.framed:
        return [operand.view.base, code.affine(operand.laid.offset), *map(code.affine, operand.laid.origins)]
    return [code.pointer(operand.view, operand.laid.offset)]


def _write_function(code: Code, kernel: Kernel, operands: abc.Sequence[_Operand]) -> tuple[object, bool]:
    """The function of one variant, and whether it can fail."""
    kinds: list[object] = []
    for operand in operands:
        kinds.append(POINTER)
        if operand.framed and not operand.staged:
            kinds.extend([INDEX] * (1 + len(operand.laid.sizes)))
    name = f"{kernel.name}.{len(code.unit.functions)}"
    function = ir.Function(code.unit.module, ir.FunctionType(STATUS, [*kinds, POINTER]), name)
    function.linkage = "internal"
    if instances(kernel) > _INLINED:
        function.attributes.add("noinline")
    inner = Code(code.unit, ir.IRBuilder(function.append_basic_block("entry")), function.args[-1], invoked=True)
    inner = _bind_operands(inner, operands, list(function.args[:-1]))
    before = code.unit.failures
    for tensor in kernel.tensors:
        if tensor.direction is Direction.LOCAL:
            inner = inner.declare(tensor, _scratch(inner, tensor))
        if tensor.direction in (Direction.LOCAL, Direction.OUT):
            write_fresh(inner, inner.views[tensor.name], kernel.body, tensor.direction is Direction.LOCAL)
    write_statements(inner, kernel.body, _scratch)
    inner.builder.ret(ir.Constant(STATUS, 0))
    return function, code.unit.failures > before


def _scratch(code: Code, tensor: Tensor) -> Raw:
    """Memory of its own for a tensor that lives in one invocation."""
    elements = 1
    for size in tensor.shape:
        elements *= size
    kind = ir.ArrayType(code.domain.element(tensor.dtype), elements)
    variable = ir.GlobalVariable(code.unit.module, kind, f"scratch.{len(code.unit.module.globals)}")
    variable.linkage = "internal"
    variable.initializer = ir.Constant(kind, None)
    return ir.FormattedConstant(POINTER, variable.get_reference())


def _stage(code: Code, operand: _Operand) -> Raw:
    """The operand's elements, copied as they are now."""
    scratch = _scratch(code, operand.tensor)
    frames: tuple[Frame, ...] = ()
    if operand.framed:
        frames = operand.laid.frames(operand.laid.origins)
    source = View(
        operand.tensor, operand.view.base, operand.laid.strides, operand.laid.offset, frames, operand.window.otherwise
    )
    copy_block(replace(code, lenient=True), source, dense(operand.tensor, scratch))
    return scratch


def _bind_operands(code: Code, operands: abc.Sequence[_Operand], arguments: list[Raw]) -> Code:
    """The operands as views of the function's arguments."""
    for number, operand in enumerate(operands):
        base = arguments.pop(0)
        base.add_attribute("noalias")
        view = dense(operand.tensor, base)
        if operand.framed and not operand.staged:
            own = [f"%{number}.{position}" for position in range(1 + len(operand.laid.sizes))]
            code = replace(code, names={**code.names, **{name: arguments.pop(0) for name in own}})
            origins = [variable(name) for name in own]
            frames = operand.laid.frames(origins[1:])
            view = View(operand.tensor, base, operand.laid.strides, origins[0], frames, operand.window.otherwise)
        elif not operand.staged:
            view = View(operand.tensor, base, operand.laid.strides)
        code = replace(code, views={**code.views, operand.tensor.name: view})
    return code
