"""Heads that were trained in one pass, kept until their cells are stored: the pass is not made again for any of them.

One file holds them all: a pass is kept whole or made again whole, since the last digits of a head hang on its company.
"""

from __future__ import annotations

import hashlib
import shutil
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench.errors import BenchWarning
from bench.plugins.method import Method
from bench.training.checkpoint import Checkpoint
from bench.training.course import Trained
from bench.training.model import HashModel
from bench.training.nested import NotWhole, load_nested, save_nested

State = dict[str, Any]


class KeptPasses:
    """Passes of cells that have `key` in common, as files of one folder."""

    def __init__(self, folder: Path, key: str) -> None:
        self.folder, self.key = folder, key

    def checkpoint(self, cells: Iterable[str]) -> Checkpoint:
        """Of the pass of these cells, until it is kept."""
        return Checkpoint(self.folder / f".training-{self.key}-{_company(cells)}")

    def save(self, heads: Mapping[str, State]) -> None:
        """Keep a pass; where that cannot be, a BenchWarning says so."""
        path = self.folder / f".pass-{self.key}-{_company(heads)}.safetensors"
        try:
            save_nested(path, {"heads": dict(heads)})
        except (OSError, TypeError) as error:
            warnings.warn(f"trained heads cannot be kept in {path} ({error}).", BenchWarning, stacklevel=2)

    def load(self) -> dict[str, State]:
        """Heads of all passes that are kept; a file that is cut counts as none."""
        heads: dict[str, State] = {}
        for path in self._files():
            try:
                heads |= load_nested(path)["heads"]
            except (OSError, NotWhole, KeyError, TypeError):
                continue
        return heads

    def clear(self) -> None:
        """Remove them: their cells are stored."""
        for path in self._files():
            path.unlink(missing_ok=True)
        for folder in self.folder.glob(f".training-{self.key}-*"):  # also of a company that was not the last
            shutil.rmtree(folder, ignore_errors=True)

    def _files(self) -> list[Path]:
        return sorted(self.folder.glob(f".pass-{self.key}-*.safetensors"))


def _company(cells: Iterable[str]) -> str:
    return hashlib.sha256(" ".join(sorted(cells)).encode()).hexdigest()[:16]


def head_state(model: HashModel, method: Method, trained: Trained, seconds: float, together: int) -> State:
    """What a cell needs of its training: network, method, what training has left, its share of the time, the heads."""
    return {
        "model": model.state_dict(), "method": method.state_dict(), "facts": method.facts, "trained": asdict(trained),
        "seconds": seconds, "together": together,
    }  # fmt: skip


def restore(state: State, model: HashModel, method: Method) -> tuple[Trained, float, int] | None:
    """Network and method as `head_state` saw them; what training has left, its seconds, how many heads there were.

    What a method had for its training alone (MDS's bank) is not there before one, and is left out. None where the state
    does not fit, since the code has changed.
    """
    try:
        model.load_state_dict(state["model"])
        method.load_state_dict(state["method"], strict=False)
        method.facts = state["facts"]
        return Trained(**state["trained"]), float(state["seconds"]), int(state["together"])
    except (KeyError, TypeError, ValueError, RuntimeError):
        return None
