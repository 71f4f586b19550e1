"""The plugins of docs/reference/search.md work as they are printed there."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

from isamapper.hwdesc.loader import load_machine
from isamapper.plan.protocols import SearchProblem
from tests.scheduler.problems import assert_computes, small_kernel

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "search.md"


def test_the_example_strategy_and_cost_model_find_a_schedule(tmp_path: Path) -> None:
    source = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    assert source is not None
    file = tmp_path / "my_package.py"
    file.write_text(source[1], encoding="utf-8")
    spec = importlib.util.spec_from_file_location("my_package", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    problem = SearchProblem(small_kernel("gemm", "toy4"), load_machine("toy4"))
    (found,) = module.last_only(problem, module.FewestBuffers(), budget_seconds=None, seed=0)
    assert found.cycles > 0
    assert_computes(found.schedule)
