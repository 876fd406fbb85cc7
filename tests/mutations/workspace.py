"""A copy of the project in which one mutant at a time is made and tested."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from tests.mutations.mutants import ROOT, Mutant, MutantError

FOLDERS = ("bench", "methods", "datasets", "reports", "tests")
HEAVY = ("pytest", "hypothesis", "numpy", "torch", "numba", "scipy.stats", "pandas", "sklearn", "PIL.Image", "pydantic")
SECONDS = 600  # for each file, after which a run counts as hung
# A name that is not there, or text that is no Python, is a mutant that says nothing of the tests.
BROKEN = ("NameError", "UnboundLocalError", "ImportError", "ModuleNotFoundError", "SyntaxError")

Verdict = Literal["caught", "survived", "broken"]


@dataclass(frozen=True)
class Outcome:
    """What came of a mutant.

    Attributes:
        verdict: "caught" by a failing test; "survived" all; "broken" where the tests could not be asked.
        detail: id of the test that caught it, or why it is broken.
        seconds: on the clock.
    """

    verdict: Verdict
    detail: str
    seconds: float


class Workspace:
    """A copy, in a folder of its own: the project's folders, with the plug-ins inside `bench` as in an installed wheel.

    `bench/methods` and so on are links there, so that the copy alone is the whole package, whatever an editable
    installation maps these names to. No bytecode is written, since a mutant can have the size and second of what it
    replaces; a mutated kernel is compiled into a cache of its own, since what it is inlined in would not notice. Tests
    run in children of one process, see `nursery`, which ends with the block that the workspace is opened in.
    """

    def __init__(self, folder: Path, root: Path = ROOT) -> None:
        self.copy, self.scratch = folder / "copy", folder / "scratch"
        self.scratch.mkdir(parents=True)
        for name in FOLDERS:
            if (root / name).is_dir():
                shutil.copytree(root / name, self.copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        for file in (path for path in root.iterdir() if path.suffix in (".toml", ".md")):
            shutil.copy(file, self.copy)
        for name in FOLDERS[1:-1]:
            if (self.copy / name).is_dir():
                (self.copy / "bench" / name).symlink_to(self.copy / name, target_is_directory=True)
        for name in ("witness", "nursery"):
            shutil.copy(Path(__file__).with_name(f"{name}.py"), self.copy / f"mutation_{name}.py")
        environment = {
            **os.environ, "PYTHONPATH": str(self.copy), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1",
            "TMPDIR": str(self.scratch), "MUTATION_COPY": str(self.copy),
        }  # fmt: skip
        ahead = HEAVY if root == ROOT else ()  # a toy project needs none of it
        self._nursery = subprocess.Popen(
            [sys.executable, "mutation_nursery.py", *ahead], cwd=self.copy, env=environment, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._nursery.terminate()
        self._nursery.communicate()

    def outcome(self, mutant: Mutant) -> Outcome:
        """Make the mutant, run its tests, and put the file back."""
        path = self.copy / mutant.file
        text = path.read_text(encoding="utf-8")
        mutated = mutant.applied(text)
        path.write_text(mutated, encoding="utf-8")
        try:
            return self.run(mutant.tests, cache=mutant.name if "numba" in mutated else "plain")
        finally:
            path.write_text(text, encoding="utf-8")

    def run(self, tests: Sequence[str], cache: str = "plain") -> Outcome:
        """Run test files on the copy as it is, up to the first failure.

        Raises:
            MutantError: it was not the copy that they imported.
        """
        report, start = self.scratch / "report.json", time.monotonic()
        report.unlink(missing_ok=True)
        code, output = self._pytest(tests, report, cache)
        seconds = time.monotonic() - start
        if code == 0:
            _read(report)
            return Outcome("survived", "", seconds)
        if code is None:
            return Outcome("broken", "it did not end", seconds)
        if code != 1:  # nothing collected, an error while collecting, a wrong option, killed
            lines = [line for line in output.splitlines() if line.strip()]
            why = next((line for line in lines if line.startswith(("E ", "ERROR"))), (lines or [""])[-1])
            return Outcome("broken", f"pytest ended with {code}: {why.strip()}", seconds)
        failed = _read(report)
        if not failed:
            return Outcome("broken", "no test failed", seconds)
        first = failed[0]
        if first["error"] in BROKEN:
            return Outcome("broken", f"{first['error']} in {first['test']}", seconds)
        return Outcome("caught", first["test"], seconds)

    def _pytest(self, tests: Sequence[str], report: Path, cache: str) -> tuple[int | None, str]:
        """Exit code, None where it did not end, and output."""
        output = self.scratch / "output.txt"
        wanted = {
            "arguments": ["-x", "-n", "0", "-q", "-p", "no:cacheprovider", "-p", "mutation_witness", *tests],
            "env": {"NUMBA_CACHE_DIR": str(self.scratch / "numba" / cache), "MUTATION_REPORT": str(report)},
            "output": str(output), "seconds": SECONDS * len(tests),
        }  # fmt: skip
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        self._nursery.stdin.write(json.dumps(wanted) + "\n")
        self._nursery.stdin.flush()
        code: int | None = json.loads(self._nursery.stdout.readline())
        return code, output.read_text(encoding="utf-8", errors="replace")


def _read(report: Path) -> list[dict[str, str]]:
    """Tests that failed."""
    found = json.loads(report.read_text(encoding="utf-8"))
    if found["foreign"] or not found["modules"]:
        raise MutantError(f"the tests did not import the copy but {', '.join(found['foreign'][:3]) or 'nothing'}.")
    return list(found["failed"])
