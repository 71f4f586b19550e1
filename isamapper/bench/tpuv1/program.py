"""Programs for ``tpuv1``: layer after layer, weights streamed tile by tile, activations in the Unified Buffer.

Weights lie in whole tiles of 256 x 256, so shapes are rounded up to them.
"""

from __future__ import annotations

from collections import abc
from dataclasses import dataclass

from isamapper.ir.nodes import Kernel
from isamapper.ir.parser import parse_program

SIDE = 256
SHIFT = 8


@dataclass(frozen=True, slots=True)
class Dense:
    """A fully connected layer: ``inputs`` features to ``outputs``."""

    inputs: int
    outputs: int


def tiles(size: int) -> int:
    """Tiles along a size."""
    return -(-size // SIDE)


class Writer:
    """Text of a program with its weights numbered in the order in which they stream."""

    def __init__(self, batch: int, repetitions: int) -> None:
        self.batch, self.repetitions = batch, repetitions
        self.weights: list[str] = []
        self.address = 0
        self.streamed = 0
        self.sums = 0
        self.buffers: list[str] = []
        self.used = 0
        self.begun: list[tuple[str, int]] = []
        self.body: list[str] = []

    def buffer(self, name: str, *shape: int) -> None:
        """A tensor in the Unified Buffer."""
        size = 1
        for each in shape:
            size *= each
        self.buffers.append(f"allocate {name}: i8[{', '.join(map(str, shape))}] @ub at {self.used}")
        self.used += tiles(size) * SIDE

    def begin(self, name: str, columns: int) -> None:
        """Fills a tensor of the Unified Buffer, once, with what the host begins with."""
        self.begun.append((name, columns))

    def dense(self, sources: abc.Sequence[tuple[str, int]], target: str, outputs: int, activate: str) -> None:
        """One layer: the features of all ``sources``, a tensor and its tiles each, times new weights, to ``target``."""
        weight = f"w{len(self.weights)}"
        depth = sum(count for _, count in sources)
        self.weights.append(f"const {weight}: i8[{depth * SIDE}, {outputs * SIDE}] @wmem at {self.address}")
        self.address += depth * outputs * SIDE * SIDE
        begun = self.streamed
        self.streamed += depth * outputs
        slot = f"rotate(TOTAL_SUMS*t + n + {self.sums}, 2)"
        self.sums += outputs
        lines = []
        before = 0
        for source, count in sources:
            tile = f"TOTAL_TILES*t + {depth}*n + k + {begun + before}"
            first = f"{before} + k == 0" if before == 0 else None
            lines += [f"for k < {count} {{", *self._step(weight, source, tile, before, slot, first), "}"]
            before += count
        result = f"{target}[$0, {SIDE}*n + $1] over [{self.batch}, {SIDE}]"
        lines.append(
            f"invoke {activate}(m = {self.batch}, s = {SHIFT}) src: z[{slot}, $0, $1] over [{self.batch}, {SIDE}],"
            f" dst: {result}"
        )
        self.body += [f"for n < {outputs} {{", *lines, "}"]

    def _step(
        self, weight: str, source: str, tile: str, before: int, slot: str, first: str | None
    ) -> abc.Iterator[str]:
        """One tile of weights, from memory into the array, and what is multiplied by it."""
        whole = f"over [{SIDE}, {SIDE}]"
        yield (
            f"invoke read_weights() src: {weight}[{SIDE}*k + {before * SIDE} + $0, {SIDE}*n + $1] {whole},"
            f" dst: f[rotate({tile}, 4), $0, $1] {whole}"
        )
        yield (
            f"invoke shift_weights() src: f[rotate({tile}, 4), $0, $1] {whole},"
            f" dst: v[rotate({tile}, 2), $0, $1] {whole}"
        )
        rows = f"over [{self.batch}, {SIDE}]"
        multiply = (
            f"(m = {self.batch}) a: {source}[{{slot}}$0, {SIDE}*k + $1] {rows},"
            f" w: v[rotate({tile}, 2), $0, $1] {whole}, c: z[{slot}, $0, $1] {rows}"
        ).replace("{slot}", "rotate(t, 2), " if source == "x" else "")
        if first is None:
            yield f"invoke matrix_multiply{multiply}"
        else:
            yield f"if k == 0 {{ invoke matrix_multiply_first{multiply} }} else {{ invoke matrix_multiply{multiply} }}"

    def vector(self, name: str, a: str, b: str, target: str, columns: int) -> None:
        """An elementwise operation on tensors of the Unified Buffer."""
        rows = f"[$0, {SIDE}*n + $1] over [{self.batch}, {SIDE}]"
        parameters = f"m = {self.batch}" + (", s = 7" if name == "vector_multiply" else "")
        self.body.append(
            f"for n < {columns} {{ invoke {name}({parameters}) a: {a}{rows}, b: {b}{rows}, y: {target}{rows} }}"
        )

    def program(self, name: str, inputs: int, source: str, outputs: int) -> Kernel:
        """The whole: ``inputs`` tiles come from the host for each repetition, ``outputs`` of ``source`` go there."""
        rows = f"over [{self.batch}, {SIDE}]"
        fetch = f"invoke read_host_memory(r = {self.batch}, c = {SIDE})"
        width, tall = inputs * SIDE, (self.repetitions + 1) * self.batch
        begin = [
            f"for n < {columns} {{ {fetch} src: given[{self.repetitions * self.batch} + $0, {SIDE}*n + $1] {rows},"
            f" dst: {buffer}[$0, {SIDE}*n + $1] {rows} }}"
            for buffer, columns in self.begun
        ]
        lines = [
            f"kernel {name}(given: i8[{tall}, {width}] @host at 0, {', '.join(self.weights)})",
            f"-> (result: i8[{self.repetitions}, {self.batch}, {outputs * SIDE}] @host at {tall * width}) {{",
            *self.buffers,
            f"allocate x: i8[2, {self.batch}, {width}] @ub at {self.used}",
            f"allocate f: i8[4, {SIDE}, {SIDE}] @fifo at 0",
            f"allocate v: i8[2, {SIDE}, {SIDE}] @tile at 0",
            f"allocate z: i32[2, {self.batch}, {SIDE}] @acc at 0",
            *begin,
            f"for t < {self.repetitions} {{",
            f"for n < {inputs} {{ {fetch} src: given[{self.batch}*t + $0, {SIDE}*n + $1] {rows},",
            f"dst: x[rotate(t, 2), $0, {SIDE}*n + $1] {rows} }}",
            *self.body,
            f"for n < {outputs} {{ invoke write_host_memory(r = {self.batch}, c = {SIDE})",
            f"src: {source}[$0, {SIDE}*n + $1] {rows}, dst: result[t, $0, {SIDE}*n + $1] {rows} }}",
            "} }",
        ]
        text = "\n".join(lines)
        return parse_program(text.replace("TOTAL_TILES", str(self.streamed)).replace("TOTAL_SUMS", str(self.sums)))
