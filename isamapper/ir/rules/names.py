"""Names and forms: every name is declared once, every node is of its level, every access has one index per axis."""

from __future__ import annotations

from collections import abc

from isamapper.diagnostics.source import Diagnostic
from isamapper.ir.affine import Affine
from isamapper.ir.nodes import Access, Allocate, Assign, Direction, Guard, Invoke, Loop, Node, Prepare
from isamapper.ir.print_expression import print_affine
from isamapper.ir.rules.subject import Subject, nodes_in, tensor_at
from isamapper.ir.walk import Place


def tensors_are_declared_once(subject: Subject) -> abc.Iterator[Diagnostic]:
    """A name means one tensor wherever it is seen."""
    seen: set[str] = set()
    for tensor in subject.kernel.tensors:
        if tensor.name in seen:
            yield Diagnostic("IR101", f"tensor '{tensor.name}' is declared twice", tensor.span)
        seen.add(tensor.name)
    for node, place in subject.nodes:
        if isinstance(node, Allocate) and place.declaration(node.tensor.name) is not None:
            yield Diagnostic("IR101", f"tensor '{node.tensor.name}' is declared twice", node.span or node.tensor.span)


def tensors_have_sizes(subject: Subject) -> abc.Iterator[Diagnostic]:
    """Every axis has at least one element."""
    allocated = [node.tensor for node, _ in subject.nodes if isinstance(node, Allocate)]
    for tensor in (*subject.kernel.tensors, *allocated):
        if any(size < 1 for size in tensor.shape):
            yield Diagnostic("IR102", f"tensor '{tensor.name}' of shape {list(tensor.shape)} is empty", tensor.span)


def iterators_are_new(subject: Subject) -> abc.Iterator[Diagnostic]:
    """An iterator is called neither like one around it nor like a tensor it sees."""
    for node, place in subject.nodes:
        if isinstance(node, Loop) and node.iterator in place.iterators:
            yield Diagnostic("IR103", f"iterator '{node.iterator}' is already that of a loop around", node.span)
        if isinstance(node, Loop) and tensor_at(place, node.iterator) is not None:
            yield Diagnostic("IR103", f"iterator '{node.iterator}' is called like a tensor", node.span)


def functions_know_their_iterators(subject: Subject) -> abc.Iterator[Diagnostic]:
    """Extents, conditions and indices depend on enclosing loops only."""
    for node, place in subject.nodes:
        for function in _functions(node):
            for name in sorted(function.names - set(place.iterators)):
                message = f"'{print_affine(function)}' depends on '{name}', which is no loop around it"
                yield Diagnostic("IR104", message, node.span)
    for site in subject.sites:
        for access in site.accesses:
            for index in access.map.results:
                for name in sorted(index.names - set(site.place.iterators)):
                    message = f"index '{print_affine(index)}' depends on '{name}', which is no loop around it"
                    yield Diagnostic("IR104", message, access.span or site.assign.span)


def _functions(node: Node) -> tuple[Affine, ...]:
    match node:
        case Loop(_, extent):
            return extent.bounds
        case Guard(conditions):
            return tuple(condition.function for condition in conditions)
        case Invoke(_, windows, parameters):
            offsets = [offset for _, window in windows for offset in window.offsets]
            extents = [bound for _, window in windows for axis in window.axes for bound in axis.extent.bounds]
            return (*offsets, *extents, *(bound for _, value in parameters for bound in value.bounds))
        case _:
            return ()


def accesses_fit_their_tensors(subject: Subject) -> abc.Iterator[Diagnostic]:
    """Every accessed tensor is declared and indexed along every axis."""
    for site in subject.sites:
        for access in site.accesses:
            yield from _access(access, site.place, site.assign)


def _access(access: Access, place: Place, assign: Assign) -> abc.Iterator[Diagnostic]:
    tensor, span = tensor_at(place, access.tensor), access.span or assign.span
    if tensor is None:
        yield Diagnostic("IR105", f"tensor '{access.tensor}' is not declared here", span)
    elif len(access.map.results) != len(tensor.shape):
        message = f"'{tensor.name}' has {len(tensor.shape)} axes but {len(access.map.results)} indices"
        yield Diagnostic("IR105", message, span)


def writes_go_to_results(subject: Subject) -> abc.Iterator[Diagnostic]:
    """Inputs are not assigned, and a target has no value to read outside."""
    for site in subject.sites:
        target, span = site.assign.target, site.assign.target.span or site.assign.span
        tensor = tensor_at(site.place, target.tensor)
        if tensor is not None and tensor.direction is Direction.IN:
            yield Diagnostic("IR106", f"'{tensor.name}' is an input and is assigned", span, "declare it 'inout'")
        if target.otherwise is not None:
            yield Diagnostic("IR106", "a target has no 'else'", span)


def results_are_written(subject: Subject) -> abc.Iterator[Diagnostic]:
    """Every result is assigned somewhere."""
    written = {site.assign.target.tensor for site in subject.sites}
    written |= {window.tensor for node, _ in subject.nodes if isinstance(node, Invoke) for _, window in node.windows}
    for tensor in subject.kernel.tensors:
        if tensor.direction in (Direction.OUT, Direction.INOUT) and tensor.name not in written:
            yield Diagnostic("IR107", f"result '{tensor.name}' is never assigned", tensor.span)


def only_loops_guards_assigns(subject: Subject) -> abc.Iterator[Diagnostic]:
    """Kernels and meanings neither allocate in blocks nor invoke nor prepare, and run on no grid."""
    for node in nodes_in(subject.kernel.body):
        if isinstance(node, Allocate | Invoke | Prepare):
            what = type(node).__name__.lower()
            yield Diagnostic("IR108", f"'{what}' belongs to programs", node.span)
        elif isinstance(node, Loop) and node.across is not None:
            yield Diagnostic("IR108", "'across' belongs to programs", node.span)


def operands_are_used(subject: Subject) -> abc.Iterator[Diagnostic]:
    """An instruction reads or writes every operand."""
    used = {access.tensor for site in subject.sites for access in site.accesses}
    for tensor in subject.kernel.tensors:
        if tensor.direction is not Direction.LOCAL and tensor.name not in used:
            yield Diagnostic("IR121", f"operand '{tensor.name}' is neither read nor written", tensor.span)


def nothing_rotates(subject: Subject) -> abc.Iterator[Diagnostic]:
    """Only programs count modulo a number of slots."""
    for site in subject.sites:
        indices = [index for access in site.accesses for index in access.map.results]
        conditions = [c.function for c in (*site.place.conditions, *(c for e in site.place.exclusions for c in e))]
        if any(function.rotations for function in (*indices, *conditions)):
            yield Diagnostic("IR109", "'rotate' belongs to programs", site.assign.span)
