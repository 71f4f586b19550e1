"""Why the decisions about a nest do not make a program: digits, lanes, loops, buffers and overlap.

What does not belong here: what depends on addresses and machines' demands on windows (``check.py``).
"""

from __future__ import annotations

from collections import abc

from isamapper.diagnostics.source import Rejection
from isamapper.ir.numeric import identity
from isamapper.plan.lanes import lane_size, ragged
from isamapper.plan.layout import buffer_layout
from isamapper.plan.needle import copy_shape, fill_value, iterator_sizes, operand_spec
from isamapper.plan.nest import (
    Buffer,
    Call,
    Nest,
    depth_of,
    digits_of,
    filled_as_needed,
    iterator_extent,
    valid_extent,
    weight,
)
from isamapper.plan.refusal import written_at
from isamapper.plan.sums import accumulates, added_depth, check_sums


def check_nest(nest: Nest) -> Rejection | None:
    """The first thing that cannot be carried out, or None."""
    return next(
        (
            reason
            for rule in (_digits, _loops, _calls, _inside, _start, _buffers, check_sums, _sums, _conditions, _fused)
            for reason in rule(nest)
        ),
        None,
    )


def _digits(nest: Nest) -> abc.Iterator[Rejection]:
    """Digits have names of their own and cover every iterator; edges inside an instruction are those of its lanes."""
    names = [digit.name for digit in nest.digits]
    for digit in nest.digits:
        if names.count(digit.name) > 1:
            at = written_at(nest.digits[len(names) - 1 - names[::-1].index(digit.name)].span)
            yield Rejection("SCH001", f"digit '{digit.name}'", "there are two of that name", at, "another name")
    for call in (each for each in (nest.call, nest.first, nest.init) if each is not None):
        for lane, members in call.axes:
            for name in members:
                if name not in names:
                    reason = f"'{lane}' of '{call.instruction.name}' has no such digit"
                    edit = f"digits are {', '.join(names) or 'made by split'}"
                    yield Rejection("SCH001", f"digit '{name}'", reason, written_at(call.span), edit)
    for iterator in nest.statement.iterators:
        digits = digits_of(nest, iterator.name)
        total = weight(nest, digits[0]) * digits[0].extent if digits else 1
        if total < iterator.extent:
            reason = f"its digits cover {total} of {iterator.extent} iterations"
            at = written_at(digits[0].span if digits else nest.call.span)
            edit = f"a loop digit of {-(-iterator.extent // total)} iterations more"
            if digits:
                least = -(-iterator.extent * digits[0].extent // total)
                edit = f"'{digits[0].name}: {least}', or another digit"
            yield Rejection("SCH001", f"iterator '{iterator.name}'", reason, at, edit)
        for place, digit in enumerate(digits):
            inside = [each for each in digits[place + 1 :] if each.bound is None and each.extent > 1]
            if digit.bound is not None and digit.extent > 1 and inside and ragged(nest, digit):
                reason = f"loop '{inside[0].name}' runs inside it, so it must divide"
                edit = "digits whose extents divide the iterator's"
                yield Rejection("SCH003", f"digit '{digit.name}'", reason, written_at(digit.span), edit)


def _loops(nest: Nest) -> abc.Iterator[Rejection]:
    """Loops are digits outside the instruction, each once."""
    at = written_at(nest.order_span)
    for name in nest.order:
        if nest.order.count(name) > 1:
            yield Rejection("SCH003", f"loop '{name}'", "it is there twice", at, "each loop once")
            continue
        if nest.digit(name).bound is not None:
            reason = f"it lies inside the instruction, in '{nest.digit(name).bound}'"
            yield Rejection("SCH003", f"loop '{name}'", reason, at, "leave it out of 'reorder'")
            continue
        inside = nest.order[nest.order.index(name) + 1 :]
        needed = [each for each in valid_extent(nest, nest.digit(name), {}).names if each in inside]
        if needed:
            reason = f"where it ends depends on '{needed[0]}', which must be outside it"
            yield Rejection("SCH003", f"loop '{name}'", reason, at, "extents that divide, or another order")


def _calls(nest: Nest) -> abc.Iterator[Rejection]:
    """The digits inside a lane fill it: none is left over, and the outermost can be rounded up."""
    for call in (nest.call, nest.first, nest.init):
        if call is not None:
            yield from _lanes(nest, call)


def _lanes(nest: Nest, call: Call) -> abc.Iterator[Rejection]:
    sizes = iterator_sizes(call.instruction.semantics)
    for lane, members in call.axes:
        subject = f"'{lane}' of '{call.instruction.name}'"
        if lane not in sizes:
            edit = f"iterators are {', '.join(sizes)}"
            yield Rejection("SCH002", subject, "there is no such instruction iterator", written_at(call.span), edit)
            continue
        whole, inside = 1, 1
        for place, name in enumerate(members):
            whole *= nest.digit(name).extent
            inside *= nest.digit(name).extent if place else 1
        if whole > sizes[lane]:
            at = written_at(nest.digit(members[0]).span, call.span)
            edit = f"digits of at most {sizes[lane]} steps together"
            yield Rejection("SCH002", subject, f"its digits span {whole} of {sizes[lane]} steps", at, edit)
        elif lane_size(nest, call, lane) % inside:
            at = written_at(nest.digit(members[-1]).span, call.span)
            reason = f"its inner digits, {inside} steps, do not divide its {lane_size(nest, call, lane)}"
            yield Rejection("SCH002", subject, reason, at, "inner digits that divide it")


def _inside(nest: Nest) -> abc.Iterator[Rejection]:
    """Every digit inside the instruction lies in its lane, once, in the call and in its overwriting form."""
    lanes = {name: lane for lane, members in nest.call.axes for name in members}
    for digit in nest.digits:
        if lanes.get(digit.name) != digit.bound:
            says = f"in '{digit.bound}'" if digit.bound else "a loop"
            reason = f"its split makes it {says}, 'over' of '{nest.call.instruction.name}' does not"
            at = written_at(digit.span, nest.call.span)
            yield Rejection("SCH002", f"digit '{digit.name}'", reason, at, "say the same in 'split' and in 'over'")
    for call in (each for each in (nest.call, nest.first) if each is not None):
        placed = [name for _, members in call.axes for name in members]
        if sorted(placed) != sorted(lanes):
            reason = "its digits are not those inside the instruction"
            edit = f"lay {', '.join(sorted(lanes)) or 'nothing'} over it"
            yield Rejection("SCH002", f"'{call.instruction.name}'", reason, written_at(call.span), edit)


def _start(nest: Nest) -> abc.Iterator[Rejection]:
    """The target starts overwritten, or filled with the identity of the sum."""
    if nest.first is not None and nest.init is not None:
        reason, at = "it starts with 'first' or with 'init', not both", written_at(nest.init.span)
        yield Rejection("SCH004", f"statement {nest.statement.index}", reason, at, "leave one of them out")
    reduction = nest.statement.assign.reduction
    if nest.init is not None:
        (tensor, *others) = nest.init.instruction.semantics.tensors
        value = fill_value(nest.init.instruction)
        if others or reduction is None or value is None or value != identity(reduction, tensor.dtype):
            reason, at = "'init' fills the target with what the sum starts from", written_at(nest.init.span)
            edit = "an instruction that fills with that value, or 'first'"
            yield Rejection("SCH004", f"'{nest.init.instruction.name}'", reason, at, edit)
    if nest.first is not None and accumulates(nest.first):
        reason, at = "'first' overwrites its target, this accumulates", written_at(nest.first.span)
        edit = "the instruction's overwriting form, or an 'init' that fills the target"
        yield Rejection("SCH004", f"'{nest.first.instruction.name}'", reason, at, edit)


def _buffers(nest: Nest) -> abc.Iterator[Rejection]:
    """Paths lead inwards, copies exist where they are needed, and overlap has the slots and the loops it needs."""
    for access in sorted({buffer.access for buffer in nest.buffers}):
        depth = 0
        for buffer in nest.path(access):
            subject, at = f"buffer of access {access} in '{buffer.memory}'", written_at(buffer.span)
            if depth_of(nest, buffer.loop) < depth:
                reason = "it is attached further out than the one it is filled from"
                yield Rejection("SCH004", subject, reason, at, f"at '{nest.order[depth - 1]}' or further in")
            depth = depth_of(nest, buffer.loop)
            written = access in nest.statement.written
            if buffer.kept:
                continue
            if not written and not buffer.prepared and buffer.fill is None:
                yield Rejection("SCH004", subject, "nothing fills it", at, "'fill' with a copy, or 'prepared' if const")
            if written and buffer.drain is None:
                yield Rejection("SCH004", subject, "nothing drains it", at, "'drain' with a copy")
            if (buffer.prefetch or buffer.delay) and buffer.slots < 2 and depth:
                yield Rejection("SCH004", subject, "overlap needs a second slot", at, "slots 2")
            yield from _spread(nest, buffer, subject)


def _spread(nest: Nest, buffer: Buffer, subject: str) -> abc.Iterator[Rejection]:
    inside = nest.order[depth_of(nest, buffer.loop) :]
    loops = [loop for loop, _ in buffer.spread]
    at, edit = written_at(buffer.span), f"loops inside it are {', '.join(inside) or 'none'}"
    if loops != sorted(set(loops), key=lambda name: inside.index(name) if name in inside else -1):
        reason = "it is spread over loops that are not in order, outermost first"
        yield Rejection("SCH004", subject, reason, at, edit)
    for loop in loops:
        if loop not in inside:
            reason = f"loop '{loop}' is not inside it and cannot carry a share of its copy"
            yield Rejection("SCH004", subject, reason, at, edit)
    shares = [coordinate for _, coordinate in buffer.spread]
    layout = buffer_layout(nest, buffer)
    if isinstance(layout, Rejection):
        yield layout
        return
    known = {coordinate.name for coordinate in layout.coordinates}
    for name in shares:
        if shares.count(name) > 1 or name not in known:
            edit = f"coordinates are {', '.join(sorted(known))}"
            yield Rejection("SCH004", subject, f"'{name}' is no coordinate of it, or is spread twice", at, edit)
    if filled_as_needed(nest, buffer):
        digits = {coordinate.name: coordinate.digit for coordinate in layout.coordinates}
        yield from _needed(nest, buffer, digits, subject)


def _needed(nest: Nest, buffer: Buffer, digits: abc.Mapping[str, str | None], subject: str) -> abc.Iterator[Rejection]:
    """What is filled as it is needed is there before any loop, or any buffer further in, asks for it."""
    at = written_at(buffer.span)
    for loop, coordinate in buffer.spread:
        if digits.get(coordinate) != loop:
            reason = f"its present tile is filled as it is needed, and '{coordinate}' is not what loop '{loop}' walks"
            yield Rejection("SCH004", subject, reason, at, "'pipeline' it, or let each loop carry its own coordinate")
    path = nest.path(buffer.access)
    last = max((depth_of(nest, loop) for loop, _ in buffer.spread if loop in nest.order), default=0)
    for inner in path[path.index(buffer) + 1 :]:
        if inner.prefetch or depth_of(nest, inner.loop) < last:
            reason = f"'{inner.memory}' is filled from it before all that it takes is there"
            yield Rejection("SCH004", subject, reason, at, "leave 'spread' out, or spread it over fewer loops")


def _sums(nest: Nest) -> abc.Iterator[Rejection]:
    """Partial sums that leave a buffer come back, unless they are added to what is outside."""
    if nest.statement.assign.reduction is None:
        return
    results = nest.statement.assign.target.map.results
    added = added_depth(nest)
    around = [d.name for d in nest.digits if d.bound is None and d.name not in nest.order] if added is None else []
    for buffer in (each for each in nest.path(0) if not each.adds):
        outer = (*around, *nest.order[added or 0 : depth_of(nest, buffer.loop)])
        again = [n for n in outer if not any(r.coefficient(nest.digit(n).iterator) for r in results)]
        again = [n for n in again if min(nest.digit(n).extent, iterator_extent(nest, nest.digit(n).iterator)) > 1]
        goes_on = nest.first is None and nest.init is None
        if buffer.fill is None and not buffer.kept and (again or goes_on) and accumulates(nest.call):
            reason = f"loop '{again[0]}' comes back to it" if again else "the target has an earlier value"
            subject, at = f"buffer of access 0 in '{buffer.memory}'", written_at(buffer.span)
            edit = f"'fill' as well as 'drain', or attach it outside '{again[0]}'" if again else "'fill' as well"
            yield Rejection("SCH004", subject, f"{reason}, so it must be filled", at, edit)


def _conditions(nest: Nest) -> abc.Iterator[Rejection]:
    """Conditions are tested around calls: no digit inside the instruction may decide them."""
    statement = nest.statement
    if statement.exclusions:
        yield Rejection("SCH011", f"statement {statement.index}", "it stands in the 'else' of several conditions")
    names = {name for condition in statement.conditions for name in condition.function.names}
    for digit in nest.digits:
        if digit.iterator in names and digit.bound is not None and digit.extent > 1:
            reason = f"a condition on '{digit.iterator}' cannot be tested inside an instruction"
            at = written_at(digit.span)
            yield Rejection("SCH011", f"digit '{digit.name}'", reason, at, "leave that iterator to loops")
    if statement.conditions and nest.first is not None:
        reason, at = "the call that overwrites may not be executed", written_at(nest.first.span)
        yield Rejection("SCH011", f"statement {statement.index}", reason, at, "an 'init' that fills the target")
    if statement.conditions and statement.assign.reduction is None and nest.path(0):
        reason = "elements that the condition leaves out would be drained"
        at = written_at(nest.path(0)[0].span)
        yield Rejection("SCH011", f"statement {statement.index}", reason, at, "no buffer for its target")


def _fused(nest: Nest) -> abc.Iterator[Rejection]:
    """A fused consumer is done by the drain of the target's outermost buffer, so there must be one it can read."""
    if nest.epilogue is None:
        return
    path, at = nest.path(0), written_at(nest.epilogue.span)
    subject = f"fused statement {nest.epilogue.statement.index}"
    shape = copy_shape(nest.epilogue.instruction)
    if not path or path[0].drain is None or shape is None:
        yield Rejection("SCH012", subject, "the target has no buffer whose drain could do it", at, "leave it unfused")
    elif path[0].memory not in operand_spec(nest.epilogue.instruction, shape.source).memories:
        reason = f"'{nest.epilogue.instruction.name}' does not read memory '{path[0].memory}'"
        yield Rejection("SCH012", subject, reason, at, "leave it unfused")
