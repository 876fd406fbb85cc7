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

from bench.centers.assignment import assign_greedy, assign_hungarian, class_code_sums, random_orders
from bench.centers.bounds import target_distance
from bench.centers.class_confusion import confusion_similarity, masked_softmax_sums
from bench.centers.codebook import head_dim, sample_codebook
from bench.centers.hadamard_rows import hadamard_rows
from bench.centers.max_hd import max_hd_centers
from bench.centers.mds_centers import mds_centers
from bench.centers.semantic import semantic_centers
from bench.centers.separation import separation
from bench.codes.packing import pack
from bench.data.images import decode
from bench.evaluation.audit import audit_centers, audit_codes
from bench.evaluation.cosine import cosine_map
from bench.evaluation.evaluate import evaluate_parts
from bench.evaluation.references import class_cosines
from bench.evaluation.semantics import hierarchy_similarity, pcc
from bench.evaluation.summary import measures
from bench.grid.plan import make_plan
from bench.grid.spec import GridSpec
from bench.grid.store import Store
from bench.losses import class_pair_loss, class_rows
from bench.plugins.dataset import Hierarchy
from bench.plugins.method import Task
from bench.plugins.registry import registry
from bench.training.backbones import Weights, build_backbone
from bench.training.features import embed
from bench.training.inputs import FeatureInputs, ImageInputs
from bench.training.model import build_model
from bench.training.progress import Observer
from bench.training.regimes import train_config
from bench.training.trainer import encode, train

Work = Callable[[], object]
CPU = torch.device("cpu")
FOLDER = Path(tempfile.mkdtemp())
_PART = 2**20  # codes of a database that are made and counted at a time

atexit.register(shutil.rmtree, FOLDER, ignore_errors=True)


def _random(sizes: Sizes) -> np.random.Generator:
    return np.random.default_rng(int(sizes.C))


def _codes(rng: np.random.Generator, rows: float, bits: float) -> NDArray[np.int8]:
    return rng.integers(0, 2, (int(rows), int(bits)), dtype=np.int8) * 2 - 1


def _classes(rng: np.random.Generator, rows: float, sizes: Sizes) -> NDArray[np.int64]:
    return rng.integers(0, int(sizes.C), int(rows))


def _vectors(rng: np.random.Generator, rows: float, sizes: Sizes) -> NDArray[np.float32]:
    return rng.random((int(rows), int(sizes.D)), np.float32) - np.float32(0.5)


def decoding(sizes: Sizes) -> Work:
    """One JPEG file, as often as there are items."""
    from PIL import Image

    file = FOLDER / "photograph.jpg"
    coarse = Image.fromarray(_random(sizes).integers(0, 256, (38, 50, 3), dtype=np.uint8))
    coarse.resize((500, 375), Image.Resampling.BICUBIC).save(file, quality=90)
    return lambda: decode([file] * int(sizes.N), 256)


def features(sizes: Sizes) -> Work:
    """Random weights: their time is that of trained ones."""
    weights = Weights("scratch")
    network, dim = build_backbone("resnet34", weights, 224)
    images = _random(sizes).integers(0, 256, (int(sizes.N), 224, 224, 3), dtype=np.uint8)
    inputs = ImageInputs(
        images, train_config("frozen", None, {"image_size": 224, "store_size": 224}), weights, False, CPU
    )
    return lambda: embed(network, dim, inputs, np.arange(len(images)), Observer())


def inputs(sizes: Sizes) -> Work:
    """Features as training holds them."""
    vectors = _vectors(_random(sizes), sizes.N, sizes)
    return lambda: FeatureInputs(vectors, CPU)


def csq(sizes: Sizes) -> Work:
    """With its 20 draws."""
    return lambda: hadamard_rows(int(sizes.C), int(sizes.K), _random(sizes), tries=20)


def orthohash(sizes: Sizes) -> Work:
    """Fair bits."""
    return lambda: _method("orthohash", sizes)


def max_hd(sizes: Sizes) -> Work:
    """By rejection."""
    return lambda: max_hd_centers(int(sizes.C), int(sizes.K), _random(sizes))


def mds(sizes: Sizes) -> Work:
    """At MDS's own target distance."""
    return lambda: mds_centers(int(sizes.C), int(sizes.K), target_distance(int(sizes.K), int(sizes.C)), _random(sizes))


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
    sums = _random(sizes).random((int(sizes.C),) * 2)
    return lambda: confusion_similarity(sums, np.ones(len(sums)), "paper")


def shc(sizes: Sizes) -> Work:
    """20 cycles from random centers, which keep their least distance."""
    start = _codes(_random(sizes), sizes.C, sizes.K)
    similarity = _random(sizes).random((len(start), len(start)))
    similarity += similarity.T
    least = separation(start).least
    return lambda: semantic_centers(start, similarity, least, form="paper")


def code_sums(sizes: Sizes) -> Work:
    """Of all training items."""
    rng = _random(sizes)
    codes = torch.from_numpy(_codes(rng, sizes.T, sizes.K))
    targets = torch.from_numpy(_classes(rng, sizes.T, sizes))
    return lambda: class_code_sums(codes, targets, int(sizes.C))


def _problem(sizes: Sizes) -> tuple[Any, Any]:
    """Class sums of a trained network's size, and a codebook."""
    rng, dim = _random(sizes), head_dim(int(sizes.K), int(sizes.M))
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
    rng = _random(sizes)
    inputs = FeatureInputs(_vectors(rng, items, sizes), CPU)
    config = train_config("frozen", None, {"backbone": "features", "epochs": 1})
    model = build_model(inputs, Weights("dataset"), config, int(sizes.K), 0, CPU)
    return inputs, _classes(rng, items, sizes), _method("crh", sizes), model, config


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
    rng = _random(sizes)
    bank = torch.from_numpy(_vectors(rng, sizes.T, Sizes(D=sizes.K)))
    targets = torch.arange(int(sizes.T)) % int(sizes.C)
    rows, valid = class_rows(targets, int(sizes.C))

    def work() -> None:
        class_pair_loss(bank[:128].clone().requires_grad_(), targets[:128], bank, rows, valid).backward()

    return work


def encoding(sizes: Sizes) -> Work:
    """By a linear head."""
    inputs, labels, method, model, _ = _linear(sizes, sizes.N)
    return lambda: encode(model, method, inputs, np.arange(len(labels)), Observer())


def histograms(sizes: Sizes) -> Work:
    """The database is made while it is counted: what is in memory is one part of it."""
    rng = _random(sizes)
    query, labels = pack(_codes(rng, sizes.Q, sizes.K)), _classes(rng, sizes.Q, sizes)
    some, theirs = pack(_codes(rng, min(sizes.N, _PART), sizes.K)), _classes(rng, min(sizes.N, _PART), sizes)

    def parts() -> Any:
        for start in range(0, int(sizes.N), _PART):
            rows = slice(0, int(sizes.N) - start)
            yield some[rows] ^ np.uint8(start // _PART % 256), theirs[rows]

    return lambda: evaluate_parts(query, labels, parts(), int(sizes.K))


def metrics(sizes: Sizes) -> Work:
    """All that is stored of a ranking."""
    ranking = histograms(Sizes(N=1_000, Q=sizes.Q, K=sizes.K))
    return lambda: measures(ranking())  # type: ignore[arg-type]


def cosines(sizes: Sizes) -> Work:
    """Random vectors: their cosines are as near to each other as can be."""
    rng = _random(sizes)
    query, database = _vectors(rng, sizes.Q, sizes), _vectors(rng, sizes.N, sizes)
    labels = _classes(rng, sizes.Q, sizes), _classes(rng, sizes.N, sizes)
    return lambda: cosine_map(query, labels[0], database, labels[1])


def audit(sizes: Sizes) -> Work:
    """Bits, and distances to all centers."""
    rng = _random(sizes)
    codes, labels, centers = _codes(rng, sizes.N, sizes.K), _classes(rng, sizes.N, sizes), _codes(rng, sizes.C, sizes.K)
    return lambda: audit_codes(codes, labels, centers)


def distances(sizes: Sizes) -> Work:
    """Of all pairs."""
    centers = _codes(_random(sizes), sizes.C, sizes.K)
    return lambda: audit_centers(centers)


def tree(sizes: Sizes) -> Work:
    """Eight classes below each node."""
    levels = range(int(sizes.S) - 1, -1, -1)
    paths = tuple(tuple(f"{level} {i // 8**level}" for level in levels) for i in range(int(sizes.C)))
    return lambda: hierarchy_similarity(Hierarchy(paths))


def correlation(sizes: Sizes) -> Work:
    """With a similarity that is there."""
    reference = _random(sizes).random((int(sizes.C),) * 2)
    centers = _codes(_random(sizes), sizes.C, sizes.K)
    return lambda: pcc(centers, reference)


def class_means(sizes: Sizes) -> Work:
    """And their cosines."""
    rng = _random(sizes)
    vectors, labels = _vectors(rng, sizes.N, sizes), _classes(rng, sizes.N, sizes)
    return lambda: class_cosines(vectors, labels, int(sizes.C))


def store(sizes: Sizes) -> Work:
    """Codes, AP of each query, and the JSON beside them."""
    rng = _random(sizes)
    arrays = {"database_codes": pack(_codes(rng, sizes.N, sizes.K)), "ap": rng.random(int(sizes.Q))}
    (planned, *_), store = make_plan(_grid(1)).cells, Store(Path(tempfile.mkdtemp(dir=FOLDER)))
    return lambda: store.write(planned.job.cell, {"status": "ok", "metrics": {}}, arrays)


def plan(sizes: Sizes) -> Work:
    """Of one method and dataset; none is stored yet."""
    return lambda: make_plan(_grid(int(sizes.cells)))


def _grid(cells: int) -> GridSpec:
    """On a few letters; the folder is empty."""
    letters = {"classes": 8, "train": 8, "query": 3, "database": 8, "size": 16}
    return GridSpec(
        methods=("crh",), bits=(16,), seeds=tuple(range(cells)), out=FOLDER / "results", set={"glyphs": letters}
    )
