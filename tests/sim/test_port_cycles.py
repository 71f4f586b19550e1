"""Ports and banks by hand. Entries: (dispatched, start, end)."""

from __future__ import annotations

from tests.sim.micro import ALU, BACK, COPY, copy, machine, op, program, run, times

TWO = ("{name: u}", "{name: v}")
COPIES = op("copy", COPY, "latency_cycles: 0")
BACKS = op("back", BACK, "latency_cycles: 0", "v")


def memory(name: str, *ports: str, more: str = "") -> str:
    """A memory with ports given as ``name direction bytes_per_cycle [more]``."""
    entries = []
    for port in ports:
        own, direction, rate, *rest = port.split(maxsplit=3)
        extra = f", {rest[0]}" if rest else ""
        entries.append(f"{{name: {own}, direction: {direction}, bytes_per_cycle: {rate}{extra}}}")
    return f"{{name: {name}, kind: host, ports: [{', '.join(entries)}]{more}}}"


def test_a_copy_takes_its_bytes_over_the_bandwidth():
    # 2 rows of 16 bytes at 8 a cycle: 4 beats from 1 to 5.
    target = machine(COPIES, memories=(memory("m", "p both 8"), memory("n")))
    assert times(target, copy("copy", 0, 0, 2)) == [(0, 1, 5)]


def test_beats_are_rounded_up():
    # 16 bytes at 6 a cycle: 3 beats.
    target = machine(COPIES, memories=(memory("m", "p both 6"), memory("n")))
    assert times(target, copy("copy", 0, 0, 1)) == [(0, 1, 4)]


def test_the_slower_port_decides():
    # 16 bytes: 2 beats on m, 4 on n.
    target = machine(COPIES, memories=(memory("m", "p both 8"), memory("n", "p both 4")))
    assert times(target, copy("copy", 0, 0, 1)) == [(0, 1, 5)]


def test_latency_follows_the_last_beat():
    # Last beat at 1 + 2; the latencies of both memories, 20 and 5, then the instruction's own 3: 31.
    target = machine(
        op("copy", COPY, "latency_cycles: 3"),
        memories=(
            memory("m", "p both 8", more=", latency_cycles: 20"),
            memory("n", "p both 16", more=", latency_cycles: 5"),
        ),
    )
    assert times(target, copy("copy", 0, 0, 1)) == [(0, 1, 31)]


def test_latency_holds_neither_port_nor_server():
    # 2 beats each: S = 1, 3, 5; ends 20 after the last beats.
    target = machine(COPIES, memories=(memory("m", "p both 8", more=", latency_cycles: 20"), memory("n")))
    body = " ".join(copy("copy", index, index) for index in range(3))
    assert times(target, body) == [(0, 1, 23), (1, 3, 25), (2, 5, 27)]


def test_a_copy_without_ports_ends_after_its_latency():
    target = machine(op("copy", COPY, "occupies_cycles: 2, latency_cycles: 5"))
    assert times(target, f"{copy('copy', 0, 0)} {copy('copy', 1, 1)}") == [(0, 1, 6), (1, 3, 8)]


def test_occupation_may_be_longer_than_the_beats():
    # 2 beats, but the unit is taken for 5: S1 = 6.
    target = machine(
        op("copy", COPY, "occupies_cycles: 5, latency_cycles: 0"), memories=(memory("m", "p both 8"), memory("n"))
    )
    assert times(target, f"{copy('copy', 0, 0)} {copy('copy', 1, 1)}") == [(0, 1, 3), (1, 6, 8)]


def test_two_units_share_a_port():
    # Both use m's port: 4 beats each. The first from 1 to 5; the second starts in 2 and is served from 5 to 9.
    target = machine(COPIES, BACKS, units=TWO, memories=(memory("m", "p both 8"), memory("n")))
    body = f"{copy('copy', 0, 0, 2)} {copy('back', 32, 32, 2, 'ts')}"
    assert times(target, body) == [(0, 1, 5), (1, 2, 9)]


def test_reading_and_writing_have_ports_of_their_own():
    target = machine(COPIES, BACKS, units=TWO, memories=(memory("m", "r read 8", "w write 8"), memory("n")))
    body = f"{copy('copy', 0, 0, 2)} {copy('back', 32, 32, 2, 'ts')}"
    assert times(target, body) == [(0, 1, 5), (1, 2, 6)]


def test_a_younger_transfer_uses_what_is_left_over():
    # u's second copy waits for its server until 9 (occupies 8) and takes [9, 11). v's copies are younger than both but
    # start before: [2, 4) is served around the first's [1, 3): cycles 3, 4; and the last, 4 beats, 5 to 9.
    target = machine(
        op("copy", COPY, "occupies_cycles: 8, latency_cycles: 0"),
        BACKS,
        units=TWO,
        memories=(memory("m", "p both 8"), memory("n")),
    )
    body = f"{copy('copy', 0, 0)} {copy('copy', 1, 1)} {copy('back', 32, 32, 1, 'ts')} {copy('back', 34, 34, 2, 'ts')}"
    assert times(target, body) == [(0, 1, 3), (1, 9, 11), (2, 3, 5), (3, 5, 9)]


def test_a_transfer_is_interrupted_and_resumed():
    # As above, but v's one copy has 8 beats from 3 on: 3..8, then the older has 9 and 10, then 11 and 12.
    target = machine(
        op("copy", COPY, "occupies_cycles: 8, latency_cycles: 0"),
        BACKS,
        units=TWO,
        memories=(memory("m", "p both 8"), memory("n")),
    )
    body = f"{copy('copy', 0, 0)} {copy('copy', 1, 1)} {copy('back', 32, 32, 4, 'ts')}"
    assert times(target, body) == [(0, 1, 3), (1, 9, 11), (2, 3, 13)]


def test_requests_round_every_row_up():
    # 2 rows of 16 bytes of a wider tensor are 2 requests of 64: 128 bytes at 8 a cycle.
    target = machine(COPIES, memories=(memory("m", "p both 8 request_bytes: 64"), memory("n")))
    body = "allocate w: i8[4, 32] @m at 8192 "
    body += "invoke copy(r = 2) x: w[$0, $1] over [2, 16], z: t[$0, $1] over [2, 16]"
    assert times(target, body) == [(0, 1, 17)]


def test_rows_that_follow_one_another_are_one_request():
    # 2 rows of 16 bytes, dense: 32 bytes are one request of 64.
    target = machine(COPIES, memories=(memory("m", "p both 8 request_bytes: 64"), memory("n")))
    assert times(target, copy("copy", 0, 0, 2)) == [(0, 1, 9)]


def test_bursts_round_requests_up():
    # 16 bytes are one request of 24, which is one burst of 32: 4 beats.
    port = "p both 8 request_bytes: 24, burst_bytes: 32"
    target = machine(COPIES, memories=(memory("m", port), memory("n")))
    assert times(target, copy("copy", 0, 0)) == [(0, 1, 5)]


def test_two_ports_of_one_direction_share_the_work():
    # The second copy finds the first port taken until 5 and uses the other from 2.
    target = machine(
        COPIES,
        op("other", COPY, "latency_cycles: 0", "v"),
        units=TWO,
        memories=(memory("m", "p read 8", "q read 8"), memory("n")),
    )
    assert times(target, f"{copy('copy', 0, 0, 2)} {copy('other', 8, 8, 2)}") == [(0, 1, 5), (1, 2, 6)]


def test_the_reader_of_a_copy_waits_for_memory_latency_too():
    # Arrives at 3 + 10; then 2 (own latency): RAW 15.
    target = machine(
        op("copy", COPY, "latency_cycles: 2"),
        op("alu", ALU, "occupies_cycles: 1, latency_cycles: 1", "v"),
        units=TWO,
        memories=(memory("m", "p read 8", "w write 64", more=", latency_cycles: 10"), memory("n")),
    )
    # the reader's own result is ready in 16 and written by one beat
    assert times(target, f"{copy('copy', 0, 0)} {copy('alu', 0, 20, 1, 'ts')}") == [(0, 1, 15), (1, 15, 17)]


def test_the_source_of_a_copy_is_read_until_the_last_beat():
    # 4 beats from 1 to 5, occupies 1: the writer may start in 5.
    target = machine(
        COPIES,
        op("alu", ALU, "occupies_cycles: 1, latency_cycles: 1", "v"),
        units=TWO,
        memories=(memory("m", "p read 8", "w write 64"), memory("n")),
    )
    assert times(target, f"{copy('copy', 0, 0, 2)} {copy('alu', 20, 0, 2, 'ts')}") == [(0, 1, 5), (1, 5, 7)]


def test_arithmetic_streams_its_reads_from_the_start():
    # 16 bytes at 8 a cycle are 2 beats within the 4 cycles it occupies: no delay; ends after its latency.
    target = machine(
        op("alu", ALU, "occupies_cycles: 4, latency_cycles: 6"), memories=(memory("m"), memory("n", "p read 8"))
    )
    body = f"{copy('alu', 0, 20, 1, 'ts')} {copy('alu', 1, 21, 1, 'ts')}"
    assert times(target, body) == [(0, 1, 7), (1, 5, 11)]


def test_arithmetic_is_as_slow_as_its_reads():
    # 32 bytes at 4 a cycle: 8 beats, 4 more than it occupies: the server is held for 8 and results come 4 later.
    target = machine(
        op("alu", ALU, "occupies_cycles: 4, latency_cycles: 6"), memories=(memory("m"), memory("n", "p read 4"))
    )
    body = f"{copy('alu', 0, 20, 2, 'ts')} {copy('alu', 4, 24, 2, 'ts')}"
    assert times(target, body) == [(0, 1, 11), (1, 9, 19)]


def test_arithmetic_writes_from_ready_at_on():
    # Ready 3 after the start, 2 beats: done at 6. The server is held as long as beats last (2), not until they are
    # over: S1 = 1 + max(1, 2) = 3.
    alu = op("alu", ALU, "occupies_cycles: 1, latency_cycles: 3")
    target = machine(alu, memories=(memory("m", "p write 8"), memory("n")))
    body = f"{copy('alu', 0, 20, 1, 'ts')} {copy('alu', 1, 21, 1, 'ts')}"
    assert times(target, body) == [(0, 1, 6), (1, 3, 8)]


def test_late_writes_hold_the_server():
    # The port is taken by u's copy, [1, 9). v's result would be written from 2 + 2 on; it is written in [9, 11), so the
    # server, which the two beats would hold for 2 cycles, is held until 11 - 2 = 9.
    target = machine(
        COPIES,
        op("alu", ALU, "occupies_cycles: 1, latency_cycles: 2", "v"),
        units=TWO,
        memories=(memory("m", "p both 8"), memory("n")),
    )
    body = f"{copy('copy', 0, 0, 4)} {copy('alu', 20, 40, 1, 'ts')} {copy('alu', 21, 41, 1, 'ts')}"
    # The third starts in 9 and writes in [11, 13).
    assert times(target, body) == [(0, 1, 9), (1, 2, 11), (2, 9, 13)]


def test_requantising_on_the_way_between_memories_is_a_transfer():
    # max(x, 0) between two memories: all beats from the start, latency from the last beat.
    meaning = "(r in 1..8) (x: i8[r, 16] @m) -> (z: i8[r, 16] @n) { for i < r, j < 16 { z[i, j] = max(x[i, j], 0) } }"
    target = machine(
        op("copy", meaning, "latency_cycles: 3"), memories=(memory("m", "p read 8"), memory("n", "p write 4"))
    )
    assert times(target, copy("copy", 0, 0)) == [(0, 1, 8)]


BANKED = ", banks: 2, capacity_bytes: 4096"


def test_one_bank_serves_one_access_at_a_time():
    # Rows 0 and 8 lie in the first 2048 bytes (the tile begins at 1024): the second access waits.
    target = machine(
        COPIES,
        op("other", COPY, "latency_cycles: 0", "v"),
        units=TWO,
        memories=(memory("m", "p read 8", more=BANKED), memory("n")),
    )
    assert times(target, f"{copy('copy', 0, 0, 2)} {copy('other', 8, 8, 2)}") == [(0, 1, 5), (1, 2, 9)]


def test_two_banks_serve_two_accesses():
    # A tensor at 2048 lies in the second bank.
    target = machine(
        COPIES,
        op("other", COPY, "latency_cycles: 0", "v"),
        units=TWO,
        memories=(memory("m", "p read 8", more=BANKED), memory("n")),
    )
    body = f"allocate w: i8[8, 16] @m at 2048 {copy('copy', 0, 0, 2)} {copy('other', 0, 8, 2, 'wt')}"
    assert times(target, body) == [(0, 1, 5), (1, 2, 6)]


def test_an_access_over_two_banks_uses_both():
    # 4 rows of 16 bytes around byte 2048: 32 bytes in each bank, 4 beats at once instead of 8.
    target = machine(COPIES, memories=(memory("m", "p read 8", more=BANKED), memory("n")))
    body = f"allocate w: i8[8, 16] @m at 2016 {copy('copy', 0, 0, 4, 'wt')}"
    assert times(target, body) == [(0, 1, 5)]


def test_interleaved_banks_share_every_row():
    # 16 bytes interleaved by 8: one beat in each of two banks.
    more = ", banks: 2, capacity_bytes: 8192, bank_of: 8"
    target = machine(COPIES, memories=(memory("m", "p read 8", more=more), memory("n")))
    assert times(target, copy("copy", 0, 0)) == [(0, 1, 2)]


def test_bytes_and_beats_are_counted():
    memories = (memory("m", "p read 8 request_bytes: 64"), memory("n", "p write 16"))
    counters = run(program(machine(COPIES, memories=memories), f"{copy('copy', 0, 0, 2)} {copy('copy', 4, 4, 1)}"))
    assert counters.bytes == [[48, 0], [0, 48]]
    assert counters.beats == [16, 3]
