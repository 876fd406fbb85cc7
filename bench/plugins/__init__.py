"""What a plug-in is written against: the contracts of a method, a dataset and a report, and their registry.

Light on purpose: importing this package does not import torch. The contracts live in
`bench.plugins.method`, `bench.plugins.dataset` and `bench.plugins.report`.
"""

from bench.plugins.info import PluginInfo
from bench.plugins.registry import Registry, registry

__all__ = ["PluginInfo", "Registry", "registry"]
