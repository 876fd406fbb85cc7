"""The page's last section: with what each number was made, and the commands that make it again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bench.storage.results import Results
from bench.storage.store import StoredCell

from .._model import Panel

_GIB = 2**30


def provenance(results: Results, found: Sequence[Panel]) -> dict[str, Any]:
    """`facts`: (what, values), each value with the number of cells where they differ; `commands`; `cells`: rows."""
    made = [stored.result.get("provenance") or {} for stored in results.cells]
    facts = [(name, _values([text(each) for each in made])) for name, text in _FACTS.items()]
    commands = list(dict.fromkeys(each["command"] for each in made if each.get("command")))
    titles = {panel.cell.protocol: panel.title for panel in found}
    return {
        "facts": [(name, values) for name, values in facts if values],
        "packages": _values([_packages(each) for each in made]),
        "commands": commands,
        "cells": [_row(stored, commands, titles) for stored in results.cells],
    }  # fmt: skip


def _values(texts: Sequence[str]) -> list[tuple[str, int]]:
    """Distinct texts and how many cells have each; without those that say nothing."""
    return [(text, texts.count(text)) for text in dict.fromkeys(texts) if text]


def _row(stored: StoredCell, commands: Sequence[str], titles: dict[str, str]) -> dict[str, Any]:
    cell, result = stored.cell, stored.result
    made = result.get("provenance") or {}
    command = made.get("command")
    return {
        "id": cell.id, "panel": titles[cell.protocol], "method": cell.method_label, "bits": cell.bits,
        "seed": cell.seed, "status": "finished" if stored.ok else "failed", "map": result["metrics"].get("map"),
        "seconds": result["seconds"]["total"], "peak": made.get("peak_memory_bytes"),
        "command": commands.index(command) + 1 if command else None,
    }  # fmt: skip


def _commit(made: dict[str, Any]) -> str:
    changed = "" if made.get("clean") in (True, None) else ", with changed files"
    return f"{made['commit']}{changed}" if made.get("commit") else ""


def _processor(made: dict[str, Any]) -> str:
    if not made.get("processor"):
        return ""
    memory = f", {made['memory_bytes'] / _GIB:.0f} GiB of memory" if made.get("memory_bytes") else ""
    return f"{made['processor']}, {made.get('usable_cores')} of {made.get('cores')} cores{memory}"


def _gpu(made: dict[str, Any]) -> str:
    gpu = made.get("gpu")
    return f"{gpu['name']}, {gpu['memory_bytes'] / _GIB:.0f} GiB, CUDA {gpu['cuda']}" if gpu else ""


def _seeds(made: dict[str, Any]) -> str:
    seeds = made.get("seeds") or {}
    return "" if seeds.get("cell") is None else f"cell {seeds['cell']}, training {seeds.get('training', '–')}"


def _packages(made: dict[str, Any]) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted((made.get("packages") or {}).items()))


def _plain(name: str) -> Callable[[dict[str, Any]], str]:
    return lambda made: "" if made.get(name) is None else str(made[name])


_FACTS: dict[str, Callable[[dict[str, Any]], str]] = {
    "hash-center-bench": _plain("bench"), "Commit": _commit, "Python": _plain("python"), "System": _plain("platform"),
    "Processor": _processor, "Graphics card": _gpu, "Device": _plain("device"), "Threads": _plain("threads"),
    "Trained together": _plain("trained_together"), "Seeds": _seeds,
}  # fmt: skip
