"""Do the tests catch bugs? Each mutant of the tables is made in a copy of the project, and a test must fail.

    python -m tests.mutations.runner [--only NAME ...] [--jobs 2] [--markdown docs/mutants.md]

Exit codes: 0 all caught, 1 some survived (or said nothing), 2 a mistake, or tests that fail without any mutant.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue

from tests.mutations.mutants import ROOT, TABLES, Mutant, MutantError, areas, chosen, read_mutants
from tests.mutations.workspace import Outcome, Workspace

Found = dict[str, Outcome]


def main(arguments: Sequence[str] | None = None, root: Path = ROOT, tables: Path = TABLES) -> int:
    """The command; returns the exit code."""
    options = _options(arguments)
    try:
        mutants = chosen(every := read_mutants(tables), options.only)
        if options.markdown and len(mutants) < len(every):
            raise MutantError("--markdown is for a run of all mutants: leave out --only.")
        found = run(mutants, max(1, options.jobs), root)
    except MutantError as error:
        print(error, file=sys.stderr)
        return 2
    caught = [mutant for mutant in mutants if found[mutant.name].verdict == "caught"]
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    minutes = (used.ru_utime + used.ru_stime) / 60
    print(f"{len(caught)} of {len(mutants)} mutants caught, in {minutes:.1f} minutes of CPU time")
    if options.markdown:
        options.markdown.write_text(markdown(mutants, found), encoding="utf-8")
    return 0 if len(caught) == len(mutants) else 1


def run(mutants: Sequence[Mutant], jobs: int, root: Path = ROOT) -> Found:
    """What came of each mutant, by name; a line is printed for each.

    Raises:
        MutantError: the tests fail without a mutant, or test something else than the copy.
    """
    found: Found = {}
    width = max((len(mutant.name) for mutant in mutants), default=0)
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder, ExitStack() as opened:
        spaces: SimpleQueue[Workspace] = SimpleQueue()
        for number in range(jobs):
            spaces.put(opened.enter_context(Workspace(Path(folder) / str(number), root)))
        for mutant, outcome in _outcomes(mutants, spaces, jobs):
            found[mutant.name] = outcome
            text = outcome.detail if outcome.verdict == "caught" else f"{outcome.verdict.upper()} {outcome.detail}"
            print(f"{mutant.name:{width}}  {outcome.seconds:5.1f} s  {text}", flush=True)
    return found


def _outcomes(
    mutants: Sequence[Mutant], spaces: SimpleQueue[Workspace], jobs: int
) -> Iterator[tuple[Mutant, Outcome]]:  # fmt: skip
    """In the order they end: first all test files as they are, then the mutants."""

    def ask(what: Mutant | list[str]) -> Outcome:
        space = spaces.get()
        try:
            return space.outcome(what) if isinstance(what, Mutant) else space.run(what)
        finally:
            spaces.put(space)

    files = sorted({file for mutant in mutants for file in mutant.tests})
    with ThreadPoolExecutor(jobs) as pool:
        try:
            for plain in pool.map(ask, (files[i::jobs] for i in range(min(jobs, len(files))))):
                if plain.verdict != "survived":
                    raise MutantError(f"the tests fail without a mutant ({plain.detail}): mend that first.")
            going = {pool.submit(ask, mutant): mutant for mutant in mutants}
            for done in as_completed(going):
                yield going[done], done.result()
        finally:
            pool.shutdown(cancel_futures=True)


def markdown(mutants: Sequence[Mutant], found: Found) -> str:
    """The page of the documentation."""
    lines = [
        "# Bugs that the tests must catch",
        "",
        f"{len(mutants)} bugs that somebody could make, one wrong line each. Each is made in a copy of the project,",
        "and a test must fail. `python -m tests.mutations.runner --markdown docs/mutants.md` does that and writes",
        "this page; a job does it every week.",
    ]
    for area in areas(mutants):
        lines += ["", f"## {area.capitalize().replace('_', ' ')}", "", "| bug | in | caught by |", "|---|---|---|"]
        for mutant in (one for one in mutants if one.area == area):
            outcome = found[mutant.name]
            by = f"`{_short(outcome.detail)}`" if outcome.verdict == "caught" else f"**{outcome.verdict}**"
            lines.append(f"| {mutant.wrong} | `{mutant.file}` | {by} |")
    return "\n".join(lines) + "\n"


def _short(test: str) -> str:
    """`file::test` without folders and parameters: tests/a/test_b.py::test_c[d] -> test_b.py::test_c."""
    return test.partition("[")[0].rpartition("/")[2]


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutations.runner", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--only", nargs="+", default=[], metavar="NAME", help="mutants or areas; all without it")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="copies worked on at a time")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the page docs/mutants.md")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
