"""Letters of many scripts with their look-alikes, rendered on the spot: the benchmark's embedded dataset.

Nothing is downloaded or stored: the fonts are those that matplotlib brings. Accented forms of one letter
(e, e-acute, e-grave) and letters that differ by a dot are the fine-grained classes.
"""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.config import Config, setting
from bench.plugins.dataset import Split
from bench.plugins.info import PluginInfo
from bench.randomness import stream

from ._glyph_dataset import GlyphDataset
from ._glyph_rendering import Layer

INFO = PluginInfo(
    name="glyphs",
    summary="Rendered letters of eight scripts with accented look-alikes; needs no download",
    citation="Rendered by this package from the DejaVu fonts",
    licence="DejaVu fonts licence (free; the fonts come with matplotlib)",
    homepage="https://dejavu-fonts.github.io",
    version=1,
    splits={"default": "the same number of train, query and database images of every letter"},
)


class GlyphsConfig(Config):
    """Settings of glyphs."""

    classes: int = setting(
        48,
        "letters to tell apart",
        source="project: twelve turns of four, all eight scripts, two families in half of them",
        ge=2,
    )
    train: int = setting(50, "training images per letter", source="project: a quick run trains in seconds", ge=1)
    query: int = setting(
        10, "queries per letter", source="project: 480 queries keep the mAP's interval near 0.02", ge=1
    )
    database: int = setting(60, "database images per letter", source="project: a few more than trained on", ge=1)
    size: int = setting(32, "side of an image in pixels", source="project: CIFAR's, small CNNs take it", ge=16, le=128)
    seed: int = setting(
        0, "of the pixels; independent of a run's seed", source="project: one dataset for all seeds", ge=0
    )
    # A small CNN reaches a mAP of 0.2 to 0.7 with these: far from chance (0.02) and from 1, so methods differ.
    distortion: float = setting(0.5, "turn, slant and stretch of the letters", source="project: tuned", ge=0, le=1)
    clutter: float = setting(0.2, "share of the curves and specks that are drawn", source="project: tuned", ge=0, le=1)
    noise: float = setting(0.1, "pixel noise", source="project: tuned", ge=0, le=1)


class Glyphs(GlyphDataset):
    """One letter in each image."""

    Config: ClassVar[type[Config]] = GlyphsConfig

    def __init__(self, config: GlyphsConfig, split: str = "default", root: Path | None = None) -> None:
        self.use_letters(config)
        rng = stream(config.seed, INFO.name, "order")
        self.labels, self.split = _shuffled_parts(config.classes, (config.train, config.query, config.database), rng)

    def layers(self, rng: np.random.Generator) -> list[Layer]:
        """One, with letters of half to most of the image's side."""
        count = len(self.labels)
        extent = 0.5 + 0.32 * rng.random(count)
        room = (0.94 - extent) / 2
        centre = 0.5 + room[:, None] * (2 * rng.random((count, 2)) - 1)
        return [Layer(np.arange(count), self.labels, extent, centre)]


def _shuffled_parts(
    classes: int, per_class: tuple[int, int, int], rng: np.random.Generator
) -> tuple[NDArray[np.int64], Split]:
    """Labels (N,) and their split: train rows, then query, then database, each in random order.

    Random, because a database sorted by class would favour low classes where equal distances keep their order.
    """
    parts, rows, start = [], [], 0
    for count in per_class:
        labels = np.repeat(np.arange(classes, dtype=np.int64), count)
        parts.append(labels[np.argsort(rng.random(len(labels)), kind="stable")])
        rows.append(np.arange(start, start + len(labels), dtype=np.int64))
        start += len(labels)
    return np.concatenate(parts), Split(train=rows[0], query=rows[1], database=rows[2])
