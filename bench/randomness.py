"""One root seed, separate named streams.

Each source of chance in a run (codebook, initial assignment, network, loader, augmentation, ...) draws
from its own stream, so that one can be varied while the rest stays as it was, and so that a new draw
added to one place changes nothing elsewhere. A stream is a function of (seed, names) alone.
"""

from __future__ import annotations

import zlib

import numpy as np
import torch


def _sequence(seed: int, names: tuple[str | int, ...]) -> np.random.SeedSequence:
    key = tuple(n if isinstance(n, int) else zlib.crc32(n.encode()) for n in names)
    return np.random.SeedSequence(entropy=seed, spawn_key=key)


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """NumPy generator of the stream `names` under the root `seed` (>= 0)."""
    return np.random.Generator(np.random.PCG64(_sequence(seed, names)))


def torch_stream(seed: int, *names: str | int) -> torch.Generator:
    """The same for torch. On the CPU always: a draw must not depend on the device it is used on."""
    state = int(_sequence(seed, names).generate_state(1, np.uint64)[0] >> np.uint64(1))
    return torch.Generator().manual_seed(state)
