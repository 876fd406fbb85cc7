"""A pytest plugin of a run on a copy: that the copy was tested and nothing else, and which tests failed by what.

It is put into the copy by `workspace`, and imports nothing of the project.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

FAILED: list[dict[str, str]] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note a failure, and the type of the error."""
    report = yield
    if report.failed and call.excinfo is not None:
        FAILED.append({"test": item.nodeid, "error": call.excinfo.type.__name__})
    return report


def pytest_sessionfinish() -> None:
    """Write what failed, and every module of the project that did not come from the copy."""
    copy = Path(os.environ["MUTATION_COPY"]).resolve()
    loaded = {name: module for name, module in sys.modules.items() if name.partition(".")[0] == "bench"}
    files = {name: getattr(module, "__file__", None) for name, module in loaded.items()}
    foreign = [name for name, file in files.items() if file and not Path(file).resolve().is_relative_to(copy)]
    found = {"failed": FAILED, "foreign": sorted(foreign), "modules": len(files)}
    Path(os.environ["MUTATION_REPORT"]).write_text(json.dumps(found), encoding="utf-8")
