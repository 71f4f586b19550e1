"""The applications: published figures, and layers of stated shapes that have their size.

The shapes of the real ones are not published; number of layers, weights and batch are (Jouppi et al., ISCA 2017, table
1), and the share of products that padding wastes (table 3: 0.3 of 12.7 percent for MLP0, 1.2 of 10.6 for MLP1, none for
LSTM0), which says how well the shapes fill tiles of 256.
"""

from __future__ import annotations

from dataclasses import dataclass

from isamapper.bench.tpuv1.program import Dense, Writer, tiles
from isamapper.ir.nodes import Kernel

REPETITIONS = 4
"""Batches (time steps) in a program, one behind the other."""


@dataclass(frozen=True, slots=True)
class Application:
    """A program with the work that counts in it, and what was published."""

    name: str
    layers: str
    program: Kernel
    batch: int
    weights: int
    products: int
    published_tops: float


def applications() -> tuple[Application, ...]:
    """MLP0, MLP1 and LSTM0."""
    # Five layers of 2048 make 21 million weights, and fill their tiles; 1216 of the next take five tiles for 4.75, as
    # do 4.75 of 5 in the table. 24 of 2048 x 1024 are the four gates of six cells, 50 million weights.
    return (
        _perceptron("MLP0", (Dense(2048, 2048),) * 5, 200, 12.3),
        _perceptron("MLP1", (Dense(1216, 1024), Dense(1024, 1216)) * 2, 168, 9.7),
        _cells("LSTM0", 6, 1024, 64, 3.7),
    )


def _perceptron(name: str, layers: tuple[Dense, ...], batch: int, published: float) -> Application:
    writer = Writer(batch, REPETITIONS)
    source = "x"
    for number, layer in enumerate(layers):
        target = f"h{number}"
        writer.buffer(target, batch, tiles(layer.outputs) * 256)
        writer.dense([(source, tiles(layer.inputs))], target, tiles(layer.outputs), "activate_relu")
        source = target
    weights = sum(layer.inputs * layer.outputs for layer in layers)
    program = writer.program(name, tiles(layers[0].inputs), source, tiles(layers[-1].outputs))
    shapes = ", ".join(f"{layer.inputs} x {layer.outputs}" for layer in layers)
    return Application(name, shapes, program, batch, weights, weights * batch * REPETITIONS, published)


def _cells(name: str, cells: int, hidden: int, batch: int, published: float) -> Application:
    """Stacked cells of an LSTM, one time step a repetition; gates are clipped lines where the real ones are curves."""
    columns = tiles(hidden)
    writer = Writer(batch, REPETITIONS)
    source = "x"
    for cell in range(cells):
        state, memory = f"h{cell}", f"c{cell}"
        gates = [f"{gate}_{cell}" for gate in ("enter", "forget", "content", "leave")]
        for buffer in (state, memory, *gates):
            writer.buffer(buffer, batch, columns * 256)
        writer.begin(state, columns)
        writer.begin(memory, columns)
        for gate in gates:
            writer.dense([(source, columns), (state, columns)], gate, columns, "activate")
        writer.vector("vector_multiply", gates[1], memory, memory, columns)
        writer.vector("vector_multiply", gates[0], gates[2], gates[2], columns)
        writer.vector("vector_add", memory, gates[2], memory, columns)
        writer.vector("vector_multiply", gates[3], memory, state, columns)
        source = state
    weights = cells * 4 * 2 * hidden * hidden
    program = writer.program(name, columns, source, columns)
    shapes = f"{cells} cells of 4 x ({2 * hidden} x {hidden})"
    return Application(name, shapes, program, batch, weights, weights * batch * REPETITIONS, published)
