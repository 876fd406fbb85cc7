"""Pictures for the page: queries and what each method finds for them, with distances and the ranks under ties."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.errors import BenchError
from bench.storage.results import Results

from .._model import panels
from .._page.html import embedded
from .images import Pictures, open_pictures
from .run import shown_run
from .thumbnails import thumbnail
from .view import PER_GROUP, View

MOST_BYTES = 3_000_000
_FRAME = 2_000  # of them for what stands around views and images
_RULE = (
    "Items at the same distance have no order: each of them can have any rank of the interval that is given. They are "
    "shown in the order of the database, and where a tie is longer than the row, the first of them."
)


def gallery_data(results: Results, data_root: Path | None) -> dict[str, Any]:
    """What the page's gallery shows, as JSON of at most 3 MB.

    Args:
        data_root: folder with the datasets' files, as --data-root; None: the user's own place.

    Returns:
        `rule`: of order inside of ties. `pictures`: for each dataset `side` (pixels) and `images`: row of its table ->
        data URI, or None where the image is missing. `views`: one for each protocol, see `View.data`. `said`:
        sentences on what is not shown.
    """
    found = [(panel, run) for panel in panels(results) if (run := shown_run(panel)) is not None]
    albums: dict[str, _Album] = {}
    views: list[dict[str, Any]] = []
    left, dropped = MOST_BYTES - _FRAME, 0
    for number, (panel, run) in enumerate(found):
        view = View(panel, run)
        album = _album_of(view, albums, data_root)
        shown = _fitting(view, album, left // (len(found) - number))
        if shown is None:
            dropped += 1
            continue
        left -= shown.size
        album.kept |= shown.images
        views.append(shown.data)
    kept = [album for album in albums.values() if album.kept]
    for data in views:
        place = [i for i, album in enumerate(kept) if album.name == data["pictures"]]
        data["pictures"] = place[0] if place else None
    noun = "protocol is" if dropped == 1 else "protocols are"
    said = [f"{dropped} {noun} left out, to keep this page small."] if dropped else []
    said += [] if found else ["No cell has finished and stored its codes: there is nothing to show."]
    return {"rule": _RULE, "pictures": [album.data() for album in kept], "views": views, "said": said}


class _Album:
    """The images of one dataset, or a sentence on why there are none.

    Attributes:
        kept: row -> data URI of those that are shown somewhere; None for one that is missing.
    """

    def __init__(self, name: str, pictures: Pictures | None, said: str | None) -> None:
        self.name, self.pictures, self.said = name, pictures, said
        self.kept: dict[int, str | None] = {}
        self._read: dict[int, str | None] = {}
        self._sides: list[int] = []

    def image(self, row: int) -> str | None:
        """Decoded once."""
        assert self.pictures is not None
        if row not in self._read:
            pixels = self.pictures.read(row)
            self._read[row] = None if pixels is None else thumbnail(pixels)
            self._sides += [] if pixels is None else [len(pixels)]
        return self._read[row]

    def data(self) -> dict[str, Any]:
        """For the page."""
        return {"side": max(self._sides, default=0), "images": {str(row): self.kept[row] for row in sorted(self.kept)}}


def _album_of(view: View, albums: dict[str, _Album], data_root: Path | None) -> _Album:
    """Of its dataset, opened at the first call; protocols on one dataset share it."""
    cell = view.stored.cell
    key = f"{cell.fingerprint}-{cell.part}"
    if key not in albums:
        if cell.backbone == "features":
            albums[key] = _Album(key, None, f"The items of {cell.dataset_label} are vectors: there are no images.")
            return albums[key]
        try:
            pictures = open_pictures(view.stored, (view.query_labels, view.database_labels), data_root)
            albums[key] = _Album(key, pictures, pictures.note)
        except (BenchError, OSError) as error:
            albums[key] = _Album(key, None, f"No images: {error}")
    return albums[key]


@dataclass(frozen=True)
class _Shown:
    """A view as JSON, the images that it adds to its dataset's, and the bytes of both."""

    data: dict[str, Any]
    images: dict[int, str | None]
    size: int


def _fitting(view: View, album: _Album, most: int) -> _Shown | None:
    """With as many queries as fit into so many bytes; without images where not even one of each group does."""
    for with_images in (True, False) if album.pictures else (False,):
        for count in range(PER_GROUP, 0, -1):
            shown = _shown(view, album, count, with_images)
            if shown.size <= most:
                return shown
    return None


def _shown(view: View, album: _Album, count: int, with_images: bool) -> _Shown:
    pictures = album.pictures if with_images else None
    data = view.data(count, pictures)
    rows = [row for row, _ in data["items"] if row is not None]
    images = {row: album.image(row) for row in rows}
    missing = sum(uri is None for uri in images.values())
    data["pictures"] = album.name if images else None
    data["said"] += [album.said] if album.said else []
    data["said"] += [_missing_sentence(missing, len(images))] if missing else []
    data["said"] += ["No images, to keep this page small."] if album.pictures and not with_images else []
    data["said"] += ["Fewer queries than usual, to keep this page small."] if count < PER_GROUP else []
    new = {row: uri for row, uri in images.items() if row not in album.kept}
    size = len(embedded([data, {str(row): uri for row, uri in new.items()}]).encode("utf-8", "replace"))
    return _Shown(data, new, size)


def _missing_sentence(missing: int, count: int) -> str:
    verb = "is" if missing == 1 else "are"
    return f"{missing} of the {count} images here {verb} missing or cannot be read: bench data verify names the files."
