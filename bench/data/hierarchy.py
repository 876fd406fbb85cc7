"""Class trees from JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from bench.errors import DataError
from bench.plugins.dataset import Hierarchy

HIERARCHY_FILE = "hierarchy.json"  # beside a user's own images
_FORMS = (
    'a tree {"animals": {"cat": {}, "dog": {}}}, ancestors by class {"cat": ["animals"]}, or levels '
    '{"fine": [...], "coarse": [...], "fine_to_coarse": [...]}'
)


def hierarchy_beside(folder: Path, class_names: Sequence[str]) -> Hierarchy | None:
    """The tree in the folder's `hierarchy.json`; None where there is no such file.

    Raises:
        DataError: as `read_hierarchy`.
    """
    path = folder / HIERARCHY_FILE
    return read_hierarchy(path, class_names) if path.is_file() else None


def read_hierarchy(path: Path, class_names: Sequence[str]) -> Hierarchy:
    """The tree in a file, in any of three forms: nested objects whose leaves are classes; a list of ancestors, top
    first, for each class; or levels with index lists (`fine`, `coarse`, `fine_to_coarse`; `top`, `fine_to_top`).

    Raises:
        DataError: no JSON, another form, or a class that is not in it.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        paths = _paths(content)
        if not all(isinstance(name, str) for path in paths.values() for name in path):
            raise ValueError("a name is no text")
    except (OSError, ValueError, TypeError, KeyError, IndexError, RecursionError) as error:  # JSON of any other form
        raise DataError(f"{path} is no class tree ({error}): it is {_FORMS}.") from None
    missing = [name for name in class_names if name not in paths]
    if missing:
        raise DataError(
            f"{path} lacks {len(missing)} of {len(class_names)} classes ({', '.join(missing[:3])}): add them."
        )
    return Hierarchy(tuple(paths[name] for name in class_names))


def _paths(content: Any) -> dict[str, tuple[str, ...]]:
    if not isinstance(content, dict) or not content:
        raise ValueError("not an object, or empty")
    if "fine_to_coarse" in content:
        levels = [level for level in ("top", "coarse") if f"fine_to_{level}" in content]
        return {
            name: (*(content[level][content[f"fine_to_{level}"][i]] for level in levels), name)
            for i, name in enumerate(content["fine"])
        }
    if all(isinstance(value, list) for value in content.values()):
        return {name: (*map(str, ancestors), name) for name, ancestors in content.items()}
    return dict(_leaves(content, ()))


def _leaves(tree: dict[str, Any], above: tuple[str, ...]) -> list[tuple[str, tuple[str, ...]]]:
    found = []
    for name, below in tree.items():
        if below is not None and not isinstance(below, dict):
            raise ValueError(f"'{name}' holds {type(below).__name__}, not an object")
        found += _leaves(below, (*above, name)) if below else [(name, (*above, name))]
    return found
