"""The work of each step in scaling_steps.py, on random numbers: the functions that `bench run` calls.

Each function here makes inputs of some sizes, and gives the work on them.
"""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scaling import Sizes

from bench.backbones.build import Weights, build_backbone
from bench.centers.assignment import assign_greedy, assign_hungarian, class_code_sums, random_orders
from bench.centers.bounds import target_distance
from bench.centers.class_confusion import confusion_similarity, masked_softmax_sums
from bench.centers.codebook import head_dim, sample_codebook
from bench.centers.hadamard_rows import hadamard_rows
from bench.centers.max_hd import max_hd_centers
from bench.centers.mds_centers import mds_centers
from bench.centers.semantic import semantic_centers
from bench.centers.separation import separation
from bench.data.images import decode
from bench.losses import class_pair_loss, class_rows
from bench.plugins.method import Task
from bench.plugins.registry import registry
from bench.training.classifier import Classifier, ClassifierConfig
from bench.training.features import embed
from bench.training.inputs import FeatureInputs, ImageInputs
from bench.training.model import build_model
from bench.training.progress import Observer
from bench.training.regimes import train_config
from bench.training.trainer import encode, train

Work = Callable[[], object]
CPU = torch.device("cpu")
FOLDER = Path(tempfile.mkdtemp())

atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)


def draws(sizes: Sizes) -> np.random.Generator:
    """Random numbers: the same for the same number of classes."""
    return np.random.default_rng(int(sizes.C))


def random_codes(rng: np.random.Generator, rows: float, bits: float) -> NDArray[np.int8]:
    """(rows, bits) of -1 and +1."""
    return rng.integers(0, 2, (int(rows), int(bits)), dtype=np.int8) * 2 - 1


def random_labels(rng: np.random.Generator, rows: float, sizes: Sizes) -> NDArray[np.int64]:
    """A class for each row."""
    return rng.integers(0, int(sizes.C), int(rows))


def random_vectors(rng: np.random.Generator, rows: float, sizes: Sizes) -> NDArray[np.float32]:
    """(rows, D) in [-0.5, 0.5)."""
    return rng.random((int(rows), int(sizes.D)), np.float32) - np.float32(0.5)


def decoding(sizes: Sizes) -> Work:
    """One JPEG file, as often as there are items."""
    from PIL import Image

    file = FOLDER / "photograph.jpg"
    coarse = Image.fromarray(draws(sizes).integers(0, 256, (38, 50, 3), dtype=np.uint8))
    coarse.resize((500, 375), Image.Resampling.BICUBIC).save(file, quality=90)
    return lambda: decode([file] * int(sizes.N), 256)


def features(sizes: Sizes) -> Work:
    """Random weights: their time is that of trained ones."""
    weights = Weights("scratch")
    network, dim = build_backbone("resnet34", weights, 224)
    images = draws(sizes).integers(0, 256, (int(sizes.N), 224, 224, 3), dtype=np.uint8)
    inputs = ImageInputs(
        images, train_config("frozen", None, {"image_size": 224, "store_size": 224}), weights, False, CPU
    )
    return lambda: embed(network, dim, inputs, np.arange(len(images)), Observer())


def inputs(sizes: Sizes) -> Work:
    """Features as training holds them."""
    vectors = random_vectors(draws(sizes), sizes.N, sizes)
    return lambda: FeatureInputs(vectors, CPU)


def csq(sizes: Sizes) -> Work:
    """With its 20 draws."""
    return lambda: hadamard_rows(int(sizes.C), int(sizes.K), draws(sizes), tries=20)


def orthohash(sizes: Sizes) -> Work:
    """Fair bits."""
    return lambda: _method("orthohash", sizes)


def max_hd(sizes: Sizes) -> Work:
    """By rejection."""
    return lambda: max_hd_centers(int(sizes.C), int(sizes.K), draws(sizes))


def mds(sizes: Sizes) -> Work:
    """At MDS's own target distance."""
    return lambda: mds_centers(int(sizes.C), int(sizes.K), target_distance(int(sizes.K), int(sizes.C)), draws(sizes))


def confusions(sizes: Sizes) -> Work:
    """A batch of the classifier's, added to the sums."""
    size, rng = int(sizes.C), torch.Generator().manual_seed(0)
    logits = torch.randn(4_096, size, generator=rng)
    labels = torch.randint(0, size, (len(logits),), generator=rng)
    sums = torch.zeros(size, size, dtype=torch.float64)

    def work() -> None:
        sums.add_(masked_softmax_sums(logits, labels, size, "predicted")[0])

    return work


def class_similarity(sizes: Sizes) -> Work:
    """From sums over all items."""
    sums = draws(sizes).random((int(sizes.C),) * 2)
    return lambda: confusion_similarity(sums, np.ones(len(sums)), "paper")


def shc(sizes: Sizes) -> Work:
    """20 cycles from random centers, which keep their least distance."""
    start = random_codes(draws(sizes), sizes.C, sizes.K)
    similarity = draws(sizes).random((len(start), len(start)))
    similarity += similarity.T
    least = separation(start).least
    return lambda: semantic_centers(start, similarity, least, form="paper")


def code_sums(sizes: Sizes) -> Work:
    """Of all training items."""
    rng = draws(sizes)
    codes = torch.from_numpy(random_codes(rng, sizes.T, sizes.K))
    targets = torch.from_numpy(random_labels(rng, sizes.T, sizes))
    return lambda: class_code_sums(codes, targets, int(sizes.C))


def _problem(sizes: Sizes) -> tuple[Any, Any]:
    """Class sums of a trained network's size, and a codebook."""
    rng, dim = draws(sizes), head_dim(int(sizes.K), int(sizes.M))
    book = sample_codebook(rng, int(sizes.K) // dim, int(sizes.M), dim)
    return rng.integers(-500, 500, (int(sizes.C), int(sizes.K))).astype(np.float64), book


def greedy(sizes: Sizes) -> Work:
    """All heads."""
    sums, book = _problem(sizes)
    orders = random_orders([np.random.default_rng(h) for h in range(len(book))], int(sizes.C))
    return lambda: assign_greedy(sums, book, orders)


def hungarian(sizes: Sizes) -> Work:
    """All heads."""
    sums, book = _problem(sizes)
    return lambda: assign_hungarian(sums, np.full(len(sums), 500.0), book)


def _method(name: str, sizes: Sizes) -> Any:
    cls = registry("method").load(name)
    return cls.create(cls.resolve(name, {}), Task(int(sizes.C), int(sizes.K)))


def _linear(sizes: Sizes, items: float) -> tuple[Any, ...]:
    """Features, their labels, a method and its network; settings of one epoch."""
    rng = draws(sizes)
    inputs = FeatureInputs(random_vectors(rng, items, sizes), CPU)
    config = train_config("frozen", None, {"backbone": "features", "epochs": 1})
    model = build_model(inputs, Weights("dataset"), config, int(sizes.K), 0, CPU)
    return inputs, random_labels(rng, items, sizes), _method("crh", sizes), model, config


def epoch(sizes: Sizes) -> Work:
    """Steps of 128 items, without reassignment."""
    inputs, labels, method, model, config = _linear(sizes, sizes.T)
    method.reads_codes = lambda epoch: False  # reassignments are steps of their own
    rows = np.arange(len(labels))
    return lambda: train(
        model, method, inputs, labels, rows, config, seed=0, pretrained=False, device=CPU, observer=Observer()
    )


def pair_loss(sizes: Sizes) -> Work:
    """With its gradient, against those of the bank of all training items that are of the batch's classes."""
    rng = draws(sizes)
    bank = torch.from_numpy(random_vectors(rng, sizes.T, Sizes(D=sizes.K)))
    targets = torch.arange(int(sizes.T)) % int(sizes.C)
    rows, valid = class_rows(targets, int(sizes.C))

    def work() -> None:
        class_pair_loss(bank[:128].clone().requires_grad_(), targets[:128], bank, rows, valid).backward()

    return work


def classifier(sizes: Sizes) -> Work:
    """SHC's first stage: C outputs instead of K, steps of 128 items."""
    inputs, labels, _, _, config = _linear(sizes, sizes.T)
    method = Classifier(ClassifierConfig(), Task(int(sizes.C), 1))
    model = build_model(inputs, Weights("dataset"), config, int(sizes.C), 0, CPU)
    rows = np.arange(len(labels))
    return lambda: train(
        model, method, inputs, labels, rows, config, seed=0, pretrained=False, device=CPU, observer=Observer()
    )


def encoding(sizes: Sizes) -> Work:
    """By a linear head."""
    inputs, labels, method, model, _ = _linear(sizes, sizes.N)
    return lambda: encode(model, method, inputs, np.arange(len(labels)), Observer())
