"""Tokens by hand: a register that one unit writes and another reads is a token; rotating ones are a queue of them.

``push`` writes a token, ``pop`` reads one; with ``rotate(i, depth)`` a push waits while ``depth`` tokens lie there
unread (WAR), a pop while there is none (RAW). Entries: (dispatched, start, end).
"""

from __future__ import annotations

from tests.sim.micro import machine, op, times

PUSH = "() -> (t: i32[1] @m) { for i < 1 { t[i] = 1 } }"
POP = "(t: i32[1] @m) -> (u: i32[1] @n) { for i < 1 { u[i] = t[i] + 0 } }"
UNITS = ("{name: u}", "{name: v}")


def pair(push: str, pop: str):
    return machine(op("push", PUSH, push, "u"), op("pop", POP, pop, "v"), units=UNITS, dispatch="{per_cycle: 2}")


def push(slot: str) -> str:
    return f"invoke push() t: a[{slot} + $0] over [1]"


def pop(slot: str) -> str:
    return f"invoke pop() t: a[{slot} + $0] over [1], u: c[0 + $0] over [1]"


def test_a_pop_waits_for_its_token():
    # The token is there at 1 + 5.
    found = times(
        pair("occupies_cycles: 1, latency_cycles: 5", "occupies_cycles: 1, latency_cycles: 1"),
        f"{push('0')} {pop('0')}",
    )
    assert found == [(0, 1, 6), (0, 6, 7)]


def test_a_push_waits_while_the_queue_is_full():
    # Depth 1, pops read for 4 cycles: pushes at 1, then when the pop before has read, 2 + 4 = 6, 7 + 4 = 11.
    target = pair("occupies_cycles: 1, latency_cycles: 1", "occupies_cycles: 4, latency_cycles: 4")
    found = times(target, f"for i < 3 {{ {push('0')} {pop('0')} }}")
    assert [start for _, start, _ in found] == [1, 2, 6, 7, 11, 12]


def test_a_deeper_queue_lets_pushes_run_ahead():
    # Depth 2: pushes at 1 and 2 (dispatched at 1), the third when the first pop has read (2 + 4), the fourth 4 later.
    target = pair("occupies_cycles: 1, latency_cycles: 1", "occupies_cycles: 4, latency_cycles: 4")
    found = times(target, f"for i < 4 {{ {push('rotate(i, 2)')} {pop('rotate(i, 2)')} }}")
    assert [start for _, start, _ in found] == [1, 2, 2, 6, 6, 10, 10, 14]


def test_as_deep_as_there_are_tokens_nothing_waits_for_room():
    # Depth 4: pushes one a cycle, as they are dispatched; pops every 4.
    target = pair("occupies_cycles: 1, latency_cycles: 1", "occupies_cycles: 4, latency_cycles: 4")
    found = times(target, f"for i < 4 {{ {push('rotate(i, 4)')} {pop('rotate(i, 4)')} }}")
    assert [start for _, start, _ in found] == [1, 2, 2, 6, 3, 10, 4, 14]


def test_slow_tokens_set_the_pace():
    # A push every 6: pops at 1 + 6, 7 + 6, 13 + 6, whatever the depth.
    target = pair("occupies_cycles: 6, latency_cycles: 6", "occupies_cycles: 1, latency_cycles: 1")
    found = times(target, f"for i < 3 {{ {push('rotate(i, 2)')} {pop('rotate(i, 2)')} }}")
    assert [start for _, start, _ in found] == [1, 7, 7, 13, 13, 19]


def test_a_token_early_in_its_instruction_lets_the_other_unit_begin():
    # Ready at 2 of 8 cycles.
    slow = op("push", PUSH, "occupies_cycles: 8, latency_cycles: 8", "u", operands="t: {ready_at: 2}")
    target = machine(
        slow, op("pop", POP, "occupies_cycles: 1, latency_cycles: 1", "v"), units=UNITS, dispatch="{per_cycle: 2}"
    )
    assert times(target, f"{push('0')} {pop('0')}") == [(0, 1, 9), (0, 3, 4)]
