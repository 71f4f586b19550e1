"""The public names of the package."""

from __future__ import annotations

import subprocess
import sys

import pytest

import isamapper


@pytest.mark.parametrize("name", isamapper.__all__)
def test_every_public_name_is_there(name: str) -> None:
    assert getattr(isamapper, name) is not None
    assert name in dir(isamapper)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        isamapper.nothing  # noqa: B018 - the access is what is tested


@pytest.mark.parametrize("before", ["", "import isamapper.verify.verifier; ", "import isamapper.verify as room; "])
def test_verify_is_callable_however_its_room_was_imported(before: str) -> None:
    code = (
        f"{before}import isamapper; assert callable(isamapper.verify); import isamapper.verify.verifier as v; v.verify"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_types_may_be_given_by_name() -> None:
    kernel, _ = isamapper.resolve("gemm", "gemmini16_f32", sizes={"M": 4}, types={"TC": "f64"})
    assert {name: dtype.name for name, dtype in kernel.types}["TC"] == "f64"
    assert dict(kernel.sizes)["M"] == 4


def test_a_machine_gives_types_that_are_left_open() -> None:
    kernel, machine = isamapper.resolve("gemm", "gemmini16")
    assert {name: dtype.name for name, dtype in kernel.types} == {"TA": "i8", "TB": "i8", "TC": "i32"}
    assert dict(machine.default_types)["TA"].name == "i8"
