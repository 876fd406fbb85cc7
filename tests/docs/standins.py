"""What pages speak of, small: data, files and weights for a reader who has none, and training that ends at once.

The commands of the pages stay as they are written; what makes them cheap is here, in one place. Datasets have a dozen
classes, an epoch stands for fifteen, none trains for more than four, images are seen at 32 px, pretrained weights are a
layer of random ones, figures are SVG alone, and the factorial has one seed.
"""

from __future__ import annotations

import copy
import pickle
import sys
import threading
import urllib.request
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from pydantic import create_model
from torch import nn

import bench.backbones.build
import bench.conformance.runner
import bench.evaluation.clip
import bench.grid.plan
from bench.plugins.registry import registry
from bench.reports._figures import figure
from bench.serving.server import Server
from bench.studies.catalogue import STUDIES
from bench.training.regimes import TrainConfig
from tests.datasets import test_cub200 as cub200
from tests.datasets import test_nabirds as nabirds

CLASSES = 12  # of glyphs and of CIFAR-100 here, so that one CENTERS.npz fits both
_GLYPHS = {"classes": CLASSES, "train": 8, "query": 5, "database": 8, "size": 16}
_EPOCHS, _MOST_EPOCHS, _PIXELS = 15, 4, 32
_SHC = 10, 5, 20  # of each class of CIFAR-100: train, query, database
_BIRDS = [(c, trains) for c in (5, 7, 9) for trains in (1, 1, 0)]


class Embedding(nn.Sequential):
    """For any pretrained network: colours of a few patches, mixed at random."""

    def __init__(self, dim: int = 32) -> None:
        super().__init__(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(48, dim))


class TinyClip(nn.Module):
    """For any CLIP."""

    def __init__(self) -> None:
        super().__init__()
        self.encode_image = Embedding()
        self.words = nn.Embedding(50_000, 32)

    def encode_text(self, tokens: torch.Tensor) -> torch.Tensor:
        return self.words(tokens).mean(dim=1)


def make_cheap(patch: pytest.MonkeyPatch, weights: Path) -> None:
    """Let everything that takes time or a download take none; `weights` is a file that stands for those of CLIP."""
    _defaults(patch, "glyphs", **_GLYPHS)
    _defaults(patch, "imagenet100", train_per_class=1)
    cifar = registry("dataset").load("cifar100")
    patch.setattr(cifar, "published_checksums", lambda self: {})
    patch.setitem(vars(sys.modules[cifar.__module__])["_PER_CLASS"], "shc", _SHC)
    real_config, real_network = bench.grid.plan.train_config, bench.backbones.build._built

    def config(*chosen: Any) -> TrainConfig:
        found = real_config(*chosen)
        epochs = min(max(1, found.epochs // _EPOCHS), _MOST_EPOCHS)
        sides = {name: min(getattr(found, name) or _PIXELS, _PIXELS) for name in ("image_size", "store_size")}
        if found.image_size is None:
            sides = {}  # small images as they are
        return found.model_copy(update={"epochs": epochs, **sides})

    def network(source: Any, name: str, from_release: bool) -> nn.Module:
        return Embedding() if from_release else real_network(source, name, from_release)

    patch.setattr(bench.grid.plan, "train_config", config)
    patch.setattr(bench.backbones.build, "_built", network)
    patch.setattr(bench.evaluation.clip, "_download", lambda *release: weights)
    patch.setattr(bench.evaluation.clip.Clip, "_load", lambda self: TinyClip())
    patch.setattr(bench.conformance.runner, "SIZES_BUDGET", 0.0)
    patch.setitem(STUDIES, "factorial", replace(STUDIES["factorial"], seeds=(0,)))
    patch.setattr(figure, "_FORMATS", {"svg": figure._FORMATS["svg"]})


def _defaults(patch: pytest.MonkeyPatch, name: str, **values: int) -> None:
    """Other defaults for a dataset's settings."""
    cls = registry("dataset").load(name)
    fields: dict[str, Any] = {}
    for field, value in values.items():
        known = copy.copy(cls.Config.model_fields[field])
        known.default = value
        fields[field] = (known.annotation, known)
    patch.setattr(cls, "Config", create_model(cls.Config.__name__, __base__=cls.Config, **fields))


def answer_once(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """`bench serve` answers on a free port what a browser asks first, keeps status.json in `folder`, and ends."""
    init, serve = Server.__init__, Server.serve_forever

    def begin(self: Server, out: Path, port: int, *others: Any) -> None:
        init(self, out, 0, *others)

    def forever(self: Server, *_: Any) -> None:
        thread = threading.Thread(target=serve, args=(self, 0.01))
        thread.start()
        try:
            for path, file in (("", "index.html"), ("status.json", "status.json")):
                with urllib.request.urlopen(self.url + path, timeout=30) as answer:
                    (folder / file).write_bytes(answer.read())
        finally:
            self.shutdown()
            thread.join()

    patch.setattr(Server, "__init__", begin)
    patch.setattr(Server, "serve_forever", forever)


def write_data(root: Path) -> None:
    """The datasets that pages name, as their archives unpack."""
    rng = np.random.default_rng(0)
    _write_cifar100(root / "cifar-100-python", rng)
    folder = root / "nabirds"
    nabirds.write_tree(folder, nabirds.NODES)
    for name in nabirds.write_lists(folder, _BIRDS):
        _write_image(folder / "images" / name, rng)
    cub200.write(root, [(c, trains) for c in range(1, 7) for trains in (0, 1, 1)], [f"00{c}.Bird" for c in range(1, 7)])
    for number in range(100):
        for part in ("train", "val"):
            _write_image(root / "imagenet100" / part / f"n{number:08d}" / "0.jpg", rng)


def _write_cifar100(folder: Path, rng: np.random.Generator) -> None:
    folder.mkdir(parents=True)
    labels = np.arange(CLASSES)
    names = {"fine_label_names": [f"fine{c}" for c in labels], "coarse_label_names": ["top0", "top1", "top2"]}
    (folder / "meta").write_bytes(pickle.dumps(names, protocol=2))
    for name, each in (("train", 30), ("test", 5)):
        fine = np.repeat(labels, each)
        data = rng.integers(0, 256, (len(fine), 3072), np.uint8)
        data[:, :1024] = 20 * fine[:, None]  # a red that tells the class
        content = {"data": data, "fine_labels": fine.tolist(), "coarse_labels": (fine // 4).tolist()}
        (folder / name).write_bytes(pickle.dumps(content, protocol=2))


def _write_image(path: Path, rng: np.random.Generator, red: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = rng.integers(0, 256, (24, 24, 3), np.uint8)
    pixels[..., 0] = red
    Image.fromarray(pixels).save(path)


def furnish(folder: Path, data: Path) -> None:
    """Files of the reader's own that pages name without making them."""
    rng = np.random.default_rng(0)
    for name in ("grocery", "photos"):
        for c in range(6):
            for number in range(10):
                _write_image(folder / name / f"kind{c}" / f"{number}.jpg", rng, 40 * c)
    for name in ("DIR", "data"):
        (folder / name).symlink_to(data)
    (folder / "docs").symlink_to(Path(__file__).parents[2] / "docs")
    _write_arrays(folder, rng)
    (folder / "grid.toml").write_text('methods = ["crh", "csq"]\nbits = [16, 32]\n')
    method = (folder / "docs" / "examples" / "coin_flips.py").read_text()
    for name in ("my-method", "mine"):
        (folder / f"{name.replace('-', '_')}.py").write_text(method.replace("coin-flips", name))
    (folder / "bin").mkdir()
    (folder / "bin" / "curl").write_text('#!/bin/sh\ncat "$(dirname "$0")/../status.json"\n')
    (folder / "bin" / "curl").chmod(0o755)


def _write_arrays(folder: Path, rng: np.random.Generator) -> None:
    centers = _signs(rng, CLASSES)
    noise = rng.normal(size=(CLASSES, CLASSES))
    np.savez(folder / "CENTERS.npz", centers=centers)
    np.savez(folder / "similarity.npz", similarity=noise + noise.T)
    query = {"query_codes": _signs(rng, 20), "query_labels": rng.integers(0, CLASSES, 20)}
    parts = [{"database_codes": _signs(rng, 50), "database_labels": rng.integers(0, CLASSES, 50)} for _ in range(3)]
    np.savez(folder / "queries.npz", **query)
    np.savez(folder / "CODES.npz", **query, **parts[0])
    for number, part in enumerate(parts):
        np.savez(folder / f"part{number}.npz", **part)
    labels = np.arange(60) % 6
    vectors = rng.normal(size=(60, 16)).astype(np.float32)
    np.savez(
        folder / "vectors.npz", train_features=vectors[:40], train_labels=labels[:40], query_features=vectors[40:],
        query_labels=labels[40:],
    )  # fmt: skip


def _signs(rng: np.random.Generator, count: int, bits: int = 32) -> NDArray[np.int8]:
    return rng.integers(0, 2, (count, bits)).astype(np.int8) * 2 - 1
