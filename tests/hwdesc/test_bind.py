"""Instructions at parameter values."""

from __future__ import annotations

import pytest

from isamapper.diagnostics.source import Source
from isamapper.hwdesc.bind import bind_instruction, complete_parameters, controls, timing
from isamapper.hwdesc.loader import load_machine
from isamapper.hwdesc.model import Instruction
from tests.hwdesc.small_machine import SMALL, edited


def instruction(semantics: str) -> Instruction:
    start, end = SMALL.index("(r in"), SMALL.index('"\n    operands')
    text = SMALL[:start] + semantics + SMALL[end:].replace("    operands", "    # operands", 1)
    text = text.replace("latency_cycles: r + 4", "latency_cycles: 4").replace("    emit", "    # emit", 1)
    return load_machine(Source("x", text)).instruction("mvin")


STEPPED = "(m in 1..4, c in 16..64 step 16) (x: i8[m, c] @dram) -> (y: i8[m, c] @dram) { y[i, j] = x[i, j] }"


def test_parameters_that_are_not_given_take_their_greatest_value() -> None:
    one = instruction(STEPPED)
    assert complete_parameters(one, {"m": 2}) == {"m": 2, "c": 64}
    assert bind_instruction(one, {"m": 2}).tensors[0].shape == (2, 64)
    assert bind_instruction(one, {}) == one.semantics


@pytest.mark.parametrize("values", [{"m": 0}, {"m": 5}, {"c": 17}, {"c": 80}])
def test_a_value_outside_the_range_is_our_mistake(values: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="is not a value of"):
        bind_instruction(instruction(STEPPED), values)


def test_the_same_values_give_the_same_kernel() -> None:
    one = instruction(STEPPED)
    assert bind_instruction(one, {"m": 2}) is bind_instruction(one, {"c": 64, "m": 2})


def test_controls_name_the_loops_that_parameters_set() -> None:
    text = "(m in 1..4, c in 1..2) (x: i8[m, 16*c, 4] @dram) -> (y: i8[m, 16*c, 4] @dram) "
    loops = "{ for i < m, j < 16*c, k < 4 { y[i, j, k] = x[i, j, k] } }"
    assert dict(controls(instruction(text + loops))) == {"i": ("m", 1), "j": ("c", 16)}
    assert dict(controls(instruction(text + "{ y[i, j, k] = x[i, j, k] }"))) == {"i": ("m", 1), "j": ("c", 16)}


def test_extents_that_are_no_multiple_of_one_parameter_are_not_controlled() -> None:
    text = "(m in 1..4, n in 1..4) (x: i8[m+1, m*n] @dram) -> (y: i8[m+1, m*n] @dram) { y[i, j] = x[i, j] }"
    assert dict(controls(instruction(text))) == {}


def test_timing_follows_the_parameters() -> None:
    assert timing(load_machine(Source("x", SMALL)).instruction("mvin"), {"r": 2}) == (1, 6)
    assert timing(load_machine(Source("x", SMALL)).instruction("mvin"), {}) == (1, 8)
    division = load_machine(edited(("r + 4", "'ceildiv(r * c, 3) + max(0, r - 2) % 5'")))
    assert timing(division.instruction("mvin"), {"r": 4, "c": 8}) == (1, 11 + 2)
