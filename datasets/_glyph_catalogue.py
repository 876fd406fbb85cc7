"""Which letters the glyph datasets can show, in which order, and the fonts that hold them.

The order puts look-alikes side by side: turns of four letters of one script, and within a script the accented
forms of one base letter after another. So every prefix of the catalogue has several scripts, several base
letters and their near twins.
"""

from __future__ import annotations

import functools
import hashlib
import itertools
import json
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.ft2font import FT2Font
from numpy.typing import NDArray
from PIL import Image, ImageFont, features

from bench.data.cache import cached_array
from bench.errors import ConfigError, DataError
from bench.plugins.dataset import Hierarchy

# Every letter of the catalogue is in the first face; the others are used for the letters they hold.
FACES = (
    "DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique",
    "DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic",
    "DejaVuSansMono", "DejaVuSansMono-Bold", "DejaVuSansMono-Oblique",
)  # fmt: skip

# Script -> families, in the order they are taken. A family's letters differ by a mark or a dot; the first three
# scripts and Hebrew get theirs from Unicode's decompositions (e -> e-acute, e-grave, ...) after those given here.
_FAMILIES = {
    "latin": "e a o u i c s n z r t d g l y k h w j p b m f v q x æ ø þ ð ß ŋ ə ɔ ʃ ʒ ɣ ɥ ɯ ʌ ɱ ɲ ɳ ʂ ʐ ɖ ʈ ɟ".split(),
    "cyrillic": "и гґғ е кқҝ у а хҳ о ж зҙ цџ шщ нңҥ чҷҹ пҧ эє ыь ю я б д л м т ф в яѧ љ њ ђ ћ ѣ ѫ ѯ ѱ ӡ".split(),
    "greek": "α ε η ι ο υ ω ρ β γ δ ζ θ κ λ μ ν ξ π σ τ φ χ ψ ς ϑ ϕ ϖ ϟ ϡ ϝ".split(),
    "arabic": "بتثپٹنٺٻټٽٿ جحخچڃڄڇڿځ رزژڑړڕڗڙ سشڜښڛ دذڈډڊڌڎ عغڠ فقڤڢڥڦڧڨ كکگڭڬڮڰڱڴ صضڝڞ طظڟ "
    "اأإآ وؤۆۇۈۋ هةۀ يىیېۍ لڵڶڷ م".split(),
    "hebrew": "ש ב כ ו ד ר ה ח ת ט מ ס ע צ נ ג ז פ י ל ק א ך ם ן ף ץ".split(),
    "armenian": "ո ռ ղ դ ն մ հ ի գ ք զ ց վ պ ս ա յ շ չ ջ ե է ը ր ւ փ օ ֆ բ թ ժ լ խ ծ կ ձ ճ տ".split(),
    "georgian": "ბ ზ ჰ მ ა პ გ კ ვ შ წ ჩ ნ ხ თ ო რ დ ლ ს ტ ქ ე უ ც ძ ჭ ჯ ფ ყ ღ ჟ ი".split(),
    "tifinagh": "ⵔ ⵙ ⴱ ⵀ ⴲ ⵁ ⴻ ⴼ ⵄ ⵇ ⵟ ⵣ ⵥ ⵡ ⵢ ⵎ ⵍ ⵏ ⵉ ⵊ ⵛ ⵞ ⵜ ⵝ ⴳ ⴽ ⵅ ⴷ ⴹ ⴸ ⵓ ⵕ ⵚ ⵖ ⵗ ⵃ ⵂ".split(),
}
_DECOMPOSED = ("latin", "cyrillic", "greek", "hebrew")
_TURN = 4  # letters that one script gives before the next has its turn
# The marks a reader knows best come first, so that small catalogues hold e, e-acute, e-grave, e-circumflex.
_MARKS = "\u0301\u0300\u0302\u0308\u0303\u030c\u0304\u0306\u0307\u030a\u0327\u0328\u0323\u0331\u0313\u0314\u0342\u0345"


@dataclass(frozen=True)
class Letter:
    """One class: its character, where it is in the tree, and the numbers in `FACES` that can draw it."""

    char: str
    script: str
    family: str
    name: str
    faces: tuple[int, ...]


def letters(count: int, owner: str) -> tuple[Letter, ...]:
    """The first `count` letters of the catalogue; `owner` is the dataset that an error speaks of.

    Raises:
        ConfigError: more letters than there are.
        DataError: a font of matplotlib's is missing.
    """
    known = _catalogue()
    if count > len(known):
        raise ConfigError(f"{owner}.classes = {count} is too many: the fonts hold {len(known)} letters that differ.")
    return known[:count]


def hierarchy(chosen: tuple[Letter, ...]) -> Hierarchy:
    """Script > base letter > the letter itself; no name is used on two levels."""
    return Hierarchy(tuple((x.script, f"{x.family}, any form", x.name) for x in chosen))


def font_path(face: int) -> Path:
    """File of a face among matplotlib's own fonts."""
    path = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{FACES[face]}.ttf"
    if not path.is_file():
        raise DataError(f"the font {path} is missing: install matplotlib again, which brings it.")
    return path


@functools.cache
def fonts_digest() -> str:
    """SHA-256 (hex) over the font files, in the order of `FACES`."""
    digest = hashlib.sha256()
    for face in range(len(FACES)):
        digest.update(hashlib.sha256(font_path(face).read_bytes()).digest())
    return digest.hexdigest()


def load_font(face: int, em: int) -> ImageFont.FreeTypeFont:
    """A face at `em` pixels. Basic layout: one code point, one glyph, with or without libraqm."""
    return ImageFont.truetype(str(font_path(face)), em, layout_engine=ImageFont.Layout.BASIC)


@functools.cache
def _charmap(face: int) -> frozenset[int]:
    return frozenset(FT2Font(str(font_path(face))).get_charmap())


@functools.cache
def _catalogue() -> tuple[Letter, ...]:
    """All letters in the order they are taken, without those that look the same as another one."""
    families = list(_candidates())
    kept = _kept([letter for family in families for letter in family])  # character -> letter
    scripts: dict[str, list[list[Letter]]] = {script: [] for script in _FAMILIES}
    for family in families:
        scripts[family[0].script].append([kept[x.char] for x in family if x.char in kept])
    rows = itertools.zip_longest(*map(_turns, scripts.values()), fillvalue=())
    return tuple(letter for row in rows for turn in row for letter in turn)


def _candidates() -> Iterator[list[Letter]]:
    """The families, one script after the other, with all that the first face can draw."""
    derived: dict[str, list[str]] = defaultdict(list)
    for code in sorted(_charmap(0)):
        if unicodedata.category(chr(code)) in ("Ll", "Lo"):
            base, *marks = list(unicodedata.normalize("NFD", chr(code)))
            if marks:
                derived[base].append(chr(code))
    taken: set[str] = set()
    for script, families in _FAMILIES.items():
        for family in families:
            chars = list(family)
            if script in _DECOMPOSED:
                chars += sorted((c for base in family for c in derived[base]), key=_familiarity)
            fresh = [c for c in dict.fromkeys(chars) if c not in taken and ord(c) in _charmap(0)]
            taken.update(fresh)
            yield [_letter(c, script, _name(family[0])) for c in fresh]


def _letter(char: str, script: str, family: str) -> Letter:
    return Letter(char, script, family, _name(char), tuple(f for f in range(len(FACES)) if ord(char) in _charmap(f)))


def _turns(families: list[list[Letter]]) -> Iterator[tuple[Letter, ...]]:
    """A script's letters in turns: the first four of each family, then the next four of each, ..."""
    rest: list[Letter] = []
    for start in range(0, max(map(len, families)), _TURN):
        for family in families:
            # Families of one (Armenian, Georgian) are gathered, so that a turn is four letters there too.
            rest += family[start : start + _TURN]
            if len(rest) >= _TURN:
                yield tuple(rest)
                rest = []
    yield tuple(rest)


def _familiarity(char: str) -> tuple[int, list[int], str]:
    marks = unicodedata.normalize("NFD", char)[1:]
    return len(marks), [_MARKS.find(m) % 99 for m in marks], char


def _name(char: str) -> str:
    words = unicodedata.name(char).split()
    return " ".join(w for w in words if w not in ("SMALL", "LETTER", "WITH", "AND")).lower()


def _kept(candidates: list[Letter]) -> dict[str, Letter]:
    """What `_distinct` keeps, from the cache if it is there: to draw all candidates takes half a second."""
    facts = [
        fonts_digest(), features.version("pil"), features.version("freetype2"), _EM, _SIDE, _SAME,
        [(letter.char, letter.faces) for letter in candidates],
    ]  # fmt: skip
    digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:24]

    def places() -> NDArray[np.int64]:
        """(n, 2): place among the candidates, and faces as bits."""
        kept = _distinct(candidates)
        bits = {char: sum(1 << face for face in letter.faces) for char, letter in kept.items()}
        return np.array([(i, bits[x.char]) for i, x in enumerate(candidates) if x.char in bits], dtype=np.int64)

    found = cached_array(f"glyph-letters-{digest}", places)
    return {
        candidates[i].char: replace(candidates[i], faces=tuple(f for f in range(len(FACES)) if bits >> f & 1))
        for i, bits in found.tolist()
    }


def _distinct(candidates: list[Letter]) -> dict[str, Letter]:
    """Letters by character, without those that render as an earlier one does, up to place and size.

    Latin o stays, Greek omicron goes; so do letters whose glyph is empty or the box for a missing one. Where only
    another face makes twins (the italic Cyrillic i is a Latin u), the later letter does without that face.
    """
    fonts = [load_font(face, _EM) for face in range(len(FACES))]
    seen = [{b"", _normalized(font, "\uffff")} for font in fonts]
    bitmaps = np.empty((len(candidates), _SIDE * _SIDE), np.uint8)
    kept: dict[str, Letter] = {}
    for letter in candidates:
        drawn = {face: _normalized(fonts[face], letter.char) for face in letter.faces}
        faces = tuple(face for face, bitmap in drawn.items() if bitmap not in seen[face])
        if 0 not in faces:
            continue
        first, others = np.frombuffer(drawn[0], np.uint8), bitmaps[: len(kept)]
        apart = np.maximum(others, first) - np.minimum(others, first)
        if (apart.max(axis=1, initial=0) < _SAME).any():
            continue
        bitmaps[len(kept)] = first
        kept[letter.char] = replace(letter, faces=faces)
        for face in faces:
            seen[face].add(drawn[face])
    return kept


_EM, _SIDE = 48, 20
_SAME = 90  # of 255: hinting moves an edge by a third of a pixel; a dot or a serif changes some pixel by more


def _normalized(font: ImageFont.FreeTypeFont, char: str) -> bytes:
    """Pixels of the glyph cropped, its longer side scaled to one length, and centred; empty where it is blank."""
    mask = font.getmask(char, mode="L")
    box = mask.getbbox()
    if box is None:
        return b""
    image = Image.frombytes("L", mask.size, bytes(mask)).crop(box)
    factor = _SIDE / max(image.size)
    width, height = (max(1, round(side * factor)) for side in image.size)
    square = Image.new("L", (_SIDE, _SIDE))
    square.paste(image.resize((width, height), Image.Resampling.BOX), ((_SIDE - width) // 2, (_SIDE - height) // 2))
    return square.tobytes()
