"""Draw letters into many small images at once, the same bytes on every machine.

Every step after FreeType's is an elementwise IEEE operation (+ - * / floor, rint, square root) or a look-up:
no sine, no exponential, no matrix product, whose last bits differ between processors. Random numbers are
`Generator.random` and raw bits, whose streams NumPy keeps.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from bench.randomness import stream

from ._glyph_catalogue import FACES, Letter, load_font

Floats = NDArray[np.float32]

_MAX_EM = 96  # stamps for larger images are enlarged from this, which bounds memory
_WEIGHTS = 3  # outlines as they are, and two widths of added stroke
_CHUNK = 256  # images drawn at a time: their working arrays stay in the processor's cache
_CURVES = 4  # most curves and specks of clutter in an image


@dataclass(frozen=True)
class Look:
    """What makes the letters hard to read; 0 is none, 1 is strong."""

    distortion: float
    clutter: float
    noise: float


@dataclass
class Layer:
    """One letter of each of some images.

    Attributes:
        rows: (n,) the images, each at most once.
        classes: (n,) index into the letters.
        extent: (n,) side of the letter as a share of the image's side.
        centre: (n, 2) x and y of the letter's middle as a share of the side.
    """

    rows: NDArray[np.int64]
    classes: NDArray[np.int64]
    extent: NDArray[np.float64]
    centre: NDArray[np.float64]
    stamp: NDArray[np.int64] = field(init=False)
    inverse: Floats = field(init=False)  # (n, 2, 2) image pixels -> stamp pixels
    softness: Floats = field(init=False)
    colour: Floats = field(init=False)


@dataclass(frozen=True)
class Stamps:
    """Letters drawn once each: (K, T, T) uint8 coverage with an empty rim, and the side of each box in pixels."""

    pixels: NDArray[np.uint8]
    boxes: Floats


def draw(
    count: int,
    size: int,
    letters: Sequence[Letter],
    layers: Sequence[Layer],
    look: Look,
    seed: int,
    name: str,
) -> NDArray[np.uint8]:
    """Images (count, size, size, 3) uint8 with `layers` painted one over the other.

    `seed` and `name` (the dataset's) choose the random streams; each aspect has its own, so that more noise
    does not move a letter.
    """

    def rng(*names: str | int) -> np.random.Generator:
        return stream(seed, name, *names)

    backdrop, ink = _colours(rng("colour"), count, len(layers))
    keys: dict[tuple[int, int, int], int] = {}
    em = min(_MAX_EM, max(24, round(1.5 * size)))
    for number, layer in enumerate(layers):
        _pick_stamps(layer, letters, rng("face", number), keys)
        layer.colour = ink[number, layer.rows]
    stamps = _stamps(letters, tuple(keys), em)
    for number, layer in enumerate(layers):
        _place(layer, stamps.boxes[layer.stamp], size, look, rng("shape", number))
    marks = _clutter(rng("clutter"), count, look.clutter)
    grain = rng("noise")
    images = np.empty((count, size, size, 3), np.uint8)
    for start in range(0, count, _CHUNK):
        chunk = slice(start, min(start + _CHUNK, count))
        canvas = _gradient(backdrop[chunk], size)
        _paint_curves(canvas, marks[:, chunk], size)
        for layer in layers:
            inside = np.flatnonzero((layer.rows >= chunk.start) & (layer.rows < chunk.stop))
            _paint_letters(canvas, layer, inside, chunk.start, stamps, size)
        images[chunk] = _grainy(canvas, grain, look.noise)
    return images


def _pick_stamps(
    layer: Layer, letters: Sequence[Letter], rng: np.random.Generator, keys: dict[tuple[int, int, int], int]
) -> None:
    """A face that has the letter, and a weight; each such stamp is numbered once in `keys`."""
    held = np.array([len(x.faces) for x in letters])
    table = np.array([np.resize(x.faces, held.max()) for x in letters])
    face = table[layer.classes, (rng.random(len(layer.rows)) * held[layer.classes]).astype(np.int64)]
    weight = (rng.random(len(layer.rows)) * _WEIGHTS).astype(np.int64)
    code = (layer.classes * len(FACES) + face) * _WEIGHTS + weight
    kinds, which = np.unique(code, return_inverse=True)
    numbers = [
        keys.setdefault(
            (int(k) // (len(FACES) * _WEIGHTS), int(k) // _WEIGHTS % len(FACES), int(k) % _WEIGHTS), len(keys)
        )
        for k in kinds
    ]
    layer.stamp = np.array(numbers, np.int64)[which]


def _stamps(letters: Sequence[Letter], keys: Sequence[tuple[int, int, int]], em: int) -> Stamps:
    """Each (letter, face, weight) drawn in the middle of its square, softened so that shrinking does not alias."""
    fonts = functools.cache(load_font)
    boxes = [fonts(f, em).getbbox(letters[c].char, stroke_width=_stroke(w, em)) for c, f, w in keys]
    sides = np.array([max(right - left, bottom - top) for left, top, right, bottom in boxes])
    side = int(sides.max()) + 8
    pixels = np.zeros((len(keys), side, side), np.uint8)
    for row, ((letter, face, weight), (left, top, right, bottom)) in enumerate(zip(keys, boxes, strict=True)):
        image = Image.new("L", (side, side))
        corner = ((side - left - right) // 2, (side - top - bottom) // 2)
        ImageDraw.Draw(image).text(
            corner, letters[letter].char, fill=255, font=fonts(face, em), stroke_width=_stroke(weight, em)
        )
        pixels[row] = np.asarray(image)
    for axis in (1, 2):
        wide = pixels.astype(np.uint16)
        middle, last = np.roll(wide, -1, axis), np.roll(wide, 1, axis)
        pixels = ((wide * 2 + middle + last) // 4).astype(np.uint8)
    # A small letter (yod, iota) is not blown up to the size of the others.
    return Stamps(pixels, np.maximum(sides, round(0.6 * em)).astype(np.float32))


def _stroke(weight: int, em: int) -> int:
    return round(0.028 * weight * em)


def _place(layer: Layer, boxes: Floats, size: int, look: Look, rng: np.random.Generator) -> None:
    """Turn, slant and stretch: the map from image pixels back to stamp pixels."""
    draws = rng.random((4, len(layer.rows))) * 2 - 1
    amount = look.distortion
    half = 0.16 * amount * draws[0]  # tangent of half the angle: sine and cosine without trigonometry
    cosine, sine = (1 - half * half) / (1 + half * half), 2 * half / (1 + half * half)
    shear, stretch = 0.35 * amount * draws[1], 1 + 0.25 * amount * draws[2]
    zoom = boxes / (layer.extent * size)
    inverse = np.empty((len(layer.rows), 2, 2), np.float32)
    inverse[:, 0, 0] = zoom * stretch * (cosine + shear * sine)
    inverse[:, 0, 1] = zoom * stretch * (sine - shear * cosine)
    inverse[:, 1, 0] = -zoom / stretch * sine
    inverse[:, 1, 1] = zoom / stretch * cosine
    layer.inverse = inverse
    layer.softness = np.clip(0.25 + 0.75 * draws[3], 0, 1).astype(np.float32)


def _paint_letters(
    canvas: Floats, layer: Layer, inside: NDArray[np.int64], start: int, stamps: Stamps, size: int
) -> None:
    """Blend a layer's letters into the chunk's images (n, S, S, 3)."""
    if not len(inside):
        return
    grid = np.arange(size, dtype=np.float32) + np.float32(0.5)
    centre = (layer.centre[inside] * size).astype(np.float32)
    x, y = grid[None, None, :] - centre[:, 0, None, None], grid[None, :, None] - centre[:, 1, None, None]
    a = layer.inverse[inside][:, :, :, None, None]
    cover = _sample(
        stamps.pixels, layer.stamp[inside], a[:, 0, 0] * x + a[:, 0, 1] * y, a[:, 1, 0] * x + a[:, 1, 1] * y
    )
    cover += (_blurred(cover) - cover) * layer.softness[inside, None, None]
    rows = layer.rows[inside] - start
    under = canvas[rows]
    canvas[rows] = under + (layer.colour[inside, None, None, :] - under) * cover[..., None]


def _sample(pixels: NDArray[np.uint8], which: NDArray[np.int64], u: Floats, v: Floats) -> Floats:
    """Coverage in [0, 1] at (u, v) from the stamps' middles, bilinear; 0 outside."""
    side = pixels.shape[1]
    u = np.clip(u + np.float32(side / 2 - 0.5), 0, side - 1.5)
    v = np.clip(v + np.float32(side / 2 - 0.5), 0, side - 1.5)
    left, top = u.astype(np.int32), v.astype(np.int32)
    u, v = u - left, v - top
    flat = pixels.reshape(-1)
    index = which[:, None, None] * (side * side) + top * side + left
    upper, lower = (
        flat[index + step].astype(np.float32) * (1 - u) + flat[index + step + 1].astype(np.float32) * u
        for step in (0, side)
    )
    return (upper + (lower - upper) * v) * np.float32(1 / 255)


def _blurred(images: Floats) -> Floats:
    """A 5 x 5 binomial blur of (n, S, S), edges repeated."""
    for _ in range(2):
        for axis in (1, 2):
            first, last = np.take(images, [0], axis), np.take(images, [-1], axis)
            padded = np.concatenate([first, images, last], axis)
            inner = np.swapaxes(padded, 0, axis)
            images = np.swapaxes((inner[:-2] + inner[1:-1] * 2 + inner[2:]) * np.float32(0.25), 0, axis)
    return images


def _colours(rng: np.random.Generator, count: int, layers: int) -> tuple[Floats, Floats]:
    """Backdrops (count, 4 corners, 3) and inks (layers, count, 3), in [0, 1], dark on light or light on dark."""
    dark = rng.random((count, 1, 1)) < 0.5
    base = 0.72 + 0.24 * rng.random((count, 1, 1)) + 0.24 * (rng.random((count, 1, 3)) - 0.5)
    corners = base + 0.2 * (rng.random((count, 4, 3)) - 0.5)
    contrast = 0.32 + 0.38 * rng.random((layers, count, 1))
    ink = base[None, :, 0] - contrast + 0.36 * (rng.random((layers, count, 3)) - 0.5)
    backdrop, ink = np.where(dark, 1 - corners, corners), np.where(dark[:, 0], 1 - ink, ink)
    return np.clip(backdrop, 0, 1).astype(np.float32), np.clip(ink, 0, 1).astype(np.float32)


def _gradient(corners: Floats, size: int) -> Floats:
    """Backdrop (n, S, S, 3) between four corner colours (n, 4, 3)."""
    step = (np.arange(size, dtype=np.float32) / np.float32(size - 1))[:, None]
    first = corners[:, None, 0] + (corners[:, None, 1] - corners[:, None, 0]) * step
    last = corners[:, None, 2] + (corners[:, None, 3] - corners[:, None, 2]) * step
    return first[:, None] + (last - first)[:, None] * step[:, None]


def _clutter(rng: np.random.Generator, count: int, amount: float) -> Floats:
    """Curves and specks (`_CURVES`, count, 9): x, y, radius, half width, x and y of the visible disc, shade (3)."""
    draws = rng.random((_CURVES, count, 11))
    shown, speck = draws[..., 9] < amount, draws[..., 10] < 0.5
    marks = draws[..., :9].copy()
    marks[..., 0:2] = np.where(speck[..., None], draws[..., 0:2], draws[..., 0:2] * 2.4 - 0.7)
    marks[..., 2] = np.where(speck, 0.03 * draws[..., 2], 0.25 + 0.7 * draws[..., 2])
    marks[..., 3] = np.where(shown, 0.01 + 0.025 * draws[..., 3], 0)  # a width of 0 is not drawn
    return marks.astype(np.float32)


def _paint_curves(canvas: Floats, marks: Floats, size: int) -> None:
    """Blend clutter into (n, S, S, 3), under the letters: pieces of circles, and dots."""
    grid = ((np.arange(size) + 0.5) / size).astype(np.float32)
    for layer in marks:
        shown = np.flatnonzero(layer[:, 3] > 0)
        if not len(shown):
            continue
        x, y, radius, width, seen_x, seen_y = layer[shown, :6].T[:, :, None, None]
        distance = np.sqrt((grid - x) ** 2 + (grid[:, None] - y) ** 2)
        cover = np.clip((width - np.abs(distance - radius)) * size + np.float32(0.5), 0, 1)
        window = np.sqrt((grid - seen_x) ** 2 + (grid[:, None] - seen_y) ** 2)
        cover *= np.where(radius > 0.1, np.clip((np.float32(0.35) - window) * size, 0, 1), np.float32(1))
        under = canvas[shown]
        canvas[shown] = under + (layer[shown, None, None, 6:9] - under) * cover[..., None]


def _grainy(canvas: Floats, rng: np.random.Generator, amount: float) -> NDArray[np.uint8]:
    """To uint8, with triangular noise of standard deviation 0.25 x `amount` of the full range at most."""
    words = rng.bit_generator.random_raw((canvas.size + 3) // 4)  # two bytes a value
    pairs = np.asarray(words, "<u8").view("<u2")[: canvas.size].reshape(canvas.shape)
    grain = (pairs & 255).astype(np.float32) + (pairs >> 8).astype(np.float32) - np.float32(255)
    # The sum of two bytes has a standard deviation of 104.5; half to full strength from image to image.
    strength = (np.float32(0.5) + rng.random(len(canvas)).astype(np.float32) / 2) * np.float32(
        0.25 * amount * 255 / 104.5
    )
    return np.rint(np.clip(canvas * np.float32(255) + grain * strength[:, None, None, None], 0, 255)).astype(np.uint8)
