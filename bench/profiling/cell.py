"""Runs a cell for a few epochs in a temporary folder, and watches."""

from __future__ import annotations

import dataclasses
import tempfile
from pathlib import Path

import torch

from bench.errors import ConfigError, TrainingError
from bench.experiment import CellRun
from bench.grid.job import Job
from bench.profiling.events import Seen
from bench.profiling.flops import step_flops
from bench.profiling.peak import peak_of
from bench.profiling.report import Profile
from bench.profiling.window import Steps, Window
from bench.randomness import torch_stream
from bench.storage.provenance import peaks, provenance, reset_peaks
from bench.training.devices import chosen_kernels, torch_threads
from bench.training.inputs import targets_of
from bench.training.progress import Observer
from bench.training.trainer import batches, with_labels
from bench.wholefiles import whole_file
from bench.workshop import Workshop


def profile_cell(
    job: Job, epochs: int = 2, threads: int | None = None, trace: Path | None = None, observer: Observer | None = None
) -> Profile:
    """Run a cell for so many epochs, and its encoding and evaluation; nothing is stored in the job's folder.

    Args:
        epochs: no more than the cell has are run.
        threads: of torch; None: as many as it uses now.
        trace: file to write the profiled steps to, in Chrome's format.

    Raises:
        ConfigError: the trace cannot be written.
        DataError: an image cannot be read.
        TrainingError: the cell fails.
    """
    cell = job.cell
    run = min(epochs, int(cell.train["epochs"]))
    short = cell.model_copy(update={"train": {**cell.train, "epochs": run}})
    observer = observer or Observer()
    with (
        tempfile.TemporaryDirectory(prefix="bench-profile-") as folder,
        torch_threads(threads),
        chosen_kernels(job.deterministic),
    ):
        there = dataclasses.replace(job, cell=short, out=Path(folder))
        file = None if trace is None else Path(folder) / "trace.json"
        found = _Watched(there, file, observer).profile(cell.id, int(cell.train["epochs"]))
        if trace is not None and file is not None:
            found = dataclasses.replace(found, trace=_placed(file, trace))
    return found


class _Watched:
    """A cell that is run and watched."""

    def __init__(self, job: Job, trace: Path | None, observer: Observer) -> None:
        self._job, self._trace, self._observer = job, trace, observer

    def profile(self, cell: str, epochs: int) -> Profile:
        """Run it. `cell` and `epochs` are those of the cell that was not cut."""
        waiting = _Late(self._observer)  # the window can only be made when it is known how many items there are
        run = CellRun(self._job, Workshop(waiting), waiting)
        reset_peaks(run.device)
        run.prepare()
        _no_failure(run)
        window = waiting.window = self._window(run)
        with window.watching_batches(run.material.inputs):
            run.train()
        window.close()
        _no_failure(run)
        run.measure()
        _no_failure(run)
        memory = peaks(run.device)
        assert window.seen is not None
        return self._told(run, window, window.seen, memory, cell, epochs)

    def _window(self, run: CellRun) -> Window:
        data, config = run.material, run.config
        rows = with_labels(data.dataset.labels, data.split.train)
        per_epoch = sum(1 for _ in batches(rows, config.batch_size, config.drop_last))
        return Window(Steps.of(per_epoch * config.epochs), per_epoch, run.device, self._trace, self._observer)

    def _told(
        self, run: CellRun, window: Window, seen: Seen, memory: dict[str, int | None], cell: str, epochs: int
    ) -> Profile:
        data, config, times = run.material, run.config, window.times
        threads, on_gpu = torch.get_num_threads(), run.device.type == "cuda"
        machine = provenance(run.device)
        if on_gpu:
            busy = _gpu_busy(seen, window)
        else:
            busy = times.processor / (times.seconds * threads) if times.steps else None
        return Profile(
            cell=cell, title=run.cell.title, device=machine["gpu"]["name"] if on_gpu else machine["processor"],
            on_gpu=on_gpu, threads=threads, epochs=config.epochs, cell_epochs=epochs, batch_size=config.batch_size,
            steps_per_epoch=window.per_epoch, phases=run.clock.seconds(), steps=window.steps, times=times,
            encoded=len(data.split.query) + len(data.split.database), operators=seen.operators,
            profiled_seconds=seen.seconds, busy=busy, flops=_flops(run), peak=peak_of(run.device), memory=memory,
            items="images" if data.dataset.has_images else "vectors", trace=None,
        )  # fmt: skip


def _gpu_busy(seen: Seen, window: Window) -> float | None:
    """Share of the timed steps in which the GPU ran something: what its kernels take is not changed by a profiler."""
    if seen.busy is None or not window.times.steps:
        return None
    return min(1.0, seen.busy / window.profiled_items * window.times.items / window.times.seconds)


class _Late(Observer):
    """Tells the watcher, and from some moment on the window, which tells the watcher."""

    def __init__(self, watcher: Observer) -> None:
        self._watcher = watcher
        self.window: Window | None = None

    def stage(self, name: str, total: int) -> None:
        """See `Observer`."""
        (self.window or self._watcher).stage(name, total)

    def advance(self, items: int) -> None:
        """See `Observer`."""
        (self.window or self._watcher).advance(items)

    def epoch(self, epoch: int, epochs: int, loss: float, lr: float) -> None:
        """See `Observer`."""
        (self.window or self._watcher).epoch(epoch, epochs, loss, lr)


def _flops(run: CellRun) -> int:
    """Of the training's first batch."""
    data = run.material
    rows = with_labels(data.dataset.labels, data.split.train)
    (first, *_) = batches(rows, run.config.batch_size, run.config.drop_last)
    batch = data.inputs.train_batch(first, torch_stream(run.cell.seed, "augmentation"))
    places, targets = torch.arange(len(first), device=run.device), targets_of(data.dataset.labels, first, run.device)
    return step_flops(run.model, run.method, batch, places, targets, run.config.epochs - 1)


def _no_failure(run: CellRun) -> None:
    if run.outcome.failure is not None:
        raise TrainingError(f"{run.cell.title} failed: {run.outcome.failure.reason}")


def _placed(file: Path, place: Path) -> str:
    """Put the trace where it is wanted."""
    try:
        with whole_file(place) as temporary:
            temporary.write_bytes(file.read_bytes())
    except OSError as error:
        raise ConfigError(
            f"the trace cannot be written to {place} ({error.strerror}): choose another --trace."
        ) from None
    return str(place)
