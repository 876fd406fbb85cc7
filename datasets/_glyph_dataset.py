"""What the embedded datasets of letters have in common: classes, fingerprint, and images drawn when they are needed."""

from __future__ import annotations

import functools
from abc import abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from PIL import features

from bench.data.fingerprint import fingerprint
from bench.plugins.dataset import Dataset
from bench.randomness import stream

from ._glyph_catalogue import Letter, fonts_digest, hierarchy, letters
from ._glyph_rendering import Layer, Look, draw


class GlyphDataset(Dataset):
    """A dataset that calls `use_letters`, makes its labels and split, and says in `layers` where letters stand."""

    needs_root: ClassVar[bool] = False
    flip_safe = False  # a mirrored e-acute is an e-grave

    config: Any  # has classes, size, seed, distortion, clutter and noise
    letters: tuple[Letter, ...]

    def use_letters(self, config: Any) -> None:
        """Keep the settings and make the first letters of the catalogue the classes.

        Raises:
            ConfigError: more letters than there are.
        """
        self.config = config
        self.letters = letters(config.classes, self.INFO.name)
        self.class_names = tuple(letter.name for letter in self.letters)
        self.hierarchy = hierarchy(self.letters)
        self.native_size = config.size

    @abstractmethod
    def layers(self, rng: np.random.Generator) -> list[Layer]:
        """The letters of all images, drawn one layer over the other; `rng` decides where they stand."""

    def fingerprint(self) -> str:
        """Hex SHA-256 of settings, letters, generator version, fonts and the libraries that draw them."""
        facts = {
            "dataset": self.INFO.name,
            "version": self.INFO.version,
            "config": self.config.model_dump(),
            "letters": [(x.char, x.name, x.faces) for x in self.letters],
            "fonts": fonts_digest(),
            "pillow": features.version("pil"),
            "freetype": features.version("freetype2"),
        }
        return fingerprint(facts)

    def images(self, size: int) -> NDArray[np.uint8]:
        """(N, S, S, 3) uint8 at the `size` of the settings, rendered at the first call; `size` is not used."""
        return self._images

    @functools.cached_property
    def _images(self) -> NDArray[np.uint8]:
        config, name = self.config, self.INFO.name
        look = Look(distortion=config.distortion, clutter=config.clutter, noise=config.noise)
        layers = self.layers(stream(config.seed, name, "place"))
        images = draw(len(self.labels), config.size, self.letters, layers, look, config.seed, name)
        images.flags.writeable = False
        return images
