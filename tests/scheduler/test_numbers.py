"""Numbers of a kernel that reach operands as constants: as they are written where that costs no more, and right."""

from __future__ import annotations

import isamapper
from isamapper.verify.choices import opposite_of

KERNEL = """
kernel shifted(x: f32[N]) -> (y: f32[N], z: f32[N]) sizes N=9
{
  for i < N { y[i] = x[i] + 0.3 }
  for i < N { z[i] = x[i] - 0.3 }
}
"""


def test_a_sum_is_no_difference_with_a_negative_number() -> None:
    result = isamapper.run(isamapper.kernel(KERNEL), "toy4")
    assert sorted(dict(result.timeline.instructions)) == ["host_add.f32", "host_sub.f32"]
    assert result.certificate.ok


def test_but_taking_away_a_negative_number_is_adding_it() -> None:
    assert opposite_of(("literal", "-0.3")) == ("literal", "0.3")
    assert opposite_of(("literal", "0.3")) is None
