"""What `bench tune` has chosen, as a file: read by `bench run --settings tuned`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from bench.errors import ConfigError, StoreError
from bench.plugins.dataset import Dataset
from bench.storage.store import write_json
from bench.wholefiles import whole_file

SCHEMA = 1


class Tuned(NamedTuple):
    """One method's choice: training settings, and the digest of the search that chose them."""

    train: dict[str, Any]
    budget: str


def tuning_key(dataset: Dataset, split: str, regime: str, backbone: str | None) -> str:
    """What a choice holds for: data, split, regime and network."""
    where = f"{dataset.name}@{dataset.split_name or split}"
    return f"{where} {regime} {backbone or 'default'} {dataset.fingerprint()[:12]}"


def read_tuned(path: Path, key: str, method: str) -> Tuned:
    """The choice for a method, by its label.

    Raises:
        ConfigError: no such file, or nothing in it for this method here.
    """
    entry = read_choices(path).get(key, {}).get(method)
    if entry is None:
        raise ConfigError(
            f"{method} has not been tuned on {key.rpartition(' ')[0]} in {path}: run bench tune with the same "
            "--methods, --datasets, --regime, --backbone and --out first, or name its file with --tuned."
        )
    return Tuned(entry["train"], entry["budget"])


def read_choices(path: Path) -> dict[str, Any]:
    """All choices: key -> method -> entry; empty where there is no file.

    Raises:
        ConfigError: a file that is none of `bench tune`.
    """
    if not path.exists():
        return {}
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        choices: dict[str, dict[str, dict[str, Any]]] = content["choices"]
        entries = [entry for methods in choices.values() for entry in methods.values()]
        whole = all(isinstance(each["train"], dict) and isinstance(each["budget"], str) for each in entries)
        if content["schema"] == SCHEMA and whole:
            return dict(choices)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        pass
    raise ConfigError(f"{path} is not a file of bench tune: remove it and tune again.")


def write_choices(path: Path, choices: dict[str, Any]) -> None:
    """Replace the file in one step.

    Raises:
        StoreError: it cannot be written.
    """
    try:
        with whole_file(path) as temporary:
            write_json(temporary, {"schema": SCHEMA, "choices": choices})
    except OSError as error:
        raise StoreError(f"{path} cannot be written ({error.strerror}): choose another --out.") from None
