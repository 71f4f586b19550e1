"""The memory graph and what instructions do, read off their meanings."""

from __future__ import annotations

from isamapper.diagnostics.source import Source
from isamapper.hwdesc.classify import Work, classify, moves, operand_axes, reads_and_writes
from isamapper.hwdesc.graph import home_memories, memory_graph, routes
from isamapper.hwdesc.loader import load_machine
from tests.hwdesc.small_machine import SMALL, edited


def test_edges_are_copies() -> None:
    machine = load_machine("toy4")
    edges = {(move.from_memory, move.to_memory, move.instruction) for move in moves(machine)}
    assert {("dram", "spad", "mvin"), ("spad", "weights", "preload"), ("acc", "dram", "mvout")} <= edges
    assert not any(name.startswith("compute") for _, _, name in edges)


def test_routes_are_paths_of_memories_shortest_first() -> None:
    machine = load_machine("toy4")
    assert routes(machine, "dram", "weights") == (("dram", "spad", "weights"),)
    assert routes(machine, "dram", "dram") == (("dram",),)
    assert routes(machine, "weights", "dram") == ()
    assert home_memories(machine) == ("dram",)


def test_an_operand_of_two_memories_gives_two_edges() -> None:
    machine = load_machine(edited(("(dst: i8[r, c] @spad)", "(dst: i8[r, c] @spad|dram)")))
    assert {(move.from_memory, move.to_memory) for move in moves(machine)} == {("dram", "spad"), ("dram", "dram")}
    assert memory_graph(machine).number_of_edges() == 2


def test_copies_fills_and_work_are_told_apart_by_meaning() -> None:
    def work(value: str) -> Work:
        return classify(load_machine(edited(("a[i] + a[i]", value))).instruction("add"))

    def fill(value: str) -> Work:
        edits = (("a[i] + a[i]", value), ("a: i8[16] @spad", ""))
        return classify(load_machine(edited(*edits)).instruction("add"))

    assert work("a[i]") is Work.COPY
    assert work("a[15 - i]") is Work.COPY
    assert work("a[0]") is Work.COPY
    assert fill("-7") is fill("i8(7)") is Work.FILL
    assert work("a[i] + 1") is Work.COMPUTE
    assert work("i8(i32(a[i]))") is Work.COMPUTE


def test_reads_writes_and_axes() -> None:
    machine = load_machine("toy4")
    compute, first = machine.instruction("compute"), machine.instruction("compute_first")
    assert reads_and_writes(compute) == (frozenset("awc"), frozenset("c"))
    assert reads_and_writes(first) == (frozenset("aw"), frozenset("c"))
    assert [operand_axes(compute, operand) for operand in compute.operands] == [("i", "k"), ("k", "j"), ("i", "j")]
    shifted = load_machine(Source("x", SMALL.replace("a[i] + a[i]", "a[i] + a[15 - i]"))).instruction("add")
    assert operand_axes(shifted, shifted.operands[0]) == (None,)
