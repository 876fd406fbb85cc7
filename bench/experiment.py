"""The life of a cell, from top to bottom: data, centers, training, codes, evaluation, store."""

from __future__ import annotations

import traceback
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray

from bench.clock import Clock
from bench.errors import BenchWarning, DataError, DeviceLostError, StoreError, first_line
from bench.grid.job import Job
from bench.grid.outcome import Outcome
from bench.grid.units import Unit, can_share, pass_key
from bench.measurement import measure
from bench.plugins.method import Method, Task
from bench.plugins.registry import registry
from bench.storage.cell import Cell
from bench.storage.failures import failure_of
from bench.storage.provenance import reset_peaks
from bench.storage.store import Store, StoredCell
from bench.training.checkpoint import Checkpoint
from bench.training.device_errors import device_lost, out_of_memory
from bench.training.devices import choose_device, chosen_kernels, free_memory
from bench.training.gpu_watch import GpuWatch
from bench.training.inputs import FeatureInputs
from bench.training.kept import KeptPasses, State, head_state, restore
from bench.training.model import HashModel, build_model
from bench.training.progress import Observer, Observers
from bench.training.regimes import TrainConfig
from bench.training.seeding import seeded
from bench.training.stacked import Member, stackable, train_stacked
from bench.training.trainer import Trained, train
from bench.workshop import Material, Workshop

_SMALLER = 4  # micro-batches of a step whose batch was too large for the memory


def run_unit(unit: Unit, workshop: Workshop, observer: Observer) -> Iterator[StoredCell]:
    """Run cells and store what came of each: metrics, or the error that ended it.

    Raises:
        DataError: an image cannot be read, or the dataset has changed: every cell on it would end like this one.
        DeviceLostError: CUDA has failed; the cell it was seen in is stored as failed, the others are as they were.
        StoreError: a result cannot be written. Everything else that goes wrong is stored as a failed cell.
    """
    if unit:
        with chosen_kernels(unit[0].deterministic):
            yield from _run(unit, workshop, observer)


def _run(unit: Unit, workshop: Workshop, observer: Observer) -> Iterator[StoredCell]:
    device = choose_device(unit[0].device)
    watch = GpuWatch(device, shared=unit[0].shares_gpu)
    observer = Observers([observer, watch])
    observer.begin([job.cell for job in unit])
    reset_peaks(device)
    runs = [CellRun(job, workshop, observer) for job in unit]
    for run in runs:
        run.prepare()
        yield from _lost(run)
    kept = KeptPasses(Store(unit[0].out).cells, pass_key(unit[0]))
    if can_share(unit[0]):
        _train_together(runs, kept, observer)
    for run in runs:
        if run.ready:
            run.train()
        run.measure()
        run.outcome.gpu_busy = watch.busy
        yield from _lost(run)
        yield run.store()
    kept.clear()


def _lost(run: CellRun) -> Iterator[StoredCell]:
    """Stores a run in which the GPU was lost, and ends the unit there."""
    if run.lost is not None:
        yield run.store()
        raise DeviceLostError(f"the GPU was lost in {run.cell.title} ({run.lost}): run again for what is left.")


class CellRun:
    """One cell on its way from a job to what is stored. An error ends it, and is what is stored then.

    Attributes:
        outcome: what is stored of it in the end.
        trained: what training has left, once it has.
        lost: what CUDA said when the process lost its GPU.
    """

    material: Material
    method: Method
    model: HashModel

    def __init__(self, job: Job, workshop: Workshop, observer: Observer) -> None:
        self.job, self.cell, self.workshop, self.observer = job, job.cell, workshop, observer
        self.device = choose_device(job.device)
        self.clock = Clock()
        self.outcome = Outcome()
        self.trained: Trained | None = None
        self.lost: str | None = None

    def prepare(self) -> None:
        """Data, centers, network."""
        with self._guarded():
            self.job.add_plugins()
            self.config = TrainConfig.build("train", {**self.cell.train, "backbone": self.cell.backbone})
            with self.clock.phase("data"):
                self.material = self.workshop.material(self.job, self.config)
            self.outcome.notes.update(self.material.dataset.notes)
            self._similarity, self._similarity_facts = self.material.similarity(
                self.cell, self.config, self.clock, self.device, self.observer
            )
            self._build()

    def _build(self) -> None:
        with self.clock.phase("centers"):
            self.method = build_method(self.cell, self._similarity).to(self.device)
            self.outcome.seeds = {"training": self.method.training_seed}
        with self.clock.phase("training"):
            self.model = build_model(
                self.material.inputs, self.material.weights, self.config, self.method.outputs,
                self.method.training_seed, self.device, self.material.networks,
            )  # fmt: skip
            self._weights_digest = self.material.weights_digest(self.model.backbone)

    @property
    def ready(self) -> bool:
        """Whether it is still to be trained."""
        return self.outcome.failure is None and self.trained is None

    def take(self, found: Trained | Exception, seconds: float, together: int) -> None:
        """What a pass of so many heads has made of it, and its share of the time."""
        self.clock.add("training", seconds)
        self.outcome.together = together
        with self._guarded():
            if isinstance(found, Exception):
                raise found
            self.trained = found

    def restore(self, head: State) -> None:
        """Be what a pass has made of it; where that does not fit any more, as at the start."""
        found = restore(head, self.model, self.method)
        if found is None:
            self.rebuild()
        else:
            self.take(*found)

    def rebuild(self) -> None:
        """A network and centers as at the start."""
        with self._guarded():
            self._build()

    def train(self) -> None:
        """Alone; where memory runs out, once more with smaller batches that make up the same step, and where torch
        cannot compile a backward pass, once more without.
        """
        with self._guarded():
            micro_batches = 1
            try:
                self._train(micro_batches)
            except Exception as error:
                networks = self.material.networks
                if out_of_memory(error):
                    micro_batches = _SMALLER
                    said = f"memory ran out: trained in {_SMALLER} micro-batches a step."
                    warnings.warn(said, BenchWarning, stacklevel=2)
                elif networks is None or not networks.gives_up(error):
                    raise
            if self.trained is None:
                del self.model, self.method  # their memory is needed
                free_memory()
                self._build()
                self._train(micro_batches)

    def _train(self, micro_batches: int) -> None:
        with self.clock.phase("training"), seeded(self.method.training_seed, "dropout"):
            data = self.material
            self.trained = train(
                self.model, self.method, data.inputs, data.dataset.labels, data.split.train, self.config,
                seed=self.method.training_seed, pretrained=data.weights.pretrained, device=self.device,
                observer=self.observer, checkpoint=self._checkpoint, micro_batches=micro_batches,
            )  # fmt: skip

    @property
    def _checkpoint(self) -> Checkpoint:
        return Checkpoint(Store(self.job.out).checkpoint_folder(self.cell))

    def measure(self) -> None:
        """Codes and all that is computed of them."""
        if self.trained is None:
            return
        self.outcome.measured["history"] = self.trained.history  # also of one that cannot be measured
        with self._guarded():
            measured, self.outcome.arrays = measure(
                self.cell, self.model, self.method, self.trained, self.material, self.clock, self.device, self.observer
            )
            measured["audit"]["construction"] = {
                **self.method.facts, **self._similarity_facts, "weights_digest": self._weights_digest
            }  # fmt: skip
            self.outcome.measured |= measured

    def store(self) -> StoredCell:
        """Write what came of it; its network is let go."""
        self.__dict__.pop("model", None)
        networks = self.material.networks if hasattr(self, "material") else None
        self.outcome.compiled = networks.how if networks is not None and networks.error is None else "no"
        stored = self.outcome.store(self.job, self.clock, self.device)
        self._checkpoint.clear()
        return stored

    @contextmanager
    def _guarded(self) -> Iterator[None]:
        """Inside, warnings become notes, and an error the cell's failure."""
        with _noting([self]):
            try:
                yield
            except (DataError, StoreError):
                raise
            except Exception as error:
                self.outcome.failure = failure_of(error, traceback.format_exc())
                self.lost = first_line(error) if device_lost(error) else None


@contextmanager
def _noting(runs: Sequence[CellRun]) -> Iterator[None]:
    """Inside, warnings become notes of the runs."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", BenchWarning)
        yield
    for run in runs:
        run.outcome.notes |= {text for text in map(_note, caught) if text is not None}


def _note(caught: warnings.WarningMessage) -> str | None:
    """What a cell keeps of a warning: our own, and torch's of an operation that `--deterministic` cannot make so."""
    text = str(caught.message)
    if issubclass(caught.category, BenchWarning):
        return text
    return text.partition(". ")[0] + "." if "deterministic" in text else None


def _train_together(runs: Sequence[CellRun], kept: KeptPasses, observer: Observer) -> None:
    """Linear heads on the same features in one pass, unless one that was ended before they were stored has done it.

    Those it cannot take are left to be trained alone.
    """
    heads = kept.load()
    for run in runs:
        if run.ready and run.cell.id in heads:
            run.restore(heads[run.cell.id])
    left = [run for run in runs if run.ready]
    if len(left) < 2 or not stackable(left[0].config, left[0].material.inputs):
        return
    checkpoint = kept.checkpoint(run.cell.id for run in left)
    share = _pass(left, checkpoint, observer)
    trained = [(run, run.trained) for run in left if run.trained is not None]
    kept.save({run.cell.id: head_state(run.model, run.method, what, share, len(left)) for run, what in trained})
    checkpoint.clear()


def _pass(runs: Sequence[CellRun], checkpoint: Checkpoint, observer: Observer) -> float:
    """Train them in one pass, as far as memory holds them together; each one's share of the seconds."""
    first, clock = runs[0], Clock()
    data = first.material
    assert isinstance(data.inputs, FeatureInputs)
    members = [Member(run.model, run.method, run.method.training_seed) for run in runs]
    found: list[Trained | Exception]
    try:
        with clock.phase("training"), _noting(runs):
            found = train_stacked(
                members, data.inputs, data.dataset.labels, data.split.train, first.config, device=first.device,
                observer=observer, checkpoint=checkpoint,
            )  # fmt: skip
    except Exception as error:
        if device_lost(error):
            raise DeviceLostError(f"the GPU was lost ({first_line(error)}): run again for what is left.") from error
        if not out_of_memory(error):
            raise
        found = [error.with_traceback(None)] * len(runs)  # its frames would hold all tensors of the pass
    free_memory()  # those that it could not take have it all to themselves
    share = clock.seconds()["total"] / len(runs)
    for run, result in zip(runs, found, strict=True):
        if isinstance(result, Exception) and out_of_memory(result):
            run.rebuild()  # alone it may fit
        else:
            run.take(result, share, len(runs))
    return share


def build_method(cell: Cell, similarity: NDArray[np.float64] | None = None) -> Method:
    """The cell's method for its task."""
    cls = registry("method").load(cell.method)
    task = Task(cell.num_classes, cell.bits, cell.seed, cell.multi_label, similarity)
    method: Method = cls.create(cls.Config.build(cell.method, cell.method_config), task)
    return method
