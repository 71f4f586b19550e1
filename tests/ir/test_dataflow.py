"""Exact dataflow against enumeration, and what it says of right and wrong programs."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isamapper.diagnostics.source import Source, SourceError
from isamapper.ir import relations
from isamapper.ir.affine import evaluate, evaluate_extent
from isamapper.ir.dataflow import (
    Flow,
    dataflow,
    dead_writes,
    inner_flow,
    instance_sources,
    origins,
    undefined_reads,
    undefined_results,
)
from isamapper.ir.expressions import loads
from isamapper.ir.interpreter import holds, interpret
from isamapper.ir.nodes import Assign, Guard, Kernel, Loop, Node
from isamapper.ir.template import bind, parse_template

pytestmark = pytest.mark.skipif(not relations.available(), reason="islpy is not installed")

Instance = tuple[str, tuple[int, ...]]


def parsed(text: str, program: bool = False) -> Kernel:
    return bind(parse_template(Source("f.isam", text)), program=program)


def pairs(relation: relations.Map) -> set[tuple[Instance, Instance]]:
    """Every pair of a finite map, read from isl's own enumeration."""
    found: set[tuple[Instance, Instance]] = set()
    wrapped = relation.wrap()
    pattern = re.compile(r"(\w+)\[([^\]]*)\]")

    def add(point: object) -> None:
        one, other = pattern.findall(str(point))
        left, right = ((name, tuple(int(n) for n in re.findall(r"-?\d+", text))) for name, text in (one, other))
        found.add((left, right))

    wrapped.foreach_point(add)
    return found


class Trace:
    """Last writers by running the kernel: the same names of instances as :mod:`isamapper.ir.dataflow`."""

    def __init__(self, kernel: Kernel) -> None:
        self.numbers = {tensor.name: k for k, tensor in enumerate(kernel.tensors)}
        self.shapes = {tensor.name: tensor.shape for tensor in kernel.tensors}
        self.last: dict[tuple[str, tuple[int, ...]], Instance] = {}
        self.sources: set[tuple[Instance, Instance]] = set()
        self.statements: list[Assign] = []
        self.collect(kernel.body)
        self.run(kernel.body, {})

    def collect(self, body: tuple[Node, ...]) -> None:
        for node in body:
            if isinstance(node, Assign):
                self.statements.append(node)
            elif isinstance(node, Loop):
                self.collect(node.body)
            elif isinstance(node, Guard):
                self.collect(node.body + node.otherwise)

    def run(self, body: tuple[Node, ...], point: dict[str, int]) -> None:
        for node in body:
            if isinstance(node, Loop):
                for value in range(evaluate_extent(node.extent, point)):
                    self.run(node.body, {**point, node.iterator: value})
            elif isinstance(node, Guard):
                chosen = node.body if all(holds(c, point) for c in node.conditions) else node.otherwise
                self.run(chosen, point)
            elif isinstance(node, Assign):
                self.assign(node, point)

    def assign(self, node: Assign, point: dict[str, int]) -> None:
        number = next(k for k, one in enumerate(self.statements) if one is node)
        here = tuple(point.values())
        reads = list(enumerate((node.target, *loads(node.value))))
        for position, access in reads[0 if node.reduction else 1 :]:
            index = tuple(evaluate(function, point) for function in access.map.results)
            inside = all(0 <= i < n for i, n in zip(index, self.shapes[access.tensor], strict=True))
            if inside:
                start = f"D{self.numbers[access.tensor]}", index
                source = self.last.get((access.tensor, index), start)
                self.sources.add(((f"S{number}R{position}", here), source))
        target = tuple(evaluate(function, point) for function in node.target.map.results)
        self.last[node.target.tensor, target] = f"S{number}W", here


@st.composite
def kernels(draw: st.DrawFn) -> Kernel:
    def index() -> str:
        return f"{draw(st.integers(0, 2))}*i + {draw(st.integers(0, 2))}*j + {draw(st.integers(0, 2))}"

    def statement() -> str:
        update = draw(st.sampled_from(["=", "+="]))
        tensors = st.sampled_from(["a", "c"])
        padding = draw(st.sampled_from(["", " else 0"]))
        return f"{draw(tensors)}[{index()}] {update} ({draw(tensors)}[{index()} - 1]{padding}) + x[i]"

    guard = draw(st.sampled_from(["if j <= i ", "if i + j >= 2, i <= 2 ", "if i == j "]))
    body = f"for i < 4, j < {draw(st.sampled_from(['3', 'i + 1']))} {{ {statement()} {guard} {{ {statement()} }} "
    body += f"else {{ {statement()} }} }}" if draw(st.booleans()) else "}"
    return parsed(f"kernel f(x: f32[9], inout a: f32[20], inout c: f32[20]) {{ {body} }}")


@given(kernels())
@settings(max_examples=40, deadline=None)
def test_sources_are_those_of_enumeration(kernel: Kernel) -> None:
    flow = dataflow(kernel)
    trace = Trace(kernel)
    assert pairs(flow.sources) == trace.sources
    finals = {(tensor, index): writer for (tensor, index), writer in pairs(flow.finals)}
    for (name, index), writer in trace.last.items():
        assert finals[f"T{trace.numbers[name]}", index] == writer


def test_undefined_reads_and_dead_writes() -> None:
    kernel = parsed(
        """kernel f(x: f32[9]) -> (y: f32[9]) {
          local t: f32[9]
          for i < 8 { t[i] = x[i] }
          for i < 9 { y[i] = t[i] }
          for i < 9 { y[i] = x[i] }
        }"""
    )
    flow = dataflow(kernel)
    assert relations.first_points(undefined_reads(flow)) == {"S1R1": (8,)}
    assert relations.first_points(dead_writes(flow)) == {"S1W": (0,)}
    assert undefined_results(flow).is_empty()


def test_results_that_nobody_writes() -> None:
    flow = dataflow(parsed("kernel f(x: f32[9]) -> (y: f32[9]) { for i < 7 { y[i] = x[i] } }"))
    assert relations.first_points(undefined_results(flow)) == {"T1": (7,)}


# Programs

INSTRUCTIONS = {
    "copy": "(n in 1..4) (s: i8[n]) -> (d: i8[n]) { for i < n { d[i] = s[i] } }",
    "sum": "(x: i8[4]) -> (y: i32[4]) { for i < 4 { y[0] += i32(x[i]) } }",
    "load": "(r in 1..16, c in 1..16) (s: i8[r, c]) -> (d: i8[r, c]) { for i < r, j < c { d[i, j] = s[i, j] } }",
    "zero": "(m in 1..16, n in 1..16) () -> (c: i32[m, n]) { for i < m, j < n { c[i, j] = 0 } }",
    "mac": "(m in 1..16, n in 1..16, k in 1..16) (a: i8[m, k], w: i8[k, n], c: inout i32[m, n])"
    " { for i < m, j < n, x < k { c[i, j] += i32(a[i, x]) * i32(w[x, j]) } }",
    "store": "(m in 1..16, n in 1..16) (s: i32[m, n]) -> (d: i32[m, n]) { for i < m, j < n { d[i, j] = s[i, j] } }",
}


@cache
def bound(name: str, parameters: tuple[tuple[str, int], ...]) -> Kernel:
    return bind(parse_template(Source(name, INSTRUCTIONS[name])), dict(parameters))


def meaning(name: str, parameters: Mapping[str, int]) -> Kernel:
    return bound(name, tuple(sorted(parameters.items())))


def gemm(m: int, n: int, k: int, tile: int, slots: str = "rotate(ko, 2)", shift: str = "") -> Kernel:
    """A tiled, double-buffered matrix multiplication; the last tiles are narrower."""
    mm, nn, kk = (f"min({tile}, {size} - {tile}*{o})" for size, o in ((m, "mo"), (n, "no"), (k, "ko")))
    mo, no, ko = (-(-size // tile) for size in (m, n, k))
    return parsed(
        f"""kernel p(a: i8[{m}, {k}] @dram at 0, b: i8[{k}, {n}] @dram at 0) -> (y: i32[{m}, {n}] @dram at 0) {{
          allocate sa: i8[2, {tile}, {tile}] @spad at 0
          allocate w: i8[{tile}, {tile}] @weights at 0
          allocate c: i32[{tile}, {tile}] @acc at 0
          for mo < {mo}, no < {no} {{
            invoke zero(m = {mm}, n = {nn}) c: c[$0, $1] over [{mm}, {nn}]
            for ko < {ko} {{
              invoke load(r = {mm}, c = {kk})
                s: a[{tile}*mo + $0, {tile}*ko + $1] over [{mm}, {kk}],
                d: sa[rotate(ko, 2), $0, $1] over [{mm}, {kk}]
              invoke load(r = {kk}, c = {nn})
                s: b[{tile}*ko + $0, {tile}*no{shift} + $1] over [{kk}, {nn}],
                d: w[$0, $1] over [{kk}, {nn}]
              invoke mac(m = {mm}, n = {nn}, k = {kk})
                a: sa[{slots}, $0, $1] over [{mm}, {kk}],
                w: w[$0, $1] over [{kk}, {nn}],
                c: c[$0, $1] over [{mm}, {nn}]
            }}
            invoke store(m = {mm}, n = {nn})
              s: c[$0, $1] over [{mm}, {nn}],
              d: y[{tile}*mo + $0, {tile}*no + $1] over [{mm}, {nn}]
          }}
        }}""",
        program=True,
    )


@pytest.fixture(scope="module")
def small() -> Flow:
    return dataflow(gemm(5, 3, 7, 4), meaning)


def test_every_parameter_value_has_its_points(small: Flow) -> None:
    loaded = small.invokes[1]
    assert [kernel.tensors[0].shape for kernel, _ in loaded.meanings] == [(1, 3), (1, 4), (4, 3), (4, 4)]
    points = [relations.first_points(where) for _, where in loaded.meanings]
    assert points == [{"V1": (1, 0, 1)}, {"V1": (1, 0, 0)}, {"V1": (0, 0, 1)}, {"V1": (0, 0, 0)}]


def tiles(size: int) -> Iterator[tuple[int, int]]:
    return ((o, i) for o in range(2) for i in range(4) if 4 * o + i < size)


def test_windows_see_the_last_write_of_their_element(small: Flow) -> None:
    seen = {read: source for read, source in pairs(small.sources) if read[0] == "V3R0"}
    expected = {
        ("V3R0", (mo, 0, ko, i, x)): ("V1W1", (mo, 0, ko, i, x)) for (mo, i), (ko, x) in product(tiles(5), tiles(7))
    }
    assert seen == expected


def test_origins_see_through_copies(small: Flow) -> None:
    behind = pairs(origins(small, inner_flow(small)))
    reads = {read: source for read, source in behind if read[0] in ("V3S0R1", "V3S0R2")}
    expected = {}
    for (mo, i), j, (ko, x) in product(tiles(5), range(3), tiles(7)):
        expected["V3S0R1", (mo, 0, ko, i, j, x)] = "D0", (4 * mo + i, 4 * ko + x)
        expected["V3S0R2", (mo, 0, ko, i, j, x)] = "D1", (4 * ko + x, j)
    assert reads == expected


def test_accumulations_form_one_chain_per_element(small: Flow) -> None:
    chain = {read: source for read, source in pairs(instance_sources(small, inner_flow(small))) if read[0] == "V3S0R0"}
    assert len(chain) == 5 * 3 * 7
    assert len(set(chain.values())) == len(chain)
    assert sum(source[0] == "V0S0W" for source in chain.values()) == 5 * 3
    stored = {source for read, source in pairs(origins(small, inner_flow(small))) if read[0] == "V4S0R1"}
    assert len(stored) == 5 * 3 and not stored & set(chain.values())


def test_a_right_program_reads_nothing_undefined_and_writes_nothing_in_vain(small: Flow) -> None:
    assert undefined_reads(small).is_empty()
    assert undefined_results(small).is_empty()
    assert dead_writes(small).is_empty()


def test_a_buffer_read_in_the_wrong_slot_is_undefined_at_first() -> None:
    flow = dataflow(gemm(5, 3, 7, 4, slots="rotate(ko + 1, 2)"), meaning)
    assert relations.first_points(undefined_reads(flow)) == {"V3R0": (0, 0, 0, 0, 0)}


def test_a_wrong_offset_shows_in_the_origins() -> None:
    flow = dataflow(gemm(5, 3, 7, 4, shift=" - 1"), meaning)
    wrong = {
        source for read, source in pairs(origins(flow, inner_flow(flow))) if read == ("V3S0R2", (0, 0, 0, 0, 1, 0))
    }
    assert wrong == {("D1", (0, 0))}
    outside = undefined_reads(flow)
    assert relations.first_points(outside)["V2R0"] == (0, 0, 0, 0, 0)


def test_a_single_slot_filled_early_shows_in_the_sources() -> None:
    """The right program with the next tile's load before the product that still needs this one."""
    program = gemm(5, 3, 7, 4)
    outer = program.body[-1]
    assert isinstance(outer, Loop) and isinstance(outer.body[0], Loop)
    middle = outer.body[0]
    inner = middle.body[1]
    assert isinstance(inner, Loop)
    hasty = replace(inner, body=(inner.body[0], inner.body[2], inner.body[1]))
    loop = replace(outer, body=(replace(middle, body=(middle.body[0], hasty, middle.body[2])),))
    flow = dataflow(replace(program, body=(*program.body[:-1], loop)), meaning)
    assert relations.first_points(undefined_reads(flow))["V2R1"] == (0, 0, 0, 0, 0)
    late = {source for read, source in pairs(flow.sources) if read == ("V2R1", (0, 0, 1, 0, 0))}
    assert late == {("V3W1", (0, 0, 0, 0, 0))}


OPERATIONS = 2_000_000
"""isl's operations that the accesses of forty registers may take."""


def test_registers_written_and_read_apart_are_solved_apart() -> None:
    lines = [f"invoke load(r = 1, c = 4) s: x[{k}, $1] over [1, 4], d: g[{k}, $1] over [1, 4]" for k in range(40)]
    lines += [f"invoke load(r = 1, c = 4) s: g[{k}, $1] over [1, 4], d: y[{k}, $1] over [1, 4]" for k in range(40)]
    text = "kernel p(x: i8[40, 4] @m at 0) -> (y: i8[40, 4] @m at 0) { allocate g: i8[40, 4] @r at 0\n"
    with relations.limited(OPERATIONS):  # more where all are solved together
        flow = dataflow(parsed(text + "\n".join(lines) + " }", program=True), meaning)
    assert undefined_reads(flow).is_empty() and undefined_results(flow).is_empty()
    assert {source[0] for read, source in pairs(flow.sources) if read[0] == "V57R0"} == {"V17W1"}


def test_a_result_that_starts_at_its_identity_is_not_read() -> None:
    text = """kernel p(x: i8[4] @m at 0) -> (y: i32[4] @m at 4) {
      invoke sum x: x[$0] over [4], y: y[$0] over [4]
    }"""
    flow = dataflow(parsed(text, program=True), meaning)
    assert undefined_reads(flow).is_empty() and undefined_results(flow).is_empty()
    assert {read[0] for read, _ in pairs(flow.reads)} == {"V0R0"}


@st.composite
def programs(draw: st.DrawFn) -> Kernel:
    """Copies between two buffers with slots, in loops with guards, some of them before anything was written."""

    def window(of: str, size: int) -> str:
        if of == "x":
            return f"x[{draw(st.integers(0, 2))}*i + $0] over [{size}]"
        slot = draw(st.sampled_from(["0", "1", "rotate(i, 2)", "rotate(i + 1, 2)", "rotate(j, 2)"]))
        return f"{of}[{slot}, {draw(st.sampled_from(['0', 'j']))} + $0] over [{size}]"

    def copying() -> str:
        size = draw(st.integers(1, 3))
        source, target = draw(st.sampled_from([("x", "t"), ("t", "u"), ("u", "t"), ("t", "t")]))
        line = f"invoke copy(n = {size}) s: {window(source, size)}, d: {window(target, size)}"
        guard = draw(st.sampled_from(["", "if i >= 1 ", "if i + j <= 2 ", "if i == j "]))
        return f"{guard}{{ {line} }}" if guard else line

    inner = " ".join(copying() for _ in range(draw(st.integers(1, 3))))
    body = f"for i < 3 {{ {copying().replace('j', '0')} for j < 2 {{ {inner} }} }}"
    buffers = "allocate t: i8[2, 4] @s at 0 allocate u: i8[2, 4] @s at 8"
    first = "for k < 2 { invoke copy(n = 4) s: x[$0] over [4], d: t[k, $0] over [4] }" if draw(st.booleans()) else ""
    last = "invoke copy(n = 2) s: t[1, $0] over [2], d: y[$0] over [2]"
    return parsed(
        f"kernel p(x: i8[12] @m at 0) -> (y: i8[2] @m at 12) {{ {buffers} {first} {body} {last} }}", program=True
    )


@given(programs())
@settings(max_examples=15, deadline=None)
def test_origins_are_what_the_interpreter_delivers(program: Kernel) -> None:
    """Run on x[k] = k, every result says which element of x it came from."""
    flow = dataflow(program, meaning)
    try:
        result = interpret(program, {"x": np.arange(12)}, meaning=meaning)["y"]
    except SourceError as error:
        assert error.diagnostics[0].code == "IR304"
        assert not undefined_reads(flow).is_empty()
        return
    assert undefined_reads(flow).is_empty()
    last = len(flow.invokes) - 1
    behind = dict(pairs(origins(flow, inner_flow(flow))))
    assert [behind[f"V{last}S0R1", (k,)] for k in range(2)] == [("D0", (int(n),)) for n in result]


def test_local_tensors_start_anew_in_every_iteration() -> None:
    program = parsed(
        """kernel p(x: i8[4, 4] @m at 0) -> (y: i8[2, 4, 4] @m at 0) {
          for i < 2 {
            allocate t: i8[4, 4] @s at 0
            if i <= 0 { invoke load(r = 4, c = 4) s: x[$0, $1] over [4, 4], d: t[$0, $1] over [4, 4] }
            invoke load(r = 4, c = 4) s: t[$0, $1] over [4, 4], d: y[i, $0, $1] over [4, 4]
          }
        }""",
        program=True,
    )
    assert relations.first_points(undefined_reads(dataflow(program, meaning))) == {"V1R0": (1, 0, 0)}


def test_a_program_of_real_size_takes_no_more_operations_than_a_small_one_might() -> None:
    with relations.limited(OPERATIONS):
        flow = dataflow(gemm(5124, 700, 2048, 16), meaning)
        origins(flow, inner_flow(flow))
        assert undefined_reads(flow).is_empty()
