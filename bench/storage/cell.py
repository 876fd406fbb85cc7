"""A cell: one experiment with every choice resolved. Same id = same experiment."""

from __future__ import annotations

import functools
import hashlib
import json
from collections.abc import Mapping
from typing import Any, Literal, Self

from pydantic import Field

from bench.config import Config

IDENTITY_VERSION = 1  # raised when the same content would give other results than before


class Cell(Config):
    """Everything that decides a result, and nothing else decides it.

    `id` is a hash of all fields but those of `LABELS`, which only say the same in a form for people.
    """

    dataset: str = Field(description="registered name of the dataset")
    dataset_label: str = Field(description="name shown in tables: a folder's name for image-folder")
    split: str
    dataset_config: dict[str, Any]
    fingerprint: str = Field(description="digest of the dataset's content, labels and split")
    num_classes: int
    multi_label: bool
    counts: dict[str, int] = Field(description="items in train, query and database")
    method: str = Field(description="name of the method's variant")
    method_label: str = Field(description="the variant, with the settings that were changed")
    method_config: dict[str, Any]
    method_version: int
    bits: int
    seed: int
    regime: str
    settings: str
    backbone: str
    weights: str = Field(description="digest of the pretrained weights, or 'scratch'")
    train: dict[str, Any] = Field(description="resolved `TrainConfig`")
    ties: str = "expected"
    part: Literal["test", "validation"] = Field("test", description="what queries are: the test set or a part of train")
    tuning: str | None = Field(None, description="digest of the search that chose the training settings")

    @functools.cached_property
    def id(self) -> str:
        """16 hex digits; depends on content alone."""
        content = self.model_dump(mode="json", exclude=LABELS)
        text = json.dumps({"identity": IDENTITY_VERSION, **content}, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def model_copy(self, *, update: Mapping[str, Any] | None = None, deep: bool = False) -> Self:
        """As pydantic's, without what was computed of the fields as they were."""
        copied = super().model_copy(update=update, deep=deep)
        for name in ("id", "protocol"):
            copied.__dict__.pop(name, None)
        return copied

    @property
    def folder(self) -> str:
        """Name of the cell's folder: readable, and unique by the id at its end."""
        return f"{self.dataset_label}.{self.method}.{self.bits}b.s{self.seed}.{self.id}"

    @property
    def dataset_at_split(self) -> str:
        """`cifar100@shc`, as tables and `--datasets` have it."""
        return f"{self.dataset_label}@{self.split}"

    @property
    def title(self) -> str:
        """One line for progress and errors."""
        return f"{self.dataset_at_split} {self.method_label} {self.bits} bits seed {self.seed}"

    @property
    def training_pass(self) -> str:
        """What cells that can be trained in one pass share: data, network under the head, training settings."""
        shared = self.model_dump(mode="json", include=_PASS)
        return hashlib.sha256(json.dumps(shared, sort_keys=True).encode()).hexdigest()[:16]

    @functools.cached_property
    def protocol(self) -> str:
        """What all cells of one table have in common; settings are never mixed in one table."""
        shared: dict[str, Any] = {
            "dataset": [self.dataset_label, self.split, self.fingerprint], "regime": self.regime,
            "settings": self.settings, "ties": self.ties, "part": self.part, "tuning": self.tuning,
        }  # fmt: skip
        if self.settings != "paper":
            own = TUNED if self.settings == "tuned" else frozenset()
            shared |= {"backbone": [self.backbone, self.weights]}
            shared |= {"train": {name: value for name, value in self.train.items() if name not in own}}
        text = json.dumps(shared, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:8]


LABELS = {"dataset_label", "method_label"}
_PASS = {"dataset", "dataset_config", "split", "fingerprint", "part", "regime", "backbone", "weights", "train"}
TUNED = frozenset({"lr", "weight_decay", "epochs"})  # training settings that `bench tune` chooses for each method
