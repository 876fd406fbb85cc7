"""What a plug-in says of itself, readable without importing it.

Each plug-in module has a top-level `INFO = PluginInfo(...)` whose arguments are literals. `bench list` and
shell completion must answer at once, while a method's module imports torch (more than a second), so the
literals are read from the source text; only what cannot be read that way is imported.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench.errors import ConfigError

_SUFFIX = "-loss"


@dataclass(frozen=True)
class PluginInfo:
    """Name, one-line summary, citation and licence of a plug-in.

    Attributes:
        variants: of a method: name -> (summary, settings that differ from the method's defaults). A variant
            is chosen by its own name, as if it were a method. The method's own name is always one of them.
        splits: of a dataset: name -> summary; the first is the default. Chosen as `dataset@split`.
        version: raised when the same settings would give other results than before; part of a cell's identity.
    """

    name: str
    summary: str
    citation: str = ""
    licence: str = ""
    homepage: str = ""
    version: int = 1
    variants: dict[str, tuple[str, dict[str, Any]]] = field(default_factory=dict)
    splits: dict[str, str] = field(default_factory=dict)


def read_info(module: str) -> PluginInfo:
    """INFO of an importable module, from its source where its arguments are literals."""
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.origin:
        raise ConfigError(f"the plug-in module '{module}' cannot be found: is its package installed?")
    info = read_file_info(Path(spec.origin))
    return info if info is not None else info_of(importlib.import_module(module))


def read_file_info(path: Path) -> PluginInfo | None:
    """INFO of a source file, which is not run; None where it has none, or one that is not made of literals."""
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, SyntaxError, ValueError):
        return None
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="INFO")], value=ast.Call(args=[], keywords=keywords)):
                try:
                    return PluginInfo(**{str(k.arg): ast.literal_eval(k.value) for k in keywords})
                except (ValueError, TypeError):
                    return None
    return None


def info_of(module: Any) -> PluginInfo:
    """INFO of an imported module."""
    info = getattr(module, "INFO", None)
    if not isinstance(info, PluginInfo):
        where = getattr(module, "__file__", module.__name__)
        raise ConfigError(f"{where} is not a plug-in: it has no top-level INFO = PluginInfo(name=..., summary=...).")
    return info


def split_name(name: str) -> tuple[str, str] | None:
    """`crh+csq-loss` -> ("crh", "csq"); None for the name of a single method.

    Raises:
        ConfigError: a plus sign, but not this form.
    """
    if "+" not in name:
        return None
    centers, _, loss = name.partition("+")
    if not centers or "+" in loss or not loss.endswith(_SUFFIX) or loss == _SUFFIX:
        raise ConfigError(f"{name} is not a method: write CENTERS+LOSS-loss, for example crh+csq-loss.")
    return centers, loss.removesuffix(_SUFFIX)


def combined_info(name: str, centers: PluginInfo, loss: PluginInfo) -> PluginInfo:
    """What is known of a combination; its version goes up when that of either part does."""
    return PluginInfo(
        name=name, summary=f"centers of {centers.name}, loss of {loss.name}",
        citation=centers.citation if centers.citation == loss.citation else f"{centers.citation}; {loss.citation}",
        licence=centers.licence, version=centers.version + loss.version, variants={name: ("as named", {})},
    )  # fmt: skip
