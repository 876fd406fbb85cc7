"""torch's global generator from a named stream, for draws that take no generator (layer initialisation, dropout)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from bench.randomness import torch_stream


@contextmanager
def seeded(seed: int, name: str) -> Iterator[None]:
    """Inside, the global generators are those of the stream `name`; after, they go on as if nothing had been."""
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(torch_stream(seed, name).initial_seed())
        yield
