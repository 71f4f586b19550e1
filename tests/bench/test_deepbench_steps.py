"""Where the cycles of a step of a recurrence go."""

from __future__ import annotations

from isamapper.bench.deepbench.steps import ELEMENTWISE, EXCHANGE, PRODUCTS, WEIGHTS, steps_of
from isamapper.hwdesc.loader import load_machine
from isamapper.pipeline import find_schedule, resolve, schedule_program
from isamapper.sim.timing import simulate


def shares(kernel: str, hw: str, steps: int = 6, hidden: int = 32) -> tuple[dict[str, float] | None, int]:
    machine = load_machine(hw)
    found = find_schedule(resolve(kernel, machine, {"T": steps, "B": 1, "H": hidden}, None)[0], machine)
    program = schedule_program(found.schedule)
    return steps_of(program, found.schedule), simulate(program).cycles


def test_work_that_one_unit_does_after_another_adds_up_to_the_step() -> None:
    found, cycles = shares("rnn_skip_q", "gemmini16")
    assert found is not None
    assert abs(found["all"] - cycles / 6) < 0.1 * found["all"]
    assert found["all"] / 2 < found[ELEMENTWISE] < found["all"]
    assert found[PRODUCTS] < found[ELEMENTWISE]


def test_weights_that_stay_are_not_fetched_again() -> None:
    found, _ = shares("rnn_skip", "brainwave")
    assert found is not None and WEIGHTS not in found and EXCHANGE in found


def test_few_steps_have_no_later_one() -> None:
    assert shares("rnn_skip", "brainwave", steps=3)[0] is None
