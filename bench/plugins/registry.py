"""Plug-ins by name: from the project's folders, from other packages' entry points, from a file.

A registry knows names and `PluginInfo` without importing anything; `load` imports the one that is used.
Entry points name a module: `my-method = "my_package.my_method"` in the group `bench.methods`.
"""

from __future__ import annotations

import functools
import importlib
import importlib.util
import pkgutil
import sys
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from types import ModuleType
from typing import Any

from bench.errors import ConfigError, UnknownNameError
from bench.plugins.info import PluginInfo, combined_info, info_of, read_file_info, read_info, split_name

_CONTRACTS = {  # kind -> (module and name of the base class)
    "method": ("bench.plugins.method", "Method"),
    "dataset": ("bench.plugins.dataset", "Dataset"),
    "report": ("bench.plugins.report", "Report"),
    "executor": ("bench.plugins.executor", "Executor"),
    "tracker": ("bench.plugins.tracker", "Tracker"),
}


@dataclass(frozen=True)
class Entry:
    """One plug-in: what it says of itself and where its module is."""

    info: PluginInfo
    module: str
    origin: str  # "built in", the distribution that brings it, a file's path, or "combined" (of two methods)
    path: Path | None = None


class Registry:
    """All plug-ins of one kind ("method", "dataset", "report", "executor" or "tracker")."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self.broken: dict[str, str] = {}  # entry point -> why it cannot be used; shown by `bench list`
        self._entries: dict[str, Entry] | None = None

    def entries(self) -> dict[str, Entry]:
        """Plug-ins by name, the project's own first."""
        if self._entries is None:
            self._entries = {e.info.name: e for e in [*self._built_in(), *self._entry_points()]}
        return self._entries

    def names(self) -> list[str]:
        """Every name that can be chosen; a method's variants are names of their own."""
        return [name for e in self.entries().values() for name in [e.info.name, *_others(e.info)]]

    def entry(self, name: str) -> Entry:
        """The plug-in that `name` (its own or a variant's) stands for; a path to a .py file adds it first.

        Raises:
            UnknownNameError: with the nearest known names.
        """
        if name.endswith(".py"):
            return self.add_file(Path(name))
        if self.kind == "method" and "+" in name:
            return self._combination(name)
        for entry in self.entries().values():
            if name == entry.info.name or name in entry.info.variants:
                return entry
        raise UnknownNameError(self.kind, name, self.names())

    def load(self, name: str) -> type[Any]:
        """The class of the plug-in, imported now."""
        entry = self.entry(name)
        if entry.origin == "combined":
            return self._combined_class(entry.info)
        if entry.path is None:
            return self._plugin_class(importlib.import_module(entry.module))
        return self._plugin_class(_import_file(entry.module, entry.path))

    def add_file(self, path: Path) -> Entry:
        """Register the plug-in in a source file: a quick try without a package."""
        try:
            path = path.expanduser().resolve()
            there = path.is_file()
        except (OSError, ValueError, RuntimeError):  # too long, with a NUL, of a user whom nobody knows
            there = False
        if not there:
            raise ConfigError(f"there is no file {path}: give the path of a .py file with a {self.kind}.")
        module = f"bench_file_plugin_{path.stem}"
        info = read_file_info(path) or info_of(_import_file(module, path))
        known = self.entries().get(info.name)
        if known is not None and known.path != path:
            raise ConfigError(
                f"{path} calls its {self.kind} '{info.name}', which is taken ({known.origin}): rename it in INFO."
            )
        entry = Entry(info, module, str(path), path)
        self.entries()[info.name] = entry
        return entry

    def _combination(self, name: str) -> Entry:
        """Of `crh+csq-loss`."""
        parts = split_name(name)
        assert parts is not None
        return Entry(combined_info(name, *(self.entry(part).info for part in parts)), "", "combined")

    def _combined_class(self, info: PluginInfo) -> type[Any]:
        from bench.plugins.combined import combine

        parts = split_name(info.name)
        assert parts is not None
        centers, loss = (self.load(part) for part in parts)
        combined: Any = combine(centers, loss)  # type: ignore[arg-type]
        combined.INFO = info
        return combined

    def _built_in(self) -> list[Entry]:
        package = f"bench.{self.kind}s"
        spec = importlib.util.find_spec(package)
        if spec is None or spec.submodule_search_locations is None:
            return []
        names = [m.name for m in pkgutil.iter_modules(spec.submodule_search_locations)]
        infos = [(n, _own_info(Path(p) / f"{n}.py")) for p in spec.submodule_search_locations for n in sorted(names)]
        return [Entry(info, f"{package}.{n}", "built in") for n, info in infos if info is not None]

    def _entry_points(self) -> list[Entry]:
        entries = []
        for point in sorted(entry_points(group=f"bench.{self.kind}s"), key=lambda p: p.name):
            try:
                info = read_info(point.module)
            except Exception as error:  # somebody else's package must not take ours down
                self.broken[point.name] = f"{type(error).__name__}: {error}"
            else:
                entries.append(Entry(info, point.module, point.dist.name if point.dist else "entry point"))
        return entries

    def _plugin_class(self, module: ModuleType) -> type[Any]:
        base_module, base_name = _CONTRACTS[self.kind]
        base = getattr(importlib.import_module(base_module), base_name)
        own = [
            v for v in vars(module).values()
            if isinstance(v, type) and issubclass(v, base) and v.__module__ == module.__name__
        ]  # fmt: skip
        if len(own) != 1:
            raise ConfigError(
                f"{module.__file__} must define one class derived from {base_module}.{base_name}; it has {len(own)}."
            )
        plugin: Any = own[0]
        plugin.INFO = info_of(module)
        return plugin


def _others(info: PluginInfo) -> list[str]:
    return [name for name in info.variants if name != info.name]


def _own_info(path: Path) -> PluginInfo | None:
    """None for a helper module beside the plug-ins, which has no INFO."""
    return read_file_info(path) if path.is_file() else None


def _import_file(module: str, path: Path) -> ModuleType:
    if module in sys.modules and getattr(sys.modules[module], "__file__", None) == str(path):
        return sys.modules[module]
    spec = importlib.util.spec_from_file_location(module, path)
    assert spec is not None and spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    sys.modules[module] = loaded
    try:
        spec.loader.exec_module(loaded)
    except Exception as error:
        del sys.modules[module]
        raise ConfigError(f"{path} cannot be imported: {type(error).__name__}: {error}.") from error
    return loaded


@functools.cache
def registry(kind: str) -> Registry:
    """The registry of a kind: "method", "dataset", "report", "executor" or "tracker"."""
    return Registry(kind)
