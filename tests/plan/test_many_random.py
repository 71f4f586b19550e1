"""The random nests again, by the hundred."""

from __future__ import annotations

from collections import abc
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.plan import test_random_conv as conv
from tests.plan import test_random_gemm as gemm
from tests.plan import test_random_lanes as lanes

CASES: list[tuple[abc.Callable[..., None], dict[str, Any]]] = [
    *(
        (gemm.test_random_gemm, {"instruction": i, "start": s, "levels": n})
        for i in ("compute", "narrow")
        for s in gemm.STARTS
        for n in (1, 2)
    ),
    *((conv.test_random_conv, {"instruction": i, "padding": p}) for i in ("compute", "narrow") for p in conv.PADDINGS),
    *((lanes.test_a_sum_split_over_two_lanes, {"prepared": p}) for p in (False, True)),
    (lanes.test_lanes_that_come_in_steps, {}),
    *((lanes.test_two_iterators_fused_in_one_lane, {"instruction": i}) for i in ("compute", "narrow")),
    (lanes.test_lanes_left_empty, {}),
    (lanes.test_vectors_with_a_broadcast_operand, {}),
]


@pytest.mark.slow
@pytest.mark.parametrize("case", range(len(CASES)))
def test_many_random_nests(case: int) -> None:
    test, arguments = CASES[case]

    @settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
    @given(data=st.data())
    def run(data: st.DataObject) -> None:
        test.hypothesis.inner_test(data=data, **arguments)  # type: ignore[attr-defined]

    run()
