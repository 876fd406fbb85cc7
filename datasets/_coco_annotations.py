"""COCO's classes and its instances files, as image-level labels.

Plain JSON: of pycocotools only its loader would be used, which keeps every polygon, and it has to be compiled.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.data.cache import cached_array
from bench.errors import DataError

_TREE = (  # in the order of category ids
    ("person", "person"),
    ("vehicle", "bicycle, car, motorcycle, airplane, bus, train, truck, boat"),
    ("outdoor", "traffic light, fire hydrant, stop sign, parking meter, bench"),
    ("animal", "bird, cat, dog, horse, sheep, cow, elephant, bear, zebra, giraffe"),
    ("accessory", "backpack, umbrella, handbag, tie, suitcase"),
    ("sports", ("frisbee, skis, snowboard, sports ball, kite, baseball bat, baseball glove, skateboard, surfboard, "
               "tennis racket")),
    ("kitchen", "bottle, wine glass, cup, fork, knife, spoon, bowl"),
    ("food", "banana, apple, sandwich, orange, broccoli, carrot, hot dog, pizza, donut, cake"),
    ("furniture", "chair, couch, potted plant, bed, dining table, toilet"),
    ("electronic", "tv, laptop, mouse, remote, keyboard, cell phone"),
    ("appliance", "microwave, oven, toaster, sink, refrigerator"),
    ("indoor", "book, clock, vase, scissors, teddy bear, hair drier, toothbrush"),
)  # fmt: skip
CLASS_PATHS = tuple((top, name) for top, names in _TREE for name in names.split(", "))
CLASS_NAMES = tuple(name for _, name in CLASS_PATHS)
_KEPT = (
    "images", "annotations", "categories", "id", "file_name", "image_id", "category_id", "name",
)  # fmt: skip


_MOST_NAME = 255  # characters; the table of images has room for the longest name in every row


def read_instances(path: Path) -> NDArray[Any]:
    """Structured array with a row for each image of an instances file, in its order, kept in the cache.

    Fields: `id` int64, `file` text, `labels` bool (80,) in the order of category ids. Every annotation counts,
    crowds too. The 80 labels are all false where an image has no annotation.

    Raises:
        DataError: cut, of another schema, not COCO's classes, or annotations of unknown images or categories.
    """
    state = path.stat()
    text = json.dumps([str(path.resolve()), state.st_size, state.st_mtime_ns])
    return cached_array(f"coco-{hashlib.sha256(text.encode()).hexdigest()[:32]}", lambda: _parse(path))


def _parse(path: Path) -> NDArray[Any]:
    try:
        with path.open(encoding="utf-8") as file:
            content = json.load(file, object_hook=_lean)
        images, annotations = content["images"], content["annotations"]
        categories = {int(category["id"]): str(category["name"]) for category in content["categories"]}
        files = [str(image["file_name"]) for image in images]
        if max(map(len, files), default=0) > _MOST_NAME:
            raise ValueError("a file name is longer than any can be")
        ids = _integers(images, "id")
        of_image, of_category = _integers(annotations, "image_id"), _integers(annotations, "category_id")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        # JSON of another form can fail at any of these steps
        reason = f"no {error}" if isinstance(error, KeyError) else str(error)
        raise DataError(f"{path} is not a whole COCO instances file ({reason}): unpack it again.") from None
    if tuple(categories[number] for number in sorted(categories)) != CLASS_NAMES:
        raise DataError(f"{path} has {len(categories)} categories that are not COCO's 80: is it another dataset's?")
    if len(np.unique(ids)) < len(ids) or len(set(files)) < len(files):
        raise DataError(f"{path} lists an image twice: unpack it again.")
    rows = _positions(ids, of_image, "images", path)
    columns = _positions(np.array(sorted(categories), dtype=np.int64), of_category, "categories", path)
    width = max(map(len, files), default=1)
    table = np.zeros(len(ids), dtype=[("id", np.int64), ("file", f"U{width}"), ("labels", bool, (len(CLASS_NAMES),))])
    table["id"], table["file"] = ids, files
    table["labels"][rows, columns] = True
    return table


def _lean(item: dict[str, Any]) -> dict[str, Any]:
    """What is needed of an object, the moment it is read: polygons, nine tenths of the file, are let go at once."""
    return {key: item[key] for key in _KEPT if key in item}


def _integers(items: list[dict[str, Any]], key: str) -> NDArray[np.int64]:
    return np.fromiter((item[key] for item in items), dtype=np.int64, count=len(items))


def _positions(known: NDArray[np.int64], wanted: NDArray[np.int64], kind: str, path: Path) -> NDArray[np.int64]:
    """Where each of `wanted` is in `known`."""
    strange = wanted[~np.isin(wanted, known)]
    if len(strange):
        raise DataError(f"{path} has {len(strange)} annotations of {kind} that it does not list (id {strange[0]}).")
    order = np.argsort(known)
    return order[np.searchsorted(known[order], wanted)]
