"""The least ratio that each benchmark must reach: a share of the least that several runs have seen."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "ratios.json"  # name of a test -> name of a ratio -> what runs have seen
SLACK = 0.5  # other machines, and what else they do, move a ratio; a quadratic loop or a lost cache moves it more
_RATIO = "times "  # how the names of ratios in `benchmark.extra_info` begin

Seen = dict[str, dict[str, list[float]]]


def ratios_of(extra_info: Mapping[str, Any]) -> dict[str, float]:
    """What of a benchmark's facts are ratios to a plain reference in the same run."""
    return {name: float(value) for name, value in extra_info.items() if name.startswith(_RATIO)}


def too_slow(test: str, extra_info: Mapping[str, Any], seen: Seen) -> list[str]:
    """A sentence for each ratio that is less than it must be, or that no run has been seen of."""
    found = []
    for name, ratio in ratios_of(extra_info).items():
        runs = seen.get(test, {}).get(name)
        if not runs:
            found.append(f"no run has been seen of '{name}': BENCH_LEARN_RATIOS=1 pytest -m benchmark -n 0 adds one")
        elif ratio < SLACK * min(runs):
            found.append(
                f"{ratio:g} {name}, at least {SLACK * min(runs):g}: {len(runs)} runs had {min(runs):g} or more"
            )
    return found


def with_run(test: str, extra_info: Mapping[str, Any], seen: Seen) -> Seen:
    """What has been seen, one run more of a test."""
    known = seen.get(test, {})
    new = {name: [*known.get(name, []), ratio] for name, ratio in ratios_of(extra_info).items()}
    return {**seen, test: new} if new else seen


def read(file: Path = FILE) -> Seen:
    """What has been seen; nothing where there is no file."""
    return json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}


def write(seen: Seen, file: Path = FILE) -> None:
    """Replace the file, a line for each test."""
    lines = [f" {json.dumps(test)}: {json.dumps(seen[test])}" for test in sorted(seen)]
    file.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")
