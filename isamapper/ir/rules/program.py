"""Programs, as far as no machine is needed: what may stand where, and windows that stay inside their tensors.

Where tensors lie and whether they overlap depends on the units of a memory's addresses: ``plan/check_space.py``.
"""

from __future__ import annotations

from collections import abc
from dataclasses import replace

from isamapper.diagnostics.source import Diagnostic, Span
from isamapper.ir.affine import variable
from isamapper.ir.nodes import Allocate, Assign, Constraint, Invoke, Prepare, Role, Tensor, Window
from isamapper.ir.print_expression import print_affine
from isamapper.ir.rules.bounds import extremes
from isamapper.ir.rules.subject import Subject, nodes_in, tensor_at
from isamapper.ir.walk import Place, greatest_extent


def assigns_stand_in_prepare(subject: Subject) -> abc.Iterator[Diagnostic]:
    """What a program does, instructions do; assigns only re-lay const tensors offline."""
    online = tuple(node for node in subject.kernel.body if not isinstance(node, Prepare))
    for node in nodes_in(online):
        if isinstance(node, Assign):
            help = "invoke an instruction, or put offline work on const tensors in 'prepare'"
            yield Diagnostic("IR140", "an assignment stands in a program", node.span, help)


def prepare_comes_first(subject: Subject) -> abc.Iterator[Diagnostic]:
    """Offline work stands before everything else, and invokes nothing."""
    body = subject.kernel.body
    first = [node for node in body[:1] if isinstance(node, Prepare)]
    for node in nodes_in(body):
        if isinstance(node, Prepare) and not any(node is allowed for allowed in first):
            yield Diagnostic("IR141", "'prepare' stands only at the beginning of a program", node.span)
    for node in nodes_in(tuple(inner for prepare in first for inner in prepare.body)):
        if isinstance(node, Invoke):
            yield Diagnostic("IR141", "'prepare' is offline work and invokes nothing", node.span)


def prepare_works_on_constants(subject: Subject) -> abc.Iterator[Diagnostic]:
    """Offline work reads const tensors and what it made of them, and writes nothing but its own tensors."""
    parameters = {tensor.name: tensor for tensor in subject.kernel.tensors}
    for site in subject.sites:
        if not any(isinstance(node, Prepare) and _holds(node, site.assign) for node in subject.kernel.body):
            continue
        target, *reads = site.accesses
        if target.tensor in parameters:
            message = f"'prepare' writes '{target.tensor}', a parameter or result"
            yield Diagnostic("IR143", message, target.span or site.assign.span, "allocate a tensor for it in 'prepare'")
        for read in reads:
            tensor = parameters.get(read.tensor)
            if tensor is not None and tensor.role is not Role.CONST:
                message = f"'prepare' reads '{read.tensor}', which is not const"
                yield Diagnostic(
                    "IR143", message, read.span or site.assign.span, "only weights are known before run time"
                )


def _holds(prepare: Prepare, assign: Assign) -> bool:
    return any(node is assign for node in nodes_in(prepare.body))


def tensors_are_placed(subject: Subject) -> abc.Iterator[Diagnostic]:
    """Every tensor lies in a memory at an address."""
    allocated = [(node.tensor, node.span) for node, _ in subject.nodes if isinstance(node, Allocate)]
    for tensor, span in (*((tensor, tensor.span) for tensor in subject.kernel.tensors), *allocated):
        if tensor.memory is None or tensor.address is None:
            missing = "memory" if tensor.memory is None else "address"
            yield Diagnostic("IR142", f"tensor '{tensor.name}' has no {missing}", tensor.span or span)


def windows_fit_their_tensors(subject: Subject) -> abc.Iterator[Diagnostic]:
    """Every window names a declared tensor, with one index per axis and steps along axes there are."""
    for invoke, place, name, window in _windows(subject):
        tensor, span = tensor_at(place, window.tensor), window.span or invoke.span
        if tensor is None:
            yield Diagnostic("IR105", f"tensor '{window.tensor}' is not declared here", span)
        elif len(window.offsets) != len(tensor.shape):
            message = f"'{tensor.name}' has {len(tensor.shape)} axes but {len(window.offsets)} indices"
            yield Diagnostic("IR105", message, span)
        elif any(not 0 <= axis < len(tensor.shape) for part in window.axes for axis, _ in part.steps):
            yield Diagnostic("IR105", f"the window of '{name}' steps along an axis that '{tensor.name}' lacks", span)


def windows_stay_inside(subject: Subject) -> abc.Iterator[Diagnostic]:
    """Every element of every window without ``else`` lies inside its tensor, wherever it is executed."""
    for invoke, place, name, window in _windows(subject):
        tensor = tensor_at(place, window.tensor)
        if tensor is not None and window.otherwise is None:
            yield from _leaves(name, window, tensor, place, window.span or invoke.span)


def _leaves(name: str, window: Window, tensor: Tensor, place: Place, span: Span | None) -> abc.Iterator[Diagnostic]:
    inside = _with_axes(place, window)
    for axis, (offset, size) in enumerate(zip(window.offsets, tensor.shape, strict=True)):
        steps = [(f"${n}", step) for n, part in enumerate(window.axes) for at, step in part.steps if at == axis]
        index = sum((variable(name, step) for name, step in steps), offset)
        low, high = extremes(index, inside, size)
        if low < 0 or high >= size:
            reach = high if high >= size else low
            text = f"index '{print_affine(offset, steps)}' of operand '{name}' reaches {reach}, outside 0..{size - 1}"
            yield Diagnostic("IR120", text, span, f"axis {axis} of '{tensor.name}' has {size} elements")


def _with_axes(place: Place, window: Window) -> Place:
    """``place`` with the operand's axes as further iterators ``$0``, ``$1``, ..."""
    box = dict(zip(place.iterators, place.extents, strict=True))
    axes = [(f"${position}", part.extent) for position, part in enumerate(window.axes)]
    cuts = [
        Constraint(bound - 1 - variable(name))
        for name, extent in axes
        for bound in extent.bounds
        if not bound.is_constant
    ]
    return replace(
        place,
        iterators=(*place.iterators, *(name for name, _ in axes)),
        extents=(*place.extents, *(greatest_extent(extent, box) for _, extent in axes)),
        conditions=(*place.conditions, *cuts),
    )


def _windows(subject: Subject) -> abc.Iterator[tuple[Invoke, Place, str, Window]]:
    for node, place in subject.nodes:
        if isinstance(node, Invoke):
            for name, window in node.windows:
                yield node, place, name, window
