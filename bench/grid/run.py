"""Run a plan, then make reports of what is stored."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.errors import ConfigError, StoreError
from bench.grid.journal import journal
from bench.grid.plan import Plan
from bench.grid.tracking import tracking
from bench.plugins.registry import registry
from bench.storage.claims import clear_claims
from bench.storage.results import Results
from bench.storage.store import Store
from bench.training.progress import Observer, Observers


def run_plan(plan: Plan, observer: Observer | None = None) -> Results:
    """Run what is to be run, watched by `observer`, the folder's journal and the plan's trackers.

    Returns the plan's cells, old and new.

    Raises:
        StoreError: the output folder cannot be written; checked before anything runs.
    """
    store = Store(plan.spec.out)
    store.prepare()
    clear_claims(store.cells)
    with journal(plan) as lines, tracking(plan) as trackers:
        for _ in plan.executor.run(plan.to_run, Observers([observer or Observer(), lines, trackers])):
            pass
    return _stored(plan)


def reports_of(*when: str) -> list[str]:
    """Names of the reports that are written then; see `Report.when`."""
    return [name for name in registry("report").names() if registry("report").load(name).when in when]


def write_reports(out: Path, names: Sequence[str] | None = None, data_root: Path | None = None) -> list[Path]:
    """Render reports of every cell in `out`, into `out`; a file is replaced in one step.

    Args:
        names: of reports; None: those of a run.
        data_root: where images are, for reports that show some.

    Raises:
        ConfigError: there is nothing to report.
        StoreError: `out` cannot be written.
    """
    results = Results.read(out)
    if not len(results):
        why = f" ({results.unread_sentence.rstrip('.')})" if results.unread else ""
        raise ConfigError(f"there are no results in {out}{why}: make some with bench run --out {out}.")
    written: list[Path] = []
    try:
        for name in reports_of("run") if names is None else names:
            report = registry("report").load(name)()
            report.data_root = data_root
            temporary = Path(tempfile.mkdtemp(prefix=".report-", dir=out))
            try:
                for file in report.render(results, temporary):
                    place = out / file.relative_to(temporary)
                    place.parent.mkdir(exist_ok=True)
                    written.append(file.replace(place))
            finally:
                shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        raise StoreError(
            f"reports cannot be written to {out} ({error.strerror}): choose another folder with --out."
        ) from None
    return written


def _stored(plan: Plan) -> Results:
    """The plan's cells as far as they are stored, methods in the order they were asked for."""
    store = Store(plan.spec.out)
    stored = [store.read(planned.job.cell) for planned in plan.cells]
    methods = list(dict.fromkeys(planned.job.cell.method for planned in plan.cells))
    return Results([s for s in stored if s is not None], methods)
