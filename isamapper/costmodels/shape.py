"""What the analytic model must know of one statement on one machine to price any tiling of it: plain numbers.

A :class:`Shape` fixes the instruction, the memories every operand passes and the copies between them; tile sizes, loop
orders and slots stay open. What does not belong here: pricing (``batch.py``) and how a shape is found (the scheduler).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache

Dims = tuple[tuple[tuple[int, int], ...], ...]


@lru_cache(maxsize=4096)
def movers(dims: Dims) -> frozenset[int]:
    """Positions of the iterators in ``dims``."""
    return frozenset(place for dim in dims for place, _ in dim)


@lru_cache(maxsize=4096)
def _blocks(extents: tuple[int, ...], block: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(-(-extent // size) for extent, size in zip(extents, block, strict=True))


@dataclass(frozen=True, slots=True)
class Transfer:
    """One copy instruction between two memories.

    ``per_byte``: busy cycles of every port and unit for one byte; ``per_call``: those of one invocation (dispatch, a
    place in the queue) of at most ``piece_bytes``; ``slowest`` is the largest number of ``per_byte``;
    ``ahead``: how many invocations may be queued up before the program goes on, each of which takes its place for
    ``held_cycles`` beyond its work; ``home_ratio``: bytes in
    the outer memory for one on chip; ``run_bytes``: what must lie side by side for a whole piece, of a tile too.
    """

    per_byte: tuple[tuple[str, float], ...]
    per_call: tuple[tuple[str, float], ...]
    piece_bytes: float
    latency_cycles: float
    slowest: float
    ahead: float
    home_ratio: float = 1.0
    run_bytes: float = 0.0
    held_cycles: float = 0.0


@dataclass(frozen=True, slots=True)
class Rates:
    """What a copy takes at least: busy cycles per element and per invocation of at most ``piece`` elements.

    ``latency``: from the start of an invocation to its end; ``lead``: from when it reads until what it brings is ready;
    ``spare``: how much longer than the last of them its unit may work.
    """

    per_element: tuple[tuple[str, float], ...]
    per_call: tuple[tuple[str, float], ...]
    piece: float
    latency: float
    lead: float = 0.0
    spare: float = 0.0


@dataclass(frozen=True, slots=True)
class Floor:
    """What every schedule of a shape takes.

    ``busy``: cycles of resources, calls alone; ``relays``: layout copies at home as dims, elements outside the tensor
    per dim, and rates;
    ``pair_cycles``: from one call to the next that adds to the same target, but for the first ``first_pairs`` calls of
    a target; ``call_cycles`` are those of all calls, ``wait`` how late a call may read, ``last_cycles`` from the start
    of a call until its result is ready, less the longest call, ``spare`` as that of a copy; ``guarded``: calls and
    copies may be left out by conditions, so nothing holds.
    """

    busy: tuple[tuple[str, float], ...] = ()
    relays: tuple[tuple[Dims, tuple[int, ...], Rates], ...] = ()
    pair_cycles: float = 0.0
    first_pairs: int = 0
    call_cycles: float = 0.0
    wait: float = 0.0
    last_cycles: float = 0.0
    spare: float = 0.0
    guarded: bool = False


@dataclass(frozen=True, slots=True)
class Stop:
    """One operand in one memory on its way.

    ``dims`` lists per tensor axis the (iterator position, coefficient) pairs that move along it. ``level`` is the tile
    that lies here, 0 next to the instruction; as many as the shape has levels is the operand as a whole; None is a
    register file that is loaded again inside that tile. ``fill``
    brings the operand in (partial sums back, for a target), ``drain`` takes a target out. Runs are rounded up to
    ``request_bytes``; whole registers take ``padding`` bytes for one of the tensor. ``least_in`` and ``least_out`` are
    what fills and drains take at least, ``outside`` the indices per dim that lie outside the tensor. With one slot a
    tile that is ``needed`` comes piece by piece, as the calls come to use it.
    """

    access: int
    memory: str
    level: int | None
    element_bytes: float
    dims: Dims
    fill: Transfer | None = None
    drain: Transfer | None = None
    request_bytes: int = 1
    padding: float = 1.0
    target: bool = False
    least_in: Rates | None = None
    least_out: Rates | None = None
    outside: tuple[int, ...] = ()
    needed: bool = False

    @property
    def movers(self) -> frozenset[int]:
        """Positions of the iterators that move along some axis."""
        return movers(self.dims)


@dataclass(frozen=True, slots=True)
class Shape:
    """A statement with instruction, memories and copies chosen.

    ``extents`` and ``block`` are per iterator the kernel's and one call's iterations; ``base`` the busy cycles that
    every tiling shares; ``capacity`` the bytes of every memory in use; ``renamed`` the memories whose slots hardware
    alternates by itself; ``unit`` does the calls; ``target`` is
    as the dims of a stop. ``chain_cycles``: what calls that add to one target take one after the other;
    ``ahead``: how many calls the queues hold, each for ``held_cycles`` beyond its work;
    ``lead_cycles``: how long before a call starts what stands before it is dispatched;
    ``relays``: layout copies at home, as cycles, bytes and their dims;
    ``window``: invocations on their way at a time where their places are freed in order; ``call_latency`` and
    ``call_cycles`` are of one call; ``floor`` is what bounds are made of (``floors.py``);
    ``goes_on``: the target has an earlier value, which every tile of it begins with; ``first_cycles``: from the call
    that begins a sum until another can add to it, where that is longer than between two that add.
    """

    extents: tuple[int, ...]
    block: tuple[int, ...]
    levels: int
    stops: tuple[Stop, ...]
    capacity: tuple[tuple[str, int], ...]
    base: tuple[tuple[str, float], ...]
    renamed: frozenset[str]
    unit: str
    target: Dims
    calls: float
    call_cycles: float
    call_latency: float
    chain_cycles: float = 0.0
    ahead: float = 0.0
    relays: tuple[tuple[float, float, Dims], ...] = ()
    window: float = math.inf
    home_bytes: float = 0.0
    floor: Floor = Floor()
    lead_cycles: float = math.inf
    goes_on: bool = False
    first_cycles: float = 0.0
    held_cycles: float = 0.0

    @property
    def relay_cycles(self) -> float:
        """Cycles of all layout copies at home."""
        return sum(cycles for cycles, _, _ in self.relays)

    @property
    def blocks(self) -> tuple[int, ...]:
        """Calls along every iterator."""
        return _blocks(self.extents, self.block)

    @property
    def buffers(self) -> tuple[Stop, ...]:
        """Stops whose number of slots is a decision."""
        return tuple(stop for stop in self.stops if stop.level is not None and stop.memory not in self.renamed)
