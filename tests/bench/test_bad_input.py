"""The judge of malformed input, and that there is enough of it."""

from __future__ import annotations

from isamapper.bench.bad_input import Case, cases, judge
from isamapper.bench.bad_kernels import EDITS, GOOD
from isamapper.bench.bad_machines import EDITS as MACHINE_EDITS
from isamapper.bench.bad_machines import GOOD as GOOD_MACHINE

GOOD_ERROR = "error[IR001]: something\n --> bad.isam:1:2\n  |\n1 | x\n  |  ^\n"


def test_there_are_at_least_sixty_malformed_kernels_and_machines() -> None:
    assert sum(case.group != "command line" for case in cases()) >= 60


def test_every_edit_changes_the_text() -> None:
    assert all(old in GOOD and old != new for _, old, new in EDITS)
    assert all(old in GOOD_MACHINE and old != new for _, old, new in MACHINE_EDITS)


def test_no_two_cases_are_the_same() -> None:
    assert len({(case.words, case.file) for case in cases()}) == len(cases())


def test_the_judge_wants_the_exit_code_a_code_and_a_place_on_stderr_alone() -> None:
    case = Case("kernel", "x", ("kernel", "check", "bad.isam"), b"")
    assert judge(case, (2, "", GOOD_ERROR))["ok"]
    assert judge(case, (2, "", GOOD_ERROR))["place"] == "bad.isam:1:2"
    assert not judge(case, (1, "", GOOD_ERROR))["ok"]
    assert not judge(case, (2, "ok", GOOD_ERROR))["ok"]
    assert not judge(case, (2, "", "error[IR001]: something\n"))["ok"]
    assert not judge(case, (2, "", "Traceback (most recent call last)\n" + GOOD_ERROR))["ok"]
