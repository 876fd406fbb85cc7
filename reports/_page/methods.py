"""The page's methods explained: what the registry says of each, and the settings that were used."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from bench.plugins import PluginInfo
from bench.storage.cell import Cell
from bench.storage.results import Results

from .._known_methods import method_info


def methods_explained(results: Results) -> list[dict[str, Any]]:
    """One for each label: name, summary, citation, licence, homepage, settings by group."""
    cells: dict[str, list[Cell]] = {}
    for stored in results.cells:
        cells.setdefault(stored.cell.method_label, []).append(stored.cell)
    return [_explained(label, of) for label, of in cells.items()]


def _explained(label: str, cells: Sequence[Cell]) -> dict[str, Any]:
    cell = cells[0]
    info = method_info(cell.method)
    if info is None:
        info = PluginInfo(cell.method, "This method is not installed where the page was made.")
    variant, own = info.variants.get(cell.method, ("", {}))
    return {
        "label": label, "summary": info.summary, "citation": info.citation, "licence": info.licence,
        "homepage": info.homepage if info.homepage.startswith(("https://", "http://")) else "",
        "variant": "" if cell.method == info.name and not own else variant, "version": cell.method_version,
        "settings": [
            ("Method", settings([c.method_config for c in cells])),
            ("Training", settings([c.train for c in cells])),
        ],
    }  # fmt: skip


def settings(configs: Sequence[dict[str, Any]]) -> list[tuple[str, str]]:
    """(name, value) of each setting; of one that differs between cells all its values."""
    names = dict.fromkeys(name for config in configs for name in config)
    return [
        (name, ", ".join(dict.fromkeys(shown(config[name]) for config in configs if name in config))) for name in names
    ]


def shown(value: Any) -> str:
    """A setting as a reader writes it."""
    if value is None:
        return "by the method's rule"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple):
        return "(" + ", ".join(shown(part) for part in value) + ")"
    return f"{value:g}" if isinstance(value, float) else str(value)
