"""Random tiled products with buffers, prefetching, guards and ragged edges, on random machines: loops that repeat."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from isamapper.ir.parser import parse_program
from isamapper.plan.program import Program
from tests.sim.generate import random_machine


@dataclass(frozen=True)
class Buffer:
    """Four rows of four, filled by the loop at ``level`` from a tensor that moves with ``moves``."""

    name: str
    source: str
    level: int
    slots: int
    prefetch: bool
    moves: tuple[int, ...]


class Writer:
    """Writes one program as text."""

    def __init__(self, random: Random, depth: int, most: int) -> None:
        self.random = random
        self.trips = [random.randint(1, most) for _ in range(depth)]
        self.rows = 4 * self.trips[0] - random.choice((0, 0, 1, 3))
        self.buffers = [
            Buffer(name, f"{name}s", random.randrange(depth), random.choice((1, 2, 2, 3)), random.random() < 0.5,
                   tuple(sorted(random.sample(range(depth), k=random.randint(1, min(2, depth))))))
            for name in ("x", "w")
        ]  # fmt: skip
        self.drain = random.randrange(depth)
        self.sums = random.choice((1, 2, self.trips[-1]))

    def text(self) -> str:
        random = self.random
        last = max(self.trips) * 8 + 64
        places = zip(self.buffers, (1 << 16, 1 << 20), strict=True)
        sources = ", ".join(f"{buffer.source}: i8[{last}, {last}] @mem at {place}" for buffer, place in places)
        lines = [f"kernel p(a: i8[4] @mem at 0, {sources}) -> (out: i32[{last}, {last}] @mem at 0) {{"]
        address = 0
        for buffer in self.buffers:
            lines.append(f"allocate {buffer.name}: i8[{buffer.slots}, 4, 4] @buf at {address}")
            address += random.choice((64, 256))
        lines.append(f"allocate c: i32[{self.sums}, 4, 4] @acc at 0")
        self._loop(0, lines)
        return "\n".join([*lines, "}"])

    def _loop(self, level: int, lines: list[str]) -> None:
        lines.append(f"for l{level} < {self.trips[level]} {{")
        for buffer in self.buffers:
            if buffer.level == level:
                self._fill(buffer, lines)
        if level + 1 < len(self.trips):
            self._loop(level + 1, lines)
        else:
            self._compute(lines)
        if self.drain == level:
            self._store(level, lines)
        lines.append("}")

    def _count(self, level: int) -> str:
        """How many iterations of the loop at ``level`` there have been."""
        terms, weight = [], 1
        for index in range(level, -1, -1):
            terms.append(f"{weight}*l{index}")
            weight *= self.trips[index]
        return " + ".join(terms)

    def _fill(self, buffer: Buffer, lines: list[str]) -> None:
        here = self._count(buffer.level)
        moves = [index for index in buffer.moves if index <= buffer.level]
        row = f"4*l{moves[0]}" if moves else "0"
        column = f"4*l{moves[1]}" if len(moves) > 1 else "0"

        def copy(slot: str, ahead: int) -> str:
            shift = 4 * ahead if moves and moves[0] == buffer.level else 0
            return (
                f"invoke copya(r = 4, c = 4) src: {buffer.source}[{row} + {shift} + $0, {column} + $1] over [4, 4], "
                f"dst: {buffer.name}[{slot}, $0, $1] over [4, 4]"
            )

        def slot(ahead: int) -> str:
            return f"rotate({here} + {ahead}, {buffer.slots})" if buffer.slots > 1 else "0"

        if not buffer.prefetch:
            lines.append(copy(slot(0), 0))
            return
        lines.append(f"if l{buffer.level} == 0 {{ {copy(slot(0), 0)} }}")
        lines.append(f"if l{buffer.level} <= {self.trips[buffer.level] - 2} {{ {copy(slot(1), 1)} }}")

    def _compute(self, lines: list[str]) -> None:
        inner = len(self.trips) - 1
        narrow = f"min(4, {self.rows} - 4*l0)" if self.rows % 4 else "4"

        def window(name: str, slot: str, rows: str) -> str:
            return f"{name}[{slot}, $0, $1] over [{rows}, 4]"

        def slot(buffer: Buffer) -> str:
            return f"rotate({self._count(buffer.level)}, {buffer.slots})" if buffer.slots > 1 else "0"

        x, w = self.buffers
        total = "0" if self.sums == 1 else f"rotate({self._count(inner)}, 2)" if self.sums == 2 else f"l{inner}"
        operands = f"(m = {narrow}) a: {window('x', slot(x), narrow)}, w: {window('w', slot(w), '4')}, c: "
        operands += window("c", total, narrow)
        first = self.random.randrange(len(self.trips))
        if self.random.random() < 0.7:
            lines.append(f"if l{first} == 0 {{ invoke seta{operands} }} else {{ invoke maca{operands} }}")
        else:
            lines.append(f"invoke maca{operands}")

    def _store(self, level: int, lines: list[str]) -> None:
        deep = level == len(self.trips) - 1
        slot = f"l{level}" if deep and self.sums == self.trips[-1] and self.sums > 2 else "0"
        column = f"4*l{level}" if level else "0"
        store = (
            f"invoke copyb(r = 4, c = 4) src: c[{slot}, $0, $1] over [4, 4], "
            f"dst: out[4*l0 + $0, {column} + $1] over [4, 4]"
        )
        guard = self.random.random()
        if guard < 0.4:
            lines.append(f"if l{level} == {self.trips[level] - 1} {{ {store} }}")
        else:
            lines.append(store)


def random_pipeline(seed: int, depth: int = 3, most: int = 9) -> Program:
    """A random tiled product, the same for the same seed."""
    random = Random(seed)
    machine = random_machine(random)
    body = parse_program(Writer(random, random.randint(1, depth), most).text())
    return Program(body, machine, body)
