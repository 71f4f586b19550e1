"""Whole and half recurrent cells as instructions are found in kernels that do the inputs' products beforehand."""

from __future__ import annotations

import pytest

import isamapper
from isamapper.ir.analysis import statements
from isamapper.mapper.certificate import certificate_of
from isamapper.mapper.compound.find import find_joint_mappings
from isamapper.mapper.compound.forms import forms
from isamapper.verify.played import play
from tests.mapper.compound import cells
from tests.mapper.compound.fused_machines import GRU, LSTM, fused_machine
from tests.mapper.rewrites.equal import assert_equal

SIZES = {"T": 2, "B": 3, "I": 8, "H": 8}
CASES = {
    "lstm": ("lstm", LSTM, {2, 3, 4, 5}),
    "lstm, products in one loop": ("lstm", cells.LSTM_ONE_LOOP, {2, 3, 4, 5}),
    "lstm, sums from the bias": ("lstm", cells.LSTM_FROM_BIAS, {2, 3, 4, 5, 6}),
    "lstm, products alone": ("lstm", cells.GATES, {2, 3}),
    "lstm, what is left": ("lstm", cells.LSTM_REST, {4, 5}),
    "gru": ("gru", GRU, {1, 2, 3, 4, 5, 6}),
    "gru, gates apart and in place": (cells.GRU_APART, GRU, {6, 7, 8, 9, 10, 11, 12, 13}),
    "lstm, gates apart, temporaries for one step": (cells.LSTM_APART, cells.LSTM_WITHOUT_BIAS, {10, 11, 12, 13, 14}),
    "gru, reset before the product": (cells.GRU_KERNEL_RESET_FIRST, cells.GRU_RESET_FIRST, {1, 2, 3, 4, 5, 6, 7}),
}


@pytest.mark.parametrize("case", CASES)
def test_cells_are_found_where_products_are_hoisted(case: str) -> None:
    name, semantics, members = CASES[case]
    kernel = isamapper.parse_kernel(name) if name.startswith("kernel") else isamapper.load_kernel(name, SIZES)
    machine = fused_machine(op=semantics)
    found = list(find_joint_mappings(kernel, machine))
    assert members in [set(mapping.join.members) for mapping in found]
    for mapping in found[:2]:
        verdict = play(mapping.kernel, machine, certificate_of(mapping, machine))
        assert verdict.ok, verdict.detail


@pytest.mark.parametrize("name", ["lstm", "gru"])
def test_forms_are_equal_kernels(name: str) -> None:
    kernel = isamapper.load_kernel(name, SIZES)
    found = forms(kernel)
    assert any("sink" in text for form in found for text in form.texts(kernel))
    for form in found:
        assert_equal(kernel, form.kernel, exact=False)
        assert len(form.origins) == len(statements(form.kernel))


@pytest.mark.parametrize("case", ["lstm, sums from the bias", "gru, reset before the product"])
@pytest.mark.slow
def test_cells_are_run_and_verified(case: str) -> None:
    name, semantics, _ = CASES[case]
    kernel = isamapper.parse_kernel(name) if name.startswith("kernel") else isamapper.load_kernel(name, SIZES)
    result = isamapper.run(kernel, fused_machine(op=semantics))
    assert result.certificate.ok
    assert result.search is not None
    assert any(text.startswith("sink") for text in result.search.schedule.rewrites)
