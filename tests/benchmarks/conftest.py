"""After each benchmark: its ratios to the plain references are at least what the committed file asks for.

No time is asserted, only ratios of times taken in one run. With $BENCH_LEARN_RATIOS set the run is added to the file
instead: three runs or more, after a change that is meant to move a ratio.
"""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest

from tests.benchmarks import ratios


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    result = yield
    benchmark = getattr(item, "funcargs", {}).get("benchmark")
    if benchmark is None or "gpu" in item.keywords:  # a GPU's ratios are those of its kind
        return result
    test = f"{item.path.name}::{item.name}"
    if os.environ.get("BENCH_LEARN_RATIOS"):
        ratios.write(ratios.with_run(test, benchmark.extra_info, ratios.read()))
    elif slow := ratios.too_slow(test, benchmark.extra_info, ratios.read()):
        pytest.fail("\n".join(slow), pytrace=False)
    return result
