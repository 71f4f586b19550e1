"""How far out each buffer is attached: at its level's tile, and then as far out as its tile does not grow."""

from __future__ import annotations

from isamapper.plan.nest import Buffer, Nest
from isamapper.scheduler.nests.place import (
    Place,
    buffer_bytes,
    row_elements,
)
from isamapper.scheduler.statements.routes import boundaries


def attachments(
    place: Place, nest: Nest, route: tuple[str, ...], access: int, ends: tuple[int, ...]
) -> tuple[int, ...]:
    """Loops around each buffer of a route before hoisting."""
    depths = []
    for memory, level in zip(route, boundaries(place.machine, access, route), strict=True):
        if level is None:
            depths.append(_register_depth(place, nest, access, memory, ends))
        elif access in place.choice.whole and not depths:
            depths.append(0)
        else:
            depths.append(ends[len(ends) - 2 - level] if len(ends) >= 2 + level else 0)
    return tuple(depths)


def _register_depth(place: Place, nest: Nest, access: int, memory: str, ends: tuple[int, ...]) -> int:
    """Where a register buffer is attached: as far out as a loop that reuses it, while its tile still fits."""
    left = _registers_left(place, nest, access, memory, ends)
    results = nest.statement.accesses[access].map.results
    floor = ends[-2] if len(ends) > 1 else 0
    best = depth = ends[-1]
    while depth:
        moving = any(r.coefficient(nest.digit(nest.order[depth - 1]).iterator) for r in results)
        if not moving:
            best = depth - 1
        elif depth == floor:
            break
        depth -= 1
        loop = nest.order[depth - 1] if depth else None
        if moving and buffer_bytes(place, nest, _register(place, access, memory, loop)) > left:
            break
    return best


def _register(place: Place, access: int, memory: str, loop: str | None) -> Buffer:
    return Buffer(access, memory, loop, row=row_elements(place, access, memory, "digits"))


def _registers_left(place: Place, nest: Nest, access: int, memory: str, ends: tuple[int, ...]) -> int:
    """Bytes for a slot of one operand: what the target's tile, placed operands and one block of the others leave."""
    described = place.machine.memory(memory)
    slots = 1 if described.renamed else 2
    used = sum(buffer_bytes(place, nest, b) * slots for b in nest.buffers if b.memory == memory)
    placed = {b.access for b in nest.buffers if b.memory == memory}
    innermost = nest.order[ends[-1] - 1] if ends[-1] else None
    for other, route in place.choice.routes:
        if other not in (0, access) and other not in placed and route and route[-1] == memory:
            used += buffer_bytes(place, nest, _register(place, other, memory, innermost)) * slots
    return (int(described.capacity_bytes or 0) - used) // slots


def hoisted(place: Place, nest: Nest, access: int, depth: int) -> int:
    results = nest.statement.accesses[access].map.results
    while depth and not any(r.coefficient(nest.digit(nest.order[depth - 1]).iterator) for r in results):
        depth -= 1
    return depth
