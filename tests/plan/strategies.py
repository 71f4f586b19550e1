"""Random nests for hypothesis: splits, orders, attachments, slots, overlap, spreads."""

from __future__ import annotations

from collections import abc
from dataclasses import replace

from hypothesis import strategies as st

from isamapper.diagnostics.source import Rejection
from isamapper.hwdesc.model import Machine
from isamapper.ir.nodes import Kernel
from isamapper.plan.layout import buffer_layout
from isamapper.plan.nest import Buffer, Call, Digit, Nest
from tests.plan.nests import Place, call_of, nest_of


@st.composite
def loop_digits(
    draw: st.DrawFn, iterator: str, extent: int, inside: abc.Sequence[Digit], most: int = 2
) -> tuple[Digit, ...]:
    """Digits of an iterator: up to ``most`` loops of any extents that cover it, then those ``inside``."""
    block = 1
    for digit in inside:
        block *= digit.extent
    blocks = -(-extent // block)
    loops: list[Digit] = []
    for number in range(draw(st.integers(0, most - 1))):
        size = draw(st.integers(1, min(4, blocks)))
        loops.insert(0, Digit(f"{iterator}{number + 1}", iterator, size))
        blocks = -(-blocks // size)
    loops.insert(0, Digit(f"{iterator}9", iterator, blocks + draw(st.sampled_from((0, 0, 0, 1)))))
    return (*loops, *inside)


@st.composite
def places(draw: st.DrawFn, order: tuple[str, ...], access: int, memories: tuple[str, ...]) -> tuple[Place, ...]:
    """Buffers along ``memories`` (home to instruction), attached ever further in, some of them overlapped."""
    depths = sorted(draw(st.lists(st.integers(0, len(order)), min_size=len(memories), max_size=len(memories))))
    found = []
    for memory, depth in zip(memories, depths, strict=True):
        overlap = draw(st.booleans())
        loop = order[depth - 1] if depth else None
        slots = 2 if overlap else draw(st.sampled_from((1, 1, 2, 3)))
        expand = draw(st.sampled_from(((), (), (0,), (1,), (0, 1), (0, 1, 2, 3))))
        choice = draw(st.integers(0, 11))
        layout = "digits" if memory == "weights" else draw(st.sampled_from(("digits", "digits", "dims")))
        found.append(Place(access, memory, loop, slots, layout, expand=expand, overlap=overlap, choice=choice))
    return tuple(found)


@st.composite
def nests(
    draw: st.DrawFn,
    machine: Machine,
    kernel: Kernel,
    instruction: str,
    sigma: abc.Mapping[str, int],
    digits: tuple[Digit, ...],
    paths: abc.Mapping[int, tuple[str, ...]],
    first: str | None = None,
    init: tuple[str, abc.Mapping[str, int], abc.Mapping[str, tuple[str, ...]]] | None = None,
    prepared: abc.Collection[int] = (),
) -> Nest | Rejection:
    """A nest over ``digits`` in any order of its loops, with buffers along ``paths``."""
    loops = draw(st.permutations([digit.name for digit in digits if digit.bound is None]))
    order = tuple(loops)
    if draw(st.integers(0, 3)):
        order = outer_digits_first(order, digits)
    chosen = tuple(
        place for access, memories in paths.items() for place in draw(places(order, access, memories)) if memories
    )
    chosen = tuple(_prepared(place) if _is_packed(place, chosen, prepared) else place for place in chosen)
    call = call_of(machine, instruction, digits, sigma)
    overwriting = call_of(machine, first, digits, sigma) if first else None
    filling = (
        Call(machine.instruction(init[0]), tuple(init[1].items()), tuple(sorted(init[2].items()))) if init else None
    )
    nest = nest_of(machine, kernel, 0, call, digits, order, chosen, first=overwriting, init=filling)
    if isinstance(nest, Rejection):
        return nest
    spread = tuple(draw(spreads(nest, buffer)) for buffer in nest.buffers)
    return Nest(*(getattr(nest, name) for name in ("statement", "call", "first", "init", "digits", "order")), spread)


def _is_packed(place: Place, places: tuple[Place, ...], prepared: abc.Collection[int]) -> bool:
    return place.access in prepared and place is next(p for p in places if p.access == place.access)


def _prepared(place: Place) -> Place:
    return replace(place, loop=None, slots=1, overlap=False, spread=(), prepared=True)


def outer_digits_first(order: tuple[str, ...], digits: tuple[Digit, ...]) -> tuple[str, ...]:
    """``order`` with the loops of each iterator in the order of its digits, as ragged iterators need it."""
    iterator = {digit.name: digit.iterator for digit in digits}
    waiting = {name: [d.name for d in digits if d.bound is None and d.iterator == name] for name in iterator.values()}
    return tuple(waiting[iterator[name]].pop(0) for name in order)


@st.composite
def spreads(draw: st.DrawFn, nest: Nest, buffer: Buffer) -> Buffer:
    """``buffer`` with its overlapped copy spread over some of the loops inside it, or filled as it is needed."""
    if not (buffer.prefetch or buffer.delay):
        return replace(buffer, spread=draw(needed(nest, buffer)))
    if draw(st.booleans()):
        return buffer
    depth = 0 if buffer.loop is None else nest.order.index(buffer.loop) + 1
    layout = buffer_layout(nest, buffer)
    assert not isinstance(layout, Rejection)
    names = [coordinate.name for coordinate in layout.coordinates]
    inside = list(nest.order[depth:])
    count = draw(st.integers(0, min(2, len(inside), len(names))))
    hosts = sorted(draw(st.permutations(inside))[:count], key=inside.index)
    return replace(buffer, spread=tuple(zip(hosts, draw(st.permutations(names))[:count], strict=True)))


@st.composite
def needed(draw: st.DrawFn, nest: Nest, buffer: Buffer) -> tuple[tuple[str, str], ...]:
    """Some of the loops that may bring the present tile of ``buffer`` as it is needed; none where it cannot be."""
    if buffer.prepared or buffer.fill is None or buffer.access in nest.statement.written:
        return ()
    path = nest.path(buffer.access)
    further = path[path.index(buffer) + 1 :]
    if any(inner.prefetch for inner in further):
        return ()
    depths = [0 if inner.loop is None else nest.order.index(inner.loop) + 1 for inner in (buffer, *further)]
    layout = buffer_layout(nest, buffer)
    assert not isinstance(layout, Rejection)
    own = {coordinate.digit for coordinate in layout.coordinates}
    last = min(depths[1:], default=len(nest.order))
    return tuple((loop, loop) for loop in nest.order[depths[0] : last] if loop in own and draw(st.booleans()))


def bound(machine: Machine, instruction: str, **lanes: tuple[str, int]) -> dict[str, tuple[Digit, ...]]:
    """Bound digits by iterator: ``i=("m", 4)`` puts a digit of m of extent 4 into lane i."""
    found: dict[str, tuple[Digit, ...]] = {}
    for lane, (iterator, extent) in lanes.items():
        found[iterator] = (*found.get(iterator, ()), Digit(f"{iterator}_{lane}", iterator, extent, lane))
    return found


__all__ = ["Call", "bound", "loop_digits", "nests", "places", "spreads"]
