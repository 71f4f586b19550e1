"""Does a step name what is there: operands, accesses, instructions, memories, loops, digits.

What does not belong here: whether the steps together make a program (``check_nest.py``).
"""

from __future__ import annotations

from collections import abc
from typing import assert_never

from isamapper.hwdesc.model import Machine
from isamapper.ir.analysis import Statement
from isamapper.plan.cores import grid_named
from isamapper.plan.join_checks import join_mistakes
from isamapper.plan.joint import Join, seen_instruction
from isamapper.plan.needle import adding_shape, copy_shape, iterator_sizes, writes
from isamapper.plan.nest import Buffer, Copy, Nest
from isamapper.plan.step_kinds import Apply, Distribute, Fuse, Pipeline, Place, Reorder, Split, Step


def misstep(step: Step, nest: Nest | None, found: abc.Sequence[Statement], machine: Machine) -> str | None:
    """What is wrong with ``step`` after the steps that made ``nest`` of its statement; None where nothing is."""
    if not 0 <= step.statement < len(found):
        return f"there is no statement {step.statement}"
    if isinstance(step, Join):
        return next(join_mistakes(step, found, machine), None)
    if nest is None and not (isinstance(step, Apply) and step.role == "call"):
        return f"statement {step.statement} has no 'apply {step.statement} call' yet"
    return next(_mistakes(step, nest, found, machine), None)


def _mistakes(step: Step, nest: Nest | None, found: abc.Sequence[Statement], machine: Machine) -> abc.Iterator[str]:
    statement = found[step.statement]
    match step:
        case Apply():
            yield from _apply(step, nest, statement, machine)
        case Split(_, iterator, digits):
            if iterator not in {known.name for known in statement.iterators}:
                yield f"statement {step.statement} has no iterator '{iterator}'"
            for digit in digits:
                if digit.extent < 1:
                    yield f"digit '{digit.name}' has no extent"
                if nest is not None and digit.name in {known.name for known in nest.digits}:
                    yield f"there is a digit '{digit.name}' already"
        case Distribute(_, pairs):
            yield from _no_loops([loop for loop, _ in pairs], () if nest is None else nest.order)
            for _, grid in pairs:
                if grid_named(machine, grid) is None:
                    yield f"machine '{machine.name}' has no grid '{grid}'"
        case Reorder(_, loops):
            yield from _no_loops(loops, () if nest is None else [d.name for d in nest.digits if d.bound is None])
        case Place(_, buffer):
            yield from _place(buffer, nest, statement, machine)
        case Pipeline(_, access, memory, spread):
            order = () if nest is None else nest.order
            yield from _no_loops([loop for loop, _ in spread], order)
            if nest is not None and not any(b.access == access and b.memory == memory for b in nest.buffers):
                yield f"access {access} has no buffer in '{memory}'"
        case Fuse(_, consumer, instruction):
            yield from _instruction(instruction, machine)
            if not 0 <= consumer < len(found):
                yield f"there is no statement {consumer}"
            elif not _is_consumer(statement, found[consumer]):
                yield f"statement {consumer} does not read the target of statement {step.statement} element by element"
        case Join():
            yield from join_mistakes(step, found, machine)
        case _:
            assert_never(step)


def _instruction(name: str, machine: Machine) -> abc.Iterator[str]:
    if name not in {instruction.name for instruction in machine.instructions}:
        yield f"machine '{machine.name}' has no instruction '{name}'"


def _no_loops(loops: abc.Iterable[str], known: abc.Collection[str]) -> abc.Iterator[str]:
    for loop in loops:
        if loop not in known:
            yield f"there is no loop '{loop}'"


def _apply(step: Apply, nest: Nest | None, statement: Statement, machine: Machine) -> abc.Iterator[str]:
    if step.role not in ("call", "first", "init"):
        yield f"'{step.role}' is not a role here; one of call, first, init"
    if step.role == "call" and nest is not None:
        yield f"statement {step.statement} has an 'apply {step.statement} call' already"
    yield from _instruction(step.instruction, machine)
    known = next((each for each in machine.instructions if each.name == step.instruction), None)
    if known is None:
        return
    if step.role == "call":
        known = seen_instruction(known, statement)
    operands = [tensor.name for tensor in known.semantics.tensors]
    for operand, access in step.sigma:
        if operand not in operands:
            yield f"'{known.name}' has no operand '{operand}'"
        yield from _access(access, statement)
        if operand in writes(known) and access not in statement.written:
            yield f"'{operand}' of '{known.name}' is written, so it stands for access 0, the target"
    for access in range(len(statement.accesses)) if step.role != "init" else ():
        if not any(_same(statement, access, other) for _, other in step.sigma):
            yield f"no operand stands for access {access} of statement {statement.index}"
    parameters = {parameter.name: parameter for parameter in known.parameters}
    for name, value in step.values:
        if name not in parameters or not parameters[name].low <= value <= parameters[name].high:
            yield f"'{known.name}' has no parameter '{name}' that can be {value}"
    for lane, _ in step.axes:
        if lane not in iterator_sizes(known.semantics):
            yield f"'{known.name}' has no iterator '{lane}'"


def _same(statement: Statement, access: int, other: int) -> bool:
    """Whether two access numbers mean the same elements, neither or both of them the target."""
    if access == other:
        return True
    found = statement.accesses
    return access > 0 and 0 < other < len(found) and found[access] == found[other]


def _access(access: int, statement: Statement) -> abc.Iterator[str]:
    if access >= len(statement.accesses):
        yield f"statement {statement.index} has no access {access}, only 0 to {len(statement.accesses) - 1}"


def _place(buffer: Buffer, nest: Nest | None, statement: Statement, machine: Machine) -> abc.Iterator[str]:
    yield from _access(buffer.access, statement)
    if buffer.memory not in {memory.name for memory in machine.memories}:
        yield f"machine '{machine.name}' has no memory '{buffer.memory}'"
    if nest is not None and buffer.access not in {access for _, access in nest.call.sigma}:
        yield f"no operand of '{nest.call.instruction.name}' stands for access {buffer.access}"
    loops = [loop for loop, _ in buffer.spread] + ([] if buffer.loop is None else [buffer.loop])
    yield from _no_loops(loops, () if nest is None else nest.order)
    if buffer.slots < 1 or buffer.row < 1:
        yield "a buffer has at least one slot and one element in a row"
    if buffer.layout not in ("digits", "turned", "dims"):
        yield f"'{buffer.layout}' is no layout; one of digits, turned, dims"
    rank = len(statement.accesses[buffer.access].map.results) if buffer.access < len(statement.accesses) else 0
    for axis in buffer.kept:
        if axis.dim >= rank or axis.weight < 1 or axis.extent < 1:
            yield f"'{axis.dim}/{axis.weight}: {axis.extent}' is no axis of a tensor of {rank} axes that is kept"
    for copy, adds in ((buffer.fill, False), (buffer.drain, buffer.adds)):
        if copy is not None:
            yield from _copy(copy, adds, machine)


def _copy(copy: Copy, adds: bool, machine: Machine) -> abc.Iterator[str]:
    yield from _instruction(copy.instruction, machine)
    for known in machine.instructions:
        if known.name == copy.instruction:
            shape = adding_shape(known) if adds else copy_shape(known)
            if shape is None:
                yield f"'{known.name}' adds nothing to its target" if adds else f"'{known.name}' is no copy"
                continue
            for lane, coordinate, extent in copy.binds:
                if lane not in shape.iterators:
                    yield f"'{known.name}' has no iterator '{lane}'"
                if extent < 1:
                    yield f"'{coordinate}' has no extent"


def _is_consumer(producer: Statement, consumer: Statement) -> bool:
    """Whether ``consumer`` reads the producer's target once, at lone iterators, and writes along them only."""
    reads = [access for access in consumer.accesses[1:] if access.tensor == producer.assign.target.tensor]
    if len(reads) != 1 or len(consumer.accesses) != 2 or consumer.assign.reduction is not None:
        return False
    names = set()
    for index in reads[0].map.results:
        if len(index.terms) != 1 or index.terms[0][1] != 1 or index.constant or index.terms[0][0] in names:
            return False
        names.add(index.terms[0][0])
    return all(index.names <= names for index in consumer.assign.target.map.results)
