"""Schedules written by hand, one feature each: what is lowered computes what the kernel says."""

from __future__ import annotations

import pytest

from isamapper.diagnostics.source import Source, SourceError
from isamapper.ir.nodes import Allocate, Guard, Invoke, Loop, Prepare
from isamapper.ir.printer import print_node
from isamapper.ir.walk import walk
from isamapper.plan.lower import lower
from isamapper.plan.program import Program
from isamapper.plan.steps import Schedule
from isamapper.plan.text import parse_schedule
from tests.plan.lab import lab
from tests.plan.nests import lower_and_compare

ELEMENTWISE = """
kernel chain(x: i32[N], y: i32[N]) -> (z: i32[N]) sizes N=70
{
  local s: i32[N]
  s[i] = x[i] + y[i]
  z[i] = relu(s[i])
}
"""
FUSED = """
kernel fused(a: i8[M, K], b: i8[K, N]) -> (y: i32[N, M]) sizes M=7, N=5, K=9
{
  local s: i32[M, N]
  s[m, n] += i32(a[m, k]) * i32(b[k, n])
  y[q, p] = relu(s[p, q])
}
"""
RECURRENCE = """
kernel scan(x: i32[T, N]) -> (h: i32[T+1, N]) sizes T=4, N=5
{
  h[0, j] = relu(x[0, j])
  for t < T, j < N {
    h[t+1, j] = h[t, j] + x[t, j]
  }
}
"""
PREFIX = """
kernel prefix(x: i32[T, N], z: i32[N]) -> (y: i32[T, N]) sizes T=4, N=5
{
  local s: i32[N]
  s[j] = z[j] + z[j]
  for t < T {
    for j < N { s[j] = s[j] + x[t, j] }
    for j < N { y[t, j] = relu(s[j]) }
  }
}
"""
TRIANGLE = """
kernel triangle(a: i8[L, D], b: i8[L, D], c: inout i32[L, L]) sizes L=6, D=3
{
  for i < L, j < L, d < D {
    if j <= i { c[i, j] += i32(a[i, d]) * i32(b[j, d]) }
  }
}
"""
GEMM = """
kernel gemm(a: i8[M, K], const b: i8[K, N]) -> (c: i32[M, N]) sizes M=7, N=5, K=9
{
  c[m, n] += i32(a[m, k]) * i32(b[k, n])
}
"""
CALL = """
  apply 0 call compute(a = 1, w = 2, c = 0) over i = [m0], j = [n0], k = [k0]
  apply 0 first compute_first(a = 1, w = 2, c = 0) over i = [m0], j = [n0], k = [k0]
  split 0 m into m1: 2, m0: 4 in i
  split 0 n into n1: 2, n0: 4 in j
  split 0 k into k1: 3, k0: 4 in k
"""
TILES = f"""{CALL}
  reorder 0 m1, n1, k1
  place 0.0 acc at n1 drain mvout(i = m0*4, j = n0*4)
  place 0.1 spad at m1 fill mvin(i = m0*4, j = k0*4)
  place 0.2 spad fill mvin(i = k0*4, j = n0*4)
  place 0.2 weights at k1 row 16 fill preload(k = k0*4, j = n0*4)
"""


def schedule(kernel: str, steps: str) -> Schedule:
    return parse_schedule(Source("s", f"machine lab\n{kernel.lstrip()}steps\n{steps}"), lambda _: lab())


def program(kernel: str, steps: str) -> Program:
    return lower_and_compare(schedule(kernel, steps))


def invoked(lowered: Program) -> list[str]:
    return [node.instruction for node, _ in walk(lowered.body) if isinstance(node, Invoke)]


def refused(kernel: str, steps: str) -> tuple[str, str, int]:
    with pytest.raises(SourceError) as caught:
        lower(schedule(kernel, steps))
    (diagnostic,) = caught.value.diagnostics
    assert diagnostic.span is not None
    return diagnostic.code, diagnostic.message, diagnostic.span.line


def test_statements_follow_one_another_through_a_local_tensor() -> None:
    lowered = program(
        ELEMENTWISE,
        """
  apply 0 call host_add(a = 1, b = 2, y = 0) over i = [i0]
  split 0 i into i1: 2, i0: 64 in i
  reorder 0 i1
  apply 1 call host_relu(x = 1, y = 0) over i = [i0]
  split 1 i into i1: 2, i0: 64 in i
  reorder 1 i1
""",
    )
    assert invoked(lowered) == ["host_add", "host_relu"]
    assert [node.tensor.name for node in lowered.body.body if isinstance(node, Allocate)] == ["s"]


def test_a_drain_does_the_consumer_and_the_local_tensor_is_gone() -> None:
    lowered = program(FUSED, TILES.replace("mvout", "mvout_relu") + "  fuse 0 with 1 by mvout_relu\n")
    assert invoked(lowered).count("mvout_relu") == 1
    assert "s" not in {node.tensor.name for node, _ in walk(lowered.body) if isinstance(node, Allocate)}


def test_a_recurrence_keeps_its_loop_outside() -> None:
    lowered = program(
        RECURRENCE,
        """
  apply 0 call host_relu(x = 1, y = 0) over i = [j]
  split 0 j into j: 5 in i
  reorder 0
  apply 1 call host_add(a = 1, b = 2, y = 0) over i = [j0]
  split 1 t into t: 4
  split 1 j into j1: 2, j0: 3 in i
  reorder 1 j1
""",
    )
    loop = lowered.body.body[-1]
    assert isinstance(loop, Loop)
    assert loop.iterator == "t"


def test_statements_that_depend_on_each_other_share_their_loop() -> None:
    steps = "\n".join(
        f"""
  apply {number} call {call} over i = [j]
  {"split " + str(number) + " t into t: 4" if number else ""}
  split {number} j into j: 5 in i
  reorder {number}"""
        for number, call in enumerate(
            ("host_add(a = 1, b = 2, y = 0)", "host_add(a = 1, b = 2, y = 0)", "host_relu(x = 1, y = 0)")
        )
    )
    lowered = program(PREFIX, steps)
    loop = lowered.body.body[-1]
    assert isinstance(loop, Loop)
    assert [type(node) for node in loop.body] == [Invoke, Invoke]


def test_a_condition_is_tested_around_the_call() -> None:
    lowered = program(
        TRIANGLE,
        """
  apply 0 call host_mac(a = 1, b = 2, c = 0)
  split 0 i into i: 6
  split 0 j into j: 6
  split 0 d into d: 3
  reorder 0 i, j, d
""",
    )
    assert [type(node) for node, place in walk(lowered.body) if len(place.loops) == 3] == [Guard, Invoke]


def test_a_condition_inside_the_instruction_is_refused() -> None:
    steps = """
  apply 0 call host_mac(a = 1, b = 2, c = 0) over i = [j]
  split 0 i into i: 6
  split 0 j into j: 6 in i
  split 0 d into d: 3
  reorder 0 i, d
"""
    message = "digit 'j': a condition on 'j' cannot be tested inside an instruction"
    assert refused(TRIANGLE, steps) == ("SCH011", message, 12)


def test_a_prepared_operand_is_laid_out_offline_with_its_padding() -> None:
    lowered = program(
        GEMM,
        f"""{CALL}
  reorder 0 m1, n1, k1
  place 0.0 acc at n1 drain mvout(i = m0*4, j = n0*4)
  place 0.1 spad at m1 fill mvin(i = m0*4, j = k0*4)
  place 0.2 dram prepared
  place 0.2 spad at n1 fill mvin(i = k0*4, j = n0*4)
  place 0.2 weights at k1 row 16 fill preload(k = k0*4, j = n0*4)
""",
    )
    prepare = lowered.body.body[0]
    assert isinstance(prepare, Prepare)
    assert "else 0" in print_node(prepare)
    fills = [node for node, _ in walk(lowered.body) if isinstance(node, Invoke) and node.instruction == "mvin"]
    assert [dict(node.windows)["src"].otherwise for node in fills] == [0, None]


def test_a_prefetch_goes_ahead_in_the_loops_inside_and_catches_up() -> None:
    """m has 7 blocks in tiles of 3: the last tile has one, so one of three shares of the next fill is left over."""
    kernel = GEMM.replace("M=7", "M=25").replace("K=9", "K=4")
    lowered = program(
        kernel,
        """
  apply 0 call compute(a = 1, w = 2, c = 0) over i = [m0], j = [n0], k = [k0]
  apply 0 first compute_first(a = 1, w = 2, c = 0) over i = [m0], j = [n0], k = [k0]
  split 0 m into m2: 3, m1: 3, m0: 4 in i
  split 0 n into n1: 2, n0: 4 in j
  split 0 k into k0: 4 in k
  reorder 0 m2, n1, m1
  place 0.0 acc at n1 slots 2 drain mvout(i = m0*4, j = n0*4)
  pipeline 0.0 acc spread [m1 = m1]
  place 0.1 spad at m2 fill mvin(i = m0*4, j = k0*4)
  place 0.2 spad at n1 slots 2 fill mvin(j = n0*4)
  pipeline 0.2 spad spread [m1 = k0]
  place 0.2 weights at m1 row 16 fill preload(k = k0*4, j = n0*4)
""",
    )
    (inner,) = (node for node, _ in walk(lowered.body) if isinstance(node, Loop) and node.iterator == "n1")
    assert [type(node) for node in inner.body[-3:]] == [Loop, Guard, Guard]
    assert "if 3*m2 >= 5" in print_node(inner.body[-1]), "what the last, short loop over m1 leaves of the next fill"


NEEDED = """
  apply 0 call compute(a = 1, w = 2, c = 0) over i = [m0], j = [n0], k = [k0]
  apply 0 first compute_first(a = 1, w = 2, c = 0) over i = [m0], j = [n0], k = [k0]
  split 0 m into m1: 2, m0: 4 in i
  split 0 n into n1: 2, n0: 4 in j
  split 0 k into k1: 3, k0: 4 in k
  reorder 0 m1, n1, k1
  place 0.0 acc at n1 drain mvout(i = m0*4, j = n0*4)
  place 0.1 spad at m1 fill mvin(i = m0*4, j = k0*4)
  place 0.2 spad spread [n1 = n1, k1 = k1] fill mvin(i = k0*4, j = n0*4)
  place 0.2 weights at k1 row 16 fill preload(k = k0*4, j = n0*4)
"""


def test_what_is_needed_comes_just_before_it_is_used_first() -> None:
    lowered = program(GEMM, NEEDED)
    (inner,) = (node for node, _ in walk(lowered.body) if isinstance(node, Loop) and node.iterator == "k1")
    text = print_node(inner)
    assert text.index("if m1 == 0") < text.index("mvin") < text.index("preload"), text


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("n1 = n1, k1 = k1", "n1 = k1", "'k1' is not what loop 'n1' walks"),
        ("weights at k1", "weights at n1", "'weights' is filled from it before all that it takes is there"),
    ],
)
def test_what_is_needed_must_be_there_in_time(old: str, new: str, reason: str) -> None:
    with pytest.raises(SourceError, match=reason):
        program(GEMM, NEEDED.replace(old, new))


def test_partial_sums_leave_and_come_back() -> None:
    lowered = program(
        GEMM,
        f"""{CALL}
  reorder 0 k1, m1, n1
  place 0.0 acc at n1 fill mvin_acc(i = m0*4, j = n0*4) drain mvout(i = m0*4, j = n0*4)
  place 0.1 spad at m1 fill mvin(i = m0*4, j = k0*4)
  place 0.2 spad fill mvin(i = k0*4, j = n0*4)
  place 0.2 weights at n1 row 16 fill preload(k = k0*4, j = n0*4)
""",
    )
    assert invoked(lowered).count("mvin_acc") == 1


def test_consecutive_nests_use_the_same_addresses() -> None:
    kernel = """
kernel two(a: i8[M, K], b: i8[K, N]) -> (c: i32[M, N], d: i32[M, N]) sizes M=7, N=5, K=9
{
  c[m, n] += i32(a[m, k]) * i32(b[k, n])
  d[m, n] += i32(a[m, k]) * i32(b[k, n])
}
"""
    again = TILES.replace(" 0 ", " 1 ").replace(" 0.", " 1.")
    lowered = program(kernel, TILES + again)
    placed = [node.tensor for node, _ in walk(lowered.body) if isinstance(node, Allocate)]
    assert [tensor.address for tensor in placed if tensor.memory == "spad"] == [0, 48, 0, 48]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("m1: 2, m0: 4", "m1: 1, m0: 4", ("SCH001", "iterator 'm': its digits cover 4 of 7 iterations", 10)),
        ("reorder 0 m1, n1, k1", "reorder 0 m1, n1", ("SCH020", "there is no loop 'k1'", 18)),
        ("reorder 0 m1, n1, k1", "reorder 0 m1, n1, k2", ("SCH020", "there is no loop 'k2'", 14)),
        ("i = [m0]", "i = [m7]", ("SCH001", "digit 'm7': 'i' of 'compute' has no such digit", 8)),
        ("compute(a = 1", "compute(q = 1", ("SCH020", "'compute' has no operand 'q'", 8)),
        ("compute(a = 1", "compute(a = 3", ("SCH020", "statement 0 has no access 3, only 0 to 2", 8)),
        ("place 0.2 spad", "place 0.2 spud", ("SCH020", "machine 'lab' has no memory 'spud'", 17)),
        ("split 0 m into", "split 0 q into", ("SCH020", "statement 0 has no iterator 'q'", 10)),
        ("mvin(i = m0*4", "mvon(i = m0*4", ("SCH020", "machine 'lab' has no instruction 'mvon'", 16)),
        ("mvin(i = m0*4", "compute(i = m0*4", ("SCH020", "'compute' is no copy", 16)),
        ("place 0.1 spad at m1", "place 0.1 spad at m1 slots 1 prefetch", None),
        (
            "place 0.0 acc at n1 drain",
            "place 0.0 acc at k1 drain",
            ("SCH004", "buffer of access 0 in 'acc': loop 'k1' comes back to it, so it must be filled", 15),
        ),
        (
            "mvin(i = m0*4, j = k0*4)",
            "mvin(i = m9*4, j = k0*4)",
            (
                "SCH009",
                "copy of 'a_spad_0_1' along 'm9' by 'mvin': the buffer has no such coordinate",
                16,
            ),
        ),
    ],
)
def test_steps_that_cannot_be_carried_out(old: str, new: str, expected: tuple[str, str, int] | None) -> None:
    steps = TILES.replace(old, new)
    assert steps != TILES
    if expected is None:
        expected = ("SCH004", "buffer of access 1 in 'spad': overlap needs a second slot", 16)
    assert refused(GEMM, steps) == expected


@pytest.mark.parametrize(
    ("old", "new", "line", "message", "help"),
    [
        ("fill mvin(i = m0*4, j = k0*4)", "fill mvin_acc(i = m0*4, j = k0*4)", 16,
         "'src' of 'mvin_acc': it is i32, the tensor that it copies is i8",
         "copies of i8 from 'dram' to 'spad' are mvin, mvin_wide, mvin_any, splat"),
        ("fill mvin(i = m0*4, j = k0*4)", "fill l2_in(i = m0*4, j = k0*4)", 16,
         "'dst' of 'l2_in': it lies in l2, not in 'spad'",
         "copies of i8 from 'dram' to 'spad' are mvin, mvin_wide, mvin_any, splat"),
        ("place 0.1 spad at m1 fill mvin(i = m0*4, j = k0*4)", "place 0.1 spad at m1 prepared", 16,
         "prepared copy of 'a': a const operand is prepared once, offline; this one is known only when the kernel runs",
         "declare it 'const a', or 'fill' the buffer with a copy"),
        ("m1: 2, m0: 4", "m1: 1, m0: 4", 10, "iterator 'm': its digits cover 4 of 7 iterations",
         "'m1: 2', or another digit"),
        ("place 0.0 acc at n1 drain", "place 0.0 acc at k1 drain", 15,
         "buffer of access 0 in 'acc': loop 'k1' comes back to it, so it must be filled",
         "'fill' as well as 'drain', or attach it outside 'k1'"),
        ("place 0.2 spad fill", "place 0.2 spad slots 60000 fill", 17,
         "'b_spad_0_2' needs 5760000 bytes of memory 'spad', which has 1048528 left",
         "smaller tiles or fewer slots: 48 of its 1048576 bytes are taken before it"),
    ],
)  # fmt: skip
def test_a_refusal_points_at_its_step_and_says_what_to_try(
    old: str, new: str, line: int, message: str, help: str
) -> None:
    assert old in TILES
    with pytest.raises(SourceError) as caught:
        lower(schedule(GEMM, TILES.replace(old, new)))
    (found,) = caught.value.diagnostics
    assert found.span is not None
    assert (found.span.line, found.message, found.help) == (line, message, help)
