"""Several letters in one image: the multi-label form of the embedded dataset.

Letters of one script tend to come together (as things of one kind do in photographs), so the labels themselves
carry class semantics.
"""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from bench.config import Config, setting
from bench.plugins.dataset import Split
from bench.plugins.info import PluginInfo
from bench.randomness import stream

from ._glyph_catalogue import Letter
from ._glyph_dataset import GlyphDataset
from ._glyph_rendering import Layer

INFO = PluginInfo(
    name="glyph-scenes",
    summary="One to four rendered letters in each image: multi-label; needs no download",
    citation="Rendered by this package from the DejaVu fonts",
    licence="DejaVu fonts licence (free; the fonts come with matplotlib)",
    homepage="https://dejavu-fonts.github.io",
    version=1,
    splits={"default": "train, query and database images drawn alike"},
)
_MOST = 4  # letters in an image: one for each quarter


class GlyphScenesConfig(Config):
    """Settings of glyph-scenes."""

    classes: int = setting(24, "letters to tell apart", source="project: six turns of four letters", ge=_MOST)
    train: int = setting(2400, "training images", source="project: as glyphs", ge=1)
    query: int = setting(480, "query images", source="project: as glyphs", ge=1)
    database: int = setting(2400, "database images", source="project: as glyphs", ge=1)
    size: int = setting(48, "side of an image in pixels", source="project: four letters of 24 px", ge=32, le=192)
    seed: int = setting(0, "of labels and pixels; independent of a run's seed", source="project: as glyphs", ge=0)
    kinship: float = setting(
        0.7, "chance that a further letter is of the first one's script", source="project: co-occurrence as in COCO",
        ge=0, le=1,
    )  # fmt: skip
    distortion: float = setting(0.5, "turn, slant and stretch of the letters", source="project: as glyphs", ge=0, le=1)
    clutter: float = setting(0.2, "share of the curves and specks that are drawn", source="project", ge=0, le=1)
    noise: float = setting(0.15, "pixel noise", source="project", ge=0, le=1)


class GlyphScenes(GlyphDataset):
    """`labels` is bool (N, C): which letters are in the image."""

    Config: ClassVar[type[Config]] = GlyphScenesConfig

    def __init__(self, config: GlyphScenesConfig, split: str = "default", root: Path | None = None) -> None:
        self.use_letters(config)
        ends = np.cumsum([0, config.train, config.query, config.database])
        self.split = Split(*(np.arange(a, b) for a, b in itertools.pairwise(ends)))
        # (N, 4) class in each quarter of the image, -1 for none
        self._scenes = _draw_scenes(int(ends[-1]), self.letters, config)
        rows, quarters = np.nonzero(self._scenes >= 0)
        self.labels = np.zeros((len(self._scenes), config.classes), dtype=bool)
        self.labels[rows, self._scenes[rows, quarters]] = True

    def layers(self, rng: np.random.Generator) -> list[Layer]:
        """One for each quarter of the image, with the letters that stand there."""
        layers = []
        for quarter in range(_MOST):
            rows = np.flatnonzero(self._scenes[:, quarter] >= 0)
            extent = 0.3 + 0.14 * rng.random(len(rows))
            middle = np.array([0.25 + 0.5 * (quarter % 2), 0.25 + 0.5 * (quarter // 2)])
            centre = middle + (0.48 - extent)[:, None] / 2 * (2 * rng.random((len(rows), 2)) - 1)
            layers.append(Layer(rows, self._scenes[rows, quarter], extent, centre))
        return layers


def _draw_scenes(count: int, known: tuple[Letter, ...], config: GlyphScenesConfig) -> NDArray[np.int64]:
    """(count, 4) classes, each at most once in an image, in random quarters; -1 where a quarter is empty."""
    rng = stream(config.seed, INFO.name, "scene")
    scripts = np.array([letter.script for letter in known])
    kin = np.where(scripts[:, None] == scripts[None, :], 1.0, 0.0)
    strangers = 1 - kin
    weights = config.kinship * kin / kin.sum(axis=1, keepdims=True)
    weights += (1 - config.kinship) * strangers / np.maximum(strangers.sum(axis=1, keepdims=True), 1) + 1e-9
    first = (rng.random(count) * len(known)).astype(np.int64)
    # The others by the largest of random keys u^(1/w): drawing without replacement with weights w.
    keys = np.log(rng.random((count, len(known)))) / weights[first]
    keys[np.arange(count), first] = np.inf
    chosen = np.argsort(-keys, axis=1, kind="stable")[:, :_MOST]
    sizes = 1 + (rng.random(count) * _MOST).astype(np.int64)
    chosen[np.arange(_MOST) >= sizes[:, None]] = -1
    return np.take_along_axis(chosen, np.argsort(rng.random((count, _MOST)), axis=1, kind="stable"), axis=1)
