"""From a spec to jobs: every choice resolved and checked before anything runs."""

from __future__ import annotations

import functools
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from bench.backbones.build import Weights, resolve_weights
from bench.data.cache import cache_dir
from bench.data.splits import part_split
from bench.errors import ConfigError, UnknownNameError
from bench.grid.choice import MethodChoice, method_choice
from bench.grid.forecast import Forecast, Timings
from bench.grid.gpu_room import GpuRoom, gpu_room
from bench.grid.job import Job, open_dataset
from bench.grid.spec import GridSpec
from bench.grid.tuned import Tuned, read_tuned, tuning_key
from bench.plugins.dataset import Dataset
from bench.plugins.executor import Executor
from bench.plugins.method import Method, Task
from bench.plugins.registry import registry
from bench.plugins.tracker import Tracker
from bench.storage.cell import Cell
from bench.storage.store import Store, StoredCell
from bench.training.devices import choose_device
from bench.training.regimes import TrainConfig, regime_named, train_config
from bench.user_config import config_place

State = Literal["done", "failed", "missing"]
_SMALL = 64  # pixels up to which a small CNN is the default


@dataclass(frozen=True)
class Planned:
    """A job, what the store holds of it, whether it will run, and its dataset."""

    job: Job
    stored: StoredCell | None
    runs: bool
    dataset: Dataset | None = None

    @property
    def state(self) -> State:
        """Of what is stored."""
        return "missing" if self.stored is None else "done" if self.stored.ok else "failed"


@dataclass(frozen=True)
class Plan:
    """All cells of a spec, in the order dataset, method, bits, seed."""

    spec: GridSpec
    cells: list[Planned]
    notes: tuple[str, ...] = ()  # what the datasets have to tell

    @property
    def to_run(self) -> list[Job]:
        """Jobs to hand to an executor."""
        return [planned.job for planned in self.cells if planned.runs]

    @property
    def executor(self) -> Executor:
        """Where the jobs are to run."""
        cls: type[Executor] = registry("executor").load(self.spec.executor)
        return cls(cls.Config.build(self.spec.executor, self.spec.set.get(self.spec.executor, {})))

    @property
    def trackers(self) -> list[Tracker]:
        """What the run is followed with."""
        return [registry("tracker").load(name)(self.spec.out) for name in self.spec.tracking]

    @functools.cached_property
    def stored(self) -> list[StoredCell]:
        """All that the output folder holds."""
        own = {planned.job.cell.folder for planned in self.cells}
        stored = [planned.stored for planned in self.cells if planned.stored is not None]
        return [*stored, *Store(self.spec.out).read_all(but=own)]

    @functools.cached_property
    def timings(self) -> Timings:
        """What cells took that the output folder holds."""
        return Timings(self.stored)

    @functools.cached_property
    def gpu_room(self) -> GpuRoom | None:
        """What the cells that will run take of a GPU, if that is known."""
        return gpu_room([job.cell for job in self.to_run], self.stored)

    @functools.cached_property
    def forecast(self) -> Forecast:
        """How long what will run takes on the executor's workers, and what it shares."""
        executor = self.executor
        return Forecast(
            [p for p in self.cells if p.runs], self.timings, executor.at_once(self.to_run), executor.config.together
        )


@dataclass(frozen=True)
class Source:
    """A dataset as asked for: opened, with what names it."""

    dataset: Dataset
    name: str
    split: str
    config: Any
    root: Path | None


def make_plan(spec: GridSpec) -> Plan:
    """Resolve and check every cell of a spec; reads labels and the store, decodes and trains nothing.

    Raises:
        ConfigError, DataError: for the first choice that cannot be.
    """
    _ = Plan(spec, []).executor  # refuses settings that cannot be
    _ = Plan(spec, []).trackers  # and packages that are not installed
    choose_device(spec.device)
    cache_dir()  # a config file that cannot be read is refused here, not in the middle of a run
    choices = [method_choice(text) for text in spec.methods]
    texts = [_dataset_name(text) for text in spec.datasets]
    _check_owners(spec, [part for choice in choices for part in choice.parts], [name for name, _, _ in texts])
    plugins = _plugin_files(choices)
    plugins += tuple(("dataset", path) for _, _, path in texts if path is not None and path.suffix == ".py")
    store = Store(spec.out)
    cells, notes = [], list[str]()
    for text in spec.datasets:
        source = open_source(text, spec)
        notes += source.dataset.notes
        for choice in choices:
            for cell, weights in _cells(spec, source, choice):
                job = Job(
                    cell, spec.out, source.root, weights, plugins, spec.device, store.stamp(cell), spec.allow_missing,
                    spec.deterministic, spec.compile,
                )  # fmt: skip
                stored = store.read(cell)
                cells.append(Planned(job, stored, _runs(stored, spec.overwrite), source.dataset))
    return Plan(spec, cells, tuple(notes))


def _plugin_files(choices: list[MethodChoice]) -> tuple[tuple[str, Path], ...]:
    """Methods given as files, which the process that runs a cell must read too."""
    entries = [registry("method").entry(part) for choice in choices for part in choice.parts]
    return tuple(("method", entry.path) for entry in entries if entry.path is not None)


def _cells(spec: GridSpec, source: Source, choice: MethodChoice) -> Iterable[tuple[Cell, str | None]]:
    """The cells of one dataset and method, and the user's choice of weights."""
    dataset, method = source.dataset, choice.name
    cls: type[Method] = registry("method").load(method)
    config = cls.resolve(method, choice.changed(spec.set))
    regime = spec.regime or _default_regime(dataset)
    tuned = _tuned(spec, source, regime, choice)
    train = _train_config(spec, regime, cls, dataset, {} if tuned is None else tuned.train)
    weights = _weights(train, dataset)
    for bits in spec.bits:
        task = Task(dataset.num_classes, bits, 0, dataset.multi_label)
        cls.check(config, task)
        cls.check_loss(config, task)
    split = part_split(dataset.split, dataset.labels, spec.part)
    shared: dict[str, Any] = {
        "dataset": source.name, "dataset_label": dataset.name, "split": dataset.split_name or source.split,
        "dataset_config": source.config.model_dump(mode="json"), "fingerprint": dataset.fingerprint(),
        "num_classes": dataset.num_classes, "multi_label": dataset.multi_label,
        "counts": {name: len(getattr(split, name)) for name in ("train", "query", "database")},
        "part": spec.part, "tuning": None if tuned is None else tuned.budget,
        "method": method, "method_label": choice.label(spec.set), "method_config": config.model_dump(mode="json"),
        "method_version": registry("method").entry(method).info.version, "regime": regime, "settings": spec.settings,
        "backbone": train.backbone, "weights": weights.id,
        "train": train.model_dump(mode="json", exclude={"backbone", "weights"}),
    }  # fmt: skip
    for bits in spec.bits:
        for seed in spec.seeds:
            yield Cell(**shared, bits=bits, seed=seed), train.weights


def _tuned(spec: GridSpec, source: Source, regime: str, choice: MethodChoice) -> Tuned | None:
    if spec.settings != "tuned":
        return None
    key = tuning_key(source.dataset, source.split, regime, spec.backbone)
    return read_tuned(spec.tuned or spec.out / "tuned.json", key, choice.label(spec.set))


def _train_config(
    spec: GridSpec, regime: str, method: type[Method], dataset: Dataset, tuned: dict[str, Any]
) -> TrainConfig:  # fmt: skip
    overrides = {**tuned, **spec.set.get("train", {})}
    overrides |= {k: v for k, v in (("backbone", spec.backbone), ("weights", spec.weights)) if v is not None}
    if not dataset.has_images:
        overrides |= {"backbone": "features", "weights": None}
        if not regime_named(regime).frozen:
            raise ConfigError(f"{dataset.name} has features, not images: use --regime frozen.")
    paper = method.paper_training(dataset.multi_label) if spec.settings == "paper" else None
    if spec.backbone not in (None, regime_named(regime).values.get("backbone")) and "weights" not in overrides:
        overrides["weights"] = None  # another backbone than the regime's: its own default weights
    return train_config(regime, paper, overrides)


def _weights(train: TrainConfig, dataset: Dataset) -> Weights:
    if not dataset.has_images:
        return Weights("dataset")
    return resolve_weights(train.backbone, train.weights)


def _default_regime(dataset: Dataset) -> str:
    if not dataset.has_images:
        return "frozen"
    return "quick" if dataset.native_size is not None and dataset.native_size <= _SMALL else "finetune"


def _dataset_name(text: str) -> tuple[str, str | None, Path | None]:
    """(registered name, split, path) of `name`, `./folder`, `./file.npz`, `./file.csv` or `./plugin.py`, with `@split`
    or without.
    """
    name, at, split = text.rpartition("@")
    if not at or "/" in split:
        name, split = text, ""
    path = Path(name).expanduser()
    chosen = split or None
    if name.endswith(".py"):
        return registry("dataset").entry(name).info.name, chosen, path.resolve()
    if "/" in name or name in (".", "..") or name.endswith((".npz", ".csv")):
        if not path.exists():
            raise ConfigError(
                f"there is no folder or file {name}: give the path of a folder of images, or of an .npz or .csv file."
            )
        table = "multilabel-csv" if path.suffix == ".csv" else "arrays"
        return (table if path.is_file() else "image-folder"), chosen, path.resolve()
    return registry("dataset").entry(name).info.name, chosen, None


def open_source(text: str, spec: GridSpec) -> Source:
    """The dataset that a text like `name@split`, `./folder` or `./file.npz` means, with the spec's root and settings.

    Raises:
        ConfigError, DataError: as the name, the path or the dataset's class say.
    """
    name, split, path = _dataset_name(text)
    info = registry("dataset").entry(name).info
    split = split or next(iter(info.splits), "default")
    if info.splits and split not in info.splits:
        raise UnknownNameError(f"split of {name}", split, info.splits)
    cls: type[Dataset] = registry("dataset").load(name)
    root = None
    if cls.needs_root:
        root = path if path is not None and path.suffix != ".py" else spec.root
        if root is None:
            raise ConfigError(
                f"{name} needs its files: say where they are with --data-root DIR, $BENCH_DATA or data_root in "
                f"{config_place().path}."
            )
        if not root.exists():
            raise ConfigError(f"there is no folder or file {root}: say where the data is with --data-root.")
    config = cls.Config.build(name, spec.set.get(name, {}))
    dataset = open_dataset(name, config.model_dump(), split, root, spec.allow_missing)
    return Source(dataset, name, split, config, root)


def _check_owners(spec: GridSpec, methods: list[str], datasets: list[str]) -> None:
    """Every owner in `set` must be something this grid has; else a setting would silently do nothing."""
    known = [*methods, *datasets, "train", spec.executor]
    for owner in spec.set:
        if owner not in known:
            raise UnknownNameError("owner of settings in this grid named", owner, known)


def _runs(stored: StoredCell | None, overwrite: str) -> bool:
    match overwrite:
        case "always":
            return True
        case "never":
            return False
        case "failed":
            return stored is not None and not stored.ok
        case _:  # only-missing: a failure is never kept for an answer
            return stored is None or not stored.ok
