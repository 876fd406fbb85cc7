"""The benchmark of hash-center deep hashing.

What the command line does, a notebook can do: `bench.method`, `bench.hash_centers`, `bench.evaluate`,
`bench.pcc`, `bench.run`. They are looked up on first use, so that `import bench` does not import torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["evaluate", "hash_centers", "method", "pcc", "run"]

if TYPE_CHECKING:
    from bench.api import evaluate, hash_centers, method, pcc, run


def __getattr__(name: str) -> Any:
    if name in __all__:
        from bench import api

        return getattr(api, name)
    raise AttributeError(f"module 'bench' has no attribute '{name}'")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
