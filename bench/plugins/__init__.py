"""What a plug-in is written against: a contract for each of the five kinds, and their registry.

Light on purpose: importing this package does not import torch. The contracts live in its modules `method`, `dataset`,
`report`, `executor` and `tracker`.
"""

from bench.plugins.info import PluginInfo
from bench.plugins.registry import Registry, registry

__all__ = ["PluginInfo", "Registry", "registry"]
