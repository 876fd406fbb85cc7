"""What the registry knows of the methods that results name.

Asked by name alone: results may be somebody else's, and the registry would run a method that is the path of a .py file.
"""

from __future__ import annotations

from bench.errors import ConfigError
from bench.plugins import PluginInfo, registry
from bench.plugins.info import split_name


def method_info(name: str) -> PluginInfo | None:
    """Of a method, a variant or a combination of two; None where one is not installed."""
    try:
        parts = split_name(name) or (name,)
    except ConfigError:
        return None
    known = [part for part in registry("method").names() if not part.endswith(".py")]
    return registry("method").entry(name).info if all(part in known for part in parts) else None


def family(name: str) -> str:
    """The method that a variant belongs to; the name itself where that is not installed."""
    info = method_info(name)
    return name if info is None else info.name
