"""SHC's first stage: a classifier, and the class similarity in what it confuses.

The matrix is kept on disk, with what it cost, so that all code lengths of a seed share one classifier.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from bench.backbones.build import Weights
from bench.centers.class_confusion import confusion_similarity, masked_softmax_sums
from bench.data.cache import cached_array
from bench.plugins.dataset import Dataset
from bench.plugins.method import Task
from bench.randomness import stream, torch_stream
from bench.training.classifier import Classifier, ClassifierConfig
from bench.training.compiled import CompiledNetworks
from bench.training.inputs import FeatureInputs, ImageInputs, targets_of
from bench.training.model import HashModel, build_model
from bench.training.progress import Observer, Within
from bench.training.regimes import TrainConfig
from bench.training.trainer import batches, train

Mask = Literal["predicted", "truth"]
_VERSION = 1  # raised when the same key would give another matrix than before


class ClassifierSimilarity(NamedTuple):
    """A class similarity (C, C), the training accuracy of the classifier behind it, and the seconds it cost."""

    similarity: NDArray[np.float64]
    accuracy: float
    seconds: float


@dataclass
class ConfusionStage:
    """A classifier trained like the network of `config`, and what it confuses (SHC, its similarity matrix).

    Attributes:
        form: "paper" masks the predicted class; "code" trains with a double softmax, masks the true class, and takes
            the first of several classes.
        rows: training items.
        key: of the dataset, its split and the inputs: what the kept matrix depends on beside the rest.
        seed: root seed of the cell.
    """

    form: Literal["paper", "code"]
    dataset: Dataset
    rows: NDArray[np.int64]
    inputs: ImageInputs | FeatureInputs
    weights: Weights
    config: TrainConfig
    key: str
    seed: int
    device: torch.device
    observer: Observer
    networks: CompiledNetworks | None = None

    def run(self) -> ClassifierSimilarity:
        """From the cache, if it is there."""
        facts = [_VERSION, self.form, self.key, self.config.model_dump(mode="json"), self.seed]
        digest = hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:24]
        flat = np.asarray(cached_array(f"confusions-{digest}", self._compute))
        classes = self.dataset.num_classes
        sums, counts = flat[: classes**2].reshape(classes, classes), flat[classes**2 : -2]
        return ClassifierSimilarity(confusion_similarity(sums, counts, self.form), float(flat[-2]), float(flat[-1]))

    def _compute(self) -> NDArray[np.float64]:
        """Sums of masked softmax rows (C, C), pairs of an item and its class (C,), accuracy, seconds: one row."""
        start = time.perf_counter()
        labels, rows = self.dataset.labels, self.rows
        if labels.ndim == 2:
            rows = rows[labels[rows].any(axis=1)]
            labels = labels.argmax(axis=1) if self.form == "code" else labels
        model = self._train(labels, rows)
        sums, counts, hits = self._confusions(model, labels, rows)
        return np.concatenate([sums.ravel(), counts, [hits / counts.sum(), time.perf_counter() - start]])

    def _train(self, labels: NDArray[Any], rows: NDArray[np.int64]) -> HashModel:
        classes = self.dataset.num_classes
        seed = int(stream(self.seed, "classifier").integers(2**31))  # not the hashing network's draws
        settings = ClassifierConfig(loss="double-softmax" if self.form == "code" else "cross-entropy")
        classifier = Classifier(settings, Task(classes, 1, seed, labels.ndim == 2)).to(self.device)
        model = build_model(self.inputs, self.weights, self.config, classes, seed, self.device, self.networks)
        train(
            model, classifier, self.inputs, labels, rows, self.config,
            seed=seed, pretrained=self.weights.pretrained, device=self.device,
            observer=Within(self.observer, "classifier"),
        )  # fmt: skip
        return model

    @torch.inference_mode()
    def _confusions(
        self, model: HashModel, labels: NDArray[Any], rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], int]:
        """Over the training images as the training loader gives them (augmented)."""
        model.eval()
        classes = self.dataset.num_classes
        mask: Mask = "truth" if self.form == "code" else "predicted"
        augmentation = torch_stream(self.seed, "classifier-augmentation")
        sums = torch.zeros(classes, classes, dtype=torch.float64, device=self.device)
        counts, hits = torch.zeros(classes, dtype=torch.float64, device=self.device), 0
        for some in batches(rows, self.inputs.test_batch_size):
            logits = model(self.inputs.train_batch(some, augmentation))
            items, truth = _pairs(targets_of(labels, some, self.device))
            added, number = masked_softmax_sums(logits[items], truth, classes, mask)
            sums += added
            counts += number
            hits += int((logits[items].argmax(dim=1) == truth).sum())
        return sums.cpu().numpy(), counts.cpu().numpy(), hits


def _pairs(targets: Tensor) -> tuple[Tensor, Tensor]:
    """Every item with each of its classes: places in the batch, and classes."""
    if targets.ndim == 1:
        return torch.arange(len(targets), device=targets.device), targets
    items, classes = targets.nonzero(as_tuple=True)
    return items, classes
