"""How long what is to run will take, from what finished cells took; and what its cells share."""

from __future__ import annotations

import heapq
import statistics
from collections.abc import Iterable, Iterator, Sequence, Sized
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from bench.data.cache import in_cache
from bench.grid.units import Unit, classifier_name, classifier_of, units_of
from bench.plugins.dataset import Dataset
from bench.storage.cell import Cell
from bench.storage.store import StoredCell
from bench.training.features import features_key
from bench.training.regimes import TrainConfig, regime_named

if TYPE_CHECKING:
    from bench.grid.plan import Planned


class Timings:
    """Seconds that finished cells took: medians by protocol, of the same method where there are any.

    Attributes:
        classifiers: those that finished cells have trained, or found trained.
    """

    def __init__(self, stored: Iterable[StoredCell]) -> None:
        self._seconds: dict[tuple[str, str | None], list[dict[str, float]]] = {}
        self._medians: dict[tuple[str, str | None, str], float | None] = {}
        self.classifiers: set[str] = set()
        for one in stored:
            if one.ok:
                seconds, protocol = one.result["seconds"], one.cell.protocol
                for method in (one.cell.method, None):
                    self._seconds.setdefault((protocol, method), []).append(seconds)
                if "classifier" in seconds:
                    source = one.result["audit"]["construction"]["similarity"]
                    self.classifiers.add(classifier_name(one.cell, source))

    def seconds(self, cell: Cell, phase: str = "total") -> float | None:
        """What a cell like it took; None where there is none to go by."""
        protocol = cell.protocol
        found = self._median(protocol, cell.method, phase)
        return self._median(protocol, None, phase) if found is None else found

    def _median(self, protocol: str, method: str | None, phase: str) -> float | None:
        key = (protocol, method, phase)
        if key not in self._medians:
            seconds = self._seconds.get((protocol, method))
            self._medians[key] = statistics.median(s.get(phase, 0.0) for s in seconds) if seconds else None
        return self._medians[key]


@dataclass(frozen=True)
class Forecast:
    """Cells that will run, as units on so many workers."""

    cells: Sequence[Planned]
    timings: Timings
    workers: int
    together: bool = True

    @cached_property
    def seconds(self) -> float | None:
        """Until the last worker is done; None where a cell is like none that has been finished.

        A classifier that cells share counts once. Decoding and extracting features are left out: see `shared`.
        """
        free, made = [0.0] * self.workers, set(self.timings.classifiers)
        for unit in self._units:
            taken = 0.0
            for job in unit:
                seconds = self.timings.seconds(job.cell)
                if seconds is None:
                    return None
                classifier = self._classifier_of[job.cell.id]
                if classifier in made:
                    seconds -= self.timings.seconds(job.cell, "classifier") or 0.0
                elif classifier is not None:
                    made.add(classifier)
                taken += seconds
            heapq.heapreplace(free, free[0] + taken)  # the worker that is free first
        return max(free)

    def shared(self) -> list[str]:
        """A sentence on each thing that several cells profit from, and whether it is prepared."""
        return [*self._data_sentences(), *self._classifier_sentences(), *self._pass_sentences()]

    @cached_property
    def _units(self) -> list[Unit]:
        return units_of([planned.job for planned in self.cells], self.together)

    @cached_property
    def _classifier_of(self) -> dict[str, str | None]:
        """By cell id: the classifier whose confusions its method asks for."""
        return {planned.job.cell.id: classifier_of(planned.job.cell) for planned in self.cells}

    def _data_sentences(self) -> Iterator[str]:
        features: dict[str, list[Planned]] = {}
        images: dict[tuple[str, int], Planned] = {}
        for planned in self.cells:
            dataset, cell = planned.dataset, planned.job.cell
            if dataset is None or not dataset.has_images:
                continue
            if regime_named(cell.regime).frozen:
                features.setdefault(_features_key(cell), []).append(planned)
            if not regime_named(cell.regime).frozen or not in_cache(_features_key(cell)):
                images.setdefault((cell.fingerprint, _image_size(cell, dataset)), planned)
        for (_, size), planned in images.items():
            yield _images_sentence(planned, size)
        for key, some in features.items():
            cell = some[0].job.cell
            name = f"features of {cell.dataset_label} by {cell.backbone}"
            yield f"{name} are extracted once for {_count(some)}{_state(in_cache(key))}"

    def _classifier_sentences(self) -> Iterator[str]:
        users = [planned.job.cell for planned in self.cells if self._classifier_of[planned.job.cell.id] is not None]
        if users:
            names = {self._classifier_of[cell.id] for cell in users}
            methods = ", ".join(dict.fromkeys(cell.method_label for cell in users))
            noun = "1 classifier is" if len(names) == 1 else f"{len(names)} classifiers are"
            done = len(names & self.timings.classifiers)
            yield f"{noun} trained once for {_count(users)} of {methods}{f'; {done} done already' if done else ''}"

    def _pass_sentences(self) -> Iterator[str]:
        together = [unit for unit in self._units if len(unit) > 1]
        if together:
            noun = "pass" if len(together) == 1 else "passes"
            yield f"{sum(map(len, together))} cells are trained together in {len(together)} {noun}"


def _features_key(cell: Cell) -> str:
    config = TrainConfig.build("train", {**cell.train, "backbone": cell.backbone})
    return features_key(cell.fingerprint, config, cell.weights)


def _image_size(cell: Cell, dataset: Dataset) -> int:
    """Side that images are decoded at, in pixels."""
    default = 224 if regime_named(cell.regime).frozen else 64
    return int(cell.train["store_size"] or cell.train["image_size"] or dataset.native_size or default)


def _images_sentence(planned: Planned, size: int) -> str:
    label, dataset = planned.job.cell.dataset_label, planned.dataset
    kept = None if dataset is None else dataset.images_kept(size)
    if kept is None:
        return f"images of {label} are made once in each process"
    return f"images of {label} at {size} pixels are decoded once{_state(kept)}"


def _state(there: bool) -> str:
    return "; in the cache already" if there else "; not in the cache yet, and not in the time"


def _count(cells: Sized) -> str:
    return "1 cell" if len(cells) == 1 else f"{len(cells)} cells"
